"""Baselines: what sorting gives, recomputed by hand, and nothing where there is nothing to sort by."""

from __future__ import annotations

from datetime import datetime

import polars as pl
import pytest

import scoring
from scoring.baselines import recency, rfm, sort_all
from scoring.config import TARGETS, Target


@pytest.fixture(scope="module")
def features(contacts: pl.DataFrame, when: datetime) -> pl.DataFrame:
    return scoring.build_features(contacts, as_of=when)


def seconds(time: datetime | None) -> float:
    return 0.0 if time is None else time.timestamp() // 1


@pytest.mark.parametrize("target", TARGETS)
def test_recency_is_seconds_since_1970(contacts: pl.DataFrame, target: Target) -> None:
    column = "last_inbound_time" if target in ("reply", "answer") else "last_engaged_time"
    assert recency(contacts, target).tolist() == [seconds(time) for time in contacts[column]]


def test_rfm_is_the_sum_of_three_ranks(contacts: pl.DataFrame) -> None:
    def ranks(values: list[float]) -> list[float]:
        below = sorted(values)
        return [below.index(value) + (below.count(value) + 1) / 2 for value in values]

    rows = contacts.to_dicts()
    frequency = [(row["total_emails"] or 0) + (row["total_meetings"] or 0) for row in rows]
    parts = (
        ranks([seconds(row["last_inbound_time"]) for row in rows]),
        ranks(frequency),
        ranks([row["total_time_spent"] or 0 for row in rows]),
    )
    assert rfm(contacts, "reply").tolist() == pytest.approx([sum(three) for three in zip(*parts, strict=True)])


@pytest.mark.parametrize(
    ("target", "more"), [("reply", {"bgnbd"}), ("meeting", {"meetings_30d"}), ("answer", set()), ("engaged", set())]
)
def test_each_target_has_its_own(
    contacts: pl.DataFrame, features: pl.DataFrame, target: Target, more: set[str]
) -> None:
    assert set(sort_all(contacts, features, target)) == {"recency", "rfm", "engagement_level"} | more


def test_rows_without_a_value_are_last(contacts: pl.DataFrame, features: pl.DataFrame) -> None:
    level = contacts["engagement_level"].to_list()
    level[0], level[1] = None, min(value for value in level if value is not None)
    partly = contacts.with_columns(engagement_level=pl.Series(level, dtype=pl.Float64))
    score = sort_all(partly, features, "reply")["engagement_level"]
    assert score[0] < score[1] == level[1]
    never = contacts["total_inbound"].fill_null(0).to_numpy() == 0
    chance = sort_all(contacts, features, "reply")["bgnbd"]
    assert chance[never].max() < chance[~never].min()


@pytest.mark.parametrize("nothing", [None, 3.0])
def test_where_there_is_nothing_to_sort_by_there_is_no_baseline(
    contacts: pl.DataFrame, features: pl.DataFrame, nothing: float | None
) -> None:
    without = contacts.with_columns(
        engagement_level=pl.lit(nothing, pl.Float64), total_meetings_30d=pl.lit(0, pl.Int64)
    )
    assert set(sort_all(without, features, "meeting")) == {"recency", "rfm"}
    assert sort_all(contacts.clear(), features.clear(), "reply") == {}
