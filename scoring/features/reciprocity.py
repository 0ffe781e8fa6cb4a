"""Who writes to whom: the balance between the two sides, and who spoke last."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.features import measures as m
from scoring.features.feature import Fact, Feature, ago, between, share

__all__ = ["RECIPROCITY"]

_MEAN_GAP = m.INBOUND_SPAN / m.INBOUND.clip(1)

BALANCE = Fact(
    name="balance of mails",
    unit="share",
    phrase="{} of the mails are theirs",
    absent="no figure for the balance of mails",
    value=pl.when(m.INBOUND + m.OUTBOUND > 0).then(m.INBOUND / (m.INBOUND + m.OUTBOUND).clip(1)),
)
LAST_WORD = Fact(
    name="who spoke last",
    unit="signed days",
    phrase="{}",
    absent="mails in one direction only",
    value=between("last_inbound_time", "last_outbound_time"),
)
BEGINNING = Fact(
    name="length of the relation",
    unit="days",
    phrase="known for {}",
    absent="not known before",
    value=m.AGE,
)

RECIPROCITY: Final[tuple[Feature, ...]] = (
    Feature(
        name="inbound_by_outbound",
        unit="times",
        fact=BALANCE,
        formula="(total_inbound + 1) / (total_outbound + 1)",
        expression=(m.INBOUND + 1) / (m.OUTBOUND + 1),
    ),
    Feature(
        name="in_flight",
        unit="a day",
        fact=LAST_WORD,
        formula="(total_inbound + 0.5) / (total_inbound + total_outbound + 1) / (days_since_outbound + 3)",
        trend=1,
        expression=share(m.INBOUND, m.INBOUND + m.OUTBOUND) / (m.SINCE_OUTBOUND + 3),
    ),
    Feature(
        name="unanswered_days",
        unit="days",
        fact=LAST_WORD,
        formula="how long before the last outbound mail the last inbound one was (at least 0), where written to; a "
        "contact who never wrote counts as last heard of 30 days before the first touch",
        trend=-1,
        expression=(m.SINCE_INBOUND.fill_null(m.AGE + 30) - m.SINCE_OUTBOUND).clip(0),
    ),
    Feature(
        name="last_gap_by_mean",
        unit="times",
        fact=LAST_WORD,
        formula="(last_inbound_time - last_outbound_time) / (inbound_span_days / max(total_inbound, 1) + 3)",
        expression=between("last_outbound_time", "last_inbound_time") / (_MEAN_GAP + 3),
    ),
    Feature(
        name="start_lag_days",
        unit="days",
        fact=BEGINNING,
        formula="first_outbound_time - first_inbound_time",
        expression=between("first_inbound_time", "first_outbound_time"),
    ),
    Feature(
        name="days_since_first_outbound",
        unit="days",
        fact=BEGINNING,
        formula="as_of - first_outbound_time",
        expression=ago("first_outbound_time"),
    ),
)
