"""The date of an export, which no field holds: given, or inferred from what the rows say about it.

Each last time bounds the date: it is not before that time. The 30-day count beside it says more. A count above 0
means that the last time lies in the 30 days before the date, so the date is at most 30 days after it; a count of 0
means that the date is more than 30 days after it. The date that contradicts the fewest of these bounds is where the
export comes from; a mistyped year contradicts most others and so cannot move it. Of the dates that contradict equally
few, the earliest is taken: just after the newest activity.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from os import PathLike, fspath
from pathlib import PurePath

import numpy as np
import polars as pl

from scoring.errors import InputError
from scoring.reading.scalars import Unreadable, time_of
from scoring.times import Counted, Latest

__all__ = [
    "WINDOW",
    "AsOf",
    "Bounds",
    "Undecided",
    "agree",
    "conclude",
    "date_of_name",
    "find_bounds",
    "infer_as_of",
    "lone_gap",
    "parse_as_of",
]

WINDOW = timedelta(days=30)
"""What ``_30d`` counts look back, from the date of the export."""

_STEP = timedelta(seconds=1)
_IN_A_NAME = re.compile(r"(?<!\d)(20\d\d|19\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_QUIET = timedelta(days=7)  # a quiet organisation's newest activity can lie some days before the export
_DAY = 86_400_000_000  # microseconds
_NEVER = -(2**63)
_LONE_GAP_DAYS, _SPAN_DAYS = 45, 3650

_CHANNELS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("last_inbound_time", ("total_inbound_30d",)),
    ("last_outbound_time", ("total_outbound_30d",)),
    ("last_engaged_time", ("total_emails_30d", "total_meetings_30d")),
)
_FIRST = ("first_inbound_time", "first_outbound_time", "first_engaged_time")


@dataclass(frozen=True, slots=True)
class AsOf:
    """The date of an export.

    Attributes
    ----------
    when : datetime
        In UTC. Everything in the export happened at or before it.
    how : str
        A sentence that says where it comes from.
    """

    when: datetime
    how: str


def parse_as_of(value: datetime | date | str) -> datetime:
    """Read the date of an export as users give it.

    Parameters
    ----------
    value : datetime, date or str
        ISO 8601 text; without a zone it is UTC, without a time of day it is the day's first moment.

    Returns
    -------
    datetime
        In UTC.

    Raises
    ------
    InputError
        If it is none of these.

    Examples
    --------
    >>> parse_as_of("2026-03-01").isoformat()
    '2026-03-01T00:00:00+00:00'
    """
    if isinstance(value, (str, date)):
        try:
            when = time_of(value)
        except Unreadable:
            when = None
        if when is not None and not (isinstance(value, str) and value.strip().isdigit()):
            return when
    shown = repr(value[:30]) if isinstance(value, str) else type(value).__name__  # repr: on one line
    raise InputError(f"as_of is {shown}", expected='a date as "2026-03-01" or "2026-03-01T09:30:00Z"')


def date_of_name(path: str | PathLike[str]) -> datetime | None:
    """Find the date in a file's name.

    Parameters
    ----------
    path : str or path
        For example ``contacts-2026-01-05.csv`` or ``20260105_contacts.parquet``.

    Returns
    -------
    datetime or None
        Midnight in UTC; None if there is no date, or more than one.

    Examples
    --------
    >>> date_of_name("exports/contacts-2026-01-05.csv")
    datetime.datetime(2026, 1, 5, 0, 0, tzinfo=datetime.timezone.utc)
    """
    found = {match.group(1, 3, 4) for match in _IN_A_NAME.finditer(PurePath(fspath(path)).name)}
    if len(found) != 1:
        return None
    try:
        return datetime(*(int(part) for part in found.pop()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def agree(named: datetime | None, inferred: AsOf) -> AsOf:
    """Hold the date of a file's name against what the rows say: the export was made some time on that day.

    Parameters
    ----------
    named : datetime or None
        Midnight of the day in the name, in UTC.
    inferred : AsOf
        What the rows say.

    Returns
    -------
    AsOf
        The later of the two, if the rows say that day or one of the 7 before it; else what the rows say.
    """
    if named is None:
        return inferred
    if named - _QUIET <= inferred.when < named + timedelta(days=1):
        return AsOf(max(named, inferred.when), "in the file's name")
    return AsOf(inferred.when, f"{inferred.how}; the date in the file's name does not fit")


def infer_as_of(table: pl.DataFrame) -> AsOf:
    r"""Infer the date of an export from its rows.

    Parameters
    ----------
    table : polars.DataFrame
        The typed table, see `scoring.reading`.

    Returns
    -------
    AsOf
        One second after the latest bound that holds.

    Raises
    ------
    InputError
        If no row has a time.

    Notes
    -----
    With bounds :math:`l_i \le d` and :math:`d \le u_j` the date is the smallest :math:`d` among the lower bounds
    that minimises :math:`\#\{l_i > d\} + \#\{u_j < d\}`. Where nothing bounds the date
    from above (no 30-day count, or none above 0), a newest row that stands alone is not believed: one that is more
    than 45 days, and more than ten years divided by the number of rows, newer than the next.

    Examples
    --------
    >>> from scoring.schema import empty
    >>> times = pl.Series(["2026-02-03T10:00:00Z", "2025-11-03T10:00:00Z"]).str.to_datetime(time_zone="UTC")
    >>> infer_as_of(empty(2).with_columns(last_inbound_time=times)).when.isoformat()
    '2026-02-03T10:00:01+00:00'
    """
    bounds = Bounds()
    bounds.add(table)
    try:
        return bounds.infer()
    except Undecided:
        bounds = Bounds(exact=True)
        bounds.add(table)
        return bounds.infer()


class Undecided(Exception):  # noqa: N818 (it says what is the case)
    """The bounds that were kept do not decide; all of them would."""


class Bounds:
    """What the rows of an export say of its date, part after part.

    Of the lower bounds only the latest are kept, as only they can decide, unless very many contradict each other.

    Parameters
    ----------
    exact : bool
        Keep all that differ, and how often each came.

    Examples
    --------
    >>> from scoring.schema import empty
    >>> times = pl.Series(["2026-02-03T10:00:00Z"]).str.to_datetime(time_zone="UTC")
    >>> bounds = Bounds()
    >>> for _ in range(2):
    ...     bounds.add(empty(1).with_columns(last_inbound_time=times))
    >>> bounds.infer().when.isoformat()
    '2026-02-03T10:00:01+00:00'
    """

    def __init__(self, *, exact: bool = False) -> None:
        self._newest = Latest()
        self._lower: Latest | Counted = Counted() if exact else Latest()
        self._upper = Counted()

    def add(self, table: pl.DataFrame) -> None:
        """Add the bounds of some rows.

        Parameters
        ----------
        table : polars.DataFrame
            The typed table, see `scoring.reading`.
        """
        newest, lower, upper = find_bounds(table)
        self._newest.add(newest)
        self._lower.add(lower)
        self._upper.add(upper)

    def infer(self) -> AsOf:
        """Infer the date from all rows that were added.

        Returns
        -------
        AsOf
            As `infer_as_of` gives it.

        Raises
        ------
        InputError
            If no row has a time.
        Undecided
            If so many bounds contradict each other that those kept do not decide.
        """
        if not self._newest.count:
            raise InputError(
                "no row has a time, so the date of the export cannot be inferred",
                expected="as_of, or at least one of the first_ and last_ times",
                hint='give the date of the export, as as_of="2026-03-01"',
            )
        lower, upper = self._lower.counted(), self._upper.counted()
        all_lower, all_upper = int(lower[1].sum()) + self._lower.left_out, int(upper[1].sum())
        chosen, contradicted = _fewest(*lower, *upper)
        if self._lower.left_out and contradicted >= lower[1].sum():
            raise Undecided
        beyond = upper[0][upper[0] >= chosen]
        if not len(beyond):
            chosen, doubted = self._without_lone(*lower, chosen)
            return conclude(chosen, all_lower, all_upper, contradicted + doubted, None)
        return conclude(chosen, all_lower, all_upper, contradicted, int(beyond[0]))

    def _without_lone(self, lower: np.ndarray, times: np.ndarray, chosen: int) -> tuple[int, int]:
        """Step down from newest rows that stand alone; return the bound that is left and how many it contradicts."""
        newest = self._newest
        rows = np.sort(newest.times)
        gap = lone_gap(newest.count)
        last = len(rows) - 1
        lowest = len(rows) - 1 - max(1, newest.count // 100)
        while last > max(lowest, 0) and rows[last] - rows[last - 1] > gap:
            last -= 1
        if last == len(rows) - 1:
            return chosen, 0
        believed = int(np.searchsorted(lower, rows[last + 1]))
        if (self._lower.left_out and not believed) or (newest.left_out and not last):
            raise Undecided
        return int(lower[believed - 1]), int(times[believed:].sum())


def _fewest(lower: np.ndarray, of_lower: np.ndarray, upper: np.ndarray, of_upper: np.ndarray) -> tuple[int, int]:
    """Return the earliest lower bound that contradicts the fewest bounds, and how many it contradicts.

    Bounds are distinct and ascend; beside each stands how often it came.
    """
    over = of_lower.sum() - np.cumsum(of_lower)
    before = np.concatenate([[0], np.cumsum(of_upper)])
    against = over + before[np.searchsorted(upper, lower, side="left")]
    best = int(np.argmin(against))
    return int(lower[best]), int(against[best])


def find_bounds(table: pl.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Find what rows say of the date.

    Parameters
    ----------
    table : polars.DataFrame
        The typed table, see `scoring.reading`.

    Returns
    -------
    newest, lower, upper : numpy.ndarray
        The newest time of each row that has one, all lower and all upper bounds, in microseconds since 1970.
    """
    later = int(WINDOW / timedelta(microseconds=1))
    cells = table.select(
        pl.col(*(name for name, _ in _CHANNELS), *_FIRST).to_physical().fill_null(_NEVER),
        *(pl.any_horizontal(pl.col(count) > 0 for count in counts).fill_null(False).alias(f"{name} recent")
          for name, counts in _CHANNELS),
        *(pl.all_horizontal(pl.col(count) == 0 for count in counts).fill_null(False).alias(f"{name} none")
          for name, counts in _CHANNELS),
    )  # fmt: skip
    column = {name: cells[name].to_numpy() for name in cells.columns}
    lower, upper = [], []
    for name, _ in _CHANNELS:
        there, times = column[name] != _NEVER, column[name]
        lower.append((times + later * column[f"{name} none"])[there])
        upper.append(times[there & column[f"{name} recent"]] + later)
    lower.extend(column[name][column[name] != _NEVER] for name in _FIRST)
    newest = np.maximum.reduce([column[name] for name in (*(name for name, _ in _CHANNELS), *_FIRST)])
    return newest[newest != _NEVER], np.concatenate(lower), np.concatenate(upper)


def lone_gap(rows: int) -> float:
    """Say how far a newest row must stand from the next not to be believed.

    Parameters
    ----------
    rows : int
        How many have a time.

    Returns
    -------
    float
        Microseconds; it must be further.

    Examples
    --------
    >>> lone_gap(10) / 86_400_000_000
    365.0
    """
    return max(_LONE_GAP_DAYS, _SPAN_DAYS / rows) * _DAY


_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def _moment(ticks: int) -> datetime:
    """Return the time of a number of microseconds since 1970, cut to seconds, and to the years that there are."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(ticks // 10**6, _LAST_SECOND))


def conclude(chosen: int, lower: int, upper: int, contradicted: int, nearest: int | None) -> AsOf:
    """Make a date of the bound that was chosen, and say where it comes from.

    Parameters
    ----------
    chosen : int
        In microseconds since 1970.
    lower, upper, contradicted : int
        Bounds that there are, and that it contradicts.
    nearest : int or None
        The nearest upper bound after it.

    Returns
    -------
    AsOf
        One second after it.

    Examples
    --------
    >>> conclude(0, 1, 0, 0, None).when.isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    when = _moment(chosen) + _STEP
    latest = "nothing says how long after" if nearest is None else f"it is not after {_moment(nearest):%Y-%m-%d %H:%M}"
    against = "none contradicts it" if not contradicted else f"{contradicted:,} of them contradict it"
    return AsOf(
        when,
        f"inferred from {lower:,} times and {upper:,} counts of the last 30 days: the earliest date that fits is "
        f"{when:%Y-%m-%d %H:%M} UTC, {latest}, {against}",
    )
