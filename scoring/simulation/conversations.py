"""How conversations start: by themselves, as follow-ups of others, and as one mail to many.

- *Own starts*: a Poisson process within each episode at the tie's pace times its level (see `moods`), and one at the
  start of the episode.
- *Follow-ups*: each conversation leads to a Poisson number of others after heavy-tailed delays, which lead to others
  in turn (a self-exciting process): bursts.
- *Broadcasts*: one person writes to a share of all those they know at once; few answer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.columns import Columns
from scoring.simulation.draws import Flags, Floats, Ints, sampled_wait, survival
from scoring.simulation.lives import Episodes
from scoring.simulation.moods import HIGHEST, Moods
from scoring.simulation.ties import Ties
from scoring.simulation.traits import Traits

__all__ = ["Conversations", "broadcasts", "follow_ups", "own_starts"]

MOST_A_DAY = 1.0
"""Nobody starts more conversations a day with one other than this, follow-ups apart."""

MOST_GENERATIONS = 40


@dataclass(frozen=True, slots=True)
class Conversations(Columns):
    """Starts of conversations.

    Attributes
    ----------
    tie : ndarray of int
        Whose.
    time : ndarray
        Own day.
    damping : ndarray
        Factor on the chance that the first mail is answered; below 1 for a broadcast.
    inbound : ndarray of bool
        Whether the contact starts it.
    fertile : ndarray of bool
        Whether follow-ups may come of it.
    """

    tie: Ints
    time: Floats
    damping: Floats
    inbound: Flags
    fertile: Flags

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.tie)


def _plain(rng: np.random.Generator, ties: Ties, tie: Ints, time: Floats) -> Conversations:
    return Conversations(
        tie, time, np.ones(len(tie)), rng.random(len(tie)) < ties.initiative[tie], ~ties.one_touch[tie]
    )


def own_starts(
    rng: np.random.Generator, episodes: Episodes, start: float, until: float, ties: Ties, moods: Moods
) -> Conversations:
    """Draw the conversations that start by themselves from `start` to before `until`."""
    begins = np.maximum(episodes.start, start)
    days = np.maximum(np.minimum(episodes.end, until) - begins, 0)
    expected = np.minimum(ties.pace[episodes.tie] * episodes.factor, MOST_A_DAY) * days * HIGHEST
    number = rng.poisson(np.where(ties.one_touch[episodes.tie], 0, expected))
    which = np.repeat(np.arange(len(number)), number)
    tie, time = episodes.tie[which], begins[which] + rng.random(len(which)) * days[which]
    keep = rng.random(len(which)) * HIGHEST < moods.level(ties, tie, time)
    opening = (episodes.start >= start) & (episodes.start < until)
    # the first touch happens whatever the mood; a later opening needs somebody to be there
    present = moods.level(ties, episodes.tie, np.maximum(episodes.start, 0)) > 0
    opening &= present | (episodes.start <= ties.begin[episodes.tie])
    return _plain(
        rng,
        ties,
        np.concatenate((episodes.tie[opening], tie[keep])),
        np.concatenate((episodes.start[opening], time[keep])),
    )


def follow_ups(
    rng: np.random.Generator,
    parents: Conversations,
    start: float,
    until: float,
    ties: Ties,
    traits: Traits,
    moods: Moods,
) -> Conversations:
    """Draw all follow-ups of these conversations, and theirs, from `start` to before `until`.

    Of a parent before `start`, only what is still to come is drawn.
    """
    found: list[Conversations] = [parents.take(np.zeros(0, np.int64))]
    for _ in range(MOST_GENERATIONS):
        parents = parents.take(parents.fertile)
        if traits.follow_ups == 0 or not len(parents):
            break
        waited = np.maximum(start - parents.time, 0)
        number = rng.poisson(traits.follow_ups * survival(waited, traits.follow_up_days, traits.follow_up_shape))
        which = np.repeat(np.arange(len(number)), number)
        delay = sampled_wait(rng, waited[which], traits.follow_up_days, traits.follow_up_shape)
        tie, time = parents.tie[which], parents.time[which] + delay
        keep = (time < until) & (rng.random(len(tie)) < moods.level(ties, tie, time))
        parents = _plain(rng, ties, tie[keep], time[keep])
        found.append(parents)
    return Conversations.joined(found)


def broadcasts(
    rng: np.random.Generator, start: float, until: float, ties: Ties, traits: Traits, moods: Moods
) -> Conversations:
    """Draw mails to many, of reps and of contacts, from `start` to before `until`."""
    parts = [_plain(rng, ties, np.zeros(0, np.int64), np.zeros(0))]
    for person, inbound, rate, levels in (
        (ties.rep, False, traits.broadcast_rate, moods.reps),
        (ties.contact, True, traits.contact_broadcast_rate, moods.contacts),
    ):
        number = rng.poisson(rate * (until - start), len(levels))
        sender = np.repeat(np.arange(len(number)), number)
        when = rng.uniform(start, until, len(sender))
        # every sending meets every tie of its sender
        order = np.argsort(person, kind="stable")
        first, known = np.searchsorted(person[order], sender), np.bincount(person, minlength=len(levels))[sender]
        sending = np.repeat(np.arange(len(sender)), known)
        offset = np.arange(len(sending)) - np.repeat(np.cumsum(known) - known, known)
        tie, time = order[first[sending] + offset], when[sending]
        reached = rng.random(len(tie)) < ties.listed[tie] * np.minimum(moods.level(ties, tie, time), 1)
        reached &= (ties.begin[tie] <= time) & ~ties.one_touch[tie]
        size = int(reached.sum())
        parts.append(
            Conversations(
                tie[reached],
                time[reached],
                np.full(size, traits.broadcast_answer),
                np.full(size, inbound),
                np.zeros(size, bool),
            )
        )
    return Conversations.joined(parts)
