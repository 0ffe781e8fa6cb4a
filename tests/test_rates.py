"""The rates behind reasons: counted as anyone would, and drawn towards those of the model before where rows are few."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import scoring
from scoring.features import FEATURES, Fact, compute_facts, observe
from scoring.rates import BELIEF, FACTS, LEAST_ROWS, Rates, make_rates, tell_rates
from scoring.reasons import Explainer
from scoring.scorecard import Table
from scoring.wording import LADDERS

FLAG = next(fact for fact in FACTS if fact.unit == "flag")


def blank(rows: int) -> pl.DataFrame:
    """Facts of rows of which nothing is known."""
    return pl.DataFrame({fact.name: pl.Series([None] * rows, dtype=pl.Float32) for fact in FACTS})


def flagged(values: list[float | None]) -> pl.DataFrame:
    return blank(len(values)).with_columns(pl.Series(FLAG.name, values, dtype=pl.Float32))


@pytest.fixture(scope="module")
def facts(contacts: pl.DataFrame, when: Any, context: Any) -> pl.DataFrame:
    return compute_facts(observe(contacts, when, context))


def test_facts_are_those_of_the_explainer() -> None:
    assert list(FACTS) == Explainer(list(FEATURES)).facts


def test_every_step_is_counted(facts: pl.DataFrame, organisation: Any, when: Any) -> None:
    """In plain Python, by the names of the steps."""
    engaged = organisation.outcomes(when)["engaged"].to_list()
    rates = make_rates([(facts, engaged)])
    assert (rates.rows, rates.own) == (len(engaged), False)
    assert rates.overall == pytest.approx(sum(engaged) / len(engaged), abs=1e-6)
    for fact in FACTS:
        names = [*(name for _, name in LADDERS[fact.unit].steps), None]
        met: dict[str | None, list[bool]] = {name: [] for name in names}
        for value, did in zip(facts[fact.name], engaged, strict=True):
            met[None if value is None or value != value else LADDERS[fact.unit].name(value)].append(did)
        found = rates.find(fact)
        assert found
        assert found[0].values.tolist() == [len(met[name]) for name in names]
        for name, rate in zip(names, rates.of(fact), strict=True):
            if len(met[name]) < LEAST_ROWS:
                assert rate is None
            else:
                assert rate == pytest.approx(sum(met[name]) / len(met[name]), abs=1e-6)
    assert any(rate is not None for fact in FACTS for rate in rates.of(fact))


def test_it_does_not_matter_how_rows_come(facts: pl.DataFrame, organisation: Any, when: Any) -> None:
    engaged = organisation.outcomes(when)["engaged"].to_numpy()
    order = np.random.default_rng(0).permutation(len(engaged))
    whole = make_rates([(facts, engaged)])
    assert make_rates([(facts[order], engaged[order])]).to_dict() == whole.to_dict()
    parts = [(facts[:100], engaged[:100]), (facts[100:], engaged[100:])]
    assert make_rates(parts).to_dict() == whole.to_dict()


def test_a_share_of_the_futures_counts_as_such() -> None:
    rates = make_rates([(flagged([1.0] * 40), [0.25, 0.5] * 20)])
    assert rates.of(FLAG) == [None, 0.375, None]


def test_rates_of_few_rows_are_not_told() -> None:
    values = [0.0] * LEAST_ROWS + [1.0] * (LEAST_ROWS - 1)
    rates = make_rates([(flagged(values), [True] * len(values))])
    assert rates.of(FLAG) == [1.0, None, None]


def test_other_steps_and_other_facts_have_none() -> None:
    rates = make_rates([(flagged([1.0] * 40), [True] * 40)])
    found = rates.find(FLAG)
    assert found
    moved = [Table(FLAG.name, np.array([0.7]), table.values) for table in found]
    elsewhere = replace(rates, counts=(moved[0],), shares=(moved[1],))
    assert elsewhere.find(FLAG) is None
    assert elsewhere.of(FLAG) == [None] * 3
    other = Fact("another flag", "flag", "{}", "-", pl.lit(None))
    assert rates.of(other) == [None] * 3


# ---- own rows and the model before -----------------------------------------------------------------------------------


def prior_of(share: float, overall: float, rows: float = 1000) -> Rates:
    """A model before, of which one step of one fact is known."""
    counts, shares = np.array([0, rows, 0]), np.array([0, share, 0])
    thresholds = LADDERS["flag"].thresholds
    return Rates(False, 5000, overall, (Table(FLAG.name, thresholds, counts),), (Table(FLAG.name, thresholds, shares),))


def test_own_rows_are_drawn_towards_the_model_before() -> None:
    """At the same level: rate = (own that did + k * rate before) / (own rows + k)."""
    outcome = [True] * 10 + [False] * 30
    for share in (0.1, 0.25, 0.8):
        rates = make_rates([(flagged([1.0] * 40), outcome)], own=True, prior=prior_of(share, 0.25))
        assert rates.overall == 0.25
        assert rates.of(FLAG)[1] == pytest.approx((10 + BELIEF * share) / (40 + BELIEF), abs=1e-6)
        found = rates.find(FLAG)
        assert found
        assert found[0].values.tolist() == [0, 40 + BELIEF, 0]
        assert rates.own


@given(share=st.floats(0, 1), usual=st.floats(0.01, 0.99), did=st.integers(0, 40))
def test_the_rates_before_are_moved_to_the_level_of_the_own_rows(share: float, usual: float, did: int) -> None:
    outcome = [True] * did + [False] * (40 - did)
    rates = make_rates([(flagged([1.0] * 40), outcome)], own=True, prior=prior_of(share, usual))
    overall = (did + BELIEF * usual) / (40 + BELIEF)
    assert rates.overall == pytest.approx(overall, abs=1e-6)
    told = rates.of(FLAG)[1]
    assert told is not None
    moved = (told * (40 + BELIEF) - did) / BELIEF
    if 0.001 < share < 0.999:
        odds = share / (1 - share) * overall / (1 - overall) / (usual / (1 - usual))
        assert moved == pytest.approx(odds / (1 + odds), abs=1e-5)
    assert -1e-5 <= moved <= 1 + 1e-5


def test_the_model_before_counts_for_no_more_rows_than_it_had() -> None:
    rates = make_rates([(flagged([1.0] * 27), [False] * 27)], own=True, prior=prior_of(1.0, 0.5, rows=2))
    assert rates.of(FLAG)[1] is None
    rates = make_rates([(flagged([1.0] * 28), [False] * 28)], own=True, prior=prior_of(1.0, 0.5, rows=2))
    assert rates.of(FLAG)[1] == pytest.approx(2 / 30, abs=1e-6)


def test_where_nothing_was_seen_of_a_value_there_is_no_rate() -> None:
    rates = make_rates([(flagged([0.0] * 40), [False] * 40)], own=True, prior=prior_of(0.9, 0.5))
    assert rates.of(FLAG)[1] is None


def test_a_model_before_that_knows_nothing_leaves_own_rates_alone() -> None:
    empty = replace(prior_of(0.5, 0.25), counts=(), shares=())
    rates = make_rates([(flagged([1.0] * 40), [True] * 10 + [False] * 30)], own=True, prior=empty)
    assert rates.of(FLAG)[1] == 0.25


# ---- in words, and on disk -------------------------------------------------------------------------------------------


def test_it_says_what_was_counted() -> None:
    rates = prior_of(0.5, 0.25)
    assert "25 % of all" in tell_rates(rates)
    assert "5,000 rows of simulated organisations" in tell_rates(rates)
    assert "5,000 rows of your own exports" in tell_rates(replace(rates, own=True))
    assert str(BELIEF) in replace(rates, own=True).source


def test_there_and_back(small_model: scoring.Model) -> None:
    assert small_model.rates
    document = json.loads(json.dumps(small_model.rates.to_dict()))
    assert Rates.from_dict(document) == small_model.rates
    assert len(json.dumps(document)) < 20_000


def changed(*path: Any, value: Any) -> Callable[[dict[str, Any]], None]:
    def change(document: dict[str, Any]) -> None:
        inside: Any = document
        for name in path[:-1]:
            inside = inside[name]
        inside[path[-1]] = value

    return change


DAMAGES = {
    "no source": changed("own", value=1),
    "no rows": changed("rows", value=0),
    "half a row": changed("rows", value=7.5),
    "no share": changed("overall", value=1.2),
    "a share of text": changed("overall", value="much"),
    "one part more": changed("more", value=1),
    "a share above one": changed("shares", 0, "values", 0, value=1.5),
    "a share below zero": changed("shares", 0, "values", 0, value=-0.5),
    "rows below zero": changed("counts", 0, "values", 0, value=-1),
    "a fact less": changed("shares", value=[]),
    "other steps": changed("counts", 0, "thresholds", 0, value=-7.0),
    "no tables": changed("counts", value=None),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_is_damaged_is_refused(damage: str, small_model: scoring.Model) -> None:
    assert small_model.rates
    document = json.loads(json.dumps(small_model.rates.to_dict()))
    DAMAGES[damage](document)
    with pytest.raises(scoring.ModelError):
        Rates.from_dict(document)
    with pytest.raises(scoring.ModelError):
        Rates.from_dict([document])


# ---- in the models ---------------------------------------------------------------------------------------------------


def test_the_shipped_model_has_a_rate_for_nearly_every_row(contacts: pl.DataFrame, facts: pl.DataFrame) -> None:
    rates = scoring.load_model().rates
    assert rates
    assert not rates.own
    assert rates.overall == scoring.load_model().provenance["rates"]["engaged"]
    for fact in FACTS:
        found = rates.find(fact)
        assert found
        assert found[0].values.sum() == rates.rows
        # the rates of all steps are that of all rows, spread
        assert (found[0].values * found[1].values).sum() / rates.rows == pytest.approx(rates.overall, abs=1e-5)
        told = np.array([rate is not None for rate in rates.of(fact)])
        assert told[LADDERS[fact.unit].locate(facts[fact.name].to_numpy())].mean() > 0.99


def test_the_longer_the_silence_the_lower_the_rate() -> None:
    rates = scoring.load_model().rates
    assert rates
    silence = next(fact for fact in FACTS if fact.name == "last mail from the contact")
    known = [rate for rate in rates.of(silence)[:-1] if rate is not None]
    assert known == sorted(known, reverse=True)
    assert known[0] > 0.5 > rates.overall > known[-1]
