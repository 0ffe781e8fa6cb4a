"""One course of events: what happens from a state on, for the recorded past and for redrawn futures alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scoring.simulation import conversations as talk
from scoring.simulation.clock import Clock
from scoring.simulation.lives import Episodes, LifeState, fresh_lives, live, lives_at
from scoring.simulation.meetings import Appointments, Series, after_meetings, book, occurrences
from scoring.simulation.moods import Moods
from scoring.simulation.ties import Ties
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
        Messages(nobody, nobody, none, never, none, nobody, never),
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
    of_lives, of_starts, of_broadcasts, of_follow_ups, of_turns, of_meetings, of_series, of_after = rng.spawn(8)
    episodes = live(of_lives, state.lives, until, ties, traits)
    starts = talk.Conversations.joined(
        [
            talk.own_starts(of_starts, episodes, start, until, ties, moods),
            talk.broadcasts(of_broadcasts, start, until, ties, traits, moods),
        ]
    )
    bred = talk.follow_ups(
        of_follow_ups, talk.Conversations.joined([state.parents, starts]), start, until, ties, traits, moods
    )
    begun = talk.Conversations.joined([starts, bred])
    opening = opening_messages(begun)
    # conversations that go on get numbers below zero, apart from those of new ones
    going_on = replace(state.open_messages, thread=-1 - np.arange(len(state.open_messages.tie)))
    later = take_turns(of_turns, Messages.joined([opening, going_on]), start, until, ties, traits)
    messages = Messages.joined([opening, later])
    single, fresh = book(of_meetings, messages, ties, traits)
    # a series goes on at every moment with the same chance, so what is left of it is drawn afresh
    left = of_series.exponential(traits.series_days, len(state.series.tie))
    series = Series.joined([replace(state.series, end=np.maximum(state.series.first, start) + left), fresh])
    planned = replace(state.planned, held=of_meetings.random(len(state.planned.tie)) < traits.held)
    horizon = min(float(world.clock.hours[-1]), until + PLANNED_AHEAD_DAYS)
    repeated = occurrences(of_series, series, start, horizon, world.clock, traits)
    due = Appointments.joined([planned, single, repeated])
    after = after_meetings(of_after, Appointments.joined([state.met, due]), start, until, traits)
    opening_after = opening_messages(after, len(begun), books=False)
    later_after = take_turns(of_after, opening_after, start, until, ties, traits)
    messages = Messages.joined([messages, opening_after, later_after])
    return Course(episodes, talk.Conversations.joined([begun, after]), messages, due, series)


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
