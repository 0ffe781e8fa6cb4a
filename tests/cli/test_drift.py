"""``scoring drift``: the same as the function, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scoring.drift import measure_drift
from scoring.model import Model
from scoring.simulation import Organisation

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def folder(small_model: Model, organisation: Organisation, when: datetime, tmp_path: Path) -> Path:
    small_model.save(tmp_path / "model")
    for name, date in {"earlier": when - timedelta(days=30), "now": when}.items():
        organisation.export(date).write_parquet(tmp_path / f"{name}.parquet")
    return tmp_path


def test_it_says_what_the_function_says(folder: Path, when: datetime, small_model: Model, run: Run) -> None:
    dates = [f"{date:%FT%TZ}" for date in (when - timedelta(days=30), when)]
    code, out, err = run("drift", "model", "earlier.parquet", "now.parquet", "--as-of", dates[0], "--as-of", dates[1])
    files = dict(zip(dates, (folder / "earlier.parquet", folder / "now.parquet"), strict=True))
    assert (code, err) == (0, "")
    assert out.strip() == measure_drift(small_model, files).to_text()
    assert "promised" in out


def test_one_export_and_the_shipped_model_are_enough(folder: Path, run: Run) -> None:
    code, out, _ = run("drift", "shipped", "now.parquet", "--json")
    assert code == 0
    assert json.loads(out)["action"] in ("stable", "watch", "act")


def test_a_model_that_is_none_ends_with_4(folder: Path, run: Run) -> None:
    assert run("drift", "nowhere", "now.parquet")[0] == 4
    assert run("drift", "model")[0] == 2
