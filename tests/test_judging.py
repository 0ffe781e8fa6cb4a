"""Judging: a new model takes the place of the old one only where nothing shows that it is worse."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from math import nan

import polars as pl
import pytest

import scoring
from scoring.config import TARGETS, TrainingConfig
from scoring.contest import Contest
from scoring.intervals import Interval
from scoring.scorecard import Scorecard, calibrate, weighted_sum
from scoring.simulation import Organisation
from scoring.snapshots import Labelled, Snapshot, label_snapshots, take_snapshots
from scoring.tracking.judging import LEAST_OUTCOMES, TARGET, Candidate, find_lesson, judge, verdict
from scoring.training import train_snapshots

NOISE = Interval(-1e-17, -2.1e-17, -1.3e-18)  # two ways to the same chances
BETTER, SAME, WORSE = Interval(0.02, 0.01, 0.03), Interval(-0.01, -0.02, 0.001), Interval(-0.02, -0.03, -0.001)
UNKNOWN = Interval(0.1, nan, nan)


def compared(order: Interval, calibration: Interval) -> Contest:
    return Contest("engaged", 100, 30, True, order, calibration)


def changed(model: scoring.Model, change: Callable[[Scorecard], Scorecard]) -> scoring.Model:
    """The model with all its scorecards changed."""
    both = (model.with_context, model.without_context)
    beside, alone = ({target: change(cards[target]) for target in TARGETS} for cards in both)
    return replace(model, name="changed", with_context=beside, without_context=alone)


@pytest.fixture(scope="module")
def snapshots(exports: dict[datetime, pl.DataFrame]) -> list[Snapshot]:
    return take_snapshots(exports)


@pytest.fixture(scope="module")
def lesson(snapshots: list[Snapshot]) -> Labelled:
    found = find_lesson(snapshots)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def earlier(snapshots: list[Snapshot], quick: TrainingConfig) -> scoring.Model:
    """What could be trained before the last period."""
    return train_snapshots(snapshots[:-1], config=quick, prior=scoring.load_model())


@pytest.mark.parametrize("order", [BETTER, SAME, NOISE, WORSE, UNKNOWN])
@pytest.mark.parametrize("calibration", [BETTER, SAME, NOISE, WORSE, UNKNOWN])
def test_refused_is_what_is_worse_beyond_chance_or_unknown(order: Interval, calibration: Interval) -> None:
    allowed, reason = verdict(compared(order, calibration))
    fine = (BETTER, SAME, NOISE)
    assert allowed == (order in fine and calibration in fine)
    words = {BETTER: "better", SAME: "not worse", NOISE: "not worse", WORSE: "worse", UNKNOWN: "not measurable"}
    assert reason.startswith(f"order {words[order]} (AUC {order.estimate:+.4f}")
    assert f"calibration {words[calibration]} (log loss" in reason


def test_the_newest_period_that_is_proved_judges(snapshots: list[Snapshot], lesson: Labelled) -> None:
    assert lesson.as_of == snapshots[-2].as_of
    assert lesson.until == snapshots[-1].as_of
    assert find_lesson(snapshots[:1]) is None
    assert find_lesson([]) is None


def test_a_period_that_is_not_over_does_not_judge(organisation: Organisation) -> None:
    start = organisation.dates(3)[0]
    days = (0, 20)
    snapshots = take_snapshots({when: organisation.export(when) for when in (start + timedelta(days=d) for d in days)})
    assert len(label_snapshots(snapshots)) == 1
    assert find_lesson(snapshots) is None


def test_what_is_as_good_may_take_the_place(earlier: scoring.Model, lesson: Labelled) -> None:
    found = judge(Candidate(earlier), Candidate(scoring.load_model()), lesson)
    assert found.better
    assert (found.as_of, found.until) == (lesson.as_of, lesson.until)
    assert (found.challenger, found.champion) == (earlier.id, scoring.load_model().id)
    assert found.comparison is not None
    assert found.comparison.outcomes == lesson.labels[TARGET].sum()
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_prior_alone_is_not_worse_than_the_prior(lesson: Labelled) -> None:
    """With little to learn from, a trained model is the shipped one but for the last digits."""
    shipped = scoring.load_model()
    for parts in ([0.3, 0.7], [0.1, 0.9], [1 / 3, 2 / 3]):
        alike = changed(shipped, lambda card, parts=parts: weighted_sum([card, card], parts))  # type: ignore[misc]
        for new, old in ((alike, shipped), (shipped, alike)):
            found = judge(Candidate(new), Candidate(old), lesson)
            assert found.comparison is not None
            assert abs(found.comparison.calibration.low) < 1e-12
            assert found.better
            assert found.reason.startswith("order not worse")
            assert "calibration not worse" in found.reason


@pytest.mark.parametrize(
    ("change", "worse", "fine"),
    [
        (lambda card: calibrate(card, 3.0, 1.0), "calibration worse", "order not worse"),
        (lambda card: weighted_sum([card], [0.001]), "calibration worse", "order not worse"),
        (lambda card: Scorecard(card.intercept, ()), "order worse", ""),
    ],
    ids=["too sure", "says nothing", "sorts nothing"],
)
def test_what_is_worse_is_refused_and_why(
    change: Callable[[Scorecard], Scorecard], worse: str, fine: str, earlier: scoring.Model, lesson: Labelled
) -> None:
    worsened = changed(earlier, change)
    found = judge(Candidate(worsened), Candidate(earlier), lesson)
    assert not found.better
    assert worse in found.reason
    assert fine in found.reason
    back = judge(Candidate(earlier), Candidate(worsened), lesson)
    assert back.better
    assert back.reason.count("better") >= 1


def test_who_knows_the_period_is_not_judged_by_it(
    own_model: scoring.Model, earlier: scoring.Model, lesson: Labelled
) -> None:
    shipped = Candidate(scoring.load_model())
    for new, old, which in (
        (Candidate(own_model), shipped, "new model"),
        (shipped, Candidate(own_model), "model in use"),
        (Candidate(own_model, own_model), shipped, "new model"),
    ):
        found = judge(new, old, lesson)
        assert not found.better
        assert found.comparison is None
        assert found.reason.startswith(f"the {which} has learned from exports until {own_model.learned_until:%Y-%m-%d}")
    found = judge(Candidate(own_model, earlier), shipped, lesson)
    assert (found.better, found.challenger) == (True, earlier.id)
    assert judge(Candidate(own_model, earlier), Candidate(changed(own_model, same), earlier), lesson).better


def same(card: Scorecard) -> Scorecard:
    return card


def test_a_model_knows_what_its_prior_knows(
    exports: dict[datetime, pl.DataFrame], own_model: scoring.Model, quick: TrainingConfig
) -> None:
    first, second, *_, last = sorted(exports)
    assert scoring.load_model().learned_until is None
    assert own_model.learned_until == last
    pair = {when: exports[when] for when in (first, second)}
    assert scoring.train(pair, config=quick).learned_until == second
    assert scoring.train(pair, config=quick, prior=own_model).learned_until == last


def test_nothing_to_judge_is_refused(own_model: scoring.Model, earlier: scoring.Model, lesson: Labelled) -> None:
    assert "in use already" in judge(Candidate(own_model), Candidate(own_model), lesson).reason
    assert "two exports 30 days apart" in judge(Candidate(earlier), Candidate(own_model), None).reason
    for did in (True, False):
        for rows, enough in ((LEAST_OUTCOMES - 1, False), (LEAST_OUTCOMES, True)):
            such = pl.col(TARGET) == did
            few = lesson.labels.with_columns(pl.when(~such | (such.cum_sum() <= rows)).then(TARGET))
            found = judge(Candidate(earlier), Candidate(scoring.load_model()), replace(lesson, labels=few))
            assert ("too few to show anything" not in found.reason) == enough
            assert (found.comparison is not None) == enough
            assert found.better <= enough
