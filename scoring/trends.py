"""Trends: whether the chance of a contact grew or shrank by enough to speak of, told alike wherever it is told."""

from __future__ import annotations

from math import log
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.scorecard import Floats

__all__ = ["LEAST_POINTS", "TRENDS", "TREND_ODDS", "name_trends"]

TRENDS: Final = ("improving", "steady", "declining", "not enough")
TREND_ODDS: Final = 1.5
LEAST_POINTS: Final = 0.01
"""A contact improves if, by one model, its odds grow by half or more and its chance by a point or more; it declines if
they shrink as much."""


def name_trends(log_odds: Floats, points: Floats, known: NDArray[np.bool_]) -> pl.Series:
    """Name the trend of contacts.

    Parameters
    ----------
    log_odds : numpy.ndarray
        What each moved by, the new model's part aside.
    points : numpy.ndarray
        The same as a difference of two chances, in [-1, 1].
    known : numpy.ndarray
        Boolean: whether there is enough to tell.

    Returns
    -------
    polars.Series
        Text, one of `TRENDS`.

    Examples
    --------
    >>> name_trends(np.array([0.5, 0.5, -0.5]), np.array([0.1, 0.001, -0.1]), np.array([True, True, False])).to_list()
    ['improving', 'steady', 'not enough']
    """
    least = log(TREND_ODDS)
    up, down = (log_odds >= least) & (points >= LEAST_POINTS), (log_odds <= -least) & (points <= -LEAST_POINTS)
    names = np.select([~known, up, down], [TRENDS[3], TRENDS[0], TRENDS[2]], TRENDS[1])
    return pl.Series("trend", names.tolist(), dtype=pl.String)
