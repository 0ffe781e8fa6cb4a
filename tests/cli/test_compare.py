"""``scoring compare``: the same as the function, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.simulation import Organisation

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pair(organisation: Organisation, when: datetime, tmp_path: Path) -> list[str]:
    """Two exports in the current folder, with their dates as options."""
    dates = when - timedelta(days=30), when
    for name, date in zip(("old.parquet", "new.parquet"), dates, strict=True):
        organisation.export(date).write_parquet(tmp_path / name)
    return ["old.parquet", "new.parquet", *(part for date in dates for part in ("--as-of", f"{date:%FT%TZ}"))]


def compared(pair: list[str]) -> scoring.Comparison:
    old, new, _, then, _, now = pair
    return scoring.compare(old, new, old_as_of=then, new_as_of=now)


def test_it_says_what_the_function_says(pair: list[str], run: Run) -> None:
    code, out, err = run("compare", *pair)
    assert (code, err) == (0, "")
    assert out.split() == compared(pair).to_text().split()
    assert max(map(len, out.splitlines())) <= 140


def test_all_moves_are_in_the_file(pair: list[str], run: Run) -> None:
    code, out, _ = run("compare", *pair, "-o", "moves.parquet", "--top", 0)
    assert code == 0
    assert out.rstrip().endswith("All moves: moves.parquet")
    assert_frame_equal(pl.read_parquet("moves.parquet"), compared(pair).moves)
    assert run("compare", *pair, "-o", "moves.csv", "--json")[0] == 0
    assert pl.read_csv("moves.csv", infer_schema_length=None).height == compared(pair).moves.height


def test_json_holds_the_figures_and_nobody(pair: list[str], run: Run) -> None:
    code, out, _ = run("compare", *pair, "--json")
    assert code == 0
    assert json.loads(out) == compared(pair).to_dict()
    assert "@" not in out


def test_narrow_terminals_get_narrow_lines(pair: list[str], run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    _, out, _ = run("compare", *pair)
    assert max(map(len, out.splitlines())) <= 60


def test_suppressed_contacts_are_nowhere(pair: list[str], run: Run) -> None:
    shown = compared(pair).moves["email"].drop_nulls()[0]
    Path("objected.txt").write_text(shown)
    code, out, _ = run("compare", *pair, "--suppress", "objected.txt", "--top", 9999, "-o", "moves.ndjson")
    assert code == 0
    assert shown not in out
    assert shown not in Path("moves.ndjson").read_text()


def test_names_cannot_steer_the_terminal(pair: list[str], run: Run) -> None:
    export = pl.read_parquet("new.parquet")
    export.with_columns(last_name=pl.lit("\x1b[2J\u202egnp.exe\n")).write_parquet("new.parquet")
    code, out, _ = run("compare", *pair)
    assert code == 0
    assert "gnp.exe" in out
    assert "\x1b" not in out
    assert "\u202e" not in out


def test_no_cell_of_the_file_runs_in_a_spreadsheet(pair: list[str], run: Run) -> None:
    export = pl.read_parquet("new.parquet")
    export.with_columns(account_name=pl.lit('=HYPERLINK("http://x.example")')).write_parquet("new.parquet")
    assert run("compare", *pair, "-o", "moves.csv")[0] == 0
    names = pl.read_csv("moves.csv", infer_schema_length=None).filter(status="new")["account_name"]
    assert set(names) == {'\'=HYPERLINK("http://x.example")'}


def test_what_cannot_be_compared_ends_in_words(pair: list[str], run: Run, small_model: scoring.Model) -> None:
    small_model.save("other")
    assert run("compare", "old.parquet")[0] == 2
    assert run("compare", *pair[:4])[0] == 2
    assert run("compare", *pair, "--top", -1)[0] == 2
    assert run("compare", *pair, "-o", "old.parquet")[0] == 3
    assert run("compare", *pair, "-o", "moves")[0] == 3
    swapped = [*pair[:2], "--as-of", pair[5], "--as-of", pair[3]]
    assert run("compare", *swapped)[0] == 3
    scoring.score_file("new.parquet", "scored.parquet", as_of=pair[5])
    code, _, err = run("compare", "old.parquet", "scored.parquet", "--model", "other")
    assert code == 4
    assert "pass its folder" in err
    assert not Path("moves").exists()
