"""Chances are honest: what is given 30 % happens three times in ten."""

import numpy as np
import polars as pl
import pytest

from scoring.simulation import Settings, draw_organisation

PAIRS = (
    ("chance_reply", "replied"),
    ("chance_meeting", "met"),
    ("chance_engaged", "engaged"),
    ("chance_contacted", "contacted"),
)


@pytest.fixture(scope="module")
def judged():
    """Chances and outcomes of many organisations of every kind."""
    parts = []
    for seed in range(300, 330):
        organisation = draw_organisation(seed, Settings(rows=400))
        as_of = organisation.dates(1)[0]
        chances = organisation.chances(as_of, 50).select(pl.all().name.prefix("chance_"))
        parts.append(pl.concat([chances, organisation.outcomes(as_of)], how="horizontal"))
    return pl.concat(parts)


def deviation(chance, happened):
    """How far the outcome is from the mean chance, in standard errors of independent rows."""
    return (happened.sum() - chance.sum()) / np.sqrt((chance * (1 - chance)).sum() + 1)


@pytest.mark.parametrize(("chance", "outcome"), PAIRS)
def test_as_much_happens_as_expected(judged, chance, outcome):
    # rows of one broadcast or one account go together, so more than two standard errors of independent rows are usual
    assert abs(deviation(judged[chance].to_numpy(), judged[outcome].to_numpy().astype(float))) < 5


@pytest.mark.parametrize(("chance", "outcome"), PAIRS)
def test_every_chance_is_what_it_says(judged, chance, outcome):
    bins = (
        judged.with_columns(bin=(pl.col(chance) * 5).floor().clip(0, 4))
        .group_by("bin")
        .agg(pl.col(chance).mean().alias("said"), pl.col(outcome).mean().alias("seen"), pl.len())
        .filter(pl.col("len") >= 100)
    )
    # 50 futures blur a chance a little, most at the ends
    assert ((bins["said"] - bins["seen"]).abs() < 0.06).all()


def test_answers_come_as_often_as_said(judged):
    written = judged.filter("contacted").drop_nulls("chance_answer")
    assert abs(written["chance_answer"].mean() - written["answered"].mean()) < 0.03


def test_the_truth_orders_better_than_any_export(judged):
    # the mean chance of those who replied is far above that of the others
    replied = judged.group_by("replied").agg(pl.col("chance_reply").mean()).sort("replied")["chance_reply"]
    assert replied[1] > 4 * replied[0]


def test_chances_are_shares_and_rows_are_those_of_the_export():
    organisation = draw_organisation(6, Settings(rows=200))
    as_of = organisation.dates(1)[0]
    chances = organisation.chances(as_of, 4)
    assert chances.height == organisation.export(as_of).height
    assert chances.select(pl.all().fill_null(0).is_between(0, 1).all()).row(0) == (True,) * 5
    assert (chances["engaged"] >= chances["reply"]).all()
    assert set(chances["reply"].unique()) <= {0, 0.25, 0.5, 0.75, 1}
