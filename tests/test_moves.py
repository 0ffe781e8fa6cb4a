"""Time that passes for rows to which nothing happens, and the words of a move."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import numpy as np
import polars as pl
import pytest

import scoring
from scoring.context import Context
from scoring.features import FEATURES
from scoring.moves import PARTS, Stand, age, split_moves
from scoring.reasons import LEAST
from scoring.schema import NAMES, empty
from scoring.simulation import Organisation

PAIR = ["source_email", "crm_id", "email"]


def test_counts_of_thirty_days_run_out() -> None:
    old = empty(6).with_columns(
        total_inbound=pl.Series([9, 9, 9, 9, None, 9]), total_inbound_30d=pl.Series([4, 4, 4, 4, 4, None])
    )
    new = empty(6).with_columns(
        total_inbound=pl.Series([9, 11, 14, 8, 9, 9]), total_inbound_30d=pl.Series([4, 3, 2, 9, 1, 1])
    )
    assert age(old, new, timedelta(days=14))["total_inbound_30d"].to_list() == [4, 1, 0, 4, 4, None]
    assert age(old, new, timedelta(days=30))["total_inbound_30d"].to_list() == [4, 1, 0, 4, 0, None]
    assert age(old, new, timedelta(0)) is old


def test_counts_that_ran_out_are_those_that_an_export_without_news_would_hold(organisation: Organisation) -> None:
    """A fortnight on: of rows without news the aged row is the new one, but for nothing."""
    start = organisation.dates(1)[0]
    old, new = organisation.export(start), organisation.export(start + timedelta(days=14))
    both = old.join(new, on=PAIR, how="inner", nulls_equal=True, suffix="_new", maintain_order="left")
    later = both.select(pl.col(f"{name}_new").alias(name) if name not in PAIR else name for name in old.columns)
    now = age(both.select(old.columns), later, timedelta(days=14))
    counts = [name.removesuffix("_30d") for name in old.columns if name.endswith("_30d")]
    assert counts
    for total in counts:
        quiet = now[total].eq_missing(later[total])
        assert quiet.sum() > 20
        recent = f"{total}_30d"
        assert now.filter(quiet)[recent].equals(later.filter(quiet)[recent])
        assert not both.filter(quiet)[recent].equals(later.filter(quiet)[recent])


@pytest.fixture(scope="module")
def stands(organisation: Organisation) -> tuple[Stand, Stand]:
    """The contacts that two exports share, as they stand in each."""
    dates = organisation.dates(2)
    old, new = (organisation.export(date).select(NAMES) for date in dates)
    place = pl.int_range(pl.len()).alias("place")
    both = old.with_columns(place).join(new.with_columns(place), on=PAIR, how="inner", nulls_equal=True)
    places = both["place"], both["place_right"]
    frames = zip((old, new), places, dates, strict=True)
    one, other = (Stand(table[rows], table, Context.of(table, when), when) for table, rows, when in frames)
    return one, other


def test_the_path_starts_and_ends_at_the_scores(stands: tuple[Stand, Stand], small_model: scoring.Model) -> None:
    old, new = stands
    moves = split_moves(old, new, small_model)
    assert moves.log_odds.shape == (old.rows.height, len(PARTS) + 1)
    for column, stand in ((0, old), (1, old), (-1, new)):
        scored = scoring.score(stand.export, model=small_model, context=stand.context, as_of=stand.as_of)
        rows = stand.rows.select(PAIR).join(
            scored.select(*PAIR, "priority"), on=PAIR, how="left", nulls_equal=True, maintain_order="left"
        )
        np.testing.assert_allclose(1 / (1 + np.exp(-moves.log_odds[:, column])), rows["priority"], atol=1e-12)
    before = np.linspace(-3, 3, old.rows.height)
    again = split_moves(old, new, small_model, before)
    np.testing.assert_array_equal(again.log_odds[:, 0], before)
    np.testing.assert_array_equal(again.log_odds[:, 1:], moves.log_odds[:, 1:])


def test_each_word_is_the_sum_of_its_fact(stands: tuple[Stand, Stand], when: datetime) -> None:
    """The strongest facts, by tables looked up once more in both exports."""
    old, new = stands
    model = scoring.load_model()
    card, fact_of = model.with_context["engaged"], {feature.name: feature.fact.name for feature in FEATURES}
    then, now = (
        card.contributions(scoring.build_features(stand.rows, as_of=stand.as_of, context=stand.context))
        for stand in stands
    )
    facts = sorted({fact_of[name] for name in card.features})
    totals = np.zeros((old.rows.height, len(facts)))
    for place, name in enumerate(card.features):
        totals[:, facts.index(fact_of[name])] += (now - then)[:, place]
    for text, row in zip(split_moves(old, new, model).why, totals, strict=True):
        said = [float(found) for found in re.findall(r", ([+-]\d+\.\d\d)\)(?:; |$)", text)]
        strongest = row[np.argsort(-np.abs(row))][:3]
        expected = [amount for amount in strongest if abs(amount) >= LEAST]
        np.testing.assert_allclose(said, expected, atol=0.005001)
