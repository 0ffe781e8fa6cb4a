"""Sources: learned where there is enough, at a level that is known, and the past told from what was known before it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import scoring
from scoring import schema
from scoring.boosting import boost
from scoring.config import TARGETS, Target, TrainingConfig
from scoring.features import FEATURES, OWN_FEATURES, computed_from
from scoring.labels import RESTORED
from scoring.metrics import measure
from scoring.simulation import Settings, draw_organisation
from scoring.snapshots import Labelled, Snapshot, label_snapshots, put_back, take_snapshots
from scoring.sources import learn_sources, predict_past, settled

DAY = timedelta(days=1)
START = datetime(2026, 1, 1, tzinfo=UTC)
OWN = {feature.name for feature in OWN_FEATURES}


@pytest.fixture(scope="module")
def snapshots(exports: dict[datetime, pl.DataFrame]) -> list[Snapshot]:
    return take_snapshots(exports)


@pytest.fixture(scope="module")
def lessons(snapshots: list[Snapshot]) -> list[Labelled]:
    return label_snapshots(snapshots)


@pytest.fixture(scope="module")
def past(snapshots: list[Snapshot]) -> Labelled:
    return put_back(snapshots[-1])


def lesson(happened: int, did_not: int, still_open: int, missing: int = 0, days: float = 30) -> Labelled:
    """Make a date of which only the labels count."""
    known = [True] * happened + [False] * did_not + [None] * (still_open + missing)
    labels = pl.DataFrame({target: pl.Series(known, dtype=pl.Boolean) for target in TARGETS})
    nothing = schema.empty(len(known))
    return Labelled(START, START + days * DAY, nothing, pl.DataFrame(), labels, missing)


def opened(lesson: Labelled, share: float) -> Labelled:
    """Forget the labels of a share of the rows."""
    rows = pl.int_range(lesson.labels.height, eager=True).shuffle(1) >= share * lesson.labels.height
    return replace(lesson, labels=lesson.labels.select(pl.when(rows).then(pl.all())))


def shortened(lesson: Labelled, days: int = 20) -> Labelled:
    return replace(lesson, until=lesson.as_of + days * DAY)


# ---- is the rate known? ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("which", "is_settled"),
    [
        (lesson(95, 900, 5), True),
        (lesson(95, 900, 6), False),
        (lesson(95, 0, 5), True),
        (lesson(0, 900, 0), True),
        (lesson(0, 900, 1), False),
        (lesson(95, 900, 5, missing=400), True),
        (lesson(95, 900, 6, missing=400), False),
        (lesson(95, 900, 0, days=29.9), False),
        (lesson(95, 900, 0, days=30), True),
        (lesson(0, 0, 0), True),
    ],
)
def test_a_rate_is_settled_with_few_open_rows_and_the_whole_window(which: Labelled, is_settled: bool) -> None:
    for target in TARGETS:
        assert settled(which, target) is (is_settled and target != "answer")


def test_the_rates_of_whole_exports_are_settled(lessons: list[Labelled], past: Labelled) -> None:
    for one in (*lessons, past):
        assert [settled(one, target) for target in TARGETS] == [True, True, False, True]


# ---- what is learned ------------------------------------------------------------------------------------------------


def test_each_source_uses_what_it_may(lessons: list[Labelled], past: Labelled, quick: TrainingConfig) -> None:
    learned = learn_sources(lessons, past, quick, scoring.load_model())
    restored = computed_from(RESTORED)
    assert {target: set(sources) for target, sources in learned.items()} == {
        **dict.fromkeys(("reply", "meeting", "engaged"), {"history", "step_back"}),
        "answer": {"history"},
    }
    beside = {feature.name for feature in FEATURES} - OWN
    for sources in learned.values():
        for name, source in sources.items():
            alone, both = source.cards
            assert set(alone.features) <= OWN
            if name == "step_back":
                assert set(alone.features) | set(both.features) <= set(restored)
    used = {name for sources in learned.values() for source in sources.values() for name in source.cards[1].features}
    assert used & beside


def test_outcomes_are_the_fewer_of_both(lessons: list[Labelled], past: Labelled, quick: TrainingConfig) -> None:
    learned = learn_sources(lessons, past, quick, scoring.load_model())
    for target in TARGETS:
        known = pl.concat([one.labels[target] for one in lessons]).drop_nulls()
        assert learned[target]["history"].outcomes == min(known.sum(), (~known).sum())


@pytest.mark.parametrize("target", ["reply", "answer"])
def test_a_target_with_one_outcome_too_few_is_left_alone(
    target: Target, lessons: list[Labelled], past: Labelled, quick: TrainingConfig
) -> None:
    known = pl.concat([one.labels[target] for one in lessons]).drop_nulls()
    count = min(known.sum(), (~known).sum())
    for least, there in ((count, True), (count + 1, False)):
        config = replace(quick, least_outcomes=least)
        assert ("history" in learn_sources(lessons, past, config, scoring.load_model())[target]) is there


# ---- the level ------------------------------------------------------------------------------------------------------


def known_features(lessons: list[Labelled], target: Target) -> pl.DataFrame:
    return pl.concat([one.features.filter(one.labels[target].is_not_null()) for one in lessons])


def known_outcome(lessons: list[Labelled], target: Target) -> np.ndarray:
    return pl.concat([one.labels[target].drop_nulls() for one in lessons]).to_numpy()


@pytest.mark.parametrize("how", [shortened, lambda one: opened(one, 0.3)], ids=["shorter", "open"])
def test_an_unsettled_level_is_the_priors_and_the_order_its_own(
    how: object, lessons: list[Labelled], past: Labelled, quick: TrainingConfig
) -> None:
    assert callable(how)
    prior = scoring.load_model()
    unsettled = [how(one) for one in lessons]
    learned = learn_sources(unsettled, past, quick, prior)
    for target in TARGETS:
        features, outcome = known_features(unsettled, target), known_outcome(unsettled, target)
        for card, base in zip(
            learned[target]["history"].cards, (prior.without_context[target], prior.with_context[target]), strict=True
        ):
            assert_allclose(card.probability(features).mean(), base.probability(features).mean(), rtol=0, atol=1e-9)
            names = [name for name in features.columns if base is prior.with_context[target] or name in OWN]
            raw = boost(features, outcome, names, quick.boosting, seed=quick.seed)
            assert_allclose(np.ptp(card.log_odds(features) - raw.log_odds(features)), 0, atol=1e-9)


def test_exports_20_days_apart_leave_the_level_to_the_prior(quick: TrainingConfig) -> None:
    organisation = draw_organisation(17, Settings(rows=400, closed=False, one_row_a_contact=False, days=400))
    dates = [organisation.start + days * DAY for days in (240, 260)]
    near = take_snapshots({when: organisation.export(when) for when in dates})
    (lesson,), prior = label_snapshots(near), scoring.load_model()
    assert lesson.until == dates[1]
    learned = learn_sources([lesson], put_back(near[-1]), quick, prior)
    for target in ("reply", "meeting", "engaged"):
        features, outcome = known_features([lesson], target), known_outcome([lesson], target)
        found = learned[target]["history"].cards[1].probability(features)
        assert_allclose(found.mean(), prior.with_context[target].probability(features).mean(), rtol=0, atol=1e-9)
        assert measure(outcome, found)["auc"] > 0.7
        assert abs(found.mean() - outcome.mean()) > 0.001


def test_a_past_that_is_not_settled_teaches_nothing(
    lessons: list[Labelled], past: Labelled, quick: TrainingConfig
) -> None:
    """Nothing gives its level: the prior would need the last times, which are gone."""
    prior = scoring.load_model()
    assert prior.with_context["reply"].probability(past.features).mean() < past.labels["reply"].mean() / 4
    for share, there in ((0.01, {"history", "step_back"}), (0.3, {"history"})):
        learned = learn_sources(lessons, opened(past, share), quick, prior)
        assert set(learned["reply"]) == set(learned["engaged"]) == there


def test_a_settled_level_is_that_of_the_rows(lessons: list[Labelled], past: Labelled, quick: TrainingConfig) -> None:
    learned = learn_sources(lessons, past, quick, scoring.load_model())
    for target in ("reply", "meeting", "engaged"):
        found = learned[target]["history"].cards[1].probability(known_features(lessons, target)).mean()
        assert_allclose(found, known_outcome(lessons, target).mean(), atol=0.01)


def test_settled_dates_give_the_level_to_the_others(
    lessons: list[Labelled], past: Labelled, quick: TrainingConfig
) -> None:
    mixed = [opened(lessons[0], 0.3), *lessons[1:]]
    learned = learn_sources(mixed, past, quick, scoring.load_model())
    for target in ("reply", "meeting", "engaged"):
        sure = mixed[1:]
        for card in learned[target]["history"].cards:
            found = card.probability(known_features(sure, target)).mean()
            assert_allclose(found, known_outcome(sure, target).mean(), rtol=0, atol=1e-9)


# ---- shorter windows ------------------------------------------------------------------------------------------------


def test_shorter_windows_are_left_out_where_the_others_are_enough(
    lessons: list[Labelled], past: Labelled, quick: TrainingConfig
) -> None:
    mixed = [*lessons[:2], shortened(lessons[2], 26)]
    prior = scoring.load_model()
    some, whole = (learn_sources(which, past, quick, prior) for which in (mixed, lessons[:2]))
    for target in ("reply", "meeting", "engaged"):
        assert some[target]["history"].cards == whole[target]["history"].cards
    many = replace(quick, least_outcomes=whole["reply"]["history"].outcomes + 1)
    assert "history" not in learn_sources(lessons[:2], past, many, prior)["reply"]
    assert "history" in learn_sources(mixed, past, many, prior)["reply"]


def test_a_month_of_28_days_is_used(lessons: list[Labelled], past: Labelled, quick: TrainingConfig) -> None:
    outcomes = [
        learn_sources(which, past, quick, scoring.load_model())["reply"]["history"].outcomes
        for which in (lessons, [*lessons[:2], shortened(lessons[2], 28)], lessons[:2])
    ]
    assert outcomes[0] == outcomes[1] > outcomes[2]


def test_an_export_just_before_the_newest_changes_no_chance(
    exports: dict[datetime, pl.DataFrame], quick: TrainingConfig
) -> None:
    """As nobody writes within the hour, it would teach that nobody writes."""
    newest = max(exports)
    # not quite the same, which would be refused as a copy
    again = {**exports, newest - timedelta(hours=1): exports[newest].slice(1)}
    one, other = (scoring.train(which, config=quick) for which in (exports, again))
    for target in ("reply", "meeting", "engaged"):  # of answers it may prove some more
        assert one.with_context[target] == other.with_context[target]
    labels = pl.DataFrame(other.provenance["labels"]).filter(as_of=f"{newest - timedelta(hours=1):%FT%TZ}")
    assert labels["did_not"].sum() > exports[newest].height


# ---- the past told --------------------------------------------------------------------------------------------------


def test_the_newest_dates_but_the_first_are_told(
    snapshots: list[Snapshot], lessons: list[Labelled], quick: TrainingConfig
) -> None:
    prior = scoring.load_model()
    periods = predict_past(snapshots, lessons, ["reply"], quick, prior)["reply"]
    assert len(periods) == 2
    for period, one in zip(periods, lessons[1:], strict=True):
        assert set(period.sources) == {"prior", "step_back", "history"}
        assert period.settled
        assert_array_equal(period.outcome, one.labels["reply"].cast(pl.Float64).to_numpy())
        assert_array_equal(period.sources["prior"], prior.with_context["reply"].log_odds(one.features))
        assert measure(period.outcome > 0, 1 / (1 + np.exp(-period.sources["history"])))["auc"] > 0.7
    assert predict_past(snapshots[:2], lessons[:1], ["reply"], quick, prior)["reply"] == []
    assert predict_past(snapshots[:1], [], ["reply"], quick, prior)["reply"] == []


def test_a_date_is_told_from_what_was_known_before_it(
    snapshots: list[Snapshot], exports: dict[datetime, pl.DataFrame], quick: TrainingConfig
) -> None:
    """Whatever happened from the date on changes what came of it, and nothing that was told of it."""
    prior = scoring.load_model()
    second, third, fourth = sorted(exports)[1:]
    wrote, recent = pl.int_range(pl.len()).hash(3) % 3 == 0, third - DAY
    nothing = exports[second].with_columns(pl.col("^.*_30d$") * 0)
    now = nothing.with_columns(
        *(pl.col(f"total_{kind}") + wrote.cast(pl.Int64) for kind in ("inbound", "emails")),
        *(wrote.cast(pl.Int64).alias(f"total_{kind}_30d") for kind in ("inbound", "emails")),
        *(pl.when(wrote).then(pl.lit(recent)).otherwise(f"last_{which}_time").alias(f"last_{which}_time")
          for which in ("inbound", "engaged")),
    )  # fmt: skip
    noisy = {**exports, third: now, fourth: now.with_columns(pl.col("^.*_30d$") * 0)}
    other = take_snapshots(noisy)
    one, two = (
        predict_past(some, label_snapshots(some), ["reply"], quick, prior)["reply"][0] for some in (snapshots, other)
    )
    assert len(one.outcome) == len(two.outcome) == snapshots[1].table.height
    assert 0.3 < (one.outcome != two.outcome).mean() < 0.8
    for name in ("prior", "step_back", "history"):
        assert_array_equal(one.sources[name], two.sources[name])


def test_a_date_is_told_the_same_without_the_later_ones(
    snapshots: list[Snapshot], lessons: list[Labelled], quick: TrainingConfig
) -> None:
    prior = scoring.load_model()
    whole = predict_past(snapshots, lessons, ["meeting"], quick, prior)["meeting"][0]
    early = predict_past(snapshots[:3], label_snapshots(snapshots[:3]), ["meeting"], quick, prior)["meeting"][0]
    assert_array_equal(whole.outcome, early.outcome)
    for name in whole.sources:
        assert_array_equal(whole.sources[name], early.sources[name])


def test_dates_with_a_shorter_window_are_not_told(
    snapshots: list[Snapshot], lessons: list[Labelled], quick: TrainingConfig
) -> None:
    mixed = [*lessons[:2], shortened(lessons[2])]
    (period,) = predict_past(snapshots, mixed, ["reply"], quick, scoring.load_model())["reply"]
    assert_array_equal(period.outcome, lessons[1].labels["reply"].cast(pl.Float64).to_numpy())


def test_a_date_of_which_nothing_is_known_is_left_out(
    snapshots: list[Snapshot], lessons: list[Labelled], quick: TrainingConfig
) -> None:
    dark = [*lessons[:2], opened(lessons[2], 1.0)]
    assert len(predict_past(snapshots, dark, ["reply"], quick, scoring.load_model())["reply"]) == 1
