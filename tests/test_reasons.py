"""Reasons: exact, strongest first, at most three each way, and true of the row."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.features import FEATURES, Feature
from scoring.reasons import NOTHING_STANDS_OUT, Explainer
from scoring.scorecard import Scorecard, Table
from scoring.wording import LADDERS

REASON = re.compile(r"(.+?) \(([+-]\d+\.\d\d)\)(?:; |$)")
BY_NAME = {feature.name: feature for feature in FEATURES}
EACH_WAY, LEAST = 3, 0.05


def parsed(text: str) -> list[tuple[str, float]]:
    """Sentences and strengths; fails if anything else is in the text."""
    if text == NOTHING_STANDS_OUT:
        return []
    found = REASON.findall(text)
    assert "; ".join(f"{sentence} ({strength})" for sentence, strength in found) == text
    return [(sentence, float(strength)) for sentence, strength in found]


def facts_of(card: Scorecard, features: dict[str, Feature], frame: pl.DataFrame) -> list[dict[str, tuple[float, str]]]:
    """For each row and fact the exact strength, and the sentence of the row's own value of the feature that leads."""
    added = card.contributions(frame)
    rows: list[dict[str, tuple[float, str]]] = []
    for row, values in enumerate(frame.select(card.features).iter_rows(named=True)):
        parts: dict[str, list[tuple[float, str]]] = {}
        for place, name in enumerate(card.features):
            feature, value = features[name], values[name]
            missing = value is None or value != value
            said = feature.absent if missing else feature.phrase.format(LADDERS[feature.unit].name(value))
            parts.setdefault(feature.fact, []).append((float(added[row, place]), said))
        facts = {}
        for fact, each in parts.items():
            total = sum(strength for strength, _ in each)
            lead = max(each, key=lambda part: part[0] if total >= 0 else -part[0])
            facts[fact] = (total, lead[1])
        rows.append(facts)
    return rows


def hold(text: str, facts: dict[str, tuple[float, str]]) -> None:
    """Hold one row's reasons against what its contributions are."""
    shown = parsed(text)
    up = [strength for _, strength in shown if strength > 0]
    down = [strength for _, strength in shown if strength < 0]
    assert [strength for _, strength in shown] == up + down
    assert up == sorted(up, reverse=True)
    assert down == sorted(down)
    totals = np.sort([total for total, _ in facts.values()])
    strongest = {1: totals[::-1][:EACH_WAY], -1: totals[:EACH_WAY]}
    for sign, ours in ((1, up), (-1, down)):
        expected = [min(sign * total, 20.0) for total in strongest[sign] if sign * total >= LEAST]
        assert len(ours) == len(expected)
        np.testing.assert_allclose(np.multiply(ours, sign), expected, atol=0.005001)
    for sentence, strength in shown:
        near = [said for total, said in facts.values() if abs(np.clip(total, -20, 20) - strength) <= 0.005001]
        assert sentence in near


@pytest.mark.parametrize("beside", [True, False], ids=["with context", "alone"])
@pytest.mark.parametrize("which", ["shipped", "small"])
def test_reasons_are_the_contributions_of_the_row(
    which: str, beside: bool, contacts: pl.DataFrame, when: datetime, context: Any, small_model: scoring.Model
) -> None:
    model = scoring.load_model() if which == "shipped" else small_model
    some = contacts.head(120)
    features = scoring.build_features(
        some if beside else some.to_dicts(), as_of=when, context=context if beside else None
    )
    scored = scoring.score(
        some if beside else some.to_dicts(), as_of=when, context=context if beside else None, model=model
    )
    texts = scored["reasons"].to_list() if beside else [row["reasons"] for row in scored]
    card = (model.with_context if beside else model.without_context)["engaged"]
    for text, facts in zip(texts, facts_of(card, BY_NAME, features), strict=True):
        hold(text, facts)


def test_contributions_and_intercept_are_the_priority(
    scored: pl.DataFrame, contacts: pl.DataFrame, when: datetime
) -> None:
    card = scoring.load_model().with_context["engaged"]
    features = scoring.build_features(contacts, as_of=when)
    odds = card.intercept + card.contributions(features).sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), scored["priority"].to_numpy(), rtol=1e-12)


@pytest.mark.parametrize(
    ("days", "words"), [(0.2, "less than a day"), (3.5, "3 days"), (16, "2 to 3 weeks"), (800, "2 to 3 years")]
)
def test_a_sentence_says_the_row_s_own_value(days: float, words: str) -> None:
    feature = Feature("age", "days", "age", "age", "last wrote {} ago", "never wrote", pl.lit(None))
    card = Scorecard(0.0, (Table("age", [1.0, 100.0], [1.0, 0.5, -0.5, -1.0]),))
    strength = 1.0 if days <= 1 else 0.5 if days <= 100 else -0.5
    assert Explainer(card, {"age": feature}).reasons({"age": [days]}).to_list() == [
        f"last wrote {words} ago ({strength:+.2f})"
    ]


def test_near_copies_are_one_reason_told_by_the_stronger() -> None:
    features = {
        "a": Feature("a", "mails", "mails", "a", "wrote {}", "no a", pl.lit(None)),
        "b": Feature("b", "mails", "mails", "b", "sent {}", "no b", pl.lit(None)),
        "c": Feature("c", "flag", "copy", "c", "in copy: {}", "no c", pl.lit(None)),
    }
    tables = (Table("a", [], [0.4, -0.4]), Table("b", [], [0.5, 0.1]), Table("c", [0.5], [-0.2, 0.04, 0.0]))
    explainer = Explainer(Scorecard(0.0, tables), features)
    columns = {"a": [2, np.nan, np.nan], "b": [7, 7, np.nan], "c": [0, 1, np.nan]}
    assert explainer.reasons(columns).to_list() == [
        "sent 5 to 9 mails (+0.90); in copy: no (-0.20)",
        "sent 5 to 9 mails (+0.10)",
        "no a (-0.30)",
    ]


NO_TABLES = pytest.param((), marks=pytest.mark.xfail(strict=False, reason="gives one row, however many come in"))


@pytest.mark.parametrize("tables", [NO_TABLES, (Table("a", [3], [0.04, -0.04, 0.0]),)])
def test_a_row_like_all_others_says_so(tables: tuple[Table, ...]) -> None:
    feature = Feature("a", "mails", "mails", "a", "wrote {}", "no a", pl.lit(None))
    explainer = Explainer(Scorecard(1.0, tables), {"a": feature})
    assert explainer.reasons({"a": [1, 9, np.nan]}).to_list() == [NOTHING_STANDS_OUT] * 3


def test_a_feature_without_words_is_refused() -> None:
    with pytest.raises(scoring.ModelError, match="shoe_size"):
        Explainer(Scorecard(0.0, (Table("shoe_size", [], [0, 0]),)), BY_NAME)


UNITS = sorted(LADDERS)
VALUES = st.floats(-3, 3)


@st.composite
def cards(draw: st.DrawFn) -> tuple[Scorecard, dict[str, Feature]]:
    """A scorecard over up to eight features of up to four facts."""
    tables, features = [], {}
    for number in range(draw(st.integers(1, 8))):
        name, unit = f"f{number}", draw(st.sampled_from(UNITS))
        thresholds = sorted(draw(st.sets(st.sampled_from([-40, -1.5, 0, 0.25, 1, 3.5, 20, 400]), max_size=4)))
        values = draw(st.lists(VALUES, min_size=len(thresholds) + 2, max_size=len(thresholds) + 2))
        tables.append(Table(name, thresholds, values))
        fact = f"fact {draw(st.integers(0, 3))}"
        features[name] = Feature(name, unit, fact, name, f"{name} is {{}}", f"no {name}", pl.lit(None))
    return Scorecard(0.0, tuple(tables)), features


@given(made=cards(), data=st.data())
@settings(max_examples=40, deadline=None)
def test_reasons_of_any_scorecard_are_exact(made: tuple[Scorecard, dict[str, Feature]], data: st.DataObject) -> None:
    card, features = made
    cell = st.one_of(st.none(), st.floats(-1000, 1000, width=32))
    rows = data.draw(st.lists(st.tuples(*[cell] * len(features)), min_size=1, max_size=4))
    frame = pl.DataFrame(rows, schema=dict.fromkeys(features, pl.Float32()), orient="row")
    for text, facts in zip(Explainer(card, features).reasons(frame), facts_of(card, features, frame), strict=True):
        hold(text, facts)


def test_no_rows_have_no_reasons() -> None:
    feature = Feature("a", "mails", "mails", "a", "wrote {}", "no a", pl.lit(None))
    reasons = Explainer(Scorecard(0.0, (Table("a", [], [1, 0]),)), {"a": feature}).reasons({"a": []})
    assert reasons.to_list() == []
    assert reasons.dtype == pl.String
