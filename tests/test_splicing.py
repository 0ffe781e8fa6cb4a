"""More columns in a Parquet file: every reader finds what it would if all were new, and the old bytes are untouched."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal

from scoring import splicing
from scoring.splicing import Unfit, splice
from scoring.thrift import read_number

ROWS = 60
WHEN = datetime(2026, 1, 2, 3, 4, 5, 678_901)  # noqa: DTZ001


def some(*values: Any) -> list[Any]:
    """Repeat values over all rows, with a null among them."""
    return ([*values, None] * ROWS)[:ROWS]


PLAIN = pl.DataFrame(
    {
        "id": range(ROWS),
        "name": some("Ann", "Öz", "", "a longer name that is not held inline"),
        "share": some(0.1, float("nan"), -0.0),
        "held": some(True, False),
        "day": some(date(2026, 1, 1)),
        "when": some(WHEN, WHEN - timedelta(days=60 * 365)),
        "utc": some(WHEN.replace(tzinfo=UTC)),
        "elsewhere": pl.Series(some(WHEN)).dt.replace_time_zone("Asia/Kolkata").dt.cast_time_unit("ms"),
        "span": some(timedelta(days=1, microseconds=5)),
        "o'clock": some(clock(1, 2, 3)),
        "price": some(Decimal("1.10")),
        "bytes": some(b"\x00\xff"),
        "tags": some(["a", None], []),
        "more": some({"a": 1, "b": [{"c": "x"}]}, {"a": None, "b": None}),
        "kind": pl.Series(some("x", "y"), dtype=pl.Categorical),
        "level": pl.Series(some("low", "high"), dtype=pl.Enum(["low", "high"])),
        "small": pl.Series(some(1, 255), dtype=pl.UInt8),
        "nothing": some(),
    }
)
ADDED = pl.DataFrame(
    {
        "chance": [number / ROWS for number in range(ROWS)],
        "tier": pl.Series(some("A", "B"), dtype=pl.Enum(["A", "B", "C"])),
        "reasons": [f"because of {number}" for number in range(ROWS)],
        "problem": pl.Series([None] * ROWS, dtype=pl.String),
        "as_of": pl.Series([WHEN.replace(tzinfo=UTC)] * ROWS),
    }
)


def by_polars(**options: Any) -> Callable[[Path], None]:
    return lambda path: PLAIN.write_parquet(path, **options)


def by_arrow(**options: Any) -> Callable[[Path], None]:
    return lambda path: pq.write_table(PLAIN.to_arrow(), path, **options)


def with_empty_groups(path: Path) -> None:
    table = PLAIN.to_arrow()
    with pq.ParquetWriter(path, table.schema) as file:
        for start, height in ((0, 0), (0, 20), (20, 0), (20, 40), (60, 0)):
            file.write_table(table.slice(start, height))


def with_an_index(path: Path) -> None:
    PLAIN.drop("span", "o'clock").to_pandas().set_index("name").to_parquet(path)


def with_other_notes(path: Path) -> None:
    table = PLAIN.to_arrow()
    notes = {**(table.schema.metadata or {}), "org.apache.spark.sql.parquet.row.metadata": "{}", "mine": "x" * 300}
    pq.write_table(table.replace_schema_metadata(notes), path, row_group_size=25)


SOURCES: dict[str, Callable[[Path], None]] = {
    "polars": by_polars(),
    "polars, small groups": by_polars(row_group_size=7, statistics="full"),
    "polars, a row a group": by_polars(row_group_size=1, compression="snappy"),
    "polars, many pages": by_polars(data_page_size=50, compression="uncompressed"),
    "arrow": by_arrow(),
    "arrow, old": by_arrow(version="1.0", row_group_size=13, use_compliant_nested_type=False),
    "arrow, no dictionaries": by_arrow(use_dictionary=False, row_group_size=16, compression="gzip"),
    "arrow, second pages": by_arrow(data_page_version="2.0", row_group_size=17),
    "arrow, indexes": by_arrow(write_page_index=True, row_group_size=20, data_page_size=100, write_batch_size=5),
    "arrow, bloom filters": by_arrow(bloom_filter_options={"name": {"ndv": 10, "fpp": 0.1}}, row_group_size=30),
    "arrow, int96": by_arrow(use_deprecated_int96_timestamps=True),
    "arrow, no statistics": by_arrow(write_statistics=False, row_group_size=59),
    "arrow, no schema": by_arrow(store_schema=False),
    "arrow, sorted": by_arrow(sorting_columns=[pq.SortingColumn(0)], row_group_size=30),
    "arrow, empty groups": with_empty_groups,
    "pandas": with_an_index,
    "others' notes": with_other_notes,
}


def cut(frame: pl.DataFrame, seed: int = 1) -> Iterator[pl.DataFrame]:
    """Cut rows into parts of odd heights, some of them empty."""
    odd, start = random.Random(seed), 0
    while start < frame.height:
        height = odd.choice([0, 1, 5, 30])
        yield frame[start : start + height]
        start += height


@pytest.fixture(params=SOURCES)
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    path = tmp_path / "source.parquet"
    SOURCES[request.param](path)
    return path


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """Two row groups of 30 rows."""
    path = tmp_path / "source.parquet"
    PLAIN.write_parquet(path, row_group_size=30)
    return path


@pytest.mark.parametrize("seed", range(3))
def test_it_is_read_as_if_all_had_been_written_anew(source: Path, seed: int, tmp_path: Path) -> None:
    target, anew = tmp_path / "target.parquet", tmp_path / "anew.parquet"
    splice(source, cut(ADDED, seed), target)
    pl.read_parquet(source).with_columns(ADDED).write_parquet(anew)
    assert_frame_equal(pl.read_parquet(target), pl.read_parquet(anew), check_exact=True)
    assert pl.read_parquet_schema(target) == pl.read_parquet_schema(anew)
    notes = [pq.ParquetFile(path).metadata.metadata for path in (target, anew)]
    assert notes[0] == notes[1]


@pytest.mark.parametrize("at_once", [0, 29, 2**17], ids="{} rows at once".format)
def test_every_reader_finds_columns_and_rows(
    source: Path, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splicing, "_AT_ONCE", at_once)
    target = tmp_path / "target.parquet"
    splice(source, cut(ADDED), target)
    expected = pl.read_parquet(source).with_columns(ADDED)
    pairs = [["id"], ["reasons"], ["tier", "id"], ["more", "chance"]]
    wanted = [pl.col("id") == 41, pl.col("chance") > 0.8, (pl.col("id") > 20) & (pl.col("reasons") == "because of 33")]
    filters = [[("id", "==", 41)], [("chance", ">", 0.8)], [("id", ">", 20), ("reasons", "==", "because of 33")]]
    table = pq.read_table(target)
    assert table.num_rows == ROWS
    assert table.column_names == expected.columns
    for columns in pairs:
        assert_frame_equal(pl.scan_parquet(target).select(columns).collect(), expected.select(columns))
        assert pq.read_table(target, columns=columns).to_pylist() == table.select(columns).to_pylist()
    for predicate, filtered in zip(wanted, filters, strict=True):
        rows = expected.filter(predicate)
        assert rows.height > 0
        assert_frame_equal(pl.scan_parquet(target).filter(predicate).collect(), rows)
        assert pq.read_table(target, filters=filtered)["reasons"].to_pylist() == rows["reasons"].to_list()
    assert pq.read_table(target, columns=["id", "tier", "when"]).to_pandas().shape == (ROWS, 3)


def test_what_was_there_stays_byte_for_byte(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.parquet"
    splice(source, cut(ADDED), target)
    data = source.read_bytes()
    end = len(data) - 8 - int.from_bytes(data[-8:-4], "little")
    assert target.read_bytes()[:end] == data[:end]
    old, new = pq.ParquetFile(source).metadata, pq.ParquetFile(target).metadata
    assert new.num_rows == old.num_rows == ROWS
    assert new.created_by == old.created_by
    groups = [number for number in range(old.num_row_groups) if old.row_group(number).num_rows]
    assert new.num_row_groups == len(groups)
    for number, before in enumerate(groups):
        one, two = old.row_group(before), new.row_group(number)
        assert two.num_rows == one.num_rows
        assert two.sorting_columns == one.sorting_columns
        for column in range(one.num_columns):
            assert two.column(column).to_dict() == one.column(column).to_dict()


def test_sizes_and_statistics_of_the_new_columns_are_told(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.parquet"
    splice(source, cut(ADDED), target)
    meta = pq.ParquetFile(target).metadata
    start = 0
    for number in range(meta.num_row_groups):
        group = meta.row_group(number)
        chunks = [group.column(column) for column in range(group.num_columns)]
        assert group.total_byte_size == sum(chunk.total_uncompressed_size for chunk in chunks)
        (chance,) = (chunk for chunk in chunks if chunk.path_in_schema == "chance")
        assert chance.compression == "ZSTD"
        assert chance.statistics.min == ADDED["chance"][start]
        start += group.num_rows
        assert chance.statistics.max == ADDED["chance"][start - 1]


def test_the_footer_adds_up(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target.parquet"
    splice(source, cut(ADDED), target)
    with target.open("rb") as file:
        footer, end = splicing._read(file, 6)
    columns = footer[4][1][0][1][1]
    assert len(footer[7][1]) == len(columns)  # an order for each
    leaves = [node for node in footer[2][1] if 5 not in node]
    assert len(leaves) == len(columns)
    for group in footer[4][1]:
        about = [column[3][1] for column in group[1][1]]
        assert read_number(group[6]) == sum(read_number(each[7]) for each in about)
        for each in about:
            begin = min(read_number(each[number]) for number in (9, 11) if number in each)
            assert 4 <= begin <= begin + read_number(each[7]) <= end


def test_indexes_and_bloom_filters_stay_where_they_were(tmp_path: Path) -> None:
    path, target = tmp_path / "source.parquet", tmp_path / "target.parquet"
    by_arrow(write_page_index=True, bloom_filter_options={"name": {"ndv": 10, "fpp": 0.1}})(path)
    splice(path, cut(ADDED), target)
    group = pq.ParquetFile(target).metadata.row_group(0)
    chunk, new = group.column(1), group.column(group.num_columns - 1)
    assert chunk.has_offset_index
    assert chunk.has_column_index
    assert not new.has_offset_index  # which would say where its pages were before
    assert not new.has_column_index


def test_columns_can_be_added_again_and_again(small: Path, tmp_path: Path) -> None:
    expected = PLAIN
    for number in range(3):
        target = tmp_path / f"{number}.parquet"
        more = ADDED.rename(lambda name, number=number: f"{name} {number}")
        splice(small, cut(more), target)
        small, expected = target, expected.with_columns(more)
        assert_frame_equal(pl.read_parquet(target), expected, check_exact=True)


def test_names_are_no_patterns(small: Path, tmp_path: Path) -> None:
    path, target = tmp_path / "source[1].parquet", tmp_path / "target[1].parquet"
    small.rename(path)
    splice(path, cut(ADDED), target)
    with target.open("rb") as file:
        assert_frame_equal(pl.read_parquet(file), PLAIN.with_columns(ADDED), check_exact=True)


# ---- what takes another way -----------------------------------------------------------------------------------------


def taken(*_: Any) -> Iterator[pl.DataFrame]:
    pytest.fail("work was done")
    yield ADDED


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        (pa.date64(), [date(2026, 1, 1)]),
        (pa.duration("s"), [5]),
        (pa.list_(pa.duration("s")), [[5]]),
        (pa.struct([("a", pa.date64())]), [{"a": date(2026, 1, 1)}]),
    ],
    ids=str,
)
def test_types_that_polars_would_note_otherwise_are_refused(kind: pa.DataType, values: Any, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": pa.array(values, kind)}), tmp_path / "source.parquet")
    with pytest.raises(Unfit):
        splice(tmp_path / "source.parquet", taken(), tmp_path / "target.parquet")


def test_groups_that_are_too_large_or_too_many_are_refused(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splicing, "MOST_ROWS", 29)
    with pytest.raises(Unfit):
        splice(small, taken(), tmp_path / "target.parquet")
    monkeypatch.setattr(splicing, "MOST_ROWS", 30)
    monkeypatch.setattr(splicing, "MOST_FOOTER", 100)
    with pytest.raises(Unfit):
        splice(small, taken(), tmp_path / "target.parquet")
    monkeypatch.undo()
    splice(small, cut(ADDED), tmp_path / "target.parquet")


def rewrite(path: Path, change: Callable[[Any], None]) -> None:
    """Change the footer of a file."""
    with path.open("rb") as file:
        footer, end = splicing._read(file, 5)
    change(footer)
    path.write_bytes(path.read_bytes()[:end] + splicing._ending(footer))


CHANGES: dict[str, Callable[[Any], Any]] = {
    "encrypted": lambda footer: footer.update({8: (12, b"\x1c\x00\x00")}),
    "signed": lambda footer: footer.update({9: (8, b"\x01k")}),
    "elsewhere": lambda footer: footer[4][1][0][1][1][0].update({1: (8, b"\x01x")}),
    "other rows": lambda footer: footer[4][1][0].update({3: (6, b"\x3a")}),
    "no groups": lambda footer: footer.update({4: (9, [])}),
    "no group": lambda footer: footer.pop(4),
}


@pytest.mark.parametrize("change", CHANGES)
def test_files_that_are_not_understood_are_refused(change: str, small: Path, tmp_path: Path) -> None:
    rewrite(small, lambda footer: None)
    splice(small, cut(ADDED), tmp_path / "target.parquet")
    rewrite(small, CHANGES[change])
    with pytest.raises(Unfit):
        splice(small, taken(), tmp_path / "target.parquet")


@pytest.mark.parametrize("damage", ["no file", "text", "cut off", "other magic", "zeros", "long"])
def test_damaged_files_are_refused(damage: str, small: Path, tmp_path: Path) -> None:
    data = small.read_bytes()
    size = int.from_bytes(data[-8:-4], "little")
    small.write_bytes(
        {
            "no file": b"",
            "text": b"PAR1, she said",
            "cut off": data[:-9],
            "other magic": data[:-4] + b"PARE",
            "zeros": data[: -8 - size] + bytes(size) + data[-8:],
            "long": data[:-8] + b"\xff\xff\xff\x7fPAR1",
        }[damage]
    )
    if damage == "no file":
        small.unlink()
    with pytest.raises(Unfit):
        splice(small, taken(), tmp_path / "target.parquet")


@pytest.mark.parametrize("rows", [0, 29, 30, 59, 61])
def test_rows_that_are_not_those_of_the_file_are_refused(rows: int, small: Path, tmp_path: Path) -> None:
    frames = cut(pl.concat([ADDED, ADDED])[:rows])
    with pytest.raises(Unfit):
        splice(small, frames, tmp_path / "target.parquet")


def test_what_does_not_read_back_is_refused(small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(splicing, "_extended", lambda footer, *_: footer)
    with pytest.raises(Unfit):
        splice(small, cut(ADDED), tmp_path / "target.parquet")


def test_whoever_gives_the_rows_has_the_last_word(small: Path, tmp_path: Path) -> None:
    def changed() -> Iterator[pl.DataFrame]:
        yield ADDED
        raise KeyError("the file was changed meanwhile")

    with pytest.raises(KeyError, match="meanwhile"):
        splice(small, changed(), tmp_path / "target.parquet")
