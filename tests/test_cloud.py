"""Addresses in a cloud store: polars opens them, and here stands a folder for the store."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring import cloud
from scoring.reading.files import read_file
from scoring.writing import write_frame


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is there as ``s3://bucket``, for polars and for nobody else."""
    bucket = tmp_path / "bucket"
    bucket.mkdir()

    def inside(path: object) -> object:
        return str(path).replace("s3://bucket", str(bucket)) if isinstance(path, str) else path

    for owner, name in ((pl, "scan_parquet"), (pl, "scan_lines")):
        scan = getattr(owner, name)
        monkeypatch.setattr(owner, name, lambda path, *given, _scan=scan, **named: _scan(inside(path), *given, **named))
    for name in ("sink_parquet", "sink_csv"):
        sink = getattr(pl.LazyFrame, name)

        def sunk(frame: pl.LazyFrame, path: object, *given: object, _sink: object = sink, **named: object) -> object:
            return _sink(frame, inside(path), *given, **named)  # type: ignore[operator]

        monkeypatch.setattr(pl.LazyFrame, name, sunk)
    return bucket


@pytest.mark.parametrize("ending", [".csv", ".csv.gz", ".parquet", ".ndjson"])
def test_files_in_a_store_are_scored_into_a_store(
    ending: str, contacts: pl.DataFrame, when: datetime, store: Path, tmp_path: Path
) -> None:
    broken = contacts.with_columns(crm_id=pl.when(pl.int_range(pl.len()) != 3).then("crm_id"), email=pl.lit(None))
    here = tmp_path / f"export{ending}"
    write_frame(broken, here)
    (store / here.name).write_bytes(here.read_bytes())
    expected = scoring.score_file(here, tmp_path / f"out{ending}", as_of=when)
    found = scoring.score_file(f"s3://bucket/{here.name}", f"s3://bucket/out{ending}", as_of=when)
    assert found.output == f"s3://bucket/out{ending}"
    assert found.rejected_output == f"s3://bucket/out{ending}.rejected.ndjson"
    assert (found.scored, found.rejected, found.tiers) == (expected.scored, expected.rejected, expected.tiers)
    ours, theirs = (read_file(folder / f"out{ending}").source for folder in (store, tmp_path))
    assert ours.equals(theirs)
    aside = [(folder / f"out{ending}.rejected.ndjson").read_text("utf-8") for folder in (store, tmp_path)]
    assert aside[0] == aside[1]
    assert json.loads(aside[0].splitlines()[0])["problem"] == "no_key"


def test_text_keeps_its_lines(store: Path) -> None:
    text = 'email,total_inbound\n"a ""b""",1\n\n"two\nlines",2\n'
    (store / "a.csv").write_text(text)
    with cloud.fetched("s3://bucket/a.csv", store.parent) as path:
        assert path.read_text() == text
        assert path.name == "a.csv"
    assert not path.exists()


def test_what_is_not_there_is_said(store: Path, tmp_path: Path) -> None:
    for name in ("no.csv", "no.parquet"):
        with pytest.raises(scoring.InputError, match=r'"no\.\w+": it cannot be read from the store'):
            scoring.score(f"s3://bucket/{name}")
    (tmp_path / "a.csv").write_text("a\n")
    with pytest.raises(scoring.InputError, match="could not be written to the store"):
        cloud.send(tmp_path / "a.csv", "s3://bucket/no/folder/a.csv")


def test_a_store_may_be_read_by_any_function(contacts: pl.DataFrame, store: Path, when: datetime) -> None:
    contacts.write_parquet(store / "a.parquet")
    scored = scoring.score("s3://bucket/a.parquet", as_of=when)
    assert scored["priority"].equals(scoring.score(contacts, as_of=when)["priority"])


def test_the_input_is_not_written_over(store: Path) -> None:
    with pytest.raises(scoring.InputError, match="the output is the input"):
        scoring.score_file("s3://bucket/a.csv", "s3://bucket/a.csv")
