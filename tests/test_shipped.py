"""The recipe of the shipped model: the same bytes whatever the number of jobs, better than nothing on others."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import datetime

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.config import SHIPPED_TIER_CUTS, TARGETS
from scoring.features import FEATURES, OWN_FEATURES
from scoring.shipped import Recipe, draw_sample, fit_scorecard, train_shipped
from scoring.simulation import Organisation


def test_the_same_recipe_gives_the_same_bytes_with_any_number_of_jobs(
    small_recipe: Recipe, small_model: scoring.Model
) -> None:
    assert train_shipped(small_recipe, jobs=2).document == small_model.document


def test_another_seed_gives_another_model(small_recipe: Recipe, small_model: scoring.Model) -> None:
    assert train_shipped(replace(small_recipe, seed=50, organisations=2)).id != small_model.id


def test_the_sample_does_not_depend_on_the_jobs(small_recipe: Recipe) -> None:
    one, two = (draw_sample(small_recipe, [7, 8], jobs) for jobs in (1, 2))
    assert_frame_equal(one.features, two.features, check_exact=True)
    assert_frame_equal(one.shares, two.shares)
    assert one.features.columns == [feature.name for feature in FEATURES]
    assert one.features.height == one.shares.height


def test_a_sample_is_its_organisations_one_after_another(small_recipe: Recipe) -> None:
    whole, first = draw_sample(small_recipe, [7, 8]), draw_sample(small_recipe, [7])
    assert_frame_equal(whole.features.head(first.features.height), first.features, check_exact=True)
    assert_frame_equal(whole.shares.head(first.shares.height), first.shares, check_exact=True)


def test_shares_are_of_what_can_happen(small_recipe: Recipe) -> None:
    shares = draw_sample(small_recipe, [7, 8]).shares
    assert shares.select(pl.all().is_between(0, 1).all()).row(0) == (True,) * shares.width
    assert (shares["engaged"] >= shares.select(pl.max_horizontal("reply", "meeting")).to_series()).all()
    assert (shares["answer"] <= shares["contacted"]).all()
    assert 0 < shares["reply"].mean() < 1


def test_a_scorecard_is_centred_on_its_sample(small_recipe: Recipe) -> None:
    sample = draw_sample(small_recipe, [7, 8])
    card = fit_scorecard(sample, "reply", [feature.name for feature in OWN_FEATURES], small_recipe)
    means = np.average(card.contributions(sample.features), axis=0)
    np.testing.assert_allclose(means, 0, atol=1e-9)


def test_the_model_says_what_it_was_made_of(small_recipe: Recipe, small_model: scoring.Model) -> None:
    provenance = json.loads(json.dumps(dict(small_model.provenance)))
    assert provenance["recipe"] == asdict(small_recipe)
    assert set(provenance["versions"]) >= {"numpy", "polars", "scikit-learn"}
    assert set(provenance["rates"]) == set(TARGETS)
    assert all(0 < rate < 1 for rate in provenance["rates"].values())
    assert small_model.tier_cuts == SHIPPED_TIER_CUTS
    assert (np.diff(small_model.quantiles) >= 0).all()


@pytest.mark.parametrize(
    ("target", "outcome", "column"),
    [("reply", "replied", "reply_probability"), ("engaged", "engaged", "priority")],
)
@pytest.mark.parametrize("which", ["shipped", "small"])
def test_those_with_a_high_chance_do_reply_more_often(
    which: str, target: str, outcome: str, column: str, organisation: Organisation, when: datetime,
    contacts: pl.DataFrame, small_model: scoring.Model,
) -> None:  # fmt: skip
    model = scoring.load_model() if which == "shipped" else small_model
    scored = scoring.score(contacts, as_of=when, model=model)
    happened = organisation.outcomes(when)[outcome]
    assert 0.02 < happened.mean() < 0.98
    best = scored.with_columns(happened.alias("happened")).sort(column, descending=True)["happened"]
    third = best.len() // 3
    assert best.head(third).mean() > 2 * best.tail(third).mean()
