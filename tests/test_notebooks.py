"""The notebooks run from top to bottom, give what the command line gives, and are committed without outputs."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.cli import main

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))
RETRAIN = next(path for path in NOTEBOOKS if path.stem == "retrain")
QUICKSTART = next(path for path in NOTEBOOKS if path.stem == "quickstart")
NEEDS = {"retrain": ("matplotlib", "mlflow")}
LEAVES = {"quickstart": {"worklist.csv"}, "retrain": {"mlflow.db", "mlruns", "simulated"}}

Names = dict[str, Any]
Ran = Callable[[Path], tuple[Path, Names]]


def cells(path: Path) -> list[dict[str, Any]]:
    return [cell for cell in json.loads(path.read_text("utf-8"))["cells"] if cell["cell_type"] == "code"]


def run(path: Path, *, until: str = "", replaced: tuple[str, str] = ("", "")) -> Names:
    """Run the cells up to the one that gives a name, all without one; some text may be replaced before."""
    names: Names = {}
    with pl.Config():  # how frames are shown is set for the notebook alone
        for cell in cells(path):
            exec(compile("".join(cell["source"]).replace(*replaced), path.name, "exec"), names)
            if until in names:
                break
    return names


def skip_unless_installed(path: Path) -> None:
    absent = [name for name in NEEDS.get(path.stem, ()) if importlib.util.find_spec(name) is None]
    if absent:
        pytest.skip(f"{' and '.join(absent)} not installed")


def close_figures(names: Names) -> None:
    """Close what is plotted and keep it to be looked at."""
    if plt := names.get("plt"):
        names["figures"] = [plt.figure(number) for number in plt.get_fignums()]
        plt.close("all")


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Ran:
    """Run a notebook once, in a folder of its own, with plots that open no window."""
    done: dict[Path, tuple[Path, Names]] = {}

    def once(path: Path) -> tuple[Path, Names]:
        skip_unless_installed(path)
        if path not in done:
            folder = tmp_path_factory.mktemp(path.stem)
            with pytest.MonkeyPatch.context() as patch:
                patch.chdir(folder)
                patch.setenv("MPLBACKEND", "Agg")
                patch.delenv("MLFLOW_TRACKING_URI", raising=False)
                done[path] = folder, run(path)
            close_figures(done[path][1])
        return done[path]

    return once


@pytest.fixture
def in_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_there_are_notebooks() -> None:
    assert {path.stem for path in NOTEBOOKS} == {"quickstart", "retrain"}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_runs(path: Path, ran: Ran) -> None:
    folder, names = ran(path)
    assert names["scored"].height > 0
    assert {left.name for left in folder.iterdir()} == LEAVES[path.stem]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_a_notebook_holds_no_output_and_no_path_of_a_machine(path: Path) -> None:
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in cells(path))
    assert not re.search(r"/(home|Users|root|tmp|work|mnt)/|[A-Z]:\\", path.read_text("utf-8"))


def test_the_quickstart_is_ten_cells_from_an_export_to_a_list(ran: Ran, capsys: pytest.CaptureFixture[str]) -> None:
    assert len(cells(QUICKSTART)) == 10
    folder, names = ran(QUICKSTART)
    assert pl.read_csv(folder / "worklist.csv").height == names["work"].rows.height > 100
    assert names["tiers"]["happened"].sum() > 0
    assert names["changed"].moves.height >= names["scored"].height
    assert 0.05 < names["explanation"].parts.filter(target="priority")["chance"][-1] < 0.95
    assert names["work"].rows.filter(rep=names["rep"]).height >= 10


def test_the_quickstart_runs_on_a_file_of_ones_own(
    in_folder: Path, exports: dict[datetime, pl.DataFrame], capsys: pytest.CaptureFixture[str]
) -> None:
    when, contacts = max(exports.items())
    contacts.write_csv(f"contacts-{when:%Y-%m-%d}.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    names = run(QUICKSTART, replaced=("EXPORT = None", f'EXPORT = "contacts-{when:%Y-%m-%d}.csv"'))
    assert names["scored"].height == contacts.height
    assert "changed" not in names
    assert "in the file's name" in capsys.readouterr().out
    assert pl.read_csv("worklist.csv").height == names["work"].rows.height


def test_the_notebook_the_command_and_the_functions_give_the_same_scores(
    ran: Ran, in_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, names = ran(RETRAIN)
    assert names["in_use"].startswith("models:/")
    files = [folder / path for path in names["files"]]
    assert main(["train", *map(str, files), "-o", "own", "--name", names["NAME"]]) == 0
    assert main(["score", str(files[-1]), "--model", "own", "-o", "scored.parquet"]) == 0
    capsys.readouterr()
    by_function = scoring.score(files[-1], model=scoring.train(files, name=names["NAME"]))
    assert_frame_equal(names["scored"], by_function, check_exact=True)
    assert_frame_equal(pl.read_parquet("scored.parquet"), by_function, check_exact=True)


def test_the_plots_say_what_is_on_their_axes(ran: Ran) -> None:
    _, names = ran(RETRAIN)
    assert len(names["figures"]) == 3
    for figure in names["figures"]:
        assert all(axes.get_xlabel() and axes.get_title() for axes in figure.axes)
        assert figure.get_supylabel() or all(axes.get_ylabel() for axes in figure.axes)
        assert all(len(line.get_xdata()) for axes in figure.axes for line in axes.get_lines())


def test_a_folder_of_ones_own_is_one_variable(
    in_folder: Path, monkeypatch: pytest.MonkeyPatch, exports: dict[datetime, pl.DataFrame]
) -> None:
    skip_unless_installed(RETRAIN)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    Path("mine").mkdir()
    Path("mine", "notes.txt").write_text("exported by hand")
    for when, contacts in exports.items():
        contacts.write_csv(f"mine/{when:%Y-%m-%d}.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    names = run(RETRAIN, until="labels", replaced=("FOLDER = None", 'FOLDER = "mine"'))
    assert [path.name for path in names["files"]] == [f"{when:%Y-%m-%d}.csv" for when in exports]
    assert names["truth"] is None
    assert_frame_equal(names["labels"], scoring.count_labels(exports).filter(target="engaged"))
    assert [left.name for left in in_folder.iterdir()] == ["mine"]


def test_what_to_install_is_said_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    skip_unless_installed(RETRAIN)
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"mlflow is not installed: pip install"):
        run(RETRAIN)
