"""Boosting: what was planted is found, within the trends, out of the named features alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose

from scoring.boosting import boost
from scoring.config import Boosting
from scoring.features import FEATURES

QUICK = Boosting(iterations=20)
UP = [feature.name for feature in FEATURES if feature.trend > 0][:3]
DOWN = [feature.name for feature in FEATURES if feature.trend < 0][:3]
FREE = [feature.name for feature in FEATURES if not feature.trend][:3]
ROWS = 600


def drawn(names: list[str], seed: int = 1, empty: float = 0.1) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    values = {name: random.normal(size=ROWS).astype(np.float32) for name in names}
    gone = {name: random.random(ROWS) < empty for name in names}
    return pl.DataFrame(values).with_columns(
        pl.when(~pl.Series(name, gone[name])).then(pl.col(name)).alias(name) for name in names
    )


def above(features: pl.DataFrame, name: str) -> np.ndarray:
    return features[name].fill_null(-1).to_numpy() > 0.3


def test_what_was_planted_is_found() -> None:
    features = drawn(FREE)
    card = boost(features, above(features, FREE[1]), FREE, QUICK, seed=1)
    chances = card.probability(features)
    outcome = above(features, FREE[1])
    assert chances[outcome].mean() - chances[~outcome].mean() > 0.7
    assert_allclose(chances.mean(), outcome.mean(), atol=0.05)


@pytest.mark.parametrize("name", [*UP, *DOWN])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_trend_holds_whatever_the_rows_say(name: str, sign: int) -> None:
    features = drawn([name, FREE[0]])
    outcome = features[name].fill_null(0).to_numpy() * sign > 0
    card = boost(features, outcome, [name, FREE[0]], QUICK, seed=1)
    trend = 1 if name in UP else -1
    table = card.table(name)
    if sign == trend:
        assert table is not None
        assert np.ptp(table.values[:-1]) > 1
    if table is not None:
        assert (np.diff(table.values[:-1]) * trend >= 0).all()


def test_only_the_named_features_are_used() -> None:
    features = drawn(FREE)
    card = boost(features, above(features, FREE[0]), FREE[1:], QUICK, seed=1)
    assert set(card.features) <= set(FREE[1:])


def test_a_feature_of_which_nothing_is_known_teaches_nothing() -> None:
    features = drawn(FREE)
    known = boost(features, above(features, FREE[0]), FREE[:2], QUICK, seed=1)
    features = features.with_columns(pl.lit(None, pl.Float32).alias(FREE[2]))
    assert boost(features, above(features, FREE[0]), FREE, QUICK, seed=1) == known


@pytest.mark.parametrize(("weights", "rate"), [(None, 0.25), (np.where(np.arange(ROWS) < 150, 3.0, 1.0), 0.5)])
def test_without_any_knowledge_there_is_the_rate(weights: np.ndarray | None, rate: float) -> None:
    features = drawn(FREE, empty=1.0)
    card = boost(features, np.arange(ROWS) < 150, FREE, QUICK, seed=1, weights=weights)
    assert card.features == ()
    assert_allclose(card.probability(features), rate, atol=1e-12)


def test_a_missing_value_has_a_value_of_its_own() -> None:
    features = drawn(FREE, empty=0.4)
    missing = features[FREE[0]].is_null().to_numpy()
    card = boost(features, missing, FREE, QUICK, seed=1)
    assert card.log_odds(features)[missing].min() > card.log_odds(features)[~missing].max()


@pytest.mark.parametrize("outcome", [np.arange(ROWS) == 0, np.arange(ROWS) > 0])
def test_a_single_outcome_is_enough_to_go_on(outcome: np.ndarray) -> None:
    features = drawn(FREE)
    chances = boost(features, outcome, FREE, QUICK, seed=1).probability(features)
    assert ((chances > 0) & (chances < 1)).all()


def test_fewer_rows_than_a_leaf_give_the_rate_alone() -> None:
    features = drawn(FREE).head(40)
    outcome = np.arange(40) < 10
    card = boost(features, outcome, FREE, replace(QUICK, least_rows=30), seed=1)
    assert card.features == ()
    assert_allclose(card.probability(features), 0.25, atol=1e-6)


def test_weights_say_which_rows_count() -> None:
    features = drawn(FREE[:1], empty=0)
    value = features[FREE[0]].to_numpy()
    first = np.arange(ROWS) < ROWS // 2
    outcome = np.where(first, value > 0, value < 0)
    for weights, sign in ((first + 0.01, 1), (~first + 0.01, -1)):
        log_odds = boost(features, outcome, FREE[:1], QUICK, seed=1, weights=weights).log_odds(features)
        assert np.corrcoef(log_odds, value)[0, 1] * sign > 0.5


def test_settings_are_used() -> None:
    features = drawn(FREE)
    outcome = above(features, FREE[0]) ^ (above(features, FREE[1]) & (np.arange(ROWS) % 2 == 0))
    base = boost(features, outcome, FREE, QUICK, seed=1)
    for change in ("iterations", "leaves", "least_rows", "bins", "learning_rate", "shrinkage", "tried"):
        value = getattr(QUICK, change)
        other = replace(QUICK, **{change: max(2, value // 2) if isinstance(value, int) else value / 3})
        assert boost(features, outcome, FREE, other, seed=1) != base, change


def test_the_seed_decides_what_splits_choose_from() -> None:
    features = drawn(FREE)
    outcome = above(features, FREE[0])
    some = replace(QUICK, tried=0.4)
    one, same, other = (boost(features, outcome, FREE, some, seed=seed) for seed in (1, 1, 2))
    assert one == same
    assert one != other
