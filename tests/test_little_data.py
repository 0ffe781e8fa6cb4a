"""Training with too little: the prior stands alone, to the number, and what is missing is missed quietly."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from numpy.testing import assert_allclose

import scoring
from scoring.blending import Blend
from scoring.config import TARGETS, TrainingConfig
from scoring.training import train

Exports = dict[datetime, pl.DataFrame]
DAY = timedelta(days=1)
CHANCES = ("reply_probability", "meeting_probability", "answer_probability", "priority")


def last(exports: Exports, count: int) -> Exports:
    return dict(list(exports.items())[-count:])


def blend_of(model: scoring.Model, target: str) -> dict[str, Any]:
    return dict(model.provenance["blend"][target])


def weights_of(model: scoring.Model, target: str) -> Blend:
    told = blend_of(model, target)
    return Blend(told["prior"], told["step_back"], told["history"])


def assert_prior(model: scoring.Model, contacts: pl.DataFrame, when: datetime, *targets: str) -> None:
    """Hold that chances are the prior's own, to the number."""
    prior = scoring.load_model()
    features = scoring.build_features(contacts, as_of=when)
    for target in targets or TARGETS:
        assert weights_of(model, target) == Blend(1.0, 0.0, 0.0), target
        told = blend_of(model, target)
        assert (told["offset"], told["slope"], told["outcomes"]) == (0.0, 1.0, {})
        for state in ("with_context", "without_context"):
            one, other = (getattr(each, state)[target] for each in (model, prior))
            assert_allclose(one.log_odds(features), other.log_odds(features), rtol=0, atol=1e-12)


@pytest.fixture(scope="module")
def newest(exports: Exports) -> datetime:
    return max(exports)


@pytest.mark.parametrize("rows", [1, 10])
def test_few_rows_leave_the_prior_alone(rows: int, exports: Exports, newest: datetime, quick: TrainingConfig) -> None:
    for count in (1, 3):
        few = {when: contacts.head(rows) for when, contacts in last(exports, count).items()}
        model = train(few, config=quick)
        assert_prior(model, exports[newest], newest)
        scored = scoring.score(few[newest], as_of=newest, model=model)
        base = scoring.score(few[newest], as_of=newest)
        for name in CHANCES:
            assert_allclose(scored[name].to_numpy(), base[name].to_numpy(), rtol=0, atol=1e-6)


def test_where_nobody_replied_the_prior_tells_of_replies(
    exports: Exports, newest: datetime, quick: TrainingConfig
) -> None:
    silent = {
        when: contacts.with_columns(
            pl.lit(0, pl.Int64).alias("total_inbound"),
            pl.lit(0, pl.Int64).alias("total_inbound_30d"),
            pl.lit(None, pl.Datetime("us", "UTC")).alias("first_inbound_time"),
            pl.lit(None, pl.Datetime("us", "UTC")).alias("last_inbound_time"),
        )
        for when, contacts in exports.items()
    }
    model = train(silent, config=quick)
    labels = pl.DataFrame(model.provenance["labels"]).filter(target="reply")
    assert labels["happened"].sum() == 0
    assert labels["did_not"].sum() > 500
    assert_prior(model, silent[newest], newest, "reply", "answer")
    assert weights_of(model, "meeting").prior < 1


def test_where_everybody_replied_the_prior_tells_of_replies(
    exports: Exports, newest: datetime, quick: TrainingConfig
) -> None:
    wrote = exports[newest].with_columns(
        pl.lit(7, pl.Int64).alias("total_inbound"),
        pl.lit(2, pl.Int64).alias("total_inbound_30d"),
        pl.lit(newest - 200 * DAY).alias("first_inbound_time"),
        pl.lit(newest - DAY).alias("last_inbound_time"),
        pl.max_horizontal("last_engaged_time", pl.lit(newest - DAY)).alias("last_engaged_time"),
        (pl.col("total_outbound") + 7).alias("total_emails"),
        (pl.col("total_outbound_30d") + 2).alias("total_emails_30d"),
    )
    model = train({newest: wrote}, config=quick)
    labels = pl.DataFrame(model.provenance["labels"]).filter(target="reply")
    assert (labels["happened"].sum(), labels["did_not"].sum()) == (wrote.height, 0)
    assert_prior(model, wrote, newest, "reply", "engaged", "answer")


COLUMNS: dict[str, tuple[str, ...]] = {
    "30d": (
        "total_inbound_30d",
        "total_outbound_30d",
        "total_meetings_30d",
        "total_time_spent_30d",
        "total_emails_30d",
    ),
    "last times": ("last_inbound_time", "last_outbound_time", "last_engaged_time"),
    "first times": ("first_inbound_time", "first_outbound_time", "first_engaged_time"),
    "rep": ("source_email",),
    "crm_id": ("crm_id",),
    "email": ("email",),
    "account": ("account_domain", "account_crm_id", "account_name"),
    "meetings": ("total_meetings", "total_meetings_30d", "total_time_spent", "total_time_spent_30d"),
    "profile": ("seniority", "department", "from_cc"),
}


@pytest.mark.filterwarnings("ignore::scoring.SchemaWarning")
@pytest.mark.parametrize(
    ("count", "which"), [*((2, which) for which in COLUMNS), (1, "30d"), (1, "last times"), (1, "rep")]
)
def test_columns_may_be_missing(count: int, which: str, exports: Exports, newest: datetime) -> None:
    config = TrainingConfig(boosting=replace(TrainingConfig().boosting, iterations=5))
    fewer = {when: contacts.drop(COLUMNS[which]) for when, contacts in last(exports, count).items()}
    if which == "rep":  # a contact of several reps is then the same row twice, and differs
        fewer = {when: contacts.unique("crm_id", keep="first") for when, contacts in fewer.items()}
    model = train(fewer, config=config)
    scored = scoring.score(fewer[newest], as_of=newest, model=model)
    for name in CHANCES:
        assert scored[name].is_between(0, 1).all(), name
    labels = pl.DataFrame(model.provenance["labels"])
    if which == "30d":
        assert labels.filter(source="step_back")["happened"].sum() == 0
        assert not any("step_back" in blend_of(model, target)["outcomes"] for target in TARGETS)
        if count == 1:
            assert_prior(model, fewer[newest], newest)
    else:
        assert weights_of(model, "reply").prior < 1
    if which == "meetings":
        assert_prior(model, fewer[newest], newest, "meeting")


@pytest.mark.filterwarnings("ignore::scoring.SchemaWarning")
def test_two_columns_are_enough(exports: Exports, newest: datetime, quick: TrainingConfig) -> None:
    few = exports[newest].select("crm_id", "source_email", "total_inbound", "total_inbound_30d")
    model = train({newest: few}, config=quick)
    assert blend_of(model, "reply")["outcomes"]["step_back"] >= quick.least_outcomes
    assert scoring.score(few, as_of=newest, model=model)["reply_probability"].is_between(0, 1).all()
