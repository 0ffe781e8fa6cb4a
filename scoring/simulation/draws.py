"""Seeded random streams, and the heavy-tailed waiting time that every mechanism uses.

Each mechanism draws from its own stream, named after it: switching one mechanism off leaves the draws of the others
alone. Waiting times are log-logistic: like a log-normal they have a median and a heavy tail, and unlike it what is
left of a wait after some of it has passed is drawn in closed form. That is what makes redrawn futures exact.
"""

from __future__ import annotations

import zlib

import numpy as np
import numpy.typing as npt

__all__ = ["Flags", "Floats", "Ints", "logistic", "sampled_wait", "stream", "survival"]

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def stream(seed: int, name: str) -> np.random.Generator:
    """Return the random stream of that name.

    Parameters
    ----------
    seed : int
        Seed of the organisation, not negative.
    name : str
        Name of the mechanism.

    Returns
    -------
    numpy.random.Generator
        The same stream for the same seed and name, in every process.

    Examples
    --------
    >>> bool(stream(1, "turns").random() == stream(1, "turns").random())
    True
    >>> bool(stream(1, "turns").random() == stream(1, "lives").random())
    False
    """
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def logistic(log_odds: Floats) -> Floats:
    """Return the chance with these log-odds.

    Parameters
    ----------
    log_odds : ndarray
        Log-odds.

    Returns
    -------
    ndarray
        1 / (1 + exp(-log_odds)).

    Examples
    --------
    >>> float(logistic(np.zeros(1))[0])
    0.5
    """
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def survival(waited: Floats, median: Floats | float, shape: float) -> Floats:
    """Return the chance that a wait lasts longer than this.

    Parameters
    ----------
    waited : ndarray
        Days, not negative.
    median : ndarray or float
        Median wait in days.
    shape : float
        Above 0; the smaller, the heavier the tail.

    Returns
    -------
    ndarray
        1 / (1 + (waited / median) ** shape).

    Examples
    --------
    >>> survival(np.array([0.0, 3.0]), 3.0, 1.5).tolist()
    [1.0, 0.5]
    """
    return np.asarray(1 / (1 + (waited / median) ** shape))


def sampled_wait(rng: np.random.Generator, waited: Floats, median: Floats | float, shape: float) -> Floats:
    """Draw whole waits, given that this much has passed already.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness; one draw for each wait.
    waited : ndarray
        Days that have passed; 0 for a fresh wait.
    median : ndarray or float
        Median of a fresh wait in days.
    shape : float
        Above 0; the smaller, the heavier the tail.

    Returns
    -------
    ndarray
        Days from the start of the wait, never less than `waited`.

    Examples
    --------
    >>> waits = sampled_wait(stream(0, "waits"), np.full(1000, 5.0), 2.0, 1.2)
    >>> bool(waits.min() >= 5)
    True
    """
    left = survival(waited, median, shape) * (1 - rng.random(len(waited)))
    wait = median * ((1 - left) / np.maximum(left, 1e-12)) ** (1 / shape)
    return np.asarray(np.maximum(wait, waited))
