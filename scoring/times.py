"""Very many times in bounded memory: the latest of them, or how often each came."""

from __future__ import annotations

from typing import Final

import numpy as np

__all__ = ["KEPT", "Counted", "Latest"]

KEPT: Final = 1_000_000
"""Times that are kept at least."""


class Latest:
    """The latest of many times, and how many there were in all.

    Examples
    --------
    >>> latest = Latest()
    >>> latest.add(np.array([3, 1]))
    >>> latest.add(np.array([2]))
    >>> latest.times.max(), latest.count, latest.left_out
    (np.int64(3), 3, 0)
    """

    def __init__(self) -> None:
        self.count = 0
        self._held = 0
        self._parts: list[np.ndarray] = []
        self._least: int | None = None  # so many later ones are held that no earlier one will be kept

    def add(self, times: np.ndarray) -> None:
        """Add some.

        Parameters
        ----------
        times : numpy.ndarray
            Int64, in any order.
        """
        self.count += len(times)
        if self._least is not None:
            times = times[times > self._least]
        self._held += len(times)
        self._parts.append(times)
        if self._held > 2 * KEPT:
            self._cut()

    def _cut(self) -> None:
        self._parts = [np.partition(np.concatenate(self._parts), -KEPT)[-KEPT:]]
        self._held, self._least = KEPT, int(self._parts[0][0])

    @property
    def times(self) -> np.ndarray:
        """Those that are kept, in any order: all, or the latest `KEPT`."""
        if self.left_out and self._held > KEPT:
            self._cut()  # later ones than some of these may have been left out
        if len(self._parts) != 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    @property
    def left_out(self) -> int:
        """How many are not kept."""
        return self.count - self._held

    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """Count those that are kept, as `Counted` does.

        Returns
        -------
        times, counts : numpy.ndarray
            As long as each other.
        """
        times, counts = np.unique(self.times, return_counts=True)
        return times, counts


class Counted:
    """Distinct times, ascending, and how often each came.

    Attributes
    ----------
    left_out : int
        0: all are kept.

    Examples
    --------
    >>> counted = Counted()
    >>> counted.add(np.array([3, 1, 3]))
    >>> counted.counted()
    (array([1, 3]), array([1, 2]))
    """

    left_out: Final = 0

    def __init__(self) -> None:
        self._times, self._counts = np.empty(0, np.int64), np.empty(0, np.int64)
        self._fresh: list[np.ndarray] = []
        self._held = 0

    def add(self, times: np.ndarray) -> None:
        """Add some.

        Parameters
        ----------
        times : numpy.ndarray
            Int64, in any order.
        """
        self._fresh.append(times)
        self._held += len(times)
        if self._held > KEPT:
            self.counted()

    def counted(self) -> tuple[np.ndarray, np.ndarray]:
        """Count all that were added.

        Returns
        -------
        times, counts : numpy.ndarray
            As long as each other.
        """
        if self._fresh:
            fresh, counts = np.unique(np.concatenate(self._fresh), return_counts=True)
            self._fresh, self._held = [], 0
            both = np.concatenate([self._times, fresh])
            self._times, places = np.unique(both, return_inverse=True)
            counts = np.concatenate([self._counts, counts])
            self._counts = np.bincount(places, weights=counts, minlength=len(self._times)).astype(np.int64)
        return self._times, self._counts
