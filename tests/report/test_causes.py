"""Causes: reasons as scoring writes them, taken apart and counted by fact."""

from __future__ import annotations

import polars as pl
import pytest

from scoring.features import FEATURES
from scoring.reasons import NOTHING_STANDS_OUT
from scoring.report.causes import Reason, count_causes, split_reasons
from scoring.wording import LADDERS


@pytest.mark.parametrize("feature", FEATURES, ids=lambda feature: feature.name)
def test_every_sentence_is_told_of_its_fact(feature: object) -> None:
    fact = feature.fact
    sentences = [fact.phrase.format(name) for _, name in LADDERS[fact.unit].steps]
    found = {cause.fact for cause in count_causes(pl.Series([f"{each} (+0.50)" for each in sentences]))}
    assert found == {fact.name}


def test_what_is_said_where_there_is_nothing_is_told_of_a_fact_that_says_it() -> None:
    for fact in {feature.fact for feature in FEATURES}:
        (cause,) = count_causes(pl.Series([f"{fact.absent} (-0.50)"]))
        assert cause.fact in {feature.fact.name for feature in FEATURES if feature.fact.absent == fact.absent}


def test_scores_reasons_are_all_understood(scored: pl.DataFrame) -> None:
    known = {feature.fact.name for feature in FEATURES}
    reasons = scored["reasons"].drop_nulls()
    assert reasons.str.contains("[", literal=True).mean() > 0.5
    causes = count_causes(reasons)
    assert {cause.fact for cause in causes} <= known
    assert not any("[" in cause.example for cause in causes)
    parts = sum(len(text.split("; ")) for text in reasons.to_list() if text != NOTHING_STANDS_OUT)
    assert sum(cause.up + cause.down for cause in causes) == parts


def test_amounts_and_rates_are_read() -> None:
    assert split_reasons("last wrote 3 days ago [71 %] (+1.25); no meeting so far (-0.10)") == [
        Reason("last wrote 3 days ago", "71 %", 1.25),
        Reason("no meeting so far", None, -0.1),
    ]
    assert split_reasons(None) == []
    assert split_reasons(NOTHING_STANDS_OUT) == []


def test_unknown_sentences_stand_for_themselves() -> None:
    causes = count_causes(pl.Series(["written by another version (+0.40)"] * 2 + ["last touch 2 days ago (-0.20)"]))
    assert [(cause.fact, cause.up, cause.down) for cause in causes] == [
        ("written by another version", 2, 0),
        ("last touch", 0, 1),
    ]
