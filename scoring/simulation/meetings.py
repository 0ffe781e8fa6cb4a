"""Meetings: booked out of conversations, some of them the first of a series, known ahead, mostly held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.clock import Clock
from scoring.simulation.columns import Columns
from scoring.simulation.conversations import Conversations
from scoring.simulation.draws import Flags, Floats, Ints, sampled_wait, survival
from scoring.simulation.ties import Ties
from scoring.simulation.traits import Traits
from scoring.simulation.turns import Messages

__all__ = ["Appointments", "Series", "after_meetings", "book", "occurrences"]

PERIODS_DAYS = (7, 14, 28)


@dataclass(frozen=True, slots=True)
class Appointments(Columns):
    """Meetings in the calendar, held or not.

    Attributes
    ----------
    tie : ndarray of int
        Whose.
    booked, due : ndarray
        Own days on which it entered the calendar and for which.
    cancelled : ndarray
        Own day on which it left the calendar; infinite if it did not.
    held : ndarray of bool
        Whether it took place.
    series : ndarray of int
        Number of its series, -1 for a single one.
    """

    tie: Ints
    booked: Floats
    due: Floats
    cancelled: Floats
    held: Flags
    series: Ints


@dataclass(frozen=True, slots=True)
class Series(Columns):
    """Recurring meetings.

    Attributes
    ----------
    tie : ndarray of int
        Whose.
    booked, first, end : ndarray
        Own days: entered, first due, given up.
    period : ndarray of int
        Calendar days from one to the next.
    """

    tie: Ints
    booked: Floats
    first: Floats
    end: Floats
    period: Ints


def book(rng: np.random.Generator, messages: Messages, ties: Ties, traits: Traits) -> tuple[Appointments, Series]:
    """Draw the meetings that come of these mails of contacts: single ones, and series.

    A series goes on until it is given up, at any time with the same chance.
    """
    may_book = messages.inbound & messages.books
    booked = messages.take(may_book & (rng.random(len(messages.tie)) < ties.booking[messages.tie]))
    size = len(booked.tie)
    due = booked.time + sampled_wait(rng, np.zeros(size), traits.meeting_days, traits.meeting_shape)
    recurring = (rng.random(size) < traits.series) & ~ties.one_touch[booked.tie]
    held = rng.random(size) < traits.held
    end = due + rng.exponential(traits.series_days, size)
    period = rng.choice(np.array(PERIODS_DAYS), size)
    single = Appointments(booked.tie, booked.time, due, np.full(size, np.inf), held, np.full(size, -1)).take(~recurring)
    return single, Series(booked.tie, booked.time, due, end, period).take(recurring)


def occurrences(
    rng: np.random.Generator, series: Series, start: float, until: float, clock: Clock, traits: Traits
) -> Appointments:
    """Draw the meetings of series that are due from `start` to before `until`."""
    first = clock.seconds(series.first)
    last = clock.seconds(np.full(len(first), until))
    number = np.maximum(((last - first) // (86_400 * series.period)).astype(np.int64) + 1, 0)
    which = np.repeat(np.arange(len(number)), number)
    nth = np.arange(len(which)) - np.repeat(np.cumsum(number) - number, number)
    due = clock.own(first[which] + 86_400.0 * series.period[which] * nth)
    end = series.end[which]
    held = (end >= due) & (rng.random(len(which)) < traits.held)
    all_of_them = Appointments(
        series.tie[which], series.booked[which], due, np.where(end < due, end, np.inf), held, which
    )
    return all_of_them.take((due >= start) & (due < until))


def after_meetings(
    rng: np.random.Generator, appointments: Appointments, start: float, until: float, traits: Traits
) -> Conversations:
    """Draw the conversations that follow meetings held, from `start` to before `until`; mostly the rep writes."""
    held = appointments.take(appointments.held & (appointments.due < until))
    waited = np.maximum(start - held.due, 0)
    left = traits.after_meeting * survival(waited, 1.0, 1.5)
    writes = rng.random(len(waited)) * (1 - traits.after_meeting + left) < left
    time = held.due + sampled_wait(rng, waited, 1.0, 1.5)
    inbound = rng.random(len(waited)) < 0.3
    writes &= time < until
    size = int(writes.sum())
    return Conversations(held.tie[writes], time[writes], np.ones(size), inbound[writes], np.zeros(size, bool))
