"""``scoring recalibrate``: a new model beside the old one, and what was done to it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from scoring.model import Model, load_model
from scoring.recalibration import describe_recalibration, recalibrate
from scoring.simulation import Organisation

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def dated(small_model: Model, organisation: Organisation, when: datetime, tmp_path: Path) -> list[str]:
    small_model.save(tmp_path / "model")
    files: list[str] = []
    dates: list[str] = []
    for days in (60, 30, 0):
        date = when - timedelta(days=days)
        organisation.export(date).write_parquet(tmp_path / f"{days}.parquet")
        files.append(f"{days}.parquet")
        dates += ["--as-of", f"{date:%FT%TZ}"]
    return files + dates


def test_it_does_what_the_function_does(dated: list[str], small_model: Model, tmp_path: Path, run: Run) -> None:
    code, out, err = run("recalibrate", "model", *dated, "-o", "new", "--name", "better")
    files = dict(zip(dated[4::2], [tmp_path / name for name in dated[:3]], strict=True))
    wanted = recalibrate(small_model, files, name="better")
    assert (code, err) == (0, "")
    assert load_model(tmp_path / "new").document == wanted.document
    assert describe_recalibration(wanted) in out
    assert wanted.id in out
    assert load_model(tmp_path / "model").id == small_model.id


def test_json_holds_lines_and_figures(dated: list[str], tmp_path: Path, run: Run) -> None:
    code, out, _ = run("recalibrate", "model", *dated, "-o", "new", "--json")
    assert code == 0
    told = json.loads(out)
    assert told["model_id"] == load_model(tmp_path / "new").id
    assert set(told["targets"]) == {"reply", "meeting", "engaged"}


def test_one_export_is_refused_and_writes_nothing(dated: list[str], tmp_path: Path, run: Run) -> None:
    code, _, err = run("recalibrate", "model", dated[0], "-o", "new")
    assert code == 3
    assert "two or more" in err
    assert not (tmp_path / "new").exists()
