"""Large files in parts: the same as whole, whatever the size of the parts, and no litter."""

from __future__ import annotations

import gzip
import json
import random
import warnings
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring import batch, shelf, splicing, streaming, writing
from scoring.reading import streams
from scoring.writing import write_frame


@pytest.fixture
def in_parts(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Have every file read in parts of about so many bytes, and a tenth as many rows; or fail."""

    def cut(size: int, *, only: bool = True) -> None:
        monkeypatch.setattr(streams, "LEAST_BYTES", 0)
        monkeypatch.setattr(streams, "BLOCK_BYTES", size)
        monkeypatch.setattr(streams, "PART_ROWS", max(1, size // 100))
        monkeypatch.setattr(shelf, "ROOM", 2 * size)  # some parts are held in memory, others on disk
        if only:
            monkeypatch.setattr(batch, "take_in", lambda *_, **__: pytest.fail("it was read whole"))

    return cut


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def same(
    path: Path | list[Path],
    tmp_path: Path,
    cut: Callable[[], None],
    endings: Sequence[str] = (".parquet", ".csv"),
    **options: Any,
) -> None:
    """Score a file whole and in parts into several kinds of file, and compare all that comes out."""
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    summaries = []
    for folder in (whole, parts):
        folder.mkdir()
        for ending in endings:
            summary = scoring.score_file(path, folder / f"out{ending}", **options).to_dict()
            assert summary.pop("seconds") >= 0
            assert summary.pop("output") == str(folder / f"out{ending}")
            summaries.append({**summary, "rejected_output": summary["rejected_output"] is None})
        cut()
    assert all(summary == summaries[0] for summary in summaries)
    expected, found = files(whole), files(parts)
    assert found.keys() == expected.keys()
    frames = (pl.read_parquet(folder / "out.parquet") for folder in (parts, whole))
    assert_frame_equal(*frames, check_exact=True)
    for name in found.keys() - {"out.parquet"}:
        assert found[name] == expected[name]


@pytest.mark.parametrize("size", [1, 900])
@pytest.mark.parametrize("ending", ["csv", "parquet", "ndjson", "json"])
def test_the_size_of_the_parts_changes_nothing(
    size: int, ending: str, messy_csv: Path, when: datetime, tmp_path: Path, in_parts: Any
) -> None:
    path = tmp_path / f"in.{ending}"
    write_frame(pl.read_csv(messy_csv, infer_schema=False), path)
    endings = (".parquet", ".csv", ".ndjson") if size > 1 else (".parquet",)
    same(path, tmp_path, lambda: in_parts(size), endings, as_of=when)


@pytest.mark.parametrize("ending", ["csv", "parquet", "ndjson", "json"])
def test_the_date_is_inferred_from_all_parts(
    ending: str, contacts: pl.DataFrame, tmp_path: Path, in_parts: Any
) -> None:
    path = tmp_path / f"in.{ending}"
    write_frame(contacts, path)
    same(path, tmp_path, lambda: in_parts(100_000 if "json" in ending else 20_000))


def test_a_contact_of_several_reps_has_the_totals_of_all_its_rows(
    contacts: pl.DataFrame, tmp_path: Path, in_parts: Any
) -> None:
    # of those who never wrote there is no latest time, which is not the same as a single row
    others = contacts[:60].with_columns(crm_id=pl.concat_str(pl.lit("x"), "crm_id"), source_email=pl.lit("r@o.example"))
    write_frame(pl.concat([contacts[:90], others]), tmp_path / "in.csv")
    same(tmp_path / "in.csv", tmp_path, lambda: in_parts(9000))


@pytest.mark.parametrize("first", ["a.csv", "e.parquet"])
def test_several_files_are_one_export_in_parts(
    first: str, messy_csv: Path, contacts: pl.DataFrame, suppressed: str, tmp_path: Path, in_parts: Any
) -> None:
    frames = {
        "a.csv": pl.read_csv(messy_csv, infer_schema=False),
        "b.ndjson": contacts[40:80].with_columns(shoe_size=pl.lit(41)).drop("job_title"),
        "c.csv.gz": contacts[70:90],
        "d.json": contacts[10:40].with_columns(shoe_size=pl.lit("large")),
    }
    frames |= {"e.parquet": contacts[90:120]} if first == "e.parquet" else {}
    for name, frame in frames.items():
        write_frame(frame, tmp_path / name)
    with (tmp_path / "b.ndjson").open("a") as file:
        file.write('torn\n{"total_inbound": 3, "shoe_size": 7.5, "crm_id": 7, "new": true}\n')
    names = [first, *(name for name in frames if name != first)]
    same([tmp_path / name for name in names], tmp_path, lambda: in_parts(9000), suppress=[suppressed])


def test_the_date_in_the_names_of_several_files_counts(
    contacts: pl.DataFrame, when: datetime, tmp_path: Path, in_parts: Any
) -> None:
    paths = [tmp_path / f"contacts-{name}-{when:%Y-%m-%d}.csv" for name in "ab"]
    for path, frame in zip(paths, (contacts[:60], contacts[60:110]), strict=True):
        write_frame(frame, path)
    same(paths, tmp_path, lambda: in_parts(2000))


@pytest.mark.parametrize("odd", ["no activity", "other names", "empty", "latin-1"])
def test_several_files_of_which_one_needs_to_be_whole_are_read_whole(
    odd: str, contacts: pl.DataFrame, tmp_path: Path, in_parts: Any
) -> None:
    write_frame(contacts[:60], tmp_path / "a.csv")
    text = contacts[60:80].with_columns(job_title=pl.lit("chef")).write_csv()
    data = {
        "no activity": b"crm_id,shoe size\n1,2\n",
        "other names": text.replace("crm_id", "crmId").encode(),
        "empty": text.splitlines()[0].encode(),
        "latin-1": text.replace("chef", "ch\xe9f").encode("latin-1"),
    }[odd]
    (tmp_path / "b.csv").write_bytes(data)
    paths = [tmp_path / "a.csv", tmp_path / "b.csv"]
    if odd == "no activity":
        in_parts(2000, only=False)
        with pytest.raises(scoring.InputError, match='"b.csv": no column says what happened'):
            scoring.score_file(paths, tmp_path / "out.csv")
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scoring.errors.SchemaWarning)
        same(paths, tmp_path, lambda: in_parts(2000, only=False))


@pytest.mark.parametrize("packed", ["gz", "zst"])
@pytest.mark.parametrize("ending", ["csv", "ndjson", "json"])
def test_packed_files_are_unpacked_as_they_are_read(
    ending: str, packed: str, messy_csv: Path, when: datetime, tmp_path: Path, in_parts: Any
) -> None:
    plain, path = tmp_path / f"in.{ending}", tmp_path / f"in.{ending}.{packed}"
    write_frame(pl.read_csv(messy_csv, infer_schema=False), plain)
    text = b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n")
    pl.scan_lines(text, name="text").sink_csv(
        path, compression="gzip" if packed == "gz" else "zstd", include_header=False, quote_style="never"
    )
    same(path, tmp_path, lambda: in_parts(4000), (".parquet",), as_of=when)


@pytest.mark.parametrize("ending", ["csv", "parquet", "json"])
def test_who_is_left_out_leaves_no_trace_in_parts(
    ending: str, messy_csv: Path, suppressed: str, tmp_path: Path, in_parts: Any
) -> None:
    rows = pl.read_csv(messy_csv, infer_schema=False)
    # the newest by far, which would decide the date, and the same person by another address in another part
    late = rows[8].with_columns(email=pl.lit(suppressed), crm_id=pl.lit("objector"))
    late = late.with_columns(pl.col("^last_.*_time$").replace(None, "2031-01-01T00:00:00Z"))
    other = rows[9].with_columns(crm_id=pl.lit("objector"))
    path = tmp_path / f"in.{ending}"
    write_frame(pl.concat([other, rows, late, rows.tail(3)]), path)
    same(path, tmp_path, lambda: in_parts(5000), suppress=[suppressed])
    summary = scoring.score_file(path, tmp_path / "out.csv", suppress=[suppressed])
    assert (summary.suppressed, summary.rows) == (4, 25)
    assert suppressed not in (tmp_path / "out.csv").read_text().lower()


def test_where_all_are_left_out_no_row_is_written(contacts: pl.DataFrame, tmp_path: Path, in_parts: Any) -> None:
    write_frame(contacts.head(30).with_columns(account_domain=pl.lit("acme.example")), tmp_path / "in.csv")
    same(tmp_path / "in.csv", tmp_path, lambda: in_parts(3000), suppress=["acme.example"])


def test_duplicates_are_found_across_parts(contacts: pl.DataFrame, tmp_path: Path, in_parts: Any) -> None:
    some = contacts.head(150)
    others = some.head(60).with_columns(pl.col("total_inbound") + 1, job_title=pl.lit("other"))
    many = pl.concat([some, others, some.tail(70), some.head(20)])
    order = list(range(many.height))
    random.Random(5).shuffle(order)
    write_frame(many[order], tmp_path / "in.csv")
    same(tmp_path / "in.csv", tmp_path, lambda: in_parts(9000))


def test_cells_with_line_breaks_stay_whole(contacts: pl.DataFrame, tmp_path: Path, in_parts: Any) -> None:
    odd = contacts.head(21).with_columns(job_title=pl.Series(['a\n"b", c\n\n', "d;e", None] * 7))
    write_frame(odd, tmp_path / "in.csv")
    same(tmp_path / "in.csv", tmp_path, lambda: in_parts(300))


def test_lines_that_are_no_row_are_put_aside_by_their_number(
    contacts: pl.DataFrame, tmp_path: Path, in_parts: Any
) -> None:
    lines = contacts.head(50).write_csv().splitlines()
    lines[1:1] = ["", "torn"]
    lines[30:30] = ["", "too,short", "   "]
    lines[40], lines[41] = lines[40].rpartition(",")[0], lines[41] + ","  # as many separators as there should be
    lines[45], lines[46] = lines[45] + ",x", lines[46].rpartition(",")[0]
    (tmp_path / "in.csv").write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    same(tmp_path / "in.csv", tmp_path, lambda: in_parts(700))


def test_records_that_are_odd_late_in_the_file_change_nothing(
    messy_csv: Path, when: datetime, tmp_path: Path, in_parts: Any
) -> None:
    rows = pl.read_csv(messy_csv).with_columns(phone=pl.lit(5)).to_dicts()
    rows[11] |= {"phone": "none", "another": True}
    lines = [json.dumps(row) for row in rows]
    lines[15:15] = ["", "torn", '{"crm_id": 1, "crm_id": 2}']
    (tmp_path / "in").write_text("\n".join(lines))
    same(tmp_path / "in", tmp_path, lambda: in_parts(4000), as_of=when)


@pytest.mark.parametrize("ending", ["csv", "ndjson"])
def test_packed_files_that_are_cut_off_are_refused(
    ending: str, contacts: pl.DataFrame, tmp_path: Path, in_parts: Any
) -> None:
    write_frame(contacts, tmp_path / f"in.{ending}")
    packed = gzip.compress((tmp_path / f"in.{ending}").read_bytes())
    (tmp_path / "in.gz").write_bytes(packed[: len(packed) // 2])
    (tmp_path / "zeros.gz").write_bytes(gzip.compress((tmp_path / f"in.{ending}").read_bytes() + b"\x00" * 99))
    in_parts(20_000, only=False)
    with pytest.raises(scoring.InputError, match="cut off or damaged"):
        scoring.score_file(tmp_path / "in.gz", tmp_path / "out.csv")
    with pytest.warns(scoring.errors.SchemaWarning, match="99 zero bytes"):
        scoring.score_file(tmp_path / "zeros.gz", tmp_path / "out.csv")


@pytest.mark.parametrize(
    "how", ["latin-1", "open quote", "ends in separators", "zeros", "old mac", "lists of several types", "empty"]
)
def test_what_needs_the_whole_file_is_read_whole(
    how: str, contacts: pl.DataFrame, tmp_path: Path, in_parts: Any
) -> None:
    some = contacts.head(40).with_columns(job_title=pl.lit("chef"))
    text = some.write_csv()
    data = {
        "latin-1": text.replace("chef", "ch\xe9f").encode("latin-1"),
        "open quote": text.replace("chef", 'ch"ef', 1).encode(),
        "ends in separators": "".join(
            line + ("," if number else "") + "\n" for number, line in enumerate(text.splitlines())
        ).encode(),
        "zeros": text.encode() + b"\x00" * 50,
        "old mac": text.replace("\n", "\r").encode(),
        "lists of several types": (
            some.with_columns(calls=pl.concat_list("total_inbound")).write_ndjson()
            + some.with_columns(calls=pl.concat_list("crm_id")).write_ndjson()
        ).encode(),
        "empty": (text.splitlines()[0] + "\n").encode(),
    }[how]
    (tmp_path / "in.csv").write_bytes(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", scoring.errors.SchemaWarning)
        same(tmp_path / "in.csv", tmp_path, lambda: in_parts(2000, only=False), as_of="2026-01-01")


@pytest.mark.parametrize("ending", ["ndjson", "json"])
def test_records_that_hold_lists_and_records_stay_what_they_are(
    ending: str, messy_csv: Path, when: datetime, tmp_path: Path, in_parts: Any
) -> None:
    rows = pl.read_csv(messy_csv, infer_schema=False)
    nested = rows.with_columns(
        calls=pl.concat_list(pl.lit(1), "crm_id"), site=pl.struct(city="job_title", size=pl.lit(0.5))
    )
    write_frame(nested, tmp_path / f"in.{ending}")
    same(tmp_path / f"in.{ending}", tmp_path, lambda: in_parts(4000), (".parquet", ".csv", ".ndjson"), as_of=when)


def test_a_damaged_array_loses_no_other_record(messy_csv: Path, when: datetime, tmp_path: Path, in_parts: Any) -> None:
    write_frame(pl.read_csv(messy_csv, infer_schema=False), tmp_path / "in.json")
    text = (tmp_path / "in.json").read_text()
    (tmp_path / "in.json").write_text(text.replace(":", "", 200).replace("null,", "null", 1)[:-3])
    same(tmp_path / "in.json", tmp_path, lambda: in_parts(4000), as_of=when)


def test_a_context_given_is_used_in_parts(
    contacts: pl.DataFrame, when: datetime, tmp_path: Path, in_parts: Any
) -> None:
    context = scoring.build_context(contacts, as_of=when)
    write_frame(contacts.head(90), tmp_path / "in.csv")
    same(tmp_path / "in.csv", tmp_path, lambda: in_parts(4000), context=context)


# ---- Parquet to which columns are added -----------------------------------------------------------------------------


def never(*_: Any, **__: Any) -> None:
    pytest.fail("the columns of the file were written anew, or not")


@pytest.mark.parametrize("rows", [1, 50, 10_000], ids="{} a group".format)
def test_a_parquet_file_gets_columns_without_being_read_again(
    rows: int, contacts: pl.DataFrame, tmp_path: Path, in_parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts.with_columns(pl.col("account_type").cast(pl.Categorical), tags=pl.concat_list("email")).write_parquet(
        tmp_path / "in.parquet", row_group_size=rows
    )

    def cut() -> None:
        in_parts(9000)
        monkeypatch.setattr(streams.Stream, "again", never)

    same(tmp_path / "in.parquet", tmp_path, cut, (".parquet",))


def test_a_list_of_one_file_is_that_file(
    contacts: pl.DataFrame, tmp_path: Path, in_parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts.write_parquet(tmp_path / "in.parquet", row_group_size=50)
    in_parts(9000)
    monkeypatch.setattr(streams.Stream, "again", never)
    scoring.score_file(tmp_path / "in.parquet", tmp_path / "one.parquet")
    scoring.score_file([tmp_path / "in.parquet"], tmp_path / "list.parquet")
    assert (tmp_path / "one.parquet").read_bytes() == (tmp_path / "list.parquet").read_bytes()


@pytest.mark.parametrize("fault", ["_groups", "_extended", "_ending"])
def test_where_columns_cannot_be_added_all_are_written_anew(
    fault: str, contacts: pl.DataFrame, tmp_path: Path, in_parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    contacts.write_parquet(tmp_path / "in.parquet", row_group_size=50)

    def unfit(*_: Any) -> None:
        raise LookupError

    def cut() -> None:
        in_parts(9000)
        monkeypatch.setattr(splicing, fault, unfit)

    same(tmp_path / "in.parquet", tmp_path, cut, (".parquet",))


@pytest.mark.parametrize("why", ["kept aside", "suppressed", "replaced"])
def test_columns_are_only_added_where_all_rows_and_columns_stay(
    why: str, contacts: pl.DataFrame, tmp_path: Path, in_parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = pl.when(pl.int_range(pl.len()) == 3).then(-1).otherwise("total_outbound")
    frame, options = {
        "kept aside": (contacts.with_columns(total_outbound=bad), {}),
        "suppressed": (contacts, {"suppress": [contacts["email"].drop_nulls()[5]]}),
        "replaced": (contacts.with_columns(priority=pl.lit("high")), {"overwrite": True}),
    }[why]
    frame.write_parquet(tmp_path / "in.parquet")

    def cut() -> None:
        in_parts(9000)
        monkeypatch.setattr(writing, "splice", never)

    same(tmp_path / "in.parquet", tmp_path, cut, (".parquet",), **options)


# ---- what is refused, and leaves no trace ---------------------------------------------------------------------------


def test_strict_writes_nothing_in_parts(messy_csv: Path, when: datetime, tmp_path: Path, in_parts: Any) -> None:
    in_parts(500)
    with pytest.raises(scoring.InputError, match=r"6 of 20 rows.*negative_count.*unreadable_time"):
        scoring.score_file(messy_csv, tmp_path / "out.csv", as_of=when, strict=True)
    assert files(tmp_path) == {}


@pytest.mark.parametrize("rows", [70, 80], ids=["fewer rows", "other cells"])
@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_a_file_that_changes_meanwhile_is_refused(
    rows: int,
    ending: str,
    contacts: pl.DataFrame,
    when: datetime,
    tmp_path: Path,
    in_parts: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, out = tmp_path / f"in.{ending}", tmp_path / f"out.{ending}"
    write_frame(contacts.head(80), path)
    out.write_text("older")
    in_parts(3000)
    total = batch.write_parts

    def shorten(*given: Any) -> None:
        write_frame(contacts.head(rows).with_columns(total_inbound=pl.col("total_inbound") + 1), path)
        total(*given)

    monkeypatch.setattr(batch, "write_parts", shorten)
    with pytest.raises(scoring.InputError, match="changed while it was read"):
        scoring.score_file(path, out, as_of=when)
    assert sorted(files(tmp_path)) == [path.name, out.name]
    assert out.read_text() == "older"


def test_a_disk_that_is_full_when_columns_are_added_leaves_the_older_file(
    contacts: pl.DataFrame, when: datetime, tmp_path: Path, in_parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_frame(contacts, tmp_path / "in.parquet")
    (tmp_path / "out.parquet").write_text("older")
    before = files(tmp_path)

    cut = splicing._regrouped

    def full(*given: Any) -> Iterator[Any]:
        yield next(cut(*given))
        raise OSError(28, "No space left on device")

    in_parts(9000)
    monkeypatch.setattr(splicing, "_regrouped", full)
    with pytest.raises(scoring.InputError, match="No space left"):
        scoring.score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", as_of=when)
    assert files(tmp_path) == before


def test_a_write_that_fails_in_parts_leaves_the_older_files(
    messy_csv: Path, when: datetime, tmp_path: Path, in_parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.csv").write_text("older")
    (tmp_path / "out.csv.rejected.ndjson").write_text("older too")
    before = files(tmp_path)

    def fail(_: object, __: object, path: Path) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    in_parts(500)
    monkeypatch.setattr(writing, "_write_rows", fail)
    with pytest.raises(scoring.InputError, match="No space left"):
        scoring.score_file(messy_csv, tmp_path / "out.csv", as_of=when)
    assert files(tmp_path) == before


@pytest.mark.parametrize("large", [True, False])
def test_what_a_killed_run_left_goes(large: bool, export_csv: Path, tmp_path: Path, in_parts: Any) -> None:
    left = tmp_path / ".out.csv.rows" / "parts"
    left.mkdir(parents=True)
    for path in (left / "000000.arrow", left / "999999.arrow", tmp_path / ".out.csv.part.csv"):
        path.write_text("rubbish")
    (tmp_path / ".out.csv.rejected.ndjson.part").write_text("of rows that were mended since")
    if large:
        in_parts(30_000)
    scoring.score_file(export_csv, tmp_path / "out.csv")
    assert list(files(tmp_path)) == ["out.csv"]


@pytest.mark.parametrize("target", ["csv", "parquet", "ndjson"])
def test_a_file_that_is_removed_meanwhile_is_refused(
    target: str, contacts: pl.DataFrame, when: datetime, tmp_path: Path, in_parts: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, before = tmp_path / "in.csv", streaming.score_table
    write_frame(contacts.head(80), path)

    def removing(*given: Any) -> Any:
        path.unlink(missing_ok=True)
        return before(*given)

    in_parts(30_000)
    monkeypatch.setattr(streaming, "score_table", removing)
    with pytest.raises(scoring.InputError, match=r"'in\.csv' was changed while it was read"):
        scoring.score_file(path, tmp_path / f"out.{target}", as_of=when)
    assert list(tmp_path.iterdir()) == []


def test_scored_files_are_not_scored_again_in_parts(export_csv: Path, tmp_path: Path, in_parts: Any) -> None:
    in_parts(30_000)
    scoring.score_file(export_csv, tmp_path / "one.csv")
    with pytest.raises(scoring.InputError, match="overwrite"):
        scoring.score_file(tmp_path / "one.csv", tmp_path / "two.csv")
    scoring.score_file(tmp_path / "one.csv", tmp_path / "two.csv", overwrite=True)
    assert (tmp_path / "two.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()
