"""Reasons: exact, strongest first, at most three each way, and true of the row."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import scoring
from scoring.features import FEATURES, Fact, Feature, compute_facts, observe
from scoring.rates import Rates
from scoring.reasons import EACH_WAY, LEAST, NOTHING_STANDS_OUT, Explainer
from scoring.scorecard import Scorecard
from scoring.scorecard.search import Search
from scoring.scorecard.table import Table
from scoring.wording import LADDERS, percent

REASON = re.compile(r"(.+?) \(([+-]\d+\.\d\d)\)(?:; |$)")
BY_NAME = {feature.name: feature for feature in FEATURES}


def fact(name: str, unit: str = "mails") -> Fact:
    return Fact(name, unit, f"{name} is {{}}", f"no {name}", pl.lit(None))


def feature(name: str, of: Fact) -> Feature:
    return Feature(name, of.unit, of, name, pl.lit(None))


def parsed(text: str) -> list[tuple[str, float]]:
    """Sentences and strengths; fails if anything else is in the text."""
    if text == NOTHING_STANDS_OUT:
        return []
    found = REASON.findall(text)
    assert "; ".join(f"{sentence} ({strength})" for sentence, strength in found) == text
    return [(sentence, float(strength)) for sentence, strength in found]


def told(
    features: list[Feature], contributions: Any, facts: pl.DataFrame, rates: Rates | None = None
) -> list[dict[str, tuple[float, str]]]:
    """For each row and fact the exact strength, and the sentence of the row's own value with its rate."""
    rows = []
    for added, values in zip(np.asarray(contributions).tolist(), facts.iter_rows(named=True), strict=True):
        row: dict[str, tuple[float, str]] = {}
        for amount, feature in zip(added, features, strict=True):
            about, value = feature.fact, values[feature.fact.name]
            missing = value is None or value != value
            said = about.absent if missing else about.phrase.format(LADDERS[about.unit].name(value))
            row[about.name] = (row.get(about.name, (0.0,))[0] + amount, said)
        for about in {feature.fact for feature in features} if rates is not None else ():
            total, said = row[about.name]
            row[about.name] = (total, said + figure(rates, about, values[about.name], total))
        rows.append(row)
    return rows


def figure(rates: Rates | None, about: Fact, value: float | None, total: float) -> str:
    """What stands behind a sentence: the share of all with such a value, where it points the same way."""
    assert rates is not None
    steps = [least for least, _ in LADDERS[about.unit].steps]
    missing = value is None or value != value
    place = len(steps) if missing else max(sum(least <= value for least in steps) - 1, 0)  # type: ignore[operator]
    rate = rates.of(about)[place]
    agrees = rate is not None and (rate > rates.overall if total > 0 else rate < rates.overall)
    return f" [{percent(rate)}]" if rate is not None and agrees else ""


def hold(text: str, facts: dict[str, tuple[float, str]]) -> None:
    """Hold one row's reasons against what its contributions are, to a millionth."""
    facts = {name: (round(total * 2**20) / 2**20, said) for name, (total, said) in facts.items()}
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
    given, totals = (some, context) if beside else (some.to_dicts(), None)
    scored = scoring.score(given, as_of=when, context=totals, model=model)
    texts = scored["reasons"].to_list() if beside else [row["reasons"] for row in scored]
    card: Scorecard = (model.with_context if beside else model.without_context)["engaged"]
    added = card.contributions(scoring.build_features(given, as_of=when, context=totals))
    facts, features = compute_facts(observe(some, when, totals)), [BY_NAME[name] for name in card.features]
    for text, row in zip(texts, told(features, added, facts, model.rates), strict=True):
        hold(text, row)


def test_contributions_and_intercept_are_the_priority(
    scored: pl.DataFrame, contacts: pl.DataFrame, when: datetime
) -> None:
    card = scoring.load_model().with_context["engaged"]
    features = scoring.build_features(contacts, as_of=when)
    odds = card.intercept + card.contributions(features).sum(axis=1)
    np.testing.assert_allclose(1 / (1 + np.exp(-odds)), scored["priority"].to_numpy(), rtol=1e-12)


def test_the_last_mail_is_told_as_it_was(contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime) -> None:
    """Apart from all code of the product: days parsed out of "last wrote 3 days ago", held against the export."""
    found = 0
    days = (pl.lit(when) - contacts["last_inbound_time"]).dt.total_seconds() / 86_400
    for text, ago in zip(scored["reasons"], contacts.select(days).to_series(), strict=True):
        for sentence, _ in parsed(text):
            if said := re.fullmatch(r"last wrote (\d+) days? ago( \[\d+ %\])?", sentence):
                found += 1
                assert int(said[1]) <= ago < int(said[1]) + 1
            elif re.fullmatch(r"never wrote( \[\d+ %\])?", sentence):
                assert ago is None
    assert found


SPANS = [(0.2, "less than a day"), (3.5, "3 days"), (16, "2 to 3 weeks"), (800, "2 to 3 years")]


@pytest.mark.parametrize(("days", "words"), SPANS)
def test_a_sentence_says_the_row_s_own_value(days: float, words: str) -> None:
    explainer = Explainer([feature("silence", fact("age", "days"))])
    for strength in (0.5, -0.5):
        reasons = explainer.reasons(np.array([[strength]]), pl.DataFrame({"age": [days]}))
        assert reasons.to_list() == [f"age is {words} ({strength:+.2f})"]


def test_near_copies_are_one_reason() -> None:
    mails, copy = fact("mails"), fact("copy", "flag")
    explainer = Explainer([feature("a", mails), feature("c", copy), feature("b", mails)])
    added = np.array([[0.4, -0.2, 0.5], [-0.4, 0.04, 0.6], [-0.4, 0.0, 0.1]])
    facts = pl.DataFrame({"copy": [0.0, 1.0, None], "mails": [7.0, None, 0.0]})
    assert explainer.reasons(added, facts).to_list() == [
        "mails is 5 to 9 mails (+0.90); copy is no (-0.20)",
        "no mails (+0.20)",
        "mails is no mail (-0.30)",
    ]


def rated(about: Fact, shares: list[float], rows: float = 100) -> Rates:
    thresholds, size = LADDERS[about.unit].thresholds, len(shares)
    tables = (Table(about.name, thresholds, values) for values in (np.full(size, rows), np.array(shares)))
    counts, table = tables
    return Rates(own=False, rows=300, overall=0.3, counts=(counts,), shares=(table,))


@pytest.mark.parametrize("rows", [1, 4])
def test_the_rate_stands_behind_the_sentence_where_it_points_the_same_way(rows: int) -> None:
    about = fact("copy", "flag")
    rates = rated(about, [0.641, 0.2, 0.001])
    explainer = Explainer([feature("c", about)], rates)
    for value, strength, expected in (
        (0.0, 0.5, "copy is no [64 %] (+0.50)"),
        (0.0, -0.5, "copy is no (-0.50)"),
        (1.0, 0.5, "copy is yes (+0.50)"),
        (1.0, -0.5, "copy is yes [20 %] (-0.50)"),
        (None, -0.5, "no copy [under 1 %] (-0.50)"),
        (None, 0.04, NOTHING_STANDS_OUT),
    ):
        facts = pl.DataFrame({"copy": [value] * rows}, schema={"copy": pl.Float32})
        assert explainer.reasons(np.full((rows, 1), strength), facts).to_list() == [expected] * rows


def test_reasons_need_no_quotes_in_a_csv_file(scored: pl.DataFrame) -> None:
    """A file without quotes is read several times as fast."""
    assert scored["reasons"].str.contains(r"\[\d+ %\]").mean() > 0.5
    assert not scored["reasons"].str.contains(r'[",\t\n]').any()


@pytest.mark.parametrize(
    "rates", [None, rated(fact("copy", "flag"), [0.9] * 3, rows=29), rated(fact("other", "flag"), [0.9] * 3)]
)
def test_without_a_rate_the_sentence_is_bare(rates: Rates | None) -> None:
    explainer = Explainer([feature("c", fact("copy", "flag"))], rates)
    assert explainer.reasons(np.array([[0.5]]), pl.DataFrame({"copy": [1.0]})).to_list() == ["copy is yes (+0.50)"]


@pytest.mark.parametrize("names", [[], ["a"], ["a", "b"]])
def test_a_row_like_all_others_says_so(names: list[str]) -> None:
    explainer = Explainer([feature(name, fact(name)) for name in names])
    facts = pl.DataFrame({"other": [0.0] * 3, **{name: [1.0, 2.0, None] for name in names}})
    assert explainer.reasons(np.full((3, len(names)), 0.04), facts).to_list() == [NOTHING_STANDS_OUT] * 3


def test_a_model_that_knows_nothing_says_so(contacts: pl.DataFrame, when: datetime, small_model: scoring.Model) -> None:
    cards = {target: Scorecard(-1.0, ()) for target in small_model.with_context}
    blank = replace(small_model, with_context=cards, without_context=cards)  # type: ignore[arg-type]
    scored = scoring.score(contacts, as_of=when, model=blank)
    assert scored["priority"].n_unique() == 1
    assert scored["reasons"].unique().to_list() == [NOTHING_STANDS_OUT]


def test_a_feature_without_words_is_refused() -> None:
    with pytest.raises(scoring.ModelError, match="shoe sizes"):
        Explainer([feature("a", fact("a", "shoe sizes"))])


@st.composite
def models(draw: st.DrawFn) -> list[Feature]:
    """Up to eight features of up to five facts."""
    facts = [fact(f"fact {number}", draw(st.sampled_from(sorted(LADDERS)))) for number in range(5)]
    return [feature(f"f{number}", draw(st.sampled_from(facts))) for number in range(draw(st.integers(1, 8)))]


AMOUNTS = st.one_of(st.floats(-3, 3), st.floats(-40, 40), st.sampled_from([0.0, -0.0, LEAST, -LEAST]))
VALUES = st.one_of(st.none(), st.floats(-1000, 1000, width=32), st.sampled_from([0.0, -0.0, 1e12]))


@given(features=models(), rows=st.integers(0, 4), data=st.data())
@settings(max_examples=40, deadline=None)
def test_reasons_of_any_contributions_are_exact(features: list[Feature], rows: int, data: st.DataObject) -> None:
    added = np.array(data.draw(st.lists(st.tuples(*[AMOUNTS] * len(features)), min_size=rows, max_size=rows)))
    names = list(dict.fromkeys(feature.fact.name for feature in features))
    cells = data.draw(st.lists(st.tuples(*[VALUES] * len(names)), min_size=rows, max_size=rows))
    facts = pl.DataFrame(cells, schema=dict.fromkeys(names, pl.Float32()), orient="row")
    reasons = Explainer(features).reasons(added.reshape(rows, len(features)), facts)
    assert reasons.dtype == pl.String
    for text, row in zip(reasons, told(features, added.reshape(rows, len(features)), facts), strict=True):
        hold(text, row)


@pytest.mark.parametrize("unit", LADDERS)
def test_many_rows_get_the_steps_that_a_single_one_gets(unit: str) -> None:
    thresholds = LADDERS[unit].thresholds
    near = [np.nextafter(thresholds, np.float32(way)) for way in (-np.inf, np.inf)]
    odd = np.array([0, -0.0, np.inf, -np.inf, np.nan, 1e30], dtype=np.float32)
    values = np.resize(np.concatenate([thresholds, *near, odd]), 10_000)
    sorted_search = np.append(thresholds, np.float32(np.inf)).searchsorted(values)
    assert (Search(thresholds).locate(values) == sorted_search).all()
