"""The context: totals of an export, the same in memory and on disk, with nobody's address in the file."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from hashlib import blake2b
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring import context as module
from scoring import schema
from scoring.context import LEVELS, Context, total_rows
from scoring.prediction import COLUMNS

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)
GOOD_HEADER = {"scoring.context": '{"as_of": "2026-01-01", "format": "1"}'}


def table(rows: list[dict[str, object]]) -> pl.DataFrame:
    filled = [{**dict.fromkeys(schema.NAMES), **row} for row in rows]
    return pl.DataFrame(filled, schema={field.name: field.dtype for field in schema.FIELDS})


SMALL = table(
    [
        {"source_email": "A@our.example", "email": "x@acme.example", "account_domain": "acme.example",
         "total_inbound": 2, "total_inbound_30d": 1, "total_outbound": 5, "last_inbound_time": NOON},
        {"source_email": "a@our.example ", "email": "X@acme.example", "account_domain": "ACME.example",
         "total_inbound": 0, "total_outbound": 1, "first_engaged_time": NOON - timedelta(days=9)},
        {"source_email": "b@our.example", "email": None, "account_crm_id": "001", "total_meetings": 3},
        {"source_email": None, "email": "y@acme.example", "account_domain": "acme.example", "account_crm_id": "001"},
    ]
)  # fmt: skip


def test_totals_of_each_level() -> None:
    rep = total_rows(SMALL, "rep", NOON)
    assert rep["key"].to_list() == ["a@our.example", "b@our.example"]
    assert rep.select("rows", "inbound", "outbound", "meetings", "rows_active").rows() == [
        (2, 2, 6, 0, 1),
        (1, 0, 0, 3, 0),
    ]
    assert rep["last_inbound_time"].to_list() == [NOON, None]
    assert rep["first_engaged_time"].to_list() == [NOON - timedelta(days=9), None]
    assert total_rows(SMALL, "account", NOON).select("key", "rows").rows() == [("001", 1), ("acme.example", 3)]
    assert total_rows(SMALL, "contact", NOON).select("key", "rows").rows() == [
        ("x@acme.example", 2),
        ("y@acme.example", 1),
    ]
    assert total_rows(SMALL, "org", NOON).select("rows", "inbound", "rows_active").rows() == [(4, 2, 1)]


def test_totals_agree_with_plain_python(contacts: pl.DataFrame, when: datetime) -> None:
    expected: dict[str, list[int]] = {}
    for row in contacts.iter_rows(named=True):
        if row["source_email"] is not None:
            sums = expected.setdefault(row["source_email"].strip().lower(), [0, 0, 0])
            sums[0] += 1
            sums[1] += row["total_outbound_30d"] or 0
            sums[2] += (row["total_inbound_30d"] or 0) > 0
    totals = total_rows(contacts, "rep", when).select("key", "rows", "outbound_30d", "rows_active")
    assert {key: list(rest) for key, *rest in totals.iter_rows()} == expected


@pytest.mark.parametrize("level", LEVELS)
def test_row_order_does_not_change_totals(level: str, contacts: pl.DataFrame, when: datetime) -> None:
    shuffled = contacts.sample(fraction=1, shuffle=True, seed=5)
    assert_frame_equal(total_rows(shuffled, level, when), total_rows(contacts, level, when), check_exact=True)


def test_join_keeps_rows_and_order_and_leaves_strangers_null() -> None:
    strangers = table([{"source_email": "c@our.example", "crm_id": "1"}, {"source_email": "B@our.example"}, {}])
    joined = Context.of(SMALL, NOON).join(strangers)
    assert_frame_equal(joined.select(schema.NAMES), strangers)
    assert joined["rep_rows"].to_list() == [None, 1, None]
    assert joined["rep_meetings"].to_list() == [None, 3, None]
    assert joined["account_rows"].to_list() == [None] * 3
    assert joined["org_rows"].to_list() == [4] * 3


@pytest.mark.parametrize("kinds", [1, 7])
def test_keys_with_the_same_hash_are_kept_apart(
    kinds: int, contacts: pl.DataFrame, when: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = Context.of(contacts.head(200), when).join(contacts)
    hashes = module._numbers
    monkeypatch.setattr(module, "_numbers", lambda keys: hashes(keys) % kinds)
    assert_frame_equal(Context.of(contacts.head(200), when).join(contacts), expected, check_exact=True)


def test_a_stranger_with_a_known_hash_stays_a_stranger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_numbers", lambda keys: np.zeros(len(keys), np.uint64))
    one = Context.of(SMALL.head(1), NOON)
    strangers = SMALL.with_columns(source_email="xyz" + pl.col("source_email"))
    assert one.join(strangers)["rep_rows"].null_count() == strangers.height
    assert one.join(SMALL.head(1))["rep_rows"].to_list() == [1]


def test_only_the_totals_asked_for_are_joined() -> None:
    joined = Context.of(SMALL, NOON).join(SMALL, {"rep_rows", "org_rows"})
    assert set(joined.columns) - set(SMALL.columns) == {"rep_rows", "org_rows"}


def test_the_file_holds_the_same_totals(context: Context, contacts: pl.DataFrame, tmp_path: Path) -> None:
    context.save(tmp_path / "context.parquet")
    loaded = Context.load(tmp_path / "context.parquet")
    assert loaded.as_of == context.as_of
    assert loaded.hashed
    assert_frame_equal(loaded.join(contacts), context.join(contacts), check_exact=True)
    for score in (scoring.score(contacts, context=loaded), scoring.score(contacts.to_dicts(), context=loaded)):
        rows = score if isinstance(score, list) else score.to_dicts()
        assert [row["priority"] for row in rows] == scoring.score(contacts, context=context)["priority"].to_list()


def test_a_loaded_context_is_saved_as_it_was(context: Context, tmp_path: Path) -> None:
    context.save(tmp_path / "one")
    Context.load(tmp_path / "one").save(tmp_path / "two")
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_the_same_export_gives_the_same_bytes(contacts: pl.DataFrame, when: datetime, tmp_path: Path) -> None:
    for name, rows in {"one": contacts, "two": contacts.reverse()}.items():
        scoring.build_context(rows, as_of=when).save(tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_nobody_is_in_the_file(context: Context, contacts: pl.DataFrame, tmp_path: Path) -> None:
    context.save(tmp_path / "context.parquet")
    frame = pl.read_parquet(tmp_path / "context.parquet")
    held = (tmp_path / "context.parquet").read_bytes().lower() + repr(frame.to_dicts()).lower().encode()
    texts = contacts.select(pl.col(pl.String)).to_dict(as_series=False)
    keys = ("email", "source_email", "account_domain", "account_crm_id", "crm_id", "last_name", "account_name")
    for name in keys:
        for text in {text for text in texts[name] if text is not None and len(text) > 5}:
            assert text.lower().encode() not in held, name


def test_hashed_keys_do_not_depend_on_the_process(tmp_path: Path) -> None:
    Context.of(SMALL, NOON).save(tmp_path / "context.parquet")
    saved = pl.read_parquet(tmp_path / "context.parquet").filter(pl.col("level") == "rep")
    expected = [blake2b(key, digest_size=16).hexdigest() for key in (b"a@our.example", b"b@our.example")]
    assert saved["key"].to_list() == sorted(expected)


@pytest.mark.parametrize("rows", [0, 3])
def test_a_context_of_nobody_can_be_saved(rows: int, tmp_path: Path) -> None:
    context = Context.of(schema.empty(rows), NOON)
    context.save(tmp_path / "context.parquet")
    joined = Context.load(tmp_path / "context.parquet").join(SMALL)
    assert joined["org_rows"].to_list() == [rows] * 4
    assert joined["rep_rows"].null_count() == 4


def test_only_rows_that_can_be_used_are_added_up(messy_csv: Path, suppressed: str, when: datetime) -> None:
    context = scoring.build_context(messy_csv, as_of=when, suppress=[suppressed])
    scored = scoring.score(messy_csv, as_of=when, suppress=[suppressed])
    fine = scored["problem"].null_count()
    assert context.totals["org"]["rows"].item() == fine - 1  # one row stands there twice
    by_hand = scored.filter(pl.col("problem").is_null()).select(pl.exclude(COLUMNS)).unique(maintain_order=True)
    again = scoring.build_context(by_hand, as_of=when)
    for level in LEVELS:
        assert_frame_equal(context.totals[level], again.totals[level], check_exact=True)


def test_records_make_a_context_too(contacts: pl.DataFrame, when: datetime, context: Context) -> None:
    made = scoring.build_context(contacts.to_dicts(), as_of=when)
    for level in LEVELS:
        assert_frame_equal(made.totals[level], context.totals[level], check_exact=True)


def damaged(path: Path, how: str, whole: bytes) -> None:
    frame = pl.DataFrame({"a": [1]})
    rng = random.Random(1)
    match how:
        case "missing":
            path.unlink(missing_ok=True)
        case "folder":
            path.mkdir()
        case "text":
            path.write_text("no parquet")
        case "empty":
            path.write_bytes(b"")
        case "cut off":
            path.write_bytes(whole[: len(whole) // 2])
        case "overwritten":
            path.write_bytes(whole[:300] + rng.randbytes(900) + whole[1200:])
        case "another table":
            frame.write_parquet(path)
        case "newer":
            frame.write_parquet(path, metadata={"scoring.context": '{"as_of": "2026-01-01", "format": "99"}'})
        case "no json":
            frame.write_parquet(path, metadata={"scoring.context": "[1"})
        case "not an object":
            frame.write_parquet(path, metadata={"scoring.context": "[1]"})
        case "no date":
            frame.write_parquet(path, metadata={"scoring.context": '{"format": "1"}'})
        case "no columns":
            frame.write_parquet(path, metadata=GOOD_HEADER)
        case "other types":
            pl.read_parquet(path.with_name("whole")).with_columns(rows=pl.lit("1")).write_parquet(
                path, metadata=GOOD_HEADER
            )
        case "a key twice":
            totals = pl.read_parquet(path.with_name("whole"))
            pl.concat([totals, totals.filter(level="rep")]).write_parquet(path, metadata=GOOD_HEADER)


@pytest.mark.parametrize(
    "how",
    [
        *("missing", "folder", "text", "empty", "cut off", "overwritten", "another table", "newer"),
        *("no json", "not an object", "no date", "no columns", "other types", "a key twice"),
    ],
)
def test_what_is_no_context_is_refused(how: str, context: Context, tmp_path: Path) -> None:
    context.save(tmp_path / "whole")
    damaged(tmp_path / "context.parquet", how, (tmp_path / "whole").read_bytes())
    with pytest.raises(scoring.InputError, match="context.parquet") as refused:
        Context.load(tmp_path / "context.parquet")
    assert "\n" not in str(refused.value)
