"""``scoring evaluate``: the figures of the function, in text and as JSON, for files and for the made-up."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.config import TrainingConfig

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def files(exports: dict[datetime, pl.DataFrame], quick: TrainingConfig, tmp_path: Path, run: Run) -> list[Path]:
    """The two oldest exports, dated by their names, and settings that are quick; all in the folder of `run`."""
    (tmp_path / "quick.toml").write_text(quick.to_toml())
    paths = []
    for when, export in sorted(exports.items())[:2]:
        paths.append(tmp_path / f"contacts-{when:%Y-%m-%d}.parquet")
        export.write_parquet(paths[-1])
    return paths


def test_text_is_that_of_the_function(files: list[Path], quick: TrainingConfig, run: Run) -> None:
    code, out, err = run("evaluate", *files, "--config", "quick.toml")
    assert (code, err) == (0, "")
    assert out.strip() == scoring.evaluate(files, config=quick).to_text().strip()


def test_json_is_that_of_the_function_with_dates_and_without_some(
    files: list[Path], quick: TrainingConfig, exports: dict[datetime, pl.DataFrame], run: Run
) -> None:
    dates = [f"{when:%Y-%m-%dT%H:%M:%SZ}" for when in sorted(exports)[:2]]
    out_of = exports[min(exports)]["email"].drop_nulls()[0]
    Path("list.txt").write_text(out_of)
    dated = [part for when in dates for part in ("--as-of", when)]
    code, out, err = run("evaluate", *files, *dated, "--suppress", "list.txt", "--config", "quick.toml", "--json")
    assert (code, err) == (0, "")
    expected = scoring.evaluate(dict(zip(dates, files, strict=True)), config=quick, suppress=[out_of])
    assert json.loads(out) == json.loads(json.dumps(expected.to_dict()))


def test_the_made_up_has_the_best_that_is_possible_beside(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.cli.evaluate._DATES", 2)
    Path("quick.toml").write_text("[boosting]\niterations = 3\n")
    code, out, err = run("evaluate", "--simulated", "--rows", "300", "--seed", "4", "--config", "quick.toml", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert "true chance" in {row["model"] for row in found["measures"]}
    assert len({row["as_of"] for row in found["labels"]}) == 1
    assert list(Path().iterdir()) == [Path("quick.toml")]


@pytest.mark.parametrize(
    "arguments", [[], ["one.csv", "--simulated"], ["a.csv", "b.csv", "--as-of", "2026-01-01"], ["a.csv", "--jobs", "0"]]
)
def test_what_is_not_understood_ends_with_2(arguments: list[str], run: Run) -> None:
    code, out, err = run("evaluate", *arguments)
    assert (code, out) == (2, "")
    assert "error" in err


def test_one_export_ends_with_3_in_one_line(files: list[Path], run: Run) -> None:
    code, out, err = run("evaluate", files[0])
    assert (code, out) == (3, "")
    assert err.startswith("scoring: one export")
    assert err.count("\n") == 1
