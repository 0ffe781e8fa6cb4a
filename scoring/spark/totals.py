"""What all rows of a Spark frame say of one: who is left out, which of unequal duplicates counts, and the totals.

Executors add up their parts by `Context.of`, Spark adds up those. All sums are of whole numbers, so the order in which
it does that changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from scoring import schema
from scoring.config import HORIZON
from scoring.context import LEVELS, Context, level_key, total_rows
from scoring.labels import restore
from scoring.spark.rows import CRM_ID, HIT, KEY, USABLE, collect, group_tables, key_text, map_tables
from scoring.validation import find_duplicates

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["MOST_KEYS", "Counted", "Totals", "add_up", "add_up_some", "context_of", "count_once", "without_suppressed"]

MOST_KEYS: Final = 200_000
"""Reps, accounts, contacts or duplicates that each task is given; if there are more, Spark joins them to the rows."""

_LEVEL: Final = "level"
_AGAIN: Final = "again"  # rows that are equal to a winner
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
    keys, repeated : int
        Keys that several rows have, and those rows.
    """

    rows: DataFrame
    few: pl.DataFrame | None = None
    many: DataFrame | None = None
    held: DataFrame | None = None
    keys: int = 0
    repeated: int = 0

    def repeats(self) -> int:
        """Count the rows that are equal to one that counts.

        Returns
        -------
        int
        """
        winners = self.held if self.many is None else self.many
        return 0 if winners is None else int(collect(winners.groupBy().sum(_AGAIN)).item())


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


def without_suppressed(rows: DataFrame) -> tuple[DataFrame, tuple[str, ...]]:
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
        return Counted(counted, many=winners, keys=keys, repeated=repeated)
    return Counted(counted, few=collect(winners), held=winners, keys=keys, repeated=repeated)


def _win(table: pl.DataFrame) -> pl.DataFrame:
    """Keep of each key the row that is scored, once; the key is then called `key`, and `again` says how often more."""
    rows = table.select(schema.NAMES)
    everyone = pl.Series([True], dtype=pl.Boolean).new_from_index(0, rows.height)
    unequal, repeat = find_duplicates(rows, everyone)
    again = table.filter(repeat).group_by(KEY).agg(pl.len().cast(pl.Int64).alias(_AGAIN))
    winners = table.filter(~unequal & ~repeat).join(again, on=KEY, how="left", maintain_order="left")
    return winners.with_columns(pl.col(_AGAIN).fill_null(0)).rename({KEY: "key"})


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
    totals = _sum(map_tables(rows, _add_part, _like(), as_of=as_of)).persist()
    sizes = dict(collect(totals.groupBy(_LEVEL).count()).iter_rows())
    few = [level for level in LEVELS if sizes.get(level, 0) <= MOST_KEYS]
    context = context_of(collect(totals.filter(totals[_LEVEL].isin(few))), as_of)
    joined = {level: totals.filter(totals[_LEVEL] == level).drop(_LEVEL) for level in LEVELS if level not in few}
    if not joined:
        totals.unpersist()
    return Totals(context, joined)


def add_up_some(rows: DataFrame, as_of: datetime, held: pl.DataFrame, filled: Sequence[str] | None = None) -> Context:
    """Add up rows as `add_up` does, for some of the reps, accounts and contacts.

    Parameters
    ----------
    rows : pyspark.sql.DataFrame
        Typed rows that count, each key once.
    as_of : datetime
        The date of the export.
    held : polars.DataFrame
        Typed rows: their reps, accounts and contacts are those wanted.
    filled : sequence of str, optional
        `labels.filled_counts` of all rows, if they are to be put back by 30 days first.

    Returns
    -------
    Context
    """
    wanted = {
        level: held.select(level_key(level)).to_series().unique().drop_nulls() for level in LEVELS if level != "org"
    }
    parts = map_tables(rows, _add_some, _like(), as_of=as_of, wanted=wanted, filled=filled)
    return context_of(collect(_sum(parts)), as_of if filled is None else as_of - HORIZON)


def context_of(totals: pl.DataFrame, as_of: datetime) -> Context:
    """Make a context of totals.

    Parameters
    ----------
    totals : polars.DataFrame
        `level`, `key` and what was added up.
    as_of : datetime
        Their date.

    Returns
    -------
    Context
        A level of which nothing is there has no totals.
    """
    held = {level: totals.filter(level=level).drop(_LEVEL).sort("key") for level in LEVELS}
    everyone = held["org"].drop("key")
    held["org"] = everyone if everyone.height else total_rows(schema.empty(), "org", as_of)
    return Context(as_of, held)


def _like() -> pl.DataFrame:
    return _add_part(schema.empty(), datetime(1970, 1, 1, tzinfo=UTC)).clear()


def _sum(parts: DataFrame) -> DataFrame:
    """Put the totals of parts together: sums are added, of times the first or the last counts."""
    from pyspark.sql import functions as f

    ways = {name: f.sum if dtype == pl.Float64 else f.max for name, dtype in _like().drop(_LEVEL, "key").schema.items()}
    ways["first_engaged_time"] = f.min
    return parts.groupBy(_LEVEL, "key").agg(*(way(name).alias(name) for name, way in ways.items()))


def _add_some(
    table: pl.DataFrame, as_of: datetime, wanted: Mapping[str, pl.Series], filled: Sequence[str] | None
) -> pl.DataFrame:
    """Add up some rows by every level, for the keys that are wanted."""
    rows = table.select(schema.NAMES)
    back = (rows, as_of) if filled is None else (restore(rows, as_of, filled)[0], as_of - HORIZON)
    is_wanted = [(pl.col(_LEVEL) == level) & pl.col("key").is_in(keys.implode()) for level, keys in wanted.items()]
    return _add_part(*back).filter(pl.any_horizontal(pl.col(_LEVEL) == "org", *is_wanted))


def _add_part(table: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Add up some rows by every level."""
    totals = Context.of(table.select(schema.NAMES), as_of).totals
    return pl.concat(
        [part.with_columns(pl.lit(level).alias(_LEVEL)) for level, part in totals.items()], how="diagonal"
    ).select(_LEVEL, "key", pl.exclude(_LEVEL, "key"))
