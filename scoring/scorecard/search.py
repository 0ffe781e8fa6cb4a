"""Which bin a value falls into."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Search"]

_NEGATIVE = 0x8000  # the first 16 bits (sign, exponent and 7 bits of precision) of -0.0
_INFINITE = 0x7F80  # those of infinity; what begins with more is not a number
_ONE = np.float32(1)
_PREPARE_ROWS = 8192  # a longer column is worth preparing for (it costs about as much as searching 2000 values)
_PREPARED_ROWS = 256


class Search:
    """Bins between thresholds: each holds its upper border, missing values have the last.

    A sorted search guesses wrong at nearly every turn, which costs ten times more than the look-up itself. So for long
    columns a table says for the first 16 bits of a number how many thresholds lie below all numbers that begin so; only
    the few thresholds that begin alike, mostly one or none, are left to compare with. Both ways find the same bins.

    Parameters
    ----------
    thresholds : numpy.ndarray
        Float32, finite, strictly ascending, no -0.0.

    Examples
    --------
    >>> Search(np.array([7, 30], dtype=np.float32)).locate(np.array([7, 7.5, 31, np.nan], dtype=np.float32))
    array([0, 1, 2, 3])
    """

    def __init__(self, thresholds: NDArray[np.float32]) -> None:
        # infinity ends the thresholds, so a sorted search puts NaN, which it sorts last, behind everything else
        self.edges = np.append(thresholds, np.float32(np.inf))

    def locate(self, column: NDArray[np.float32]) -> NDArray[np.integer]:
        """Find the bin of each value.

        Parameters
        ----------
        column : numpy.ndarray
            Float32, NaN where there is none.

        Returns
        -------
        numpy.ndarray
            Integers from 0 to ``len(thresholds) + 1``, one a value.
        """
        if len(column) < (_PREPARED_ROWS if "_prepared" in self.__dict__ else _PREPARE_ROWS):
            return self.edges.searchsorted(column)
        below, alike = self._prepared
        with np.errstate(invalid="ignore"):  # a signalling NaN may begin as infinity does: arithmetic makes it quiet
            column = column * _ONE
        bins = below.take(column.view(np.uint32) >> 16)  # of a byte mostly, which is quicker to add to
        for _ in range(alike):
            bins += column > self.edges.take(bins, mode="clip")  # only missing values lie outside, and stay there
        return bins

    @cached_property
    def _prepared(self) -> tuple[NDArray[np.unsignedinteger], int]:
        """For each first 16 bits the thresholds below; and the most thresholds that begin with the same."""
        begins = (self.edges[:-1].view(np.uint32) >> 16).astype(np.intp)
        # places among all beginnings in the order of the numbers: negative ones from the largest down, positive ones up
        places = np.where(begins < _NEGATIVE, begins + _NEGATIVE, 2 * _NEGATIVE - 1 - begins)
        counts = np.diff(places, prepend=-1, append=2 * _NEGATIVE - 1)
        ascending = np.arange(len(self.edges), dtype=np.min_scalar_type(len(self.edges))).repeat(counts)
        below = np.concatenate([ascending[_NEGATIVE:], ascending[_NEGATIVE - 1 :: -1]])
        for sign in (0, _NEGATIVE):
            below[sign + _INFINITE + 1 : sign + _NEGATIVE] = len(self.edges)
        return below, int(np.bincount(begins, minlength=1).max())
