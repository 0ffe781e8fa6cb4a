"""Scorecards laid out for scoring."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from scoring.errors import ModelError
from scoring.scorecard.search import Search
from scoring.scorecard.table import Columns, Floats, gather, unite

if TYPE_CHECKING:
    from scoring.scorecard.card import Scorecard

__all__ = ["Lookup", "logistic", "logistic_of_one"]


class Lookup:
    """Several scorecards over shared features, scored at once.

    Each feature's thresholds are united, so one search a feature serves all. Every scorecard gets the very numbers it
    would give alone.

    Parameters
    ----------
    scorecards : sequence of Scorecard
        At least one; each may have tables for any of the features.

    Attributes
    ----------
    features : tuple of str
        All features that any of them looks at, by name: the order in which contributions are added.

    Examples
    --------
    >>> from scoring.scorecard import Scorecard, Table
    >>> one = Scorecard(0.0, (Table("mails", [0], [-1, 1, 0]),))
    >>> two = Scorecard(1.0, (Table("mails", [4], [0, 2, 0]), Table("age_days", [30], [1, 0, 0])))
    >>> Lookup([one, two]).log_odds({"mails": [3, 5], "age_days": [10, 60]})
    array([[1., 2.],
           [1., 3.]])
    """

    def __init__(self, scorecards: Sequence[Scorecard]) -> None:
        if not scorecards:
            raise ModelError("no scorecard", expected="at least one")
        self.features = tuple(sorted({name for card in scorecards for name in card.features}))
        # -0.0 + 0.0 is 0.0, so a feature that a scorecard does not know adds exactly nothing
        self._intercepts = np.array([card.intercept for card in scorecards]) + 0.0
        self._searches: list[Search] = []
        self._values: list[Floats] = []
        for feature in self.features:
            thresholds, values = unite([card.table(feature) for card in scorecards])
            self._searches.append(Search(thresholds))
            self._values.append(np.ascontiguousarray(values.T))

    def log_odds(self, columns: Columns) -> Floats:
        """Log-odds of each row by each scorecard.

        Parameters
        ----------
        columns : frame, mapping or sequence
            Float32 values by feature, or in the order of `features`; NaN where there is none.

        Returns
        -------
        numpy.ndarray
            Float64, shape (rows, scorecards).
        """
        return self._score(columns)[0]

    def probability(self, columns: Columns) -> Floats:
        """Chance of each scorecard's outcome for each row.

        Parameters
        ----------
        columns : frame, mapping or sequence
            As in `log_odds`.

        Returns
        -------
        numpy.ndarray
            Float64 in [0, 1], shape (rows, scorecards).
        """
        return logistic(self.log_odds(columns))

    def explain(self, columns: Columns, scorecard: int, together: Sequence[int] | None = None) -> tuple[Floats, Floats]:
        """Log-odds by each scorecard, and one scorecard's contributions from the same search.

        Parameters
        ----------
        columns : frame, mapping or sequence
            As in `log_odds`.
        scorecard : int
            Position of the scorecard whose contributions are wanted.
        together : sequence of int, optional
            For each of `features` the column that its contribution is added to, from 0; by default one for each.

        Returns
        -------
        log_odds : numpy.ndarray
            Float64, shape (rows, scorecards).
        contributions : numpy.ndarray
            Float64, shape (rows, features), by `features`, or (rows, columns of `together`); 0 where the scorecard has
            no table.
        """
        return self._score(columns, scorecard, range(len(self.features)) if together is None else together)

    def _score(self, columns: Columns, explained: int = 0, together: Sequence[int] = ()) -> tuple[Floats, Floats]:
        rows, arrays = gather(columns, self.features)
        total = np.empty((rows, len(self._intercepts)))
        total[:] = self._intercepts
        kept = np.zeros((rows, max(together, default=-1) + 1), order="F")
        added = np.empty_like(total)
        for position, array in enumerate(arrays):
            # no bin lies outside; to clip what does spares a look at each, and a copy
            self._values[position].take(self._searches[position].locate(array), axis=0, out=added, mode="clip")
            total += added
            if together:
                kept[:, together[position]] += added[:, explained]
        return total, kept


def logistic(log_odds: Floats) -> Floats:
    """Turn log-odds into chances, the same bits on every processor and in every batch.

    Parameters
    ----------
    log_odds : numpy.ndarray
        Float64, any shape, finite; beyond 700 either way the chance stays what it is at 700.

    Returns
    -------
    numpy.ndarray
        Float64 in [0, 1], same shape, within two units in the last place of ``1 / (1 + exp(-log_odds))``.

    Notes
    -----
    ``exp(x) = 2**n * exp(r)`` with ``n = rint(x / log 2)``, ``r = x - n log 2`` in two parts, and the Taylor sum of
    ``exp(r)`` to degree 13, whose rest is below 1e-17 for ``|r| <= log(2) / 2``. All of it is IEEE addition,
    multiplication and rounding, while `numpy.exp` gives other last bits with other vector instructions.

    Examples
    --------
    >>> logistic(np.array([0.0, 2.0, -1000.0]))
    array([5.00000000e-001, 8.80797078e-001, 9.85967654e-305])
    """
    x = -np.clip(log_odds, -700.0, 700.0)
    powers = np.rint(x * _PER_LOG_2)
    chance: Floats = 1.0 / (1.0 + np.ldexp(_exp_of_rest(x, powers), powers.astype(np.int32)))
    return chance


def logistic_of_one(log_odds: float) -> float:
    """Turn one number into a chance, as `logistic` does, in plain Python.

    Parameters
    ----------
    log_odds : float
        Finite.

    Returns
    -------
    float

    Examples
    --------
    >>> logistic_of_one(2.0) == logistic(np.array([2.0])).item()
    True
    """
    x = -min(max(log_odds, -700.0), 700.0)
    powers = round(x * _PER_LOG_2)
    return 1.0 / (1.0 + math.ldexp(_exp_of_rest(x, powers), powers))


def _exp_of_rest(x: Any, powers: Any) -> Any:
    """``exp(x - powers * log(2))``."""
    rest = x - powers * _LOG_2_HIGH
    rest -= powers * _LOG_2_LOW
    sums = rest * 0.0 + _TAYLOR[0]
    for coefficient in _TAYLOR[1:]:
        sums *= rest
        sums += coefficient
    return sums


_LOG_2_HIGH = 0.6931471803691238  # 33 bits, so that its product with a power of up to 11 bits is exact
_LOG_2_LOW = 1.9082149292705877e-10
_PER_LOG_2 = 1.4426950408889634
_TAYLOR = tuple(1.0 / math.factorial(degree) for degree in range(13, -1, -1))
