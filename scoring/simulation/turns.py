"""What follows a mail: an answer, a second attempt, or nothing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.columns import Columns
from scoring.simulation.conversations import Conversations
from scoring.simulation.draws import Flags, Floats, Ints, sampled_wait, survival
from scoring.simulation.ties import Ties
from scoring.simulation.traits import Traits

__all__ = ["Messages", "last_before", "opening_messages", "take_turns"]

MOST_TURNS = 40


@dataclass(frozen=True, slots=True)
class Messages(Columns):
    """Mails.

    Attributes
    ----------
    thread : ndarray of int
        Number of the conversation.
    tie : ndarray of int
        Between whom.
    time : ndarray
        Own day.
    inbound : ndarray of bool
        From the contact (True) or from the rep.
    damping : ndarray
        Factor on the chance of an answer.
    turn : ndarray of int
        Number of the mail in its conversation, from 0.
    books : ndarray of bool
        Whether a meeting may come of it; not of what follows a meeting.
    """

    thread: Ints
    tie: Ints
    time: Floats
    inbound: Flags
    damping: Floats
    turn: Ints
    books: Flags


def opening_messages(conversations: Conversations, first_thread: int = 0, *, books: bool = True) -> Messages:
    """Return the first mail of each conversation, threads numbered from `first_thread` on."""
    size = len(conversations)
    return Messages(
        first_thread + np.arange(size),
        conversations.tie,
        conversations.time,
        conversations.inbound,
        conversations.damping,
        np.zeros(size, np.int64),
        np.full(size, books),
    )


def take_turns(
    rng: np.random.Generator, messages: Messages, start: float, until: float, ties: Ties, traits: Traits
) -> Messages:
    """Draw all that follows the last mails of conversations.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    messages : Messages
        The last mail of each conversation so far. What came of one before `start` is known to be nothing until then.
    start, until : float
        Own days; nothing from `until` on is kept.
    ties, traits : Ties, Traits
        Who answers whom, and how fast.

    Returns
    -------
    Messages
        The mails that follow, without those given.
    """
    found = [messages.take(np.zeros(0, np.int64))]
    current = messages
    for _ in range(MOST_TURNS):
        current = current.take(current.turn < MOST_TURNS)
        if not len(current.tie):
            break
        tie, inbound = current.tie, current.inbound
        answer = np.where(inbound, ties.rep_answer[tie], ties.contact_answer[tie]) * current.damping
        nudge = np.where(inbound, ties.contact_nudge[tie], ties.rep_nudge[tie]) * current.damping
        answer_days = np.where(inbound, ties.rep_days[tie], ties.contact_days[tie])
        waited = np.maximum(start - current.time, 0)
        by_answer = answer * survival(waited, answer_days, traits.reply_shape)
        by_nudge = (1 - answer) * nudge * survival(waited, traits.nudge_days, traits.nudge_shape)
        total = by_answer + by_nudge + (1 - answer) * (1 - nudge)
        draw = rng.random(len(tie)) * total
        answered, goes_on = draw < by_answer, draw < by_answer + by_nudge
        answered_at = sampled_wait(rng, waited, answer_days, traits.reply_shape)
        nudged_at = sampled_wait(rng, waited, traits.nudge_days, traits.nudge_shape)
        time = current.time + np.where(answered, answered_at, nudged_at)
        goes_on &= time < until
        size = int(goes_on.sum())
        current = Messages(
            current.thread[goes_on],
            tie[goes_on],
            time[goes_on],
            np.where(answered, ~inbound, inbound)[goes_on],
            # whoever has answered is in the conversation; a second attempt is as little asked for as the first
            np.where(answered[goes_on], np.ones(size), current.damping[goes_on]),
            current.turn[goes_on] + 1,
            current.books[goes_on],
        )
        found.append(current)
    return Messages.joined(found)


def last_before(messages: Messages, at: float) -> Messages:
    """Return the last mail of each conversation before a moment."""
    past = messages.take(messages.time < at)
    past = past.take(np.lexsort((past.turn, past.thread)))
    return past.take(np.append(past.thread[1:] != past.thread[:-1], True)[: len(past.tie)])
