"""What the rest of the export says about a row: totals of its rep, its account, its contact address and everyone.

A row alone does not tell a silent contact of a busy rep from one of a rep who left. The totals here do, and they are
small: they can be saved, and a single record out of a CRM is then scored as it would be inside the export.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache, cached_property
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import InputError
from scoring.finder import Finder, hash_key
from scoring.paths import local_path
from scoring.schema import empty, same_time
from scoring.writing import beside

__all__ = ["LEVELS", "SOURCES", "Context", "level_key", "raw_key", "summands", "total", "total_rows", "totals_of_one"]

_FORMAT: Final = "1"
_HEADER: Final = "scoring.context"
_OF_POLARS: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException)  # damaged Parquet gives either

_KEYS: Final[Mapping[str, pl.Expr]] = {
    "rep": pl.col("source_email"),
    "account": pl.coalesce("account_domain", "account_crm_id"),
    "contact": pl.col("email"),
}
LEVELS: Final = (*_KEYS, "org")
"""What rows are added up by; `org` is the whole export."""

_INBOUND, _OUTBOUND, _RECENT = pl.col("total_inbound"), pl.col("total_outbound"), pl.col("total_inbound_30d")
_AS_OF: Final = "as_of"
_SUMS: Final[Mapping[str, pl.Expr]] = {
    # as floats: sums of absurd counts must not overflow, and below 2**53 they are exact
    "inbound": _INBOUND.cast(pl.Float64),
    "outbound": _OUTBOUND.cast(pl.Float64),
    "meetings": pl.col("total_meetings").cast(pl.Float64),
    "inbound_30d": _RECENT.cast(pl.Float64),
    "outbound_30d": pl.col("total_outbound_30d").cast(pl.Float64),
    "meetings_30d": pl.col("total_meetings_30d").cast(pl.Float64),
    "rows_active": _RECENT > 0,
    "rows_returned": (_RECENT > 0) & (_INBOUND > _RECENT),
    "rows_written": _OUTBOUND > 0,
    "rows_both": (_INBOUND > 0) & (_OUTBOUND > 0),
    # whole seconds add up to the same number in any order
    "tenure_seconds": (pl.col(_AS_OF) - pl.col("first_engaged_time")).dt.total_seconds().clip(0),
}
_TIMES: Final = {
    "first_engaged_time": pl.col("first_engaged_time").min(),
    "newest_time": pl.col("first_engaged_time").max(),
    "last_inbound_time": pl.col("last_inbound_time").max(),
}
_TOTALS: Final[tuple[pl.Expr, ...]] = (
    pl.len().cast(pl.Float64).alias("rows"),
    *(pl.col(name).sum() for name in _SUMS),
    *(total.alias(name) for name, total in _TIMES.items()),
)
_ADDED: Final[tuple[pl.Expr, ...]] = (
    *(expression.cast(pl.Float64).alias(name) for name, expression in _SUMS.items()),
    pl.col("first_engaged_time", "last_inbound_time"),
)

SOURCES: Final[Mapping[str, frozenset[str]]] = {
    **{name: frozenset(expression.meta.root_names()) - {_AS_OF} for name, expression in _SUMS.items()},
    "rows": frozenset(),
    **{name: frozenset(total.meta.root_names()) for name, total in _TIMES.items()},
}
"""The fields that each total is added up from."""


def level_key(level: str) -> pl.Expr:
    """Make the key by which rows belong together at a level.

    Parameters
    ----------
    level : {"rep", "account", "contact"}
        As for `total_rows`.

    Returns
    -------
    polars.Expr
        Text in lower case, named `key`; null where the row belongs to none.
    """
    return _KEYS[level].str.strip_chars().str.to_lowercase().alias("key")


def raw_key(level: str) -> pl.Expr:
    """Take what `level_key` makes a key of: the same but for outer white space, which none has once read, and case.

    Parameters
    ----------
    level : {"rep", "account", "contact"}
        As for `total_rows`.

    Returns
    -------
    polars.Expr
        As for `level_key`.
    """
    return _KEYS[level].alias("key")


def total_rows(table: pl.DataFrame, level: str, as_of: datetime) -> pl.DataFrame:
    """Add up the rows of a typed table by one level.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts, one row for each contact of a rep.
    level : {"rep", "account", "contact", "org"}
        `rep` is `source_email`, `account` is `account_domain` or else `account_crm_id`, `contact` is `email`; all
        without regard to case. Rows whose key is null are left out. `org` is the whole table.
    as_of : datetime
        Date of the export, in UTC; tenures are counted up to it.

    Returns
    -------
    polars.DataFrame
        One row for each key (one in all for `org`), sorted by `key`: counts of rows, mails and meetings, seconds of
        tenure, the first and last times.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from scoring import schema
    >>> total_rows(schema.empty(3), "org", datetime(2026, 1, 1, tzinfo=UTC))["rows"].item()
    3.0
    """
    return total(summands(table.lazy(), as_of, _level_keys(level)), level).collect()


def _level_keys(*levels: str) -> dict[str, pl.Expr]:
    return {level: level_key(level) for level in levels if level != "org"}


def summands(table: pl.LazyFrame, as_of: datetime, keys: Mapping[str, pl.Expr]) -> pl.LazyFrame:
    """Lay out what is added up beside the keys: once for all levels.

    Parameters
    ----------
    table : polars.LazyFrame
        Typed contacts.
    as_of : datetime
        Date of the export, in UTC.
    keys : mapping of str to polars.Expr
        By level; null where a row belongs to none.

    Returns
    -------
    polars.LazyFrame
        The same rows: the summands, and a column for each of `keys`.
    """
    named = [key.alias(level) for level, key in keys.items()]
    return table.with_columns(pl.lit(same_time(as_of, 1)).first().alias(_AS_OF)).select(*_ADDED, *named)


def total(added: pl.LazyFrame, level: str) -> pl.LazyFrame:
    """Add up by one level.

    Parameters
    ----------
    added : polars.LazyFrame
        What `summands` gave.
    level : str
        One of `LEVELS`.

    Returns
    -------
    polars.LazyFrame
        As `total_rows` gives it.
    """
    if level == "org":
        return added.select(_TOTALS)
    return added.filter(pl.col(level).is_not_null()).group_by(key=level).agg(_TOTALS).sort("key")


def totals_of_one(table: pl.DataFrame, level: str) -> pl.DataFrame:
    """Total each row by itself.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts, and `as_of`.
    level : str
        It stands before the names.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order, with the columns of the totals, such as ``contact_rows``.
    """
    sums = [each.cast(pl.Float64).fill_null(0.0).alias(f"{level}_{name}") for name, each in _SUMS.items()]
    times = [pl.col(*each.meta.root_names()).alias(f"{level}_{name}") for name, each in _TIMES.items()]
    return table.select(pl.lit(1.0).alias(f"{level}_rows"), *sums, *times)


@dataclass(frozen=True, eq=False)
class Context:
    """Totals of one whole export.

    Attributes
    ----------
    as_of : datetime
        The date of the export that was added up, in UTC.
    totals : mapping of str to polars.DataFrame
        One frame for each of `LEVELS`, as `total_rows` gives it.
    hashed : bool
        Whether the keys are hashes. They are in every saved context, so that no address is in the file.
    """

    as_of: datetime
    totals: Mapping[str, pl.DataFrame]
    hashed: bool = False

    @classmethod
    def of(cls, table: pl.DataFrame | pl.LazyFrame, as_of: datetime) -> Context:
        """Add up a typed table whose rows have been accepted.

        Parameters
        ----------
        table : polars.DataFrame or LazyFrame
            Typed contacts: without rejected and suppressed rows, and each of several equal rows once.
        as_of : datetime
            The date of the export, in UTC.

        Returns
        -------
        Context
        """
        added = summands(table.lazy(), as_of, _level_keys(*LEVELS))
        # the streaming engine needs half the time; whole numbers add up to the same in any order
        totals = pl.collect_all([total(added, level) for level in LEVELS], engine="streaming")
        return cls(as_of, dict(zip(LEVELS, totals, strict=True)))

    def join(self, table: pl.DataFrame, only: Collection[str] | None = None) -> pl.DataFrame:
        """Put the totals beside each row.

        Parameters
        ----------
        table : polars.DataFrame
            Typed contacts, of this export or of any other day.
        only : collection of str, optional
            The columns wanted; all by default.

        Returns
        -------
        polars.DataFrame
            The same rows in the same order with columns such as ``rep_inbound`` or ``org_rows``; null where the
            key is null or not in the context.
        """
        beside: list[pl.Series] = []
        for level, totals in self.totals.items():
            names = {name: f"{level}_{name}" for name in totals.columns if name != "key"}
            wanted = totals.select(
                pl.col(name).alias(full) for name, full in names.items() if only is None or full in only
            )
            if level == "org":
                beside.extend(column.new_from_index(0, table.height) for column in wanted)
            elif wanted.width:
                places = self._places(level, table.select(level_key(level)).to_series())
                beside.extend(wanted.select(pl.all().gather(places)))
        return table.with_columns(beside)

    def _places(self, level: str, keys: pl.Series) -> pl.Series:
        """Find the row of the totals that has each key, null where none has."""
        if self.hashed:
            keys = _hash(keys)
        known, (hashes, order) = self.totals[level]["key"], self._sorted[level]
        if not len(known):
            return pl.Series([None], dtype=pl.UInt32).new_from_index(0, len(keys))
        if not len(hashes):
            numbered = known.to_frame().with_row_index("place")
            return keys.to_frame("key").join(numbered, on="key", how="left", maintain_order="left")["place"]
        wanted = _numbers(keys)
        ascending = wanted.argsort()  # neighbours are found near each other, in memory that is at hand
        nearest = np.empty_like(ascending)
        nearest[ascending] = hashes.searchsorted(wanted[ascending])
        places = pl.Series(order.take(nearest, mode="clip"))
        # a key that is not there can have the hash of one that is
        return places.set(~(known.gather(places) == keys).fill_null(False), None)

    @cached_property
    def finder(self) -> Finder:
        """The same for one row."""
        return Finder(self.totals, self.hashed)

    @cached_property
    def _sorted(self) -> dict[str, tuple[NDArray[np.uint64], NDArray[np.uint32]]]:
        """Hashes of the keys in ascending order, and their rows; nothing where two keys have the same hash."""
        found = {}
        for level, totals in self.totals.items():
            if level != "org":
                hashes = _numbers(totals["key"])
                order = hashes.argsort()
                hashes = hashes[order]
                same = slice(0 if (hashes[1:] == hashes[:-1]).any() else None)
                found[level] = hashes[same], order.astype(np.uint32)[same]
        return found

    def save(self, path: str | Path) -> None:
        """Write the context as one Parquet file in which every key is a hash.

        Parameters
        ----------
        path : str or Path
            Where to write; an existing file is replaced.
        """
        parts = []
        for level, totals in self.totals.items():
            keys = pl.Series("key", [None], pl.String) if level == "org" else totals["key"]
            keys = keys if self.hashed else _hash(keys)
            parts.append(totals.with_columns(keys, level=pl.lit(level)).select(list(_saved_schema())))
        about = json.dumps({"format": _FORMAT, "as_of": self.as_of.isoformat()})
        with beside(local_path(path)) as part:
            pl.concat(parts).sort("level", "key").write_parquet(part, metadata={_HEADER: about})

    @classmethod
    def load(cls, path: str | Path) -> Context:
        """Read a context that `save` wrote.

        Parameters
        ----------
        path : str or Path
            The file.

        Returns
        -------
        Context

        Raises
        ------
        InputError
            If the file is not a context or was written by a newer version.
        """
        path = local_path(path)
        hint = "make one with scoring.build_context(...).save(...)"
        try:
            about = json.loads(pl.read_parquet_metadata(path).get(_HEADER, "{}"))
            frame = pl.read_parquet(path)
            version, as_of = about["format"], datetime.fromisoformat(about["as_of"]).astimezone(UTC)
        except (OSError, ValueError, KeyError, TypeError, *_OF_POLARS) as error:
            raise InputError(
                f"{path.name} is not a context", expected="a file that Context.save wrote", hint=hint
            ) from error
        if version != _FORMAT:
            raise InputError(f"{path.name} has context format {version}", expected=str(_FORMAT), hint=hint)
        if frame.schema != _saved_schema():
            raise InputError(f"{path.name} has other columns than a context", hint=hint)
        if frame.select("level", "key").is_duplicated().any():  # joined to such totals, rows would multiply
            raise InputError(f"{path.name} has two totals of one key", hint=hint)
        totals = {level: frame.filter(pl.col("level") == level).drop("level") for level in LEVELS}
        totals["org"] = totals["org"].drop("key")
        if totals["org"].height != 1:
            raise InputError(f"{path.name} lacks the totals of the whole export", hint=hint)
        return cls(as_of, totals, hashed=True)


@cache
def _saved_schema() -> pl.Schema:
    totals = total_rows(empty(), "rep", datetime(1970, 1, 1, tzinfo=UTC))
    return pl.Schema({"level": pl.String(), **totals.schema})


def _numbers(keys: pl.Series) -> NDArray[np.uint64]:
    """Hash each key for this process alone."""
    return keys.hash().to_numpy()


def _hash(keys: pl.Series) -> pl.Series:
    """Hash each distinct key; polars' own hash may change between versions, this one does not."""
    distinct = keys.unique().drop_nulls()
    hashes = [hash_key(key) for key in distinct]
    return keys.replace_strict(distinct, pl.Series(hashes, dtype=pl.String), return_dtype=pl.String).rename("key")
