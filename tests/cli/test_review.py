"""``scoring review``: the same as the function, for people and for programs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.review import review_scores
from scoring.writing import write_frame

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pair(exports: dict[datetime, pl.DataFrame], tmp_path: Path) -> tuple[Path, Path, datetime]:
    """A scored file, an export of 30 days later, and its date."""
    (first, export), (second, later), *_ = exports.items()
    write_frame(scoring.score(export, as_of=first), tmp_path / "scored.csv")
    write_frame(later, tmp_path / "later.parquet")
    return tmp_path / "scored.csv", tmp_path / "later.parquet", second


def test_it_says_what_the_function_says(pair: tuple[Path, Path, datetime], run: Run) -> None:
    scored, later, when = pair
    code, out, err = run("review", scored, later, "--as-of", f"{when:%FT%TZ}")
    assert (code, err) == (0, "")
    assert out.rstrip("\n") == review_scores(scored, {when: later}).to_text()


def test_json_is_one_document(pair: tuple[Path, Path, datetime], run: Run) -> None:
    scored, later, when = pair
    code, out, _ = run("review", scored, later, "--as-of", f"{when:%FT%TZ}", "--json")
    assert code == 0
    assert json.loads(out) == review_scores(scored, {when: later}).to_dict()


def test_the_list_that_was_worked(pair: tuple[Path, Path, datetime], run: Run) -> None:
    scored, later, when = pair
    assert run("worklist", scored, "-o", "lists.csv", "--per-rep", 3)[0] == 0
    code, out, _ = run("review", scored, later, "--as-of", f"{when:%FT%TZ}", "--worklist", "lists.csv")
    assert code == 0
    assert "By place on the worklist: work" in out
    assert "are not among the scored" not in out


def test_who_objected_is_left_out(pair: tuple[Path, Path, datetime], run: Run) -> None:
    scored, later, when = pair
    gone = pl.read_csv(scored)["email"].drop_nulls()[0]
    Path("objected.txt").write_text(gone)
    code, out, _ = run("review", scored, later, "--as-of", f"{when:%FT%TZ}", "--suppress", "objected.txt", "--json")
    assert code == 0
    assert json.loads(out) == review_scores(scored, {when: later}, suppress=[gone]).to_dict()


def test_what_cannot_be_used_ends_with_3(pair: tuple[Path, Path, datetime], run: Run) -> None:
    scored, later, _ = pair
    assert run("review", scored)[0] == 2
    assert run("review", later, later)[0] == 3
    assert run("review", scored, later, "--as-of", "2001-01-01")[0] == 3
    assert run("review", scored, "nothing.csv")[0] == 3


def test_it_loads_nothing_heavy(pair: tuple[Path, Path, datetime]) -> None:
    scored, later, when = pair
    code = f"import scoring, sys\nscoring.review_scores({str(scored)!r}, {{'{when:%FT%TZ}': {str(later)!r}}})\n"
    code += f"scoring.roll_up({str(scored)!r})\n"
    code += "found = {'sklearn', 'pandas', 'mlflow', 'joblib', 'pyarrow'} & set(sys.modules)\nassert not found, found"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
