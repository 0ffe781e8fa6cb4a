import itertools
import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.calibration import calibration_curve
from sklearn.metrics import ndcg_score

from scoring.errors import InputError
from scoring.metrics import (
    auc,
    average_precision,
    brier,
    log_loss,
    measure,
    ndcg_of_reps,
    ndcg_per_rep,
    reliability,
    surprise,
    top_shares,
)

quick = settings(max_examples=30, deadline=None)
rows = st.lists(st.tuples(st.booleans(), st.integers(0, 8).map(lambda n: n / 8), st.integers(0, 3)), max_size=30)
WEIGHTED = (auc, average_precision, brier, log_loss)


def columns(of, count=3):
    return tuple(np.array([row[i] for row in of], dtype=float) for i in range(count))


def equal(found, expected):
    return found == pytest.approx(expected, rel=1e-9, abs=1e-12, nan_ok=True)


# Weights, order and ties


@pytest.mark.parametrize("metric", WEIGHTED)
@quick
@given(of=rows)
def test_a_weight_of_two_is_the_row_there_twice(metric, of):
    y, p, w = columns(of)
    times = w.astype(int)
    assert equal(metric(y, p, w), metric(y.repeat(times), p.repeat(times)))


@pytest.mark.parametrize("table", [reliability, top_shares])
@quick
@given(of=rows)
def test_a_weight_of_two_is_the_row_there_twice_in_tables(table, of):
    y, p, w = columns(of)
    times = w.astype(int)
    weighted, repeated = table(y, p, w), table(y.repeat(times), p.repeat(times))
    assert weighted.shape == repeated.shape
    np.testing.assert_allclose(weighted.to_numpy(), repeated.to_numpy(), rtol=1e-12, atol=1e-12)


@quick
@given(of=rows, seed=st.integers(0, 99))
def test_the_order_of_rows_does_not_matter(of, seed):
    y, p, _ = columns(of)
    rep = np.array([f"rep{int(8 * value) % 2}" for value in p], dtype=str)
    order = np.random.default_rng(seed).permutation(len(y))
    one = measure(y, p, rep.tolist())
    other = measure(y[order], p[order], rep[order].tolist())
    assert one == pytest.approx(other, rel=1e-12, nan_ok=True)
    assert top_shares(y, p).equals(top_shares(y[order], p[order]), null_equal=True)
    assert reliability(y, p).equals(reliability(y[order], p[order]))


@quick
@given(of=rows)
def test_area_is_the_share_of_pairs_in_order(of):
    y, p, _ = columns(of)
    pairs = [(a > b) + (a == b) / 2 for a in p[y == 1] for b in p[y == 0]]
    assert equal(auc(y, p), sum(pairs) / len(pairs) if pairs else math.nan)
    assert equal(auc(y, p) + auc(y, -p), 1.0 if pairs else math.nan)


def test_losses_by_hand():
    y, p = [0, 1, 1], [0.2, 0.5, 0.9]
    assert brier(y, p) == pytest.approx((0.04 + 0.25 + 0.01) / 3)
    assert log_loss(y, p) == pytest.approx(-(math.log(0.8) + math.log(0.5) + math.log(0.9)) / 3)
    assert math.isfinite(log_loss([1], [0.0]))
    assert brier([1, 1], [1, 1]) == log_loss([1, 1], [1.0, 1.0], [2, 1]) - log_loss([1], [1.0]) == 0


@quick
@given(of=rows)
def test_log_loss_is_the_mean_surprise(of):
    y, p, w = columns(of)
    each = surprise(y, p)
    assert (each >= 0).all()
    assert equal(log_loss(y, p, w), np.average(each, weights=w) if w.sum() else math.nan)


def test_nothing_to_measure_is_nan():
    for metric in (*WEIGHTED, lambda y, p: ndcg_per_rep([], y, p)):
        assert math.isnan(metric([], []))
    for metric in (auc, average_precision):
        assert math.isnan(metric([1, 1], [0.1, 0.2]))
        assert math.isnan(metric([0, 1], [0.1, 0.2], [1, 0]))
    assert reliability([], []).height == 0
    assert top_shares([], [])["captured"].is_nan().all()
    assert top_shares([0, 0], [1, 2])["lift"].is_nan().all()


# NDCG


def ndcg_by_hand(outcome, k):
    best = sum(1 / math.log2(i + 2) for i in range(min(k, sum(outcome))))
    return sum(y / math.log2(i + 2) for i, y in enumerate(outcome[:k])) / best


@quick
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=5, max_size=6), st.integers(1, 6))
def test_ndcg_with_ties_is_the_mean_over_all_orders(of, k):
    outcome, score = [int(y) for y, _ in of], [s for _, s in of]
    orders = [order for order in itertools.permutations(range(len(of)))
              if all(score[a] >= score[b] for a, b in itertools.pairwise(order))]  # fmt: skip
    mixed = 0 < sum(outcome) < len(outcome)
    expected = np.mean([ndcg_by_hand([outcome[i] for i in order], k) for order in orders]) if mixed else math.nan
    assert equal(ndcg_per_rep(["rep"] * len(of), outcome, score, k=k), expected)


def test_ndcg_is_the_mean_over_reps_as_scikit_learn_has_it():
    rng = np.random.default_rng(0)
    rep = rng.integers(0, 20, 2000)
    y, s = rng.random(2000) < 0.1, rng.integers(0, 30, 2000)
    each = [ndcg_score([y[rep == r]], [s[rep == r]], k=10) for r in range(20)]
    assert ndcg_per_rep([f"r{r}" for r in rep], y, s) == pytest.approx(np.mean(each), rel=1e-12)


def test_ndcg_of_each_rep_is_that_of_the_list_alone():
    rng = np.random.default_rng(3)
    rep = pl.Series([f"r{number}" for number in rng.integers(0, 9, 200)])
    y, s = rng.random(200) < 0.3, rng.integers(0, 30, 200)
    found = ndcg_of_reps(rep, y, s)
    assert found["rep"].to_list() == sorted(set(rep))
    for name, value in found.iter_rows():
        inside = (rep == name).to_numpy()
        assert value == pytest.approx(ndcg_per_rep(rep.filter(rep == name), y[inside], s[inside]))
    assert ndcg_per_rep(rep, y, s) == pytest.approx(found["ndcg"].mean())
    assert ndcg_of_reps([], [], []).is_empty()


def test_ndcg_of_the_perfect_order_is_one_and_the_worst_is_least():
    y = np.array([1, 1, 0, 0, 0, 0])
    rep = ["rep"] * 6
    every = [ndcg_per_rep(rep, np.array(order), -np.arange(6), k=3) for order in set(itertools.permutations(y))]
    assert equal([ndcg_per_rep(rep, y, y, k=3), max(every)], [1.0, 1.0])
    assert equal(ndcg_per_rep(rep, y, np.arange(6), k=3), min(every))


def test_ndcg_leaves_out_reps_of_whom_nothing_can_be_learned():
    y = [1, 0, 0, 0, 0] + [0, 0, 0, 1] + [0] * 6 + [1] * 6 + [0, 1]
    s = [9, 8, 7, 6, 5] + [4, 3, 2, 1] + [1] * 6 + [1] * 6 + [2, 1]
    rep = ["good"] * 5 + ["four"] * 4 + ["none"] * 6 + ["all"] * 6 + [None, None]
    assert ndcg_per_rep(rep, y, s) == 1.0
    assert ndcg_per_rep(pl.Series(rep), y, s, min_contacts=4) == pytest.approx((1 + 1 / math.log2(5)) / 2)
    assert math.isnan(ndcg_per_rep(rep, y, s, min_contacts=7))


# Tables


def test_reliability_is_what_scikit_learn_has_where_chances_differ():
    rng = np.random.default_rng(1)
    p = rng.random(1000)
    y = rng.random(1000) < p
    table = reliability(y, p, bins=10)
    observed, expected = calibration_curve(y, p, n_bins=10, strategy="quantile")
    np.testing.assert_allclose(table["observed"], observed, atol=0.02)
    np.testing.assert_allclose(table["expected"], expected, atol=0.002)
    assert table["rows"].to_list() == [100.0] * 10
    assert np.abs(table["observed"] - table["expected"]).max() < 0.15


@quick
@given(rows, st.integers(1, 12))
def test_reliability_loses_no_row_and_splits_no_tie(of, bins):
    y, p, w = columns(of)
    table = reliability(y, p, w, bins=bins)
    assert table["rows"].sum() == w.sum()
    assert table.height <= bins
    assert (table["rows"] * table["observed"]).sum() == pytest.approx((w * y).sum())
    assert (table["rows"] * table["expected"]).sum() == pytest.approx((w * p).sum())
    assert (table["lowest"].to_numpy()[1:] > table["highest"].to_numpy()[:-1]).all()


def test_top_shares_count_the_top_and_share_out_ties():
    y = np.array([1, 1, 0, 1, 0, 0, 0, 0, 0, 1])
    assert top_shares(y, -np.arange(10), shares=[0.2, 0.5, 1.0]).rows() == [
        (0.2, 0.5, 1.0, 2.5), (0.5, 0.75, 0.6, 1.5), (1.0, 1.0, 0.4, 1.0)]  # fmt: skip
    flat = top_shares(y, np.zeros(10))
    np.testing.assert_allclose(flat["captured"], [0.1, 0.2, 0.3])
    np.testing.assert_allclose(flat["lift"], 1.0)


@quick
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=1, max_size=6), st.integers(1, 6))
def test_what_the_top_finds_is_the_mean_over_all_orders_of_ties(of, top):
    outcome, score = [int(y) for y, _ in of], [s for _, s in of]
    top = min(top, len(of))
    orders = [order for order in itertools.permutations(range(len(of)))
              if all(score[a] >= score[b] for a, b in itertools.pairwise(order))]  # fmt: skip
    expected = np.mean([np.mean([outcome[i] for i in order[:top]]) for order in orders])
    assert top_shares(outcome, score, shares=[top / len(of)])["rate"][0] == pytest.approx(expected)


# Refusals


@pytest.mark.parametrize(
    ("call", "found"),
    [
        (lambda: auc([0, 1], [1.0]), "shapes"),
        (lambda: auc([0, 1], [1.0, 2.0], [1.0]), "shapes"),
        (lambda: auc([0, 2], [1.0, 2.0]), "1 outcomes are not 0 or 1"),
        (lambda: auc([0, math.nan], [1.0, 2.0]), "1 outcomes are not 0 or 1"),
        (lambda: auc([0, 1], [1.0, math.nan]), "1 scores are not finite"),
        (lambda: auc([0, 1], [1.0, 2.0], [1, -1]), "weights below 0"),
        (lambda: brier([0, 1], [0.5, 1.5]), "1 chances are not between 0 and 1"),
        (lambda: ndcg_per_rep(["a"], [0, 1], [1, 2]), "1 reps for 2 rows"),
        (lambda: ndcg_per_rep(["a", "a"], [0, 1], [1, 2], k=0), "k = 0"),
        (lambda: reliability([0], [0.5], bins=0), "0 bins"),
        (lambda: top_shares([0], [0.5], shares=[0.0]), "above 0 and at most 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, found):
    with pytest.raises(InputError, match=found):
        call()
