"""A row in the place of another one: the totals are those of the export in which it stands there."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scoring.context import Context
from scoring.neighbours import place_beside
from scoring.schema import NAMES, empty


def test_a_row_in_its_own_place_has_the_totals_of_the_export(contacts: pl.DataFrame, when: datetime) -> None:
    table = contacts.select(NAMES)
    placed = place_beside(table, table, table, when)
    joined = Context.of(table, when).join(table)
    assert_frame_equal(placed.select(joined.columns), joined, check_exact=True)


CHANGES = {
    "nothing": [],
    "another account": [pl.lit("elsewhere.example").alias("account_domain")],
    "no account": [pl.lit(None, dtype=pl.String).alias(name) for name in ("account_domain", "account_crm_id")],
    "another rep": [pl.col("source_email").max().alias("source_email")],
    "another address": [pl.lit("new@address.example").alias("email")],
    "the first of all": [pl.lit(datetime(2001, 1, 1, tzinfo=UTC)).alias("first_engaged_time")],
    "never wrote": [pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("last_inbound_time")],
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("row", [0, 11, 57, 160])
def test_totals_are_those_of_the_export_with_the_row_exchanged(
    row: int, change: str, contacts: pl.DataFrame, when: datetime
) -> None:
    """Whatever the row was before: also the first, the newest or the only one of its rep, account or address."""
    table = contacts.select(NAMES)
    later = table.with_columns(
        *(pl.col(name).fill_null(0) + 3 for name in ("total_inbound", "total_outbound", "total_meetings_30d")),
        pl.lit(when - timedelta(hours=1)).alias("last_inbound_time"),
    ).with_columns(CHANGES[change])
    new = later[[row]].cast(dict(table.schema))
    exchanged = pl.concat([table[:row], new, table[row + 1 :]])
    joined = Context.of(exchanged, when).join(new)
    assert_frame_equal(place_beside(new, table[[row]], table, when).select(joined.columns), joined, check_exact=True)


def test_the_extreme_of_two_equal_ones_stays(when: datetime) -> None:
    """Of two rows that both are the newest of a rep, one may go."""
    times = [when - timedelta(days=days) for days in (9, 2, 2)]
    table = empty(3).with_columns(
        source_email=pl.lit("rep@our.example"),
        first_engaged_time=pl.Series(times),
        last_inbound_time=pl.Series(times),
    )
    earlier = table[[1]].with_columns(
        pl.lit(when - timedelta(days=30)).alias(name) for name in ("first_engaged_time", "last_inbound_time")
    )
    placed = place_beside(earlier, table[[1]], table, when)
    assert placed["rep_newest_time"].item() == placed["rep_last_inbound_time"].item() == times[2]
    assert placed["rep_first_engaged_time"].item() == when - timedelta(days=30)


def test_without_the_extreme_row_the_next_counts(when: datetime) -> None:
    """The newest row of a rep becomes an old one: then the newest but one is the newest."""
    times = [when - timedelta(days=days) for days in (9, 2, 5)]
    table = empty(3).with_columns(
        source_email=pl.lit("rep@our.example"),
        first_engaged_time=pl.Series(times),
        last_inbound_time=pl.Series(times),
    )
    earlier = table[[1]].with_columns(
        pl.lit(when - timedelta(days=7)).alias(name) for name in ("first_engaged_time", "last_inbound_time")
    )
    placed = place_beside(earlier, table[[1]], table, when)
    assert placed["rep_newest_time"].item() == placed["rep_last_inbound_time"].item() == times[2]
    later = table[[0]].with_columns(pl.lit(when).alias("first_engaged_time"))
    assert place_beside(later, table[[0]], table, when)["rep_first_engaged_time"].item() == times[2]
