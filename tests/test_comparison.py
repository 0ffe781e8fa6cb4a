"""Two exports compared: the parts add up to the move, and each part is what it says."""

from __future__ import annotations

import math
import warnings
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.features import compute, observe
from scoring.moves import AS_BEFORE, PARTS
from scoring.schema import empty
from scoring.scorecard import calibrate
from scoring.simulation import Organisation
from scoring.trends import LEAST_POINTS, TREND_ODDS

PAIR = ["source_email", "crm_id", "email"]
MOVES = [f"move_{part}" for part in PARTS]
CHANCES = [f"chance_{part}" for part in PARTS]


@pytest.fixture(scope="module")
def then(when: datetime) -> datetime:
    return when - timedelta(days=30)


@pytest.fixture(scope="module")
def old(organisation: Organisation, then: datetime) -> pl.DataFrame:
    return organisation.export(then)


@pytest.fixture(scope="module")
def comparison(old: pl.DataFrame, contacts: pl.DataFrame, then: datetime, when: datetime) -> scoring.Comparison:
    return scoring.compare(old, contacts, old_as_of=then, new_as_of=when)


def log_odds(chance: pl.Series) -> pl.Series:
    return (chance / (1 - chance)).log()


def size(frame: pl.DataFrame, *names: str) -> float:
    """The greatest absolute value in some columns of the contacts that are in both."""
    return max(frame.filter(status="both")[name].abs().max() for name in names)  # type: ignore[type-var]


# ---- exactness ------------------------------------------------------------------------------------------------------


def test_parts_add_up_to_the_move(comparison: scoring.Comparison) -> None:
    both = comparison.moves.filter(status="both")
    assert both.height > 100
    for whole, parts, priority in (("move", MOVES, log_odds), ("chance", CHANCES, lambda chance: chance)):
        difference = priority(both["new_priority"]) - priority(both["old_priority"])
        np.testing.assert_allclose(both[whole], difference, rtol=0, atol=1e-9)
        np.testing.assert_allclose(both.select(parts).to_numpy().sum(axis=1), both[whole], rtol=0, atol=1e-9)
    for part in PARTS[1:]:
        assert size(comparison.moves, f"move_{part}") > 0.05


def test_priorities_are_those_of_scoring(
    comparison: scoring.Comparison, old: pl.DataFrame, contacts: pl.DataFrame, then: datetime, when: datetime
) -> None:
    for which, export, date in (("old", old, then), ("new", contacts, when)):
        scored = scoring.score(export, as_of=date).select(*PAIR, "priority", "tier")
        there = comparison.moves.filter(pl.col(f"{which}_priority").is_not_null())
        joined = there.join(scored, on=PAIR, how="full", nulls_equal=True)
        assert joined.height == there.height == export.height
        assert joined[f"{which}_priority"].equals(joined["priority"])
        assert joined[f"{which}_tier"].cast(pl.String).equals(joined["tier"].cast(pl.String))


def test_nothing_changed_nothing_moved(contacts: pl.DataFrame, when: datetime) -> None:
    moves = scoring.compare(contacts, contacts, old_as_of=when, new_as_of=when).moves
    assert size(moves, "move", "chance", *MOVES, *CHANCES) == 0
    assert set(moves["why"]) == {AS_BEFORE}
    assert set(moves["trend"]) <= {"steady", "not enough"}


@pytest.mark.parametrize("days", [0.5, 12, 30, 400])
def test_a_later_date_alone_is_time(days: float, contacts: pl.DataFrame, when: datetime) -> None:
    later = when + timedelta(days=days)
    moves = scoring.compare(contacts, contacts, old_as_of=when, new_as_of=later).moves
    assert size(moves, "move_model", "move_activity", "move_context") == 0
    assert size(moves, "move_time") > 0
    assert moves["move"].equals(moves["move_time"].rename("move"))


def test_other_rows_alone_are_context(contacts: pl.DataFrame, when: datetime) -> None:
    mine = pl.int_range(pl.len()) % 2 == 0
    busier = contacts.with_columns(
        pl.when(mine).then(name).otherwise(pl.col(name) * 3 + 2).alias(name)
        for name in ("total_inbound", "total_inbound_30d", "total_outbound", "total_meetings", "total_meetings_30d")
    )
    moves = scoring.compare(contacts, busier, old_as_of=when, new_as_of=when).moves
    same = moves.join(contacts.filter(mine).select(PAIR), on=PAIR, how="semi", nulls_equal=True)
    assert same.height > 50
    assert size(same, "move_model", "move_time", "move_activity") == 0
    assert size(same, "move_context") > 0.01
    assert size(moves, "move_time") == 0


@pytest.mark.parametrize("row", [0, 3, 50, 111])
def test_a_row_of_its_own_alone_is_activity(row: int, contacts: pl.DataFrame, when: datetime) -> None:
    """Though every total of the rep, the account and the contact holds the row, too."""
    here = pl.int_range(pl.len()) == row
    recent = pl.lit(when - timedelta(days=1))
    changed = contacts.with_columns(
        *(
            pl.when(here).then(pl.col(name).fill_null(0) + 4).otherwise(name).alias(name)
            for name in ("total_inbound", "total_inbound_30d", "total_outbound")
        ),
        *(
            pl.when(here).then(recent).otherwise(name).alias(name)
            for name in ("last_inbound_time", "last_engaged_time")
        ),
    )
    moves = scoring.compare(contacts, changed, old_as_of=when, new_as_of=when).moves
    mine = moves.join(contacts[[row]].select(PAIR), on=PAIR, how="semi", nulls_equal=True)
    assert size(mine, "move_model", "move_time", "move_context") == 0
    assert mine["move_activity"].item() == mine["move"].item() != 0
    others = moves.join(contacts[[row]].select(PAIR), on=PAIR, how="anti", nulls_equal=True)
    assert size(others, "move_activity") == 0


def test_another_model_alone_is_model(
    contacts: pl.DataFrame, when: datetime, small_model: scoring.Model, scored: pl.DataFrame
) -> None:
    dates: dict[str, Any] = {"old_as_of": when, "new_as_of": when}
    moves = scoring.compare(contacts, contacts, model=small_model, old_model="shipped", **dates).moves
    assert size(moves, *MOVES[1:]) == 0
    assert size(moves, "move_model") > 0.05
    assert set(moves["trend"]) <= {"steady", "not enough"}
    assert any("the new model (" in why for why in moves["why"])
    # of a file that was scored by a model that is not at hand, the scores are taken as they stand
    found = scoring.compare(scored, contacts, model=small_model, new_as_of=when)
    assert_frame_equal(found.moves, moves, abs_tol=1e-9)
    assert any("as they stand" in note for note in found.notes)
    assert found.old.model_id == scored["model_id"][0]


# ---- the parts, computed once more in plain Python -------------------------------------------------------------------


def aged(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The old row 30 days later, had nothing happened: its counts of 30 days are 0."""
    return {**old, **{name: 0 if old[name] is not None else None for name in old if name.endswith("_30d")}}


def features_among(row: dict[str, Any], others: list[dict[str, Any]], as_of: datetime) -> pl.DataFrame:
    """The features of a row in an export of it and others: the whole export, and then the first row."""
    export = pl.DataFrame([row, *others], schema=empty().schema)
    totals = scoring.Context.of(export, as_of)
    return compute(observe(export.head(1), as_of, totals))


@pytest.mark.parametrize("place", [0, 1, 7, 40, 90])
def test_each_state_is_an_export_with_the_row_in_the_place_of_its_old_self(
    place: int,
    comparison: scoring.Comparison,
    old: pl.DataFrame,
    contacts: pl.DataFrame,
    then: datetime,
    when: datetime,
) -> None:
    card = scoring.load_model().with_context["engaged"]
    both = comparison.moves.filter(status="both")
    move = both.row(place, named=True)
    before, after = old.to_dicts(), contacts.to_dicts()

    def find(rows: list[dict[str, Any]]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        mine = [row for row in rows if all(row[name] == move[name] for name in PAIR)]
        assert len(mine) == 1
        return mine[0], [row for row in rows if row is not mine[0]]

    (row, others), (new_row, new_others) = find(before), find(after)
    states = [
        features_among(row, others, then),
        features_among(aged(row, new_row), others, when),
        features_among(new_row, others, when),
        features_among(new_row, new_others, when),
    ]
    path = [card.intercept + sum(card.contributions(state)[0]) for state in states]
    for part, lower, upper in zip(PARTS[1:], path[:-1], path[1:], strict=True):
        assert move[f"move_{part}"] == pytest.approx(upper - lower, abs=1e-9)
    assert move["move"] == pytest.approx(path[-1] - path[0], abs=1e-9)
    chance = [1 / (1 + math.exp(-odds)) for odds in path]
    assert move["chance_time"] == pytest.approx(chance[1] - chance[0], abs=1e-9)


def test_the_words_of_a_move_are_its_strongest_facts(comparison: scoring.Comparison) -> None:
    """Strongest first, at most three, each with its log-odds."""
    told = 0
    for row in comparison.moves.filter(status="both").iter_rows(named=True):
        amounts = [float(text.rsplit(", ", 1)[-1][:-1]) for text in row["why"].split("; ") if text != AS_BEFORE]
        assert [abs(amount) for amount in amounts] == sorted((abs(amount) for amount in amounts), reverse=True)
        assert len(amounts) <= 3
        told += len(amounts)
    assert told


# ---- who is compared, and what is said -------------------------------------------------------------------------------


def test_new_and_gone(comparison: scoring.Comparison, old: pl.DataFrame, contacts: pl.DataFrame) -> None:
    ours = {row: set(frame.select(PAIR).iter_rows()) for row, frame in (("old", old), ("new", contacts))}
    found = {
        status: set(comparison.moves.filter(status=status).select(PAIR).iter_rows())
        for status in ("both", "new", "gone")
    }
    assert found["both"] == ours["old"] & ours["new"]
    assert found["new"] == ours["new"] - ours["old"]
    assert found["gone"] == ours["old"] - ours["new"]
    assert found["new"]
    lone = comparison.moves.filter(pl.col("status") != "both")
    assert lone.select("move", *MOVES, "chance", *CHANCES).null_count().row(0) == (lone.height,) * 10
    assert set(lone["trend"]) == {"not enough"}


def test_a_contact_that_got_into_the_crm_is_the_same(
    comparison: scoring.Comparison, old: pl.DataFrame, contacts: pl.DataFrame, then: datetime, when: datetime
) -> None:
    """By its address, where one of the exports has no `crm_id`; two ids are two contacts."""
    known = comparison.moves.filter(pl.col("status") == "both", pl.col("crm_id").is_not_null())
    one, other = known.drop_nulls("email").unique("email").sort("email").head(2).rows(named=True)

    def with_id(row: dict[str, Any], crm_id: str | None) -> pl.DataFrame:
        is_it = pl.all_horizontal(pl.col(name) == row[name] for name in PAIR)
        return old.with_columns(pl.when(is_it).then(pl.lit(crm_id)).otherwise("crm_id").alias("crm_id"))

    found = scoring.compare(with_id(one, None), contacts, old_as_of=then, new_as_of=when)
    assert_frame_equal(found.moves, comparison.moves, check_exact=True)
    found = scoring.compare(with_id(other, "another"), contacts, old_as_of=then, new_as_of=when)
    assert found.to_dict()["status"]["gone"] == comparison.to_dict()["status"]["gone"] + 1


def test_rows_of_one_address_are_not_guessed_at(contacts: pl.DataFrame, when: datetime) -> None:
    """Two contacts of one address, and later one of them without an id: it could be either."""
    base = contacts.drop_nulls(PAIR).head(2)
    first = {name: base[name][0] for name in ("source_email", "email")}
    old = base.with_columns(pl.lit(value).alias(name) for name, value in first.items())
    new = old.head(1).with_columns(pl.lit(None, dtype=pl.String).alias("crm_id"))
    found = scoring.compare(old, new, old_as_of=when, new_as_of=when)
    assert found.to_dict()["status"] == {"both": 0, "new": 1, "gone": 2}
    one = scoring.compare(old.head(1), new, old_as_of=when, new_as_of=when)
    assert one.to_dict()["status"] == {"both": 1, "new": 0, "gone": 0}


def test_contacts_of_no_rep_are_matched(contacts: pl.DataFrame, when: datetime) -> None:
    alone = contacts.unique("crm_id").with_columns(pl.lit(None, dtype=pl.String).alias("source_email"))
    found = scoring.compare(alone, alone, old_as_of=when, new_as_of=when)
    assert found.to_dict()["status"]["both"] == found.moves.height == found.new.scored
    without_id = alone.drop_nulls("email").unique("email")
    nameless = without_id.with_columns(pl.lit(None, dtype=pl.String).alias("crm_id"))
    found = scoring.compare(nameless, without_id, old_as_of=when, new_as_of=when)
    assert found.to_dict()["status"]["both"] == without_id.height


def test_rows_that_go_are_gone(old: pl.DataFrame, contacts: pl.DataFrame, then: datetime, when: datetime) -> None:
    few = contacts.head(100)
    comparison = scoring.compare(old, few, old_as_of=then, new_as_of=when)
    gone = comparison.moves.filter(status="gone")
    assert gone.height == old.join(few, on=PAIR, how="anti", nulls_equal=True).height
    assert gone["old_priority"].is_sorted(descending=True)
    assert gone["new_priority"].null_count() == gone.height
    assert "gone, highest priority first" in comparison.to_text()


def test_the_trend_is_what_it_is_said_to_be(comparison: scoring.Comparison, contacts: pl.DataFrame) -> None:
    known = dict(
        zip(
            contacts.select(PAIR).iter_rows(),
            contacts.select(pl.sum_horizontal("total_inbound", "total_outbound", "total_meetings") > 0).to_series(),
            strict=True,
        )
    )
    seen = set()
    for row in comparison.moves.filter(status="both").iter_rows(named=True):
        odds = math.exp(row["move"] - row["move_model"])
        points = row["chance"] - row["chance_model"]
        expected = "steady"
        if not known[tuple(row[name] for name in PAIR)]:
            expected = "not enough"
        elif odds >= TREND_ODDS and points >= LEAST_POINTS:
            expected = "improving"
        elif odds <= 1 / TREND_ODDS and points <= -LEAST_POINTS:
            expected = "declining"
        assert row["trend"] == expected
        seen.add(expected)
    assert seen >= {"improving", "steady", "declining"}


def test_the_order_of_rows_changes_nothing(
    comparison: scoring.Comparison, old: pl.DataFrame, contacts: pl.DataFrame, then: datetime, when: datetime
) -> None:
    again = scoring.compare(
        old.sample(fraction=1, shuffle=True, seed=1),
        contacts.sample(fraction=1, shuffle=True, seed=2),
        old_as_of=then,
        new_as_of=when,
    )
    assert_frame_equal(again.moves, comparison.moves, check_exact=True)
    assert again.to_text() == comparison.to_text()
    assert again.to_dict() == comparison.to_dict()


def test_scored_or_not_in_a_file_or_not_is_the_same(
    comparison: scoring.Comparison,
    old: pl.DataFrame,
    contacts: pl.DataFrame,
    then: datetime,
    when: datetime,
    tmp_path: Path,
) -> None:
    scoring.score(old, as_of=then).write_parquet(tmp_path / "old.parquet")
    contacts.write_parquet(tmp_path / "contacts.parquet")
    scoring.score_file(tmp_path / "contacts.parquet", tmp_path / "new.csv", as_of=when)
    again = scoring.compare(tmp_path / "old.parquet", tmp_path / "new.csv")
    assert_frame_equal(again.moves, comparison.moves, check_exact=True)
    assert again.notes == ()
    assert (again.old.as_of, again.new.as_of) == (then, when)


def test_equal_rows_are_one_contact(
    comparison: scoring.Comparison, old: pl.DataFrame, contacts: pl.DataFrame, then: datetime, when: datetime
) -> None:
    twice = scoring.compare(pl.concat([old, old.head(9)]), contacts, old_as_of=then, new_as_of=when)
    assert_frame_equal(twice.moves, comparison.moves, check_exact=True)
    assert twice.old.rows == old.height + 9
    assert twice.old.scored == old.height


def test_whoever_is_suppressed_is_in_nothing(
    old: pl.DataFrame, contacts: pl.DataFrame, then: datetime, when: datetime
) -> None:
    address = old["email"].drop_nulls()[0]
    rows = {"old": old, "new": contacts}
    known = {
        which: (frame["email"].str.to_lowercase() == address.lower()).fill_null(False).sum()
        for which, frame in rows.items()
    }
    found = scoring.compare(old, contacts, old_as_of=then, new_as_of=when, suppress=[address])
    assert (found.old.suppressed, found.new.suppressed) == (known["old"], known["new"])
    assert address not in found.moves["email"].to_list()
    assert address not in found.to_text(top=10_000)
    scored = scoring.compare(scoring.score(old, as_of=then), scoring.score(contacts, as_of=when), suppress=[address])
    assert address not in scored.moves["email"].to_list()
    assert all("without" in note for note in scored.notes)


def test_scores_that_are_not_those_computed_anew_are_named(scored: pl.DataFrame) -> None:
    with pytest.warns(scoring.SchemaWarning, match="are not those computed anew"):
        found = scoring.compare(scored.head(60), scored)
    assert "old export" in found.notes[0]
    changed = scored.with_columns(priority=pl.when(pl.int_range(pl.len()) == 3).then(0.5).otherwise("priority"))
    with pytest.warns(scoring.SchemaWarning, match="^1 of .* scores in the new export"):
        scoring.compare(scored, changed)


def test_scores_by_another_model_are_refused(scored: pl.DataFrame, small_model: scoring.Model) -> None:
    with pytest.raises(scoring.ModelError, match=r"new export was scored by shipped-.*--model"):
        scoring.compare(scored, scored, model=small_model)
    with pytest.raises(scoring.ModelError, match=r"old export was scored by shipped-.*--old-model"):
        scoring.compare(scored, scored, old_model=small_model)


def test_what_cannot_be_compared_is_refused(scored: pl.DataFrame, contacts: pl.DataFrame, when: datetime) -> None:
    earlier = when - timedelta(days=1)
    with pytest.raises(scoring.InputError, match="older one first"):
        scoring.compare(contacts, contacts, old_as_of=when, new_as_of=earlier)
    with pytest.raises(scoring.InputError, match="was scored as of"):
        scoring.compare(scored, scored, old_as_of=earlier)
    with pytest.raises(scoring.InputError, match="given as records"):
        scoring.compare(contacts.head(2).to_dicts(), contacts, old_as_of=when, new_as_of=when)
    mixed = scored.with_columns(model_id=pl.when(pl.int_range(pl.len()) == 3).then(pl.lit("x")).otherwise("model_id"))
    with pytest.raises(scoring.InputError, match="by 2 models"):
        scoring.compare(mixed, scored)


@pytest.mark.parametrize("empty_one", ["old", "new", "both"])
def test_an_empty_export_is_compared(empty_one: str, contacts: pl.DataFrame, when: datetime) -> None:
    old = contacts.clear() if empty_one != "new" else contacts
    new = contacts.clear() if empty_one != "old" else contacts
    found = scoring.compare(old, new, old_as_of=when, new_as_of=when)
    assert found.moves.filter(status="both").is_empty()
    assert found.moves.height == max(old.height, new.height)
    assert "no contact is in both" in found.to_text()
    assert found.parts["largest"].sum() == 0


def test_the_figures_are_those_of_the_moves(comparison: scoring.Comparison) -> None:
    figures = comparison.to_dict()
    both = comparison.moves.filter(status="both")
    assert sum(figures["status"].values()) == comparison.moves.height
    assert sum(figures["trend"].values()) == both.height == figures["status"]["both"]
    assert sum(tier["contacts"] for tier in figures["tiers"]) == both.height
    rows = both.select(MOVES).rows()
    largest = [max(range(len(PARTS)), key=lambda place: abs(row[place])) for row in rows if any(row)]
    for place, part in enumerate(figures["parts"]):
        assert part["part"] == PARTS[place]
        assert part["mean"] == pytest.approx(sum(row[place] for row in rows) / len(rows))
        assert part["mean_size"] == pytest.approx(sum(abs(row[place]) for row in rows) / len(rows))
        assert part["largest"] == largest.count(place)


def test_the_text_shows_risers_and_fallers(comparison: scoring.Comparison) -> None:
    text = comparison.to_text(top=3)
    both = comparison.moves.filter(status="both").sort("chance", descending=True)
    for rows in (both.head(3), both.tail(3)):
        for row in rows.iter_rows(named=True):
            assert row["why"] in text
            assert f"{row['old_priority']:.0%} -> {row['new_priority']:>4.0%}" in text
    assert comparison.to_text(top=0).count("->") == 0


def test_a_calibrated_model_moves_every_score_alike(contacts: pl.DataFrame, when: datetime) -> None:
    """An offset of the log-odds is the part of the model, of every contact, exactly."""
    shipped = scoring.load_model()
    cards = {target: calibrate(card, 0.25, 1.0) for target, card in shipped.with_context.items()}
    moved = replace(shipped, name="moved", with_context=cards)
    moves = scoring.compare(
        contacts, contacts, model=moved, old_model=shipped, old_as_of=when - timedelta(days=9), new_as_of=when
    ).moves
    np.testing.assert_allclose(moves["move_model"], 0.25, atol=1e-9)
    assert size(moves, "move_time") > 0


def test_warnings_of_reading_are_given_once(export_csv: Path, when: datetime, tmp_path: Path) -> None:
    short = pl.read_csv(export_csv, infer_schema=False).drop("phone", "state")
    short.write_csv(tmp_path / "short.csv")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        scoring.compare(tmp_path / "short.csv", export_csv, old_as_of=when, new_as_of=when)
    assert len([one for one in caught if issubclass(one.category, scoring.SchemaWarning)]) <= 1
