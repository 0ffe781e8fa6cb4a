"""Totals of one row, found by its keys in plain Python: a join costs a hundred times what it is worth for one row."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from typing import Any, Final

import polars as pl
import polars.selectors as cs

__all__ = ["Finder", "hash_key"]

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def hash_key(key: str) -> str:
    """Hash a key as a saved context holds it.

    Parameters
    ----------
    key : str
        In lower case.

    Returns
    -------
    str
        The same in every version; polars' own hash may change.

    Examples
    --------
    >>> hash_key("acme.example")
    '90d693b9102d370962569950c1cd8d9a'
    """
    return blake2b(key.encode(), digest_size=16).hexdigest()


class Finder:
    """The totals that stand beside one row.

    Parameters
    ----------
    totals : mapping of str to polars.DataFrame
        By level, as in a `Context`; a level without keys stands beside every row.
    hashed : bool
        Whether the keys are hashes.
    """

    def __init__(self, totals: Mapping[str, pl.DataFrame], hashed: bool) -> None:
        self._hashed = hashed
        self._levels = {level: _Level(level, frame) for level, frame in totals.items() if "key" in frame.columns}
        self._everyone: dict[str, Any] = {}
        for level in totals.keys() - self._levels.keys():
            self._everyone |= _Level(level, totals[level].with_columns(key=pl.lit(""))).find("")

    def beside(self, keys: Mapping[str, str | None]) -> dict[str, Any]:
        """Find the totals that stand beside a row.

        Parameters
        ----------
        keys : mapping of str to str
            The row's key at each level that has keys, as `level_key` makes it; None where it belongs to none.

        Returns
        -------
        dict of str to object
            What `Context.join` puts beside it, by column: counts, times, and None where the key is not known.
        """
        found = self._everyone.copy()
        for name, level in self._levels.items():
            key = keys[name]
            found |= level.find(hash_key(key) if self._hashed and key is not None else key)
        return found


class _Level:
    """The totals of one level, in the order of their keys."""

    def __init__(self, name: str, frame: pl.DataFrame) -> None:
        frame = frame.drop_nulls("key")
        frame = frame if frame["key"].is_sorted() else frame.sort("key")  # who else wrote it may not have sorted it
        values = frame.drop("key").rename(lambda column: f"{name}_{column}")
        times = cs.expand_selector(values, cs.temporal())
        self._keys = frame["key"]
        self._values = values.with_columns(pl.col(times).to_physical())  # of many columns, quicker to turn than a time
        self._columns, self._times = values.columns, times
        self._unknown: dict[str, Any] = dict.fromkeys(values.columns)

    def find(self, key: str | None) -> dict[str, Any]:
        """Give the totals of a key, by column."""
        place = len(self._keys) if key is None else bisect_left(self._keys, key)
        if place == len(self._keys) or self._keys[place] != key:
            return self._unknown
        row = dict(zip(self._columns, self._values.row(place), strict=True))
        for name in self._times:
            if (ticks := row[name]) is not None:
                row[name] = _EPOCH + timedelta(microseconds=ticks)
        return row
