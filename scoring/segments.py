"""Segments: how good the chances are for each kind of contact."""

from __future__ import annotations

from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.evidence import evidence_of
from scoring.intervals import interval_of, resample_mean
from scoring.metrics import auc, brier
from scoring.scorecard import Floats

__all__ = ["SEGMENTS", "measure_segments", "segment"]

SEGMENTS: Final = ("seniority", "department", "account_type", "evidence")
"""By what rows are told apart."""

_MOST_VALUES: Final = 8
_LEAST_ROWS: Final = 100
_LEAST_OUTCOMES: Final = 10


def segment(contacts: pl.DataFrame) -> pl.DataFrame:
    """Say which segments each row is in.

    Parameters
    ----------
    contacts : polars.DataFrame
        Typed contacts.

    Returns
    -------
    polars.DataFrame
        The same rows: a text for each of `SEGMENTS`. Vocabularies are free: of each the eight largest values are kept,
        the rest is ``other``, and null is ``unknown``.

    Examples
    --------
    >>> from scoring import schema
    >>> segment(schema.empty(2).with_columns(seniority=pl.Series(["CXO", None])))["seniority"].to_list()
    ['CXO', 'unknown']
    """
    columns = {}
    for name in SEGMENTS[:-1]:
        known = contacts[name].drop_nulls()
        sizes = pl.DataFrame({"value": known}).group_by("value").len().sort("len", "value", descending=[True, False])
        largest = sizes["value"].head(_MOST_VALUES).to_list()
        shown = pl.when(pl.col(name).is_in(largest) | pl.col(name).is_null()).then(pl.col(name))
        columns[name] = shown.otherwise(pl.lit("other")).fill_null("unknown")
    return contacts.select(**columns).with_columns(evidence=evidence_of(contacts).cast(pl.String))


def measure_segments(
    segments: pl.DataFrame, outcome: Floats, chance: Floats, groups: NDArray[np.intp], counts: Floats
) -> pl.DataFrame:
    """Measure chances in each segment.

    Parameters
    ----------
    segments : polars.DataFrame
        What `segment` gave.
    outcome, chance : numpy.ndarray
        The same rows: 0 or 1, and 0 to 1.
    groups, counts : numpy.ndarray
        The same rows' reps and how often they are in each draw, as in `intervals.Resamples`.

    Returns
    -------
    polars.DataFrame
        One row for each value of each segment, the largest first: ``segment``, ``value``, ``rows``, ``outcomes``, and
        ``rate`` (observed), ``expected`` (mean chance), ``gap`` (expected less observed) with ``low`` and ``high``,
        ``auc`` and ``brier``; the latter are null below 100 rows, or 10 that did it or that did not.
    """
    found = []
    for name in segments.columns:
        values = segments[name]
        sizes = values.value_counts().sort("count", name, descending=[True, False])
        for value in sizes[name]:
            inside = np.flatnonzero((values == value).to_numpy())
            found.append({"segment": name, "value": value, **_measure(outcome, chance, groups, counts, inside)})
    return pl.DataFrame(found, schema=_SCHEMA).with_columns(pl.col(pl.Float64).fill_nan(None))


def _measure(
    outcome: Floats, chance: Floats, groups: NDArray[np.intp], counts: Floats, inside: NDArray[np.intp]
) -> dict[str, float]:
    y, p = outcome[inside], chance[inside]
    happened = int(y.sum())
    told: dict[str, float] = {"rows": len(y), "outcomes": happened}
    if len(y) < _LEAST_ROWS or min(happened, len(y) - happened) < _LEAST_OUTCOMES:
        return told
    gap = interval_of(float(p.mean() - y.mean()), resample_mean(p - y, groups[inside], counts))
    level = {"rate": float(y.mean()), "expected": float(p.mean()), "gap": gap.estimate}
    return {**told, **level, "low": gap.low, "high": gap.high, "auc": auc(y, p), "brier": brier(y, p)}


_FIGURES: Final = ("rate", "expected", "gap", "low", "high", "auc", "brier")
_SCHEMA: Final = {
    "segment": pl.String,
    "value": pl.String,
    "rows": pl.Int64,
    "outcomes": pl.Int64,
    **dict.fromkeys(_FIGURES, pl.Float64),
}
