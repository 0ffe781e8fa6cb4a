"""How much was written, met and spent, over all time and in the last 30 days."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.config import HORIZON_DAYS
from scoring.features import measures as m
from scoring.features.feature import Fact, Feature, count
from scoring.features.recency import LAST_INBOUND

__all__ = ["MEETINGS", "VOLUME", "meeting_chance"]

_MINUTE: Final = 60
_MEETING_SHAPE, _OLD_COUNTS, _MEETINGS_A_DAY = 0.3, 0.2, 0.005


def _momentum(recent: pl.Expr, total: pl.Expr) -> pl.Expr:
    """Count the last 30 days against what the row's own pace over all time would give, smoothed."""
    return (recent + 0.5) / (total * HORIZON_DAYS / (m.AGE + HORIZON_DAYS) + 0.5)


def meeting_chance(meetings_a_day: pl.Expr) -> pl.Expr:
    """Chance of a meeting in the 30 days from `as_of`, if meetings go on at the row's own pace.

    Parameters
    ----------
    meetings_a_day : polars.Expr
        What to expect of a row without history; above 0.

    Returns
    -------
    polars.Expr
        In (0, 1). Gamma-Poisson with shape 0.3, in which the last 30 days count fully and older ones a fifth, since
        the export holds no times of meetings.
    """
    days = _MEETING_SHAPE / meetings_a_day + HORIZON_DAYS + _OLD_COUNTS * (m.AGE.fill_null(0) - HORIZON_DAYS).clip(0)
    met = m.MEETINGS_30D + _OLD_COUNTS * (m.MEETINGS - m.MEETINGS_30D).clip(0)
    return 1 - (days / (days + HORIZON_DAYS)).pow(_MEETING_SHAPE + met)


INBOUND = Fact(
    name="mails from the contact",
    unit="mails",
    phrase="wrote {} so far",
    absent="no figure for mails from the contact",
    value=m.INBOUND,
)
MEETINGS = Fact(
    name="meetings",
    unit="meetings",
    phrase="{} so far",
    absent="no figure for meetings",
    value=m.MEETINGS,
)
RECENT_MEETINGS = Fact(
    name="meetings in 30 days",
    unit="meetings",
    phrase="{} in 30 days",
    absent="no figure for meetings of the last 30 days",
    value=m.MEETINGS_30D,
)
TIME_SPENT = Fact(
    name="time spent for each touch",
    unit="minutes",
    phrase="{} spent for each touch",
    absent="no touch to spend time on",
    value=pl.when(m.INBOUND + m.OUTBOUND + m.MEETINGS > 0).then(
        count("total_time_spent") / _MINUTE / (m.INBOUND + m.OUTBOUND + m.MEETINGS).clip(1)
    ),
)

VOLUME: Final[tuple[Feature, ...]] = (
    Feature(
        name="inbound_weeks",
        unit="weeks",
        fact=INBOUND,
        formula="w * (1 - (1 - 1 / w) ** total_inbound), w = 1 + inbound_span_days / 7",
        trend=1,
        expression=m.INBOUND_WEEKS,
    ),
    Feature(
        name="inbound_momentum",
        unit="times",
        fact=LAST_INBOUND,
        formula="(total_inbound_30d + 0.5) / (total_inbound * 30 / (as_of - first_engaged_time + 30) + 0.5)",
        expression=_momentum(m.INBOUND_30D, m.INBOUND),
    ),
    Feature(
        name="meetings_by_silence",
        unit="meetings a day",
        fact=MEETINGS,
        formula="(total_meetings + 0.2) / (days_since_engaged + 14)",
        trend=1,
        expression=(m.MEETINGS + 0.2) / (m.SINCE_ENGAGED + 14),
    ),
    Feature(
        name="meeting_chance_by_silence",
        unit="share a day",
        fact=MEETINGS,
        formula="meeting_chance(0.005 a day) / (days_since_engaged + 14)",
        trend=1,
        expression=meeting_chance(pl.lit(_MEETINGS_A_DAY)) / (m.SINCE_ENGAGED + 14),
    ),
    Feature(
        name="total_meetings_30d",
        unit="meetings",
        fact=RECENT_MEETINGS,
        formula="total_meetings_30d",
        trend=1,
        expression=m.MEETINGS_30D,
    ),
    Feature(
        name="minutes_a_touch",
        unit="minutes",
        fact=TIME_SPENT,
        formula="total_time_spent / 60 / (total_inbound + total_outbound + total_meetings), where there was any",
        expression=TIME_SPENT.value,
    ),
)
