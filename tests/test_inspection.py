"""Inspection: what is said of an export is what scoring then does with it."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring import schema
from scoring.features import FEATURES
from scoring.inspection import inspect_export
from scoring.validation import RULES


def test_a_good_export_is_fine(export_csv: Path, contacts: pl.DataFrame) -> None:
    found = inspect_export(export_csv)
    assert (found.kind, found.rows, found.usable) == ("csv", contacts.height, contacts.height)
    assert (found.rejected, found.suppressed, found.flagged) == (0, 0, 0)
    assert (found.missing, found.extra, found.renamed) == ([], [], {})
    assert found.details["separator"] == ","
    assert found.as_of == f"{scoring.score(export_csv)['as_of'][0]:%Y-%m-%dT%H:%M:%SZ}"
    assert "inferred" in found.dated
    assert set(found.used) | set(found.unused) == {feature.fact.name for feature in FEATURES}


@pytest.mark.parametrize("suppress", [[], ["left-out.example"]])
def test_counts_are_those_of_scoring(messy_csv: Path, suppress: list[str], when: datetime, tmp_path: Path) -> None:
    found = inspect_export(messy_csv, as_of=when, suppress=suppress)
    summary = scoring.score_file(messy_csv, tmp_path / "out.csv", as_of=when, suppress=suppress)
    assert (found.rows, found.usable) == (summary.rows, summary.scored)
    assert (found.rejected, found.suppressed, found.flagged) == (summary.rejected, summary.suppressed, summary.flagged)
    assert found.usable + found.rejected + found.suppressed == found.rows
    assert {rule["rule"]: rule["rows"] for rule in found.rules} == summary.rules
    assert found.as_of == summary.as_of


def test_rules_are_named_with_what_they_mean(messy_csv: Path, when: datetime) -> None:
    found = inspect_export(messy_csv, as_of=when)
    meanings = {rule.name: (rule.kind, rule.meaning) for rule in RULES}
    assert found.rules
    for rule in found.rules:
        assert (rule["kind"], rule["meaning"]) == meanings[rule["rule"]]
        assert rule["rows"] > 0


def test_columns_are_named_as_found(contacts: pl.DataFrame, when: datetime) -> None:
    changed = contacts.drop("phone", "state").rename({"total_inbound": "Total Inbound"}).with_columns(shoe_size=1)
    with pytest.warns(scoring.SchemaWarning):
        found = inspect_export(changed, as_of=when)
    assert found.missing == ["phone", "state"]
    assert found.extra == ["shoe_size"]
    assert found.renamed == {"Total Inbound": "total_inbound"}
    assert set(found.nulls) == set(schema.NAMES) - {"phone", "state"}
    text = found.to_text()
    for word in ("38 of 40 fields", "Total Inbound -> total_inbound", "missing: phone, state", "shoe_size"):
        assert word in text


def test_null_shares(contacts: pl.DataFrame, when: datetime) -> None:
    half = contacts.head(10).with_columns(
        phone=pl.when(pl.int_range(pl.len()) < 5).then(pl.lit("1")), state=pl.lit(None, dtype=pl.String)
    )
    found = inspect_export(half, as_of=when)
    assert (found.nulls["phone"], found.nulls["state"]) == (0.5, 1.0)
    assert "phone 50%" in found.to_text()
    assert "empty columns" in found.to_text()


def test_what_the_model_cannot_use_is_said(when: datetime) -> None:
    bare = schema.empty(3).with_columns(crm_id=pl.Series(["1", "2", "3"]), total_inbound=1)
    found = inspect_export(bare, as_of=when)
    full = inspect_export(bare.with_columns(last_inbound_time=pl.lit(when)), as_of=when)
    assert set(found.used) < set(full.used)
    assert found.unused
    assert "the model cannot use: " in found.to_text()


def test_findings_are_plain_values(messy_csv: Path, export_csv: Path, when: datetime) -> None:
    for found in (inspect_export(messy_csv, as_of=when), inspect_export([export_csv, messy_csv], as_of=when)):
        assert json.loads(json.dumps(found.to_dict(), allow_nan=False)) == found.to_dict()
        assert f"{found.rows:,} rows" in found.to_text()


def test_nothing_to_inspect_is_no_fault(contacts: pl.DataFrame, when: datetime) -> None:
    found = inspect_export(contacts.head(0), as_of=when)
    assert (found.rows, found.usable, found.rules, found.used) == (0, 0, [], [])
    assert set(found.nulls.values()) <= {0.0}
    assert "the model can use: nothing" in found.to_text()


def test_no_row_that_can_be_used(when: datetime) -> None:
    found = inspect_export(schema.empty(4), as_of=when)
    assert (found.rows, found.usable, found.rejected) == (4, 0, 4)
    assert found.used == []


def test_no_address_is_in_the_findings(messy_csv: Path, suppressed: str, when: datetime) -> None:
    said = json.dumps(inspect_export(messy_csv, as_of=when, suppress=[suppressed]).to_dict())
    assert "@" not in said


def test_what_cannot_be_read_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.csv").write_text("")
    with pytest.raises(scoring.InputError, match="x.csv"):
        inspect_export(tmp_path / "x.csv")
