"""One course of events: what happens from a state on, for the recorded past and for redrawn futures alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation import conversations as talk
from scoring.simulation.clock import Clock
from scoring.simulation.lives import Episodes, LifeState, fresh_lives, live, lives_at
from scoring.simulation.meetings import Appointments, Series, after_meetings, book, join_appointments, occurrences
from scoring.simulation.moods import Moods
from scoring.simulation.people import Ties
from scoring.simulation.traits import Traits
from scoring.simulation.turns import Messages, last_before, opening_messages, take_turns

__all__ = ["Course", "State", "World", "fresh_state", "play", "state_at"]

FORGOTTEN_DAYS = 500.0
"""A conversation older than this leads to nothing any more."""

PLANNED_AHEAD_DAYS = 40.0
"""Recurring meetings are in the calendar this far beyond the end of the course."""


@dataclass(frozen=True, slots=True)
class World:
    """All that stays the same, whatever happens: who knows whom, what they are like, and when they are around."""

    ties: Ties
    traits: Traits
    moods: Moods
    clock: Clock


@dataclass(frozen=True, slots=True)
class State:
    """All that the future depends on, as it stands on own day `at`.

    Attributes
    ----------
    at : float
        Own day.
    lives : LifeState
        Who is in an episode or a pause, and since when.
    parents : Conversations
        Conversations that may still lead to follow-ups.
    open_messages : Messages
        The last mail of each conversation.
    met : Appointments
        Meetings held.
    planned : Appointments
        Single meetings in the calendar.
    series : Series
        Recurring meetings that go on.
    """

    at: float
    lives: LifeState
    parents: talk.Conversations
    open_messages: Messages
    met: Appointments
    planned: Appointments
    series: Series


@dataclass(frozen=True, slots=True)
class Course:
    """What happened from a state on.

    Attributes
    ----------
    episodes : Episodes
        Times in which ties were alive.
    conversations : Conversations
        Starts; a thread number is an index into them.
    messages : Messages
        Mails.
    appointments : Appointments
        Meetings due.
    series : Series
        Recurring meetings.
    """

    episodes: Episodes
    conversations: talk.Conversations
    messages: Messages
    appointments: Appointments
    series: Series


def fresh_state(rng: np.random.Generator, world: World) -> State:
    """Return the state before anything was recorded, on own day 0."""
    none = np.zeros(0)
    nobody, never = np.zeros(0, np.int64), np.zeros(0, bool)
    nothing = Appointments(nobody, none, none, none, never, nobody)
    return State(
        0.0,
        fresh_lives(rng, world.ties, world.traits),
        talk.Conversations(nobody, none, none, never, never),
        Messages(nobody, nobody, none, never, none, nobody),
        nothing,
        nothing,
        Series(nobody, none, none, none, nobody),
    )


def play(rng: np.random.Generator, world: World, state: State, until: float) -> Course:
    """Draw what happens from a state on.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness; the same one gives the same course.
    world : World
        Who and what there is.
    state : State
        Where things stand.
    until : float
        Own day; nothing from then on is drawn, apart from meetings booked for later.

    Returns
    -------
    Course
    """
    ties, traits, moods, start = world.ties, world.traits, world.moods, state.at
    episodes = live(rng, state.lives, until, ties, traits)
    starts = talk.joined(
        [
            talk.own_starts(rng, episodes, start, until, ties, moods),
            talk.broadcasts(rng, start, until, ties, traits, moods),
        ]
    )
    bred = talk.follow_ups(rng, talk.joined([state.parents, starts]), start, until, ties, traits, moods)
    begun = talk.joined([starts, bred])
    opening = opening_messages(begun)
    going_on = _going_on(state.open_messages)
    later = take_turns(rng, _both(opening, going_on), start, until, ties, traits)
    messages = _both(opening, later)
    single, fresh = book(rng, messages, ties, traits)
    # a series goes on at every moment with the same chance, so what is left of it is drawn afresh
    left = Series(
        state.series.tie,
        state.series.booked,
        state.series.first,
        np.maximum(state.series.first, start) + rng.exponential(traits.series_days, len(state.series.tie)),
        state.series.period,
    )
    series = Series(
        *(
            np.concatenate((getattr(left, name), getattr(fresh, name)))
            for name in ("tie", "booked", "first", "end", "period")
        )
    )
    kept = state.planned
    planned = Appointments(
        kept.tie, kept.booked, kept.due, kept.cancelled, rng.random(len(kept.tie)) < traits.held, kept.series
    )
    horizon = min(float(world.clock.hours[-1]), until + PLANNED_AHEAD_DAYS)
    due = join_appointments([planned, single, occurrences(rng, series, start, horizon, world.clock, traits)])
    after = after_meetings(rng, join_appointments([state.met, due]), start, until, ties, traits)
    opening_after = opening_messages(after)
    opening_after = Messages(
        opening_after.thread + len(begun),
        opening_after.tie,
        opening_after.time,
        opening_after.inbound,
        opening_after.damping,
        opening_after.turn,
    )
    messages = _both(_both(messages, opening_after), take_turns(rng, opening_after, start, until, ties, traits))
    return Course(episodes, talk.joined([begun, after]), messages, due, series)


def _going_on(open_messages: Messages) -> Messages:
    """Give conversations that go on numbers below zero, apart from those of new ones."""
    return Messages(
        -1 - np.arange(len(open_messages.tie)),
        open_messages.tie,
        open_messages.time,
        open_messages.inbound,
        open_messages.damping,
        open_messages.turn,
    )


def _both(one: Messages, other: Messages) -> Messages:
    return Messages(
        *(
            np.concatenate((getattr(one, name), getattr(other, name)))
            for name in ("thread", "tie", "time", "inbound", "damping", "turn")
        )
    )


def state_at(world: World, course: Course, at: float) -> State:
    """Return how things stand before a moment of a recorded course.

    Parameters
    ----------
    world : World
        Who and what there is.
    course : Course
        What happened, from the start of the record.
    at : float
        Own day; events of before it are known.

    Returns
    -------
    State
    """
    recent = at - FORGOTTEN_DAYS
    begun = course.conversations
    appointments, series = course.appointments, course.series
    open_messages = last_before(course.messages, at)
    return State(
        at,
        lives_at(course.episodes, at, world.ties),
        begun.take((begun.time < at) & (begun.time >= recent) & begun.fertile),
        open_messages.take(open_messages.time >= recent),
        appointments.take((appointments.due < at) & (appointments.due >= recent) & appointments.held),
        appointments.take((appointments.booked < at) & (appointments.due >= at) & (appointments.series < 0)),
        series.take((series.booked < at) & (series.end > at)),
    )
