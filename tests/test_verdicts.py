"""Verdicts: what the figures say, in words, and chance is never told as a result."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest

from scoring import schema
from scoring.intervals import draw_resamples
from scoring.measuring import (
    PRODUCT,
    TRUTH,
    Judged,
    tabulate_measures,
    tabulate_reliability,
    tabulate_segments,
    tabulate_top,
)
from scoring.verdicts import tell

START = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = 1200


def judge(models: dict[str, Any], outcome: Any, *, settled: bool = True, dates: int = 2) -> list[Judged]:
    contacts = schema.empty(len(outcome)).with_columns(
        source_email=pl.Series([f"rep{number % 40}@x.io" for number in range(len(outcome))]),
        crm_id=pl.Series([str(number) for number in range(len(outcome))]),
    )
    drawn = draw_resamples([contacts] * dates)
    days = [START + timedelta(days=30 * number) for number in range(dates)]
    return [
        Judged("reply", when, settled, contacts, outcome, models, {}, drawn.groups[at], drawn, at)
        for at, when in enumerate(days)
    ]


def labels_of(judged: list[Judged]) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "as_of": one.as_of,
            "until": one.as_of + timedelta(days=30),
            "target": one.target,
            "happened": int(one.outcome.sum()),
            "did_not": int((1 - one.outcome).sum()),
            "open": 7,
            "missing": 2,
            "settled": one.settled,
            "judged": True,
        }
        for one in judged
    )


def text_of(judged: list[Judged]) -> str:
    return tell(labels_of(judged), *tabulate_measures(judged), tabulate_segments(judged), True)


@pytest.fixture(scope="module")
def world() -> dict[str, Any]:
    rng = np.random.default_rng(4)
    chance = rng.beta(1, 4, ROWS)
    outcome = np.diff(np.floor(np.cumsum(chance)), prepend=0.0)  # as many as the chances lead to expect, all along
    return {"chance": chance, "outcome": outcome, "luck": rng.permutation(chance)}


def test_better_is_said_with_the_figure_and_the_dates(world: dict[str, Any]) -> None:
    text = text_of(judge({PRODUCT: world["chance"], "shipped": world["luck"]}, world["outcome"]))
    assert "better than the shipped model by" in text
    assert "on 2 of 2 dates" in text
    assert "2 dates, 2026-01-01 to 2026-01-31" in text
    assert "14 open ones left out" in text
    assert "the difference could be chance" in text  # the chances are the true ones


def test_worse_is_said(world: dict[str, Any]) -> None:
    text = text_of(judge({PRODUCT: world["luck"], "shipped": world["chance"]}, world["outcome"]))
    assert "worse than the shipped model by" in text
    assert "better" not in text


def test_the_same_is_no_difference_and_a_little_noise_is_none(world: dict[str, Any]) -> None:
    near = np.clip(world["chance"] + np.random.default_rng(0).normal(0, 0.002, ROWS), 0, 1)
    for other in (world["chance"], near):
        text = text_of(judge({PRODUCT: world["chance"], "shipped": other}, world["outcome"]))
        assert "no difference from the shipped model beyond chance: " in text
        assert "better" not in text
        assert "worse" not in text


def test_a_wrong_level_is_said(world: dict[str, Any]) -> None:
    high = text_of(judge({PRODUCT: np.sqrt(world["chance"])}, world["outcome"]))
    low = text_of(judge({PRODUCT: world["chance"] ** 2}, world["outcome"]))
    assert "came; too high by" in high
    assert "came; too low by" in low


def test_the_level_is_not_judged_where_no_date_is_settled(world: dict[str, Any]) -> None:
    text = text_of(
        judge({PRODUCT: np.sqrt(world["chance"]), "shipped": world["chance"]}, world["outcome"], settled=False)
    )
    assert "no date is settled" in text
    assert "expected" not in text
    assert "log loss (" not in text


def test_few_outcomes_are_said(world: dict[str, Any]) -> None:
    rare = np.zeros(ROWS)
    rare[:4] = 1
    assert "only 8 outcomes" in text_of(judge({PRODUCT: world["chance"]}, rare))
    assert "only" not in text_of(judge({PRODUCT: world["chance"]}, world["outcome"]))


def test_the_true_chance_is_a_limit_not_a_rival(world: dict[str, Any]) -> None:
    text = text_of(judge({PRODUCT: world["luck"], TRUTH: world["chance"]}, world["outcome"]))
    assert "short of the true chance, the most that is possible, by" in text
    assert "worse" not in text
    near = text_of(judge({PRODUCT: world["chance"], TRUTH: world["chance"]}, world["outcome"]))
    assert "not short of the true chance beyond chance in AUC, Brier, log loss" in near
    assert "possible" not in near


def test_a_product_that_tells_nothing_apart_finds_the_average(world: dict[str, Any]) -> None:
    judged = judge({PRODUCT: np.full(ROWS, 0.2)}, world["outcome"], dates=1)
    measures, _ = tabulate_measures(judged)
    found = dict(measures.filter(pl.col("as_of").is_not_null()).select("measure", "value").iter_rows())
    rate = world["outcome"].mean()
    assert found["auc"] == 0.5
    assert [found[f"rate_{part}"] for part in (10, 20, 30)] == pytest.approx([rate] * 3)
    assert tabulate_top(judged)["lift"].to_list() == pytest.approx([1.0] * 6)  # of the date, and of the mean
    assert tabulate_reliability(judged)["rows"].to_list() == [ROWS] * 2  # one bin on the date, one over all dates
    assert "1.0 times the average" in text_of(judged)


def test_what_holds_on_one_date_and_not_on_the_other_is_no_result(world: dict[str, Any]) -> None:
    good, bad = judge({PRODUCT: world["chance"], "shipped": world["luck"]}, world["outcome"])
    bad = replace(bad, chances={PRODUCT: world["luck"], "shipped": world["chance"] ** 1.01})
    _, differences = tabulate_measures([good, bad])
    areas = differences.filter(measure="auc").sort("as_of", nulls_last=True)
    assert areas["verdict"].to_list() == ["better", "worse", "no difference"]
    assert areas["dates_above"].to_list() == [1, 0, 1]


def test_a_date_that_is_not_judged_is_named(world: dict[str, Any]) -> None:
    judged = judge({PRODUCT: world["chance"]}, world["outcome"])
    none = pl.DataFrame({"as_of": [START], "target": ["meeting"], "judged": [False]})
    labels = pl.concat([labels_of(judged), none], how="diagonal")
    text = tell(labels, *tabulate_measures(judged), tabulate_segments(judged), True)
    assert text.endswith("MEETING is not judged after 2026-01-01: of the known rows all did it, or none.")
