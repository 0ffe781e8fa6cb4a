"""Totals of an export that is too large to hold: rows know each other by hashes of their keys.

The same totals as `context` gives, bit for bit, at a fraction of the cost: texts are hashed once, and a contact's
address that no other row has needs no total, since the row is its own. Hashes are of 64 bits and of this process alone;
that two of ten million keys share one has a chance of 3 in a million.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.context import LEVELS, raw_key, summands, total, totals_of_one
from scoring.letters import in_lower_case
from scoring.schema import same_time

__all__ = ["HASHES", "KEY", "Totals", "find_repeated", "hash_keys", "repeated"]

HASHES: Final[Mapping[str, str]] = {level: f"_{level}" for level in LEVELS if level != "org"}
"""Columns of hashes, by level; null where the row belongs to none."""
KEY: Final = "_key"
_CONTACT: Final = "contact"
_ROWS_AT_ONCE: Final = 2_000_000
_KEYS_AT_ONCE: Final = 500_000
_SMALL: Final = pl.UInt32


def hash_keys(table: pl.DataFrame) -> pl.DataFrame:
    """Hash the keys of rows: that by which they are the same, and those by which they are added up.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order: UInt64 columns `HASHES`, and `KEY`, which is the same for rows of the same rep
        and contact, and hardly ever for others.
    """
    keys = table.select(*(raw_key(level).alias(name) for level, name in HASHES.items()), crm="crm_id")
    keys = keys.with_columns(in_lower_case(keys[name]) for name in HASHES.values())
    rep, contact = HASHES["rep"], HASHES[_CONTACT]
    hashed = keys.select(
        *(pl.col(name).hash() for name in HASHES.values()),
        *(pl.col(name).is_not_null().alias(f"{name}?") for name in HASHES.values()),
        who=pl.when(pl.col("crm").is_not_null())
        .then(pl.col("crm").hash(seed=1))
        .otherwise(pl.col(contact).hash(seed=2)),
    )
    # an odd factor keeps all of the hash's bits; sums go round at 2**64
    key = hashed[rep].to_numpy() * _ODD + hashed["who"].to_numpy()
    there = [pl.when(f"{name}?").then(name).alias(name) for name in HASHES.values()]
    return hashed.select(*there, pl.lit(pl.Series(key)).alias(KEY))


_ODD: Final = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, eq=False)
class Totals:
    """Totals of one whole export, to put beside its own rows.

    Attributes
    ----------
    as_of : datetime
        The date of the export, in UTC.
    levels : mapping of str to polars.DataFrame
        As in a `Context`, with the hash as `key`, ascending; of contacts only those with several rows.
    """

    as_of: datetime
    levels: Mapping[str, pl.DataFrame]

    @classmethod
    def of(cls, rows: pl.LazyFrame, as_of: datetime, only: Collection[str]) -> Totals:
        """Add up rows that count.

        Parameters
        ----------
        rows : polars.LazyFrame
            Typed contacts with `HASHES`.
        as_of : datetime
            The date of the export, in UTC.
        only : collection of str
            The totals wanted, such as ``rep_inbound``.

        Returns
        -------
        Totals
        """
        levels = {}
        for level in LEVELS:
            names = sorted(name.removeprefix(f"{level}_") for name in only if name.startswith(f"{level}_"))
            if level == "org":
                levels[level] = total(summands(rows, as_of, {}), level).select(names).collect(engine="streaming")
                continue
            column, found = HASHES[level], []
            if level == _CONTACT:
                several = pl.Series(find_repeated(rows, column))
                part, keys = rows.filter(pl.col(column).is_in(several.implode())), len(several)
            else:
                part, keys = rows, _about_how_many(rows, column)
            for within in _ranges(column, keys, _KEYS_AT_ONCE):
                added = total(summands(part.filter(within), as_of, {level: pl.col(column)}), level)
                found.append(added.select("key", *names).collect(engine="streaming"))
            levels[level] = _joined(found)
        return cls(as_of, levels)

    @cached_property
    def _indexes(self) -> dict[str, _Index]:
        return {level: _Index(self.levels[level]["key"].to_numpy()) for level in HASHES}

    def join(self, table: pl.DataFrame, only: Collection[str] | None = None) -> pl.DataFrame:
        """Put the totals beside each row.

        Parameters
        ----------
        table : polars.DataFrame
            Typed contacts of the same export, with `HASHES`.
        only : collection of str, optional
            The columns wanted; all there are by default.

        Returns
        -------
        polars.DataFrame
            As `Context.join` gives it. Rows that do not count in the totals have no right ones.
        """
        beside: list[pl.Series] = []
        for level, totals in self.levels.items():
            names = {name: f"{level}_{name}" for name in totals.columns if name != "key"}
            wanted = totals.select(
                pl.col(name).alias(full) for name, full in names.items() if only is None or full in only
            )
            if level == "org":
                beside.extend(column.new_from_index(0, table.height) for column in wanted)
            elif wanted.width:
                keys = table[HASHES[level]]
                places = self._indexes[level].places(keys)
                own = _own(wanted.columns, table, keys, self.as_of) if level == _CONTACT else None
                if own is None or places.null_count() < len(places):
                    gathered = wanted.select(pl.all().gather(places)).cast({_SMALL: pl.Float64})
                    own = gathered if own is None else _first(own, gathered, places.is_null())
                beside.extend(own)
        return table.with_columns(beside)


def _joined(frames: list[pl.DataFrame]) -> pl.DataFrame:
    """Put frames one behind the other, column by column so that not all are there twice, and numbers as small ones."""
    columns = {name: [frame[name] for frame in frames] for name in frames[0].columns}
    frames.clear()
    return pl.DataFrame([_small(pl.concat(columns.pop(name)).rechunk()) for name in list(columns)])


def _small(column: pl.Series) -> pl.Series:
    """Take half the memory for numbers if all of them are whole and not too large."""
    if column.dtype != pl.Float64:
        return column
    small = column.cast(_SMALL, strict=False)
    return small if (small.cast(pl.Float64) == column).all(ignore_nulls=False) else column


def _about_how_many(rows: pl.LazyFrame, column: str) -> int:
    """Estimate the number of distinct hashes by those of a 64th, as hashes lie evenly."""
    some = rows.filter(pl.col(column) < 2**58).select(pl.col(column).n_unique())
    return 64 * int(some.collect(engine="streaming").item())


def _ranges(column: str, many: int, at_once: int) -> list[pl.Expr]:
    """Cut the hashes of a column into ranges, ascending, so that one after the other takes a bounded memory."""
    parts = -(-many // at_once)
    key = pl.col(column)
    if parts <= 1:
        return [key.is_not_null()]
    ends = [2**64 * part // parts for part in range(parts + 1)]
    bounds = [(pl.lit(low, pl.UInt64), pl.lit(high - 1, pl.UInt64)) for low, high in zip(ends, ends[1:], strict=False)]
    return [key.is_between(*within) for within in bounds]


def find_repeated(rows: pl.LazyFrame, column: str) -> NDArray[np.uint64]:
    """Find the hashes that stand in several of very many rows.

    Parameters
    ----------
    rows : polars.LazyFrame
        Any.
    column : str
        UInt64; null does not count.

    Returns
    -------
    numpy.ndarray
        Each once, ascending.
    """
    hashes = rows.select(column)
    many = hashes.select(pl.len()).collect(engine="streaming").item()
    found = [
        repeated(hashes.filter(within).collect(engine="streaming").to_series())
        for within in _ranges(column, many, _ROWS_AT_ONCE)
    ]
    return np.concatenate(found)


def repeated(hashes: pl.Series) -> NDArray[np.uint64]:
    """Find the hashes that stand in several rows.

    Parameters
    ----------
    hashes : polars.Series
        UInt64, one a row; null does not count.

    Returns
    -------
    numpy.ndarray
        Each once, ascending.

    Examples
    --------
    >>> repeated(pl.Series([7, None, 3, 7, None], dtype=pl.UInt64))
    array([7], dtype=uint64)
    """
    ordered = hashes.drop_nulls().sort(multithreaded=False).to_numpy()  # numpy takes three times as long
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


class _Index:
    """Finds keys among known ones, which are hashes and so lie evenly: the first bits nearly say the place."""

    def __init__(self, known: NDArray[np.uint64]) -> None:
        bits = min(max(len(known).bit_length() + 1, 1), 32)
        self._shift = np.uint64(64 - bits)
        self._first = np.searchsorted(known >> self._shift, np.arange(2**bits, dtype=np.uint64)).astype(np.uint32)
        self._known = np.append(known, np.uint64(2**64 - 1))  # a place behind the last one
        self._rows = len(known)

    def places(self, keys: pl.Series) -> pl.Series:
        """Find the place of each key, null where it is null or not known."""
        wanted = keys.fill_null(0).to_numpy()
        places = self._first.take((wanted >> self._shift).view(np.int64))
        left = np.flatnonzero(self._known.take(places) < wanted)
        while len(left):
            places[left] += 1
            left = left[self._known.take(places[left]) < wanted[left]]
        there = (self._known.take(places) == wanted) & (places < self._rows)
        return pl.Series(places).set(~pl.Series(there) | keys.is_null(), None)


def _own(names: Sequence[str], table: pl.DataFrame, keys: pl.Series, as_of: datetime) -> pl.DataFrame:
    """Take the row's own numbers for the totals of a contact, as they are where the contact has no other row."""
    own = totals_of_one(table.with_columns(same_time(as_of, table.height)), _CONTACT)
    return own.select(pl.when(keys.is_not_null()).then(pl.col(names)))


def _first(one: pl.DataFrame, other: pl.DataFrame, which: pl.Series) -> pl.DataFrame:
    """Take the rows of the one where it is true, else those of the other."""
    return pl.DataFrame([mine.zip_with(which, theirs) for mine, theirs in zip(one, other, strict=True)])
