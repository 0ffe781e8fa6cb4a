"""The calendar: when in the week and the year an organisation is awake.

Everything happens on the organisation's own clock, which runs fast in working hours and slowly at night, on weekends
and in holidays, and faster from year to year where the business grows. `Clock` turns that time into calendar time and
back, so that starts, replies and lives all keep to the calendar without knowing of it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.draws import Floats, stream
from scoring.simulation.traits import Traits

__all__ = ["Clock", "draw_clock"]

MARGIN_DAYS = 40
"""The clock goes on this long after the last recorded day, for futures that are redrawn from the last export."""

AWAKE_HOURS = np.array([0.5] * 6 + [1, 4, 10, 14, 14, 12, 9, 12, 14, 13, 12, 9, 5, 3, 2, 2, 1, 1])
"""How much happens in each hour of a working day, in proportion."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A monotone map between calendar days and the organisation's own days.

    Attributes
    ----------
    start : int
        First recorded moment, in seconds since 1970 UTC, a midnight.
    hours : ndarray
        Own time at each full hour from the start.
    """

    start: int
    hours: Floats

    def own(self, seconds: Floats | float) -> Floats:
        """Return own days at these moments, given in seconds since 1970 UTC."""
        at = (np.asarray(seconds, dtype=np.float64) - self.start) / 3600
        return np.asarray(np.interp(at, np.arange(len(self.hours)), self.hours))

    def seconds(self, own: Floats) -> Floats:
        """Return whole seconds since 1970 UTC, rounded down, at these own days from 0 on."""
        return np.floor(self.start + 3600 * np.interp(own, self.hours, np.arange(len(self.hours))))


def draw_clock(seed: int, traits: Traits, *, even: bool = False) -> Clock:
    """Draw the organisation's clock.

    Parameters
    ----------
    seed : int
        Seed of the organisation.
    traits : Traits
        Its weekend, holidays and growth.
    even : bool
        Every hour counts the same: own days are calendar days.

    Returns
    -------
    Clock

    Examples
    --------
    >>> from scoring.simulation.settings import Settings
    >>> from scoring.simulation.traits import draw_traits
    >>> clock = draw_clock(3, draw_traits(3, Settings()))
    >>> moments = clock.seconds(np.array([0.0, 10.0, 20.0]))
    >>> np.allclose(clock.own(moments), [0, 10, 20], atol=0.01)
    True
    """
    rng = stream(seed, "clock")
    first_day = int(rng.integers(16_436, 19_723))  # 2015 to 2023
    zone, phase = int(rng.integers(0, 24)), rng.uniform(0, 365)
    days = traits.days + MARGIN_DAYS
    day = first_day + np.arange(days)
    weight = np.where((day + 3) % 7 >= 5, max(traits.weekend, 0.02), 1.0)  # day 0 of 1970 was a Thursday
    in_year = (day + phase) % 365
    quiet = np.zeros(days)
    for middle, width in zip(rng.uniform(20, 345, 4)[: rng.integers(1, 5)], rng.uniform(4, 25, 4), strict=False):
        quiet = np.maximum(quiet, np.exp(-(((in_year - middle) / width) ** 2)))
    weight = weight * (1 - traits.holidays * quiet) * np.exp(np.clip(traits.growth * np.arange(days) / 365, -3, 3))
    hour = np.roll(AWAKE_HOURS, zone)
    step = np.outer(weight, hour / hour.sum()).ravel()
    if even:
        step = np.full(len(step), 1 / 24)
    return Clock(first_day * 86_400, np.concatenate(([0.0], np.cumsum(step / step.mean() / 24))))
