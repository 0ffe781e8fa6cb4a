"""What rows say of the date of their export, in memory that does not grow with them.

Each row bounds the date several times over, so the bounds of all rows are too many to hold. How many there are in each
span of 19 hours is little, and tells in which few spans the date can lie; of those, at a second look, every bound is
counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.reading.scalars import EARLIEST

__all__ = [
    "WINDOW",
    "Choice",
    "add_up",
    "bounds_in",
    "choose",
    "count_spans",
    "find_bounds",
    "possible_spans",
]

WINDOW = timedelta(days=30)
"""What ``_30d`` counts look back, from the date of the export."""

_CHANNELS: Final = (
    ("last_inbound_time", ("total_inbound_30d",)),
    ("last_outbound_time", ("total_outbound_30d",)),
    ("last_engaged_time", ("total_emails_30d", "total_meetings_30d")),
)
_LAST: Final = tuple(name for name, _ in _CHANNELS)
_FIRST: Final = ("first_inbound_time", "first_outbound_time", "first_engaged_time")
_TIMES: Final = pl.col(*_LAST, *_FIRST).to_physical()
_COUNTED: Final = tuple(count for _, counts in _CHANNELS for count in counts)

_SIDES: Final[tuple[Literal["left", "right"], ...]] = ("left", "right")
_KINDS: Final = pl.Series(["newest", "lower", "upper"])
_BITS: Final = 36  # of a time in microseconds, which tell where in its span it lies
_DAY: Final = 86_400_000_000  # microseconds
_LATER: Final = WINDOW // timedelta(microseconds=1)
_EARLIEST: Final = int(EARLIEST.timestamp()) * 10**6
_NEVER: Final = _EARLIEST - 3 * _LATER  # however it is moved by a window, it is before all times
_LONE_GAP_DAYS, _SPAN_DAYS = 45, 3650


@dataclass(frozen=True, slots=True)
class Choice:
    """The bound that contradicts the fewest.

    Attributes
    ----------
    chosen : int
        In microseconds since 1970.
    lower, upper, contradicted : int
        Bounds that there are, and that it contradicts.
    nearest : int or None
        The nearest upper bound that is not before it.
    """

    chosen: int
    lower: int
    upper: int
    contradicted: int
    nearest: int | None


def find_bounds(table: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Find what rows say of the date.

    Parameters
    ----------
    table : polars.DataFrame
        The typed table, see `scoring.reading`.

    Returns
    -------
    newest, lower, upper : numpy.ndarray
        The newest time of each row, all lower and all upper bounds, in microseconds since 1970; what is before 1900
        stands for none.
    """
    cells = table.select(_TIMES.fill_null(_NEVER), pl.col(_COUNTED).fill_null(-1))
    column = {name: cells[name].to_numpy() for name in cells.columns}
    newest = np.maximum.reduce([column[name] for name in (*_LAST, *_FIRST)])
    lower, upper = np.empty((6, table.height), np.int64), np.empty((3, table.height), np.int64)
    for place, (name, counts) in enumerate(_CHANNELS):
        times, later = column[name], column[name] + _LATER
        recent = np.logical_or.reduce([column[count] > 0 for count in counts])
        none = np.logical_and.reduce([column[count] == 0 for count in counts])
        upper[place] = np.where(recent, later, _NEVER)
        lower[place] = np.where(none, later, times)
        lower[place + 3] = column[_FIRST[place]]
    return newest, lower.ravel(), upper.ravel()


def count_spans(table: pl.DataFrame) -> pl.DataFrame:
    """Count the bounds of some rows by the span that they lie in.

    Parameters
    ----------
    table : polars.DataFrame
        The typed table, see `scoring.reading`.

    Returns
    -------
    polars.DataFrame
        For each ``kind`` of bound (newest, lower, upper) and each ``at`` (the span: times 2**36 in microseconds since
        1970) how many ``rows``, as Int64.

    Examples
    --------
    >>> from scoring.schema import empty
    >>> times = pl.Series(["2026-02-03T10:00:00Z"]).str.to_datetime(time_zone="UTC")
    >>> count_spans(empty(1).with_columns(last_inbound_time=times)).rows()
    [('newest', 25758, 1), ('lower', 25758, 1)]
    """
    return _laid_down(map(_count, find_bounds(table)))


def _count(times: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the spans in which times lie, ascending, and how many lie in each."""
    before = (_EARLIEST >> _BITS) - 1
    places = times >> _BITS
    places -= before
    np.maximum(places, 0, out=places)
    if places.max(initial=0) > 4 * len(places):  # few times, or one far away: room for all in between is too much
        found, counts = np.unique(places, return_counts=True)
    else:
        every = np.bincount(places)
        found = np.flatnonzero(every)
        counts = every[found]
    first = int(np.searchsorted(found, 1))
    return found[first:] + before, counts[first:]


def _laid_down(counted: Iterable[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> pl.DataFrame:
    """Put what was counted of each kind into one frame."""
    at, rows = zip(*counted, strict=True)
    kinds = np.repeat(np.arange(len(_KINDS)), [len(each) for each in at])
    return pl.DataFrame({"kind": _KINDS.gather(kinds), "at": np.concatenate(at), "rows": np.concatenate(rows)})


def add_up(counted: Iterable[pl.DataFrame]) -> pl.DataFrame:
    """Add up what was counted in parts.

    Parameters
    ----------
    counted : iterable of polars.DataFrame
        What `count_spans`, or `bounds_in`, gave of each part, at least one.

    Returns
    -------
    polars.DataFrame
        The same of all.
    """
    return pl.concat(counted).group_by("kind", "at").agg(pl.col("rows").sum())


def possible_spans(spans: pl.DataFrame) -> list[int]:
    """Find the spans in which the date can lie, and those that hold what else decides.

    Parameters
    ----------
    spans : polars.DataFrame
        `count_spans` of all rows.

    Returns
    -------
    list of int
        Ascending; empty if there is no bound at all.
    """
    (lower, counts), (upper, uppers) = (_of_kind(spans, kind) for kind in ("lower", "upper"))
    if not len(lower):
        return []
    over = counts.sum() - np.cumsum(counts)
    edges = np.concatenate([[0], np.cumsum(uppers)])
    before, until = (edges[upper.searchsorted(lower, side=side)] for side in _SIDES)
    # the latest time of a span contradicts at most as many as that, and every time of it at least so many
    possible = lower[over + before <= (over + until).min()]
    after = upper.searchsorted(possible, side="right")
    lonely = np.empty(0, dtype=np.int64) if (after < len(upper)).all() else _lonely(spans)
    below = np.maximum(lower.searchsorted(lonely) - 1, 0)
    found = {*possible.tolist(), *upper[after[after < len(upper)]].tolist(), *lonely.tolist(), *lower[below].tolist()}
    return sorted(found)


def _of_kind(counted: pl.DataFrame, kind: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Take those of one kind, ascending."""
    found = counted.filter(kind=kind).sort("at")
    return found["at"].to_numpy(), found["rows"].to_numpy()


def _lonely(spans: pl.DataFrame) -> NDArray[np.int64]:
    """Find the spans of the newest rows that may stand alone, and of the row below them, from the newest down."""
    at, rows = (column[::-1] for column in _of_kind(spans, "newest"))
    gap, most = _lone_gap(int(rows.sum())), max(1, int(rows.sum()) // 100)
    near = ((at[:-1] - at[1:] + 1) << _BITS) <= gap
    near |= rows[:-1] > 1
    alone = int(np.argmax(near)) if near.any() else len(near)
    return at[: min(alone, most) + 1]


def bounds_in(table: pl.DataFrame, spans: Sequence[int]) -> pl.DataFrame:
    """Count the bounds of some rows that lie in some spans, each time by itself.

    Parameters
    ----------
    table : polars.DataFrame
        The typed table, see `scoring.reading`.
    spans : sequence of int
        At least one, as in `count_spans`.

    Returns
    -------
    polars.DataFrame
        As `count_spans` gives it, but ``at`` is the time, in microseconds since 1970.
    """
    least, most = (min(spans) << _BITS) - _LATER, (max(spans) + 1) << _BITS
    near = pl.any_horizontal(_TIMES.is_between(least, most))
    found = find_bounds(table.select(_LAST + _FIRST + _COUNTED).filter(near))
    inside = (times[np.isin(times >> _BITS, spans)] for times in found)
    return _laid_down(np.unique(times, return_counts=True) for times in inside)


def choose(spans: pl.DataFrame, exact: pl.DataFrame) -> Choice:
    """Choose the earliest of the lower bounds that contradict the fewest bounds.

    Where no upper bound comes after it, newest rows that stand alone are not believed, see `infer_as_of`; of those
    there is at most one in a hundred, or one in all.

    Parameters
    ----------
    spans : polars.DataFrame
        `count_spans` of all rows.
    exact : polars.DataFrame
        `bounds_in` the `possible_spans`, of all rows; at least one lower bound.

    Returns
    -------
    Choice
    """
    (lower, few), (upper, many) = (_laid_out(spans, exact, kind) for kind in ("lower", "upper"))
    candidates, _ = _of_kind(exact, "lower")
    over = few[-1] - few[lower.searchsorted(candidates, side="right")]
    against = over + many[upper.searchsorted(candidates, side="left")]
    best = int(np.argmin(against))
    chosen, contradicted = int(candidates[best]), int(against[best])
    after = upper.searchsorted(chosen, side="left")
    if after < len(upper):
        return Choice(chosen, int(few[-1]), int(many[-1]), contradicted, int(upper[after]))
    if (lone := _first_lone(spans, exact)) is not None:
        place = lower.searchsorted(lone, side="left")
        chosen, contradicted = int(lower[place - 1]), contradicted + int(few[-1] - few[place])
    return Choice(chosen, int(few[-1]), int(many[-1]), contradicted, None)


def _laid_out(spans: pl.DataFrame, exact: pl.DataFrame, kind: str) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lay out the bounds of a kind: times in order, and how many lie before each and at the end.

    In spans of which not every bound was counted, one time stands for all.
    """
    (at, rows), (times, each) = (_of_kind(counted, kind) for counted in (spans, exact))
    others = ~np.isin(at, times >> _BITS)
    laid = np.concatenate([at[others] << _BITS, times])
    order = laid.argsort(kind="stable")
    return laid[order], np.concatenate([[0], np.cumsum(np.concatenate([rows[others], each])[order])])


def _first_lone(spans: pl.DataFrame, exact: pl.DataFrame) -> int | None:
    """Find the earliest of the newest rows that stand alone."""
    every = int(_of_kind(spans, "newest")[1].sum())
    times, rows = (column[::-1] for column in _of_kind(exact, "newest"))
    near = np.append((times[:-1] - times[1:] <= _lone_gap(every)) | (rows[:-1] > 1), True)
    alone = min(int(np.argmax(near)), len(_lonely(spans)) - 1)  # of rows further down not all are there
    return int(times[alone - 1]) if alone else None


def _lone_gap(rows: int) -> float:
    """Say how far, in microseconds, a newest row must stand from the next not to be believed."""
    return max(_LONE_GAP_DAYS, _SPAN_DAYS / rows) * _DAY
