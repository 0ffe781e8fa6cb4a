"""What several features are made of, computed once for each row.

polars does not share work between the expressions of an eager selection, so a time since the last mail that ten
features need would be computed ten times. Measures are columns instead, made in stages: those of a stage may use all
before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import polars as pl

from scoring.features.feature import ago, between, count
from scoring.features.rhythm import after_first, chance, still_alive, weeks
from scoring.features.vocabulary import department_group, ranked, seniority_rank

__all__ = ["MEASURES", "RANKED"]

INBOUND, INBOUND_30D, OUTBOUND = pl.col("inbound"), pl.col("inbound_30d"), pl.col("outbound")
MEETINGS, MEETINGS_30D = pl.col("meetings"), pl.col("meetings_30d")
SINCE_INBOUND, SINCE_OUTBOUND = pl.col("since_inbound_days"), pl.col("since_outbound_days")
SINCE_ENGAGED = pl.col("since_engaged_days")
AGE, INBOUND_AGE = pl.col("age_days"), pl.col("inbound_age_days")
SPAN, INBOUND_SPAN = pl.col("span_days"), pl.col("inbound_span_days")
INBOUND_WEEKS, EMAIL_WEEKS = pl.col("inbound_weeks"), pl.col("email_weeks")
INBOUND_REPEATS, EMAIL_REPEATS = pl.col("inbound_repeats"), pl.col("email_repeats")
INBOUND_WEEK_REPEATS, EMAIL_WEEK_REPEATS = pl.col("inbound_week_repeats"), pl.col("email_week_repeats")
INBOUND_ALIVE, EMAIL_CHANCE = pl.col("inbound_alive"), pl.col("email_chance")
INBOUND_WEEKS_CHANCE, EMAIL_WEEKS_CHANCE = pl.col("inbound_weeks_chance"), pl.col("email_weeks_chance")
SENIORITY, DEPARTMENT = pl.col("seniority_rank"), pl.col("department_group")

RANKED: Final = {"seniority_rank": ("seniority", seniority_rank), "department_group": ("department", department_group)}
"""Measures that are looked up: the column of texts, and what ranks a text."""

MEASURES: Final[tuple[Mapping[str, pl.Expr], ...]] = (
    {
        "inbound": count("total_inbound"),
        "inbound_30d": count("total_inbound_30d"),
        "outbound": count("total_outbound"),
        "meetings": count("total_meetings"),
        "meetings_30d": count("total_meetings_30d"),
        "since_inbound_days": ago("last_inbound_time"),
        "since_outbound_days": ago("last_outbound_time"),
        "since_engaged_days": ago("last_engaged_time"),
        "age_days": ago("first_engaged_time"),
        "inbound_age_days": ago("first_inbound_time"),
        "span_days": between("first_engaged_time", "last_engaged_time").clip(0),
        "inbound_span_days": between("first_inbound_time", "last_inbound_time").clip(0),
        **{name: ranked(column, rank_of) for name, (column, rank_of) in RANKED.items()},
    },
    {
        "inbound_weeks": weeks(INBOUND, INBOUND_SPAN),
        "email_weeks": weeks(INBOUND + OUTBOUND, SPAN),
        "inbound_repeats": after_first(INBOUND),
        "email_repeats": after_first(INBOUND + OUTBOUND),
    },
    {"inbound_week_repeats": after_first(INBOUND_WEEKS), "email_week_repeats": after_first(EMAIL_WEEKS)},
    {
        "inbound_alive": still_alive(INBOUND_REPEATS, INBOUND_SPAN, INBOUND_AGE),
        "inbound_weeks_chance": chance(INBOUND_WEEK_REPEATS, INBOUND_SPAN, INBOUND_AGE),
        "email_chance": chance(EMAIL_REPEATS, SPAN, AGE),
        "email_weeks_chance": chance(EMAIL_WEEK_REPEATS, SPAN, AGE),
    },
)
"""Stages of columns by name, each over the typed table, `as_of` and the stages before it."""
