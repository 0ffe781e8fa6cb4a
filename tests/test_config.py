"""Settings of training: there and back as TOML, and refused by name."""

from __future__ import annotations

import math
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any

import pytest

import scoring
from scoring.config import Boosting, TrainingConfig, check_jobs
from scoring.errors import InputError

OUTER = [field.name for field in fields(TrainingConfig) if field.name != "boosting"]
INNER = [f"boosting.{field.name}" for field in fields(Boosting)]
EVERY = [*OUTER, *INNER]


def of(config: TrainingConfig, name: str) -> Any:
    return getattr(config.boosting, name.removeprefix("boosting.")) if "." in name else getattr(config, name)


def put(name: str, value: Any) -> TrainingConfig:
    if "." in name:
        return TrainingConfig(boosting=replace(Boosting(), **{name.removeprefix("boosting."): value}))
    return replace(TrainingConfig(), **{name: value})


def other(value: float) -> float:
    """Give another value of the same type, inside every range."""
    return value + 1 if isinstance(value, int) else value / 3


@pytest.mark.parametrize("name", EVERY)
def test_every_setting_comes_back_from_toml(name: str, tmp_path: Path) -> None:
    changed = put(name, other(of(TrainingConfig(), name)))
    assert changed != TrainingConfig()
    assert TrainingConfig.from_toml(changed.to_toml()) == changed
    (tmp_path / "training.toml").write_text(changed.to_toml())
    assert TrainingConfig.from_toml(tmp_path / "training.toml") == changed


def test_what_is_not_said_is_as_by_default() -> None:
    assert TrainingConfig.from_toml("") == TrainingConfig()
    some = TrainingConfig.from_toml("[boosting]\nleaves = 3\n")
    assert some == TrainingConfig(boosting=Boosting(leaves=3))


@pytest.mark.parametrize("name", [name for name in EVERY if isinstance(of(TrainingConfig(), name), float)])
def test_one_is_written_like_one_point_nought(name: str) -> None:
    whole, real = put(name, 1), put(name, 1.0)
    assert whole.to_toml() == real.to_toml()
    assert repr(asdict(whole)) == repr(asdict(real))


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("value", [-1, math.nan, math.inf, "3", None, True, 10**40])
def test_a_value_out_of_range_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(scoring.InputError) as refused:
        put(name, value)
    assert f"{name} is {value!r}" in str(refused.value)
    assert "from" in refused.value.expected


@pytest.mark.parametrize("name", [name for name in EVERY if isinstance(of(TrainingConfig(), name), int)])
def test_a_count_is_whole(name: str) -> None:
    with pytest.raises(scoring.InputError, match="whole number"):
        put(name, 120.5)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("seed", 0, 2**32 - 1),
        ("history_weight", 0.0, 1.0),
        ("boosting.bins", 2, 255),
        ("boosting.leaves", 2, 100),
        ("boosting.tried", 0.01, 1.0),
    ],
)
def test_the_borders_are_allowed(name: str, least: float, most: float) -> None:
    assert [of(put(name, value), name) for value in (least, most)] == [least, most]


@pytest.mark.parametrize("name", ["boosting.learning_rate", "boosting.tried"])
def test_nothing_is_learned_with_a_step_or_a_share_of_nought(name: str) -> None:
    with pytest.raises(scoring.InputError, match=name):
        put(name, 0.0)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("sead = 1", "sead"),
        ("[boosting]\nsteps = 3", "boosting.steps"),
        ("[forest]\ntrees = 3", "forest"),
        ("boosting = 3", "boosting is 3"),
        ("seed = '1'", "seed is '1'"),
        ("[boosting]\nbins = 1000", "boosting.bins is 1000"),
        ("seed: 1", "cannot be read"),
        ("seed = 1\nseed = 2", "cannot be read"),
    ],
)
def test_toml_that_says_something_else_is_refused(text: str, named: str) -> None:
    with pytest.raises(scoring.InputError) as refused:
        TrainingConfig.from_toml(text)
    assert named in str(refused.value)


def test_a_file_that_is_not_there_is_refused_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(scoring.InputError, match="cannot be read") as refused:
        TrainingConfig.from_toml(tmp_path / "training.toml")
    assert str(tmp_path) not in str(refused.value)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "training.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(scoring.InputError, match="cannot be read"):
        TrainingConfig.from_toml(tmp_path / "training.toml")


@pytest.mark.parametrize("jobs", [0, -2, 1.5, True, "2", None])
def test_a_number_of_processes_that_is_none_is_refused(jobs: Any) -> None:
    with pytest.raises(InputError, match="jobs is .*; expected 1 or more processes, or -1"):
        check_jobs(jobs)
    with pytest.raises(InputError, match="jobs is"):
        scoring.train("not-even-read.csv", jobs=jobs)
    with pytest.raises(InputError, match="jobs is"):
        scoring.evaluate(["not-even-read.csv"], jobs=jobs)


@pytest.mark.parametrize("jobs", [1, 7, -1])
def test_a_number_of_processes_is_taken_as_it_is(jobs: int) -> None:
    assert check_jobs(jobs) == jobs
