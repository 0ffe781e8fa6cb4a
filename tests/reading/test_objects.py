"""Records in parts: what reading the whole file gives, of whatever the records are and however they lie."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring.reading import streams
from scoring.reading.files import Contents, read_file
from scoring.reading.streams import Irregular, open_stream

SIZES = (1, 60, 700, 10**7)
quick = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
LAYOUTS = {
    "lines": lambda rows: "".join(f"{json.dumps(row)}\n" for row in rows),
    "lines of Unicode": lambda rows: "\n".join(json.dumps(row, ensure_ascii=False) for row in rows),
    "lines and blanks": lambda rows: "\r\n \r\n".join(json.dumps(row, separators=(",", ":")) for row in rows),
    "array": json.dumps,
    "tight array": lambda rows: json.dumps(rows, separators=(",", ":")) + "\n",
    "indented array": lambda rows: json.dumps(rows, indent=2, ensure_ascii=False) + "\r\n",
    "array of lines": lambda rows: "\n[\n" + "\n,".join(json.dumps(row) for row in rows) + "\n]\n\n",
    "wrapped": lambda rows: json.dumps({"page": {"n": 1}, "contacts": rows, "next": None}),
    "wrapped and indented": lambda rows: json.dumps({"contacts": rows}, indent=1),
}
odd_text = st.sampled_from(['}, {"', "\\", '"', "],[", "é\n", "\u2028", "a\\u00e9", "\U0001f600", "null", "\x7f", ":"])
cells: dict[str, st.SearchStrategy[Any]] = {
    "name": st.none() | st.text(max_size=5) | odd_text,
    "flag": st.booleans() | st.none(),
    "total_inbound": st.none() | st.integers(-5, 10**15),
    "ratio": st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**53), 2**53),
    "long": st.integers(-(2**63), 2**63 - 1),
    "mixed": st.integers(-(2**70), 2**70) | odd_text | st.booleans() | st.floats(-10, 10),
    "nothing": st.none(),
}
records = st.lists(
    st.fixed_dictionaries({"id": st.integers(0, 9)}, optional=cells).filter(lambda row: "total_inbound" in row),
    min_size=1,
    max_size=8,
)


@pytest.fixture(autouse=True)
def large(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every file for a large one."""
    monkeypatch.setattr(streams, "LEAST_BYTES", 0)


def read_parts(path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> list[Contents]:
    """Read a file in parts of about so many bytes, twice."""
    monkeypatch.setattr(streams, "BLOCK_BYTES", size)
    stream = open_stream(path)
    parts = None
    while parts is None:
        if stream is None:
            raise Irregular
        try:
            parts = list(stream.parts())
        except Irregular as error:
            stream = error.better
    again = list(stream.again([part.kind for part in parts], True))
    assert [part.source.height for part in again] == [part.source.height for part in parts]
    assert_frame_equal(*(pl.concat([part.source for part in each]) for each in (parts, again)), check_exact=True)
    return again


def same(path: Path, size: int, monkeypatch: pytest.MonkeyPatch) -> int:
    """Compare a file in parts with the file as a whole; say in how many."""
    whole, parts = read_file(path), read_parts(path, size, monkeypatch)
    assert_frame_equal(pl.concat([part.source for part in parts]), whole.source, check_exact=True)
    lines = [line for part in parts for line in ([] if part.lines is None else part.lines)]
    assert whole.lines is not None
    assert lines == whole.lines.to_list()
    start, broken = 0, []
    for part in parts:
        broken += [(start + row, line) for row, line in part.broken.iter_rows()]
        start += part.source.height
    assert broken == whole.broken.rows()
    return len(parts)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("size", SIZES)
def test_parts_are_the_whole_however_the_records_lie(
    layout: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {
            "id": f"c{n}",
            "total_inbound": n,
            "ratio": n / 7,
            "none": None,
            "on": n % 2 == 0,
            "name": '"}, {\\é\n' * (n % 3),
        }
        for n in range(40)
    ]
    (tmp_path / "in").write_text(LAYOUTS[layout](rows), encoding="utf-8")
    assert (same(tmp_path / "in", size, monkeypatch) > 1) == (size < 10**7)


@given(rows=records, layout=st.sampled_from(sorted(LAYOUTS)), size=st.sampled_from(SIZES))
@quick
def test_whatever_the_columns_hold_parts_are_the_whole_or_refused(
    rows: list[dict[str, Any]], layout: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "in"
    path.write_text(LAYOUTS[layout](rows), encoding="utf-8")
    # without two lines that are whole it is not known what the first is a line of
    if len(rows) < 3 or layout.startswith("wrapped"):
        try:
            same(path, size, monkeypatch)
        except Irregular:
            return
    else:
        same(path, size, monkeypatch)


@given(numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=50))
@quick
def test_fractions_are_read_to_the_last_bit(
    numbers: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").write_text("".join(f'{{"total_inbound":1,"x":{number!r}}}\n' for number in [*numbers, 0.5]))
    same(tmp_path / "in", 10**6, monkeypatch)


@pytest.mark.parametrize("size", [40, 400])
@pytest.mark.parametrize(
    "late",
    [
        '{"total_inbound": 1, "name": 7}',
        '{"total_inbound": 2.5, "name": "x"}',
        '{"total_inbound": "many"}',
        '{"new": 1, "total_inbound": 1}',
        '{"name": "other order", "total_inbound": 1}',
        '{"total_inbound": 1, "name": "twice", "name": "twice"}',
        '{"total_inbound": 1, "name": "torn"',
        '{"total_inbound": 1} {"total_inbound": 2}',
        '{"total_inbound": 9007199254740993}',
        '{"total_inbound": 1, "name": "\\ud83d\\ude00 \\ud83d"}',
        '{"total_inbound": Infinity}',
        '{"total_inbound": 123456789012345678901234567890}',
        "[1]",
        "no record",
        "\ufeff {}",
        "{}",
    ],
)
def test_what_comes_late_counts_for_all(late: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.reading.objects._START_BYTES", 100)
    usual = [f'{{"total_inbound": {n}, "name": "contact {n}"}}' for n in range(30)]
    (tmp_path / "in").write_text("\n".join([*usual, late, *usual]) + "\n", encoding="utf-8")
    assert same(tmp_path / "in", size, monkeypatch) > 1


DAMAGED = [
    '[{"total_inbound": 1}, {"total_inbound": 2}',
    '[{"total_inbound": 1}, {"total_inbound": 2},',
    '[{"total_inbound": 1}, {"total_inbound": 2, "na',
    '[{"total_inbound": 1}, {"total_inbound": 2, "name": "cut o',
    '{"n": 1, "contacts": [{"total_inbound": 1}, {"total_inbound": 2, "name": "cut o',
    '[{"total_inbound": 1} {"total_inbound": 2}]',
    '[{"total_inbound": 1},, {"total_inbound": 2}]',
    '[{"total_inbound": 1}, 7, {"total_inbound": 2}]',
    '[{"total_inbound": 1}, {"total_inbound": 2 "x": 1}, {"total_inbound": 3}]',
    '[{"total_inbound": 1}, {"total_inbound": 2, "total_inbound": 2}]',
    '[{"total_inbound": 1}, {"a": {"x": 1, "x": 2}, bad}, {"total_inbound": 2}]',
    '[{"total_inbound": 1}, {"name": "a\nb"}]',
    '[{"total_inbound": 1}, {"name": "open}]',
    '[{"total_inbound": 1}, {"name": "open}, {"total_inbound": 2}, {"name": "x"}, {"total_inbound": 3}] and more',
    '[{"total_inbound": 1}] [{"total_inbound": 2}]',
    '[{"total_inbound": 1, "name": "é"}, {"name": {"a": "}, {"}, oh}, {"total_inbound": 3, "name": "ü"}]\n\n',
]


@pytest.mark.parametrize("text", DAMAGED)
@pytest.mark.parametrize("size", SIZES)
def test_damaged_arrays_are_read_record_by_record(
    text: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").write_text(text, encoding="utf-8")
    same(tmp_path / "in", size, monkeypatch)


@given(rows=records, text=st.sampled_from(DAMAGED), at=st.integers(0, 8), size=st.sampled_from((30, 90, 300)))
@quick
def test_of_damaged_arrays_parts_are_the_whole_or_refused(
    rows: list[dict[str, Any]], text: str, at: int, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scoring.reading.documents._MARGIN", 120)
    monkeypatch.setattr("scoring.reading.documents._SIGHT", 10)
    monkeypatch.setattr("scoring.reading.objects._START_BYTES", 200)
    some = [json.dumps(row) for row in rows]
    damage = text.partition("[")[2].rpartition("]")[0]
    array = f"[{', '.join([*some[:at], damage, *some[at:], *some])}]"
    (tmp_path / "in").write_text(array[: len(array) - at], encoding="utf-8")
    try:
        same(tmp_path / "in", size, monkeypatch)
    except Irregular:
        return


def test_a_large_damaged_array_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.reading.documents._MARGIN", 200)
    monkeypatch.setattr("scoring.reading.documents._SIGHT", 20)
    usual = [json.dumps({"total_inbound": n, "name": f"contact {n}", "calls": [n]}) for n in range(60)]
    usual[20:20] = ['{"total_inbound": 2 "x": 1}', "{}", '{"total_inbound": 5, "name": "x", "name": "y"}']
    (tmp_path / "in").write_text("[" + ",\n".join(usual) + ', {"total_inb', encoding="utf-8")
    assert same(tmp_path / "in", 300, monkeypatch) > 4


nested = st.lists(st.integers(0, 3) | st.none() | st.floats(0, 9) | odd_text, max_size=2) | st.fixed_dictionaries(
    {"a": st.integers(0, 3) | st.none()}, optional={"b": st.lists(st.booleans(), max_size=2)}
)


@given(
    rows=st.lists(
        st.fixed_dictionaries({"total_inbound": st.integers(0, 9)}, optional={"x": nested | st.none()}), min_size=3
    ),
    layout=st.sampled_from(sorted(LAYOUTS)),
    size=st.sampled_from(SIZES),
)
@quick
def test_of_nested_cells_parts_are_the_whole_or_refused(
    rows: list[dict[str, Any]], layout: str, size: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").write_text(LAYOUTS[layout](rows), encoding="utf-8")
    try:
        same(tmp_path / "in", size, monkeypatch)
    except Irregular:
        return


@pytest.mark.parametrize("layout", ["lines", "array", "wrapped and indented"])
def test_nested_cells_of_one_type_are_read_in_parts(
    layout: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scoring.reading.objects._START_BYTES", 300)
    rows = [
        {"total_inbound": n, "calls": [n, None], "site": {"a": "}, {", "b": [{"c": n / 3}]}, "odd": [n, "x"][n % 2]}
        for n in range(40)
    ]
    rows[3]["calls"] = rows[30]["site"] = None
    (tmp_path / "in").write_text(LAYOUTS[layout](rows), encoding="utf-8")
    assert same(tmp_path / "in", 700, monkeypatch) > 3


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [{"total_inbound": 1}], "email": "x", "total_inbound": 2}',
        '{"a": [{"total_inbound": 1}]} {"total_inbound": 2}',
        '{"a": [{"total_inbound": 1}, 7]}',
        '{"total_inbound": 1,\n"name": "x"}\n{"total_inbound": 1,\n"name": "y"}',
        '[{"shoe size": 1}]',
        "[]",
        "[1, 2]",
        "{",
    ],
)
def test_what_cannot_be_told_from_a_part_is_refused(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").write_text(text, encoding="utf-8")
    for size in (1, 60):
        with pytest.raises(Irregular):
            read_parts(tmp_path / "in", size, monkeypatch)


def test_text_that_is_not_utf8_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").write_bytes('{"total_inbound": 1, "name": "é"}\n'.encode("latin-1") * 3)
    with pytest.raises(Irregular):
        read_parts(tmp_path / "in", 30, monkeypatch)


def test_columns_left_out_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "in").write_text('{"email": "a", "total_inbound": 1, "shoe": 2}\n' * 3)
    stream = open_stream(tmp_path / "in")
    assert stream is not None
    assert [part.source.columns for part in stream.parts({"shoe", "total_inbound"})] == [["total_inbound", "shoe"]]
