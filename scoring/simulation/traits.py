"""What one organisation is like: its hyperparameters, drawn broadly so that real ones fall inside.

Nothing here is fitted to any real organisation. Times are in days of the organisation's own clock (see `clock`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from scoring.simulation.draws import stream
from scoring.simulation.settings import Settings

__all__ = ["Traits", "draw_traits"]


@dataclass(frozen=True, slots=True)
class Traits:
    """Hyperparameters of one organisation; days are days of its own clock.

    Attributes
    ----------
    days : int
        Length of the record in calendar days.
    closed : bool
        Contacts are the reps themselves.
    one_row_a_contact : bool
        A contact has one row, whoever knows it.
    reps : int
        Number of reps of an open organisation.
    ties_a_contact : float
        Reps that know a contact, on average.
    contacts_an_account : float
        Contacts of an account, on average.
    owner_share : float
        Share of ties that an account's own rep (a colleague's own team) has.
    earlier_days : float
        Ties began up to so long before the record.
    people_spread : float
        Spread of the log of how much people do.
    load_spread : float
        Spread of the log of how many they know.
    strength_pace : float
        What a standard deviation of closeness adds to the log pace.
    strength_answer : float
        What it adds to the log-odds of an answer.
    strength_life : float
        What it adds to the log of an episode's length.
    strength_revival : float
        What it adds to the log-odds of a revival.
    from_cc : float
        Share first seen in copy.
    cc_effect : float
        What that adds to the log pace and to the log-odds of an answer.
    profile_spread : float
        Spread of such effects of seniorities and departments.
    rep_departures : float
        Reps that leave, a year.
    contact_departures : float
        Contacts that leave, a year.
    batches : float
        Share of ties that began with a list of contacts.
    untouched : float
        Share of contacts that are in the CRM before the first touch.
    one_touch : float
        Share of ties with one conversation only.
    life_days : float
        Median length of an episode.
    life_shape : float
        The smaller, the heavier its tail.
    lasting : float
        Share of ties whose episodes are 20 times longer.
    revival : float
        Log-odds that another episode follows.
    revival_spread : float
        Spread of these among ties.
    pause_days : float
        Median pause between episodes.
    pause_shape : float
        The smaller, the heavier its tail.
    episode_spread : float
        Spread of the log pace among episodes of a tie.
    mood_spread : float
        Spread of the log level of reps and contacts.
    mood_memory : float
        Correlation of it with that of 15 days before.
    account_mood_spread : float
        Spread of the log level of accounts.
    pace : float
        Conversations a day of a typical tie, follow-ups apart.
    pace_spread : float
        Spread of the log pace among ties.
    initiative : float
        Mean chance that the contact starts a conversation.
    initiative_weight : float
        The smaller, the more ties in which always the same side does.
    contact_answer : float
        Log-odds of a contact's answer.
    rep_answer : float
        Log-odds of a rep's answer.
    answer_spread_people : float
        Spread of them among people.
    answer_spread_ties : float
        Spread of them among ties.
    never_answers : float
        Share of contacts who never answer.
    always_answers : float
        Share of contacts who always do.
    reply_days : float
        Median days to an answer.
    reply_shape : float
        The smaller, the heavier the tail.
    one_way : float
        Share of ties in which one side writes and the other hardly answers.
    one_way_inbound : float
        Share of them in which the contact writes.
    nudge : float
        Chance of writing again without an answer.
    nudge_days : float
        Median days to it.
    nudge_shape : float
        The smaller, the heavier the tail.
    follow_ups : float
        Mean number of conversations that a conversation leads to.
    follow_up_days : float
        Median days to them.
    follow_up_shape : float
        The smaller, the heavier the tail.
    broadcast_rate : float
        Mails to many, a day and rep.
    contact_broadcast_rate : float
        Mails to many, a day and contact.
    broadcast_reach : float
        Median share of the ties that one goes to.
    broadcast_spread : float
        Spread of the log of it.
    broadcast_answer : float
        Factor on the chance of an answer.
    booking : float
        Chance that a mail from a contact leads to a meeting.
    meeting_days : float
        Median days to it.
    meeting_shape : float
        The smaller, the heavier the tail.
    held : float
        Share of meetings that take place.
    series : float
        Share of bookings that begin a series.
    series_days : float
        Mean length of a series.
    after_meeting : float
        Chance that a mail follows a meeting.
    shows_upcoming : bool
        Whether exports hold upcoming meetings.
    weekend : float
        How much happens on a day of the weekend, against other days.
    holidays : float
        How quiet holidays are, 1 for silence.
    growth : float
        Growth of the log activity a year.
    """

    days: int
    closed: bool
    one_row_a_contact: bool
    reps: int
    ties_a_contact: float
    contacts_an_account: float
    owner_share: float
    earlier_days: float
    people_spread: float
    load_spread: float
    strength_pace: float
    strength_answer: float
    strength_life: float
    strength_revival: float
    from_cc: float
    cc_effect: float
    profile_spread: float
    rep_departures: float
    contact_departures: float
    batches: float
    untouched: float
    one_touch: float
    life_days: float
    life_shape: float
    lasting: float
    revival: float
    revival_spread: float
    pause_days: float
    pause_shape: float
    episode_spread: float
    mood_spread: float
    mood_memory: float
    account_mood_spread: float
    pace: float
    pace_spread: float
    initiative: float
    initiative_weight: float
    contact_answer: float
    rep_answer: float
    answer_spread_people: float
    answer_spread_ties: float
    never_answers: float
    always_answers: float
    reply_days: float
    reply_shape: float
    one_way: float
    one_way_inbound: float
    nudge: float
    nudge_days: float
    nudge_shape: float
    follow_ups: float
    follow_up_days: float
    follow_up_shape: float
    broadcast_rate: float
    contact_broadcast_rate: float
    broadcast_reach: float
    broadcast_spread: float
    broadcast_answer: float
    booking: float
    meeting_days: float
    meeting_shape: float
    held: float
    series: float
    series_days: float
    after_meeting: float
    shows_upcoming: bool
    weekend: float
    holidays: float
    growth: float


class _Draws:
    """One draw a trait, each from a stream of its own: a trait more or less leaves the others as they are."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def _stream(self, name: str) -> np.random.Generator:
        return stream(self.seed, f"trait {name}")

    def happens(self, name: str, chance: float) -> bool:
        return bool(self._stream(name).random() < chance)

    def uniform(self, name: str, low: float, high: float) -> float:
        return float(self._stream(name).uniform(low, high))

    def beta(self, name: str, one: float, other: float) -> float:
        return float(self._stream(name).beta(one, other))

    def normal(self, name: str, mean: float, spread: float) -> float:
        return float(self._stream(name).normal(mean, spread))

    def log_uniform(self, name: str, low: float, high: float) -> float:
        return float(np.exp(self.uniform(name, np.log(low), np.log(high))))

    def log_normal(self, name: str, median: float, spread: float) -> float:
        return float(median * np.exp(self.normal(name, 0, spread)))


def _people(draw: _Draws, on: Settings) -> dict[str, Any]:
    """Draw who there is."""
    return {
        "reps": int(min(draw.log_uniform("reps", 6, 300), max(2, on.rows // 4))),
        "ties_a_contact": draw.log_uniform("ties_a_contact", 1.0, 6.0),
        "contacts_an_account": draw.log_uniform("contacts_an_account", 1.0, 12.0),
        "owner_share": draw.uniform("owner_share", 0, 1),
        "earlier_days": draw.uniform("earlier_days", 0, 800),
        "people_spread": draw.uniform("people_spread", 0.2, 1.0),
        "load_spread": draw.uniform("load_spread", 0.2, 2.0),
        "strength_pace": draw.uniform("strength_pace", 0, 0.8) * on.strength,
        "strength_answer": draw.uniform("strength_answer", -0.3, 1.0) * on.strength,
        "strength_life": draw.uniform("strength_life", -0.3, 0.8) * on.strength,
        "strength_revival": draw.uniform("strength_revival", -0.2, 1.2) * on.strength,
        "from_cc": draw.beta("from_cc", 0.7, 3),
        "cc_effect": draw.normal("cc_effect", -0.2, 0.4) * on.profile_effects,
        "profile_spread": abs(draw.normal("profile_spread", 0, 0.25)) * on.profile_effects,
        "rep_departures": draw.uniform("rep_departures", 0, 0.5) * on.departures,
        "contact_departures": draw.uniform("contact_departures", 0, 0.4) * on.departures,
        "batches": draw.happens("has batches", 0.5) * draw.beta("batches", 0.8, 1.0) * on.batches,
        "untouched": draw.happens("has untouched", 0.4) * draw.uniform("untouched", 0, 0.3) * on.untouched,
    }


def _lives(draw: _Draws, on: Settings) -> dict[str, Any]:
    """Draw how long ties live and how people come and go."""
    return {
        "one_touch": draw.beta("one_touch", 1.0, 1.6) * on.one_touch,
        "life_days": draw.log_normal("life_days", 170, 1.7),
        "life_shape": draw.log_uniform("life_shape", 0.8, 3.0),
        "lasting": draw.beta("lasting", 1, 2.5) * on.lasting,
        "revival": draw.normal("revival", 0.0, 1.3) if on.revivals else -99.0,
        "revival_spread": draw.uniform("revival_spread", 0, 1.2),
        "pause_days": draw.log_normal("pause_days", 80, 1.0),
        "pause_shape": draw.log_uniform("pause_shape", 0.7, 2.0),
        "episode_spread": draw.uniform("episode_spread", 0, 0.8),
        "mood_spread": draw.uniform("mood_spread", 0, 1.1) * on.moods,
        "mood_memory": draw.uniform("mood_memory", 0.2, 0.95),
        "account_mood_spread": draw.uniform("account_mood_spread", 0, 1.2) * on.moods,
    }


def _talk(draw: _Draws, on: Settings) -> dict[str, Any]:
    """Draw how people write."""
    return {
        "pace": draw.log_normal("pace", 1 / 100, 1.7),
        "pace_spread": draw.uniform("pace_spread", 0.6, 2.0),
        "initiative": draw.beta("initiative", 2, 2),
        "initiative_weight": draw.log_uniform("initiative_weight", 0.3, 6),
        "contact_answer": draw.normal("contact_answer", -1.0, 1.5),
        "rep_answer": draw.normal("rep_answer", 0.0, 1.2),
        "answer_spread_people": draw.uniform("answer_spread_people", 0.1, 1.4),
        "answer_spread_ties": draw.uniform("answer_spread_ties", 0.1, 1.4),
        "never_answers": draw.beta("never_answers", 1, 6),
        "always_answers": draw.beta("always_answers", 1, 12),
        "reply_days": draw.log_normal("reply_days", 0.4, 0.9),
        "reply_shape": draw.uniform("reply_shape", 0.8, 1.7),
        "one_way": draw.beta("one_way", 1, 9) * on.one_way,
        "one_way_inbound": draw.beta("one_way_inbound", 1.5, 1.5),
        "nudge": draw.beta("nudge", 1.2, 4) * on.nudges,
        "nudge_days": draw.log_uniform("nudge_days", 1.5, 12),
        "nudge_shape": draw.uniform("nudge_shape", 1.0, 3.0),
        "follow_ups": draw.beta("follow_ups", 1, 1.5) * 0.8 * on.follow_ups,
        "follow_up_days": draw.log_uniform("follow_up_days", 1.0, 20),
        "follow_up_shape": draw.uniform("follow_up_shape", 0.8, 2.0),
        "broadcast_rate": draw.happens("has broadcast_rate", 0.8)
        * draw.log_uniform("broadcast_rate", 0.005, 0.5)
        * on.broadcasts,
        "contact_broadcast_rate": draw.happens("writes to many", 0.6)
        * draw.log_uniform("contact_broadcast_rate", 0.005, 0.5)
        * on.broadcasts,
        "broadcast_reach": draw.log_uniform("broadcast_reach", 0.003, 0.3),
        "broadcast_spread": draw.uniform("broadcast_spread", 0.3, 2.0),
        "broadcast_answer": draw.uniform("broadcast_answer", 0.02, 0.6),
    }


def _plans(draw: _Draws, on: Settings) -> dict[str, Any]:
    """Draw meetings and the calendar."""
    return {
        "booking": draw.happens("has booking", 0.75) * draw.beta("booking", 0.8, 8) * on.meetings,
        "meeting_days": draw.log_uniform("meeting_days", 2, 12),
        "meeting_shape": draw.uniform("meeting_shape", 1.5, 3),
        "held": draw.uniform("held", 0.7, 0.97),
        "series": draw.beta("series", 1, 6),
        "series_days": draw.log_uniform("series_days", 30, 300),
        "after_meeting": draw.beta("after_meeting", 2, 3),
        "shows_upcoming": draw.happens("shows_upcoming", 0.6),
        "weekend": draw.beta("weekend", 0.8, 3),
        "holidays": draw.beta("holidays", 1.2, 1.0),
        "growth": draw.normal("growth", 0, 0.3) * (1 if draw.happens("has growth", 0.88) else 8),
    }


def draw_traits(seed: int, settings: Settings) -> Traits:
    """Draw what the organisation of this seed is like.

    Parameters
    ----------
    seed : int
        Seed of the organisation, not negative.
    settings : Settings
        What the caller decided; a mechanism that is switched off gets the trait that means "never".

    Returns
    -------
    Traits

    Examples
    --------
    >>> draw_traits(7, Settings()) == draw_traits(7, Settings())
    True
    >>> draw_traits(7, Settings(follow_ups=False)).follow_ups
    0.0
    """
    draw = _Draws(seed)
    days = int(draw.log_uniform("days", 100, 1300))
    closed, one_row = draw.happens("closed", 0.35), draw.happens("one_row_a_contact", 0.12)
    return Traits(
        days=days if settings.days is None else settings.days,
        closed=closed if settings.closed is None else settings.closed,
        one_row_a_contact=one_row if settings.one_row_a_contact is None else settings.one_row_a_contact,
        **_people(draw, settings),
        **_lives(draw, settings),
        **_talk(draw, settings),
        **_plans(draw, settings),
    )
