"""The README: what it shows runs, and what it says is so."""

from __future__ import annotations

import re
import shlex
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType

import polars as pl
import pytest

import scoring
from scoring.cli import EXIT_CODES, VERBS, main
from scoring.cli.simulate import write_simulated
from scoring.prediction import COLUMNS
from scoring.simulation import Settings, draw_organisation
from scoring.writing import write_frame

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
MAKEFILE = (ROOT / "Makefile").read_text("utf-8")
GUIDE = sorted((ROOT / "guide").glob("*.md"))
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in (ROOT / "README.md", *GUIDE)}


def blocks(page: str) -> list[tuple[str, str]]:
    """Return the page's blocks of code with their languages, in order."""
    return re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[str]:
    """Return the lines of a block of commands without comments."""
    return [line.split("#")[0].strip() for line in text.splitlines() if line.split("#")[0].strip()]


def name_of(verb: ModuleType) -> str:
    """Return the name that a verb has on the command line."""
    return verb.__name__.rsplit(".", 1)[-1].replace("_", "-")


COMMANDS = [line for language, text in blocks(README) if language == "sh" for line in commands(text)]
TARGETS = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that holds the files of which the pages speak."""
    write_simulated(tmp_path / "export.csv", rows=600)
    (tmp_path / "my export.csv").write_bytes((tmp_path / "export.csv").read_bytes())
    (tmp_path / "objected.txt").write_text("someone@nowhere.example\n")
    organisation = draw_organisation(11, Settings(rows=600, closed=False, one_row_a_contact=False, days=400))
    last = organisation.dates(1)[0]
    for days, name in ((60, "2026-01-05"), (30, "2026-02-04"), (0, "2026-03-06")):
        export = organisation.export(last - timedelta(days=days))
        moved = pl.col(pl.Datetime("us", "UTC")) + (datetime(2026, 3, 6, tzinfo=UTC) - last)
        write_frame(export.with_columns(moved), tmp_path / f"contacts-{name}.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_the_pages_speak_of_every_verb() -> None:
    lines = [line for page in PAGES.values() for kind, text in blocks(page) if kind == "sh" for line in commands(text)]
    said = {shlex.split(line)[1] for line in lines if line.startswith("scoring")}
    assert said == set(map(name_of, VERBS))


def test_every_verb_function_and_page_has_its_place_in_the_guide() -> None:
    rows = [line.split("|") for line in PAGES["guide/README.md"].splitlines() if line.startswith("| ")][1:]
    pages, verbs, functions = (" ".join(row[place] for row in rows) for place in (2, 3, 4))
    assert set(re.findall(r"\(([\w-]+\.md)", pages)) == {path.name for path in GUIDE} - {"README.md"}
    assert sorted(re.findall(r"`([\w-]+)`", verbs)) == sorted(map(name_of, VERBS))
    assert set(re.findall(r"`(\w+)`", functions)) <= set(scoring.__all__)
    called = {name for name in scoring.__all__ if callable(getattr(scoring, name)) and name[0].islower()}
    assert called - set(re.findall(r"`(\w+)`", functions)) == set()


@pytest.mark.parametrize("name", PAGES)
def test_links_lead_somewhere(name: str) -> None:
    page = ROOT / name
    links = re.findall(r"(?<!!)\[[^\]]+\]\(([^)]+)\)|(?:src=|!\[[^\]]*\]\()\"?([^)\" ]+)", PAGES[name])
    for target, _, anchor in ((one or other).partition("#") for one, other in links):
        assert "://" not in target
        leads_to = (page.parent / target).resolve() if target else page
        assert leads_to.is_file(), target
        if anchor:
            heads = re.findall(r"^#+ (.+)$", leads_to.read_text("utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_runs(name: str, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if "pyspark" in PAGES[name]:
        pytest.skip("it needs Spark, and is run by tests/spark/test_guide.py")
    names: dict[str, object] = {}
    found = [(language, text) for language, text in blocks(PAGES[name]) if language in ("python", "sh")]
    assert found
    for language, text in found:
        if language == "python":
            exec(compile(text, name, "exec"), names)
            continue
        for line in commands(text):
            program, *arguments = shlex.split(line)
            if program == "make":
                continue
            capsys.readouterr()
            assert program == "scoring", line
            assert main(arguments) == 0, line
            captured = capsys.readouterr()
            assert captured.out
            assert captured.err == "", line
    if name == "README.md":
        assert isinstance(names["scored"], pl.DataFrame)
        assert isinstance(names["one"], dict)
        assert (folder / names["summary"].output).exists()


def test_make_has_the_targets() -> None:
    lines = [shlex.split(line) for line in COMMANDS if line.startswith("make")]
    lines += [said.split() for said in re.findall(r"`(make [^`]*)`", " ".join(PAGES.values()))]
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
        name = name_of(verb)
        assert re.search(rf"^ +{name}\s+\w", shown, re.MULTILINE)
        with pytest.raises(SystemExit) as stop:
            main([name, "--help"])
        assert stop.value.code == 0
        told = capsys.readouterr().out
        assert f"usage: scoring {name}" in told
        assert "``" not in told


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
