"""Who there is and who knows whom: reps, contacts, accounts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.draws import Floats, Ints, stream
from scoring.simulation.traits import Traits

__all__ = ["DEPARTMENTS", "SENIORITIES", "Crowd", "draw_people"]

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
        seniority=rng.choice(len(SENIORITIES), size, p=[0.25, 0.25, 0.2, 0.15, 0.1, 0.05]),
        department=rng.integers(0, len(DEPARTMENTS), size),
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
    # the last pair is there in case that all others were somebody with themselves
    first, second = np.append(first, 0), np.append(second, 1)
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


def draw_people(seed: int, traits: Traits, rows: int) -> tuple[Crowd, Crowd, Ints, Ints]:
    """Draw reps and contacts, and who of them know each other.

    Parameters
    ----------
    seed : int
        Seed of the organisation.
    traits : Traits
        What it is like.
    rows : int
        How many contacts of reps there shall be; a pair of a closed organisation makes two.

    Returns
    -------
    tuple of (Crowd, Crowd, ndarray of int, ndarray of int)
        Reps, contacts (the same crowd where the organisation is closed), and the rep and the contact of each pair.

    Examples
    --------
    >>> from scoring.simulation.settings import Settings
    >>> from scoring.simulation.traits import draw_traits
    >>> reps, contacts, rep, contact = draw_people(1, draw_traits(1, Settings(closed=True)), 100)
    >>> reps is contacts, len(rep)
    (True, 50)
    """
    rng = stream(seed, "people")
    if traits.closed:
        crowd, rep, contact = _draw_closed(rng, traits, max(1, rows // 2))
        return crowd, crowd, rep, contact
    return _draw_open(rng, traits, rows)
