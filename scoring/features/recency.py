"""How long ago each kind of touch was, and who spoke last."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.features.feature import AS_OF, Feature, ago, between

__all__ = ["RECENCY"]

_PER_DAY: Final = 86_400

RECENCY: Final[tuple[Feature, ...]] = (
    Feature(
        "days_since_inbound",
        "days",
        "last mail from the contact",
        "as_of - last_inbound_time",
        "last wrote {} ago",
        "never wrote",
        ago("last_inbound_time"),
    ),
    Feature(
        "days_since_outbound",
        "days",
        "last mail to the contact",
        "as_of - last_outbound_time",
        "last written to {} ago",
        "never written to",
        ago("last_outbound_time"),
    ),
    Feature(
        "days_since_engaged",
        "days",
        "last touch",
        "as_of - last_engaged_time",
        "last touch {} ago",
        "no touch at all",
        ago("last_engaged_time"),
    ),
    Feature(
        "unanswered_days",
        "signed days",
        "who spoke last",
        "last_outbound_time - last_inbound_time",
        "{}",
        "mails in one direction only",
        between("last_inbound_time", "last_outbound_time"),
    ),
    Feature(
        "tenure_days",
        "days",
        "length of the relation",
        "as_of - first_engaged_time",
        "known for {}",
        "not known before",
        ago("first_engaged_time"),
    ),
    Feature(
        "days_to_meeting",
        "days",
        "next meeting",
        "first_upcoming_meeting_time - as_of, where it is not past",
        "next meeting in {}",
        "no meeting planned",
        pl.when(pl.col("first_upcoming_meeting_time") >= AS_OF).then(between("as_of", "first_upcoming_meeting_time")),
    ),
)
