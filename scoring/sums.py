"""Sums: totals of an export too large to hold, part after part, for those reps, accounts and contacts wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import polars as pl

from scoring.config import HORIZON
from scoring.context import LEVELS, Context, level_key
from scoring.labels import filled_counts, restore

__all__ = ["Past", "add_up", "kept_for", "own_text"]

_COLUMNS: Final = {"rep": "source_email", "account": "account_domain", "contact": "email"}
_TOGETHER: Final = {  # what is not here is summed
    "first_engaged_time": pl.col("first_engaged_time").min(),
    "newest_time": pl.col("newest_time").max(),
    "last_inbound_time": pl.col("last_inbound_time").max(),
}


@dataclass(frozen=True, eq=False)
class Past:
    """What all rows of an export say of the 30 days before it, where only a sample of them is kept.

    Attributes
    ----------
    context : Context
        Totals of the whole export put back: of the reps, accounts and contacts in the sample, and of everyone.
    filled : list of str
        `labels.filled_counts` of the whole export.
    """

    context: Context
    filled: list[str]


def add_up(parts: Callable[[], Iterable[pl.DataFrame]], held: pl.DataFrame, when: datetime) -> tuple[Context, Past]:
    """Add up an export, as it is and put back by 30 days.

    Parameters
    ----------
    parts : callable
        Gives all rows that count, part after part; it is called twice. Keys and activity will do.
    held : polars.DataFrame
        Typed contacts: the rows that the totals are wanted beside.
    when : datetime
        The date of the export, in UTC.

    Returns
    -------
    tuple of (Context, Past)
        Totals as `Context.of` gives them for all rows, of the reps, accounts and contacts of `held` and of everyone.
    """
    keys, filled = _keys(held), sorted({name for part in parts() for name in filled_counts(part)})
    now, then = [], []
    for part in parts():
        rows = _blanked(part, keys)
        now.append(_total(rows, when))
        then.append(_total(restore(rows, when, filled)[0], when - HORIZON))
    return _together(now), Past(_together(then), filled)


def kept_for(context: Context, held: pl.DataFrame) -> Context:
    """Keep the totals that belong beside some rows, and those of everyone.

    Parameters
    ----------
    context : Context
        Totals whose keys are not hashed.
    held : polars.DataFrame
        Typed contacts.

    Returns
    -------
    Context
    """
    kept = {level: context.totals[level].filter(pl.col("key").is_in(keys)) for level, keys in _keys(held).items()}
    return Context(
        context.as_of, {**{level: own_text(totals) for level, totals in kept.items()}, "org": context.totals["org"]}
    )


def own_text(rows: pl.DataFrame) -> pl.DataFrame:
    """Give rows texts of their own: those that a filter leaves hold on to the texts of all rows.

    Parameters
    ----------
    rows : polars.DataFrame
        Any rows, such as a few of many.

    Returns
    -------
    polars.DataFrame
        The same.

    Examples
    --------
    >>> own_text(pl.DataFrame({"a": ["x", None], "b": [1, 2]})).rows()
    [('x', 1), (None, 2)]
    """
    return rows.with_columns(pl.col(pl.String) + "")


def _keys(held: pl.DataFrame) -> dict[str, pl.Series]:
    """List the reps, accounts and contacts of some rows, each as one list to look keys up in."""
    return {level: held.select(level_key(level)).to_series().drop_nulls().unique().implode() for level in _COLUMNS}


def _blanked(rows: pl.DataFrame, keys: Mapping[str, pl.Series]) -> pl.DataFrame:
    """Blank all other reps, accounts and contacts, so that rows count for those that are wanted and for everyone."""
    left = {
        column: pl.when(level_key(level).is_in(keys[level])).then(level_key(level))
        for level, column in _COLUMNS.items()
    }
    return rows.with_columns(**left, account_crm_id=pl.lit(None, pl.String))


def _total(rows: pl.DataFrame, when: datetime) -> Context:
    found = Context.of(rows, when)
    return Context(when, {level: own_text(totals) for level, totals in found.totals.items()})


def _together(parts: Sequence[Context]) -> Context:
    """Add up totals of parts; whole numbers add up to the same in any order."""
    totals = {}
    for level in LEVELS:
        rows = pl.concat([part.totals[level] for part in parts]).lazy()
        both = [_TOGETHER.get(name, pl.col(name).sum()) for name in parts[0].totals["org"].columns]
        summed = rows.select(both) if level == "org" else rows.group_by("key").agg(both).sort("key")
        totals[level] = own_text(summed.collect())
    return Context(parts[0].as_of, totals)
