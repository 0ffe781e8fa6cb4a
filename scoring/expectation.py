"""How many of some contacts will do it: the sum of their chances, and where it lies in 95 of 100 cases."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["Expectation", "expect"]

_TAIL: Final = 0.025
_NORMAL: Final = 1.959963984540054
_EXACT: Final = 2000  # of more chances, the normal curve tells the borders to within one


@dataclass(frozen=True)
class Expectation:
    """A number of contacts that is expected.

    Attributes
    ----------
    mean : float
        The sum of the chances.
    low, high : int
        At least 95 % of the distribution lies from `low` to `high`, both inclusive, and at most 2.5 % on either side.
    """

    mean: float
    low: int
    high: int

    def to_dict(self) -> dict[str, float]:
        """Return the figures as plain values, ready for JSON."""
        return asdict(self)


def expect(chances: ArrayLike) -> Expectation:
    """Say how many contacts will do it, if each does with its chance and none minds the others.

    Parameters
    ----------
    chances : array-like
        One chance a contact, in [0, 1].

    Returns
    -------
    Expectation

    Notes
    -----
    The number is Poisson-binomial if the chances are right and the contacts independent; its distribution is computed
    exactly for up to 2,000 contacts, above that taken as normal. Contacts that rise and fall together, as those of a
    whole organisation do from month to month, are outside more often.

    Examples
    --------
    >>> expect([0.5] * 20)
    Expectation(mean=10.0, low=6, high=14)
    """
    # in order of size, so that the order of contacts changes no digit
    chance: NDArray[np.float64] = np.sort(np.asarray(chances, dtype=np.float64))
    mean = float(chance.sum())
    if len(chance) > _EXACT:
        half = _NORMAL * sqrt(float((chance * (1 - chance)).sum()))
        return Expectation(mean, max(0, round(mean - half)), min(len(chance), round(mean + half)))
    exactly = np.zeros(len(chance) + 1)
    exactly[0] = 1.0
    for done, one in enumerate(chance.tolist()):
        moved = exactly[: done + 1] * one
        exactly[: done + 1] -= moved
        exactly[1 : done + 2] += moved
    # what rounding leaves of the tails must not move a border
    at_most = np.cumsum(exactly) + 1e-12
    low, high = np.searchsorted(at_most, [_TAIL, 1 - _TAIL])
    return Expectation(mean, int(low), min(int(high), len(chance)))
