"""Who there is, and who knows whom: reps, contacts, accounts, and the ties between a rep and a contact."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from scoring.simulation.draws import Floats, logistic, stream
from scoring.simulation.traits import Traits

__all__ = ["DEPARTMENTS", "SENIORITIES", "Crowd", "Flags", "Ints", "Ties", "draw_people"]

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

SENIORITIES = ("Junior", "Senior", "Manager", "Director", "VP", "C-Level")
DEPARTMENTS = ("Sales", "Marketing", "Finance", "Engineering", "IT", "Operations", "HR", "Legal")


@dataclass(frozen=True, slots=True)
class Crowd:
    """A group of people: the reps, or the contacts.

    Attributes
    ----------
    activity : ndarray
        Log of how much each does, against the others.
    popularity : ndarray
        Log of how many each knows, against the others.
    answer : ndarray
        Log-odds each answers with, against the others; minus or plus 9 for those who never or always do.
    slowness : ndarray
        Factor on the days each takes to answer.
    account, seniority, department : ndarray of int
        Where each works and as what.
    leaves : ndarray
        Own day on which each goes away.
    """

    activity: Floats
    popularity: Floats
    answer: Floats
    slowness: Floats
    account: Ints
    seniority: Ints
    department: Ints
    leaves: Floats


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


def _draw_crowd(rng: np.random.Generator, size: int, traits: Traits, departures: float, extremes: bool) -> Crowd:
    answer = rng.normal(0, traits.answer_spread_people, size)
    kind = rng.random(size)
    if extremes:
        answer = np.where(kind < traits.never_answers, -9.0, np.where(kind > 1 - traits.always_answers, 9.0, answer))
    activity = rng.normal(0, traits.people_spread, size)
    stays = rng.exponential(365 / max(departures, 1e-6), size)
    return Crowd(
        activity=activity,
        popularity=0.5 * activity + rng.normal(0, traits.load_spread, size),
        answer=answer,
        slowness=np.exp(rng.normal(0, 0.6, size)),
        account=np.zeros(size, np.int64),
        seniority=rng.choice(6, size, p=[0.25, 0.25, 0.2, 0.15, 0.1, 0.05]),
        department=rng.integers(0, 8, size),
        leaves=stays + rng.uniform(-traits.earlier_days, traits.days, size),
    )


def _unique_pairs(rep: Ints, contact: Ints, closed: bool) -> Ints:
    low, high = (np.minimum(rep, contact), np.maximum(rep, contact)) if closed else (rep, contact)
    _, first = np.unique(low * 10_000_000 + high, return_index=True)
    first = np.sort(first)
    return np.asarray(first[rep[first] != contact[first]] if closed else first)


def _draw_closed(rng: np.random.Generator, traits: Traits, ties: int) -> tuple[Crowd, Ints, Ints]:
    fewest = int(np.sqrt(4 * ties)) + 2
    size = int(fewest * (max(ties, fewest) / fewest) ** rng.random() ** 2)
    crowd = _draw_crowd(rng, size, traits, traits.rep_departures, True)
    teams = max(1, int(size / (3 * traits.contacts_an_account)))
    crowd.account[:] = rng.integers(0, teams, size)
    weight = np.exp(crowd.popularity)
    first, second = (rng.choice(size, 2 * ties, p=weight / weight.sum()) for _ in range(2))
    # colleagues of one team know each other more often
    order = np.argsort(crowd.account, kind="stable")
    team_start = np.searchsorted(crowd.account[order], np.arange(teams))
    team_size = np.bincount(crowd.account, minlength=teams)
    mate = order[
        team_start[crowd.account[first]] + (rng.random(2 * ties) * team_size[crowd.account[first]]).astype(int)
    ]
    second = np.where(rng.random(2 * ties) < traits.owner_share, mate, second)
    keep = _unique_pairs(first, second, closed=True)[:ties]
    return crowd, first[keep], second[keep]


def _draw_open(rng: np.random.Generator, traits: Traits, ties: int) -> tuple[Crowd, Crowd, Ints, Ints]:
    reps = _draw_crowd(rng, traits.reps, traits, traits.rep_departures, False)
    size = max(5, int(ties / traits.ties_a_contact))
    contacts = _draw_crowd(rng, size, traits, traits.contact_departures, True)
    accounts = max(1, int(size / traits.contacts_an_account))
    contacts.account[:] = (accounts * rng.random(size) ** 1.5).astype(int)
    weight = np.exp(reps.popularity)
    owner = rng.choice(traits.reps, accounts, p=weight / weight.sum())
    popular = np.exp(contacts.popularity)
    contact = np.concatenate((np.arange(size), rng.choice(size, 2 * ties, p=popular / popular.sum())))
    rep = rng.choice(traits.reps, len(contact), p=weight / weight.sum())
    rep = np.where(rng.random(len(contact)) < traits.owner_share, owner[contacts.account[contact]], rep)
    keep = _unique_pairs(rep, contact, closed=False)[:ties]
    return reps, contacts, rep[keep], contact[keep]


def _begins(rng: np.random.Generator, traits: Traits, rep: Ints) -> Floats:
    begin = rng.uniform(-traits.earlier_days, traits.days, len(rep))
    # a rep gets a list and writes to all of it on one day
    lists = rng.uniform(-traits.earlier_days, traits.days, (rep.max() + 1, 12))
    batched = lists[rep, rng.integers(0, 12, len(rep))] + rng.exponential(0.2, len(rep))
    return np.where(rng.random(len(rep)) < traits.batches, batched, begin)


def draw_people(seed: int, traits: Traits, rows: int) -> tuple[Crowd, Crowd, Ties]:
    """Draw reps, contacts and their ties.

    Parameters
    ----------
    seed : int
        Seed of the organisation.
    traits : Traits
        What it is like.
    rows : int
        How many contacts of reps there shall be; a tie of a closed organisation makes two.

    Returns
    -------
    tuple of (Crowd, Crowd, Ties)
        Reps, contacts (the same crowd where the organisation is closed) and ties.

    Examples
    --------
    >>> from scoring.simulation.settings import Settings
    >>> from scoring.simulation.traits import draw_traits
    >>> reps, contacts, ties = draw_people(1, draw_traits(1, Settings(closed=True)), 100)
    >>> reps is contacts, len(ties)
    (True, 50)
    """
    rng = stream(seed, "people")
    if traits.closed:
        reps, rep, contact = _draw_closed(rng, traits, max(1, rows // 2))
        contacts = reps
    else:
        reps, contacts, rep, contact = _draw_open(rng, traits, rows)
    rng = stream(seed, "ties")
    size = len(rep)
    strength = rng.normal(0, 1, size)
    by_seniority = rng.normal(0, traits.profile_spread, (2, 6))
    by_department = rng.normal(0, traits.profile_spread, (2, 8))
    seniority, department = contacts.seniority[contact], contacts.department[contact]
    from_cc = rng.random(size) < traits.from_cc
    answer = traits.answer_spread_ties * rng.normal(0, 1, (2, size)) + traits.strength_answer * strength
    profile = by_seniority[0, seniority] + by_department[0, department] + from_cc * traits.cc_effect
    log_pace = (
        traits.pace_spread * rng.normal(0, 1, size)
        + traits.strength_pace * strength
        + 0.5 * (reps.activity[rep] + contacts.activity[contact])
        + by_seniority[1, seniority] + by_department[1, department] + from_cc * traits.cc_effect
    )  # fmt: skip
    weight = traits.initiative_weight
    nudge = np.clip(traits.nudge * np.exp(rng.normal(0, 0.5, (2, size))), 0, 0.8)
    ties = Ties(
        rep=rep,
        contact=contact,
        account=contacts.account[contact],
        begin=_begins(rng, traits, rep),
        pace=traits.pace * np.exp(np.clip(log_pace, -8, 5)),
        life_factor=np.exp(traits.strength_life * strength) * np.where(rng.random(size) < traits.lasting, 20, 1),
        initiative=rng.beta(weight * traits.initiative, weight * (1 - traits.initiative), size),
        contact_answer=_chance(traits.contact_answer + contacts.answer[contact] + answer[0] + profile),
        rep_answer=_chance(traits.rep_answer + reps.answer[rep] + answer[1]),
        contact_days=traits.reply_days * contacts.slowness[contact],
        rep_days=traits.reply_days * reps.slowness[rep],
        contact_nudge=nudge[0] * (1.0 if traits.closed else 0.4),
        rep_nudge=nudge[1],
        booking=np.clip(traits.booking * np.exp(rng.normal(0, 1, size)), 0, 0.9),
        listed=np.clip(traits.broadcast_reach * np.exp(rng.normal(0, traits.broadcast_spread, size)), 0, 1),
        one_touch=rng.random(size) < traits.one_touch,
        from_cc=from_cc,
        untouched=rng.random(size) < traits.untouched,
    )
    return reps, contacts, ties


def _chance(log_odds: Floats) -> Floats:
    # conversations end: nobody answers for ever
    return np.clip(logistic(log_odds), 0, 0.93)
