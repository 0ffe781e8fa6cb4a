"""Rows of the same rep and contact: which of unequal ones is kept, and which equal ones repeat another."""

from __future__ import annotations

import polars as pl

from scoring.schema import NAMES

__all__ = ["find_duplicates", "key_hashes", "key_of"]

_REP = pl.col("source_email").str.to_lowercase()
_WHO = pl.coalesce("#" + pl.col("crm_id"), "@" + pl.col("email").str.to_lowercase())


def key_of(rep: str, who: str) -> tuple[pl.Expr, pl.Expr]:
    """Make the key of a row: its rep, and its contact by `crm_id`, or by `email` where that is missing.

    Parameters
    ----------
    rep, who : str
        Names for the two columns.

    Returns
    -------
    tuple of polars.Expr
        Two texts. Case does not count in addresses; a missing `source_email` is a rep of its own.
    """
    return _REP.alias(rep), _WHO.alias(who)


def key_hashes(table: pl.DataFrame) -> pl.Series:
    """Hash the key of each row, for this process alone.

    Parameters
    ----------
    table : polars.DataFrame
        The typed table.

    Returns
    -------
    polars.Series
        UInt64, the same for rows of the same key, and hardly ever for others.

    Examples
    --------
    >>> from scoring.schema import empty
    >>> key_hashes(empty(2)).n_unique()
    1
    """
    return table.select(key=pl.struct(*key_of("rep", "who")).hash())["key"]


def find_duplicates(table: pl.DataFrame, taking_part: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Find the rows that lose against another of their key, and those that are equal to one above.

    Parameters
    ----------
    table : polars.DataFrame
        The typed table.
    taking_part : polars.Series
        Which rows count; the others neither win nor lose.

    Returns
    -------
    unequal : polars.Series
        Boolean: another row of the key differs and was engaged later, or comes after it in the order of all fields.
    repeat : polars.Series
        Boolean: a row above is equal in all fields, and neither loses.

    Notes
    -----
    The key is `source_email` with `crm_id`, or with `email` where that is missing; case does not count in addresses,
    and a missing `source_email` is a rep of its own.

    Examples
    --------
    >>> from scoring.schema import empty
    >>> table = empty(3).with_columns(crm_id=pl.lit("7"), total_inbound=pl.Series([5, 4, 5]))
    >>> [found.to_list() for found in find_duplicates(table, pl.Series([True] * 3))]
    [[False, True, False], [False, False, True]]
    """
    none = pl.Series([False], dtype=pl.Boolean).new_from_index(0, table.height)
    if table.height < 2:
        return none, none.alias("repeat")
    keys = key_hashes(table).filter(taking_part)
    if keys.n_unique() == len(keys):
        return none, none.alias("repeat")
    rows = table.with_row_index("_row").with_columns(*key_of("_rep", "_who")).filter(taking_part)
    rows = rows.filter(pl.struct("_rep", "_who").is_duplicated())
    latest = pl.max_horizontal("last_engaged_time", "last_inbound_time", "last_outbound_time")
    rows = rows.with_columns(_latest=latest).sort(
        *("_rep", "_who", "_latest", *NAMES, "_row"),
        descending=[False, False, True, *[True] * len(NAMES), False],
        nulls_last=True,
    )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).first().over("_rep", "_who")) for name in NAMES)
    rows = rows.select("_row", _same=same, _again=pl.int_range(pl.len()).over("_rep", "_who") > 0)
    unequal = none.clone().scatter(rows.filter(~pl.col("_same"))["_row"], True)
    repeat = none.clone().scatter(rows.filter("_same", "_again")["_row"], True)
    return unequal, repeat.alias("repeat")
