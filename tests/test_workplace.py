"""A folder for one run: empty at its start, gone at its end, whatever became of the run before."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scoring.errors import InputError
from scoring.workplace import workplace

LOCKS = pytest.mark.skipif(sys.platform == "win32", reason="it has no such lock")
HOLD = """
import sys, pathlib
from scoring.workplace import workplace
with workplace(pathlib.Path(sys.argv[1])) as folder:
    (folder / "parts").mkdir()
    (folder / "parts" / "a").write_text("rows")
    print("in", flush=True)
    sys.stdin.read()
"""


def hold(target: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "in\n"
    return process


def test_it_is_gone_afterwards(tmp_path: Path) -> None:
    with workplace(tmp_path / "out.csv") as folder:
        (folder / "rows").write_text("")
        assert folder.parent == tmp_path
    with pytest.raises(ZeroDivisionError), workplace(tmp_path / "out.csv") as folder:
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


@LOCKS
def test_two_runs_do_not_write_the_same_file_at_once(tmp_path: Path) -> None:
    with hold(tmp_path / "out.csv") as process:
        with pytest.raises(InputError, match=r"'out\.csv' is being written by another run"):
            workplace(tmp_path / "out.csv").__enter__()
        with workplace(tmp_path / "other.csv"):
            assert (tmp_path / ".out.csv.rows" / "parts" / "a").exists()
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []


@LOCKS
def test_what_a_killed_run_left_goes_with_the_next(tmp_path: Path) -> None:
    with hold(tmp_path / "out.csv") as process:
        process.kill()
    with workplace(tmp_path / "out.csv") as folder:
        assert not (folder / "parts").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.rows").write_text("")
    with pytest.raises(InputError, match="cannot be written there"), workplace(tmp_path / "out.csv"):
        pass
    assert os.listdir(tmp_path) == [".out.csv.rows"]
