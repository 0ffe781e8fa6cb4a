"""Contests: a model beside itself is level, and what is worse is found to be worse in the right way."""

from __future__ import annotations

import json
from datetime import datetime
from typing import get_args

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import log_loss, roc_auc_score

import scoring
from scoring.boosting import boost
from scoring.config import Boosting, Target
from scoring.contest import compare_models
from scoring.errors import InputError
from scoring.scorecard import calibrate
from scoring.snapshots import Labelled, label_snapshots, take_snapshots


@pytest.fixture(scope="module")
def lesson(exports: dict[datetime, pl.DataFrame]) -> Labelled:
    return label_snapshots(take_snapshots(exports))[-1]


@pytest.mark.parametrize("target", get_args(Target))
def test_a_model_beside_itself_is_exactly_0(own_model: scoring.Model, lesson: Labelled, target: Target) -> None:
    found = compare_models(own_model, own_model, lesson, target=target)
    for interval in (found.order, found.calibration):
        assert (interval.estimate, interval.low, interval.high, interval.verdict) == (0, 0, 0, "no difference")
    assert found.rows == lesson.labels[target].count()
    assert found.outcomes == lesson.labels[target].sum()
    json.dumps(found.to_dict(), allow_nan=False)


def changed(model: scoring.Model, offset: float, slope: float) -> scoring.Model:
    cards = {target: calibrate(card, offset, slope) for target, card in model.with_context.items()}
    told = (model.without_context, model.quantiles, model.tier_cuts, model.provenance)
    return scoring.Model(model.name, cards, *told, reference=model.reference)


def test_another_level_is_no_other_order_and_is_seen(own_model: scoring.Model, lesson: Labelled) -> None:
    high = changed(own_model, 2.0, 1.0)
    worse, better = compare_models(high, own_model, lesson), compare_models(own_model, high, lesson)
    assert worse.order.estimate == better.order.estimate == 0
    assert (worse.calibration.verdict, better.calibration.verdict) == ("worse", "better")
    assert worse.calibration.estimate == -better.calibration.estimate
    expected = lesson.labels["engaged"].cast(pl.Int8)
    losses = [
        log_loss(expected, model.with_context["engaged"].probability(lesson.features)) for model in (high, own_model)
    ]
    assert worse.calibration.estimate == pytest.approx(losses[1] - losses[0])


def test_an_order_learned_from_shuffled_outcomes_is_worse(own_model: scoring.Model, lesson: Labelled) -> None:
    outcome = lesson.labels["reply"].to_numpy()
    mixed = np.random.default_rng(1).permutation(outcome)
    card = boost(lesson.features, mixed, lesson.features.columns[:10], Boosting(iterations=5), seed=1)
    told = (own_model.without_context, own_model.quantiles, own_model.tier_cuts, own_model.provenance)
    lost = scoring.Model("lost", {**own_model.with_context, "reply": card}, *told)
    found = compare_models(lost, own_model, lesson, target="reply")
    chances = [model.with_context["reply"].probability(lesson.features) for model in (lost, own_model)]
    assert found.order.estimate == pytest.approx(
        roc_auc_score(outcome, chances[0]) - roc_auc_score(outcome, chances[1])
    )
    assert (found.order.verdict, found.calibration.verdict) == ("worse", "worse")
    assert compare_models(own_model, lost, lesson, target="reply").order.verdict == "better"


def test_models_are_not_compared_where_nothing_is_known(own_model: scoring.Model, lesson: Labelled) -> None:
    unknown = lesson.labels.with_columns(engaged=pl.lit(None, pl.Boolean))
    with pytest.raises(InputError, match="0 of 0 rows"):
        compare_models(
            own_model, own_model, Labelled(lesson.as_of, lesson.until, lesson.rows, lesson.features, unknown, 0)
        )
