"""The scorecard itself."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from scoring.errors import ModelError
from scoring.scorecard.lookup import Lookup, logistic
from scoring.scorecard.table import Bins, Columns, Floats, Table, by_name, gather

__all__ = ["Scorecard"]


@dataclass(frozen=True)
class Scorecard:
    """An additive model of log-odds.

    Attributes
    ----------
    intercept : float
        Log-odds before any table.
    tables : tuple of Table
        One for each feature that matters, in the order of the feature contract.

    Examples
    --------
    >>> card = Scorecard(-1.0, (Table("age_days", [7, 30], [0.5, 0.1, -0.4, -1.0]),))
    >>> card.log_odds({"age_days": [3.0, float("nan")]})
    array([-0.5, -2. ])
    >>> card.contributions({"age_days": [3.0, float("nan")]})
    array([[ 0.5],
           [-1. ]])
    """

    intercept: float
    tables: tuple[Table, ...]

    def __post_init__(self) -> None:
        """Check the intercept and that no feature has two tables."""
        intercept, tables = float(self.intercept), tuple(self.tables)
        if not math.isfinite(intercept):
            raise ModelError("the intercept is not finite", expected="a finite number")
        names = [table.feature for table in tables]
        if len(set(names)) < len(names):
            twice = sorted({name for name in names if names.count(name) > 1})
            raise ModelError(f"more than one table for {', '.join(twice)}", expected="one table for each feature")
        object.__setattr__(self, "intercept", intercept)
        object.__setattr__(self, "tables", tables)

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the tables, in their order."""
        return tuple(table.feature for table in self.tables)

    def table(self, feature: str) -> Table | None:
        """Return the table of a feature, None if it has none."""
        return next((table for table in self.tables if table.feature == feature), None)

    @cached_property
    def lookup(self) -> Lookup:
        """The same model, ready to score."""
        return Lookup((self,))

    def bins(self, columns: Columns) -> Bins:
        """Bin of each row in each table.

        Parameters
        ----------
        columns : mapping or sequence
            Float32 values by feature, or in the order of `features`; NaN where there is none.

        Returns
        -------
        numpy.ndarray
            Integers, shape (rows, tables).
        """
        rows, arrays = gather(columns, self.features)
        found = np.empty((rows, len(arrays)), dtype=np.intp, order="F")  # written, and read by reasons, by column
        for position, (table, array) in enumerate(zip(self.tables, arrays, strict=True)):
            found[:, position] = table.locate(array)
        return found

    def contributions(self, columns: Columns) -> Floats:
        """Look up what each table adds to each row's log-odds.

        Parameters
        ----------
        columns : mapping or sequence
            As in `bins`.

        Returns
        -------
        numpy.ndarray
            Float64 log-odds, shape (rows, tables).
        """
        bins = self.bins(columns)
        added = np.empty(bins.shape, order="F")
        for position, table in enumerate(self.tables):
            added[:, position] = table.values[bins[:, position]]
        return added

    def log_odds(self, columns: Columns) -> Floats:
        """Intercept and contributions, added in the order of the features' names.

        Parameters
        ----------
        columns : mapping or sequence
            As in `bins`.

        Returns
        -------
        numpy.ndarray
            Float64, one a row; the same bits however the rows are split.
        """
        named = by_name(columns, self.features) if self.tables else columns
        return self.lookup.log_odds(named)[:, 0]

    def probability(self, columns: Columns) -> Floats:
        """Chance of the outcome.

        Parameters
        ----------
        columns : mapping or sequence
            As in `bins`.

        Returns
        -------
        numpy.ndarray
            Float64 in [0, 1], one a row; the same bits however the rows are split.
        """
        return logistic(self.log_odds(columns))
