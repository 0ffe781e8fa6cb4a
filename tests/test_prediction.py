"""Scoring: the same scores whatever the contacts come in, whoever stands beside them, whichever machine does it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import scoring
from scoring import prediction, schema
from scoring.config import EVIDENCE, TIERS
from scoring.prediction import COLUMNS
from scoring.writing import write_frame

CHANCES = ["reply_probability", "meeting_probability", "answer_probability", "priority"]
SCORES = list(COLUMNS[: COLUMNS.index("problem")])
OUTCOMES = [field.name for field in schema.FIELDS if field.role == "outcome"]
TIMES = [field.name for field in schema.FIELDS if field.kind == "time"]


def same(one: pl.DataFrame, other: pl.DataFrame, columns: list[str] | None = None) -> None:
    """Hold two results against each other, bit for bit."""
    columns = list(COLUMNS) if columns is None else columns
    assert_frame_equal(one.select(columns), other.select(columns), check_exact=True)


def as_polars(scored: Any) -> pl.DataFrame:
    """The result's columns as polars, whatever kind it is of."""
    if isinstance(scored, pl.DataFrame | pl.LazyFrame):
        return scored.lazy().select(COLUMNS).collect()
    if isinstance(scored, pd.DataFrame):
        cells = {name: [None if pd.isna(cell) else cell for cell in scored[name].tolist()] for name in COLUMNS}
    elif isinstance(scored, pa.Table):
        cells = scored.select(list(COLUMNS)).to_pydict()
    else:
        rows = [scored] if isinstance(scored, dict) else scored
        cells = {name: [row[name] for row in rows] for name in COLUMNS}
    enums = {"tier": pl.Enum(TIERS), "evidence": pl.Enum(("none", *EVIDENCE))}
    texts = dict.fromkeys(("reasons", "problem", "flags", "model_id"), pl.String())
    numbers = dict.fromkeys((*CHANCES, "percentile"), pl.Float64())
    return pl.DataFrame(cells, schema_overrides={**enums, **texts, **numbers, "as_of": schema.DTYPES["time"]})


# ---- kinds of input -------------------------------------------------------------------------------------------------

IN_MEMORY: dict[str, Callable[[pl.DataFrame], Any]] = {
    "polars": lambda frame: frame,
    "lazy": lambda frame: frame.lazy(),
    "pandas": lambda frame: frame.to_pandas(),
    "pandas with an index": lambda frame: frame.to_pandas().set_index(pd.Index(range(frame.height, 0, -1), name="n")),
    "arrow": lambda frame: frame.to_arrow(),
    "arrow stream": lambda frame: pa.RecordBatchReader.from_stream(frame),
}


@pytest.mark.parametrize("kind", IN_MEMORY)
def test_every_table_in_memory_gives_the_same_scores(kind: str, contacts: pl.DataFrame) -> None:
    given = IN_MEMORY[kind](contacts)
    same(as_polars(scoring.score(given)), scoring.score(contacts))


@pytest.mark.parametrize("ending", ["csv", "csv.gz", "csv.zst", "json", "ndjson", "ndjson.gz", "parquet"])
def test_every_file_gives_the_same_scores(ending: str, contacts: pl.DataFrame, tmp_path: Path) -> None:
    path = tmp_path / f"contacts.{ending}"
    write_frame(contacts, path)
    expected = scoring.score(contacts)
    scored = scoring.score(path)
    assert isinstance(scored, pl.DataFrame)
    same(scored, expected)
    same(scoring.score(str(path)), expected)


def test_a_list_of_files_is_one_export(contacts: pl.DataFrame, tmp_path: Path) -> None:
    paths = []
    for number, part in enumerate(contacts.iter_slices(100)):
        paths.append(tmp_path / f"{number}.csv")
        write_frame(part, paths[-1])
    assert len(paths) > 1
    same(scoring.score(paths), scoring.score(contacts))


def test_records_with_the_context_of_their_export_get_its_scores(contacts: pl.DataFrame) -> None:
    context, expected = scoring.build_context(contacts), scoring.score(contacts)
    records = contacts.to_dicts()
    same(as_polars(scoring.score(records, context=context)), expected)
    for row in (0, 7, contacts.height - 1):
        one = scoring.score(records[row], context=context)
        assert isinstance(one, dict)
        assert {name: one[name] for name in COLUMNS} == expected.select(COLUMNS).row(row, named=True)


def test_text_of_a_crm_hook_is_read_as_a_file_is(contacts: pl.DataFrame, export_csv: Path, context: Any) -> None:
    texts = pl.read_csv(export_csv, infer_schema=False).head(20).to_dicts()
    typed = contacts.head(20).to_dicts()
    same(as_polars(scoring.score(texts, context=context)), as_polars(scoring.score(typed, context=context)))


def test_pandas_keeps_its_index_and_columns(contacts: pl.DataFrame) -> None:
    before = contacts.to_pandas().sample(frac=1, random_state=3)
    scored = scoring.score(before)
    assert list(scored.columns) == [*before.columns, *COLUMNS]
    pd.testing.assert_frame_equal(scored[before.columns], before)
    assert not set(COLUMNS) & set(before.columns)


def test_polars_keeps_columns_order_and_unknown_columns(contacts: pl.DataFrame) -> None:
    before = contacts.with_columns(pl.int_range(pl.len()).alias("my number"), pl.lit([1, 2]).alias("list")).reverse()
    scored = scoring.score(before)
    assert scored.columns == [*before.columns, *COLUMNS]
    assert_frame_equal(scored.select(before.columns), before)
    lazy = scoring.score(before.lazy())
    assert isinstance(lazy, pl.LazyFrame)
    assert_frame_equal(lazy.collect(), scored)


def test_arrow_comes_back_as_arrow(contacts: pl.DataFrame) -> None:
    before = contacts.to_arrow()
    scored = scoring.score(before)
    assert isinstance(scored, pa.Table)
    assert scored.select(before.column_names).equals(before)


def test_records_come_back_as_they_were(contacts: pl.DataFrame, context: Any) -> None:
    before = [{**row, "tags": ["a", row["crm_id"]]} for row in contacts.head(5).to_dicts()]
    kept = [dict(row) for row in before]
    for row, scored in zip(kept, scoring.score(before, context=context), strict=True):
        assert {name: scored[name] for name in row} == row
        assert list(scored) == [*row, *COLUMNS]
    assert before == kept


def test_columns_are_known_by_other_spellings(contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime) -> None:
    renamed = contacts.rename(lambda name: name.replace("_", " ").title())
    after = scoring.score(renamed, as_of=when)
    assert after.columns == [*renamed.columns, *COLUMNS]
    same(after, scored)


@pytest.mark.parametrize("contacts_given", [3, "no such file.csv", ["no such file.csv"], [1, 2], None])
def test_what_holds_no_contacts_is_refused(contacts_given: Any) -> None:
    with pytest.raises(scoring.InputError):
        scoring.score(contacts_given, as_of="2026-01-01")


# ---- what a score depends on ----------------------------------------------------------------------------------------


def test_row_order_changes_nothing(contacts: pl.DataFrame, scored: pl.DataFrame) -> None:
    order = np.random.default_rng(1).permutation(contacts.height)
    same(scoring.score(contacts[order]), scoring.score(contacts)[order])


@pytest.mark.parametrize("size", [1, 7, 24])
def test_batches_with_the_context_change_nothing(
    size: int, contacts: pl.DataFrame, scored: pl.DataFrame, context: Any, when: datetime
) -> None:
    some = contacts.head(25)
    parts = [scoring.score(part, context=context, as_of=when) for part in some.iter_slices(size)]
    same(pl.concat(parts), scored.head(25))


@pytest.mark.parametrize("size", [1, 7, 299])
def test_the_size_of_inner_batches_changes_nothing(
    size: int, messy_csv: Path, contacts: pl.DataFrame, when: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = contacts.head(300)
    expected = scoring.score(some), scoring.score(messy_csv, as_of=when)
    monkeypatch.setattr(prediction, "BATCH_ROWS", size)
    same(scoring.score(some), expected[0])
    same(scoring.score(messy_csv, as_of=when), expected[1])


def test_neighbours_matter_only_through_the_context(contacts: pl.DataFrame, context: Any, scored: pl.DataFrame) -> None:
    alone = contacts.head(30)
    same(scoring.score(alone, context=context), scored.head(30))


@given(days=st.integers(-3000, 3000), seconds=st.integers(-86400, 86400))
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shifting_all_times_and_the_date_changes_nothing(
    days: int, seconds: int, contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime
) -> None:
    by = timedelta(days=days, seconds=seconds)
    shifted = scoring.score(contacts.with_columns(pl.col(TIMES) + by), as_of=when + by)
    same(shifted, scored, [*SCORES, "problem"])


def test_outcome_fields_change_no_score(contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime) -> None:
    for _ in range(3):
        noise = contacts.with_columns(pl.col(name).shuffle(seed=place) for place, name in enumerate(OUTCOMES))
        same(scoring.score(noise, as_of=when), scored, [*SCORES, "problem"])
    gone = contacts.with_columns(pl.lit(None, dtype=schema.field(name).dtype).alias(name) for name in OUTCOMES)
    same(scoring.score(gone, as_of=when), scored, [*SCORES, "problem"])


def test_the_date_matters(contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime) -> None:
    later = scoring.score(contacts, as_of=when + timedelta(days=60))
    assert not later["priority"].equals(scored["priority"])
    assert later["as_of"].unique().to_list() == [when + timedelta(days=60)]


DIGESTS = """
import hashlib, json, sys
import polars as pl
import scoring

def digest(frame):
    cells = frame.select(scoring.prediction.COLUMNS).to_dict(as_series=False)
    return hashlib.sha256(repr(cells).encode()).hexdigest()

csv, parquet, when = sys.argv[1:]
naive = pl.read_parquet(parquet).with_columns(pl.col(pl.Datetime("us", "UTC")).dt.replace_time_zone(None))
found = {
    "undated": digest(scoring.score(csv)),
    "dated": digest(scoring.score(parquet, as_of=when)),
    "naive": digest(scoring.score(naive, as_of=when)),
    "records": digest(pl.DataFrame([scoring.score(row, as_of=when) for row in naive.head(5).to_dicts()])),
    "threads": pl.thread_pool_size(),
}
print(json.dumps(found))
"""


def test_threads_and_time_zones_change_no_bit(contacts: pl.DataFrame, export_csv: Path, when: datetime) -> None:
    parquet = export_csv.with_suffix(".parquet")
    contacts.write_parquet(parquet)
    arguments = [sys.executable, "-c", DIGESTS, export_csv, parquet, f"{when:%Y-%m-%dT%H:%M:%S}"]
    surroundings = [
        {"POLARS_MAX_THREADS": "1", "TZ": "UTC"},
        {"POLARS_MAX_THREADS": "2", "TZ": "Asia/Kolkata", "LC_ALL": "C"},
    ]
    running = [
        subprocess.Popen(arguments, env={**os.environ, **more}, stdout=subprocess.PIPE, text=True)
        for more in surroundings
    ]
    one, other = (json.loads(process.communicate(timeout=60)[0]) for process in running)
    assert (one.pop("threads"), other.pop("threads")) == (1, 2)
    assert one == other
    assert one["dated"] == one["naive"]


# ---- what may come out ----------------------------------------------------------------------------------------------


def test_a_contact_without_any_history_is_scored(when: datetime, context: Any) -> None:
    nobody = schema.empty(2).with_columns(crm_id=pl.Series(["1", "2"]))
    for scored in (scoring.score(nobody, as_of=when), scoring.score(nobody, context=context)):
        assert scored["problem"].to_list() == [None, None]
        assert scored["evidence"].to_list() == ["none", "none"]
        for name in CHANCES:
            assert scored[name].is_between(0, 1).all()
        assert scored["reasons"].null_count() == 0
    one = scoring.score({"crm_id": "1", "total_inbound": None}, as_of=when)
    assert 0 <= one["priority"] <= 1


COUNTS = st.one_of(
    st.none(), st.integers(-1, 5), st.integers(0, 10**12), st.sampled_from([10**12, 2**63 - 1, -(2**63)])
)
MOMENTS = st.one_of(
    st.none(),
    st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    st.datetimes(datetime(2025, 1, 1), datetime(2026, 3, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.sampled_from([datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)]),
)
TEXTS = st.one_of(st.none(), st.sampled_from(["", " ", "a@b.example", "A@B.example", "x"]), st.text(max_size=4))
CELLS = {
    "text": TEXTS,
    "flag": st.one_of(st.none(), st.booleans()),
    "count": COUNTS,
    "number": st.one_of(st.none(), st.floats()),
    "time": MOMENTS,
}
ROWS = st.lists(
    st.fixed_dictionaries({field.name: CELLS[field.kind] for field in schema.FIELDS}), min_size=1, max_size=4
)


@given(rows=ROWS, as_of=st.sampled_from(["2026-01-01", "1900-01-01", "9999-12-31"]), alone=st.booleans())
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))
def test_chances_are_chances_whatever_validation_accepts(rows: list[dict[str, Any]], as_of: str, alone: bool) -> None:
    table = pl.DataFrame(rows, schema={field.name: field.dtype for field in schema.FIELDS}, strict=False)
    scored = as_polars(scoring.score(rows, as_of=as_of)) if alone else scoring.score(table, as_of=as_of)
    assert scored.height == len(rows)
    kept = scored.filter(pl.col("problem").is_null())
    for name in CHANCES:
        assert kept[name].is_between(0, 1).all(), kept[name]
        assert kept[name].null_count() == 0
    assert kept["percentile"].is_between(0, 100).all()
    assert kept.select(SCORES).null_count().sum_horizontal().item() == 0
    aside = scored.filter(pl.col("problem").is_not_null())
    assert aside.select(SCORES).null_count().row(0) == (aside.height,) * len(SCORES)


def test_types_of_the_result(scored: pl.DataFrame) -> None:
    assert dict(scored.select(COLUMNS).schema) == {
        **dict.fromkeys([*CHANCES, "percentile"], pl.Float64()),
        "tier": pl.Enum(TIERS),
        "evidence": pl.Enum(("none", *EVIDENCE)),
        **dict.fromkeys(["reasons", "problem", "flags", "model_id"], pl.String()),
        "as_of": pl.Datetime("us", "UTC"),
    }
    assert scored["model_id"].unique().to_list() == [scoring.load_model().id]


def test_nothing_to_score_gives_an_empty_result_of_the_same_types(contacts: pl.DataFrame, when: datetime) -> None:
    nothing = scoring.score(contacts.head(0), as_of=when)
    assert nothing.height == 0
    assert nothing.schema == scoring.score(contacts, as_of=when).schema
    assert scoring.score([], as_of=when) == []


def test_tiers_and_percentiles_follow_the_priority(scored: pl.DataFrame) -> None:
    model = scoring.load_model()
    cuts = dict(zip(TIERS, (*model.tier_cuts, 0.0), strict=True))
    for row in scored.select("priority", "tier", "percentile").iter_rows(named=True):
        assert row["tier"] == next(tier for tier, least in cuts.items() if row["priority"] >= least)
        assert row["percentile"] == pytest.approx(100 * np.sum(model.quantiles <= row["priority"]) / 1000)
    ordered = scored.sort("priority", descending=True)
    assert ordered["tier"].to_physical().is_sorted()
    assert ordered["percentile"].is_sorted(descending=True)


@pytest.mark.parametrize(
    ("counts", "evidence"),
    [
        ((None, None, None), "none"),
        ((0, 0, 0), "none"),
        ((1, None, 0), "thin"),
        ((1, 0, 1), "thin"),
        ((1, 1, 1), "enough"),
        ((0, 3, None), "enough"),
        ((10**12, 10**12, 10**12), "enough"),
    ],
)
def test_evidence_counts_touches(counts: tuple[int | None, ...], evidence: str) -> None:
    names = ("total_inbound", "total_outbound", "total_meetings")
    record = {"crm_id": "1", **dict(zip(names, counts, strict=True))}
    assert scoring.score(record, as_of="2026-01-01")["evidence"] == evidence


# ---- rows that are not as they should be ----------------------------------------------------------------------------


def test_a_row_that_cannot_be_used_keeps_its_place(messy_csv: Path, suppressed: str, when: datetime) -> None:
    source = pl.read_csv(messy_csv, infer_schema=False)
    scored = scoring.score(messy_csv, as_of=when)
    assert_frame_equal(scored.select(source.columns), source)
    problems = dict(enumerate(scored["problem"]))
    assert {row: problem for row, problem in problems.items() if problem} == {
        0: "unreadable_number: total_inbound",
        2: "unreadable_number: total_inbound",
        3: "unreadable_time: last_inbound_time",
        4: "no_key",
        5: "negative_count: total_outbound",
        7: "unequal_duplicate",
    }
    for name in SCORES:
        assert scored[name].is_null().to_list() == scored["problem"].is_not_null().to_list()
    for name in ("as_of", "model_id"):
        assert scored[name].null_count() == 0


def test_a_bad_row_does_not_touch_the_others(messy_csv: Path, when: datetime) -> None:
    scored = scoring.score(messy_csv, as_of=when)
    fine = pl.read_csv(messy_csv, infer_schema=False).filter(scored["problem"].is_null())
    same(scoring.score(fine, as_of=when), scored.filter(pl.col("problem").is_null()))


def test_a_flag_costs_no_score(messy_csv: Path, when: datetime) -> None:
    row = scoring.score(messy_csv, as_of=when).row(10, named=True)
    assert "recent_above_total" in row["flags"]
    assert row["problem"] is None
    assert 0 <= row["priority"] <= 1


def test_equal_duplicates_get_the_same_score_and_count_once(
    contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime
) -> None:
    twice = pl.concat([contacts, contacts.head(9), contacts.head(3)])
    after = scoring.score(twice, as_of=when)
    assert after["problem"].null_count() == twice.height
    same(after.head(contacts.height), scored)
    same(after.tail(12), pl.concat([scored.head(9), scored.head(3)]))


def test_suppressed_people_are_left_out_before_anything_is_added_up(messy_csv: Path, suppressed: str) -> None:
    source = pl.read_csv(messy_csv, infer_schema=False)
    without = source.tail(-2)
    for suppress in ([suppressed], ["left-out.example"], [suppressed.upper(), "other.example"]):
        scored = scoring.score(source, suppress=suppress, as_of="2020-01-01")
        assert_frame_equal(scored.select(source.columns), without)
        same(scored, scoring.score(without, as_of="2020-01-01"))


@pytest.mark.parametrize("kind", ["polars", "lazy", "pandas", "arrow", "arrow stream"])
def test_suppression_keeps_the_kind(kind: str, contacts: pl.DataFrame, when: datetime) -> None:
    given, address = IN_MEMORY[kind](contacts), contacts["email"][3]
    assert address is not None
    scored = scoring.score(given, as_of=when, suppress=[address])
    if kind != "arrow stream":
        assert type(scored) is type(given)
    same(as_polars(scored), scoring.score(contacts, as_of=when, suppress=[address]))


def test_suppressed_rows_leave_the_others_untouched_in_pandas(contacts: pl.DataFrame, when: datetime) -> None:
    before, address = IN_MEMORY["pandas with an index"](contacts), contacts["email"][3]
    scored = scoring.score(before, as_of=when, suppress=[address])
    kept = before[before["email"].str.lower() != address.lower()]
    assert len(kept) < len(before)
    pd.testing.assert_frame_equal(scored[before.columns], kept[kept["crm_id"].isin(scored["crm_id"])])


def test_suppressed_records_leave_the_others_untouched(when: datetime) -> None:
    records = [
        {"crm_id": 1, "email": "a@b.example", "total_inbound": 3},
        {"crm_id": 2, "email": "c@d.example", "total_outbound": 3},
        {"crm_id": "x", "email": "e@f.example", "total_outbound": 3, "more": {"a": 1}},
    ]
    with pytest.warns(scoring.SchemaWarning):
        scored = scoring.score(records, as_of=when, suppress=["b.example"])
    assert [{name: cell for name, cell in row.items() if name not in COLUMNS} for row in scored] == records[1:]


# ---- what is refused ------------------------------------------------------------------------------------------------


def test_a_result_is_not_scored_over(contacts: pl.DataFrame, scored: pl.DataFrame, when: datetime) -> None:
    with pytest.raises(scoring.InputError, match="overwrite"):
        scoring.score(scored, as_of=when)
    later = when + timedelta(days=10)
    again = scoring.score(scored, as_of=later, overwrite=True)
    assert again.columns == scored.columns
    same(again, scoring.score(contacts, as_of=later))


@pytest.mark.parametrize("kind", ["pandas", "arrow", "lazy"])
def test_overwriting_replaces_columns_where_they_stand(kind: str, contacts: pl.DataFrame, when: datetime) -> None:
    before = IN_MEMORY[kind](contacts.with_columns(pl.lit("mine").alias("tier")))
    scored = scoring.score(before, as_of=when, overwrite=True)
    same(as_polars(scored), scoring.score(contacts, as_of=when))


def test_records_need_a_date(contacts: pl.DataFrame) -> None:
    for records in (contacts.head(2).to_dicts(), contacts.row(0, named=True)):
        with pytest.raises(scoring.InputError, match="as_of"):
            scoring.score(records)


def test_a_date_before_the_context_is_refused(contacts: pl.DataFrame, context: Any, when: datetime) -> None:
    with pytest.raises(scoring.InputError, match="before the context"):
        scoring.score(contacts, context=context, as_of=when - timedelta(seconds=1))
    assert scoring.score(contacts, context=context, as_of=when + timedelta(days=3)).height == contacts.height


@pytest.mark.parametrize("as_of", ["soon", "2026-13-01", 5, ""])
def test_what_is_no_date_is_refused(as_of: Any, contacts: pl.DataFrame) -> None:
    with pytest.raises(scoring.InputError, match="as_of"):
        scoring.score(contacts, as_of=as_of)


@pytest.mark.parametrize("as_of", ["2018-07-01", "2018-07-01T02:00:00+02:00", "2018-07-01T00:00:00Z"])
def test_dates_in_any_form_mean_the_same(as_of: str, contacts: pl.DataFrame) -> None:
    moment = datetime(2018, 7, 1, tzinfo=UTC)
    for form in (as_of, moment, moment.date(), moment.replace(tzinfo=None)):
        assert scoring.score(contacts.head(3), as_of=form)["as_of"].to_list() == [moment] * 3


def test_contacts_without_any_activity_column_are_refused(contacts: pl.DataFrame, when: datetime) -> None:
    with pytest.raises(scoring.InputError, match="no column says what happened"):
        scoring.score(contacts.select("email", "crm_id", "first_name"), as_of=when)


def test_missing_fields_are_named_once(contacts: pl.DataFrame, when: datetime) -> None:
    with pytest.warns(scoring.SchemaWarning) as warned:
        scored = scoring.score(contacts.drop("phone", "total_meetings"), as_of=when)
    assert len(warned) == 1
    assert "phone" in str(warned[0].message)
    assert "total_meetings" in str(warned[0].message)
    assert scored["problem"].null_count() == scored.height
