"""How much was written, met and spent, over all time and in the last 30 days."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.config import HORIZON_DAYS
from scoring.features.feature import Fact, Feature, ago, between, count
from scoring.features.pace import weeks

__all__ = ["VOLUME"]

_INBOUND, _INBOUND_30D = count("total_inbound"), count("total_inbound_30d")
_OUTBOUND, _OUTBOUND_30D = count("total_outbound"), count("total_outbound_30d")
_MEETINGS, _MEETINGS_30D = count("total_meetings"), count("total_meetings_30d")
_AGE = ago("first_engaged_time")
_INBOUND_SPAN = between("first_inbound_time", "last_inbound_time").clip(0)
_MINUTE: Final = 60


def _momentum(recent: pl.Expr, total: pl.Expr) -> pl.Expr:
    """Count the last 30 days against what the row's own pace over all time would give, smoothed."""
    return (recent + 0.5) / (total * HORIZON_DAYS / (_AGE + HORIZON_DAYS) + 0.5)


INBOUND = Fact(
    name="mails from the contact",
    unit="mails",
    phrase="wrote {} so far",
    absent="no figure for mails from the contact",
    value=_INBOUND,
)
RECENT_INBOUND = Fact(
    name="mails from the contact in 30 days",
    unit="mails",
    phrase="wrote {} in 30 days",
    absent="no figure for mails of the last 30 days",
    value=_INBOUND_30D,
)
OUTBOUND = Fact(
    name="mails to the contact",
    unit="mails",
    phrase="was sent {} so far",
    absent="no figure for mails to the contact",
    value=_OUTBOUND,
)
RECENT_OUTBOUND = Fact(
    name="mails to the contact in 30 days",
    unit="mails",
    phrase="was sent {} in 30 days",
    absent="no figure for mails of the last 30 days",
    value=_OUTBOUND_30D,
)
MEETINGS = Fact(
    name="meetings",
    unit="meetings",
    phrase="{} so far",
    absent="no figure for meetings",
    value=_MEETINGS,
)
RECENT_MEETINGS = Fact(
    name="meetings in 30 days",
    unit="meetings",
    phrase="{} in 30 days",
    absent="no figure for meetings of the last 30 days",
    value=_MEETINGS_30D,
)
TIME_SPENT = Fact(
    name="time spent for each touch",
    unit="minutes",
    phrase="{} spent for each touch",
    absent="no touch to spend time on",
    value=pl.when(_INBOUND + _OUTBOUND + _MEETINGS > 0).then(
        count("total_time_spent") / _MINUTE / (_INBOUND + _OUTBOUND + _MEETINGS).clip(1)
    ),
)

VOLUME: Final[tuple[Feature, ...]] = (
    Feature(
        name="inbound_weeks",
        unit="weeks",
        fact=INBOUND,
        formula="w * (1 - (1 - 1 / w) ** total_inbound), w = 1 + inbound_span_days / 7",
        expression=weeks(_INBOUND, _INBOUND_SPAN),
    ),
    Feature(
        name="inbound_share_30d",
        unit="share",
        fact=RECENT_INBOUND,
        formula="(total_inbound_30d + 0.5) / (total_inbound + 1)",
        expression=(_INBOUND_30D + 0.5) / (_INBOUND + 1),
    ),
    Feature(
        name="inbound_momentum",
        unit="times",
        fact=RECENT_INBOUND,
        formula="(total_inbound_30d + 0.5) / (total_inbound * 30 / (as_of - first_engaged_time + 30) + 0.5)",
        expression=_momentum(_INBOUND_30D, _INBOUND),
    ),
    Feature(
        name="outbound_old",
        unit="mails",
        fact=OUTBOUND,
        formula="total_outbound - total_outbound_30d",
        expression=_OUTBOUND - _OUTBOUND_30D,
    ),
    Feature(
        name="outbound_momentum",
        unit="times",
        fact=RECENT_OUTBOUND,
        formula="(total_outbound_30d + 0.5) / (total_outbound * 30 / (as_of - first_engaged_time + 30) + 0.5)",
        expression=_momentum(_OUTBOUND_30D, _OUTBOUND),
    ),
    Feature(
        name="total_meetings",
        unit="meetings",
        fact=MEETINGS,
        formula="total_meetings",
        expression=_MEETINGS,
    ),
    Feature(
        name="total_meetings_30d",
        unit="meetings",
        fact=RECENT_MEETINGS,
        formula="total_meetings_30d",
        expression=_MEETINGS_30D,
    ),
    Feature(
        name="minutes_a_touch",
        unit="minutes",
        fact=TIME_SPENT,
        formula="total_time_spent / 60 / (total_inbound + total_outbound + total_meetings), where there was any",
        expression=TIME_SPENT.value,
    ),
)
