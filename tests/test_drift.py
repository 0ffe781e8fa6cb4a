"""Drift: what has not moved is called stable, what has is named, and levels are held against what is proved."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from functools import cache

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.config import HORIZON, TARGETS
from scoring.drift import PSI_ACT, PSI_WATCH, Drift, compare_features, measure_drift
from scoring.levels import JUDGED, measure_levels
from scoring.model import Model
from scoring.reference import make_reference
from scoring.scorecard import calibrate
from scoring.simulation import Organisation
from scoring.snapshots import Snapshot, label_snapshots, put_back, take_snapshots

from .histories import date_of, drawn, truths


def organisation() -> Organisation:
    return drawn(3, rows=900)


def dates() -> list[datetime]:
    return [date_of(organisation()) + gap * HORIZON for gap in range(3)]


@cache
def snapshots() -> list[Snapshot]:
    return take_snapshots({when: organisation().export(when) for when in dates()})


def exports(count: int) -> dict[datetime, pl.DataFrame]:
    """Give the newest so many."""
    return {when: organisation().export(when) for when in dates()[-count:]}


def referred(model: Model, snapshot: Snapshot) -> Model:
    """Give a model the reference that it would have, had it been made on an export."""
    reference = make_reference(snapshot.features, model.with_context, model.without_context, put_back(snapshot).labels)
    priority = np.sort(model.with_context["engaged"].probability(snapshot.features))
    quantiles = priority[-(-np.arange(1, 1000) * len(priority) // 1000) - 1]
    return replace(model, reference=reference, quantiles=quantiles, provenance={"learned_from": "own exports"})


def shifted(model: Model, offset: float) -> Model:
    """Promise more, or less."""
    with_context = {target: calibrate(model.with_context[target], offset, 1.0) for target in TARGETS}
    return replace(model, with_context=with_context)


@cache
def model() -> Model:
    return referred(scoring.load_model(), snapshots()[-1])


@cache
def still() -> Drift:
    """Hold the export that a model was made on against itself."""
    return measure_drift(model(), exports(1))


# ---- features -------------------------------------------------------------------------------------------------------


def test_an_export_has_not_moved_from_itself() -> None:
    assert still().features["psi"].abs().max() < 1e-12
    assert abs(still().priority_psi) < 0.01
    assert still().levels.filter(kind="chance").select(pl.col("expected") == pl.col("observed")).to_series().all()
    assert still().action == "stable"
    assert "priorities are spread about as they were" in still().verdict
    assert not still().features["lost"].any()
    assert still().reference_rows == still().rows == snapshots()[-1].table.height


def test_two_samples_of_one_population_differ_by_what_chance_makes() -> None:
    # rows alone: features of the row are then independent draws, whatever rep they are of
    snapshot = snapshots()[-1]
    own = [name for name in snapshot.features.columns if not name.startswith(("rep_", "account_", "contact_", "org_"))]
    told = {table.feature for table in model().reference.features}  # type: ignore[union-attr]
    found: list[tuple[float, float]] = []
    for seed in range(6):
        half = np.random.default_rng(seed).permutation(snapshot.table.height) % 2 == 0
        one, other = (replace(snapshot, table=snapshot.table.filter(part)) for part in (half, ~half))
        drift = compare_features(referred(scoring.load_model(), one), other)
        rows = drift.filter(pl.col("feature").is_in(told & set(own)))
        found += rows.select("psi", "by_chance").rows()
    psi, by_chance = np.array(found).mean(axis=0)
    assert psi == pytest.approx(by_chance, rel=0.25)


def test_a_feature_that_moved_is_named() -> None:
    export = exports(1)[dates()[-1]]
    silent = export.with_columns(
        pl.col("total_inbound_30d", "total_outbound_30d", "total_inbound") * 0,
        last_inbound_time=pl.lit(None, pl.Datetime("us", "UTC")),
    )
    drift = measure_drift(model(), {dates()[-1]: silent})
    assert drift.action == "act"
    assert "look at the export first" in drift.verdict
    moved = drift.features.filter(pl.col("psi") - pl.col("by_chance") >= PSI_ACT)
    assert any("inbound" in name for name in moved["feature"])
    assert any(name in drift.verdict for name in moved["feature"])
    missing = drift.features.filter(pl.col("missing_now") == 1, pl.col("missing_then") < 1)
    assert not missing.is_empty()


def test_an_export_of_other_contacts_asks_to_train_again() -> None:
    best = scoring.score(exports(1)[dates()[-1]], as_of=dates()[-1])["percentile"] > 60
    drift = measure_drift(model(), {dates()[-1]: exports(1)[dates()[-1]].filter(best)})
    assert drift.priority_psi - drift.priority_by_chance > PSI_ACT
    assert drift.action == "act"
    assert not drift.features["lost"].any()
    assert "train again" in drift.verdict


def test_shifts_add_up_to_what_the_mean_log_odds_moved() -> None:
    drift = measure_drift(model(), {dates()[0]: organisation().export(dates()[0])})
    card = model().with_context["engaged"]
    now = card.log_odds(snapshots()[0].features).mean()
    assert drift.features["shift"].sum() == pytest.approx(now - card.intercept)


def test_few_rows_say_how_far_chance_goes() -> None:
    few = {when: export.head(40) for when, export in exports(1).items()}
    drift = measure_drift(model(), few)
    assert (drift.features["by_chance"] > still().features["by_chance"].mean()).any()
    assert drift.features["by_chance"].max() > PSI_ACT


def test_totals_of_reps_are_as_many_as_reps() -> None:
    by_chance = dict(still().features.select("feature", "by_chance").rows())
    reps = [value for name, value in by_chance.items() if name.startswith("rep_")]
    assert min(reps) > max(by_chance[name] for name in ("days_since_engaged", "inbound_chance"))


# ---- what is done to an export, and what is not ----------------------------------------------------------------------


@cache
def trained(seed: int) -> tuple[Model, dict[datetime, pl.DataFrame]]:
    """Train on two exports, and give these with the next one."""
    drawn_one = drawn(seed, rows=900)
    when = date_of(drawn_one)
    found = {each: drawn_one.export(each) for each in (when - HORIZON, when, when + HORIZON)}
    config = scoring.TrainingConfig(boosting=scoring.config.Boosting(iterations=10))
    return scoring.train(dict(list(found.items())[:2]), config=config), found


def test_organisations_that_nothing_is_done_to_are_stable() -> None:
    found = [measure_drift(*trained(seed)) for seed in (3, 5, 6, 8)]
    assert [drift.action for drift in found].count("stable") >= 3
    assert all(drift.action != "act" for drift in found)
    for drift in found:  # though some feature always lies otherwise
        assert (drift.features["psi"] - drift.features["by_chance"]).max() > PSI_WATCH
        assert (drift.action == "stable") == ("PSI" not in drift.verdict and "the chances held" in drift.verdict)


def silenced(export: pl.DataFrame, which: pl.Expr) -> pl.DataFrame:
    """Take the inbound mails of 30 days off some rows."""
    start = export["last_engaged_time"].max() - HORIZON  # type: ignore[operator]
    before = pl.when(pl.col("first_inbound_time") < start).then("first_inbound_time")
    late = which & (pl.col("last_inbound_time") >= start)
    return export.with_columns(
        total_inbound=pl.col("total_inbound") - pl.when(which).then("total_inbound_30d").otherwise(0),
        total_inbound_30d=pl.when(which).then(0).otherwise("total_inbound_30d"),
        last_inbound_time=pl.when(late).then(before).otherwise("last_inbound_time"),
        first_inbound_time=pl.when(late).then(before).otherwise("first_inbound_time"),
    )


def exchanged(export: pl.DataFrame) -> pl.DataFrame:
    """Put contacts that were never in touch in the place of every second one."""
    other = pl.int_range(pl.len()) % 2 == 0
    keys = [pl.when(other).then("new" + pl.col(name)).otherwise(name).alias(name) for name in ("crm_id", "email")]
    counts = [pl.when(other).then(0).otherwise(name).alias(name) for name in export.columns if "total_" in name]
    times = [pl.when(~other).then(name).alias(name) for name in export.columns if name.endswith("_time")]
    return export.with_columns(*keys, *counts, *times)


SECOND = pl.int_range(pl.len()) % 2 == 0
DONE = {
    "half the replies are gone": lambda export: silenced(export, SECOND),
    "half the reps have no inbound": lambda export: silenced(export, pl.col("source_email").rank("dense") % 2 == 0),
    "no inbound at all": lambda export: silenced(export, pl.lit(True)),
    "a count is empty": lambda export: export.with_columns(pl.lit(None, pl.Int64).alias("total_outbound_30d")),
    "a column is gone": lambda export: export.drop("last_inbound_time"),
    "half the contacts are new": exchanged,
}


@pytest.mark.parametrize("what", DONE)
@pytest.mark.filterwarnings("ignore::scoring.SchemaWarning")
def test_what_is_done_to_an_export_is_noticed(what: str) -> None:
    trained_model, found = trained(5)
    newest = max(found)
    drift = measure_drift(trained_model, {**found, newest: DONE[what](found[newest])})
    assert drift.action != "stable"
    if "column" in what or "empty" in what:
        assert drift.action == "act"
        assert "look at the export first" in drift.verdict
        assert drift.features["lost"].any()


# ---- levels ---------------------------------------------------------------------------------------------------------


def test_what_is_proved_is_what_happened() -> None:
    levels = measure_levels(model(), snapshots()[-1], label_snapshots(snapshots()))
    proved = levels.filter(kind="proved")
    assert proved.height == 2 * len(JUDGED)
    assert proved["whole"].all()
    true = {when: truths(organisation(), when, when + HORIZON) for when in dates()[:2]}
    for row in proved.iter_rows(named=True):
        assert row["observed"] == pytest.approx(true[row["as_of"]][row["target"]].mean(), abs=0.02)
        assert row["low"] <= row["observed"] <= row["high"]
        assert row["auc"] > 0.7


def test_the_past_is_that_of_the_step_back() -> None:
    past = still().levels.filter(kind="past")
    for row in past.iter_rows(named=True):
        assert row["observed"] == put_back(snapshots()[-1]).labels[row["target"]].mean()
        assert row["low"] < row["expected"] < row["high"]


@pytest.mark.parametrize("offset", [-2.0, 2.0])
def test_a_wrong_level_with_features_as_they_were_asks_to_recalibrate(offset: float) -> None:
    drift = measure_drift(referred(shifted(scoring.load_model(), offset), snapshots()[-1]), exports(2))
    assert drift.action == "act"
    assert "chances are off" in drift.verdict
    assert "recalibrate" in drift.verdict
    assert "train again" not in drift.verdict
    proved = drift.levels.filter(kind="proved", target="reply")
    assert (proved["expected"].item() > proved["observed"].item()) == (offset > 0)
    assert f"reply promised {proved['expected'].item():.1%}, proved {proved['observed'].item():.1%}" in drift.verdict


def test_a_right_level_is_said_to_hold() -> None:
    levels = measure_levels(model(), snapshots()[-1], label_snapshots(snapshots()[-2:])).filter(kind="proved")
    off = {row["target"]: row["observed"] - row["expected"] for row in levels.iter_rows(named=True)}
    assert max(map(abs, off.values())) < 0.06  # the shipped model is about right here
    said = measure_drift(model(), exports(2))
    assert said.action in ("stable", "watch")
    assert "recalibrate" not in said.verdict


def test_one_export_can_only_ask_to_watch_the_level() -> None:
    reference = model().reference
    assert reference
    rates = {target: rate / 3 for target, rate in reference.past_rates.items()}
    drift = measure_drift(replace(model(), reference=replace(reference, past_rates=rates)), exports(1))
    assert drift.action == "watch"
    assert "no earlier export proves the level" in drift.verdict
    assert "went from" in drift.verdict


def test_what_never_happens_is_no_alarm() -> None:
    bare = {
        when: export.with_columns(pl.col("total_meetings", "total_meetings_30d") * 0)
        for when, export in exports(3).items()
    }
    newest = take_snapshots(bare)[-1]
    for count in (1, 3):
        given = dict(list(bare.items())[-count:])
        drift = measure_drift(referred(scoring.load_model(), newest), given)
        assert drift.levels.filter(pl.col("kind") != "chance", target="meeting")["observed"].unique().to_list() == [0]
        assert "meeting" not in drift.verdict


def test_a_window_that_is_not_over_is_not_judged() -> None:
    start = dates()[-1] - HORIZON / 3
    drift = measure_drift(model(), {start: organisation().export(start), **exports(1)})
    proved = drift.levels.filter(kind="proved")
    assert not proved["whole"].any()
    assert "no earlier export proves the level" in drift.verdict
    assert "before the 30 days were over" in drift.to_text()


def test_open_rows_widen_what_is_proved() -> None:
    start = dates()[-1] - 1.5 * HORIZON
    two = take_snapshots({start: organisation().export(start), **exports(1)})
    lesson = label_snapshots(two)[0]
    row = measure_levels(model(), two[-1], [lesson]).filter(kind="proved", target="reply").row(0, named=True)
    still_open = lesson.labels["reply"].null_count() / lesson.labels.height
    assert still_open > 0.02
    true = truths(organisation(), start, start + HORIZON)["reply"].mean()
    assert row["low"] <= true <= row["high"]
    assert row["high"] - row["low"] > still_open


# ---- references -----------------------------------------------------------------------------------------------------


def test_a_model_without_a_reference_says_so() -> None:
    drift = measure_drift(replace(model(), reference=None), exports(2))
    assert drift.features.is_empty()
    assert drift.reference_rows == 0
    assert set(drift.levels["kind"]) == {"proved"}
    assert "no reference" in drift.verdict
    assert "no reference" in drift.to_text()


def test_a_simulated_reference_is_no_change(small_model: Model) -> None:
    assert small_model.reference
    drift = measure_drift(small_model, exports(1))
    assert drift.action != "act"
    assert "simulated organisations" in drift.verdict


def test_a_trained_model_has_the_reference_of_its_newest_export() -> None:
    config = scoring.TrainingConfig(boosting=scoring.config.Boosting(iterations=10))
    trained = scoring.train(exports(2), config=config)
    assert trained.reference
    assert trained.reference.rows == snapshots()[-1].table.height
    assert trained.reference.past_rows == put_back(snapshots()[-1]).labels.height
    drift = measure_drift(trained, exports(1))
    assert drift.action == "stable"
    assert drift.features["shift"].abs().max() < 1e-9  # contributions are against the newest export
    assert drift.features["psi"].abs().max() < 1e-9


def test_kept_tiers_do_not_hide_how_priorities_lie() -> None:
    config = scoring.TrainingConfig(boosting=scoring.config.Boosting(iterations=5))
    kept = scoring.train(exports(2), config=config, previous=replace(model(), quantiles=model().quantiles / 9))
    assert abs(measure_drift(kept, exports(1)).priority_psi) < 1e-12
    assert kept.reference
    of_before = replace(kept, reference=replace(kept.reference, priority=None))
    assert measure_drift(of_before, exports(1)).priority_psi > PSI_ACT


def test_an_export_unlike_simulated_ones_is_no_reason_to_act() -> None:
    export = exports(1)[dates()[-1]]
    silent = export.with_columns(
        pl.lit(None, dtype).alias(name) for name, dtype in export.schema.items() if "_time" in name
    )
    drift = measure_drift("shipped", {dates()[-1]: silent})
    assert drift.priority_psi > PSI_ACT
    assert drift.action == "watch"
    assert "simulated organisations" in drift.verdict


# ---- as a result ----------------------------------------------------------------------------------------------------


def test_order_of_rows_changes_no_bit() -> None:
    shuffled = {when: export.sample(fraction=1.0, shuffle=True, seed=5) for when, export in exports(2).items()}
    one, two = measure_drift(model(), exports(2)), measure_drift(model(), shuffled)
    assert_frame_equal(one.features, two.features, check_exact=True)
    assert_frame_equal(one.levels, two.levels, check_exact=True)
    assert one.to_text() == two.to_text()


def test_it_is_plain_values_and_holds_nobody() -> None:
    drift = measure_drift(model(), exports(2))
    said = json.dumps(drift.to_dict(), allow_nan=False)
    assert json.loads(said)["action"] == drift.action
    assert "@" not in said + drift.to_text()
    assert drift.verdict in drift.to_text()
