"""Scorecards as plain JSON types, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from scoring.errors import ModelError
from scoring.scorecard.card import Scorecard
from scoring.scorecard.table import Table

__all__ = ["from_dict", "to_dict"]


def to_dict(scorecard: Scorecard) -> dict[str, Any]:
    """Write a scorecard as plain JSON types, always the same way.

    Parameters
    ----------
    scorecard : Scorecard
        What to write.

    Returns
    -------
    dict
        ``{"intercept": number, "tables": [{"feature", "thresholds", "values"}, ...]}``. Numbers are the shortest that
        read back to the same float64 (values) or float32 (thresholds).

    Examples
    --------
    >>> to_dict(Scorecard(0.5, (Table("mails", [0.1], [-1, 1, 0]),)))
    {'intercept': 0.5, 'tables': [{'feature': 'mails', 'thresholds': [0.1], 'values': [-1.0, 1.0, 0.0]}]}
    """
    tables = [
        {
            "feature": table.feature,
            "thresholds": [_shortest(threshold) for threshold in table.thresholds],
            "values": table.values.tolist(),
        }
        for table in scorecard.tables
    ]
    return {"intercept": scorecard.intercept, "tables": tables}


def from_dict(document: object, known: Sequence[str] | None = None) -> Scorecard:
    """Read what `to_dict` wrote, believing nothing.

    Parameters
    ----------
    document : object
        Parsed JSON.
    known : sequence of str, optional
        Names of the features that exist; others are refused.

    Returns
    -------
    Scorecard

    Raises
    ------
    ModelError
        Naming the table and what is wrong with it: keys missing or unknown, what is not a number, not two values more
        than thresholds, thresholds out of order, numbers that are not finite, a feature unknown or there twice.

    Examples
    --------
    >>> from_dict({"intercept": 0.5, "tables": []})
    Scorecard(intercept=0.5, tables=())
    """
    content = _members(document, ("intercept", "tables"), "the scorecard")
    tables = content["tables"]
    if not isinstance(tables, list):
        raise ModelError("the scorecard's tables are not a list", expected="a list of tables")
    read = []
    for number, entry in enumerate(tables):
        table = _members(entry, ("feature", "thresholds", "values"), f"table {number}")
        feature = table["feature"]
        if not isinstance(feature, str):
            raise ModelError(f"table {number} has no name", expected="the name of a feature")
        if known is not None and feature not in known:
            hint = "use the version of the package that made the model"
            raise ModelError(f"table {number} is for the unknown feature {feature!r}", hint=hint)
        numbers = {key: _numbers(table[key], f"the {key} of {feature!r}") for key in ("thresholds", "values")}
        read.append(Table(feature, np.array(numbers["thresholds"]), np.array(numbers["values"])))
    return Scorecard(_numbers([content["intercept"]], "the intercept")[0], tuple(read))


def _members(document: object, names: tuple[str, ...], where: str) -> dict[str, Any]:
    if not isinstance(document, dict) or set(document) != set(names):
        found = sorted(map(str, document)) if isinstance(document, dict) else type(document).__name__
        raise ModelError(f"{where} is {found}", expected=f"exactly {', '.join(names)}")
    return document


def _numbers(entries: object, where: str) -> list[float]:
    if not isinstance(entries, list) or any(type(entry) not in (float, int) for entry in entries):
        raise ModelError(f"{where} are not all numbers", expected="a list of numbers")
    try:
        return [float(entry) for entry in entries]
    except OverflowError as error:
        raise ModelError(f"{where} hold a number too large", expected="numbers that a float64 holds") from error


def _shortest(number: np.float32) -> float:
    """Return the number of fewest digits that is this float32 again once cast."""
    short = float(str(number))
    # going through float64 rounds twice, so look whether it came back
    return short if np.float32(short) == number else float(number)
