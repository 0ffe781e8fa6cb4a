"""Intervals: each draw is the measure with those weights; what chance explains is told from what it does not."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from scoring import schema
from scoring.intervals import Interval, draw_resamples, interval_of, resample_mean, resample_order
from scoring.metrics import auc, average_precision, top_shares


def rows_of(reps: list[str], whom: list[str] | None = None) -> pl.DataFrame:
    whom = [str(number) for number in range(len(reps))] if whom is None else whom
    return schema.empty(len(reps)).with_columns(source_email=pl.Series(reps), crm_id=pl.Series(whom))


@pytest.mark.parametrize("places", [1, 4])
def test_each_draw_is_the_measure_with_the_weights_of_the_reps(places: int) -> None:
    rng = np.random.default_rng(places)
    y = (rng.random(600) < 0.2).astype(float)
    score = np.round(rng.random(600) + 0.3 * y, places)
    groups = rng.integers(0, 30, 600)
    counts = rng.multinomial(30, np.full(30, 1 / 30), 8).astype(float)
    drawn = resample_order(y, score, groups, counts)
    for at, count in enumerate(counts):
        weights = count[groups]
        assert drawn["auc"][at] == pytest.approx(auc(y, score, weights), rel=1e-12)
        assert drawn["ap"][at] == pytest.approx(average_precision(y, score, weights), rel=1e-12)
        rates = [drawn[f"rate_{part}"][at] for part in (10, 20, 30)]
        assert rates == pytest.approx(top_shares(y, score, weights)["rate"].to_list(), rel=1e-12)
        assert resample_mean(score, groups, counts)[at] == pytest.approx(np.average(score, weights=weights))


def test_of_very_many_rows_neighbours_count_as_equal_and_it_hardly_matters() -> None:
    rng = np.random.default_rng(5)
    y = (rng.random(20_000) < 0.1).astype(float)
    score = rng.random(20_000) + 0.2 * y
    drawn = resample_order(y, score, np.zeros(20_000, np.intp), np.ones((1, 1)))
    assert drawn["auc"][0] == pytest.approx(auc(y, score), abs=1e-3)
    assert drawn["ap"][0] == pytest.approx(average_precision(y, score), abs=2e-3)
    assert drawn["rate_10"][0] == pytest.approx(top_shares(y, score)["rate"][0], abs=1e-3)


def test_a_draw_without_both_outcomes_is_not_measured() -> None:
    counts = np.array([[2.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    groups = np.array([0, 0, 1, 1])
    drawn = resample_order(np.array([1.0, 1.0, 0.0, 0.0]), np.array([4.0, 3.0, 2.0, 1.0]), groups, counts)
    for values in drawn.values():
        assert np.isnan(values).tolist() == [True, True, False]


def test_draws_do_not_depend_on_the_order_of_rows() -> None:
    reps = [f"rep{number % 20}@x.io" for number in range(200)]
    one = draw_resamples([rows_of(reps), rows_of(reps[:50])])
    other = draw_resamples([rows_of(reps[::-1]), rows_of(reps[:50])])
    assert one.by_rep
    assert np.array_equal(one.counts, other.counts)
    assert np.array_equal(one.groups[0], other.groups[0][::-1])
    assert np.array_equal(one.groups[1], other.groups[1])
    assert not np.array_equal(one.counts, draw_resamples([rows_of(reps)], seed=2).counts)


def test_a_rep_is_the_same_on_every_date_and_drawn_with_all_rows() -> None:
    reps = [f"rep{number % 12}@x.io" for number in range(60)]
    drawn = draw_resamples([rows_of(reps), rows_of([rep.upper() for rep in reps])])
    assert np.array_equal(drawn.groups[0], drawn.groups[1])
    assert len(set(zip(reps, drawn.groups[0].tolist(), strict=True))) == 12
    assert drawn.counts.shape == (200, 12)
    assert (drawn.counts.sum(axis=1) == 12).all()
    assert drawn.dates.shape == (200, 2)
    assert (drawn.dates.sum(axis=1) == 2).all()


def test_of_few_reps_contacts_are_drawn() -> None:
    drawn = draw_resamples([rows_of(["a@x.io", "b@x.io", "a@x.io"], ["1", "1", "2"])])
    assert not drawn.by_rep
    assert drawn.groups[0].tolist() == [0, 0, 1]


def test_of_very_many_reps_some_are_drawn_together() -> None:
    drawn = draw_resamples([rows_of([f"rep{number}@x.io" for number in range(1300)])])
    assert drawn.counts.shape[1] == 500
    assert np.bincount(drawn.groups[0]).tolist() == [3] * 300 + [2] * 200


def test_intervals_cover_the_mean_about_as_often_as_they_say() -> None:
    rng = np.random.default_rng(7)
    inside, times = 0, 200
    reps = [f"rep{number % 40}@x.io" for number in range(400)]
    for seed in range(times):
        drawn = draw_resamples([rows_of(reps)], seed)
        values = rng.normal(size=40)[drawn.groups[0]] + rng.normal(size=400)
        found = interval_of(float(values.mean()), resample_mean(values, drawn.groups[0], drawn.counts))
        inside += found.low <= 0 <= found.high
    assert 0.88 <= inside / times <= 0.99


def test_verdicts() -> None:
    assert Interval(0.2, 0.1, 0.3).verdict == "better"
    assert Interval(-0.2, -0.3, -0.1).verdict == "worse"
    for found in (Interval(0.1, -0.1, 0.3), Interval(0.0, 0.0, 0.0), Interval(0.1, float("nan"), float("nan"))):
        assert found.verdict == "no difference"


@pytest.mark.parametrize("sign", [1, -1])
def test_a_difference_in_the_last_digits_is_none(sign: int) -> None:
    """Two ways to the same chances: an interval that lies wholly on one side of 0, by rounding."""
    low, high = sorted((sign * 1.3e-18, sign * 2.1e-17))
    assert Interval(sign * 1e-17, low, high).verdict == "no difference"
    low, high = sorted((sign * 1e-6, sign * 2e-6))
    assert Interval(sign * 1.5e-6, low, high).verdict == ("better" if sign > 0 else "worse")


def test_of_too_few_draws_there_is_no_interval() -> None:
    drawn = np.array([0.1, 0.2, np.nan, np.nan, np.nan])
    assert interval_of(0.15, drawn).to_dict() == {"estimate": 0.15, "low": None, "high": None}
    found = interval_of(0.15, drawn[:4])
    assert 0.1 <= found.low < found.high <= 0.2
