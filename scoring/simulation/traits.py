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


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _log_normal(rng: np.random.Generator, median: float, spread: float) -> float:
    return float(median * np.exp(rng.normal(0, spread)))


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
    rng = stream(seed, "traits")
    on = settings
    days = int(_log_uniform(rng, 100, 1300))
    closed, one_row = bool(rng.random() < 0.35), bool(rng.random() < 0.12)
    draw = {
        "reps": int(min(_log_uniform(rng, 6, 300), max(2, on.rows // 4))),
        "ties_a_contact": _log_uniform(rng, 1.0, 6.0),
        "contacts_an_account": _log_uniform(rng, 1.0, 12.0),
        "owner_share": rng.uniform(0, 1),
        "earlier_days": rng.uniform(0, 800),
        "pace": _log_normal(rng, 1 / 80, 1.4),
        "pace_spread": rng.uniform(0.6, 2.0),
        "people_spread": rng.uniform(0.2, 1.0),
        "load_spread": rng.uniform(0.2, 2.0),
        "strength_pace": rng.uniform(0, 0.8) * on.strength,
        "strength_answer": rng.uniform(-0.3, 1.0) * on.strength,
        "strength_life": rng.uniform(-0.3, 0.8) * on.strength,
        "life_days": _log_normal(rng, 200, 1.4),
        "lasting": rng.beta(1, 2.5) * on.lasting,
        "life_shape": _log_uniform(rng, 0.8, 3.0),
        "revival": rng.uniform(0, 0.8) * on.revivals,
        "pause_days": _log_normal(rng, 100, 1.0),
        "pause_shape": _log_uniform(rng, 0.8, 2.5),
        "episode_spread": rng.uniform(0, 0.8),
        "one_touch": rng.beta(1.0, 1.6) * on.one_touch,
        "initiative": rng.beta(2, 2),
        "initiative_weight": _log_uniform(rng, 0.3, 6),
        "contact_answer": rng.normal(-0.7, 1.3),
        "rep_answer": rng.normal(0.0, 1.2),
        "answer_spread_people": rng.uniform(0.1, 1.4),
        "answer_spread_ties": rng.uniform(0.1, 1.4),
        "never_answers": rng.beta(1, 6),
        "always_answers": rng.beta(1, 12),
        "reply_days": _log_normal(rng, 0.4, 0.9),
        "reply_shape": rng.uniform(0.8, 1.7),
        "nudge": rng.beta(1.2, 4) * on.nudges,
        "nudge_days": _log_uniform(rng, 1.5, 12),
        "nudge_shape": rng.uniform(1.0, 3.0),
        "follow_ups": rng.beta(1, 1.5) * 0.8 * on.follow_ups,
        "follow_up_days": _log_uniform(rng, 1.0, 20),
        "follow_up_shape": rng.uniform(0.8, 2.0),
        "mood_spread": rng.uniform(0, 0.9) * on.moods,
        "mood_memory": rng.uniform(0.2, 0.95),
        "account_mood_spread": rng.uniform(0, 1.0) * on.moods,
        "rep_departures": rng.uniform(0, 0.5) * on.departures,
        "contact_departures": rng.uniform(0, 0.4) * on.departures,
        "broadcast_rate": (rng.random() < 0.8) * _log_uniform(rng, 0.005, 0.5) * on.broadcasts,
        "broadcast_reach": _log_uniform(rng, 0.003, 0.3),
        "broadcast_spread": rng.uniform(0.3, 2.0),
        "broadcast_answer": rng.uniform(0.02, 0.6),
        "contact_broadcast_rate": (rng.random() < 0.6) * _log_uniform(rng, 0.005, 0.5) * on.broadcasts,
        "batches": (rng.random() < 0.5) * rng.beta(0.8, 1.0) * on.batches,
        "booking": (rng.random() < 0.75) * rng.beta(0.8, 8) * on.meetings,
        "meeting_days": _log_uniform(rng, 2, 12),
        "meeting_shape": rng.uniform(1.5, 3),
        "held": rng.uniform(0.7, 0.97),
        "series": rng.beta(1, 6),
        "series_days": _log_uniform(rng, 30, 300),
        "after_meeting": rng.beta(2, 3),
        "weekend": rng.beta(0.8, 3),
        "holidays": rng.beta(1.2, 1.0),
        "growth": rng.normal(0, 0.3) * (1 if rng.random() < 0.88 else 8),
        "from_cc": rng.beta(0.7, 3),
        "cc_effect": rng.normal(-0.2, 0.4) * on.profile_effects,
        "profile_spread": abs(rng.normal(0, 0.25)) * on.profile_effects,
        "untouched": (rng.random() < 0.4) * rng.uniform(0, 0.3) * on.untouched,
    }
    return Traits(
        days=days if on.days is None else on.days,
        closed=closed if on.closed is None else on.closed,
        one_row_a_contact=one_row if on.one_row_a_contact is None else on.one_row_a_contact,
        **{name: value if name == "reps" else float(value) for name, value in draw.items()},  # type: ignore[arg-type]
    )
