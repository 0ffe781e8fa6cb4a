"""``scoring explain``: one contact in the terminal."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.cli import main

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def who(contacts: pl.DataFrame) -> str:
    return str(contacts["email"].drop_nulls()[4])


def test_it_shows_what_the_function_says(
    run: Run, export_csv: Path, who: str, when: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    code, out, err = run("explain", export_csv, "--contact", who, "--as-of", f"{when:%FT%TZ}")
    assert (code, err) == (0, "")
    found = scoring.explain_contact(export_csv, who, as_of=when)
    ascii_only = (sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")
    assert found.to_text("priority", 100, ascii_only) in out
    assert f"tier {found.tier}, by {found.model_id}" in out.splitlines()[0]
    assert ("reps have this contact" in out) == (found.reps.height > 1)


def test_all_targets_and_json(run: Run, export_csv: Path, who: str) -> None:
    _, out, _ = run("explain", export_csv, "--contact", who, "--target", "all")
    for target in ("priority: ", "reply: ", "meeting: ", "answer: "):
        assert f"\n{target}" in out
    code, out, _ = run("explain", export_csv, "--contact", who, "--json")
    assert code == 0
    assert json.loads(out) == scoring.explain_contact(export_csv, who).to_dict()


def test_reps_are_listed_and_chosen(run: Run, export_csv: Path, contacts: pl.DataFrame) -> None:
    shared = contacts.drop_nulls("email").group_by("email").agg(pl.len(), pl.col("source_email")).sort("len", "email")
    address, reps = shared["email"][-1], shared["source_email"][-1].to_list()
    assert len(reps) > 1
    for rep in reps[:2]:
        code, out, _ = run("explain", export_csv, "--contact", address, "--rep", rep)
        assert code == 0
        assert f"(rep {rep})" in out.splitlines()[0]
        assert f"{len(reps)} reps have this contact" in out
        for other in reps:
            assert f"  {other}\n" in out


def test_a_terminal_without_utf_8_gets_ascii(export_csv: Path, who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    bytes_ = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(bytes_, encoding="ascii"))
    assert main(["explain", str(export_csv), "--contact", who, "--target", "all"]) == 0
    sys.stdout.flush()
    shown = bytes_.getvalue().decode("ascii")
    assert "++" in shown
    assert "--" in shown
    assert "█" not in shown


@pytest.mark.parametrize("columns", ["30", "60", "200"])
def test_lines_fit_the_terminal(
    columns: str, run: Run, export_csv: Path, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    _, out, _ = run("explain", export_csv, "--contact", who, "--target", "all")
    charts = out.split("\n\n", 1)[1].split(" reps have this contact")[0]
    assert max(map(len, charts.splitlines())) <= max(40, min(int(columns), 120))


def test_names_cannot_steer_the_terminal(run: Run, contacts: pl.DataFrame, when: datetime, who: str) -> None:
    contacts.with_columns(last_name=pl.lit("\x1b[2J\u202egnp.exe\n")).write_parquet("steering.parquet")
    code, out, _ = run("explain", "steering.parquet", "--contact", who, "--as-of", f"{when:%FT%TZ}")
    assert code == 0
    assert "gnp.exe" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_what_cannot_be_explained_ends_in_words(run: Run, export_csv: Path, who: str) -> None:
    Path("objected.txt").write_text(who)
    assert run("explain", export_csv)[0] == 2
    assert run("explain", "--contact", who)[0] == 2
    assert run("explain", export_csv, "--contact", "nobody")[0] == 3
    assert run("explain", export_csv, "--contact", who, "--rep", "nobody")[0] == 3
    assert run("explain", export_csv, "--contact", who, "--suppress", "objected.txt")[0] == 3
    assert run("explain", export_csv, "--contact", who, "--model", "nowhere")[0] == 4
