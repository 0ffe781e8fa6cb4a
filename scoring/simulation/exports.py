"""An export of any date: what the record held before it, in the vendor's 40 fields."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl

from scoring import schema
from scoring.simulation.records import INBOUND, MEETING, OUTBOUND

__all__ = ["LAST_30_DAYS", "make_export"]

LAST_30_DAYS = timedelta(days=30)
LEVEL_HALF_LIFE_DAYS = 28.0


def _totals(as_of: datetime) -> list[pl.Expr]:
    recent = pl.col("time") >= as_of - LAST_30_DAYS
    found = []
    for name, kind in (("inbound", INBOUND), ("outbound", OUTBOUND), ("meetings", MEETING)):
        is_it = pl.col("kind") == kind
        found += [is_it.sum().alias(f"total_{name}"), (is_it & recent).sum().alias(f"total_{name}_30d")]
    spent = pl.col("seconds_spent")
    return [*found, spent.sum().alias("total_time_spent"), spent.filter(recent).sum().alias("total_time_spent_30d")]


def _times() -> list[pl.Expr]:
    time, found = pl.col("time"), []
    for name, kind in (("inbound", INBOUND), ("outbound", OUTBOUND)):
        of_kind = time.filter(pl.col("kind") == kind)
        found += [of_kind.min().alias(f"first_{name}_time"), of_kind.max().alias(f"last_{name}_time")]
    return [*found, time.min().alias("first_engaged_time"), time.max().alias("last_engaged_time")]


def _engagement(as_of: datetime) -> pl.Expr:
    # volume, kind and recency over 12 weeks, 0 to 100, as the vendor describes its score
    age_days = (pl.lit(as_of) - pl.col("time")).dt.total_seconds() / 86_400
    weight = pl.when(pl.col("kind") == MEETING).then(6.0).when(pl.col("kind") == INBOUND).then(3.0).otherwise(1.0)
    volume = (weight * 0.5 ** (age_days / LEVEL_HALF_LIFE_DAYS)).filter(age_days <= 84).sum()
    return (100 * (1 - (-volume / 15).exp())).round(0).alias("engagement_level")


def make_export(
    profiles: pl.DataFrame, events: pl.DataFrame, appointments: pl.DataFrame, as_of: datetime
) -> pl.DataFrame:
    """Make the export of a date.

    Parameters
    ----------
    profiles : polars.DataFrame
        One row for each row of the organisation, see `draw_profiles`.
    events : polars.DataFrame
        `row`, `kind`, `time`, `seconds_spent`.
    appointments : polars.DataFrame
        `row`, `booked`, `due`, `cancelled`.
    as_of : datetime
        Moment of the export, with time zone. Everything strictly before it is known, and nothing from it on; `_30d`
        counts what lies from 30 days before it on.

    Returns
    -------
    polars.DataFrame
        The typed 40-column table. Rows are those with an event before the date and those that were in the CRM all the
        time, in the order of the organisation.
    """
    past = events.filter(pl.col("time") < as_of)
    activity = past.group_by("row", maintain_order=True).agg(*_totals(as_of), *_times(), _engagement(as_of))
    known = appointments.filter(
        (pl.col("booked") < as_of)
        & (pl.col("due") >= as_of)
        & (pl.col("cancelled").is_null() | (pl.col("cancelled") >= as_of))
    )
    upcoming = known.group_by("row", maintain_order=True).agg(first_upcoming_meeting_time=pl.col("due").min())
    rows = (
        profiles.with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
        .join(activity, on="row", how="left", maintain_order="left")
        .filter(pl.col("first_engaged_time").is_not_null() | pl.col("in_crm_before"))
        .join(upcoming, on="row", how="left", maintain_order="left")
        .with_columns(pl.col("^total_.*$").fill_null(0))
    )
    inbound, outbound = pl.col("total_inbound"), pl.col("total_outbound")
    rows = rows.with_columns(
        total_emails=inbound + outbound,
        total_emails_30d=pl.col("total_inbound_30d") + pl.col("total_outbound_30d"),
        inbound_outbound_ratio=pl.when(outbound > 0).then(inbound / outbound),
        received_reply=inbound > 0,
        upcoming_meeting=pl.col("first_upcoming_meeting_time").is_not_null(),
        response_activity_id=pl.when(inbound > 0).then(pl.format("act-{}", "row")),
        engagement_level=pl.col("engagement_level").fill_null(0.0),
    )
    return rows.select(pl.col(field.name).cast(field.dtype) for field in schema.FIELDS)
