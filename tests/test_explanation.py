"""One contact whole: the parts add up to the chance, in words that are true of the row."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import scoring
from scoring.explanation import QUESTIONS, START
from scoring.features import FEATURES
from scoring.reasons import LEAST
from scoring.wording import LADDERS, percent

CHANCES = {
    "priority": "priority", "reply": "reply_probability", "meeting": "meeting_probability",
    "answer": "answer_probability",
}  # fmt: skip
ROWS = [0, 3, 17, 60, 150]


@pytest.mark.parametrize("row", ROWS)
@pytest.mark.parametrize("which", ["shipped", "small"])
def test_parts_add_up_to_every_chance(
    row: int, which: str, contacts: pl.DataFrame, when: datetime, small_model: scoring.Model
) -> None:
    model = scoring.load_model() if which == "shipped" else small_model
    who = contacts.row(row, named=True)
    found = scoring.explain_contact(
        contacts, who["crm_id"] or who["email"], rep=who["source_email"], model=model, as_of=when
    )
    scored = scoring.score(contacts, model=model, as_of=when).row(row, named=True)
    for target, column in CHANCES.items():
        parts = found.parts.filter(target=target)
        assert 1 / (1 + math.exp(-math.fsum(parts["log_odds"]))) == pytest.approx(scored[column], abs=1e-12)
        assert parts["chance"][-1] == pytest.approx(scored[column], abs=1e-12)
        np.testing.assert_allclose(parts["total"], np.cumsum(parts["log_odds"]), atol=1e-12)
        assert parts["place"].to_list() == list(range(parts.height))
        sizes = parts["log_odds"][2:].abs()
        assert sizes.is_sorted(descending=True)
        card = model.with_context["engaged" if target == "priority" else target]  # type: ignore[index]
        assert parts["total"][1] == pytest.approx(card.intercept, abs=1e-12)
        assert parts["fact"][:2].to_list() == ["start", "typical"]
        assert parts["sentence"][0] == START
        assert model.reference
        base = model.reference.chances["engaged" if target == "priority" else target]  # type: ignore[index]
        assert parts["chance"][0] == pytest.approx(base, abs=1e-12)
        assert ("high" in parts["sentence"][1]) == (parts["log_odds"][1] < 0)
    assert found.tier == scored["tier"]
    assert found.model_id == model.id
    assert found.as_of == when


@pytest.mark.parametrize("row", ROWS)
def test_facts_are_the_sums_of_their_features(row: int, contacts: pl.DataFrame, when: datetime) -> None:
    """In plain Python: tables looked up feature by feature, sentences by the ladders."""
    who = contacts.row(row, named=True)
    found = scoring.explain_contact(contacts, who["crm_id"] or who["email"], rep=who["source_email"], as_of=when)
    features = scoring.build_features(contacts, as_of=when).row(row, named=True)
    fact_of = {feature.name: feature.fact for feature in FEATURES}
    for target in CHANCES:
        card = scoring.load_model().with_context["engaged" if target == "priority" else target]  # type: ignore[index]
        expected: dict[str, float] = {}
        for table in card.tables:
            value = features[table.feature]
            place = (
                len(table.thresholds) + 1 if value is None else sum(value > cut for cut in table.thresholds.tolist())
            )
            name = fact_of[table.feature].name
            expected[name] = expected.get(name, 0.0) + float(table.values[place])
        parts = found.parts.filter(target=target)[2:]
        assert dict(parts.select("fact", "log_odds").iter_rows()) == pytest.approx(expected, abs=1e-12)
    mails = found.parts.filter(fact="mails from the contact")["sentence"]
    assert set(mails) == {f"wrote {LADDERS['mails'].name(who['total_inbound'])} so far"}


def test_the_strongest_are_the_reasons(contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime) -> None:
    for row in scored.head(25).iter_rows(named=True):
        found = scoring.explain_contact(
            contacts, row["crm_id"] or row["email"], rep=row["source_email"], as_of=when
        ).parts.filter(target="priority")
        told = {f"{part['sentence']} ({part['log_odds']:+.2f})" for part in found.iter_rows(named=True)}
        shown = [text for text in row["reasons"].split("; ") if "(" in text]
        assert {re.sub(r" \[(under |over )?\d+ %\] \(", " (", text) for text in shown} <= told


@pytest.mark.parametrize("row", ROWS)
def test_rates_are_those_of_the_model(
    row: int, contacts: pl.DataFrame, when: datetime, small_model: scoring.Model
) -> None:
    """A step is found by its name, and the rate by the step."""
    who = contacts.row(row, named=True)
    found = scoring.explain_contact(
        contacts, who["crm_id"] or who["email"], rep=who["source_email"], as_of=when, model=small_model
    )
    rates = small_model.rates
    assert rates
    assert (found.overall, found.counted_in) == (rates.overall, rates.source)
    for about in dict.fromkeys(feature.fact for feature in FEATURES):
        said = [*(about.phrase.format(name) for _, name in LADDERS[about.unit].steps), about.absent]
        for sentence, rate in found.parts.filter(fact=about.name, target="priority")["sentence", "rate"].iter_rows():
            assert rate == rates.of(about)[said.index(sentence)]
    assert found.parts.filter(pl.col("target") != "priority")["rate"].is_null().all()
    shown = " ".join(found.to_text("priority", 160).split())
    strong = found.parts.filter(pl.col("rate").is_not_null() & (pl.col("log_odds").abs() >= LEAST))
    for part in strong.iter_rows(named=True):
        assert f"{part['sentence']}: {percent(part['rate'])} of such contacts replied or met, against" in shown
    assert (f"Counted in {rates.source}." in shown) == ("of such contacts" in shown)
    assert "of such contacts" not in found.to_text("reply", 160)


def test_a_model_of_before_starts_at_the_average_contact(
    contacts: pl.DataFrame, when: datetime, small_model: scoring.Model
) -> None:
    bare = replace(small_model, reference=None, rates=None)
    found = scoring.explain_contact(contacts, contacts["email"].drop_nulls()[0], as_of=when, model=bare)
    for target in CHANCES:
        parts = found.parts.filter(target=target)
        assert parts.row(0)[2:4] == ("start", "the average contact")
        assert "typical" not in parts["fact"]
        assert parts["rate"].null_count() == parts.height
        assert "Rates are" not in found.to_text(target)
    assert (found.overall, found.counted_in) == (None, None)


def test_all_reps_of_a_contact_are_listed(contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime) -> None:
    address = (
        contacts.drop_nulls("email").group_by("email").agg(pl.len()).sort("len", "email", descending=True)["email"][0]
    )
    mine = scored.filter(email=address).sort("priority", descending=True)
    assert mine.height > 1
    found = scoring.explain_contact(contacts, f" {address.upper()} ", as_of=when)
    assert found.reps["priority"].to_list() == mine["priority"].to_list()
    assert found.reps["tier"].to_list() == mine["tier"].cast(pl.String).to_list()
    assert found.who["source_email"] == mine["source_email"][0]
    last = scoring.explain_contact(contacts, address, rep=mine["source_email"][-1].upper(), as_of=when)
    assert last.who["source_email"] == mine["source_email"][-1]
    assert last.parts.filter(target="priority")["chance"][-1] == pytest.approx(mine["priority"][-1], abs=1e-12)


def test_a_scored_export_says_its_own_date_and_model(
    scored: pl.DataFrame, when: datetime, small_model: scoring.Model, tmp_path: Path
) -> None:
    who = scored["crm_id"].drop_nulls()[7]
    found = scoring.explain_contact(scored, who)
    assert (found.as_of, found.note) == (when, None)
    with pytest.raises(scoring.ModelError, match="was scored by"):
        scoring.explain_contact(scored, who, model=small_model)
    changed = scored.with_columns(priority=pl.lit(0.123456))
    note = scoring.explain_contact(changed, who).note
    assert note is not None
    assert "in the file the priority is 12.3%" in note
    others = pl.col("crm_id").ne_missing(pl.lit(who))
    assert (
        scoring.explain_contact(
            scored.with_columns(pl.when(others).then(0.5).otherwise("priority").alias("priority")), who
        ).note
        is None
    )


def test_who_is_not_there_is_said_without_a_name(contacts: pl.DataFrame, messy_csv: Path, when: datetime) -> None:
    who = contacts["crm_id"].drop_nulls()[0]
    for arguments, match in (
        (("nobody@nowhere.example",), "has that crm_id or address"),
        ((who, "nobody@nowhere.example"), "none is the one given"),
    ):
        contact, rep = (*arguments, None)[:2]
        with pytest.raises(scoring.InputError, match=match) as raised:
            scoring.explain_contact(contacts, str(contact), rep=rep, as_of=when)
        assert "nowhere" not in str(raised.value)
    address = contacts["email"].drop_nulls()[0]
    with pytest.raises(scoring.InputError, match="has that crm_id"):
        scoring.explain_contact(contacts, address, as_of=when, suppress=[address])
    with pytest.raises(scoring.InputError, match="cannot be scored: unreadable_"):
        scoring.explain_contact(messy_csv, "002", as_of="2020-01-01")


# ---- the chart ------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def explanation(contacts: pl.DataFrame, when: datetime) -> Any:
    who = contacts.row(3, named=True)
    return scoring.explain_contact(contacts, who["crm_id"] or who["email"], rep=who["source_email"], as_of=when)


@pytest.mark.parametrize("width", [10, 40, 60, 83, 84, 100, 160])
@pytest.mark.parametrize("ascii_only", [True, False])
@pytest.mark.parametrize("target", QUESTIONS)
def test_a_chart_fits_and_holds_every_strong_fact(
    width: int, ascii_only: bool, target: str, explanation: scoring.Explanation
) -> None:
    text = explanation.to_text(target, width, ascii_only)
    assert max(map(len, text.splitlines())) <= max(width, 40)
    flat = " ".join(text.split())
    parts = explanation.parts.filter(target=target)
    strong = parts[1:].filter((pl.col("log_odds").abs() >= LEAST) | (pl.col("fact") == "typical"))
    amounts = [float(found) for found in re.findall(r"^ *([+-]\d+\.\d\d) ", text, re.MULTILINE)]
    assert amounts[: strong.height] == [float(f"{amount:.2f}") for amount in strong["log_odds"]]
    assert len(amounts) == strong.height + (strong.height < parts.height - 1)
    assert sum(amounts) == pytest.approx(parts["total"][-1] - parts["log_odds"][0], abs=0.0051 * len(amounts))
    assert f"{target}: {parts['chance'][-1]:.0%} chance of {QUESTIONS[target]}" in flat
    if width >= 160 or width in (40, 60, 83):
        letters = flat if width >= 160 else "".join(text.split())
        for sentence in strong["sentence"]:
            assert (sentence if width >= 160 else "".join(sentence.split())) in letters
    if ascii_only:
        assert text.replace("½", "").isascii()


def test_the_last_chance_shown_is_the_chance(explanation: scoring.Explanation) -> None:
    for target in QUESTIONS:
        lines = explanation.to_text(target, 120).splitlines()
        shown = [int(found) for line in lines for found in re.findall(r" (\d+)%  ", line)]
        chance = explanation.parts.filter(target=target)["chance"]
        assert shown[0] == round(chance[0] * 100)
        assert shown[-1] == shown[-2] == round(chance[-1] * 100)


def test_no_other_target(explanation: scoring.Explanation) -> None:
    with pytest.raises(scoring.InputError, match="no target 'engaged'"):
        explanation.to_text("engaged")


def test_it_goes_into_json(explanation: scoring.Explanation) -> None:
    told = json.loads(json.dumps(explanation.to_dict()))
    assert told["parts"] == explanation.parts.to_dicts()
    assert told["who"] == explanation.who
