"""``scoring write-back``: files for the CRM, what is said of them, and how it ends when it cannot."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import scoring

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def scored_csv(export_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scored") / "scored.csv"
    scoring.score_file(export_csv, path)
    return path


def test_files_are_written_and_named(run: Run, scored_csv: Path, scored: pl.DataFrame) -> None:
    code, out, err = run("write-back", scored_csv, "--to", "salesforce", "-o", "upload")
    assert (code, err) == (0, "")
    contacts = scored["crm_id"].drop_nulls().n_unique()
    assert out.startswith(f"{contacts:,} contacts written, from {scored.height:,} rows.")
    assert out.rstrip().endswith(os.fspath(Path("upload/Contact-0001.csv")))
    with Path("upload/Contact-0001.csv").open(encoding="utf-8", newline="") as file:
        assert len(list(csv.DictReader(file))) == contacts


def test_what_was_written_as_json(run: Run, scored_csv: Path) -> None:
    Path("fields.toml").write_text('[fields]\nScore__c = "priority"\n')
    code, out, _ = run(
        "write-back", scored_csv, "--to", "salesforce", "-o", "upload", "--mapping", "fields.toml", "--json"
    )
    told = json.loads(out)
    assert code == 0
    assert told == scoring.write_salesforce(scored_csv, "upload", mapping=Path("fields.toml")).to_dict()
    assert Path("upload", told["files"][0]).read_text().startswith("Id,Score__c\n003")


def test_only_what_changed(run: Run, scored_csv: Path) -> None:
    code, out, _ = run("write-back", scored_csv, "--to", "salesforce", "-o", "upload", "--changed-since", scored_csv)
    assert code == 0
    assert out.startswith("0 contacts written")
    assert "left out as unchanged" in out
    assert list(Path("upload").iterdir()) == []


def test_whoever_is_suppressed_is_in_no_file(run: Run, scored_csv: Path, scored: pl.DataFrame) -> None:
    one = scored.filter(pl.col("crm_id").is_not_null(), pl.col("email").is_not_null()).row(0, named=True)
    Path("objected.txt").write_text(one["email"].upper())
    code, out, _ = run(
        "write-back", scored_csv, "--to", "salesforce", "-o", "upload", "--suppress", "objected.txt", "--json"
    )
    assert code == 0
    assert json.loads(out)["suppressed"] == scored.filter(pl.col("crm_id") == one["crm_id"]).height
    assert one["crm_id"] not in Path("upload/Contact-0001.csv").read_text()


def test_dynamics_has_other_ids(run: Run, scored_csv: Path) -> None:
    code, out, _ = run("write-back", scored_csv, "--to", "dynamics", "-o", "upload")
    assert code == 0
    assert out.startswith("0 contacts written")
    assert "none of a contact or lead of this CRM" in out


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--to", "hubspot", "-o", "upload"], 2, "invalid choice"),
        (["--to", "salesforce"], 2, "-o/--output"),
        (["--to", "salesforce", "-o", "upload", "--mapping", "none.toml"], 3, "the mapping cannot be read"),
        (["--to", "salesforce", "-o", "upload", "--changed-since", "none.csv"], 3, "none.csv"),
        (["--to", "salesforce", "-o", "taken"], 3, "'taken' holds other files"),
    ],
)
def test_what_cannot_be_is_said(arguments: list[str], code: int, said: str, run: Run, scored_csv: Path) -> None:
    Path("taken").mkdir()
    Path("taken/notes.txt").write_text("mine")
    found, out, err = run("write-back", scored_csv, *arguments)
    assert (found, out) == (code, "")
    assert said in err
    assert not Path("upload").exists()


def test_an_export_without_scores_is_refused(run: Run, export_csv: Path) -> None:
    code, out, err = run("write-back", export_csv, "--to", "salesforce", "-o", "upload")
    assert (code, out) == (3, "")
    assert "no scores" in err
    assert err.count("\n") == 1
