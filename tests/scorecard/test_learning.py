import math

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression

from scoring.errors import ModelError
from scoring.scorecard import compile_classifier, fit_calibration, logistic

TINY = float(np.finfo(np.float32).smallest_subnormal)


@np.errstate(over="ignore")  # beyond the largest float32 is infinity
def next_to(column, way):
    return np.nextafter(column, np.float32(way))


# Classifiers


def training_data(seed, rows=3000):
    rng = np.random.default_rng(seed)
    matrix = rng.exponential(10, (rows, 5)).astype(np.float32)
    matrix[:, 1] = rng.integers(0, 6, rows)
    matrix[:, 2] *= np.float32(1e-3)
    matrix[:, 3] = -matrix[:, 3] * np.float32(1e30)
    matrix[rng.random(matrix.shape) < 0.2] = np.nan
    matrix[:, 4] = 7.0  # never split on
    z = np.sin(np.nan_to_num(matrix[:, 0], nan=-3.0)) + np.nan_to_num(matrix[:, 1], nan=2.0) / 3 - 1
    return matrix, rng.random(rows) < logistic(z.astype(np.float64))


def boost(matrix, y, **options):
    options = {"interaction_cst": "no_interactions", "max_iter": 30, "early_stopping": False} | options
    return HistGradientBoostingClassifier(**options).fit(matrix, y)


@pytest.mark.parametrize("seed", range(4))
def test_a_compiled_classifier_is_the_classifier(seed):
    matrix, y = training_data(seed)
    names = ["a", "b", "c", "d", "e"]
    model = boost(matrix, y, max_leaf_nodes=3 + seed, min_samples_leaf=5 + 20 * seed)
    card = compile_classifier(model, names)
    assert set(card.features) <= {"a", "b", "c", "d"}
    rng = np.random.default_rng(seed)
    rows = [matrix]
    for position, name in enumerate(names):
        table = card.table(name)
        edges = np.float32([0, math.inf, -math.inf, math.nan]) if table is None else np.append(
            table.thresholds, np.float32([math.inf, -math.inf, math.nan, -0.0, TINY]))  # fmt: skip
        for near in (edges, next_to(edges, np.inf), next_to(edges, -np.inf)):
            some = matrix[rng.integers(len(matrix), size=len(near))].copy()
            some[:, position] = near
            rows.append(some)
    probe = np.vstack(rows)
    found = card.probability(dict(zip(names, probe.T, strict=True)))
    np.testing.assert_allclose(found, model.predict_proba(probe)[:, 1], rtol=0, atol=1e-12)


def test_a_classifier_fitted_on_a_frame_compiles_by_its_names():
    matrix, y = training_data(9)
    frame = pl.DataFrame(matrix, schema=["a", "b", "c", "d", "e"])
    model = boost(frame, y)
    card = compile_classifier(model, frame.columns)
    np.testing.assert_allclose(card.probability(frame), model.predict_proba(frame)[:, 1], rtol=0, atol=1e-12)
    with pytest.raises(ModelError, match="other names"):
        compile_classifier(model, ["b", "a", "c", "d", "e"])


def test_a_split_on_missing_alone_needs_no_threshold_that_is_not_finite():
    matrix = np.where(np.arange(400) % 2, 5.0, np.nan).astype(np.float32).reshape(-1, 1)
    model = boost(matrix, np.arange(400) % 2 * (np.arange(400) % 5 > 0))
    card = compile_classifier(model, ["a"])
    columns = {"a": np.float32([5, 6, -9, math.inf, math.nan])}
    np.testing.assert_allclose(
        card.probability(columns), model.predict_proba(columns["a"].reshape(-1, 1))[:, 1], rtol=0, atol=1e-12
    )
    assert card.probability(columns)[4] < 0.1 < 0.7 < card.probability(columns)[0]


def test_infinity_in_training_is_a_number_above_all_others():
    matrix = np.where(np.arange(400) % 2, 5.0, np.inf).astype(np.float32).reshape(-1, 1)
    model = boost(matrix, np.arange(400) % 2)
    card = compile_classifier(model, ["a"])
    column = np.float32([5, np.finfo(np.float32).max, math.inf, -math.inf, math.nan])
    expected = model.predict_proba(column.reshape(-1, 1))[:, 1]
    np.testing.assert_allclose(card.probability([column]), expected, rtol=0, atol=1e-12)


def test_trees_without_a_split_compile_to_an_intercept():
    matrix, y = training_data(5, 100)
    model = boost(matrix, y, min_samples_leaf=100)
    card = compile_classifier(model, list("abcde"))
    assert card.tables == ()
    np.testing.assert_allclose(logistic(np.array([card.intercept])), model.predict_proba(matrix[:1])[0, 1:], atol=1e-12)


def test_classifiers_that_are_no_scorecards_are_refused():
    matrix, y = training_data(6, 500)
    names = list("abcde")
    with pytest.raises(ModelError, match="cannot be compiled; expected a fitted HistGradientBoostingClassifier"):
        compile_classifier(HistGradientBoostingClassifier(), names)
    with pytest.raises(ModelError, match="LogisticRegression cannot be compiled"):
        compile_classifier(LogisticRegression().fit(np.nan_to_num(matrix[:, 1:3]), y), names)
    with pytest.raises(ModelError, match=r"a tree splits on \d features.*no_interactions"):
        compile_classifier(boost(matrix, y, interaction_cst=None), names)
    with pytest.raises(ModelError, match="3 classes; expected two"):
        compile_classifier(boost(matrix, np.arange(500) % 3, max_iter=2), names)
    with pytest.raises(ModelError, match="1 features are categories"):
        compile_classifier(boost(matrix, y, max_iter=2, categorical_features=[1]), names)
    for wrong in (list("abcd"), list("abcda")):
        with pytest.raises(ModelError, match="4 names for 5 features"):
            compile_classifier(boost(matrix, y, max_iter=2), wrong)


def test_minus_infinity_in_training_is_refused():
    matrix = np.where(np.arange(400) % 2, 5.0, -np.inf).astype(np.float32).reshape(-1, 1)
    with pytest.raises(ModelError, match="splits off minus infinity"):
        compile_classifier(boost(matrix, np.arange(400) % 2), ["a"])


def test_a_classifier_whose_trees_mean_something_else_is_refused():
    matrix, y = training_data(7)
    model = boost(matrix, y)

    class Other(type(model)):
        def decision_function(self, matrix):
            return super().decision_function(matrix) + 1e-3 * np.nan_to_num(np.asarray(matrix)[:, 0] > 1) * (
                matrix[:, 1] > 1
            )

    model.__class__ = Other
    with pytest.raises(ModelError, match="the scorecard is not the Other"):
        compile_classifier(model, list("abcde"))


# Calibration


def simulated(seed=0, rows=20_000, offset=-0.7, slope=1.6):
    rng = np.random.default_rng(seed)
    x = rng.normal(-1, 1.5, rows)
    return x, (rng.random(rows) < logistic(offset + slope * x)).astype(float), rng.integers(0, 4, rows).astype(float)


def test_calibration_finds_the_line():
    x, y, _ = simulated()
    offset, slope = fit_calibration(x, y)
    assert (offset, slope) == pytest.approx((-0.7, 1.6), abs=0.08)


def test_calibration_without_a_pull_is_logistic_regression():
    x, y, w = simulated(1, 3000)
    reference = LogisticRegression(C=np.inf, tol=1e-10).fit(x.reshape(-1, 1), y, sample_weight=w)
    expected = (reference.intercept_[0], reference.coef_[0, 0])
    assert fit_calibration(x, y, w, strength=0.0) == pytest.approx(expected, abs=1e-5)


def test_weights_are_repeated_rows():
    x, y, w = simulated(2, 500)
    times = w.astype(int)
    assert fit_calibration(x, y, w) == pytest.approx(fit_calibration(x.repeat(times), y.repeat(times)), abs=1e-9)


def test_calibrated_again_it_stays():
    x, y, _ = simulated(3)
    offset, slope = fit_calibration(x, y)
    assert fit_calibration(offset + slope * x, y) == pytest.approx((0, 1), abs=1e-3)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans()), max_size=30))
def test_calibration_is_finite_and_keeps_the_order_whatever_the_outcome(rows):
    offset, slope = fit_calibration([x for x, _ in rows], [y for _, y in rows])
    assert math.isfinite(offset)
    assert 0 < slope < math.inf


def test_the_opposite_order_keeps_the_order_and_the_level():
    x, y, _ = simulated(4, slope=-1.0)
    offset, slope = fit_calibration(x, y)
    assert slope == 0.01
    assert logistic(offset + slope * x).mean() == pytest.approx(y.mean(), abs=1e-3)


def test_calibration_refuses_what_it_cannot_use():
    for x, y, w in (([1, 2], [1], None), ([math.nan], [1], None), ([1.0], [2], None), ([1.0], [1], [-1])):
        with pytest.raises(ModelError, match="expected"):
            fit_calibration(x, y, w)
