"""The parts that features are made of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

from scoring.features.feature import Fact, Feature, ago, between, count, share

NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
FACT = Fact("silence", "days", "silent for {}", "never heard", pl.col("x"))


def times(*pairs: tuple[datetime | None, datetime | None]) -> pl.DataFrame:
    utc = pl.Datetime("us", "UTC")
    return pl.DataFrame({"t": [t for t, _ in pairs], "as_of": [a for _, a in pairs]}, schema={"t": utc, "as_of": utc})


def test_days_between_are_of_whole_seconds() -> None:
    table = times(
        (NOON, NOON),
        (NOON - timedelta(days=1), NOON),
        (NOON, NOON - timedelta(hours=6)),
        (NOON, NOON + timedelta(seconds=86_399, microseconds=999_999)),
        (None, NOON),
        (NOON, None),
    )
    found = table.select(between=between("t", "as_of"), ago=ago("t"))
    assert found["between"].to_list() == pytest.approx([0, 1, -0.25, 86_399 / 86_400, None, None])
    assert found["ago"].to_list() == pytest.approx([0, 1, 0, 86_399 / 86_400, None, None])


def test_counts_are_floats_that_do_not_overflow() -> None:
    table = pl.DataFrame({"n": [2**62, None, 0]})
    assert table.select(count("n") + count("n") + count("n")).to_series().to_list() == [3.0 * 2**62, None, 0.0]


def test_share_is_smoothed() -> None:
    assert pl.select(share(pl.lit(3), pl.lit(4))).item() == 0.7
    assert pl.select(share(pl.lit(0), pl.lit(0), prior=2.0)).item() == 0.5
    assert pl.select(share(pl.lit(None, dtype=pl.Int64), pl.lit(4))).item() is None


@pytest.mark.parametrize(
    ("name", "needs"),
    [
        ("rep_rows", True),
        ("account_x", True),
        ("contact_x", True),
        ("org_x", True),
        ("reply", False),
        ("my_rep_", False),
    ],
)
def test_the_name_says_whether_a_context_is_needed(name: str, needs: bool) -> None:
    assert Feature(name, "days", FACT, "x", pl.col("x")).needs_context is needs
