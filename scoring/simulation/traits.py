"""What one organisation is like: its hyperparameters, drawn broadly so that real ones fall inside.

Nothing here is fitted to any real organisation. Times are in days of the organisation's own clock (see `clock`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scoring.simulation.draws import stream
from scoring.simulation.settings import Settings

__all__ = ["Traits", "draw_traits"]


@dataclass(frozen=True, slots=True)
class Traits:
    """Hyperparameters of one organisation; see `draw_traits` for how each is drawn."""

    days: int
    closed: bool
    one_row_a_contact: bool
    reps: int
    ties_a_contact: float
    contacts_an_account: float
    owner_share: float
    earlier_days: float
    pace: float
    pace_spread: float
    people_spread: float
    load_spread: float
    strength_pace: float
    strength_answer: float
    strength_life: float
    life_days: float
    lasting: float
    life_shape: float
    revival: float
    revival_spread: float
    strength_revival: float
    pause_days: float
    pause_shape: float
    episode_spread: float
    one_touch: float
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
    mood_spread: float
    mood_memory: float
    account_mood_spread: float
    rep_departures: float
    contact_departures: float
    broadcast_rate: float
    broadcast_reach: float
    broadcast_spread: float
    broadcast_answer: float
    contact_broadcast_rate: float
    batches: float
    booking: float
    meeting_days: float
    meeting_shape: float
    held: float
    series: float
    series_days: float
    after_meeting: float
    weekend: float
    holidays: float
    growth: float
    from_cc: float
    cc_effect: float
    profile_spread: float
    untouched: float


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
    on = settings
    days = int(draw.log_uniform("days", 100, 1300))
    closed, one_row = draw.happens("closed", 0.35), draw.happens("one_row_a_contact", 0.12)
    values = {
        "reps": int(min(draw.log_uniform("reps", 6, 300), max(2, on.rows // 4))),
        "ties_a_contact": draw.log_uniform("ties_a_contact", 1.0, 6.0),
        "contacts_an_account": draw.log_uniform("contacts_an_account", 1.0, 12.0),
        "owner_share": draw.uniform("owner_share", 0, 1),
        "earlier_days": draw.uniform("earlier_days", 0, 800),
        "pace": draw.log_normal("pace", 1 / 100, 1.7),
        "pace_spread": draw.uniform("pace_spread", 0.6, 2.0),
        "people_spread": draw.uniform("people_spread", 0.2, 1.0),
        "load_spread": draw.uniform("load_spread", 0.2, 2.0),
        "strength_pace": draw.uniform("strength_pace", 0, 0.8) * on.strength,
        "strength_answer": draw.uniform("strength_answer", -0.3, 1.0) * on.strength,
        "strength_life": draw.uniform("strength_life", -0.3, 0.8) * on.strength,
        "life_days": draw.log_normal("life_days", 170, 1.7),
        "lasting": draw.beta("lasting", 1, 2.5) * on.lasting,
        "life_shape": draw.log_uniform("life_shape", 0.8, 3.0),
        "revival": draw.normal("revival", 0.0, 1.3) if on.revivals else -99.0,
        "revival_spread": draw.uniform("revival_spread", 0, 1.2),
        "strength_revival": draw.uniform("strength_revival", -0.2, 1.2) * on.strength,
        "pause_days": draw.log_normal("pause_days", 80, 1.0),
        "pause_shape": draw.log_uniform("pause_shape", 0.7, 2.0),
        "episode_spread": draw.uniform("episode_spread", 0, 0.8),
        "one_touch": draw.beta("one_touch", 1.0, 1.6) * on.one_touch,
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
        "one_way": draw.beta("one_way", 1, 3) * on.one_way,
        "one_way_inbound": draw.beta("one_way_inbound", 1.5, 1.5),
        "nudge": draw.beta("nudge", 1.2, 4) * on.nudges,
        "nudge_days": draw.log_uniform("nudge_days", 1.5, 12),
        "nudge_shape": draw.uniform("nudge_shape", 1.0, 3.0),
        "follow_ups": draw.beta("follow_ups", 1, 1.5) * 0.8 * on.follow_ups,
        "follow_up_days": draw.log_uniform("follow_up_days", 1.0, 20),
        "follow_up_shape": draw.uniform("follow_up_shape", 0.8, 2.0),
        "mood_spread": draw.uniform("mood_spread", 0, 1.1) * on.moods,
        "mood_memory": draw.uniform("mood_memory", 0.2, 0.95),
        "account_mood_spread": draw.uniform("account_mood_spread", 0, 1.2) * on.moods,
        "rep_departures": draw.uniform("rep_departures", 0, 0.5) * on.departures,
        "contact_departures": draw.uniform("contact_departures", 0, 0.4) * on.departures,
        "broadcast_rate": (draw.happens("has broadcast_rate", 0.8))
        * draw.log_uniform("broadcast_rate", 0.005, 0.5)
        * on.broadcasts,
        "broadcast_reach": draw.log_uniform("broadcast_reach", 0.003, 0.3),
        "broadcast_spread": draw.uniform("broadcast_spread", 0.3, 2.0),
        "broadcast_answer": draw.uniform("broadcast_answer", 0.02, 0.6),
        "contact_broadcast_rate": (draw.happens("has contact_broadcast_rate", 0.6))
        * draw.log_uniform("contact_broadcast_rate", 0.005, 0.5)
        * on.broadcasts,
        "batches": (draw.happens("has batches", 0.5)) * draw.beta("batches", 0.8, 1.0) * on.batches,
        "booking": (draw.happens("has booking", 0.75)) * draw.beta("booking", 0.8, 8) * on.meetings,
        "meeting_days": draw.log_uniform("meeting_days", 2, 12),
        "meeting_shape": draw.uniform("meeting_shape", 1.5, 3),
        "held": draw.uniform("held", 0.7, 0.97),
        "series": draw.beta("series", 1, 6),
        "series_days": draw.log_uniform("series_days", 30, 300),
        "after_meeting": draw.beta("after_meeting", 2, 3),
        "weekend": draw.beta("weekend", 0.8, 3),
        "holidays": draw.beta("holidays", 1.2, 1.0),
        "growth": draw.normal("growth", 0, 0.3) * (1 if draw.happens("has growth", 0.88) else 8),
        "from_cc": draw.beta("from_cc", 0.7, 3),
        "cc_effect": draw.normal("cc_effect", -0.2, 0.4) * on.profile_effects,
        "profile_spread": abs(draw.normal("profile_spread", 0, 0.25)) * on.profile_effects,
        "untouched": (draw.happens("has untouched", 0.4)) * draw.uniform("untouched", 0, 0.3) * on.untouched,
    }
    return Traits(
        days=days if on.days is None else on.days,
        closed=closed if on.closed is None else on.closed,
        one_row_a_contact=one_row if on.one_row_a_contact is None else on.one_row_a_contact,
        **{name: value if name == "reps" else float(value) for name, value in values.items()},  # type: ignore[arg-type]
    )
