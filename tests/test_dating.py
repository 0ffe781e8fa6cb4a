from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.bounds import WINDOW
from scoring.dating import date_of_name, infer_as_of, parse_as_of
from scoring.errors import InputError
from scoring.schema import empty

TRUE = datetime(2026, 3, 1, 8, 30, tzinfo=UTC)
DAY = timedelta(days=1)
MAIL = ("inbound", "outbound")
quick = settings(max_examples=100, deadline=None)


def export(ages, *, as_of=TRUE, recent=True):
    """Make an export from ages in days: for each row those of its inbound and outbound mails."""
    rows = []
    for inbound, outbound in ages:
        row = {}
        for channel, days in (("inbound", inbound), ("outbound", outbound)):
            times = [as_of - timedelta(days=age) for age in days]
            row[f"first_{channel}_time"] = min(times, default=None)
            row[f"last_{channel}_time"] = max(times, default=None)
            row[f"total_{channel}"] = len(times)
            row[f"total_{channel}_30d"] = sum(time >= as_of - WINDOW for time in times) if recent else None
        last = [time for channel in MAIL if (time := row[f"last_{channel}_time"])]
        row["last_engaged_time"] = max(last, default=None)
        row["total_emails_30d"] = row["total_inbound_30d"] + row["total_outbound_30d"] if recent else None
        row["total_meetings_30d"] = 0 if recent else None
        rows.append(row)
    table = pl.DataFrame(rows)
    typed = empty(len(rows))
    return typed.with_columns(
        pl.Series(name, table[name].to_list(), dtype=typed.schema[name], strict=False) for name in table.columns
    )


def drawn(rows, seed=0, **options):
    """Make an export of many rows: most mails recent, some rows long silent."""
    random = np.random.default_rng(seed)
    ages = [[list(random.exponential(120, random.integers(0, 5)) + 1e-3) for _ in MAIL] for _ in range(rows)]
    return export(ages, **options)


def newest(table):
    return max(time for time in table.select(pl.col("^last_.*_time$").max()).row(0) if time is not None)


def with_time(table, row, name, time):
    cells = table[name].to_list()
    cells[row] = time
    return table.with_columns(pl.Series(name, cells, dtype=table.schema[name]))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-03-01", datetime(2026, 3, 1, tzinfo=UTC)),
        ("2026-03-01T09:30:00Z", datetime(2026, 3, 1, 9, 30, tzinfo=UTC)),
        ("2026-03-01 09:30+02:00", datetime(2026, 3, 1, 7, 30, tzinfo=UTC)),
        (date(2026, 3, 1), datetime(2026, 3, 1, tzinfo=UTC)),
        (datetime(2026, 3, 1, 9), datetime(2026, 3, 1, 9, tzinfo=UTC)),  # noqa: DTZ001
        (datetime(2026, 3, 1, 9, tzinfo=timezone(timedelta(hours=2))), datetime(2026, 3, 1, 7, tzinfo=UTC)),
    ],
)
def test_a_given_date(value, expected):
    found = parse_as_of(value)
    assert found == expected
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "value", ["", "yesterday", "01/03/2026", "1767225600", "2026-02-30", 20260301, None, True, b"2026"]
)
def test_what_is_no_date_is_refused(value):
    with pytest.raises(InputError, match="2026-03-01"):
        parse_as_of(value)


@quick
@given(st.integers(10, 200), st.integers(0, 1000))
def test_it_lies_between_the_newest_activity_and_the_true_date(rows, seed):
    table = drawn(rows, seed)
    found = infer_as_of(table)
    assert newest(table) < found.when <= TRUE + timedelta(seconds=1)
    assert "inferred from" in found.how


@quick
@given(st.integers(200, 1000), st.integers(0, 100))
def test_with_a_few_hundred_rows_it_is_within_a_day_and_a_half(rows, seed):
    assert abs(infer_as_of(drawn(rows, seed)).when - TRUE) < 1.5 * DAY


def test_zero_counts_move_it_beyond_the_newest_activity():
    table = export([([29.5], []), ([30.5], []), ([29], [])])
    found = infer_as_of(table).when
    assert newest(table) + DAY < found
    assert abs(found - TRUE) < DAY


def test_it_can_be_long_after_an_export_that_is_all_silent():
    table = export([([40 + age], []) for age in range(10)])
    assert infer_as_of(table).when > newest(table) + WINDOW


@pytest.mark.parametrize("recent", [True, False])
@pytest.mark.parametrize("rows", [10, 50, 500])
@pytest.mark.parametrize("years", [1, 2, 73, 7000])
@pytest.mark.parametrize("column", ["last_inbound_time", "last_engaged_time", "first_outbound_time"])
def test_one_mistyped_year_does_not_shift_it(recent, rows, years, column):
    table = drawn(rows, recent=recent)
    good = infer_as_of(table).when
    row = next(row for row in range(rows) if table[column][row] is not None)
    time = table[column][row]
    typo = with_time(table, row, column, time.replace(year=time.year + years, day=min(time.day, 28)))
    moved = infer_as_of(typo).when
    assert abs(moved - good) < 10 * DAY or (rows == 10 and not recent and years < 3)


@quick
@given(st.integers(0, 1000), st.data())
def test_a_few_rows_that_contradict_do_not_shift_it_by_a_day(seed, data):
    table = drawn(300, seed)
    good = infer_as_of(table).when
    for _ in range(6):
        row = data.draw(st.integers(0, 299))
        column = data.draw(st.sampled_from(["last_inbound_time", "last_outbound_time"]))
        age = data.draw(st.floats(-4000, 4000))
        table = with_time(table, row, column, TRUE - timedelta(days=age))
    assert abs(infer_as_of(table).when - good) < DAY


def test_upcoming_meetings_are_not_taken_for_the_past():
    table = drawn(50)
    later = table.with_columns(first_upcoming_meeting_time=pl.lit(TRUE + 90 * DAY))
    assert infer_as_of(later) == infer_as_of(table)


def test_neither_order_nor_copies_of_rows_matter():
    table = drawn(100)
    found = infer_as_of(table).when
    assert infer_as_of(table.reverse()).when == found
    assert infer_as_of(pl.concat([table, table])).when == found


def test_it_moves_with_the_times():
    table = drawn(100)
    shift = timedelta(days=400, hours=5)
    moved = table.with_columns(pl.col(pl.Datetime) + shift)
    assert infer_as_of(moved).when == infer_as_of(table).when + shift


def test_one_row_with_one_time_is_enough():
    table = export([([3], [])], recent=False)
    assert infer_as_of(table).when == TRUE - 3 * DAY + timedelta(seconds=1)


def test_the_sentence_tells_what_contradicts():
    table = with_time(drawn(100), 0, "last_inbound_time", TRUE + 900 * DAY)
    assert "1 of them contradict" in infer_as_of(table).how.replace(",", "")
    assert "none contradicts it" in infer_as_of(drawn(100)).how


@pytest.mark.parametrize("rows", [0, 3])
def test_without_a_time_it_asks_for_the_date(rows):
    with pytest.raises(InputError, match="as_of"):
        infer_as_of(empty(rows))


def test_the_time_it_takes_grows_as_the_rows_do():
    import time

    table = drawn(2000)
    big = pl.concat([table] * 100)
    start = time.perf_counter()
    infer_as_of(big)
    assert time.perf_counter() - start < 5


def test_a_date_that_is_none_is_told_in_one_line():
    with pytest.raises(InputError) as caught:
        parse_as_of("soon\nor\x1b[2Jlater")
    assert str(caught.value).isprintable()


@pytest.mark.parametrize(
    "name",
    [
        "contacts-2026-01-05.csv", "20260105_contacts.parquet", "contacts_2026_01_05", "contacts.2026.01.05.csv",
        "2026-01-05.csv", "2026-01-05T0900.csv", "2026-01-05/2026-01-05 again 20260105.csv", "v2 2026-01-05 (3).csv",
    ],
)  # fmt: skip
def test_a_date_is_found_in_a_name(name: str) -> None:
    assert date_of_name(name) == date_of_name(Path(name)) == datetime(2026, 1, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    "name",
    [
        "contacts.csv", "2026-01-05/contacts.csv", "2026-13-05.csv", "2026-02-30.csv", "2026-1-5.csv", "120260105.csv",
        "202601050.csv", "2026-01-05 to 2026-02-05.csv", "2026-0105.csv", "2026-01_05.csv", "05-01-2026.csv", "",
    ],
)  # fmt: skip
def test_no_date_is_guessed_into_a_name(name: str) -> None:
    assert date_of_name(name) is None
