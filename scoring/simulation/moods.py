"""Busy and quiet times of a rep, a contact and an account, and people who leave.

Each has a level that wanders from fortnight to fortnight around 1 (a first-order autoregression of its log) and is 0
once the person has left. A tie starts conversations at the product of its three levels.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.draws import Floats, Ints, stream
from scoring.simulation.people import Crowd
from scoring.simulation.ties import Ties
from scoring.simulation.traits import Traits

__all__ = ["HIGHEST", "Moods", "draw_moods"]

BLOCK_DAYS = 15.0
HIGHEST = 3.0
"""A tie's level is cut here."""


@dataclass(frozen=True, slots=True)
class Moods:
    """Levels of everybody over time.

    Attributes
    ----------
    reps, contacts, accounts : ndarray
        Level of each (row) in each block of 15 own days (column), from own day 0.
    """

    reps: Floats
    contacts: Floats
    accounts: Floats

    def level(self, ties: Ties, tie: Ints, time: Floats) -> Floats:
        """Return the level of these ties at these own days, 0 to `HIGHEST`."""
        block = np.clip((time / BLOCK_DAYS).astype(np.int64), 0, self.reps.shape[1] - 1)
        level = (
            self.reps[ties.rep[tie], block]
            * self.contacts[ties.contact[tie], block]
            * self.accounts[ties.account[tie], block]
        )
        return np.minimum(level, HIGHEST)


def _levels(rng: np.random.Generator, size: int, blocks: int, spread: float, memory: float) -> Floats:
    log = np.empty((size, blocks))
    log[:, 0] = rng.normal(0, spread, size)
    step = spread * np.sqrt(1 - memory**2)
    for block in range(1, blocks):
        log[:, block] = memory * log[:, block - 1] + rng.normal(0, step, size)
    return np.asarray(np.exp(log - spread**2 / 2))


def draw_moods(seed: int, traits: Traits, reps: Crowd, contacts: Crowd, days: float) -> Moods:
    """Draw everybody's levels.

    Parameters
    ----------
    seed : int
        Seed of the organisation.
    traits : Traits
        Spread and memory of the levels; a spread of 0 leaves them at 1.
    reps, contacts : Crowd
        The people, with the day on which each leaves.
    days : float
        Own days to cover.

    Returns
    -------
    Moods

    Examples
    --------
    >>> from scoring.simulation.people import draw_people
    >>> from scoring.simulation.settings import Settings
    >>> from scoring.simulation.traits import draw_traits
    >>> traits = draw_traits(1, Settings(moods=False, departures=False))
    >>> reps, contacts, *_ = draw_people(1, traits, 50)
    >>> float(draw_moods(1, traits, reps, contacts, 90.0).reps.max())
    1.0
    """
    rng, blocks = stream(seed, "moods"), int(days / BLOCK_DAYS) + 2
    start = BLOCK_DAYS * np.arange(blocks)
    both = []
    for crowd in (reps, contacts):
        level = _levels(rng, len(crowd.activity), blocks, traits.mood_spread, traits.mood_memory)
        both.append(level * (start[None, :] < crowd.leaves[:, None]))
    accounts = _levels(rng, int(contacts.account.max()) + 1, blocks, traits.account_mood_spread, traits.mood_memory)
    return Moods(both[0], both[0] if contacts is reps else both[1], accounts)
