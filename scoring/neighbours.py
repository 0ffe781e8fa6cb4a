"""A row beside the rest of another export: what its totals would be had it stood there in the place of its old self.

A context holds totals of all rows, the row itself included. To say what the *others* did to a score, a row is taken out
of the totals of one export and put in as it stands in another. For counts that is a difference and a sum of whole
numbers, and so exact; for first and last times it needs the next to the most extreme one.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final

import polars as pl

from scoring.context import LEVELS, level_key, total_rows

__all__ = ["place_beside"]

# totals that are no sums: the field that they are taken of, and whether they are the least
_EXTREMES: Final[Mapping[str, tuple[str, bool]]] = {
    "first_engaged_time": ("first_engaged_time", True),
    "newest_time": ("first_engaged_time", False),
    "last_inbound_time": ("last_inbound_time", False),
}


def place_beside(rows: pl.DataFrame, instead_of: pl.DataFrame, export: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Put beside each row the totals of an export in which it stands in the place of another row.

    Parameters
    ----------
    rows : polars.DataFrame
        Typed contacts.
    instead_of : polars.DataFrame
        As many: for each row the one of the export that it replaces.
    export : polars.DataFrame
        Typed contacts that count in totals; each of `instead_of` is one of them.
    as_of : datetime
        The date up to which tenures are counted, in UTC.

    Returns
    -------
    polars.DataFrame
        The rows in their order, with columns such as ``rep_inbound``, as `Context.join` adds them.

    Examples
    --------
    >>> from datetime import UTC
    >>> from scoring.schema import empty
    >>> export = empty(2).with_columns(source_email=pl.lit("a@b.example"), total_inbound=pl.Series([5, 2]))
    >>> row = export.head(1).with_columns(total_inbound=pl.lit(7))
    >>> place_beside(row, export.head(1), export, datetime(2026, 1, 1, tzinfo=UTC))["rep_inbound"].item()
    9.0
    """
    mine, theirs = _single(rows, as_of), _single(instead_of, as_of)
    out = rows
    for level in LEVELS:
        out = out.hstack(_beside(level, rows, instead_of, mine, theirs, export, as_of))
    return out


def _single(rows: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Totals of each row alone: with a number for an address, every row is a contact of its own."""
    number = pl.int_range(pl.len()).cast(pl.String).str.zfill(12)
    return total_rows(rows.with_columns(email=number), "contact", as_of).drop("key")


def _beside(
    level: str,
    rows: pl.DataFrame,
    replaced: pl.DataFrame,
    mine: pl.DataFrame,
    theirs: pl.DataFrame,
    export: pl.DataFrame,
    as_of: datetime,
) -> pl.DataFrame:
    """Totals of one level: all, less the row replaced where it belongs to the same key, and the row itself."""
    keys, before, everyone = (_keyed(table, level) for table in (rows, replaced, export))
    totals = total_rows(export, level, as_of)
    totals = _keyed(totals, level) if level == "org" else totals
    names = [name for name in totals.columns if name != "key"]
    ends = everyone.group_by("key").agg(_ENDS)
    found = keys.select("key").join(totals, on="key", how="left", maintain_order="left")
    found = found.join(ends, on="key", how="left", maintain_order="left")
    found = found.with_columns(
        (keys["key"] == before["key"]).fill_null(False).alias("stood"),
        *(mine[name].alias(f"mine_{name}") for name in names),
        *(theirs[name].alias(f"theirs_{name}") for name in names),
    )
    known = pl.col("key").is_not_null()
    return found.select(
        pl.when(known).then(_extreme(name) if name in _EXTREMES else _sum(name)).alias(f"{level}_{name}")
        for name in names
    )


def _keyed(table: pl.DataFrame, level: str) -> pl.DataFrame:
    """Add the key of a level; the whole export has one and the same."""
    return table.with_columns(pl.lit("").alias("key") if level == "org" else level_key(level))


def _ends(name: str) -> list[pl.Expr]:
    """Take the most extreme time of a key, and the next; of two equal ones both."""
    field, least = _EXTREMES[name]
    times = pl.col(field).drop_nulls()
    first, two = (times.min(), times.bottom_k(2).max()) if least else (times.max(), times.top_k(2).min())
    return [first.alias(f"first_{name}"), pl.when(times.len() > 1).then(two).alias(f"second_{name}")]


_ENDS: Final = [end for name in _EXTREMES for end in _ends(name)]


def _sum(name: str) -> pl.Expr:
    others = pl.col(name).fill_null(0) - pl.when("stood").then(f"theirs_{name}").otherwise(0.0)
    return others + pl.col(f"mine_{name}")


def _extreme(name: str) -> pl.Expr:
    """Take the most extreme time of the others and of the row."""
    _, least = _EXTREMES[name]
    first, second = pl.col(f"first_{name}"), pl.col(f"second_{name}")
    was_it = pl.col("stood") & (pl.col(f"theirs_{name}") == first).fill_null(False)
    others = pl.when(was_it).then(second).otherwise(first)
    both = (others, pl.col(f"mine_{name}"))
    return pl.min_horizontal(*both) if least else pl.max_horizontal(*both)
