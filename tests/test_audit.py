"""The audit finds what knows the answer, names it, and finds nothing where there is nothing."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from datetime import datetime
from functools import cache

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring import schema
from scoring.audit import ALL_LIMIT, ONE_LIMIT, Audit, audit_exports, audit_labels, warn_of_leaks
from scoring.config import HORIZON
from scoring.errors import LeakageWarning
from scoring.features import computed_from
from scoring.labels import RESTORED, label
from scoring.metrics import auc
from scoring.simulation import Organisation
from scoring.snapshots import Labelled, label_snapshots, put_back, take_snapshots

from .histories import altered, date_of, drawn

RESTATING = {
    "total_inbound",
    "first_inbound_time",
    "last_inbound_time",
    "inbound_outbound_ratio",
    "response_activity_id",
}


def organisation() -> Organisation:
    return drawn(1, rows=600)


def start() -> datetime:
    return date_of(organisation())


def pair() -> dict[datetime, pl.DataFrame]:
    return {when: organisation().export(when) for when in (start(), start() + HORIZON)}


@cache
def clean() -> Audit:
    return audit_exports(pair())


def planted(**columns: Callable[[pl.Series], pl.Expr]) -> dict[datetime, pl.DataFrame]:
    """Write what came later into fields of the earlier export."""
    earlier, later = pair().values()
    labels, _ = label(earlier, start(), [(start() + HORIZON, later)])
    came = labels["reply"].fill_null(False)
    earlier = earlier.with_columns(came=came).with_columns(**{name: make(came) for name, make in columns.items()})
    return {start(): earlier.drop("came"), start() + HORIZON: later}


def lessons_of(exports: dict[datetime, pl.DataFrame]) -> tuple[list[Labelled], Labelled]:
    snapshots = take_snapshots(exports)
    return label_snapshots(snapshots), put_back(snapshots[-1])


def best(audit: Audit, name: str, labels: str = "history", target: str = "reply") -> float:
    found = audit.table.filter(labels=labels, target=target, name=name)
    return float(found["auc"].max())  # type: ignore[arg-type]


# ---- what is found ---------------------------------------------------------------------------------------------------


def test_fields_that_restate_the_outcome_are_named() -> None:
    same = clean().table.filter(labels="same_export")
    assert set(same.filter(finding="restates")["name"]) == RESTATING
    assert same.filter(pl.col("name").is_in(RESTATING))["auc"].to_list() == [1.0] * len(RESTATING)
    assert "received_reply" not in same["name"]
    for name in RESTATING:
        assert name in clean().verdict


def test_all_40_fields_are_held_against_what_they_restate() -> None:
    export = pair()[start() + HORIZON]
    told = {name for name in schema.NAMES if export[name].null_count() < export.height}
    assert set(clean().table.filter(labels="same_export")["name"]) == told - {"received_reply"}


@pytest.mark.parametrize(
    ("field", "make"),
    [
        pytest.param("total_meetings", lambda came: pl.col("came").cast(pl.Int64) * 50, id="count"),
        pytest.param("engagement_level", lambda came: 1.0 - pl.col("came").cast(pl.Float64), id="the other way round"),
        pytest.param("department", lambda came: pl.when("came").then(pl.lit("x")), id="text that is there"),
        pytest.param(
            "seniority", lambda came: pl.when("came").then(pl.lit("Director")).otherwise(pl.lit("VP")), id="words"
        ),
        pytest.param("from_cc", lambda came: pl.col("came"), id="flag"),
        pytest.param(
            "first_upcoming_meeting_time",
            lambda came: pl.when("came").then(pl.lit(start() + HORIZON / 2)),
            id="time that is there",
        ),
    ],
)
def test_a_planted_leak_is_found_and_named(field: str, make: Callable[[pl.Series], pl.Expr]) -> None:
    audit = audit_exports(planted(**{field: make}))
    assert best(audit, field) >= ONE_LIMIT
    assert field in audit.leaks["name"]
    assert field in audit.verdict
    assert "too good to be true" in audit.verdict
    assert f"{best(audit, field):.3f}" in audit.verdict


def test_a_leak_in_all_but_a_few_rows_is_found() -> None:
    size = pl.int_range(pl.len())
    exports = planted(total_meetings=lambda came: pl.when(size % 150 > 0).then(pl.col("came").cast(pl.Int64)))
    audit = audit_exports(exports)
    assert best(audit, "total_meetings") >= ONE_LIMIT


def test_features_made_of_a_leak_are_named_too() -> None:
    later = pl.when("came").then(pl.lit(start()) - pl.duration(minutes=5)).otherwise(pl.col("last_inbound_time"))
    exports = planted(last_inbound_time=lambda came: later)
    leaks = audit_exports(exports).leaks.filter(target="reply")
    assert set(leaks["kind"]) >= {"field", "feature"}


def test_training_warns_with_the_figure_and_learns() -> None:
    exports = planted(total_meetings=lambda came: pl.col("came").cast(pl.Int64) * 50)
    config = scoring.TrainingConfig(boosting=scoring.config.Boosting(iterations=5))
    with pytest.warns(LeakageWarning, match=r"total_meetings \(field, AUC 1\.000 for reply"):
        scoring.train(exports, config=config)


# ---- what is not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("seed", "one_row"), [(3, False), (4, True), (6, True), (7, False)])
def test_clean_exports_raise_nothing(seed: int, one_row: bool) -> None:
    organisation = drawn(seed, one_row, rows=600)
    dates = [date_of(organisation) + gap * HORIZON for gap in (0, 1, 2)]
    lessons, past = lessons_of({when: organisation.export(when) for when in dates})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_leaks(lessons, past)
    assert sum(lesson.labels["reply"].sum() for lesson in lessons) > 40


def test_a_clean_pair_is_said_to_be_clean() -> None:
    assert clean().leaks.is_empty()
    assert "nothing knows what came later" in clean().verdict
    assert "too good to be true" not in clean().verdict


def test_the_step_back_is_held_against_what_can_be_put_back_only() -> None:
    found = clean().table.filter(labels="step_back")
    assert set(found.filter(kind="field")["name"]) <= set(RESTORED)
    assert set(found.filter(kind="feature")["name"]) <= set(computed_from(RESTORED))
    assert not found.filter(kind="feature").is_empty()


def test_too_few_outcomes_say_nothing() -> None:
    few = {when: export.head(30) for when, export in pair().items()}
    audit = audit_exports(few)
    assert audit.table.filter(pl.col("labels") != "same_export").is_empty()
    assert "nothing could be held against later outcomes" in audit.verdict


def test_one_export_is_audited_by_its_own_past() -> None:
    audit = audit_exports(pair()[start() + HORIZON])
    assert set(audit.table["labels"]) == {"same_export", "step_back"}


# ---- figures ---------------------------------------------------------------------------------------------------------


def test_an_auc_is_that_of_the_metrics() -> None:
    lessons, past = lessons_of(pair())
    table = audit_labels(lessons, past)
    known = lessons[0].labels["reply"].is_not_null()
    outcome = lessons[0].labels["reply"].filter(known)
    for name in ("total_inbound", "total_emails_30d"):
        score = lessons[0].rows[name].filter(known)
        assert score.null_count() == 0
        one = auc(outcome, score)
        found = table.filter(labels="history", target="reply", name=name)["auc"].item()
        assert found == pytest.approx(max(one, 1 - one), abs=1e-12)


def test_every_auc_is_free_of_direction_and_sorted() -> None:
    table = clean().table
    assert table["auc"].is_between(0.5, 1).all()
    for _, part in table.group_by("labels", "as_of", "target"):
        assert part["auc"].is_sorted(descending=True)
    assert table.filter(kind="all")["auc"].max() < ALL_LIMIT


def test_order_of_rows_and_exports_changes_nothing() -> None:
    shuffled = {when: export.sample(fraction=1.0, shuffle=True, seed=7) for when, export in reversed(pair().items())}
    later = clean().table.filter(pl.col("labels") != "same_export")
    again = audit_exports(shuffled)
    assert_frame_equal(again.table.filter(pl.col("labels") != "same_export"), later, check_exact=True)
    assert again.verdict == clean().verdict


def test_two_exports_of_one_date_are_refused() -> None:
    export = pair()[start()]
    with pytest.raises(scoring.InputError, match="one export a date"):
        audit_exports({start(): export, start().isoformat(): export})


def test_no_export_is_refused() -> None:
    with pytest.raises(scoring.InputError, match="no export"):
        audit_exports([])


def test_an_audit_is_plain_values_and_holds_nobody() -> None:
    said = json.dumps(clean().to_dict(), allow_nan=False)
    assert json.loads(said)["verdict"] == clean().verdict
    assert "@" not in said + clean().to_text()
    assert clean().verdict in clean().to_text()


# ---- noise after the cut ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("noise", [1, 2])
def test_noise_after_a_date_changes_no_feature_of_it(noise: int) -> None:
    other = altered(organisation(), start(), noise)
    exports = {when: other.export(when) for when in (start(), start() + HORIZON)}
    lesson, same = (lessons_of(some)[0][0] for some in (pair(), exports))
    assert_frame_equal(lesson.features, same.features, check_exact=True)
    assert_frame_equal(lesson.rows, same.rows, check_exact=True)
    assert lesson.labels["reply"].mean() != same.labels["reply"].mean()


@pytest.mark.parametrize("noise", [1, 2])
def test_noise_after_the_step_back_changes_nothing_that_is_learned_from(noise: int) -> None:
    now = start() + HORIZON
    past = lessons_of({now: organisation().export(now)})[1]
    other = lessons_of({now: altered(organisation(), start(), noise).export(now)})[1]
    names = computed_from(RESTORED)
    assert len(names) > 5
    assert_frame_equal(past.features.select(names), other.features.select(names), check_exact=True)
    assert past.labels["reply"].mean() != other.labels["reply"].mean()
