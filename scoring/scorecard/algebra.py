"""Scorecards made of scorecards: blended, calibrated, centred, simplified."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike

from scoring.errors import ModelError
from scoring.scorecard.card import Scorecard
from scoring.scorecard.table import Columns, Floats, Table, unite

__all__ = ["calibrate", "centre", "count_bins", "simplify", "weighted_sum"]


def weighted_sum(scorecards: Sequence[Scorecard], weights: Sequence[float]) -> Scorecard:
    """Blend scorecards in log-odds.

    Parameters
    ----------
    scorecards : sequence of Scorecard
        At least one. Their tables may be of different features.
    weights : sequence of float
        One finite weight for each.

    Returns
    -------
    Scorecard
        Its log-odds are the weighted sum of theirs. Thresholds are united, neighbours of equal value merged.

    Examples
    --------
    >>> one = Scorecard(0.0, (Table("mails", [0], [-1, 1, 0]),))
    >>> two = Scorecard(1.0, (Table("mails", [4], [0, 2, 0]),))
    >>> blend = weighted_sum([one, two], [0.5, 0.5])
    >>> blend.intercept, blend.tables[0].thresholds.tolist(), blend.tables[0].values.tolist()
    (0.5, [0.0, 4.0], [-0.5, 0.5, 1.5, 0.0])
    """
    if not scorecards or len(scorecards) != len(weights) or not np.isfinite(weights).all():
        found = f"{len(scorecards)} scorecards and weights {list(weights)}"
        raise ModelError(found, expected="at least one scorecard and one finite weight for each")
    names = dict.fromkeys(name for card in scorecards for name in card.features)
    tables = []
    for name in names:
        thresholds, values = unite([card.table(name) for card in scorecards])
        tables.append(Table(name, thresholds, _weigh(values, weights)))
    intercepts = np.array([[card.intercept] for card in scorecards])
    return simplify(Scorecard(float(_weigh(intercepts, weights)[0]), tuple(tables)))


def calibrate(scorecard: Scorecard, offset: float, slope: float) -> Scorecard:
    """Put ``offset + slope * log_odds`` in the place of a scorecard's log-odds.

    Parameters
    ----------
    scorecard : Scorecard
        What to calibrate.
    offset : float
        In log-odds.
    slope : float
        Above 0, so that the order of rows stays.

    Returns
    -------
    Scorecard

    Examples
    --------
    >>> calibrate(Scorecard(1.0, ()), -0.5, 2.0).intercept
    1.5
    """
    if not math.isfinite(offset) or not math.isfinite(slope) or slope <= 0:
        raise ModelError(f"calibration {offset} + {slope} * log-odds", expected="finite numbers, the slope above 0")
    tables = tuple(replace(table, values=table.values * slope) for table in scorecard.tables)
    return Scorecard(offset + slope * scorecard.intercept, tables)


def count_bins(scorecard: Scorecard, columns: Columns, weights: ArrayLike | None = None) -> dict[str, Floats]:
    """Count how many rows fall into each bin of each table.

    Parameters
    ----------
    scorecard : Scorecard
        Whose bins.
    columns : frame, mapping or sequence
        As in `Scorecard.bins`.
    weights : array-like, optional
        What each row counts for; 1 if not given.

    Returns
    -------
    dict of str to numpy.ndarray
        For each feature one count a bin, the last for missing values.

    Examples
    --------
    >>> card = Scorecard(0.0, (Table("mails", [0], [-1, 1, 0]),))
    >>> count_bins(card, {"mails": [0, 0, 2]})
    {'mails': array([2., 1., 0.])}
    """
    bins, given = scorecard.bins(columns), None if weights is None else np.asarray(weights, dtype=np.float64)
    return {
        table.feature: np.bincount(bins[:, i], weights=given, minlength=len(table.values)).astype(np.float64)
        for i, table in enumerate(scorecard.tables)
    }


def centre(scorecard: Scorecard, counts: Mapping[str, ArrayLike]) -> Scorecard:
    """Make contributions read "against the mean of the reference".

    Parameters
    ----------
    scorecard : Scorecard
        What to centre.
    counts : mapping of str to array-like
        For each feature what each bin counts for in the reference, see `count_bins`.

    Returns
    -------
    Scorecard
        The same log-odds; each table's mean over the reference is 0, the intercept holds the sum of the means.

    Examples
    --------
    >>> card = centre(Scorecard(0.0, (Table("mails", [0], [-1, 1, 0]),)), {"mails": [3, 1, 0]})
    >>> card.intercept, card.tables[0].values.tolist()
    (-0.5, [-0.5, 1.5, 0.5])
    """
    intercept, tables = scorecard.intercept, []
    for table in scorecard.tables:
        weights = np.asarray(counts.get(table.feature, ()), dtype=np.float64)
        if weights.shape != table.values.shape or not (weights >= 0).all() or not 0 < weights.sum() < np.inf:
            found = f"{weights.size} counts for the {len(table.values)} bins of {table.feature!r}"
            raise ModelError(found, expected="one count a bin, none below 0, some above")
        mean = float(np.sum(weights * table.values) / weights.sum())
        intercept += mean
        tables.append(replace(table, values=table.values - mean))
    return Scorecard(intercept, tuple(tables))


def simplify(scorecard: Scorecard) -> Scorecard:
    """Merge neighbouring bins of equal value.

    Parameters
    ----------
    scorecard : Scorecard
        What to simplify.

    Returns
    -------
    Scorecard
        The same contributions for every row, bit for bit.

    Examples
    --------
    >>> simplify(Scorecard(0.0, (Table("mails", [0, 4], [-1, 1, 1, 0]),))).tables[0].thresholds
    array([0.], dtype=float32)
    """
    tables = []
    for table in scorecard.tables:
        steps = np.flatnonzero(table.values[:-2] != table.values[1:-1])
        kept = np.concatenate([steps, [-2, -1]])
        tables.append(Table(table.feature, table.thresholds[steps], table.values[kept]))
    return Scorecard(scorecard.intercept, tuple(tables))


def _weigh(values: Floats, weights: Sequence[float]) -> Floats:
    """Weighted sum of the rows, one after another: a matrix product may add in any order."""
    total = np.zeros(values.shape[1])
    for row, weight in zip(values, weights, strict=True):
        total += weight * row
    return total
