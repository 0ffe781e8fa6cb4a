"""What the rest of the export adds: how the rep's contacts write, and what the contact does with other reps.

A row with little history of its own borrows from the rep's and the contact's *other* rows: from all but itself, so that
a row does not vouch for itself. Where a record has moved on since its context was built, "other" is at least 0.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.features import measures as m
from scoring.features.feature import Fact, Feature, ago
from scoring.features.pace import RHYTHM
from scoring.features.rhythm import SHAPE, chance
from scoring.features.volume import MEETINGS, meeting_chance

__all__ = ["CONTEXT"]

_DAY: Final = 86_400
_ACTIVE = m.INBOUND_30D > 0
_TENURE = m.AGE.fill_null(0)

# How much of the others' pace to believe: as if 300 days at these paces had been seen before.
_BELIEF_DAYS: Final = 300.0
_MAILS_A_DAY, _MEETINGS_A_DAY = 0.02, 0.002
_MANY: Final = 10


def _other(total: str, own: pl.Expr) -> pl.Expr:
    return (pl.col(total) - own).clip(0)


def _other_tenure(level: str) -> pl.Expr:
    return (pl.col(f"{level}_tenure_seconds") / _DAY - _TENURE).clip(0)


def _pace(level: str, kind: str, own: pl.Expr, expected: float) -> pl.Expr:
    """Touches a day in the other rows of the rep or contact, held towards what is expected of anyone."""
    return (_other(f"{level}_{kind}", own) + expected * _BELIEF_DAYS) / (_other_tenure(level) + _BELIEF_DAYS)


def _inbound_chance(level: str) -> pl.Expr:
    rate_days = SHAPE / _pace(level, "inbound", m.INBOUND, _MAILS_A_DAY)
    return chance(m.INBOUND_WEEK_REPEATS, m.INBOUND_SPAN, m.INBOUND_AGE, rate_days)


def _meeting_chance(level: str) -> pl.Expr:
    return meeting_chance(_pace(level, "meetings", m.MEETINGS, _MEETINGS_A_DAY))


REP = Fact(
    name="load of the rep",
    unit="mails",
    phrase="the rep got {} in 30 days from all contacts",
    absent="nothing known of the rep",
    value=pl.col("rep_inbound_30d"),
)
REP_AGE = Fact(
    name="the rep's newest contact",
    unit="days",
    phrase="the rep's newest contact came {} ago",
    absent="nothing known of the rep's contacts",
    value=ago("rep_newest_time"),
)
ALL_REPS = Fact(
    name="what the contact writes to all reps",
    unit="mails",
    phrase="wrote {} in 30 days to all reps together",
    absent="nothing known of the contact's mails to other reps",
    value=pl.col("contact_inbound_30d"),
)
ANSWERS = Fact(
    name="reps whom the contact answers",
    unit="share",
    phrase="has written to {} of the reps who wrote to them",
    absent="no rep ever wrote to them",
    value=pl.when(pl.col("contact_rows_written") > 0).then(
        pl.col("contact_rows_both") / pl.col("contact_rows_written").clip(1)
    ),
)
ACCOUNT = Fact(
    name="others at the account",
    unit="share",
    phrase="{} of the others at the account wrote in 30 days",
    absent="nobody else known at the account",
    value=pl.when(pl.col("account_rows") > 1).then(
        _other("account_rows_active", _ACTIVE) / (pl.col("account_rows") - 1).clip(1)
    ),
)


def _total(name: str, fact: Fact, unit: str) -> Feature:
    return Feature(name=name, unit=unit, fact=fact, formula=f"{name} of the context", expression=pl.col(name))


_REP: Final = (
    _total("rep_rows", REP, "contacts"),
    _total("rep_outbound", REP, "mails"),
    _total("rep_inbound_30d", REP, "mails"),
    _total("rep_outbound_30d", REP, "mails"),
    Feature(
        name="rep_days_since_inbound",
        unit="days",
        fact=REP,
        formula="as_of - last inbound mail of any of the rep's contacts",
        trend=-1,
        expression=ago("rep_last_inbound_time"),
    ),
    Feature(
        name="rep_inbound_30d_share",
        unit="share",
        fact=REP,
        formula="(rep_inbound_30d + 0.5) / (rep_inbound + 2)",
        trend=1,
        expression=(pl.col("rep_inbound_30d") + 0.5) / (pl.col("rep_inbound") + 2),
    ),
    Feature(
        name="rep_inbound_30d_by_outbound",
        unit="times",
        fact=REP,
        formula="(rep_inbound_30d + 1) / (rep_outbound + 5)",
        expression=(pl.col("rep_inbound_30d") + 1) / (pl.col("rep_outbound") + 5),
    ),
    Feature(
        name="rep_newest_days",
        unit="days",
        fact=REP_AGE,
        formula="as_of - first touch of the rep's newest contact",
        expression=ago("rep_newest_time"),
    ),
    Feature(
        name="rep_inbound_chance",
        unit="share",
        fact=RHYTHM,
        formula="inbound_weeks_chance with the pace of the rep's other contacts, (mails + 6) / (days + 300), as prior",
        trend=1,
        expression=_inbound_chance("rep"),
    ),
    Feature(
        name="rep_meeting_chance",
        unit="share",
        fact=MEETINGS,
        formula="meeting_chance with the pace of the rep's other contacts, (meetings + 0.6) / (days + 300), as "
        "prior, times emails_weeks_chance",
        trend=1,
        expression=_meeting_chance("rep") * m.EMAIL_WEEKS_CHANCE,
    ),
)
_CONTACT: Final = (
    Feature(
        name="contact_inbound_chance",
        unit="share",
        fact=RHYTHM,
        formula="inbound_weeks_chance with the contact's pace to other reps, (mails + 6) / (days + 300), as prior",
        trend=1,
        expression=_inbound_chance("contact"),
    ),
    Feature(
        name="contact_returned_share",
        unit="share",
        fact=ALL_REPS,
        formula="(other reps written to both before and in the last 30 days + 0.2) / contact_rows",
        trend=1,
        expression=(_other("contact_rows_returned", _ACTIVE & (m.INBOUND > m.INBOUND_30D)) + 0.2)
        / pl.col("contact_rows"),
    ),
    Feature(
        name="contact_outbound_30d_share",
        unit="share",
        fact=ALL_REPS,
        formula="(contact_outbound_30d + 0.5) / (contact_outbound + 2)",
        expression=(pl.col("contact_outbound_30d") + 0.5) / (pl.col("contact_outbound") + 2),
    ),
    Feature(
        name="contact_pace",
        unit="mails a day",
        fact=ALL_REPS,
        formula="momentum of the contact's mails to other reps * (total_inbound + 0.1) / (tenure + 30)",
        trend=1,
        expression=(_other("contact_inbound_30d", m.INBOUND_30D) + 0.5)
        / (_other("contact_inbound", m.INBOUND) * 30 / (ago("contact_first_engaged_time") + 30) + 0.5)
        * (m.INBOUND + 0.1)
        / (m.AGE + 30),
    ),
    Feature(
        name="contact_missed",
        unit="mails",
        fact=ALL_REPS,
        formula="days_since_inbound * contact_inbound / (as_of - the contact's first touch with any rep + 30)",
        trend=-1,
        expression=m.SINCE_INBOUND * pl.col("contact_inbound") / (ago("contact_first_engaged_time") + 30),
    ),
    Feature(
        name="contact_silence_by_rows",
        unit="days",
        fact=ALL_REPS,
        formula="days since the contact's last mail to any rep * sqrt(contact_rows)",
        trend=-1,
        expression=ago("contact_last_inbound_time") * pl.col("contact_rows").sqrt(),
    ),
    Feature(
        name="contact_answer_share",
        unit="share",
        fact=ANSWERS,
        formula="(min(total_inbound, total_outbound) + 1.5 * s) / (total_outbound + 1.5), where s is "
        "(other reps with mails both ways + 0.5) / (other reps who wrote + 1.5)",
        trend=1,
        expression=(
            pl.min_horizontal(m.INBOUND, m.OUTBOUND)
            + 1.5
            * (_other("contact_rows_both", (m.INBOUND > 0) & (m.OUTBOUND > 0)) + 0.5)
            / (_other("contact_rows_written", m.OUTBOUND > 0) + 1.5)
        )
        / (m.OUTBOUND + 1.5),
    ),
    Feature(
        name="contact_meeting_chance",
        unit="share",
        fact=MEETINGS,
        formula="meeting_chance with the contact's pace with other reps, (meetings + 0.6) / (days + 300), as prior",
        trend=1,
        expression=_meeting_chance("contact"),
    ),
)
_ACCOUNT: Final = (
    Feature(
        name="account_others_active",
        unit="contacts",
        fact=ACCOUNT,
        formula="others at the account who wrote in 30 days, at most 10",
        expression=_other("account_rows_active", _ACTIVE).clip(0, _MANY),
    ),
    Feature(
        name="account_others_meetings_30d",
        unit="meetings",
        fact=ACCOUNT,
        formula="meetings of 30 days with others at the account, at most 10",
        expression=_other("account_meetings_30d", m.MEETINGS_30D).clip(0, _MANY),
    ),
)

CONTEXT: Final[tuple[Feature, ...]] = (*_REP, *_CONTACT, *_ACCOUNT)
