"""Intervals: how much of a figure could be chance, found by drawing reps and dates again.

The contacts of one rep rise and fall together, so it is reps that are drawn, with replacement, and all of a rep's rows
on every date come along. Months differ too, so where several dates are taken together, dates are drawn as well. What is
compared is compared on the same draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import isfinite
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.pairs import Floats
from scoring.validation import key_of

__all__ = ["SHARES", "Interval", "Resamples", "draw_resamples", "interval_of", "resample_mean", "resample_order"]

SHARES: Final = (0.1, 0.2, 0.3)
"""How much of a list is worked, where that is judged."""

Groups = NDArray[np.intp]

_RESAMPLES: Final = 200
_COVERED: Final = 0.95
_FEWEST_REPS: Final = 10  # fewer cannot tell how much they differ; then contacts are drawn
_MOST_GROUPS: Final = 500  # of more reps, some are always drawn together: as good, and cheap
_ROUNDING: Final = 1e-9  # less than that is no difference: two ways to the same number may differ in their last digits
_STEPS: Final = 1000  # of more rows, neighbours in the order count as equal while drawing


@dataclass(frozen=True)
class Interval:
    """A figure and where it lies in 95 of 100 draws.

    Attributes
    ----------
    estimate : float
        The figure itself; NaN where it cannot be measured.
    low, high : float
        Both inclusive; NaN where too few draws could be measured.
    """

    estimate: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Say ``better`` or ``worse`` of a difference beyond chance and rounding, else ``no difference``."""
        if self.low > _ROUNDING:
            return "better"
        return "worse" if self.high < -_ROUNDING else "no difference"

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON; None for NaN."""
        return {name: value if isfinite(value) else None for name, value in asdict(self).items()}


@dataclass(frozen=True, eq=False)
class Resamples:
    """How often each rep, and each date, is in each draw.

    Attributes
    ----------
    by_rep : bool
        Whether reps were drawn; of fewer than ten, contacts are drawn in their place.
    groups : tuple of numpy.ndarray
        For each of the frames that were given, the column of `counts` that each row belongs to.
    counts : numpy.ndarray
        One row a draw, one column a rep.
    dates : numpy.ndarray
        One row a draw, one column for each of the frames.
    """

    by_rep: bool
    groups: tuple[Groups, ...]
    counts: Floats
    dates: Floats


def draw_resamples(frames: Sequence[pl.DataFrame], seed: int = 1) -> Resamples:
    """Draw reps with replacement, the same for all frames, and draw the frames.

    Parameters
    ----------
    frames : sequence of polars.DataFrame
        The rows of one or several dates, each with the fields of the key (`source_email`, `crm_id`, `email`).
    seed : int
        It determines the draws, together with who the reps are; their order does not matter.

    Returns
    -------
    Resamples

    Examples
    --------
    >>> from scoring import schema
    >>> drawn = draw_resamples([schema.empty(2).with_columns(crm_id=pl.Series(["1", "2"]))])
    >>> drawn.by_rep, drawn.counts.shape, drawn.counts[0].sum()
    (False, (200, 2), np.float64(2.0))
    """
    keyed = [frame.select(*key_of("rep", "who")) for frame in frames]
    by_rep = pl.concat([frame["rep"] for frame in keyed]).n_unique() >= _FEWEST_REPS
    labels = [frame["rep" if by_rep else "who"].fill_null("") for frame in keyed]
    # text is sorted by its bytes, so that the same reps are the same columns on every machine
    known = pl.concat(labels).unique().sort()
    groups = tuple(known.search_sorted(each).to_numpy().astype(np.intp) % _MOST_GROUPS for each in labels)
    size = min(len(known), _MOST_GROUPS)
    rng = np.random.default_rng(seed)
    counts, dates = (rng.multinomial(n, np.full(n, 1 / n), _RESAMPLES).astype(np.float64) for n in (size, len(frames)))
    return Resamples(by_rep, groups, counts, dates)


def interval_of(estimate: float, drawn: Floats) -> Interval:
    """Put the interval beside a figure.

    Parameters
    ----------
    estimate : float
        The figure.
    drawn : numpy.ndarray
        The same figure for each draw, NaN where it cannot be measured.

    Returns
    -------
    Interval
        Without borders if fewer than half of the draws can be measured.
    """
    usable = drawn[np.isfinite(drawn)]
    if 2 * len(usable) < len(drawn):
        return Interval(estimate, float("nan"), float("nan"))
    low, high = np.quantile(usable, [(1 - _COVERED) / 2, (1 + _COVERED) / 2])
    return Interval(estimate, float(low), float(high))


def resample_mean(values: Floats, groups: Groups, counts: Floats) -> Floats:
    """Take the mean of values for each draw.

    Parameters
    ----------
    values : numpy.ndarray
        One number a row.
    groups, counts : numpy.ndarray
        As in `Resamples`.

    Returns
    -------
    numpy.ndarray
        One mean a draw; NaN where it has no row.
    """
    size = counts.shape[1]
    total, rows = np.bincount(groups, values, size), np.bincount(groups, minlength=size)
    # added by numpy in its own order, not by a matrix product, which adds as the number of threads has it
    with np.errstate(invalid="ignore"):
        mean: Floats = (counts * total).sum(axis=1) / (counts * rows).sum(axis=1)
    return mean


def resample_order(outcome: Floats, score: Floats, groups: Groups, counts: Floats) -> dict[str, Floats]:
    """Measure an order for each draw.

    Parameters
    ----------
    outcome, score : numpy.ndarray
        One number a row: 0 or 1, and higher is better.
    groups, counts : numpy.ndarray
        As in `Resamples`.

    Returns
    -------
    dict of str to numpy.ndarray
        ``auc``, ``ap``, and ``rate_10``, ``rate_20``, ``rate_30`` of the outcome among the first rows, for each draw;
        NaN where it has not both outcomes.
    """
    step = _steps(score)
    size, steps = counts.shape[1], int(step.max(initial=0)) + 1
    cell = groups * steps + step
    # whole numbers, so that the products are exact and no thread can change them
    rows, hits = (counts @ np.bincount(cell, each, size * steps).reshape(size, -1) for each in (outcome**0, outcome))
    worked, found = np.cumsum(rows, axis=1), np.cumsum(hits, axis=1)
    missed = worked - found
    with np.errstate(invalid="ignore", divide="ignore"):
        below = missed[:, -1:] - missed + (rows - hits) / 2
        area = (hits * below).sum(axis=1) / (found[:, -1] * missed[:, -1])
        precision = np.where(worked > 0, found / np.maximum(worked, 1), 0.0)
        ap = np.where(missed[:, -1] > 0, (hits * precision).sum(axis=1) / found[:, -1], np.nan)
    measured = {"auc": area, "ap": ap}
    for share in SHARES:
        top = [np.interp(share * w[-1], np.append(0, w), np.append(0, f)) for w, f in zip(worked, found, strict=True)]
        both = (found[:, -1] > 0) & (missed[:, -1] > 0)
        measured[f"rate_{share * 100:.0f}"] = np.where(both, top / np.maximum(share * worked[:, -1], 1e-9), np.nan)
    return measured


def _steps(score: Floats) -> Groups:
    """Place of each row in the order, 0 for the best; equal scores share one."""
    above = np.searchsorted(np.sort(-score), -score, side="left")
    return (above * _STEPS // len(score) if len(score) > _STEPS else above).astype(np.intp)
