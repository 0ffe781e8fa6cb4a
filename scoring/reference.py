"""The reference of a model: how its features and chances lay in the export that it was made on, to compare with later.

A feature's part of it is a table whose values are shares of rows, so that it bins as scoring does.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.config import TARGETS, Target
from scoring.errors import ModelError
from scoring.scorecard import Floats, Scorecard, Table, count_bins, from_dict, to_dict

__all__ = ["Reference", "count_shares", "make_reference", "mean_chance", "past_rates", "spread_of"]

_BINS: Final = 10
_MEMBERS: Final = ("rows", "features", "chances", "past_rows", "past_rates")
_PRIORITY: Final = "priority"
_HINT: Final = "save the model again"


@dataclass(frozen=True)
class Reference:
    """How things lay in the newest export that a model was made on.

    Of a recalibrated model the levels (`chances`, `priority`, `past_rows`, `past_rates`) are of the newest export that
    it was recalibrated on, and the rest is of the one before.

    Attributes
    ----------
    rows : int
        Rows of the export, at least 1.
    features : tuple of Table
        For each feature that the model uses: up to 9 inner deciles as thresholds, and as values the share of rows in
        each bin, the last for missing ones. They add up to 1.
    chances : mapping of target to float
        Mean chance of each of the four targets, beside the export's context.
    past_rows : int
        Rows with history 30 days before the date of the export; 0 where that is not known.
    past_rates : mapping of target to float
        Of those rows, the share that wrote (`reply`), met (`meeting`), or either (`engaged`) in those 30 days, among
        the rows of which it is known; empty where nothing is.
    priority : Table or None
        The same as a feature's, of `priority`: the model's quantiles may be those of an earlier model, whose tiers it
        keeps. None in models of before.
    """

    rows: int
    features: tuple[Table, ...]
    chances: Mapping[Target, float]
    past_rows: int
    past_rates: Mapping[Target, float]
    priority: Table | None = None

    def to_dict(self) -> dict[str, Any]:
        """Write it as plain JSON types, always the same way."""
        return {
            "rows": self.rows,
            "features": to_dict(Scorecard(0.0, self.features))["tables"],
            "chances": dict(self.chances),
            "past_rows": self.past_rows,
            "past_rates": dict(self.past_rates),
            **({} if self.priority is None else {_PRIORITY: to_dict(Scorecard(0.0, (self.priority,)))["tables"]}),
        }

    @classmethod
    def from_dict(cls, document: object, known: Sequence[str]) -> Reference:
        """Read what `to_dict` wrote, believing nothing.

        Parameters
        ----------
        document : object
            Parsed JSON.
        known : sequence of str
            The features that the model uses; it must be of these, and of all of them.

        Returns
        -------
        Reference

        Raises
        ------
        ModelError
            If it is damaged.
        """
        if not isinstance(document, dict) or set(document) - {_PRIORITY} != set(_MEMBERS):
            raise ModelError("the reference is damaged", expected=f"exactly {', '.join(_MEMBERS)}", hint=_HINT)
        tables = from_dict({"intercept": 0.0, "tables": document["features"]}, known=known).tables
        if {table.feature for table in tables} != set(known):
            raise ModelError("the reference lacks features of the model", expected=f"{len(known)}", hint=_HINT)
        spread = from_dict({"intercept": 0.0, "tables": document.get(_PRIORITY, [])}, known=[_PRIORITY]).tables
        for table in (*tables, *spread):
            if (table.values < 0).any() or abs(table.values.sum() - 1) > 1e-9:
                raise ModelError(f"the reference of {table.feature!r} holds no shares of rows", hint=_HINT)
        rows, past_rows = document["rows"], document["past_rows"]
        if type(rows) is not int or type(past_rows) is not int or past_rows < 0 or rows < 1:
            raise ModelError("the reference has no numbers of rows", expected="whole numbers", hint=_HINT)
        chances, rates = (_shares(document[name], f"the reference's {name}") for name in ("chances", "past_rates"))
        if set(chances) != set(TARGETS):
            raise ModelError("the reference lacks a mean chance", expected=", ".join(TARGETS), hint=_HINT)
        return cls(rows, tables, chances, past_rows, rates, next(iter(spread), None))


def make_reference(
    features: pl.DataFrame,
    with_context: Mapping[Target, Scorecard],
    without_context: Mapping[Target, Scorecard],
    past: pl.DataFrame | None = None,
) -> Reference:
    """Take down how things lie in an export.

    Parameters
    ----------
    features : polars.DataFrame
        All features of its rows, at least one.
    with_context, without_context : mapping of target to Scorecard
        The model's; the features that any of them looks at are taken down.
    past : polars.DataFrame, optional
        Labels of the export put back by 30 days (`labels.step_back`).

    Returns
    -------
    Reference
        The same, to the last bit, whatever the order of rows.

    Examples
    --------
    >>> card = Scorecard(0.0, (Table("mails", [0], [-1, 1, 0]),))
    >>> cards = dict.fromkeys(TARGETS, card)
    >>> found = make_reference(pl.DataFrame({"mails": [0.0, 0.0, 3.0, None]}), cards, cards)
    >>> found.features[0].thresholds.tolist(), found.features[0].values.tolist()
    ([0.0], [0.5, 0.25, 0.25])
    """
    names = sorted(set(chain(*(card.features for card in (*with_context.values(), *without_context.values())))))
    edges = Scorecard(0.0, tuple(_deciles(name, features[name]) for name in names))
    shares = count_shares(edges.tables, features)
    chances = {target: mean_chance(with_context[target], features) for target in TARGETS}
    return Reference(
        rows=features.height,
        features=tuple(Table(table.feature, table.thresholds, shares[table.feature]) for table in edges.tables),
        chances=chances,
        past_rows=0 if past is None else past.height,
        past_rates={} if past is None else past_rates(past),
        priority=spread_of(with_context["engaged"].probability(features)),
    )


def spread_of(priority: Floats) -> Table:
    """Take down how priorities lie: deciles, and the share of rows in each bin."""
    column = pl.DataFrame({_PRIORITY: priority})
    edges = _deciles(_PRIORITY, column[_PRIORITY])
    return Table(_PRIORITY, edges.thresholds, count_shares((edges,), column)[_PRIORITY])


def count_shares(tables: Sequence[Table], features: pl.DataFrame) -> dict[str, Floats]:
    """Find the share of rows in each bin of some tables.

    Parameters
    ----------
    tables : sequence of Table
        Whose thresholds.
    features : polars.DataFrame
        At least one row.

    Returns
    -------
    dict of str to numpy.ndarray
        For each feature one share a bin, the last for missing values.
    """
    counts = count_bins(Scorecard(0.0, tuple(tables)), features)
    return {name: count / features.height for name, count in counts.items()}


def mean_chance(card: Scorecard, features: pl.DataFrame) -> float:
    """Mean chance by a scorecard; summed in order, so that the order of rows changes no bit."""
    return float(np.sort(card.probability(features)).mean())


def past_rates(past: pl.DataFrame) -> dict[Target, float]:
    """Share of known rows with each outcome; answers are known for a part only, so they have none."""
    each: tuple[Target, ...] = ("reply", "meeting", "engaged")
    return {name: int(past[name].sum()) / past[name].count() for name in each if past[name].count()}


def _deciles(feature: str, column: pl.Series) -> Table:
    """Take deciles that are values of rows as thresholds, but none at the end: above it there would be nothing."""
    known = np.sort(column.drop_nulls().drop_nans().to_numpy().astype(np.float32))
    places = -(-np.arange(1, _BINS) * len(known) // _BINS) - 1
    inner = np.unique(known[places]) if len(known) else known
    inner = inner[inner < known[-1]] if len(known) else inner
    return Table(feature, inner, np.zeros(len(inner) + 2))


def _shares(document: object, what: str) -> dict[Target, float]:
    """Read shares by target."""
    if not isinstance(document, dict) or not set(document) <= set(TARGETS):
        raise ModelError(f"{what} are damaged", expected=f"shares by {', '.join(TARGETS)}", hint=_HINT)
    if any(type(value) not in (int, float) or not 0 <= value <= 1 for value in document.values()):
        raise ModelError(f"{what} are not between 0 and 1", expected="shares", hint=_HINT)
    return {target: float(document[target]) for target in TARGETS if target in document}
