"""The subject of a report: scored contacts as they count, each once, in an order of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import polars as pl

from scoring.config import HORIZON_DAYS
from scoring.errors import InputError
from scoring.scored import Scored, read_scored
from scoring.validation import find_suppressed

__all__ = ["Subject", "day", "look_at", "moment"]

_KEY = ("rep", "who")


@dataclass(frozen=True, eq=False)
class Subject:
    """What a report is about.

    Attributes
    ----------
    scored : Scored
        All rows that came in, the suppressed ones too.
    rows : polars.DataFrame
        The rows that count: scored, not suppressed, equal ones once; the fields, the scores and the keys `rep`, `who`
        and `account`, sorted by key.
    allowed : polars.DataFrame
        All rows that are not suppressed, in the order in which they came: fields and scores.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.
    """

    scored: Scored
    rows: pl.DataFrame
    allowed: pl.DataFrame
    suppress: Sequence[str]

    @property
    def as_of(self) -> datetime:
        """The date of the scores, in UTC."""
        return self.scored.as_of

    @property
    def suppressed(self) -> int:
        """How many rows are left out for that."""
        return self.scored.table.height - self.allowed.height

    @property
    def model_ids(self) -> list[str]:
        """Models by which the rows were scored."""
        return self.rows["model_id"].drop_nulls().unique().sort().to_list()


def look_at(scored: Any, suppress: Sequence[str]) -> Subject:
    """Read scored contacts for a report.

    Parameters
    ----------
    scored : frame, records or path
        As for `report_scores`.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    Subject

    Raises
    ------
    InputError
        If they cannot be read, were not scored, or none is left.
    """
    found = read_scored(scored)
    whole = pl.concat([found.table, found.scores, found.keys], how="horizontal")
    allowed = whole.filter(~find_suppressed(found.table, suppress))
    rows = allowed.filter(pl.col("problem").is_null()).sort(_KEY, nulls_last=True)
    rows = rows.unique(_KEY, keep="first", maintain_order=True)
    if rows.is_empty():
        raise InputError(
            f"none of {whole.height:,} row(s) was scored", expected="scored contacts that are not suppressed"
        )
    return Subject(found, rows, allowed, suppress)


def day(when: datetime) -> str:
    """Write a date as people do.

    Parameters
    ----------
    when : datetime
        In UTC.

    Returns
    -------
    str

    Examples
    --------
    >>> from datetime import UTC
    >>> day(datetime(2026, 1, 5, tzinfo=UTC))
    '5 January 2026'
    """
    return f"{when.day} {_MONTHS[when.month - 1]} {when.year}"


def moment(when: datetime) -> str:
    """Write a date with its time, if it is not midnight."""
    return day(when) if (when.hour, when.minute) == (0, 0) else f"{day(when)}, {when:%H:%M} UTC"


_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
HORIZON = f"{HORIZON_DAYS} days"
