"""Lives of ties: episodes in which a rep and a contact have something to talk about, and the pauses between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.draws import Flags, Floats, Ints, sampled_wait, survival
from scoring.simulation.ties import Ties
from scoring.simulation.traits import Traits

__all__ = ["Episodes", "LifeState", "fresh_lives", "live", "lives_at"]

MOST_EPISODES = 12


@dataclass(frozen=True, slots=True)
class Episodes:
    """Times in which ties are alive, in the order in which they were drawn.

    Attributes
    ----------
    tie : ndarray of int
        Whose.
    start, end : ndarray
        Own days.
    factor : ndarray
        Factor on the tie's pace.
    """

    tie: Ints
    start: Floats
    end: Floats
    factor: Floats


@dataclass(frozen=True, slots=True)
class LifeState:
    """How each tie stands at some moment; one element a tie that goes on.

    Attributes
    ----------
    tie : ndarray of int
        Which.
    since : ndarray
        Own day on which the present episode or pause began.
    at : ndarray
        Own day of the state.
    alive : ndarray of bool
        In an episode (True) or a pause.
    factor : ndarray
        Factor on the pace in the present episode.
    """

    tie: Ints
    since: Floats
    at: Floats
    alive: Flags
    factor: Floats


def fresh_lives(rng: np.random.Generator, ties: Ties, traits: Traits) -> LifeState:
    """Return the state of every tie at its first touch."""
    size = len(ties)
    return LifeState(np.arange(size), ties.begin, ties.begin, np.ones(size, bool), _factors(rng, traits, size))


def _factors(rng: np.random.Generator, traits: Traits, size: int) -> Floats:
    return np.asarray(np.exp(rng.normal(0, traits.episode_spread, size)))


def _length_days(ties: Ties, traits: Traits, tie: Ints) -> Floats:
    return np.asarray(np.where(ties.one_touch[tie], 1e-3, traits.life_days * ties.life_factor[tie]))


def live(rng: np.random.Generator, state: LifeState, until: float, ties: Ties, traits: Traits) -> Episodes:
    """Draw the episodes of all ties from their state on.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    state : LifeState
        Where they stand.
    until : float
        Own day from which no further episode starts.
    ties, traits : Ties, Traits
        Whose lives, and how long they last.

    Returns
    -------
    Episodes
        Those alive in the state first; their start is the day they began, which may lie before the state.
    """
    parts: list[tuple[Ints, Floats, Floats, Floats]] = []
    tie, since, waited, alive, factor = state.tie, state.since, state.at - state.since, state.alive, state.factor
    for _ in range(MOST_EPISODES):
        length = sampled_wait(rng, np.where(alive, waited, 0), _length_days(ties, traits, tie), traits.life_shape)
        end = np.where(alive, since + length, since)
        parts.append((tie[alive], since[alive], end[alive], factor[alive]))
        # whoever has just ended an episode waits afresh, whoever was in a pause has waited already
        waited = np.where(alive, 0, waited)
        chance = np.where(ties.one_touch[tie], 0, ties.revival[tie])
        left = chance * survival(waited, traits.pause_days, traits.pause_shape)
        goes_on = rng.random(len(tie)) * (1 - chance + left) < left
        start = end + sampled_wait(rng, waited, traits.pause_days, traits.pause_shape)
        goes_on &= start < until
        if not goes_on.any():
            break
        tie, since = tie[goes_on], start[goes_on]
        waited, alive = np.zeros(len(tie)), np.ones(len(tie), bool)
        factor = _factors(rng, traits, len(tie))
    return Episodes(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def lives_at(episodes: Episodes, at: float, ties: Ties) -> LifeState:
    """Return the state of all ties at a moment, told from their episodes.

    A tie whose first touch is still to come is in the state of its first touch.
    """
    order = np.lexsort((episodes.start, episodes.tie))
    tie, start, end, factor = (part[order] for part in (episodes.tie, episodes.start, episodes.end, episodes.factor))
    begun = (start < at) | (start <= ties.begin[tie])
    tie, start, end, factor = tie[begun], start[begun], end[begun], factor[begun]
    last = np.append(tie[1:] != tie[:-1], True)
    tie, start, end, factor = tie[last], start[last], end[last], factor[last]
    alive = end > at
    return LifeState(tie, np.where(alive, start, end), np.maximum(at, start), alive, factor)
