"""Training: a build that can be repeated, the prior where there is little to learn, one's own data where there is."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.testing import assert_allclose

import scoring
from scoring.blending import Blend
from scoring.config import TARGETS, TrainingConfig
from scoring.metrics import measure
from scoring.rates import BELIEF, FACTS
from scoring.simulation import Settings, draw_organisation
from scoring.snapshots import label_snapshots, put_back, take_snapshots
from scoring.sources import learn_sources, settled
from scoring.training import count_labels, train

Exports = dict[datetime, pl.DataFrame]
DAY = timedelta(days=1)


def body(model: scoring.Model) -> dict[str, Any]:
    """Everything that decides a score: the document without what it was learned from."""
    return {name: value for name, value in json.loads(model.document).items() if name != "provenance"}


def last(exports: Exports, count: int) -> Exports:
    return dict(list(exports.items())[-count:])


def blend_of(model: scoring.Model, target: str) -> dict[str, Any]:
    return dict(model.provenance["blend"][target])


def weights_of(model: scoring.Model, target: str) -> Blend:
    told = blend_of(model, target)
    return Blend(told["prior"], told["step_back"], told["history"])


@pytest.fixture(scope="module")
def newest(exports: Exports) -> datetime:
    return max(exports)


@pytest.fixture(scope="module")
def pair(exports: Exports) -> Exports:
    return last(exports, 2)


@pytest.fixture(scope="module")
def models(exports: Exports, quick: TrainingConfig, own_model: scoring.Model) -> dict[int, scoring.Model]:
    """Models by the number of exports that they learned from."""
    return {**{count: train(last(exports, count), config=quick) for count in (1, 2, 3)}, 4: own_model}


@pytest.fixture(scope="module")
def pair_model(models: dict[int, scoring.Model]) -> scoring.Model:
    return models[2]


# ---- how many exports -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 2, 3])
def test_one_export_is_enough_and_more_teach_more(
    count: int, exports: Exports, models: dict[int, scoring.Model]
) -> None:
    told, more = (models[number].provenance for number in (count, count + 1))
    assert [one["as_of"] for one in told["exports"]] == [when.isoformat() for when in last(exports, count)]
    assert {row["source"] for row in told["labels"]} == {"step_back", *(["history"] if count > 1 else [])}
    for target in ("reply", "meeting", "engaged"):
        assert set(told["blend"][target]["outcomes"]) == {"step_back", *(["history"] if count > 1 else [])}
        assert 0 < told["blend"][target]["prior"] < 1
        assert told["blend"][target]["by_amount"]["prior"] > more["blend"][target]["by_amount"]["prior"]
    assert told["blend"]["answer"]["step_back"] == 0
    json.dumps(told, allow_nan=False)


def test_one_export_may_come_in_any_form(
    exports: Exports, newest: datetime, quick: TrainingConfig, models: dict[int, scoring.Model]
) -> None:
    contacts, one = exports[newest], models[1]
    assert train({f"{newest:%Y-%m-%d}": contacts}, config=quick).document == one.document
    assert train({newest.date(): contacts.to_pandas()}, config=quick).document == one.document
    inferred = train(contacts, config=quick)
    assert "inferred" in inferred.provenance["exports"][0]["dated"]
    assert 0 < weights_of(inferred, "reply").step_back < 1


def test_unrelated_exports_are_refused_with_the_numbers(pair: Exports, quick: TrainingConfig) -> None:
    (first, contacts), (second, _) = pair.items()
    other = contacts.with_columns(crm_id="other " + pl.col("crm_id"), email="other." + pl.col("email"))
    with pytest.raises(scoring.InputError) as refused:
        train({first: contacts, second: other}, config=quick)
    message = str(refused.value)
    assert f"{contacts.height} rows {contacts.height} are in none" in message
    assert f"{first:%Y-%m-%d}" in message
    assert "@" not in message
    counts = count_labels({first: contacts, second: other}).filter(source="history")
    assert counts["open"].to_list() == counts["missing"].to_list() == [contacts.height] * 4


def test_an_empty_export_is_refused_by_its_date(pair: Exports, quick: TrainingConfig) -> None:
    (first, contacts), (second, later) = pair.items()
    with pytest.raises(scoring.InputError, match=f"{second:%Y-%m-%d}"):
        train({first: contacts, second: later.head(0)}, config=quick)


# ---- what the model is ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how_many", [1, 2, 4])
def test_the_model_is_its_sources_blended_by_hand(
    how_many: int, exports: Exports, quick: TrainingConfig, models: dict[int, scoring.Model]
) -> None:
    snapshots, prior = take_snapshots(last(exports, how_many)), scoring.load_model()
    model = models[how_many]
    learned = learn_sources(label_snapshots(snapshots), put_back(snapshots[-1]), quick, prior)
    features = snapshots[0].features
    moved = 0.0
    for target in TARGETS:
        told, blend = blend_of(model, target), weights_of(model, target)
        for beside, state in enumerate(("without_context", "with_context")):
            base = getattr(prior, state)[target].log_odds(features)
            total = blend.prior * base
            for name, source in learned[target].items():
                total = total + getattr(blend, name) * source.cards[beside].log_odds(features)
            by_hand = told["offset"] + told["slope"] * total
            assert_allclose(getattr(model, state)[target].log_odds(features), by_hand, rtol=0, atol=1e-9)
            moved += float(np.abs(by_hand - base).max())
    assert moved > 0.1


def test_contributions_are_against_the_mean_of_the_newest_export(own_model: scoring.Model, exports: Exports) -> None:
    features = take_snapshots(exports)[-1].features
    for card in (*own_model.with_context.values(), *own_model.without_context.values()):
        assert_allclose(card.contributions(features).mean(axis=0), 0, atol=1e-9)


def test_weights_are_shares_and_slopes_go_up(own_model: scoring.Model) -> None:
    for target in TARGETS:
        told = blend_of(own_model, target)
        assert sum((told["prior"], told["step_back"], told["history"])) == pytest.approx(1, abs=1e-12)
        assert min(told["prior"], told["step_back"], told["history"]) >= 0
        assert told["slope"] > 0
        assert sum(told["by_amount"].values()) == pytest.approx(1, abs=1e-12)


def test_another_prior_is_started_from(pair: Exports, quick: TrainingConfig, own_model: scoring.Model) -> None:
    unlearned = replace(quick, history_weight=0.0, step_back_weight=0.0)
    model = train(pair, config=unlearned, prior=own_model, name="other")
    assert model.provenance["prior"] == own_model.id
    assert model.id.startswith("other-")
    features = take_snapshots(pair)[-1].features
    for target in TARGETS:
        assert weights_of(model, target) == Blend(1.0, 0.0, 0.0)
        one, other = (each.with_context[target].log_odds(features) for each in (model, own_model))
        assert_allclose(one, other, rtol=0, atol=1e-9)


# ---- tiers and percentiles ------------------------------------------------------------------------------------------


def test_tiers_hold_their_shares_of_the_newest_export(
    own_model: scoring.Model, exports: Exports, newest: datetime
) -> None:
    scored = scoring.score(exports[newest], as_of=newest, model=own_model)
    height = scored.height
    wanted = {"A": 0.1 * height, "B": 0.2 * height, "C": 0.3 * height, "D": 0.4 * height}
    for tier, rows in wanted.items():
        assert abs((scored["tier"] == tier).sum() - rows) <= 3, tier
    assert (np.diff(own_model.quantiles) >= 0).all()
    median = scored.filter(pl.col("percentile").is_between(49, 51))
    assert 0.005 * height < median.height < 0.05 * height


def test_equal_priorities_share_the_higher_tier(exports: Exports, newest: datetime, quick: TrainingConfig) -> None:
    contacts = exports[newest].head(1)
    alike = pl.concat([contacts.with_columns(crm_id=pl.lit(f"{row}")) for row in range(50)])
    model = train({newest: alike.with_columns(email=pl.lit(None, pl.String))}, config=quick)
    scored = scoring.score(alike.with_columns(email=pl.lit(None, pl.String)), as_of=newest, model=model)
    assert scored["priority"].n_unique() == 1
    assert set(scored["tier"]) == {"A"}
    assert set(scored["percentile"]) == {99.9}


def test_the_model_in_use_keeps_its_tiers(
    own_model: scoring.Model, pair: Exports, quick: TrainingConfig, pair_model: scoring.Model, tmp_path: Path
) -> None:
    own_model.save(tmp_path / "own")
    for previous in (own_model, tmp_path / "own"):
        kept = train(pair, config=quick, previous=previous)
        assert kept.tier_cuts == own_model.tier_cuts != pair_model.tier_cuts
        assert kept.quantiles.tolist() == own_model.quantiles.tolist() != pair_model.quantiles.tolist()
        assert kept.provenance["tiers_of"] == own_model.id
        assert kept.with_context == pair_model.with_context
    assert "tiers_of" not in pair_model.provenance
    again = train(pair, config=quick, previous=kept)  # whose tiers they are stays the same, and so do the bytes
    assert again.document == kept.document


# ---- rates behind reasons -------------------------------------------------------------------------------------------


def test_one_export_leaves_the_rates_of_the_prior(models: dict[int, scoring.Model]) -> None:
    assert models[1].rates == scoring.load_model().rates


def test_rates_are_of_the_rows_whose_later_is_proved(exports: Exports, own_model: scoring.Model) -> None:
    snapshots = take_snapshots(exports)
    sure = [lesson for lesson in label_snapshots(snapshots) if settled(lesson, "engaged")]
    labels = pl.concat([lesson.labels["engaged"] for lesson in sure])
    found, prior = own_model.rates, scoring.load_model().rates
    assert found
    assert prior
    assert found.own
    assert found.rows == labels.count()
    expected = (labels.sum() + BELIEF * prior.overall) / (labels.count() + BELIEF)
    assert found.overall == pytest.approx(expected, abs=1e-6)
    # one step by hand: who never wrote
    silent = [lesson.labels["engaged"].filter(lesson.rows["last_inbound_time"].is_null()) for lesson in sure]
    never, fact = pl.concat(silent), next(fact for fact in FACTS if fact.absent == "never wrote")
    counts = found.find(fact)
    assert counts
    assert counts[0].values[-1] == never.count() + BELIEF
    share = counts[1].values[-1] * (never.count() + BELIEF)
    assert 0 <= share - never.sum() <= BELIEF


def test_where_too_little_is_learned_the_rates_are_those_of_the_prior(pair: Exports, quick: TrainingConfig) -> None:
    bare = replace(scoring.load_model(), rates=None)
    much = replace(quick, least_outcomes=10**6)
    assert train(pair, config=much).rates == scoring.load_model().rates
    assert train(pair, config=much, prior=bare).rates is None
    alone = train(pair, config=quick, prior=bare).rates
    assert alone
    assert alone.own


# ---- nobody is in it ------------------------------------------------------------------------------------------------


def test_suppressed_rows_teach_nothing(pair: Exports, quick: TrainingConfig) -> None:
    domain = pl.concat(pair.values())["email"].str.split("@").list.last().mode().sort()[0]
    left = {when: contacts.filter(~pl.col("email").str.ends_with(f"@{domain}").fill_null(False))
            for when, contacts in pair.items()}  # fmt: skip
    gone = [pair[when].height - left[when].height for when in pair]
    assert min(gone) > 0
    model, other = train(pair, config=quick, suppress=[domain]), train(left, config=quick)
    assert [one["suppressed"] for one in model.provenance["exports"]] == gone
    assert body(model) == body(other)
    for name in ("fingerprint", "labels", "blend"):
        assert model.provenance[name] == other.provenance[name]
    assert body(model) != body(train(pair, config=quick))


def strings(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value) | {text for one in value.values() for text in strings(one)}
    if isinstance(value, list):
        return {text for one in value for text in strings(one)}
    return {value} if isinstance(value, str) else set()


def test_nobody_is_in_a_model_of_ones_own(own_model: scoring.Model, exports: Exports) -> None:
    kinds = {"department", "seniority", "account_type"}
    held = pl.concat(exports.values())
    told = strings(json.loads(own_model.document))
    words = {word for text in told for word in (text, *re.split(r"[^\w.@+-]+", text))}
    for name in held.columns:
        if held[name].dtype == pl.String and name not in kinds:
            values = set(held[name].drop_nulls()) - {""}
            assert not values & words, name
    assert b"@" not in own_model.document
    for domain in held["account_domain"].drop_nulls().unique():
        assert domain.encode() not in own_model.document


# ---- what it says of itself -----------------------------------------------------------------------------------------


def test_the_model_says_what_it_was_learned_from(
    own_model: scoring.Model, exports: Exports, quick: TrainingConfig
) -> None:
    told = json.loads(json.dumps(dict(own_model.provenance)))
    assert told["config"]["boosting"]["iterations"] == quick.boosting.iterations
    assert told["prior"] == scoring.load_model().id
    assert set(told["versions"]) >= {"numpy", "polars", "scikit-learn"}
    assert [one["rows"] for one in told["exports"]] == [contacts.height for contacts in exports.values()]
    counts = count_labels(exports).drop("one_in").with_columns(pl.col("as_of", "until").dt.strftime("%FT%TZ"))
    assert told["labels"] == counts.to_dicts()


def test_labels_are_counted_whole(exports: Exports) -> None:
    counts = count_labels(exports)
    assert counts.height == 4 * len(exports)
    history = counts.filter(source="history")
    for when, contacts in list(exports.items())[:-1]:
        rows = history.filter(as_of=when)
        assert set(rows["target"]) == set(TARGETS)
        assert (rows["happened"] + rows["did_not"] + rows["open"] == contacts.height).all()
        assert (rows["until"] == when + 30 * DAY).all()
    assert (counts["open"] >= counts["missing"]).all()
    assert counts.filter(source="step_back")["as_of"].unique().item() == max(exports) - 30 * DAY


def test_very_many_rows_are_drawn_from_whatever_their_order(pair: Exports, quick: TrainingConfig) -> None:
    few = replace(quick, most_rows=150)
    one = train(pair, config=few)
    shuffled = {when: contacts.sample(fraction=1.0, shuffle=True, seed=9) for when, contacts in pair.items()}
    assert train(shuffled, config=few).document == one.document
    assert train(pair, config=replace(few, seed=2)).with_context != one.with_context
    assert blend_of(one, "reply")["outcomes"]["history"] <= 75


# ---- is it any good? ------------------------------------------------------------------------------------------------


def test_it_sorts_better_than_recency_and_is_no_worse_calibrated_than_shipped(quick: TrainingConfig) -> None:
    figures = []
    for seed in (13, 17, 18, 20):
        organisation = draw_organisation(seed, Settings(rows=600, closed=False, one_row_a_contact=False, days=400))
        newest = organisation.start + 330 * DAY
        exports = {when: organisation.export(when) for when in (newest - 60 * DAY, newest - 30 * DAY, newest)}
        happened = organisation.outcomes(newest)["replied"].to_numpy()
        model = train(exports, config=quick)
        own, shipped = (
            measure(happened, scoring.score(exports[newest], as_of=newest, model=which)["reply_probability"].to_numpy())
            for which in (model, "shipped")
        )
        age = exports[newest]["last_inbound_time"].dt.epoch("s").fill_null(0).rank("average").to_numpy()
        recency = measure(happened, age / (len(age) + 1))
        figures.append([own["auc"], recency["auc"], own["brier"], shipped["brier"]])
    own_auc, recency_auc, own_brier, shipped_brier = np.mean(figures, axis=0)
    assert own_auc > recency_auc
    assert own_brier < shipped_brier + 0.003
