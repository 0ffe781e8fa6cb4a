"""Whole exports, scored or not, in whatever they come."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring import reading
from scoring.prediction import COLUMNS
from scoring.standing import read_standing
from scoring.writing import write_frame

KINDS: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: frame.to_pandas(),
    "arrow": lambda frame: frame.to_arrow(),
    "a stream that is read once": lambda frame: pa.RecordBatchReader.from_stream(frame),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_scored", [True, False])
def test_every_kind_stands_alike(
    kind: str, is_scored: bool, contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime
) -> None:
    standing = read_standing("export", KINDS[kind](scored if is_scored else contacts), None if is_scored else when)
    assert standing.as_of == when
    found, note = standing.score(scoring.load_model(), "")
    assert note is None
    assert_frame_equal(found, scored.select(COLUMNS), check_exact=True)
    assert (standing.scores is None, standing.model_id is None) == (not is_scored, not is_scored)


def test_the_date_in_a_name_counts(contacts: pl.DataFrame, when: datetime, tmp_path: Path) -> None:
    path = tmp_path / f"contacts-{when:%Y-%m-%d}.parquet"
    contacts.write_parquet(path)
    for source in (path, str(path), [path]):
        assert read_standing("export", source).taken.as_of.how == "in the file's name"


def test_rows_that_cannot_be_scored_do_not_stand(messy_csv: Path) -> None:
    plain = read_standing("export", messy_csv, "2020-01-01")
    scored = scoring.score(messy_csv, as_of="2020-01-01")
    again = read_standing("export", scored)
    assert_frame_equal(again.table, plain.table)
    assert plain.table.height < scored.filter(pl.col("problem").is_null()).height < scored.height
    assert again.score(scoring.load_model(), "")[1] is None


def test_a_stand_is_of_rows_among_all(contacts: pl.DataFrame, when: datetime) -> None:
    standing = read_standing("export", contacts, when)
    stand = standing.stand(pl.Series([5, 2]))
    assert_frame_equal(stand.rows, standing.table[[5, 2]])
    assert stand.export.height == contacts.height
    assert stand.as_of == when


def test_suppressed_rows_are_gone_and_their_scores(scored: pl.DataFrame) -> None:
    address = scored["email"].drop_nulls()[3]
    standing = read_standing("export", scored, suppress=[address])
    left = scored.filter((pl.col("email") != address).fill_null(True))
    assert standing.taken.suppressed == scored.height - left.height > 0
    assert standing.scores is not None
    assert standing.scores["priority"].equals(left["priority"])
    assert address not in standing.table["email"].to_list()


@pytest.mark.parametrize("is_scored", [True, False])
def test_a_file_is_read_once_and_what_it_lacks_is_said_once(
    is_scored: bool,
    contacts: pl.DataFrame,
    scored: pl.DataFrame,
    when: datetime,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / f"contacts-{when:%Y-%m-%d}.csv"
    write_frame((scored if is_scored else contacts).drop("phone"), path)
    opened: list[object] = []
    read_file = reading.read_file

    def count(given: Path) -> Any:
        opened.append(given)
        return read_file(given)

    monkeypatch.setattr(reading, "read_file", count)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        standing = read_standing("export", path)
    assert opened == [path]
    assert standing.table.height == contacts.height
    assert [str(each.message)[:11] for each in said] == ([] if is_scored else ["1 of 40 fie"])
