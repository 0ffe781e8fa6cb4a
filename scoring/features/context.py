"""What the rest of the export adds: how busy the rep is, and what the contact does with other reps."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.features.feature import Fact, Feature, ago, count

__all__ = ["CONTEXT"]

_RECENT = count("total_inbound_30d") > 0
_BACK = _RECENT & (count("total_inbound") > count("total_inbound_30d"))

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
OTHER_REPS = Fact(
    name="what the contact writes to all reps",
    unit="mails",
    phrase="wrote {} in 30 days to all reps together",
    absent="nothing known of the contact's other reps",
    value=pl.col("contact_inbound_30d"),
)
ACCOUNT = Fact(
    name="others at the account",
    unit="share",
    phrase="{} of the others at the account wrote in 30 days",
    absent="nobody else known at the account",
    value=pl.when(pl.col("account_rows") > 1).then(
        (pl.col("account_rows_inbound_30d") - _RECENT) / (pl.col("account_rows") - 1).clip(1)
    ),
)


def _total(name: str, fact: Fact, unit: str) -> Feature:
    return Feature(name=name, unit=unit, fact=fact, formula=f"{name} of the context", expression=pl.col(name))


CONTEXT: Final[tuple[Feature, ...]] = (
    _total("rep_inbound", REP, "mails"),
    _total("rep_outbound", REP, "mails"),
    _total("rep_inbound_30d", REP, "mails"),
    _total("rep_outbound_30d", REP, "mails"),
    _total("rep_rows", REP, "contacts"),
    Feature(
        name="rep_days_since_inbound",
        unit="days",
        fact=REP,
        formula="as_of - last inbound mail of any of the rep's contacts",
        expression=ago("rep_last_inbound_time"),
    ),
    Feature(
        name="rep_newest_days",
        unit="days",
        fact=REP_AGE,
        formula="as_of - first touch of the rep's newest contact",
        expression=ago("rep_newest_time"),
    ),
    Feature(
        name="contact_active_share",
        unit="share",
        fact=OTHER_REPS,
        formula="share of the contact's rows, over all reps, with inbound mails in 30 days",
        expression=pl.col("contact_rows_inbound_30d") / pl.col("contact_rows"),
    ),
    _total("contact_inbound_30d", OTHER_REPS, "mails"),
    _total("contact_outbound", OTHER_REPS, "mails"),
    Feature(
        name="contact_missed",
        unit="mails",
        fact=OTHER_REPS,
        formula="days_since_inbound * contact_inbound / (as_of - the contact's first touch with any rep + 30): what the "
        "contact's pace to all reps would have brought since",
        expression=ago("last_inbound_time") * pl.col("contact_inbound") / (ago("contact_first_engaged_time") + 30),
    ),
    Feature(
        name="contact_returned_others",
        unit="reps",
        fact=OTHER_REPS,
        formula="other reps to whom the contact wrote both before and in the last 30 days",
        expression=pl.col("contact_rows_returned") - _BACK,
    ),
    Feature(
        name="account_active_share",
        unit="share",
        fact=ACCOUNT,
        formula="share of the account's other rows with inbound mails in 30 days, (rows + 0.2) / (others + 1)",
        expression=(pl.col("account_rows_inbound_30d") - _RECENT + 0.2) / pl.col("account_rows"),
    ),
)
