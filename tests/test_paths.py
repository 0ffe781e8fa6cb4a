"""One path, whoever takes it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scoring.paths import local_path


def test_home_is_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, os.fspath(tmp_path))
    assert local_path("~/a.csv") == tmp_path / "a.csv"
    assert local_path(Path("~") / "a.csv") == tmp_path / "a.csv"


def test_nobody_s_home_is_a_folder() -> None:
    assert local_path("~no-such-user-here/a.csv") == Path("~no-such-user-here/a.csv")


@pytest.mark.parametrize("name", ["a.csv", "./a b%20.csv", "s3://bucket/a.csv"])
def test_other_names_are_left_alone(name: str) -> None:
    assert local_path(name) == Path(name)


def test_an_address_of_a_file_is_its_path(tmp_path: Path) -> None:
    path = tmp_path / "ä b.csv"
    assert local_path(path.as_uri()) == path
