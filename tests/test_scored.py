"""Scored contacts read back: the same from memory and from every kind of file, and nothing that is no score."""

from __future__ import annotations

import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.prediction import COLUMNS
from scoring.reading import read
from scoring.scored import read_scored
from scoring.writing import write_frame


@pytest.mark.parametrize("name", ["scored.csv", "scored.csv.gz", "scored.ndjson", "scored.json", "scored.parquet"])
def test_a_file_reads_as_what_was_written(
    name: str, scored: pl.DataFrame, contacts: pl.DataFrame, tmp_path: Path, when: datetime
) -> None:
    write_frame(scored, tmp_path / name)
    found = read_scored(tmp_path / name)
    assert_frame_equal(found.scores, scored.select(COLUMNS), check_dtypes=False)
    assert_frame_equal(found.table, read(contacts).table)
    assert found.as_of == when
    assert found.scores.schema == read_scored(scored).scores.schema


def test_frames_of_all_kinds_read_the_same(scored: pl.DataFrame) -> None:
    expected = read_scored(scored)
    cells = scored.with_columns(pl.col("tier", "evidence").cast(pl.String))
    for form in (scored.lazy(), cells.to_arrow(), scored.cast(pl.String), expected):
        assert_frame_equal(read_scored(form).scores, expected.scores)
        assert_frame_equal(read_scored(form).keys, expected.keys)


def test_pandas_reads_the_same(contacts: pl.DataFrame, when: datetime) -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({name: contacts[name].to_list() for name in contacts.columns})
    found = read_scored(scoring.score(frame, as_of=when))
    assert_frame_equal(found.scores, read_scored(scoring.score(contacts, as_of=when)).scores)


def test_several_files_are_one_in_their_order(scored: pl.DataFrame, tmp_path: Path) -> None:
    paths = [tmp_path / "first.parquet", tmp_path / "second.parquet"]
    for part, path in zip((scored.head(30), scored[30:]), paths, strict=True):
        write_frame(part, path)
    assert_frame_equal(read_scored(paths).scores, read_scored(scored).scores)


def test_keys_are_rep_contact_and_account() -> None:
    rows = pl.DataFrame(
        {
            "source_email": ["Ann@Our.example", None],
            "crm_id": [None, "003A"],
            "email": ["Bo@Theirs.example", None],
            "account_domain": ["Theirs.example", None],
            "account_crm_id": ["001B", "001B"],
            "total_inbound": [1, 2],
        }
    )
    with pytest.warns(scoring.SchemaWarning):
        scored = scoring.score(rows, as_of="2026-01-01")
    assert read_scored(scored).keys.rows() == [
        ("ann@our.example", "@bo@theirs.example", "theirs.example"),
        (None, "#003A", "001B"),
    ]


def test_no_rows_are_fine(scored: pl.DataFrame) -> None:
    found = read_scored(scored.head(0))
    assert found.scores.height == found.table.height == 0
    assert found.as_of.year == 1970


def test_a_value_column_is_read_as_numbers(scored: pl.DataFrame) -> None:
    rows = scored.head(3).with_columns(deal=pl.Series(["1,5", "", "2e3"]), size=pl.Series(["15", "", "2e3"]))
    found = read_scored(rows)
    assert found.number("size").to_list() == [15, None, 2000]
    with pytest.raises(scoring.InputError, match=r"`deal` holds no number in 1 row\(s\), the first being 1;"):
        found.number("deal")
    with pytest.raises(scoring.InputError, match="no column 'worth'"):
        found.number("worth")


def test_contacts_without_scores_are_refused(scored: pl.DataFrame, contacts: pl.DataFrame) -> None:
    with pytest.raises(scoring.InputError, match="have no scores.*`scoring score FILE`"):
        read_scored(contacts)
    with pytest.raises(scoring.InputError, match="2 of the 12 columns .* missing: priority, tier;"):
        read_scored(scored.drop("tier", "priority"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (pl.col("priority") + 1, r"`priority` lies outside \[0, 1\] in \d+ row"),
        (-pl.col("percentile"), r"`percentile` lies outside \[0, 100\]"),
        (pl.lit("E").alias("tier"), "`tier` holds 'E'; expected A, B, C, D"),
        (pl.lit("much").alias("reply_probability"), "`reply_probability` holds no number in 247 row"),
        (pl.lit(None, dtype=pl.Float64).alias("meeting_probability"), "have no scores, and no `problem`"),
        (pl.lit(None, dtype=pl.String).alias("as_of"), "`as_of` holds 0 dates; 247 row"),
        (pl.col("as_of") + pl.duration(days=pl.int_range(pl.len()) % 2), r"`as_of` holds 2 dates \(20"),
    ],
)
def test_what_scoring_never_writes_is_refused(change: pl.Expr, message: str, scored: pl.DataFrame) -> None:
    with pytest.raises(scoring.InputError, match=message):
        read_scored(scored.with_columns(change))


def test_rows_with_a_problem_stay_in_their_place(messy_csv: Path, when: datetime) -> None:
    scored = scoring.score(messy_csv, as_of=when + timedelta(days=1))
    found = read_scored(scored)
    assert found.usable.to_list() == scored["problem"].is_null().to_list()
    assert not found.usable.all()
    assert found.scores["priority"].is_null().to_list() == (~found.usable).to_list()


def test_reading_loads_nothing_heavy(scored: pl.DataFrame, tmp_path: Path) -> None:
    write_frame(scored.head(5), tmp_path / "scored.csv")
    code = f"from scoring.scored import read_scored\nread_scored({str(tmp_path / 'scored.csv')!r})\nimport sys\n"
    code += "assert not {'sklearn', 'pandas', 'mlflow', 'pyarrow', 'joblib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
