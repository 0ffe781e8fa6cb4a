"""One feature's part of a scorecard, and the columns it is looked up with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from scoring.errors import ModelError
from scoring.scorecard.search import Search

__all__ = ["Bins", "Columns", "Floats", "Table", "by_name", "gather", "unite"]

Floats: TypeAlias = NDArray[np.float64]
Bins: TypeAlias = NDArray[np.integer]
Columns: TypeAlias = pl.DataFrame | Mapping[str, ArrayLike] | Sequence[ArrayLike] | NDArray[np.float32]
"""Float32 values, NaN where there is none: a frame, arrays by name, or a list of columns or a matrix (a row a contact)
in the order of `features`. What is not float32 is cast to it."""


@dataclass(frozen=True, eq=False)
class Table:
    """What one feature adds to the log-odds.

    Attributes
    ----------
    feature : str
        Name of the feature.
    thresholds : numpy.ndarray
        Float32, finite, strictly ascending; may be empty. Bin ``i`` holds what is above ``thresholds[i - 1]`` and at
        most ``thresholds[i]`` (the upper border belongs to the bin).
    values : numpy.ndarray
        Float64, log-odds. Two more than thresholds: the last but one for everything above the last threshold, the last
        for a missing value (NaN).

    Examples
    --------
    >>> table = Table("age_days", [7, 30], [0.5, 0.1, -0.4, -1.0])
    >>> table.locate([7, 7.5, 31, float("nan")])
    array([0, 1, 2, 3])
    """

    feature: str
    thresholds: NDArray[np.float32]
    values: Floats

    def __post_init__(self) -> None:
        """Copy the arrays into read-only ones and check them."""
        with np.errstate(over="ignore"):  # what float32 cannot hold turns infinite, and is refused below
            thresholds = np.array(self.thresholds, dtype=np.float32).reshape(-1) + np.float32(0)  # -0.0 becomes 0.0
        values = np.array(self.values, dtype=np.float64).reshape(-1)
        where = f"table {self.feature!r}"
        if not isinstance(self.feature, str) or not self.feature:
            raise ModelError(f"{where} has no name", expected="the name of a feature")
        if len(values) != len(thresholds) + 2:
            found = f"{where} has {len(thresholds)} thresholds and {len(values)} values"
            raise ModelError(found, expected=f"{len(thresholds) + 2} values")
        if not np.isfinite(thresholds).all() or not np.isfinite(values).all():
            raise ModelError(f"{where} holds a number that is not finite", expected="finite thresholds and values")
        if not (thresholds[1:] > thresholds[:-1]).all():
            raise ModelError(f"{where} has thresholds out of order", expected="strictly ascending float32 numbers")
        thresholds.flags.writeable = values.flags.writeable = False
        object.__setattr__(self, "thresholds", thresholds)
        object.__setattr__(self, "values", values)

    def __eq__(self, other: object) -> bool:
        """Tell whether both are the same table, number for number."""
        if not isinstance(other, Table):
            return NotImplemented
        same = self.feature == other.feature and np.array_equal(self.thresholds, other.thresholds)
        return same and np.array_equal(self.values, other.values)

    def __hash__(self) -> int:
        """Hash by name and size; equal tables have equal hashes."""
        return hash((self.feature, len(self.values)))

    @cached_property
    def search(self) -> Search:
        """Finds the bins."""
        return Search(self.thresholds)

    def locate(self, column: ArrayLike) -> Bins:
        """Find the bin of each value.

        Parameters
        ----------
        column : array-like
            One value a row, NaN where there is none; taken as float32.

        Returns
        -------
        numpy.ndarray
            Integers from 0 to ``len(thresholds) + 1``, one a row.
        """
        return self.search.locate(np.asarray(column, dtype=np.float32))


def unite(tables: Sequence[Table | None]) -> tuple[NDArray[np.float32], Floats]:
    """United thresholds, and each table's values over the united bins, shape (tables, bins); 0 for no table."""
    present = [table.thresholds for table in tables if table is not None]
    thresholds = np.sort(np.concatenate(present)) if present else np.empty(0, dtype=np.float32)
    if len(thresholds):  # not numpy.unique: it loads numpy.ma, which takes longer than all the rest of a first score
        thresholds = thresholds[np.append(True, thresholds[1:] != thresholds[:-1])]
    inside = np.concatenate([thresholds, np.array([np.inf, np.nan], dtype=np.float32)])  # one value out of each bin
    values = np.zeros((len(tables), len(inside)))
    for row, table in zip(values, tables, strict=True):
        if table is not None:
            row[:] = table.values[table.locate(inside)]
    return thresholds, values


def by_name(columns: Columns, features: Sequence[str]) -> pl.DataFrame | Mapping[str, ArrayLike]:
    """Give columns that come in the order of the features their names."""
    if isinstance(columns, (pl.DataFrame, Mapping)):
        return columns
    arrays = list(columns.T) if isinstance(columns, np.ndarray) else list(columns)
    if len(arrays) != len(features):
        raise ModelError(f"{len(arrays)} columns", expected=f"{len(features)}, in the order of `features`")
    return dict(zip(features, arrays, strict=True))


def gather(columns: Columns, features: Sequence[str]) -> tuple[int, list[NDArray[np.float32]]]:
    """Return the number of rows and the features' columns as float32."""
    named = by_name(columns, features)
    there = named.columns if isinstance(named, pl.DataFrame) else named
    if missing := set(features).difference(there):
        first = ", ".join(sorted(missing)[:5])
        raise ModelError(f"no column for {len(missing)} features ({first})", expected="a column for each feature")
    if isinstance(named, pl.DataFrame):  # a select would cost more than all of a single row's look-ups
        named = {name: named.get_column(name).to_numpy() for name in features}
    arrays = [np.asarray(named[name], dtype=np.float32) for name in features]
    rows = len(arrays[0]) if arrays else _height(columns)
    if any(array.shape != (rows,) for array in arrays):
        raise ModelError("columns of different lengths", expected="one value a row in each")
    return rows, arrays


def _height(columns: Columns) -> int:
    """Count the rows of columns of which none is needed."""
    if isinstance(columns, pl.DataFrame):
        return columns.height
    if isinstance(columns, np.ndarray):
        return len(columns)
    every = list(columns.values()) if isinstance(columns, Mapping) else list(columns)
    return len(np.asarray(every[0])) if every else 0
