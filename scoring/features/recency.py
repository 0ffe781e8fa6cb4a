"""How long ago each kind of touch was, weighed against how much there had been before."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.features import measures as m
from scoring.features.feature import AS_OF, Fact, Feature, between

__all__ = ["LAST_INBOUND", "RECENCY"]

_WEEK: Final = 7

LAST_INBOUND = Fact(
    name="last mail from the contact",
    unit="days",
    phrase="last wrote {} ago",
    absent="never wrote",
    value=m.SINCE_INBOUND,
)
LAST_OUTBOUND = Fact(
    name="last mail to the contact",
    unit="days",
    phrase="last written to {} ago",
    absent="never written to",
    value=m.SINCE_OUTBOUND,
)
LAST_TOUCH = Fact(
    name="last touch",
    unit="days",
    phrase="last touch {} ago",
    absent="no touch at all",
    value=m.SINCE_ENGAGED,
)
NEXT_MEETING = Fact(
    name="next meeting",
    unit="days",
    phrase="next meeting in {}",
    absent="no meeting planned",
    value=pl.when(pl.col("first_upcoming_meeting_time") >= AS_OF).then(between("as_of", "first_upcoming_meeting_time")),
)

RECENCY: Final[tuple[Feature, ...]] = (
    Feature(
        name="recent_inbound_by_silence",
        unit="mails a day",
        fact=LAST_INBOUND,
        formula="(total_inbound_30d + 0.5) / (days_since_inbound + 3)",
        trend=1,
        expression=(m.INBOUND_30D + 0.5) / (m.SINCE_INBOUND + 3),
    ),
    Feature(
        name="inbound_by_silence",
        unit="mails a day",
        fact=LAST_INBOUND,
        formula="(total_inbound + 0.5) / (days_since_inbound + 7)",
        trend=1,
        expression=(m.INBOUND + 0.5) / (m.SINCE_INBOUND + _WEEK),
    ),
    Feature(
        name="days_since_outbound",
        unit="days",
        fact=LAST_OUTBOUND,
        formula="as_of - last_outbound_time",
        trend=-1,
        expression=m.SINCE_OUTBOUND,
    ),
    Feature(
        name="days_since_engaged",
        unit="days",
        fact=LAST_TOUCH,
        formula="as_of - last_engaged_time",
        trend=-1,
        expression=m.SINCE_ENGAGED,
    ),
    Feature(
        name="engaged_silence_share",
        unit="share",
        fact=LAST_TOUCH,
        formula="days_since_engaged / (as_of - first_engaged_time + 7)",
        trend=-1,
        expression=m.SINCE_ENGAGED / (m.AGE + _WEEK),
    ),
    Feature(
        name="emails_by_silence",
        unit="mails a day",
        fact=LAST_TOUCH,
        formula="(total_inbound + total_outbound + 0.5) / (days_since_engaged + 7)",
        trend=1,
        expression=(m.INBOUND + m.OUTBOUND + 0.5) / (m.SINCE_ENGAGED + _WEEK),
    ),
    Feature(
        name="days_to_meeting",
        unit="days",
        fact=NEXT_MEETING,
        formula="first_upcoming_meeting_time - as_of, where it is not past",
        expression=NEXT_MEETING.value,
    ),
)
