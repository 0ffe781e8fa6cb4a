"""Sifting: whatever is kept of an export is what it is among all rows, whole or in parts, and nothing stays behind."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring import sifting
from scoring.config import TrainingConfig
from scoring.errors import InputError, SchemaWarning
from scoring.own_card import describe
from scoring.reading import streams
from scoring.sampling import Sample
from scoring.snapshots import Labelled, Snapshot, label_snapshots, put_back, take_snapshots
from scoring.writing import write_frame

Exports = dict[datetime, pl.DataFrame]
InParts = Callable[..., None]


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> InParts:
    """Have every file read in parts of so many rows, or of about as many bytes as these have; or fail."""

    def cut(rows: int, *, only: bool = True) -> None:
        monkeypatch.setattr(streams, "LEAST_BYTES", 0)
        monkeypatch.setattr(streams, "BLOCK_BYTES", rows * 300)
        monkeypatch.setattr(streams, "PART_ROWS", rows)
        if only:
            monkeypatch.setattr(sifting, "take_in", lambda *_, **__: pytest.fail("it was read whole"))

    return cut


@pytest.fixture(scope="module")
def messy(exports: Exports) -> Exports:
    """Exports with rows that repeat others, lose against others, and cannot be used."""

    def spoilt(contacts: pl.DataFrame) -> pl.DataFrame:
        other = contacts.slice(20, 60).with_columns(pl.col("total_inbound") + 1, job_title=pl.lit("other"))
        nobody = contacts.head(5).with_columns(crm_id=pl.lit(None, pl.String), email=pl.lit(None, pl.String))
        below = contacts.tail(4).with_columns(total_outbound=pl.lit(-1, pl.Int64))
        rows = pl.concat([contacts.slice(70, 30), contacts, other, nobody, below])
        return rows.sample(fraction=1.0, shuffle=True, seed=3)

    return {when: spoilt(contacts) for when, contacts in exports.items()}


def written(exports: Exports, folder: Path, ending: str) -> list[Path]:
    paths = [folder / f"contacts-{when:%Y-%m-%d}.{ending}" for when in exports]
    for path, contacts in zip(paths, exports.values(), strict=True):
        write_frame(contacts, path)
    return paths


def one_in(share: int, exports: Exports, seed: int = 1) -> TrainingConfig:
    """Settings that leave one in so many contacts."""
    rows = sum(contacts.height for contacts in exports.values())
    return TrainingConfig(most_rows=-(-rows // share), seed=seed)


def same(one: Snapshot, other: Snapshot) -> None:
    for name in ("as_of", "rows", "rejected", "repeated", "suppressed", "fingerprint", "sample"):
        assert getattr(one, name) == getattr(other, name), name
    assert_frame_equal(one.table, other.table, check_exact=True)
    assert_frame_equal(one.features, other.features, check_exact=True)
    same_labels(put_back(one), put_back(other))


def same_labels(one: Labelled, other: Labelled) -> None:
    assert (one.as_of, one.until, one.missing) == (other.as_of, other.until, other.missing)
    for name in ("rows", "features", "labels"):
        assert_frame_equal(getattr(one, name), getattr(other, name), check_exact=True)


def drawn(lesson: Labelled, sample: Sample) -> Labelled:
    """Draw from all rows of a date, when everything is known."""
    hit = sample.takes(lesson.rows)
    frames = (frame.filter(hit) for frame in (lesson.rows, lesson.features, lesson.labels))
    return Labelled(lesson.as_of, lesson.until, *frames, missing=0)


# ---- a sample is a part of the whole --------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [2, 3, 10])
def test_what_is_kept_is_what_it_is_among_all_rows(share: int, messy: Exports) -> None:
    whole, few = take_snapshots(messy), take_snapshots(messy, config=one_in(share, messy))
    for one, all_of_it in zip(few, whole, strict=True):
        assert one.sample == Sample(share, 1)
        hit = one.sample.takes(all_of_it.table)
        assert 0 < hit.sum() < all_of_it.table.height
        assert_frame_equal(one.table, all_of_it.table.filter(hit), check_exact=True)
        assert_frame_equal(one.features, all_of_it.features.filter(hit), check_exact=True)
        counts = ("rows", "rejected", "repeated", "suppressed")
        assert [getattr(one, name) for name in counts] == [getattr(all_of_it, name) for name in counts]
        same_labels(put_back(one), drawn(put_back(all_of_it), one.sample))


@pytest.mark.parametrize("share", [2, 5])
def test_labels_of_a_sample_are_those_of_its_rows_among_all(share: int, messy: Exports) -> None:
    gone = {when: contacts.slice(20 * number) for number, (when, contacts) in enumerate(messy.items())}
    lessons = label_snapshots(take_snapshots(gone))
    few = label_snapshots(take_snapshots(gone, config=one_in(share, gone)))
    for one, all_of_it in zip(few, lessons, strict=True):
        expected = drawn(all_of_it, Sample(share, 1))
        assert_frame_equal(one.labels, expected.labels, check_exact=True)
        assert_frame_equal(one.features, expected.features, check_exact=True)
        assert one.missing <= all_of_it.missing


def test_a_column_counts_as_filled_where_any_row_fills_it(exports: Exports) -> None:
    newest = max(exports)
    filled = Sample(2, 1).takes(exports[newest])
    bare = exports[newest].with_columns(
        pl.when(~filled).then("total_meetings_30d").alias("total_meetings_30d"),
        total_time_spent_30d=pl.lit(None, pl.Int64),
    )
    (one,) = take_snapshots({newest: bare}, config=one_in(2, {newest: bare}))
    assert one.table["total_meetings_30d"].count() == 0
    assert put_back(one).rows.is_empty()  # an empty cell in a column that others fill tells something


def test_all_rows_are_kept_where_they_are_few_enough(messy: Exports) -> None:
    rows = sum(contacts.height for contacts in messy.values())
    for one, other in zip(
        take_snapshots(messy, config=TrainingConfig(most_rows=rows)), take_snapshots(messy), strict=True
    ):
        same(one, other)
        assert one.past is None
    assert take_snapshots(messy, config=TrainingConfig(most_rows=rows - 1))[0].sample.one_in == 2


def test_the_order_of_exports_and_rows_is_no_matter(messy: Exports) -> None:
    config = one_in(3, messy, seed=8)
    turned = {when: contacts.reverse() for when, contacts in reversed(messy.items())}
    for one, other in zip(take_snapshots(messy, config=config), take_snapshots(turned, config=config), strict=True):
        same(one, other)


# ---- whole or in parts ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "rows"), [(1, 30), (1, 200), (4, 30), (4, 10_000)])
@pytest.mark.parametrize("ending", ["csv", "parquet", "ndjson", "json"])
def test_parts_are_what_the_whole_is(
    share: int, rows: int, ending: str, messy: Exports, tmp_path: Path, in_parts: InParts
) -> None:
    some = dict(list(messy.items())[-2:])
    paths, config = written(some, tmp_path, ending), one_in(share, some)
    frames, whole = take_snapshots(some, config=config), take_snapshots(paths, config=config)
    in_parts(rows)
    parts = take_snapshots(paths, config=config)
    for one, other, third in zip(parts, whole, frames, strict=True):
        same(one, other)
        same(one, third)
        assert one.dated == other.dated == "in the file's name"


@pytest.mark.parametrize("share", [1, 3])
def test_who_is_suppressed_is_in_no_part(share: int, messy: Exports, tmp_path: Path, in_parts: InParts) -> None:
    newest = max(messy)
    contacts = messy[newest]
    domain = contacts["email"].str.split("@").list.last().mode().sort()[0]
    named = contacts.filter(pl.col("email").str.ends_with(f"@{domain}"), pl.col("crm_id").is_not_null())
    # the same person, far from where it is said who that is
    other = contacts[0].with_columns(named[-1].select("crm_id"), email=pl.lit("other@else.example"))
    contacts = pl.concat([other, contacts])
    (path,), config = written({newest: contacts}, tmp_path, "csv"), one_in(share, {newest: contacts})
    (whole,) = take_snapshots({newest: contacts}, suppress=[domain], config=config)
    in_parts(50)
    (parts,) = take_snapshots({newest: path}, suppress=[domain], config=config)
    same(parts, whole)
    assert parts.suppressed > named.height
    assert not {domain, "other@else.example"} & {
        *parts.table["email"].str.split("@").list.last(),
        *parts.table["email"],
    }


def test_the_date_is_inferred_from_all_parts(exports: Exports, tmp_path: Path, in_parts: InParts) -> None:
    contacts = exports[max(exports)]
    write_frame(contacts, tmp_path / "contacts.csv")
    (whole,) = take_snapshots(contacts)
    in_parts(30)
    (parts,) = take_snapshots(tmp_path / "contacts.csv", config=one_in(2, {whole.as_of: contacts}))
    assert (parts.as_of, parts.dated) == (whole.as_of, whole.dated)


def test_what_is_missing_is_said(exports: Exports, tmp_path: Path, in_parts: InParts) -> None:
    newest = max(exports)
    write_frame(exports[newest].drop("phone"), tmp_path / "contacts.parquet")
    in_parts(100)
    with pytest.warns(SchemaWarning, match="1 of 40 fields have no column .*: phone"):
        take_snapshots({newest: tmp_path / "contacts.parquet"}, config=TrainingConfig())


def test_what_needs_the_whole_file_is_read_whole(exports: Exports, tmp_path: Path, in_parts: InParts) -> None:
    newest = max(exports)
    (whole,) = take_snapshots({newest: exports[newest].with_columns(job_title=pl.lit('ch"ef'))})
    text = exports[newest].with_columns(job_title=pl.lit("chef")).write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.fZ")
    (tmp_path / "contacts.csv").write_text(text.replace("chef", 'ch"ef'))
    in_parts(90, only=False)
    (found,) = take_snapshots({newest: tmp_path / "contacts.csv"}, config=TrainingConfig())
    same(found, whole)


def test_no_usable_row_is_refused_in_the_same_words(exports: Exports, tmp_path: Path, in_parts: InParts) -> None:
    newest = max(exports)
    bad = exports[newest].head(40).with_columns(total_inbound=pl.lit(-1, pl.Int64))
    write_frame(bad, tmp_path / "contacts.csv")
    said = []
    for given in (bad, tmp_path / "contacts.csv"):
        with pytest.raises(InputError, match="40 rows, 40 with a problem") as caught:
            take_snapshots({newest: given}, config=TrainingConfig())
        said.append(str(caught.value))
        in_parts(9)
    assert said[0] == said[1]


def test_nothing_is_left_in_the_temporary_folder(
    messy: Exports, tmp_path: Path, in_parts: InParts, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = max(messy)
    room = tmp_path / "room"
    room.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(room))
    (path,) = written({newest: messy[newest]}, tmp_path, "parquet")
    in_parts(50)
    (one,) = take_snapshots({newest: path}, config=one_in(2, {newest: messy[newest]}))
    assert list(room.iterdir()) == []
    assert one.table.height == one.features.height > 0  # and nothing of it is needed any more

    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pl.DataFrame, "write_ipc", full)
    with pytest.raises(InputError, match="TMPDIR"):
        take_snapshots({newest: path}, config=TrainingConfig())
    assert list(room.iterdir()) == []


# ---- models ---------------------------------------------------------------------------------------------------------


def test_a_model_is_the_same_bytes_whole_in_parts_and_in_any_order(
    messy: Exports, quick: TrainingConfig, tmp_path: Path, in_parts: InParts
) -> None:
    pair = dict(list(messy.items())[-2:])
    rows = sum(contacts.height for contacts in pair.values())
    config = TrainingConfig(boosting=quick.boosting, most_rows=rows // 2)
    paths = written(pair, tmp_path, "parquet")
    one = scoring.train({when: contacts.reverse() for when, contacts in reversed(pair.items())}, config=config)
    assert one.provenance["sample"]["rows"] == rows
    in_parts(130)
    other = scoring.train(dict(zip(pair, paths, strict=True)), config=config)
    assert other.document == one.document


def test_what_was_counted_on_a_sample_says_so(messy: Exports, quick: TrainingConfig) -> None:
    config = TrainingConfig(boosting=quick.boosting, most_rows=one_in(3, messy).most_rows)
    model = scoring.train(messy, config=config)
    told = model.provenance["sample"]
    taken = take_snapshots(messy, config=config)
    rows, used = sum(one.rows for one in taken), sum(one.table.height for one in taken)
    assert told == {"one_in": 3, "seed": 1, "rows": rows, "used": used}
    assert f"1 in 3 contacts was used: {used:,} of {rows:,} rows" in describe(model)
    counts = scoring.count_labels(messy, config=config)
    assert set(counts["one_in"]) == {3}
    assert set(scoring.count_labels(messy)["one_in"]) == {1}
    assert "sample of 1 in 3 contacts" in scoring.evaluate(messy, config=config, targets=["reply"]).to_text()
