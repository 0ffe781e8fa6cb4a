"""``scoring report``: which page it writes, and how it ends when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.writing import write_frame

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def files(exports: dict[datetime, pl.DataFrame], tmp_path: Path) -> dict[str, Path]:
    found = {}
    for name, (when, export) in zip(("old", "new"), list(exports.items())[-2:], strict=True):
        found[name] = tmp_path / f"contacts-{when:%Y-%m-%d}.parquet"
        write_frame(export, found[name])
    found["scored"] = tmp_path / "scored.parquet"
    write_frame(scoring.score(found["old"]), found["scored"])
    return found


def test_the_page_of_scores(run: Run, files: dict[str, Path]) -> None:
    code, out, err = run("report", files["scored"], "-o", "report.html")
    assert (code, out, err) == (0, "The report: report.html\n", "")
    assert Path("report.html").read_text("utf-8") == scoring.report_scores(files["scored"])


def test_a_later_export_says_whether_it_worked(run: Run, files: dict[str, Path]) -> None:
    assert run("report", files["scored"], "--later", files["new"], "-o", "report.htm")[0] == 0
    page = Path("report.htm").read_text("utf-8")
    assert page == scoring.report_scores(files["scored"], later=[files["new"]])
    assert "Did it work?" in page


def test_the_page_of_a_model(run: Run, files: dict[str, Path]) -> None:
    assert run("report", "shipped", "-o", "report.html")[0] == 0
    assert Path("report.html").read_text("utf-8") == scoring.report_model("shipped")
    scoring.load_model().save("folder")
    assert run("report", "folder", "--exports", files["old"], files["new"], "-o", "proved.html")[0] == 0
    page = Path("proved.html").read_text("utf-8")
    assert page == scoring.report_model("folder", exports=[files["old"], files["new"]])
    assert "Gains" in page


def test_who_is_suppressed_is_left_out(run: Run, files: dict[str, Path]) -> None:
    domain = pl.read_parquet(files["scored"]).sort("priority", descending=True)["account_domain"][0]
    Path("list.txt").write_text(f"{domain}\n")
    for more in ([], ["--later", files["new"]]):
        assert run("report", files["scored"], *more, "--suppress", "list.txt", "-o", "report.html")[0] == 0
        page = Path("report.html").read_text("utf-8")
        assert domain not in page
        assert "left out as asked" in page


def test_a_page_is_written_whole_or_not_at_all(run: Run, files: dict[str, Path], exports: object) -> None:
    Path("report.html").write_text("old")
    Path("broken.csv").write_text("crm_id,total_inbound\n1,2\n")
    code, _, err = run("report", "broken.csv", "-o", "report.html")
    assert code == 3
    assert "scoring score FILE" in err
    assert Path("report.html").read_text() == "old"
    there = {"report.html", "broken.csv", *(path.name for path in files.values())}
    assert {path.name for path in Path().iterdir()} == there


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["{scored}", "-o", "report.csv"], 3, "ends in .html"),
        (["{scored}", "-o", "none/report.html"], 3, "there is no folder"),
        (["{scored}", "-o", "folder.html"], 3, "is a folder"),
        (["{scored}", "--suppress", "list.html", "-o", "list.html"], 3, "is the input"),
        (["{scored}"], 2, "-o"),
        (["{scored}", "--exports", "{new}", "-o", "report.html"], 2, "--exports is for a model"),
        (["shipped", "--later", "{new}", "-o", "report.html"], 2, "--later is for scores"),
        (["shipped", "--exports", "{new}", "-o", "report.html"], 3, "one export"),
        (["{scored}", "--later", "{old}", "-o", "report.html"], 3, "not later than the scores"),
        (["folder.html", "-o", "report.html"], 4, "no whole model"),
        (["nothing.csv", "-o", "report.html"], 3, "nothing.csv"),
    ],
)
def test_what_cannot_be(run: Run, files: dict[str, Path], arguments: list[str], code: int, said: str) -> None:
    Path("folder.html").mkdir()
    Path("list.html").write_text("a@b.example\n")
    found, _, err = run("report", *(each.format(**files) for each in arguments))
    assert found == code
    assert said in err
    assert not Path("report.html").exists()
