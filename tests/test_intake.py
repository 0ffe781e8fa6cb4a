"""Intake: what everything that starts from contacts agrees on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.context import Context
from scoring.intake import take_in


def test_a_whole_export_is_dated_and_added_up(contacts: pl.DataFrame, when: datetime) -> None:
    taken = take_in(contacts)
    assert timedelta(0) <= when - taken.as_of.when < timedelta(days=1)
    assert "inferred" in taken.as_of.how
    assert taken.context is not None
    assert taken.context.as_of == taken.as_of.when
    assert taken.context.totals["org"]["rows"].item() == contacts.height
    assert (taken.rows, taken.suppressed) == (contacts.height, 0)


def test_a_date_that_is_given_counts(contacts: pl.DataFrame) -> None:
    taken = take_in(contacts, as_of="2030-02-03")
    assert taken.as_of.when == datetime(2030, 2, 3, tzinfo=UTC)
    assert taken.as_of.how == "given"


def test_a_context_brings_its_date_and_its_totals(contacts: pl.DataFrame, context: Context) -> None:
    for some in (contacts.head(5), contacts.head(5).to_dicts(), contacts.row(0, named=True)):
        taken = take_in(some, context=context)
        assert taken.as_of.when == context.as_of
        assert "context" in taken.as_of.how
        assert taken.context is context


def test_records_are_a_part_and_have_no_totals_of_their_own(contacts: pl.DataFrame) -> None:
    for records in (contacts.head(5).to_dicts(), contacts.row(0, named=True)):
        assert take_in(records, as_of="2030-01-01").context is None


@pytest.mark.parametrize("seconds", [0, 1])
def test_a_context_may_be_as_old_but_not_newer(seconds: int, contacts: pl.DataFrame, context: Context) -> None:
    taken = take_in(contacts, context=context, as_of=context.as_of + timedelta(seconds=seconds))
    assert taken.as_of.how == "given"
    with pytest.raises(scoring.InputError, match="before the context"):
        take_in(contacts, context=context, as_of=context.as_of - timedelta(seconds=1))


@pytest.mark.parametrize("suppress", [[], ["left-out.example"], ["nobody@nowhere.example"]])
def test_rows_in_are_scored_kept_aside_and_suppressed(messy_csv: Path, suppress: list[str], when: datetime) -> None:
    taken = take_in(messy_csv, as_of=when, suppress=suppress)
    scored = scoring.score(messy_csv, as_of=when, suppress=suppress)
    aside = scored.height - scored["problem"].null_count()
    assert taken.rows == 20
    assert taken.suppressed == (2 if suppress == ["left-out.example"] else 0)
    assert taken.checked.problem.null_count() + aside + taken.suppressed == 20


def test_what_is_known_of_a_row_moves_with_it(messy_csv: Path, suppressed: str, when: datetime) -> None:
    everyone, fewer = (take_in(messy_csv, as_of=when, suppress=who) for who in ([], [suppressed]))
    assert_frame_equal(fewer.export.source, everyone.export.source.tail(-2))
    assert_frame_equal(fewer.export.table, everyone.export.table.tail(-2))
    assert everyone.export.lines is not None
    assert fewer.export.lines is not None
    assert fewer.export.lines.to_list() == everyone.export.lines.to_list()[2:]
    assert fewer.checked.problem.to_list() == everyone.checked.problem.to_list()[2:]
    later = everyone.export.faults.filter(pl.col("row") >= 2).with_columns(pl.col("row") - 2)
    assert_frame_equal(fewer.export.faults, later, check_dtypes=False)


def test_nobody_suppressed_is_in_what_is_taken_in(messy_csv: Path, suppressed: str, when: datetime) -> None:
    taken = take_in(messy_csv, as_of=when, suppress=[suppressed])
    held: list[Any] = [taken.export.table, taken.export.source, taken.export.faults]
    held += [] if taken.context is None else list(taken.context.totals.values())
    for frame in held:
        assert suppressed not in frame.write_json().lower()


def test_records_without_a_date_are_refused(contacts: pl.DataFrame) -> None:
    with pytest.raises(scoring.InputError, match="as_of") as refused:
        take_in(contacts.head(3).to_dicts())
    assert "3 record" in str(refused.value)


def test_features_come_from_the_same_rows(contacts: pl.DataFrame, messy_csv: Path, when: datetime) -> None:
    features = scoring.build_features(messy_csv, as_of=when)
    problems = scoring.score(messy_csv, as_of=when)["problem"]
    empty = features.select(pl.all_horizontal(pl.all().is_null())).to_series()
    assert problems.count() > 0
    assert empty.to_list() == problems.is_not_null().to_list()
    assert set(features.dtypes) == {pl.Float32}


def test_a_header_alone_needs_no_date(contacts: pl.DataFrame) -> None:
    assert scoring.score(contacts.head(0)).height == 0


@pytest.mark.parametrize("last", ["9999-12-31T23:59:59Z", "9999-12-20T00:00:00Z"])
def test_a_time_at_the_end_of_all_years_is_no_fault_of_the_program(last: str) -> None:
    rows = pl.DataFrame({"crm_id": ["1"], "last_inbound_time": [last], "total_inbound_30d": [0]})
    with pytest.warns(scoring.SchemaWarning):
        assert scoring.score(rows).height == 1


def test_what_is_no_context_is_refused(contacts: pl.DataFrame) -> None:
    with pytest.raises(scoring.InputError, match="as int"):
        take_in(contacts, context=3)  # type: ignore[arg-type]
