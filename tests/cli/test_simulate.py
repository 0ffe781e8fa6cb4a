"""``scoring simulate``: exports of organisations that do not exist."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring import schema
from scoring.cli import main
from scoring.reading import read


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def simulate(*arguments: object) -> int:
    return main(["simulate", *map(str, arguments), "--rows", "300"])


@pytest.mark.parametrize("name", ["made-up.csv", "made-up.parquet", "made-up.ndjson.gz", "made-up.json"])
def test_an_export_can_be_scored(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert simulate(name) == 0
    captured = capsys.readouterr()
    assert captured.out == f"The simulated export: {name}\n"
    assert captured.err == ""
    scored = scoring.score(name)
    assert scored.height > 20
    assert scored["problem"].null_count() == scored.height
    assert [column for column in scored.columns if column in schema.NAMES] == list(schema.NAMES)


def test_the_seed_says_which_organisation() -> None:
    for name, seed in (("a.csv", 1), ("b.csv", 1), ("c.csv", 2)):
        assert simulate(name, "--seed", seed) == 0
    assert Path("a.csv").read_bytes() == Path("b.csv").read_bytes()
    assert Path("a.csv").read_bytes() != Path("c.csv").read_bytes()


def test_outcomes_are_those_of_the_rows() -> None:
    assert simulate("export.csv", "--outcomes", "outcomes.parquet") == 0
    export, outcomes = read("export.csv").table, pl.read_parquet("outcomes.parquet")
    keys = ["source_email", "crm_id", "email"]
    assert outcomes.select(keys).equals(export.select(keys))
    flags = outcomes.drop(keys)
    assert set(flags.dtypes) == {pl.Boolean}
    assert flags.null_count().sum_horizontal().item() == 0
    assert flags.select((pl.col("engaged") == (pl.col("replied") | pl.col("met"))).all()).item()


@pytest.mark.parametrize(
    "arguments",
    [
        ["made-up.xlsx"],
        ["nowhere/made-up.csv"],
        ["made-up.csv", "--seed", "-1"],
        ["made-up.csv", "--outcomes", "nowhere/o.csv"],
        ["made-up.csv", "--outcomes", "made-up.csv"],
    ],
)
def test_what_cannot_be_written_ends_with_3_in_one_line(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(*arguments) == 3
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize("rows", ["0", "-5", "1"])
def test_few_rows_are_no_fault_of_the_program(rows: str, capsys: pytest.CaptureFixture[str]) -> None:
    code = main(["simulate", "made-up.csv", "--rows", rows])
    assert code in (0, 3)
    assert capsys.readouterr().err.count("\n") == (code == 3)
