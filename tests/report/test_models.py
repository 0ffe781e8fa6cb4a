"""The report of a model: what it says of dates that were held out is computed again here, in plain Python."""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import scoring
from scoring.config import Boosting, TrainingConfig
from scoring.features import FEATURES
from scoring.report.axes import AXES
from scoring.report.heldout import hold_out
from scoring.snapshots import take_snapshots

from .pages import Page
from .test_scores import is_close, number, replied, share

Exports = dict[datetime, pl.DataFrame]
Told = list[tuple[dict[str, Any], bool]]


@pytest.fixture(scope="module")
def page(exports: Exports) -> Page:
    return Page(scoring.report_model("shipped", exports=exports))


def known_rows(exports: Exports, place: int, model: scoring.Model | str) -> Told:
    """Rows of a date with their scores, and whether they replied within 30 days, where the next export proves it."""
    (when, export), (later, after) = list(exports.items())[place : place + 2]
    assert later - when == timedelta(days=30)
    scored = scoring.score(export, model=model, as_of=when)
    known = {(row["source_email"], row["crm_id"] or row["email"]): row for row in after.iter_rows(named=True)}
    told = [(row, replied(when, row, known)) for row in scored.iter_rows(named=True)]
    return [(row, outcome) for row, outcome in told if outcome is not None]


@pytest.fixture(scope="module")
def newest(exports: Exports) -> Told:
    return known_rows(exports, len(exports) - 2, "shipped")


def found_in(ordered: list[tuple[float, bool]], part: float) -> float:
    """How many of those who did it are in the first part of a list; equal scores count with their mean."""
    rows = part * len(ordered)
    ordered = sorted(ordered, key=lambda pair: -pair[0])
    found, start = 0.0, 0
    while start < len(ordered) and start < rows:
        alike = [outcome for score, outcome in ordered if score == ordered[start][0]]
        found += sum(alike) / len(alike) * min(len(alike), rows - start)
        start += len(alike)
    return found


def test_headline(page: Page, newest: Told) -> None:
    rate = statistics.fmean(outcome for _, outcome in newest)
    first = found_in([(row["reply_probability"], outcome) for row, outcome in newest], 0.1) / (0.1 * len(newest))
    assert is_close(page.figures["base-rate"], rate)
    assert is_close(page.figures["first-tenth"], first)
    assert is_close(page.figures["lift"], first / rate)
    assert is_close(page.figures["each"], 1 / first)
    label = next(each.text for each in page.root.all("dt") if "against" in each.text)
    assert is_close(label.split()[-3], 1 / rate)
    assert f"of {len(newest):,} contacts replied" in page.html


def test_gains(page: Page, newest: Told) -> None:
    came = sum(outcome for _, outcome in newest)
    by_model = [(row["reply_probability"], outcome) for row, outcome in newest]
    by_mail = [(row["last_inbound_time"].timestamp() if row["last_inbound_time"] else 0, o) for row, o in newest]
    shown = page.table("gains-table")
    assert [share(row[0]) for row in shown] == [step / 20 for step in range(1, 21)]
    for worked, own, sort in shown:
        assert is_close(own, found_in(by_model, share(worked)) / came)
        assert is_close(sort, found_in(by_mail, share(worked)) / came)
    half = next(row[0] for row in shown if found_in(by_model, share(row[0])) / came >= 0.5)
    assert f"are among the first {half}." in page.section("gains")


def test_the_curve_is_the_table(page: Page) -> None:
    path = next(each for each in page.root.all("path") if each.attributes["class"] == "line own")
    points = [tuple(map(float, point.split())) for point in path.attributes["d"].removeprefix("M").split("L")]
    left, right = points[0][0], points[-1][0]
    bottom, top = points[0][1], points[-1][1]
    for (x, y), (worked, own, _) in zip(points[1:], page.table("gains-table"), strict=True):
        assert (x - left) / (right - left) == pytest.approx(share(worked), abs=1e-4)
        assert (bottom - y) / (bottom - top) == pytest.approx(share(own), abs=0.0051)


def test_tiers(page: Page, newest: Told) -> None:
    for tier, what, contacts, expected, came, part, _ in page.table("came-table"):
        if what != "replied":
            continue
        inside = [(row, outcome) for row, outcome in newest if row["tier"] == tier[-1]]
        assert (number(contacts), number(came)) == (len(inside), sum(outcome for _, outcome in inside))
        assert is_close(expected, math.fsum(row["reply_probability"] for row, _ in inside))
        assert is_close(part, statistics.fmean(outcome for _, outcome in inside))


def test_reliability(page: Page, newest: Told) -> None:
    shown = page.table("reliability-table")
    assert sum(number(row[1]) for row in shown) == len(newest)
    dots = [each for each in page.root.all("circle") if each.attributes["class"] == "dot"]
    assert len(dots) == len(shown)
    weighted = sum(number(row[1]) * share(row[3]) for row in shown) / len(newest)
    assert weighted == pytest.approx(statistics.fmean(outcome for _, outcome in newest), abs=0.005)


def test_every_date_is_there(page: Page, exports: Exports) -> None:
    shown = page.table("dates-table")
    assert len(shown) == len(exports) - 1
    for place, (when, row) in enumerate(zip(exports, shown, strict=False)):
        told = known_rows(exports, place, "shipped")
        rate = statistics.fmean(outcome for _, outcome in told)
        first = found_in([(each["reply_probability"], outcome) for each, outcome in told], 0.1) / (0.1 * len(told))
        by_mail = [(each["last_inbound_time"].timestamp() if each["last_inbound_time"] else 0, o) for each, o in told]
        assert row[0] == f"{when.day} {when:%B %Y}"
        assert number(row[1]) == len(told)
        assert is_close(row[2], rate)
        assert is_close(row[3], first)
        assert is_close(row[4], first / rate)
        assert is_close(row[5], found_in(by_mail, 0.1) / (0.1 * len(told)))


def test_kinds_of_contact(page: Page, exports: Exports) -> None:
    told = [pair for place in range(len(exports) - 1) for pair in known_rows(exports, place, "shipped")]
    shown = {row[0]: row[1:] for row in page.table("segments-table")}
    groups = {"Everyone": told}
    groups |= {
        f"Evidence: {level}": [pair for pair in told if pair[0]["evidence"] == level] for level in ("thin", "enough")
    }
    assert "Everyone" in shown
    for name, inside in groups.items():
        if name in shown and name != "Everyone":
            assert len(inside) < len(told)  # a kind that all are tells nothing
        if name in shown:
            contacts, expected, came, _ = shown[name]
            assert number(contacts) == len(inside)
            assert is_close(expected, statistics.fmean(row["reply_probability"] for row, _ in inside))
            assert is_close(came, statistics.fmean(outcome for _, outcome in inside))


def test_shapes_are_the_models_own_tables(page: Page) -> None:
    document = json.loads(scoring.load_model().document)
    reference = {table["feature"]: table for table in document["reference"]["features"]}
    tables = {table["feature"]: table for table in document["with_context"]["engaged"]["tables"]}
    captions = [each.text for each in page.root.all("figcaption") if each.all("code")]
    names = [caption.partition(".")[0] for caption in captions]
    facts = {feature.name: feature.fact for feature in FEATURES}
    assert len({facts[name] for name in names}) == len(names) == 6
    for place, name in enumerate(names, start=1):
        rows = page.table(f"shape-{place}-table")
        marks = reference[name]["thresholds"]
        assert [row[0] for row in rows][len(marks)] == "more"
        for mark, (_, odds) in zip(marks, rows, strict=False):
            place_in = sum(threshold < mark for threshold in tables[name]["thresholds"])
            assert is_odds(odds, math.exp(tables[name]["values"][place_in]))
        assert is_odds(rows[len(marks)][1], math.exp(tables[name]["values"][-2]))
        if reference[name]["values"][-1] > 0:
            assert is_odds(rows[-1][1], math.exp(tables[name]["values"][-1]))


def is_odds(shown: str, value: float) -> bool:
    top, _, under = shown.rstrip("×").partition("/")
    if under:
        return abs(1 / value - float(under)) <= 0.51
    return abs(value - float(top)) <= (0.51 if float(top) >= 10 else 0.051)


def test_drift_is_what_is_measured(page: Page, exports: Exports) -> None:
    drift = scoring.measure_drift("shipped", exports)
    said = page.section("drift")
    for sentence in drift.verdict.split("; "):
        assert sentence[1:] in said
    for row, (feature, shift, psi, by_chance) in zip(
        drift.features.to_dicts(), page.table("drift-table"), strict=False
    ):
        assert feature == row["feature"]
        assert is_close(shift, row["shift"])
        assert is_close(psi, row["psi"])
        assert is_close(by_chance, row["by_chance"])


def test_a_model_that_has_seen_it_all_is_judged_by_twins(exports: Exports) -> None:
    exports, config = dict(list(exports.items())[1:]), TrainingConfig(boosting=Boosting(iterations=5))
    page = Page(scoring.report_model(scoring.train(exports, config=config), exports=exports))
    assert "a twin stands in for it" in page.section("gains")
    before = dict(list(exports.items())[:-1])  # what was known on the newest date that can be judged
    twin = scoring.train(before, config=config)
    told = known_rows(exports, len(exports) - 2, twin)
    for tier, what, contacts, expected, came, *_ in page.table("came-table"):
        if what == "replied":
            inside = [(row, outcome) for row, outcome in told if row["tier"] == tier[-1]]
            assert (number(contacts), number(came)) == (len(inside), sum(outcome for _, outcome in inside))
            assert is_close(expected, math.fsum(row["reply_probability"] for row, _ in inside))


def test_a_model_is_judged_by_itself_where_it_can_be(exports: Exports, quick: TrainingConfig) -> None:
    dates = list(exports)
    model = scoring.train({when: exports[when] for when in dates[:2]}, config=quick)
    held = hold_out(model, take_snapshots(exports))
    assert held is not None
    assert held.itself
    assert set(held.dates["as_of"]) == set(dates[1:3])  # it learned from what followed the first, and from no later
    assert "This model had seen nothing of it" in scoring.report_model(model, exports=exports)


def test_what_is_not_known_is_not_made_up(own_model: scoring.Model, exports: Exports) -> None:
    for model in ("shipped", own_model):
        page = Page(scoring.report_model(model))
        assert "scoring report MODEL --exports" in page.section("proof")
        for name in ("gains-table", "came-table", "reliability-table", "segments-table", "drift-table"):
            assert not page.has(name)
        chances = scoring.load_model(model).reference.chances
        rates = scoring.load_model(model).rates
        assert f"{rates.rows:,} rows of" in page.html
        words = page.root.all("header")[0].text.partition(" replied or met")[0].split()
        assert is_close(words[-1], rates.overall)
        for target, mean in chances.items():
            assert is_close(page.figures[f"mean-{target}"], mean)
    recalibrated = scoring.recalibrate("shipped", exports)
    page = Page(scoring.report_model(recalibrated, exports=exports))
    assert "the model has learned from all of them" in page.section("proof")
    assert not page.has("gains-table")
    assert page.has("drift-table")


def test_a_period_that_is_not_over_proves_nothing(exports: Exports) -> None:
    when, export = list(exports.items())[-2]
    soon = when + timedelta(days=10)
    page = Page(scoring.report_model("shipped", exports={when: export, soon: export.with_columns(total_meetings=9)}))
    assert "none was made 30 days after another" in page.section("proof")
    assert not page.has("gains-table")


def test_an_old_model_without_a_reference_has_a_page(own_model: scoring.Model) -> None:
    page = Page(scoring.report_model(replace(own_model, reference=None, rates=None)))
    assert is_close(page.figures["cut-A"], own_model.tier_cuts[0])
    assert page.table("shape-1-table")


def test_one_export_is_refused(exports: Exports) -> None:
    when, export = next(iter(exports.items()))
    with pytest.raises(scoring.InputError, match="one export"):
        scoring.report_model("shipped", exports={when: export})


def test_the_card_is_that_of_the_folder(own_model: scoring.Model, tmp_path: Path) -> None:
    own_model.save(
        tmp_path / "model", card="# Model card\n\nMade by hand.\n\n## What it cannot know\n\n- <b>Much</b>.\n"
    )
    page = Page(scoring.report_model(tmp_path / "model"))
    for said in ("Made by hand.", "What it cannot know", "<b>Much</b>."):
        assert said in page.section("card")
    for shipped in ("shipped", scoring.load_model()):
        assert "other simulated organisations" in Page(scoring.report_model(shipped)).section("card")
    assert "Learned from 4 exports" in Page(scoring.report_model(own_model)).section("card")


def test_nobody_is_named(page: Page, exports: Exports) -> None:
    for export in exports.values():
        for column in ("email", "source_email", "crm_id", "account_domain", "account_name", "phone"):
            assert not [value for value in export[column].drop_nulls().unique() if value in page.html]


def test_every_feature_has_words_that_fit_below_a_chart() -> None:
    assert list(AXES) == [feature.name for feature in FEATURES]
    assert max(map(len, AXES.values())) <= 54
