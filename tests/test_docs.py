"""The README: what it shows runs, and what it says is so."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.cli import EXIT_CODES, VERBS, main
from scoring.cli.simulate import write_simulated
from scoring.prediction import COLUMNS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
PYTHON = [text for language, text in BLOCKS if language == "python"]
COMMANDS = [
    line.split("#")[0].strip()
    for language, text in BLOCKS
    if language == "sh"
    for line in text.splitlines()
    if line.split("#")[0].strip()
]
TARGETS = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the files of which the README speaks."""
    write_simulated(tmp_path / "export.csv", rows=600)
    (tmp_path / "my export.csv").write_bytes((tmp_path / "export.csv").read_bytes())
    (tmp_path / "objected.txt").write_text("someone@nowhere.example\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_python_runs(folder: Path) -> None:
    assert PYTHON
    names: dict[str, object] = {}
    for block in PYTHON:
        exec(compile(block, "README.md", "exec"), names)
    assert isinstance(names["scored"], pl.DataFrame)
    assert isinstance(names["one"], dict)
    assert isinstance(names["summary"], scoring.Summary)
    assert (folder / names["summary"].output).exists()


def test_commands_run(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = [line for line in COMMANDS if not line.startswith("make")]
    assert {shlex.split(line)[1] for line in lines} == {verb.__name__.rsplit(".", 1)[-1] for verb in VERBS}
    for line in lines:
        program, *arguments = shlex.split(line)
        assert program == "scoring", line
        assert main(arguments) == 0, line
        captured = capsys.readouterr()
        assert captured.out
        assert captured.err == ""


def test_make_has_the_targets() -> None:
    lines = [shlex.split(line) for line in COMMANDS if line.startswith("make")]
    lines += [said.split() for said in re.findall(r"`(make [^`]*)`", README)]
    assert lines
    for _, target, *settings in lines:
        assert target in TARGETS
        for name in settings:
            assert f"$({name.split('=')[0]})" in MAKEFILE


def test_what_make_runs_is_understood(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = re.findall(r"^[a-z]+:.*?\$\(BIN\)/scoring (.+)$", MAKEFILE, re.MULTILINE)
    assert lines
    for line in lines:
        choice = '$(if $(FILE),"$(FILE)",--simulated)'
        assert choice in line
        for given in ("--simulated", '"my export.csv"'):
            assert main(shlex.split(line.replace(choice, given))) == 0
            assert "The scored file: out" in capsys.readouterr().out


def test_all_columns_of_the_result_are_described() -> None:
    rows = re.findall(r"^\| (`[^|]*) \| ([^|]+) \|$", README, re.MULTILINE)
    described = [name for cell, _ in rows for name in re.findall(r"`(\w+)`", cell)]
    assert described == list(COLUMNS)


def test_exit_codes_are_those_documented(capsys: pytest.CaptureFixture[str]) -> None:
    said = re.search(r"Exit codes: (.+?)\.\n", README, re.DOTALL)
    assert said
    assert [int(part.split()[0]) for part in said[1].split(";")] == list(EXIT_CODES)
    with pytest.raises(SystemExit):
        main(["--help"])
    shown = capsys.readouterr().out
    for code, meaning in EXIT_CODES.items():
        assert f"{code:>3}  {meaning}" in shown


def test_help_names_every_verb_and_option(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    shown = capsys.readouterr().out
    for verb in VERBS:
        name = verb.__name__.rsplit(".", 1)[-1]
        assert re.search(rf"^ +{name} +\w", shown, re.MULTILINE)
        with pytest.raises(SystemExit) as stop:
            main([name, "--help"])
        assert stop.value.code == 0
        assert f"usage: scoring {name}" in capsys.readouterr().out


def test_the_version_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.strip() == f"scoring {scoring.__version__}"
    assert f'version = "{scoring.__version__}"' in (ROOT / "pyproject.toml").read_text("utf-8")
    assert scoring.__version__ in (ROOT / "CHANGELOG.md").read_text("utf-8")


@pytest.mark.parametrize("name", scoring.__all__)
def test_every_public_name_is_there_and_described(name: str) -> None:
    assert getattr(scoring, name).__doc__
    assert name in dir(scoring)
    assert name not in [path.stem for path in (ROOT / "scoring").iterdir()]  # a module would take its place


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nothing"):
        scoring.nothing  # noqa: B018
