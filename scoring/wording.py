"""Values in words: for each unit, steps that people think in, and what to call each of them.

Steps, not numbers with decimals: "7 to 10 days" can be read at a glance, and there are so few of them that the
sentences of a whole model fit in a small table.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

__all__ = ["LADDERS", "Ladder", "percent"]


@dataclass(frozen=True)
class Ladder:
    """Names for the steps of one unit.

    Attributes
    ----------
    steps : tuple of (float, str)
        Least value of a step (inclusive) and its name, ascending; the first step also holds everything below.
    """

    steps: tuple[tuple[float, str], ...]

    @property
    def thresholds(self) -> NDArray[np.float32]:
        """Float32 thresholds such that ``value <= threshold`` means that the value lies below the next step.

        Returns
        -------
        numpy.ndarray
            One fewer than there are steps: the greatest float32 below each step's least value.
        """
        least = np.array([value for value, _ in self.steps[1:]], dtype=np.float32)
        return np.nextafter(least, np.float32(-np.inf))

    def name(self, value: float) -> str:
        """Name of the step that a value lies in.

        Parameters
        ----------
        value : float
            Finite or infinite, not NaN.

        Returns
        -------
        str

        Examples
        --------
        >>> LADDERS["days"].name(8.5)
        '7 to 9 days'
        """
        return self.steps[int(np.searchsorted(self.thresholds, np.float32(value)))][1]

    def locate(self, values: ArrayLike) -> NDArray[np.intp]:
        """Find the step of each value.

        Parameters
        ----------
        values : array_like
            Numbers, NaN where there is none.

        Returns
        -------
        numpy.ndarray
            Positions in `steps`; one more than the last for NaN.

        Examples
        --------
        >>> LADDERS["flag"].locate([0, 1, float("nan")])
        array([0, 1, 2])
        """
        edges = np.append(self.thresholds, np.float32(np.inf))  # NaN sorts behind infinity: a step of its own
        return edges.searchsorted(np.asarray(values, dtype=np.float32))


_DAYS: Final = (
    (0, "less than a day"), (1, "1 day"), (2, "2 days"), (3, "3 days"), (4, "4 days"), (5, "5 days"), (6, "6 days"),
    (7, "7 to 9 days"), (10, "10 to 13 days"), (14, "2 to 3 weeks"), (21, "3 to 4 weeks"), (28, "4 to 6 weeks"),
    (42, "6 to 8 weeks"), (60, "2 to 3 months"), (90, "3 to 4 months"), (120, "4 to 6 months"), (180, "6 to 9 months"),
    (270, "9 to 12 months"), (365, "1 to 1½ years"), (548, "1½ to 2 years"), (730, "2 to 3 years"),
    (1095, "over 3 years"),
)  # fmt: skip


def _signed_days() -> tuple[tuple[float, str], ...]:
    """Name who spoke last: the contact where the value is negative, the rep where it is positive."""
    # mirrored: a step holds its border nearer to 0, so what is above the farther one begins it
    lowest = [float(np.nextafter(np.float32(-high), np.float32(0))) for high, _ in _DAYS[1:]]
    theirs = [(least, name) for least, (_, name) in zip(lowest, _DAYS[:-1], strict=True)][::-1]
    below = [(-np.inf, f"their mail came {_DAYS[-1][1]} after the last one to them")]
    named = [(least, f"their mail came {name} after the last one to them") for least, name in theirs]
    ours = [(float(least), f"last mail to them went {name} after their last") for least, name in _DAYS]
    return (*below, *named, *ours)


def _counted(one: str, many: str) -> tuple[tuple[float, str], ...]:
    first = [(0.0, f"no {one}"), (0.5, f"1 {one}"), *((n - 0.5, f"{n} {many}") for n in (2, 3, 4))]
    edges = (5, 10, 20, 50, 100, 200, 500, 1000)
    wide = [(low - 0.5, f"{low} to {high - 1} {many}") for low, high in zip(edges[:-1], edges[1:], strict=True)]
    return (*first, *wide, (edges[-1] - 0.5, f"{edges[-1]} {many} or more"))


def _shares() -> tuple[tuple[float, str], ...]:
    edges = (0, 5, 10, 20, 30, 40, 50, 60, 70, 80, 90, 95)
    steps = [(low / 100, f"{low} to {high} %") for low, high in zip(edges[1:-1], edges[2:], strict=True)]
    return ((0.0, "under 5 %"), *steps, (0.95, "over 95 %"))


LADDERS: Final[Mapping[str, Ladder]] = {
    "days": Ladder(_DAYS),
    "signed days": Ladder(_signed_days()),
    "mails": Ladder(_counted("mail", "mails")),
    "meetings": Ladder(_counted("meeting", "meetings")),
    "share": Ladder(_shares()),
    "minutes": Ladder(
        (
            (0, "under 1 minute"),
            (1, "1 to 2 minutes"),
            (2, "2 to 5 minutes"),
            (5, "5 to 15 minutes"),
            (15, "15 to 30 minutes"),
            (30, "30 to 60 minutes"),
            (60, "over an hour"),
        )
    ),
    "flag": Ladder(((0, "no"), (0.5, "yes"))),
    "seniority": Ladder(
        (
            (1, "entry level"),
            (1.5, "professional"),
            (2.5, "manager"),
            (3.5, "director"),
            (4.5, "vice president"),
            (5.5, "top of the house"),
        )
    ),
    "department": Ladder(
        (
            (1, "a support function"),
            (1.5, "finance or operations"),
            (2.5, "a technical function"),
            (3.5, "a commercial function"),
            (4.5, "general management"),
        )
    ),
}
"""By unit. A feature whose unit is not here cannot be put into words."""


def percent(share: float) -> str:
    """Name a share in whole percent.

    Parameters
    ----------
    share : float
        From 0 to 1.

    Returns
    -------
    str

    Examples
    --------
    >>> percent(0.642), percent(0.0012), percent(0.9991)
    ('64 %', 'under 1 %', 'over 99 %')
    """
    if 0 < share < 0.005:
        return "under 1 %"
    return "over 99 %" if 0.995 < share < 1 else f"{100 * share:.0f} %"
