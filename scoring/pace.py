"""How far long work is: rows, rate and the time left, said now and then by the logger ``scoring``."""

from __future__ import annotations

import logging
from time import monotonic
from typing import Final

__all__ = ["Pace"]

_EVERY_SECONDS: Final = 2.0
_LOGGER: Final = logging.getLogger("scoring")


class Pace:
    """Says how far it is, every two seconds at most.

    Parameters
    ----------
    done : str
        What has been done to the rows: ``read``, ``scored``.
    rows : int, optional
        How many there are in all, if that is known.

    Examples
    --------
    >>> pace = Pace("scored", 1000)
    >>> pace.sentence(250, 5.0)
    '250 of 1,000 rows scored, 50 a second, 15 s left'
    >>> Pace("read").sentence(250, 5.0)
    '250 rows read, 50 a second'
    """

    def __init__(self, done: str, rows: int | None = None) -> None:
        self._done, self._rows = done, rows
        self._so_far, self._began = 0, monotonic()
        self._said = self._began

    def add(self, rows: int) -> None:
        """Count rows, and say how far it is if that was not said lately.

        Parameters
        ----------
        rows : int
            Done since the last time.
        """
        self._so_far += rows
        now = monotonic()
        if now - self._said >= _EVERY_SECONDS:
            self._said = now
            _LOGGER.info(self.sentence(self._so_far, now - self._began))

    def sentence(self, so_far: int, seconds: float) -> str:
        """Say how far it is.

        Parameters
        ----------
        so_far : int
            Rows that are done.
        seconds : float
            What they took.

        Returns
        -------
        str
        """
        rate = so_far / seconds if seconds > 0 else 0.0
        of_all = "" if self._rows is None else f" of {self._rows:,}"
        left = f", {(self._rows - so_far) / rate:,.0f} s left" if self._rows is not None and rate > 0 else ""
        return f"{so_far:,}{of_all} rows {self._done}, {rate:,.0f} a second{left}"
