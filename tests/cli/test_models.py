"""``scoring models``: the list, a promotion and the way back, for people and for programs."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TypeAlias

import polars as pl
import pytest

import scoring
from scoring.config import TrainingConfig

pytest.importorskip("mlflow")
pytest.importorskip("alembic")

Run: TypeAlias = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def files(exports: dict[datetime, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("exports")
    found = []
    for when, contacts in sorted(exports.items())[-2:]:
        found.append(folder / f"contacts-{when:%Y-%m-%d}.csv")
        contacts.write_csv(found[-1], datetime_format="%Y-%m-%dT%H:%M:%SZ")
    return found


@pytest.fixture
def other() -> scoring.Model:
    return replace(scoring.load_model(), name="other")


@pytest.fixture(autouse=True)
def usual(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def test_from_exports_to_scores_and_back(
    run: Run, files: list[Path], quick: TrainingConfig, other: scoring.Model, empty_store: Path
) -> None:
    shutil.copy(empty_store, ".")
    Path("quick.toml").write_text(quick.to_toml())
    code, out, err = run("models", "promote", *files, "--config", "quick.toml")
    assert (code, err) == (0, "")
    assert "Version 1 of scoring (scoring-" in out
    assert "is promoted." in out
    assert "order " in out
    assert "In use now: models:/scoring@champion" in out

    code, out, err = run("models", "list")
    assert (code, err) == (0, "")
    assert out.startswith("   1  champion  scoring-")
    assert "promoted, judged on" in out

    code, out, _ = run("score", files[-1], "--model", "models:/scoring@champion", "--json", "-o", "scored.csv")
    assert code == 0
    [listed] = json.loads(run("models", "list", "--json")[1])
    assert json.loads(out)["model_id"] == listed["model_id"]
    assert (listed["alias"], listed["decision"]) == ("champion", "promoted")

    code, out, err = run("models", "promote", *files, "--config", "quick.toml")
    assert (code, err) == (0, "")
    assert "Version 1 of scoring (scoring-" in out
    assert "is in use already." in out

    other.save("small")
    code, out, err = run("models", "promote", *files, "--model", "small", "--force", "--json")
    assert (code, err) == (0, "")
    told = json.loads(out)
    assert (told["version"], told["promoted"], told["champion"]) == (2, True, listed["model_id"])
    code, out, err = run("models", "revert")
    assert (code, err) == (0, "")
    assert "Version 1 of scoring" in out
    code, out, err = run("models", "revert", "--json")
    assert (code, out) == (4, "")
    assert "no version of scoring was in use before version 1" in err


def test_refused_is_no_failure(run: Run, files: list[Path], other: scoring.Model, empty_store: Path) -> None:
    shutil.copy(empty_store, ".")
    other.save("small")
    code, out, err = run("models", "promote", files[-1], "--model", "small")
    assert (code, err) == (0, "")
    assert "is refused." in out
    assert "In use now" not in out
    assert run("models", "list")[1].endswith("None of them is in use: the shipped model is.\n")
    code, out, err = run("models", "list", "--name", "other")
    assert (code, out) == (4, "")
    assert "other" in err


def test_what_is_not_understood_or_not_there(run: Run, files: list[Path]) -> None:
    assert run("models")[0] == 2
    assert run("models", "promote")[0] == 2
    assert run("models", "promote", *files, "--jobs", "0")[0] == 2
    assert run("models", "promote", *files, "--model", "small", "--config", "quick.toml")[0] == 2
    for what in ("list", "revert"):
        code, out, err = run("models", what)
        assert (code, out) == (4, "")
        assert "there is no mlflow.db" in err
    assert list(Path().iterdir()) == []
    code, _, err = run("models", "list", "--tracking-uri", "sqlite:///nowhere/mlflow.db")
    assert code == 4
    assert "nowhere" in err


def test_a_verb_without_the_option_says_what_it_has(run: Run, files: list[Path]) -> None:
    code, _, err = run("score", files[0], "--model", "models:/scoring@champion", "-o", "scored.csv")
    assert code == 4
    assert "MLFLOW_TRACKING_URI (or `scoring models --tracking-uri`)" in err
