"""Recalibration moves the level where later exports prove another, and never the order."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from polars.testing import assert_frame_equal

import scoring
from scoring.config import HORIZON, TARGETS
from scoring.levels import JUDGED
from scoring.metrics import auc, brier
from scoring.model import Model, load_model
from scoring.recalibration import describe_recalibration, recalibrate
from scoring.scorecard import calibrate, logistic
from scoring.snapshots import Labelled, label_snapshots, take_snapshots

from .histories import date_of, drawn

OFFSET, SLOPE = 0.9, 0.6


@cache
def exports() -> dict[datetime, pl.DataFrame]:
    organisation = drawn(3, rows=900)
    dates = [date_of(organisation) + gap * HORIZON for gap in range(5)]
    return {when: organisation.export(when) for when in dates}


def first(count: int) -> dict[datetime, pl.DataFrame]:
    return dict(list(exports().items())[:count])


@cache
def lessons() -> list[Labelled]:
    return label_snapshots(take_snapshots(exports()))


def moved(model: Model) -> Model:
    """Shift and squeeze a model's log-odds, its quantiles and cuts with them."""

    def along(chances: np.ndarray) -> np.ndarray:
        return logistic(OFFSET + SLOPE * np.log(chances / (1 - chances)) - 1e-9)

    with_context, without_context = (
        {target: calibrate(cards[target], OFFSET, SLOPE) for target in TARGETS}
        for cards in (model.with_context, model.without_context)
    )
    cuts = tuple(along(np.array(model.tier_cuts)).tolist())
    return replace(
        model,
        with_context=with_context,
        without_context=without_context,
        quantiles=along(model.quantiles),
        tier_cuts=cuts,
    )


@cache
def wrong() -> Model:
    return moved(load_model())


@cache
def repaired() -> Model:
    return recalibrate(wrong(), first(4))


def chances(model: Model, target: str, lesson: Labelled) -> tuple[np.ndarray, np.ndarray]:
    known = lesson.labels[target].is_not_null()
    chance = model.with_context[target].probability(lesson.features.filter(known))  # type: ignore[index]
    return lesson.labels[target].filter(known).to_numpy().astype(float), chance


# ---- the level ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", JUDGED)
def test_a_wrong_level_is_repaired_on_dates_not_seen(target: str) -> None:
    outcome, before = chances(wrong(), target, lessons()[3])
    _, after = chances(repaired(), target, lessons()[3])
    _, right = chances(load_model(), target, lessons()[3])
    assert brier(outcome, after) < brier(outcome, before)
    assert abs(after.mean() - right.mean()) < 0.5 * abs(before.mean() - right.mean())


def test_the_line_is_written_down_and_judged_on_later_data() -> None:
    told = repaired().provenance["recalibration"]
    assert told["of"] == wrong().id
    assert [one["rows"] for one in told["exports"]] == [export.height for export in first(4).values()]
    assert repaired().provenance["recipe"] == wrong().provenance["recipe"]
    for target in JUDGED:
        line = told["targets"][target]
        assert len(line["dates"]) == 3
        assert line["offset"] < 0
        assert line["slope"] > 1
        judged = line["judged"]
        assert judged["as_of"] == line["dates"][-1]
        before_that = recalibrate(wrong(), first(3))  # knows nothing after the date that it is judged on
        fitted = before_that.provenance["recalibration"]["targets"][target]
        assert (judged["offset"], judged["slope"]) == (fitted["offset"], fitted["slope"])
        outcome, chance = chances(before_that, target, lessons()[2])
        assert judged["brier_after"] == pytest.approx(brier(outcome, chance))
        assert judged["gain"]["estimate"] == pytest.approx(judged["brier_before"] - judged["brier_after"])
        assert judged["verdict"] != "worse"


def test_the_same_line_is_used_without_context() -> None:
    for target in JUDGED:
        line = repaired().provenance["recalibration"]["targets"][target]
        columns = lessons()[3].features
        was, now = (model.without_context[target].log_odds(columns) for model in (wrong(), repaired()))
        assert_allclose(now, line["offset"] + line["slope"] * was, atol=1e-12)


def test_answers_are_left() -> None:
    for which in ("with_context", "without_context"):
        assert getattr(repaired(), which)["answer"] == getattr(wrong(), which)["answer"]


def test_what_is_within_chance_is_said_to_be_so() -> None:
    reps = exports()[max(exports())]["source_email"].unique().sort().head(12).to_list()
    few = {when: export.filter(pl.col("source_email").is_in(reps)) for when, export in first(4).items()}
    words = {"better": "better (Brier", "worse": "worse, so", "no difference": "no difference beyond chance"}
    for model in (repaired(), recalibrate(repaired(), few)):
        for target, line in zip(JUDGED, describe_recalibration(model).splitlines(), strict=True):
            judged = model.provenance["recalibration"]["targets"][target].get("judged")
            if judged is None:
                continue
            gain = judged["gain"]
            assert gain["low"] <= gain["estimate"] <= gain["high"]
            assert (judged["verdict"] == "no difference") == (gain["low"] <= 0 <= gain["high"])
            assert words[judged["verdict"]] in line


# ---- the order ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("target", JUDGED)
def test_the_order_stays_to_the_bit(target: str) -> None:
    for lesson in lessons():
        outcome, before = chances(wrong(), target, lesson)
        _, after = chances(repaired(), target, lesson)
        assert auc(outcome, after) == auc(outcome, before)


@pytest.mark.parametrize("source", ["moved", "small"])
def test_tiers_and_percentiles_stay_with_the_contacts(source: str, small_model: Model) -> None:
    old = wrong() if source == "moved" else small_model
    new = recalibrate(old, first(4))
    assert new.id != old.id
    for when, export in exports().items():
        one, two = (scoring.score(export, as_of=when, model=model) for model in (old, new))
        assert_frame_equal(one.select("tier", "percentile"), two.select("tier", "percentile"))
        assert not one["priority"].equals(two["priority"])


def test_rows_at_a_cut_stay_in_their_tier() -> None:
    snapshot = take_snapshots(exports())[-1]
    priority = wrong().with_context["engaged"].probability(snapshot.features)
    cuts = tuple(np.sort(priority)[[-20, -60, -120]].tolist())
    old = replace(wrong(), tier_cuts=cuts, quantiles=np.sort(np.resize(priority, 999)))
    new = recalibrate(old, first(4))
    now = new.with_context["engaged"].probability(snapshot.features)
    assert_array_equal(new.tier(now), old.tier(priority))
    assert_array_equal(new.percentile(now), old.percentile(priority))


# ---- what cannot be done --------------------------------------------------------------------------------------------


def test_one_export_is_refused_with_what_to_do() -> None:
    with pytest.raises(scoring.InputError, match=r"one export.*two or more.*earlier one"):
        recalibrate(wrong(), first(1))


def test_exports_that_settle_no_level_are_refused() -> None:
    organisation = drawn(3, rows=900)
    when = date_of(organisation)
    near = {each: organisation.export(each) for each in (when, when + HORIZON / 3)}
    with pytest.raises(scoring.InputError, match=r"none of 1 earlier date.*10 days"):
        recalibrate(wrong(), near)


def test_too_few_outcomes_leave_the_level_and_say_so() -> None:
    few = {when: export.sort("total_inbound").head(60) for when, export in first(2).items()}
    few = {when: export.filter(pl.col("crm_id").is_not_null()) for when, export in few.items()}
    model = recalibrate(wrong(), few, name="same")
    for target, told in model.provenance["recalibration"]["targets"].items():
        assert (told["offset"], told["slope"]) == (0.0, 1.0)
        assert told["happened"] < 20
        assert model.with_context[target] == wrong().with_context[target]
    assert_array_equal(model.quantiles, wrong().quantiles)
    assert model.tier_cuts == wrong().tier_cuts
    assert "left as it was: fewer than 20 rows" in describe_recalibration(model)


def test_one_date_calibrates_and_is_not_judged() -> None:
    model = recalibrate(wrong(), first(2))
    told = model.provenance["recalibration"]["targets"]["reply"]
    assert told["judged"] is None
    assert told["offset"] < 0
    assert "not judged" in describe_recalibration(model)


# ---- the model ------------------------------------------------------------------------------------------------------


def test_it_is_a_model_as_any_other(tmp_path: Path) -> None:
    repaired().save(tmp_path / "new")
    assert load_model(tmp_path / "new").id == repaired().id
    shuffled = {when: export.sample(fraction=1.0, shuffle=True, seed=3) for when, export in first(4).items()}
    assert recalibrate(wrong(), shuffled).document == repaired().document
    assert b"@" not in repaired().document


def test_a_second_time_keeps_the_first_in_mind() -> None:
    again = recalibrate(repaired(), first(3), name="twice")
    told = again.provenance["recalibration"]
    assert told["of"] == repaired().id
    assert told["before"] == repaired().provenance["recalibration"]
    assert again.name == "twice"


def test_the_reference_keeps_features_and_takes_the_new_levels(small_model: Model) -> None:
    new = recalibrate(small_model, first(4))
    assert new.reference
    assert small_model.reference
    assert new.reference.features == small_model.reference.features
    snapshot = take_snapshots(first(4))[-1]
    for target in TARGETS:
        mean = new.with_context[target].probability(snapshot.features).mean()
        assert new.reference.chances[target] == pytest.approx(mean)
    assert set(new.reference.past_rates) == set(JUDGED)
