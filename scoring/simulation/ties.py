"""What each pair of a rep and a contact is like: how often, how long, who starts, who answers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.draws import Flags, Floats, Ints, logistic, stream
from scoring.simulation.people import DEPARTMENTS, SENIORITIES, Crowd
from scoring.simulation.traits import Traits

__all__ = ["Ties", "draw_ties"]

LASTING_FACTOR = 20.0
"""Episodes of a lasting tie are this much longer."""

LISTS = 12
"""Lists of contacts that a rep gets over the years."""

ONE_WAY_LOG_ODDS = -3.0
"""What being one-way takes from the log-odds of an answer."""


@dataclass(frozen=True, slots=True)
class Ties:
    """One element for each pair of a rep and a contact who know each other or will.

    Attributes
    ----------
    rep, contact, account : ndarray of int
        Who; in a closed organisation reps and contacts are numbered alike.
    begin : ndarray
        Own day of the first touch; below 0 is before the record starts.
    pace : ndarray
        Conversations a day, other than follow-ups.
    life_factor : ndarray
        Factor on how long an episode lasts.
    revival : ndarray
        Chance that a pause follows an episode, and another episode the pause.
    initiative : ndarray
        Chance that it is the contact who starts a conversation.
    contact_answer, rep_answer : ndarray
        Chance that either answers a mail of the other.
    contact_days, rep_days : ndarray
        Median days either takes for it.
    contact_nudge, rep_nudge : ndarray
        Chance that either writes again when the other does not answer.
    booking : ndarray
        Chance that a mail from the contact leads to a meeting.
    listed : ndarray
        Chance that a broadcast of either goes to the other.
    one_touch, from_cc, untouched : ndarray of bool
        One conversation and never again; first seen in copy; in the CRM before the first touch.
    """

    rep: Ints
    contact: Ints
    account: Ints
    begin: Floats
    pace: Floats
    life_factor: Floats
    revival: Floats
    initiative: Floats
    contact_answer: Floats
    rep_answer: Floats
    contact_days: Floats
    rep_days: Floats
    contact_nudge: Floats
    rep_nudge: Floats
    booking: Floats
    listed: Floats
    one_touch: Flags
    from_cc: Flags
    untouched: Flags

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self.rep)


class _Draws:
    """One draw for each tie and name, each name from a stream of its own."""

    def __init__(self, seed: int, size: int) -> None:
        self.seed, self.size = seed, size

    def normal(self, name: str) -> Floats:
        return stream(self.seed, f"tie {name}").normal(0, 1, self.size)

    def happens(self, name: str, chance: float) -> Flags:
        return stream(self.seed, f"tie {name}").random(self.size) < chance

    def log_normal(self, name: str, spread: float) -> Floats:
        return np.asarray(np.exp(spread * self.normal(name)))


def _begins(seed: int, traits: Traits, rep: Ints) -> Floats:
    rng, size = stream(seed, "begins"), len(rep)
    begin = rng.uniform(-traits.earlier_days, traits.days, size)
    # a rep gets a list and writes to all of it on one day
    which = rng.integers(0, LISTS, size)
    jitter = rng.exponential(0.2, size)
    batched = rng.random(size) < traits.batches
    lists = rng.uniform(-traits.earlier_days, traits.days, (rep.max() + 1, LISTS))
    return np.where(batched, lists[rep, which] + jitter, begin)


def _profile_effects(
    seed: int, traits: Traits, contacts: Crowd, contact: Ints, from_cc: Flags
) -> tuple[Floats, Floats]:
    rng = stream(seed, "profile effects")
    by_seniority, by_department = (
        traits.profile_spread * rng.normal(0, 1, (2, len(groups))) for groups in (SENIORITIES, DEPARTMENTS)
    )
    both = by_seniority[:, contacts.seniority[contact]] + by_department[:, contacts.department[contact]]
    answer, pace = both + from_cc * traits.cc_effect
    return answer, pace


def draw_ties(seed: int, traits: Traits, reps: Crowd, contacts: Crowd, rep: Ints, contact: Ints) -> Ties:
    """Draw what each pair is like.

    Parameters
    ----------
    seed : int
        Seed of the organisation.
    traits : Traits
        What it is like.
    reps, contacts : Crowd
        The people.
    rep, contact : ndarray of int
        Who of them know each other.

    Returns
    -------
    Ties

    Examples
    --------
    >>> from scoring.simulation.people import draw_people
    >>> from scoring.simulation.settings import Settings
    >>> from scoring.simulation.traits import draw_traits
    >>> traits = draw_traits(2, Settings(one_touch=False))
    >>> bool(draw_ties(2, traits, *draw_people(2, traits, 80)).one_touch.any())
    False
    """
    size = len(rep)
    draw = _Draws(seed, size)
    from_cc = draw.happens("from_cc", traits.from_cc)
    to_answer, to_pace = _profile_effects(seed, traits, contacts, contact, from_cc)
    strength = draw.normal("strength")
    log_pace = traits.pace_spread * draw.normal("pace") + traits.strength_pace * strength + to_pace
    log_pace += 0.5 * (reps.activity[rep] + contacts.activity[contact])
    one_way = draw.happens("one_way", traits.one_way)
    answer = traits.strength_answer * strength + ONE_WAY_LOG_ODDS * one_way
    by_contact = contacts.answer[contact] + traits.answer_spread_ties * draw.normal("contact_answer") + to_answer
    by_rep = reps.answer[rep] + traits.answer_spread_ties * draw.normal("rep_answer")
    weight = traits.initiative_weight
    initiative = stream(seed, "tie initiative").beta(weight * traits.initiative, weight * (1 - traits.initiative), size)
    revival = traits.revival + traits.revival_spread * draw.normal("revival") + traits.strength_revival * strength
    lasting = np.where(draw.happens("lasting", traits.lasting), LASTING_FACTOR, 1)
    return Ties(
        rep=rep,
        contact=contact,
        account=contacts.account[contact],
        begin=_begins(seed, traits, rep),
        pace=traits.pace * np.exp(np.clip(log_pace, -8, 5)),
        life_factor=np.exp(traits.strength_life * strength) * lasting,
        revival=np.clip(logistic(revival), 0, 0.97),
        initiative=np.where(one_way, draw.happens("one_way_inbound", traits.one_way_inbound), initiative),
        contact_answer=_chance(traits.contact_answer + answer + by_contact),
        rep_answer=_chance(traits.rep_answer + answer + by_rep),
        contact_days=traits.reply_days * contacts.slowness[contact],
        rep_days=traits.reply_days * reps.slowness[rep],
        # a contact from outside follows up less than a colleague or a rep
        contact_nudge=np.clip(traits.nudge * draw.log_normal("contact_nudge", 0.5), 0, 0.8)
        * (1 if traits.closed else 0.4),
        rep_nudge=np.clip(traits.nudge * draw.log_normal("rep_nudge", 0.5), 0, 0.8),
        booking=np.clip(traits.booking * draw.log_normal("booking", 1.0), 0, 0.9),
        listed=np.clip(traits.broadcast_reach * draw.log_normal("listed", traits.broadcast_spread), 0, 1),
        one_touch=draw.happens("one_touch", traits.one_touch),
        from_cc=from_cc,
        untouched=draw.happens("untouched", traits.untouched),
    )


def _chance(log_odds: Floats) -> Floats:
    # conversations end: nobody answers for ever
    return np.clip(logistic(log_odds), 0, 0.93)
