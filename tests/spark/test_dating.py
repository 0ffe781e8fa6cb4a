"""The date from counts by the hour: what is inferred from all bounds at once. It needs no Spark."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from scoring import InputError, schema
from scoring.dating import AsOf, infer_as_of
from scoring.spark.dating import HOUR, bounds_in, count_hours, decide, possible_hours

NEWEST = datetime(2026, 3, 1, tzinfo=UTC)


def table(seed: int, rows: int, *, wrong: int = 0, counts: float = 1.0, hours: int = 9000) -> pl.DataFrame:
    """Rows with times and 30-day counts that mostly fit a date; some of them lie, or have years mistyped."""
    rng = np.random.default_rng(seed)
    ages = rng.integers(0, hours * 60, size=(rows, 3)) * rng.integers(0, 2, size=(rows, 3))
    late = np.arange(rows) < wrong
    ages[late] -= 525_600 * rng.integers(1, 40, size=(wrong, 1))
    there = rng.random((rows, 3)) < 0.8
    names = ("last_inbound_time", "last_outbound_time", "first_engaged_time")
    times = {
        name: pl.Series(
            [
                NEWEST - timedelta(minutes=int(age)) if known else None
                for age, known in zip(ages[:, at], there[:, at], strict=True)
            ],
            dtype=schema.DTYPES["time"],
        )
        for at, name in enumerate(names)
    }
    recent = (ages < 43_200).astype(np.int64)
    lies = rng.random((rows, 3)) < 0.02
    known = rng.random((rows, 3)) < counts
    cells = np.where(lies, 1 - recent, recent)
    counted = {
        f"total_{kind}_30d": pl.Series(
            [int(cell) if ok else None for cell, ok in zip(cells[:, at], known[:, at], strict=True)], dtype=pl.Int64
        )
        for at, kind in enumerate(("inbound", "outbound"))
    }
    return schema.empty(rows).with_columns(**times, **counted)


def inferred(parts: list[pl.DataFrame]) -> AsOf:
    """Infer from parts, adding up as Spark does."""
    hours = pl.concat([count_hours(part) for part in parts])
    hours = hours.group_by("kind", "hour").agg(pl.col("rows").sum(), pl.col("least").min(), pl.col("most").max())
    wanted = possible_hours(hours)
    exact = pl.concat([bounds_in(part, wanted) for part in parts]).group_by("kind", "time").agg(pl.col("rows").sum())
    return decide(hours, wanted, exact)


@pytest.mark.parametrize("counts", [1.0, 0.3, 0.0], ids=["all counts", "some counts", "no counts"])
@pytest.mark.parametrize("wrong", [0, 1, 3])
@pytest.mark.parametrize(("rows", "hours"), [(1, 9000), (7, 90_000), (300, 9000), (400, 30), (2000, 1)])
def test_the_date_is_that_of_all_bounds(rows: int, hours: int, wrong: int, counts: float) -> None:
    for seed in range(4):
        whole = table(seed, rows, wrong=min(wrong, rows), counts=counts, hours=hours)
        try:
            expected = infer_as_of(whole)
        except InputError:
            continue  # no row has a time
        cuts = [0, rows // 3, rows // 2, rows]
        parts = [whole.slice(start, end - start) for start, end in zip(cuts, cuts[1:], strict=False)]
        assert inferred(parts) == expected
        assert inferred([whole.sample(fraction=1, shuffle=True, seed=seed)]) == expected


def test_few_hours_are_possible() -> None:
    whole = table(1, 5000)
    hours = count_hours(whole)
    possible = possible_hours(hours)
    assert 0 < len(possible) < hours.filter(kind="lower").height / 10
    assert any(abs(hour * HOUR / 1e6 - NEWEST.timestamp()) < 86_400 for hour in possible)


def test_without_a_time_there_is_no_date() -> None:
    with pytest.raises(InputError, match="no row has a time"):
        inferred([schema.empty(3)])
