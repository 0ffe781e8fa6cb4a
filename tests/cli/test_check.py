"""``scoring check``: what is wrong with a file, for people and for programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from scoring.cli import main
from scoring.inspection import inspect_export


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_a_good_file_ends_with_0(export_csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(export_csv)]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.strip() == inspect_export(export_csv).to_text()


def test_rows_that_cannot_be_used_end_with_1(messy_csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(messy_csv), "--as-of", "2020-01-01"]) == 1
    out = capsys.readouterr().out
    for word in ("20 rows", "6 cannot", "unreadable_time", "negative_count", "as of 2020-01-01T00:00:00Z: given"):
        assert word in out


def test_json_is_the_findings(messy_csv: Path, suppressed: str, capsys: pytest.CaptureFixture[str]) -> None:
    Path("list.txt").write_text(suppressed)
    options = ["--as-of", "2020-01-01", "--suppress", "list.txt"]
    assert main(["check", str(messy_csv), "--json", *options]) == 1
    captured = capsys.readouterr()
    expected = inspect_export(messy_csv, as_of="2020-01-01", suppress=[suppressed])
    assert json.loads(captured.out) == expected.to_dict()
    assert captured.err == ""


def test_several_files(export_csv: Path, messy_csv: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(export_csv), str(messy_csv), "--json"]) == 1
    found = json.loads(capsys.readouterr().out)
    assert len(found["details"]["files"]) == 2
    assert found["rows"] == inspect_export(export_csv).rows + 20


def test_nothing_is_written(export_csv: Path) -> None:
    main(["check", str(export_csv)])
    assert list(Path().iterdir()) == []


def test_what_cannot_be_read_ends_with_3_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    Path("x.csv").write_bytes(b"")
    for name in ("x.csv", "nowhere.csv"):
        assert main(["check", name]) == 3
        captured = capsys.readouterr()
        assert captured.out == ""
        assert captured.err.startswith("scoring: ")
        assert captured.err.count("\n") == 1
        assert name in captured.err


def test_without_a_file_it_is_not_understood(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["check"])
    assert stop.value.code == 2
    assert "FILE" in capsys.readouterr().err
