"""The contact's own rhythm: how often it writes when it writes, and whether it still does."""

from __future__ import annotations

from typing import Final

from scoring.features import measures as m
from scoring.features.feature import Fact, Feature
from scoring.features.rhythm import chance_if_alive

__all__ = ["PACE", "RHYTHM"]

_WEEK: Final = 7

RHYTHM = Fact(
    name="rhythm of the contact's mails",
    unit="share",
    phrase="{} chance of a mail in 30 days by their own rhythm",
    absent="no rhythm of their own: never wrote",
    value=m.INBOUND_WEEKS_CHANCE,
)
EXCHANGE = Fact(
    name="rhythm of the exchange",
    unit="share",
    phrase="{} chance of any mail in 30 days by the rhythm of the exchange",
    absent="no rhythm of exchange: no mails yet",
    value=m.EMAIL_WEEKS_CHANCE,
)
SPAN = Fact(
    name="time over which the contact wrote",
    unit="days",
    phrase="has been writing for {}",
    absent="never wrote",
    value=m.INBOUND_SPAN,
)

PACE: Final[tuple[Feature, ...]] = (
    Feature(
        name="inbound_chance",
        unit="share",
        fact=RHYTHM,
        formula="BG/NBD(total_inbound - 1, inbound_span_days, as_of - first_inbound_time)",
        trend=1,
        expression=m.INBOUND_ALIVE * chance_if_alive(m.INBOUND_REPEATS, m.INBOUND_AGE),
    ),
    Feature(
        name="inbound_weeks_chance",
        unit="share",
        fact=RHYTHM,
        formula="BG/NBD(inbound_weeks - 1, inbound_span_days, as_of - first_inbound_time)",
        trend=1,
        expression=m.INBOUND_WEEKS_CHANCE,
    ),
    Feature(
        name="inbound_alive",
        unit="share",
        fact=RHYTHM,
        formula="BG/NBD alive(total_inbound - 1, inbound_span_days, as_of - first_inbound_time)",
        trend=1,
        expression=m.INBOUND_ALIVE,
    ),
    Feature(
        name="inbound_overdue",
        unit="times",
        fact=RHYTHM,
        formula="days_since_inbound / (inbound_span_days / max(total_inbound, 1) + 1)",
        expression=m.SINCE_INBOUND / (m.INBOUND_SPAN / m.INBOUND.clip(1) + 1),
    ),
    Feature(
        name="emails_chance",
        unit="share",
        fact=EXCHANGE,
        formula="BG/NBD(emails - 1, last_engaged_time - first_engaged_time, as_of - first_engaged_time)",
        trend=1,
        expression=m.EMAIL_CHANCE,
    ),
    Feature(
        name="emails_weeks_chance",
        unit="share",
        fact=EXCHANGE,
        formula="BG/NBD(email_weeks - 1, last_engaged_time - first_engaged_time, as_of - first_engaged_time)",
        trend=1,
        expression=m.EMAIL_WEEKS_CHANCE,
    ),
    Feature(
        name="emails_overdue",
        unit="times",
        fact=EXCHANGE,
        formula="days_since_engaged / ((last_engaged_time - first_engaged_time + 7) / email_weeks), of at least 1 week",
        expression=m.SINCE_ENGAGED * m.EMAIL_WEEKS.clip(1) / (m.SPAN + _WEEK),
    ),
    Feature(
        name="inbound_span_days",
        unit="days",
        fact=SPAN,
        formula="last_inbound_time - first_inbound_time, at least 0",
        expression=m.INBOUND_SPAN,
    ),
)
