"""The date of an export, which no field holds: given, or inferred from what the rows say about it.

Each last time bounds the date: it is not before that time. The 30-day count beside it says more. A count above 0
means that the last time lies in the 30 days before the date, so the date is at most 30 days after it; a count of 0
means that the date is more than 30 days after it. The date that contradicts the fewest of these bounds is where the
export comes from; a mistyped year contradicts most others and so cannot move it. Of the dates that contradict equally
few, the earliest is taken: just after the newest activity.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from os import PathLike, fspath
from pathlib import PurePath

import polars as pl

from scoring.bounds import Choice, add_up, bounds_in, choose, count_spans, possible_spans
from scoring.errors import InputError
from scoring.reading.scalars import Unreadable, time_of

__all__ = [
    "AsOf",
    "Bounds",
    "agree",
    "conclude",
    "date_of_name",
    "find_possible",
    "infer_as_of",
    "parse_as_of",
]

_STEP = timedelta(seconds=1)
_IN_A_NAME = re.compile(r"(?<!\d)(20\d\d|19\d\d)([-_.]?)(0[1-9]|1[0-2])\2(0[1-9]|[12]\d|3[01])(?!\d)")
_QUIET = timedelta(days=7)  # a quiet organisation's newest activity can lie some days before the export
_MOST_COUNTED = 2**18  # spans of single parts; 16 MB


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
    bounds.add(count_spans(table))
    return bounds.infer([table])


class Bounds:
    """What the rows of an export say of its date, part after part.

    Examples
    --------
    >>> from scoring.schema import empty
    >>> times = pl.Series(["2026-02-03T10:00:00Z"]).str.to_datetime(time_zone="UTC")
    >>> part = empty(1).with_columns(last_inbound_time=times)
    >>> bounds = Bounds()
    >>> for _ in range(2):
    ...     bounds.add(count_spans(part))
    >>> bounds.infer([part, part]).when.isoformat()
    '2026-02-03T10:00:01+00:00'
    """

    def __init__(self) -> None:
        self._counted: list[pl.DataFrame] = []

    def add(self, spans: pl.DataFrame) -> None:
        """Add the bounds of some rows.

        Parameters
        ----------
        spans : polars.DataFrame
            `count_spans` of them.
        """
        self._counted.append(spans)
        if sum(counted.height for counted in self._counted) > _MOST_COUNTED:
            self._counted = [add_up(self._counted)]

    def infer(self, again: Iterable[pl.DataFrame]) -> AsOf:
        """Infer the date from all rows that were added.

        Parameters
        ----------
        again : iterable of polars.DataFrame
            The same rows once more.

        Returns
        -------
        AsOf
            As `infer_as_of` gives it.

        Raises
        ------
        InputError
            If no row has a time.
        """
        spans = add_up(self._counted)
        possible = find_possible(spans)
        return conclude(choose(spans, add_up(bounds_in(table, possible) for table in again)))


def find_possible(spans: pl.DataFrame) -> list[int]:
    """Find the spans that decide on the date.

    Parameters
    ----------
    spans : polars.DataFrame
        `count_spans` of all rows.

    Returns
    -------
    list of int
        See `possible_spans`.

    Raises
    ------
    InputError
        If no row has a time.
    """
    possible = possible_spans(spans)
    if not possible:
        raise InputError(
            "no row has a time, so the date of the export cannot be inferred",
            expected="as_of, or at least one of the first_ and last_ times",
            hint='give the date of the export, as as_of="2026-03-01"',
        )
    return possible


_LAST_SECOND = int(datetime(9999, 12, 31, tzinfo=UTC).timestamp())


def _moment(ticks: int) -> datetime:
    """Return the time of a number of microseconds since 1970, cut to seconds, and to the years that there are."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=min(ticks // 10**6, _LAST_SECOND))


def conclude(choice: Choice) -> AsOf:
    """Make a date of the bound that was chosen, and say where it comes from.

    Parameters
    ----------
    choice : Choice
        What `choose` gave.

    Returns
    -------
    AsOf
        One second after it.

    Examples
    --------
    >>> conclude(Choice(chosen=0, lower=1, upper=0, contradicted=0, nearest=None)).when.isoformat()
    '1970-01-01T00:00:01+00:00'
    """
    when, nearest = _moment(choice.chosen) + _STEP, choice.nearest
    latest = "nothing says how long after" if nearest is None else f"it is not after {_moment(nearest):%Y-%m-%d %H:%M}"
    against = f"{choice.contradicted:,} of them contradict it" if choice.contradicted else "none contradicts it"
    return AsOf(
        when,
        f"inferred from {choice.lower:,} times and {choice.upper:,} counts of the last 30 days: the earliest date that "
        f"fits is {when:%Y-%m-%d %H:%M} UTC, {latest}, {against}",
    )
