"""Files: whole or not at all, and read back as they were."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scoring import writing
from scoring.errors import InputError
from scoring.reading import read
from scoring.writing import (
    FORMATS,
    Part,
    check_target,
    ending_of,
    refuse_input,
    write_frame,
    write_parts,
    write_with_lines,
)

FEW_FIELDS = pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning")
FRAME = pl.DataFrame(
    {
        "crm_id": ["001", "2", None],
        "total_inbound": [1, None, 10**12],
        "name": ['Ann "A", Lee', "Öz\nÇ", ""],
        "share": [0.1, 1 / 3, None],
        "held": [True, False, None],
    }
)


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_is_read_back_as_it_was(ending: str, contacts: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / f"contacts{ending}"
    write_frame(contacts, path)
    assert_frame_equal(read(path).table, contacts, check_exact=True)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@FEW_FIELDS
@pytest.mark.parametrize("ending", FORMATS)
def test_every_cell_comes_through(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"cells{ending}"
    write_frame(FRAME, path)
    back = read(path).source
    assert back.columns == FRAME.columns
    text = "csv" in ending
    for name, dtype in FRAME.schema.items():
        if not text:
            assert back[name].to_list() == FRAME[name].to_list()
        elif dtype == pl.String:
            assert [cell or "" for cell in back[name]] == [cell or "" for cell in FRAME[name]]
        else:
            words = back[name].replace({"true": "1", "false": "0"}).cast(pl.Float64)
            assert words.to_list() == FRAME[name].cast(pl.Float64).to_list()


@pytest.mark.parametrize("ending", FORMATS)
def test_no_rows_can_be_written(ending: str, contacts: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / f"nothing{ending}"
    write_frame(contacts.head(0), path)
    if "csv" in ending or ending == ".parquet":
        assert read(path).source.columns == contacts.columns
    else:
        assert path.exists()


def test_the_same_frame_gives_the_same_bytes(contacts: pl.DataFrame, tmp_path: Path) -> None:
    for ending in FORMATS:
        one, two = (tmp_path / f"{name}{ending}" for name in ("one", "two"))
        write_frame(contacts, one)
        write_frame(contacts, two)
        assert one.read_bytes() == two.read_bytes(), ending


def test_an_ending_in_capitals_counts(tmp_path: Path) -> None:
    write_frame(FRAME, tmp_path / "out.CSV.GZ")
    assert gzip.decompress((tmp_path / "out.CSV.GZ").read_bytes()).startswith(b"crm_id,")


LATE = datetime(2025, 12, 31, 20, 33, 4, 500_000, UTC)
UNUSUAL = pl.DataFrame(
    {
        "crm_id": ["1", "2"],
        "total_inbound": [1, 2],
        "utc": [datetime(2026, 1, 1, 2, 3, 4, tzinfo=UTC), None],
        "elsewhere": pl.Series([datetime(2025, 12, 31, 20, 33, 4, 500_000, UTC), None]).dt.convert_time_zone(
            "Asia/Kolkata"
        ),
        "day": [date(2026, 1, 1), None],
        "span": [timedelta(days=1), None],
        "bytes": [b"\x00\xff", None],
        "tags": [["a", "b"], None],
        "more": [{"a": 1, "b": None}, None],
        "price": [Decimal("1.10"), None],
        "kind": pl.Series(["x", None], dtype=pl.Categorical),
        "nothing": [None, None],
    }
)


@FEW_FIELDS
def test_cells_that_text_has_no_form_for_are_put_into_one(tmp_path: Path) -> None:
    expected = {
        "utc": "2026-01-01T02:03:04Z",
        "elsewhere": "2025-12-31T20:33:04.500Z",
        "day": "2026-01-01",
        "span": "P1D",
        "bytes": "00ff",
        "price": "1.10",
        "kind": "x",
        "nothing": None,
    }
    for ending in (".csv", ".ndjson", ".json"):
        write_frame(UNUSUAL, tmp_path / f"out{ending}")
        first, second = read(tmp_path / f"out{ending}").source.to_dicts()
        assert {name: first[name] for name in expected} == expected
        assert set(second.values()) <= {"2", 2, None}
    assert (first["tags"], first["more"]) == (["a", "b"], {"a": 1, "b": None})
    cells = read(tmp_path / "out.csv").source.row(0, named=True)
    assert (json.loads(cells["tags"]), json.loads(cells["more"])) == (["a", "b"], {"a": 1, "b": None})
    write_frame(UNUSUAL, tmp_path / "out.parquet")
    assert_frame_equal(pl.read_parquet(tmp_path / "out.parquet"), UNUSUAL)


# ---- whole or not at all --------------------------------------------------------------------------------------------


def full(*_: object) -> None:
    raise OSError(28, "No space left on device")


def part_then_full(_: pl.DataFrame, path: Path, __: str) -> None:
    path.write_bytes(b"half of it")
    full()


def polars_gives_up(_: pl.DataFrame, path: Path, __: str) -> None:
    path.write_bytes(b"half of it")
    raise pl.exceptions.ComputeError("one line\nand a plan")


@pytest.mark.parametrize("fault", [full, part_then_full, polars_gives_up])
@pytest.mark.parametrize("older", [None, "the older file"])
def test_a_write_that_fails_leaves_what_was(
    fault: Callable[..., None], older: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, aside = tmp_path / "out.csv", tmp_path / "out.csv.rejected.ndjson"
    if older:
        target.write_text(older)
        aside.write_text(older)
    monkeypatch.setattr(writing, "_write", fault)
    for write in (lambda: write_frame(FRAME, target), lambda: write_with_lines(FRAME, target, ["{}"], aside)):
        with pytest.raises(InputError, match=r"out\.csv") as refused:
            write()
        assert "\n" not in str(refused.value)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == (
        {target.name: older, aside.name: older} if older else {}
    )


def test_lines_that_fail_leave_both_files_as_they_were(tmp_path: Path) -> None:
    def lines():  # type: ignore[no-untyped-def]
        yield "{}"
        full()

    with pytest.raises(InputError, match="No space left"):
        write_with_lines(FRAME, tmp_path / "out.csv", lines(), tmp_path / "aside")
    assert list(tmp_path.iterdir()) == []


def test_a_stop_leaves_no_litter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(_: pl.DataFrame, path: Path, __: str) -> None:
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(writing, "_write", stopped)
    with pytest.raises(KeyboardInterrupt):
        write_frame(FRAME, tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_run_left_is_written_over(tmp_path: Path) -> None:
    (tmp_path / ".out.csv.part.csv").write_text("half of it")
    write_frame(FRAME, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


def test_a_name_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="could not be written"):
        write_frame(FRAME, tmp_path / f"{'x' * 250}.csv")


def test_lines_are_written_as_utf8_with_plain_ends(tmp_path: Path) -> None:
    write_with_lines(FRAME, tmp_path / "out.csv", ["ö", "b"], tmp_path / "aside.txt")
    assert (tmp_path / "aside.txt").read_bytes() == "ö\nb\n".encode()


# ---- checked before any work ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out", "out.xlsx", "out.csv.bz2", "out.json.gz", "csv", "out.csv.txt", ""])
def test_an_unknown_ending_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"\.csv, ") as refused:
        check_target(tmp_path / name)
    assert str(tmp_path.parent) not in str(refused.value)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no folder 'nowhere'"):
        check_target(tmp_path / "nowhere" / "out.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="no folder 'file'"):
        check_target(tmp_path / "file" / "out.csv")


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        check_target(tmp_path / "out.csv")


def test_a_folder_that_cannot_be_written_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    with pytest.raises(InputError, match="cannot be written"):
        check_target(tmp_path / "out.csv")


def test_the_input_is_never_the_output(tmp_path: Path) -> None:
    path = tmp_path / "in.csv"
    path.write_text("x")
    (tmp_path / "link.csv").symlink_to(path)
    (tmp_path / "same.csv").hardlink_to(path)
    for target in ("in.csv", "link.csv", "same.csv", f"../{tmp_path.name}/in.csv"):
        for source in (path, str(path), ["other.csv", path]):
            with pytest.raises(InputError, match="is the input"):
                check_target(tmp_path / target, source)
            with pytest.raises(InputError, match="is the input"):
                refuse_input(tmp_path / target, source)
    assert check_target(tmp_path / "out.csv", path) == tmp_path / "out.csv"


@pytest.mark.parametrize(
    ("name", "ending"),
    [("a.csv", ".csv"), ("a.b.CSV.Gz", ".csv.gz"), ("a.ndjson.zst", ".ndjson.zst"), ("a.csv.bak", None), ("a", None)],
)
def test_endings(name: str, ending: str | None) -> None:
    assert ending_of(Path(name)) == ending


def test_rows_that_are_text_are_the_bytes_of_cells(tmp_path: Path) -> None:
    cells = pl.DataFrame({"name": ["Ann", None, "Bo b", "é"], "n": ["1", "2", None, "-4"]})
    text = pl.Series(["Ann,1", ",2", "Bo b,", "é,-4"])
    when = pl.Series([datetime(2026, 1, 1, tzinfo=UTC)] * 4)
    scores = pl.DataFrame(
        {"chance": [0.1, 1e-9, None, 1 / 3], "reasons": ['a, "b"', "c; d", None, "line\nbreak"], "as_of": when}
    )
    whole = cells.hstack(scores)
    as_cells, as_text, both = tmp_path / "cells.csv", tmp_path / "text.csv", tmp_path / "both.csv"
    write_frame(whole, as_cells)
    write_parts([Part(scores, [], text)], whole.columns, as_text, None)
    halves = [Part(whole[:2], []), Part(scores[2:], [], text[2:])]
    write_parts(halves, whole.columns, both, None)
    assert as_text.read_bytes() == as_cells.read_bytes() == both.read_bytes()
