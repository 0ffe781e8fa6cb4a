"""Swelling: said where tier A holds far more than it was cut for, or than reps can work, and only there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

import scoring
from scoring.model import find_quantiles
from scoring.swelling import tell_overflow, tell_swelling


@pytest.fixture(scope="module")
def tenth(own_model: scoring.Model) -> scoring.Model:
    """A model whose tier A was the top tenth."""
    quantiles = find_quantiles(np.linspace(0.001, 1, 1000))
    return replace(own_model, quantiles=quantiles, tier_cuts=(0.901, 0.701, 0.401))


def test_the_tier_a_of_a_trained_model_is_a_tenth(own_model: scoring.Model) -> None:
    assert tell_swelling({"A": 20, "B": 80}, own_model) is None
    assert tell_swelling({"A": 300, "B": 700}, own_model) is not None


@pytest.mark.parametrize(
    ("top", "rows", "said"),
    [(200, 1000, False), (201, 1000, True), (22, 100, False), (29, 100, False), (30, 100, True), (9, 9, False)],
)
def test_it_is_said_from_twice_the_share_and_twenty_contacts_on(
    top: int, rows: int, said: bool, tenth: scoring.Model
) -> None:
    text = tell_swelling({"A": top, "C": rows - top}, tenth)
    assert (text is not None) == said
    if text:
        assert f"tier A holds {100 * top / rows:.0f} %" in text
        assert "it was 10 %" in text
        assert "scoring train --new-tiers" in text


def test_of_the_shipped_model_it_is_said_that_its_reference_is_simulated() -> None:
    text = tell_swelling({"A": 100}, scoring.load_model())
    assert text
    assert "simulated organisations" in text
    assert "--adapt" in text


def test_nothing_swells_where_nothing_is_scored(tenth: scoring.Model) -> None:
    assert tell_swelling({}, tenth) is None
    assert tell_swelling({"B": 50}, tenth) is None


def reps(**held: int) -> pl.DataFrame:
    rows = [(rep, tier) for rep, count in held.items() for tier in ["A"] * count + ["B", None]]
    return pl.DataFrame(rows, schema=["rep", "tier"], orient="row")


def test_reps_have_four_lists_for_tier_a() -> None:
    places = pl.DataFrame({"rep": ["ann", "bob", "cat", None], "places": [5, 5, 0, 2]})
    assert tell_overflow(reps(ann=20, bob=3, cat=90), places) is None
    text = tell_overflow(reps(ann=21, bob=3, cat=90), places)
    assert text
    assert text.startswith("1 of 3 reps has more contacts in tier A than 4 lists hold, one a week")
    assert "the most: 21, and 5 places" in text
    assert "ann" not in text
    two = tell_overflow(reps(ann=21, bob=40), places)
    assert two
    assert two.startswith("2 of 3 reps have")
    assert "the most: 40" in two


def test_contacts_of_no_rep_are_nobody_s_to_work_unless_there_are_places() -> None:
    rows = pl.DataFrame({"rep": pl.Series([None] * 9, dtype=pl.String), "tier": ["A"] * 9})
    places = pl.DataFrame({"rep": pl.Series([None], dtype=pl.String), "places": [2]})
    text = tell_overflow(rows, places)
    assert text
    assert text.startswith("1 of 1 reps has")
    assert tell_overflow(rows, places.with_columns(places=pl.lit(0))) is None
    assert tell_overflow(rows, places.clear()) is None
