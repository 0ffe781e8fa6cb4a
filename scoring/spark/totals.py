"""What all rows of a Spark frame say of one: who is left out, which of unequal duplicates counts, and the totals.

Executors add up their parts by `Context.of`, Spark adds up those. All sums are of whole numbers, so the order in which
it does that changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from scoring import schema
from scoring.context import LEVELS, Context, total_rows
from scoring.spark.rows import CRM_ID, HIT, KEY, USABLE, collect, group_tables, key_text, map_tables
from scoring.validation import find_duplicates

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

__all__ = ["MOST_KEYS", "Counted", "Totals", "add_up", "count_once", "leave_out"]

MOST_KEYS: Final = 200_000
"""Reps, accounts, contacts or duplicates that each task is given; if there are more, Spark joins them to the rows."""

_LEVEL: Final = "level"
_GROUP_ROWS: Final = 50_000


@dataclass(frozen=True, eq=False)
class Counted:
    """The rows of a frame that count, each key once.

    Attributes
    ----------
    rows : pyspark.sql.DataFrame
        Typed, as `rows.type_rows` gives them.
    few : polars.DataFrame or None
        Of each key that has several rows the one that counts, with its `key`; None if there is no such key.
    many : pyspark.sql.DataFrame or None
        The same in the place of `few`, if they are many.
    held : pyspark.sql.DataFrame or None
        What need not be cached any longer once the rows are added up.
    """

    rows: DataFrame
    few: pl.DataFrame | None = None
    many: DataFrame | None = None
    held: DataFrame | None = None


@dataclass(frozen=True, eq=False)
class Totals:
    """Totals of a whole export.

    Attributes
    ----------
    context : Context
        Those of few keys, and those of everyone. A level of many keys is there without any.
    joined : dict of str to pyspark.sql.DataFrame
        Those of many keys, by level: `key` and the totals.
    """

    context: Context
    joined: dict[str, DataFrame]


def leave_out(rows: DataFrame) -> tuple[DataFrame, tuple[str, ...]]:
    """Leave out the rows that are suppressed, and those of the same persons.

    Parameters
    ----------
    rows : pyspark.sql.DataFrame
        Typed rows; `_hit` tells which are named.

    Returns
    -------
    rows : pyspark.sql.DataFrame
        The others.
    people : tuple of str
        Every `crm_id` of a row that is named.
    """
    found = rows.filter(rows[HIT] & rows[CRM_ID].isNotNull()).select(CRM_ID).distinct()
    people = tuple(collect(found)[CRM_ID].sort().to_list())
    kept = rows.filter(~rows[HIT])
    return (kept.join(found, on=CRM_ID, how="left_anti").select(rows.columns) if people else kept), people


def count_once(rows: DataFrame) -> Counted:
    """Take each key once: where it has several rows, the one that is scored.

    Parameters
    ----------
    rows : pyspark.sql.DataFrame
        Typed rows that are not suppressed.

    Returns
    -------
    Counted
    """
    from pyspark.sql import functions as f

    usable = rows.filter(rows[USABLE])
    again = usable.groupBy(KEY).agg(f.count("*").alias("n")).filter("n > 1")
    keys, repeated = again.agg(f.count("*"), f.coalesce(f.sum("n"), f.lit(0))).first()
    if not keys:
        return Counted(usable)
    groups = max(1, repeated // _GROUP_ROWS)
    repeating = usable.join(again.select(KEY), on=KEY, how="left_semi").select(*schema.NAMES, KEY)
    # a group holds many keys whole: to look at each by itself would take a thousand times as long
    group = f.pmod(f.xxhash64(KEY), f.lit(groups))
    winners = group_tables(repeating, group, _win, _win(schema.empty().with_columns(key_text()))).persist()
    once = usable.join(again.select(KEY), on=KEY, how="left_anti").select(*schema.NAMES)
    counted = once.unionByName(winners.select(*schema.NAMES))
    if keys > MOST_KEYS:
        return Counted(counted, many=winners)
    return Counted(counted, few=collect(winners), held=winners)


def _win(table: pl.DataFrame) -> pl.DataFrame:
    """Keep of each key the row that is scored, once; the key is then called `key`."""
    rows = table.select(schema.NAMES)
    everyone = pl.Series([True], dtype=pl.Boolean).new_from_index(0, rows.height)
    unequal, repeat = find_duplicates(rows, everyone)
    return table.filter(~unequal & ~repeat).rename({KEY: "key"})


def add_up(rows: DataFrame, as_of: datetime) -> Totals:
    """Add up rows by rep, account and contact, and all of them.

    Parameters
    ----------
    rows : pyspark.sql.DataFrame
        Typed rows that count, each key once.
    as_of : datetime
        The date of the export.

    Returns
    -------
    Totals
    """
    like = _add_part(schema.empty(), as_of).clear()
    names = [name for name in like.columns if name not in (_LEVEL, "key")]
    parts = map_tables(rows.select(*schema.NAMES), _add_part, like, as_of=as_of)
    totals = parts.groupBy(_LEVEL, "key").agg(*(_together(name, like.schema[name]) for name in names)).persist()
    sizes = dict(collect(totals.groupBy(_LEVEL).count()).iter_rows())
    few = [level for level in LEVELS if sizes.get(level, 0) <= MOST_KEYS]
    found = collect(totals.filter(totals[_LEVEL].isin(few)))
    held = {level: found.filter(level=level).drop(_LEVEL).sort("key") for level in LEVELS}
    everyone = held["org"].drop("key")
    held["org"] = everyone if everyone.height else total_rows(schema.empty(), "org", as_of)
    joined = {
        level: totals.filter(totals[_LEVEL] == level).select("key", *names) for level in LEVELS if level not in few
    }
    if not joined:
        totals.unpersist()
    return Totals(Context(as_of, held), joined)


def _add_part(table: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Add up some rows by every level."""
    totals = Context.of(table.select(schema.NAMES), as_of).totals
    return pl.concat(
        [part.with_columns(pl.lit(level).alias(_LEVEL)) for level, part in totals.items()], how="diagonal"
    ).select(_LEVEL, "key", pl.exclude(_LEVEL, "key"))


def _together(name: str, dtype: pl.DataType) -> Column:
    """Put the totals of parts together: sums are added, of times the first or the last counts."""
    from pyspark.sql import functions as f

    if dtype == pl.Float64:
        return f.sum(name).alias(name)
    return (f.min if name.startswith("first_") else f.max)(name).alias(name)
