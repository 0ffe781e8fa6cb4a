"""Snapshots: exports in the order of their dates, the same whatever the order of rows, and refused where they clash."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring import schema
from scoring.context import Context
from scoring.features import FEATURES, compute, computed_from, observe
from scoring.labels import RESTORED
from scoring.snapshots import Snapshot, label_snapshots, put_back, take_snapshots

ISO = "%Y-%m-%dT%H:%M:%S%.fZ"
DAY = timedelta(days=1)
Exports = dict[datetime, pl.DataFrame]


@pytest.fixture(scope="module")
def newest(exports: Exports) -> datetime:
    return max(exports)


def same(one: Snapshot, other: Snapshot) -> None:
    assert one.fingerprint == other.fingerprint
    assert one.as_of == other.as_of
    assert_frame_equal(one.table, other.table)
    assert_frame_equal(one.features, other.features, check_exact=True)


def written(exports: Exports, folder: Path, ending: str = "csv") -> list[Path]:
    paths = []
    for when, contacts in exports.items():
        paths.append(folder / f"contacts-{when:%Y-%m-%d}.{ending}")
        if ending == "csv":
            contacts.write_csv(paths[-1], datetime_format=ISO)
        else:
            contacts.write_parquet(paths[-1])
    return paths


# ---- what is taken --------------------------------------------------------------------------------------------------


def test_exports_come_in_the_order_of_their_dates(exports: Exports) -> None:
    backwards = take_snapshots(dict(reversed(exports.items())))
    assert [one.as_of for one in backwards] == sorted(exports)
    for one, other in zip(backwards, take_snapshots(exports), strict=True):
        same(one, other)
        assert one.table.height == one.features.height == one.rows == exports[one.as_of].height
        assert (one.rejected, one.repeated, one.suppressed, one.dated) == (0, 0, 0, "given")


@pytest.mark.parametrize(
    "key", [datetime, lambda when: when.replace(tzinfo=None), datetime.date, datetime.isoformat, "{:%Y-%m-%d}".format]
)
def test_a_date_may_be_given_in_many_forms(key: Callable[[datetime], Any], exports: Exports) -> None:
    given = {when if key is datetime else key(when): contacts for when, contacts in exports.items()}
    assert [one.as_of for one in take_snapshots(given)] == sorted(exports)


def test_the_order_of_rows_is_no_matter(exports: Exports, newest: datetime) -> None:
    contacts = exports[newest]
    (one,) = take_snapshots({newest: contacts})
    for seed in (1, 2):
        shuffled = contacts.sample(fraction=1.0, shuffle=True, seed=seed)
        assert not shuffled.equals(contacts)
        same(take_snapshots({newest: shuffled})[0], one)


def test_equal_rows_count_once(exports: Exports, newest: datetime) -> None:
    contacts = exports[newest]
    (one,) = take_snapshots({newest: contacts})
    (twice,) = take_snapshots({newest: pl.concat([contacts.tail(30), contacts, contacts.head(9)])})
    same(one, twice)
    assert (twice.rows, twice.repeated, twice.rejected) == (contacts.height + 39, 39, 0)


def test_rows_that_are_rejected_are_only_counted(exports: Exports, newest: datetime) -> None:
    contacts = exports[newest]
    (one,) = take_snapshots({newest: contacts})
    nobody = contacts.head(5).with_columns(crm_id=pl.lit(None, pl.String), email=pl.lit(None, pl.String))
    below = contacts.head(3).with_columns(total_inbound=pl.lit(-1, pl.Int64), crm_id=pl.lit("x") + pl.col("crm_id"))
    (more,) = take_snapshots({newest: pl.concat([nobody, contacts, below])})
    same(one, more)
    assert (more.rows, more.rejected) == (contacts.height + 8, 8)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_are_what_frames_are(ending: str, exports: Exports, tmp_path: Path) -> None:
    for one, other in zip(take_snapshots(written(exports, tmp_path, ending)), take_snapshots(exports), strict=True):
        same(one, other)
        assert one.dated == "in the file's name"


def test_the_fingerprint_is_of_every_field_and_of_the_date(exports: Exports, newest: datetime) -> None:
    contacts = exports[newest]
    (one,) = take_snapshots({newest: contacts})
    found = {one.fingerprint, take_snapshots({newest + DAY: contacts})[0].fingerprint}
    for name, dtype in contacts.schema.items():
        if dtype == pl.String:
            first = pl.lit("SEEN") + pl.col(name).fill_null("")
        elif dtype == pl.Boolean:
            first = ~pl.col(name).fill_null(False)
        elif dtype.is_temporal():
            first = pl.col(name).fill_null(newest - DAY) - timedelta(microseconds=1)
        else:
            first = pl.col(name).fill_null(0) + 1
        other = contacts.with_columns(
            pl.when(pl.int_range(pl.len()) == 3).then(first).otherwise(pl.col(name)).alias(name)
        )
        found.add(take_snapshots({newest: other})[0].fingerprint)
    assert len(found) == 2 + contacts.width


def test_suppressed_rows_are_gone(exports: Exports, newest: datetime) -> None:
    contacts = exports[newest]
    domain = contacts["email"].str.split("@").list.last().mode().sort()[0]
    named = contacts["email"].str.ends_with(f"@{domain}").fill_null(False)
    rep_named = contacts["source_email"].str.ends_with(f"@{domain}").fill_null(False)
    gone = named | rep_named
    assert 0 < gone.sum() < contacts.height
    (one,) = take_snapshots({newest: contacts}, suppress=[domain])
    assert one.suppressed + one.table.height == contacts.height
    assert one.suppressed >= named.sum()
    left = contacts.filter(~named)
    if one.suppressed == named.sum():
        same(one, take_snapshots({newest: left})[0])
    assert domain not in one.table.select("email").write_csv()


def test_no_name_or_number_is_kept(exports: Exports) -> None:
    for one in take_snapshots(exports):
        gone = {"first_name", "last_name", "phone", "job_title", "country", "state", "account_name"}
        assert not gone & set(one.table.columns)
        assert {field.name for field in schema.FIELDS if field.role == "activity"} <= set(one.table.columns)


def test_features_do_not_look_at_what_is_left_out(exports: Exports, newest: datetime) -> None:
    (one,) = take_snapshots({newest: exports[newest]})
    lost = {name: pl.lit(None, schema.field(name).dtype) for name in schema.NAMES if name not in one.table.columns}
    table = one.table.with_columns(**lost).select(schema.NAMES)
    again = compute(observe(table, newest, Context.of(table, newest)))
    assert_frame_equal(again, one.features, check_exact=True)


# ---- dates that are not given ---------------------------------------------------------------------------------------


def test_one_export_may_come_alone(exports: Exports, newest: datetime, tmp_path: Path) -> None:
    (inferred,) = take_snapshots(exports[newest])
    assert timedelta(0) <= newest - inferred.as_of < DAY
    assert "inferred" in inferred.dated
    path = written({newest: exports[newest]}, tmp_path)[0]
    for one in (path, str(path), [path]):
        assert take_snapshots(one)[0].as_of == newest


def test_a_list_without_dates_is_dated_by_content(exports: Exports) -> None:
    found = take_snapshots(list(reversed(exports.values())))
    assert all(timedelta(0) <= when - one.as_of < DAY for one, when in zip(found, sorted(exports), strict=True))


def test_a_name_without_a_date_leaves_it_to_the_content(exports: Exports, newest: datetime, tmp_path: Path) -> None:
    exports[newest].write_csv(tmp_path / "contacts.csv", datetime_format=ISO)
    (one,) = take_snapshots(tmp_path / "contacts.csv")
    assert "inferred" in one.dated
    assert timedelta(0) <= newest - one.as_of < DAY


@pytest.mark.parametrize("days", [0, 1, 5])
def test_a_quiet_end_is_no_clash(days: int, exports: Exports, newest: datetime, tmp_path: Path) -> None:
    path = tmp_path / f"{newest + days * DAY:%Y-%m-%d}.csv"
    exports[newest].write_csv(path, datetime_format=ISO)
    assert take_snapshots(path)[0].as_of == newest + days * DAY


def test_an_export_made_on_the_day_itself_keeps_the_time_of_its_content(
    exports: Exports, newest: datetime, tmp_path: Path
) -> None:
    path = tmp_path / f"{newest - DAY:%Y-%m-%d}.csv"
    exports[newest].write_csv(path, datetime_format=ISO)
    assert newest - DAY < take_snapshots(path)[0].as_of < newest


@pytest.mark.parametrize("days", [-400, -20, 30, 365])
def test_a_name_against_its_content_does_not_count(
    days: int, exports: Exports, newest: datetime, tmp_path: Path
) -> None:
    path = tmp_path / f"{newest + days * DAY:%Y-%m-%d}.csv"
    exports[newest].write_csv(path, datetime_format=ISO)
    (one,) = take_snapshots([path])
    assert timedelta(0) <= newest - one.as_of < DAY
    assert "does not fit" in one.dated


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_two_exports_of_one_date_are_refused(exports: Exports, newest: datetime) -> None:
    given = {newest: exports[newest], newest.isoformat(): exports[newest].head(20)}
    with pytest.raises(scoring.InputError, match=f"two exports of {newest:%Y-%m-%d}"):
        take_snapshots(given)


@pytest.mark.parametrize("none", [{}, [], ()])
def test_no_export_is_refused(none: Any) -> None:
    with pytest.raises(scoring.InputError, match="no export"):
        take_snapshots(none)


@pytest.mark.parametrize("how", ["empty", "rejected", "suppressed"])
def test_an_export_without_a_row_that_counts_is_refused(how: str, exports: Exports, newest: datetime) -> None:
    contacts, suppress = exports[newest].head(7), []
    if how == "empty":
        contacts = contacts.head(0)
    elif how == "rejected":
        contacts = contacts.with_columns(total_inbound=pl.lit(-1, pl.Int64))
    else:
        suppress = contacts["email"].drop_nulls().to_list()
        contacts = contacts.filter(pl.col("email").is_not_null())
    with pytest.raises(scoring.InputError, match=f"{newest:%Y-%m-%d}") as refused:
        take_snapshots({newest: contacts}, suppress=suppress)
    numbers = {"empty": "0 rows, 0 with", "rejected": "7 rows, 7 with", "suppressed": f"{contacts.height} suppressed"}
    assert numbers[how] in str(refused.value)
    assert "@" not in str(refused.value)


@pytest.mark.parametrize("key", [None, 3, "last week"])
def test_a_key_that_is_no_date_is_refused(key: Any, exports: Exports, newest: datetime) -> None:
    with pytest.raises(scoring.InputError, match="as_of"):
        take_snapshots({key: exports[newest]})


def test_records_go_with_their_date(exports: Exports, newest: datetime) -> None:
    records = exports[newest].head(40).to_dicts()
    same(take_snapshots({newest: records})[0], take_snapshots({newest: exports[newest].head(40)})[0])


# ---- later and before -----------------------------------------------------------------------------------------------


def test_each_date_but_the_last_is_labelled(exports: Exports) -> None:
    snapshots = take_snapshots(exports)
    lessons = label_snapshots(snapshots)
    assert [(one.as_of, one.until) for one in lessons] == [(one.as_of, one.as_of + 30 * DAY) for one in snapshots[:-1]]
    for lesson, snapshot in zip(lessons, snapshots, strict=False):
        assert lesson.features is snapshot.features
        assert lesson.labels.height == snapshot.table.height
        assert 0.1 < lesson.labels["reply"].mean() < 0.9
    assert label_snapshots(snapshots[:1]) == []


def test_rows_that_are_missing_later_are_open_and_counted(exports: Exports) -> None:
    first, second = sorted(exports)[:2]
    fewer = exports[second].filter(pl.col("crm_id").hash(1) % 3 > 0)
    (lesson,) = label_snapshots(take_snapshots({first: exports[first], second: fewer}))
    keys = ["source_email", "crm_id", "email"]
    gone = exports[first].join(fewer, on=keys, how="anti", nulls_equal=True).height
    assert lesson.missing == gone > 20
    assert lesson.labels.select(pl.all().null_count().min()).row(0) >= (gone,) * 4


def test_what_is_put_back_is_of_the_date_30_days_before(exports: Exports, newest: datetime) -> None:
    (snapshot,) = take_snapshots({newest: exports[newest]})
    past = put_back(snapshot)
    assert (past.as_of, past.until) == (newest - 30 * DAY, newest)
    assert past.rows.height == past.features.height == past.labels.height < snapshot.table.height
    assert past.labels["reply"].null_count() == 0
    assert past.rows["last_inbound_time"].null_count() == past.rows.height


def test_features_that_can_be_put_back_are_those_of_the_export_of_then(exports: Exports) -> None:
    """Own features of rows that both have; those beside a context know only the rows that are left."""
    then, now = sorted(exports)[-2:]
    past, (was,) = put_back(take_snapshots({now: exports[now]})[0]), take_snapshots({then: exports[then]})
    keys = ["source_email", "crm_id", "email"]
    names = [f.name for f in FEATURES if not f.needs_context and f.name in computed_from(RESTORED)]
    both = pl.concat([past.rows.select(keys), past.features.select(names)], how="horizontal").join(
        pl.concat([was.table.select(keys), was.features.select(names)], how="horizontal"),
        on=keys, nulls_equal=True, suffix="_was",
    )  # fmt: skip
    assert both.height > 200
    assert len(names) > 5
    assert_frame_equal(both.select(names), both.select(pl.col(f"{name}_was").alias(name) for name in names))


def test_a_copy_of_an_export_under_a_later_date_is_refused(exports: Exports, newest: datetime) -> None:
    with pytest.raises(scoring.InputError, match="hold the same"):
        take_snapshots({newest: exports[newest], newest + 30 * DAY: exports[newest].reverse()})


@pytest.mark.parametrize("several", [False, True], ids=["record", "records"])
def test_records_are_no_exports(several: bool) -> None:
    record = {"crm_id": "1", "total_inbound": 3}
    with pytest.raises(scoring.InputError, match="records in the place of exports"):
        take_snapshots([record, record] if several else record)
