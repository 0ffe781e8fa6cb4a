from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring.reading import scalars
from scoring.reading.cells import typed
from scoring.schema import FIELDS, NAMES, field

from .tables import tables

WHEN = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
quick = settings(max_examples=200, deadline=None)


def column(name, cells, **options):
    """Read one column; return its cells and the faults."""
    series = cells if isinstance(cells, pl.Series) else pl.Series("found", cells, **options)
    table, faults = typed(series.alias("found").to_frame(), {name: "found"})
    return table[name].to_list(), faults.rows()


def alone(name, cell):
    """Read one cell as a record's."""
    kind = "identity" if field(name).role == "identity" and field(name).kind == "text" else field(name).kind
    try:
        return scalars.READERS[kind](cell), False
    except scalars.Unreadable:
        return None, True


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("2026-01-02T03:04:05Z", WHEN),
        ("2026-01-02T03:04:05", WHEN),
        ("2026-01-02 03:04:05", WHEN),
        (" 2026-01-02T03:04:05Z ", WHEN),
        ("2026-01-02T03:04:05z", WHEN),
        ("2026-01-02T05:04:05+02:00", WHEN),
        ("2026-01-01T22:04:05-0500", WHEN),
        ("2026-01-02 03:04:05+00", WHEN),
        ("2026-01-02 03:04:05 UTC", WHEN),
        ("2026-01-02T03:04:05.250Z", WHEN.replace(microsecond=250_000)),
        ("2026-01-02T03:04:05.123456789Z", WHEN.replace(microsecond=123_456)),
        ("2026-01-02T03:04", WHEN.replace(second=0)),
        ("2026-01-02", WHEN.replace(hour=0, minute=0, second=0)),
        (str(int(WHEN.timestamp())), WHEN),
        (str(int(WHEN.timestamp() * 1000)), WHEN),
        (str(int(WHEN.timestamp() * 10**9)), WHEN),
    ],
)
def test_a_time_in_any_form_is_the_same_moment(cell, expected):
    assert column("last_inbound_time", [cell]) == ([expected], [])
    assert alone("last_inbound_time", cell) == (expected, False)


@pytest.mark.parametrize(
    "cell",
    [
        "yesterday",
        "2026-02-30",
        "2026-13-01T00:00:00Z",
        "02/03/2026",
        "2026-01-02T25:00:00Z",
        "12",
        "1850-01-01",
        "45000",
    ],
)
def test_what_is_no_time_is_a_fault_with_its_text(cell):
    assert column("last_inbound_time", ["2026-01-02T03:04:05Z", cell]) == (
        [WHEN, None],
        [(1, "unreadable_time", "found", cell)],
    )
    assert alone("last_inbound_time", cell) == (None, True)


@pytest.mark.parametrize("cell", ["3", "3.0", " 3 ", "+3", "3.", "0.3e1", "03"])
def test_a_whole_number_however_written(cell):
    assert column("total_inbound", [cell, "4"]) == ([3, 4], [])
    assert alone("total_inbound", cell) == (3, False)


@pytest.mark.parametrize(
    "cell", ["2.5", "three", "1,234", "inf", "0x10", "1e400", "99999999999999999999", "1_000", "٣", "--"]
)
def test_what_is_no_whole_number_is_a_fault(cell):
    assert column("total_inbound", ["1", cell]) == ([1, None], [(1, "unreadable_number", "found", cell)])
    assert alone("total_inbound", cell) == (None, True)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [(word, True) for word in ("true", "True", "TRUE", "t", "yes", "Yes", "y", "1", "1.0", " true ")]
    + [(word, False) for word in ("false", "False", "FALSE", "f", "no", "NO", "n", "0", "0.0")],
)
def test_flags_as_people_write_them(cell, expected):
    assert column("from_cc", [cell]) == ([expected], [])
    assert alone("from_cc", cell) == (expected, False)


@pytest.mark.parametrize("cell", ["2", "maybe", "x", "-1"])
def test_what_is_no_flag_is_a_fault(cell):
    assert column("from_cc", [cell, "true"]) == ([None, True], [(0, "unreadable_flag", "found", cell)])
    assert alone("from_cc", cell) == (None, True)


@pytest.mark.parametrize("name", ["total_inbound", "last_inbound_time", "from_cc", "inbound_outbound_ratio", "crm_id"])
@pytest.mark.parametrize("cell", ["", "  ", "null", "NULL", "None", "NaN", "nan", "N/A", "#N/A", "\\N", None])
def test_nothing_is_null_however_written(name, cell):
    assert column(name, [cell], dtype=pl.String) == ([None], [])
    assert alone(name, cell) == (None, False)


def test_a_person_may_be_called_null_and_live_in_namibia():
    assert column("last_name", ["Null", " "]) == (["Null", None], [])
    assert column("country", ["NA"]) == (["NA"], [])
    assert alone("last_name", "Null") == ("Null", False)
    assert column("crm_id", ["NA"]) == ([None], [])


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (pl.Series([123, None]), ["123", None]),
        (pl.Series([123.0, float("nan")]), ["123", None]),
        (pl.Series([1.5, 2.0]), ["1.5", "2"]),
        (pl.Series(["00123", " 5 "]), ["00123", "5"]),
        (pl.Series(["a", "b"], dtype=pl.Categorical), ["a", "b"]),
        (pl.Series([2**63], dtype=pl.UInt64), [str(2**63)]),
        (pl.Series([True]), ["true"]),
        (pl.Series([[1, 2]]), ["[1, 2]"]),
        (pl.Series([b"ab"]), ["ab"]),
    ],
)
def test_ids_are_text_whatever_they_come_as(cells, expected):
    assert column("crm_id", cells) == (expected, [])


@pytest.mark.parametrize(
    "cells",
    [
        pl.Series([WHEN]),
        pl.Series([WHEN], dtype=pl.Datetime("ns", "America/New_York")),
        pl.Series([WHEN.replace(tzinfo=None)], dtype=pl.Datetime("ms")),
        pl.Series([int(WHEN.timestamp())]),
        pl.Series([WHEN.timestamp() * 1000]),
    ],
)
def test_times_of_any_type_become_microseconds_in_utc(cells):
    if cells.dtype == pl.Datetime("ns", "America/New_York"):
        cells = pl.Series([WHEN]).cast(pl.Datetime("ns", "UTC")).dt.convert_time_zone("America/New_York")
    assert column("last_inbound_time", cells) == ([WHEN], [])


def test_a_date_is_its_first_moment_in_utc():
    midnight = WHEN.replace(hour=0, minute=0, second=0)
    assert column("last_inbound_time", pl.Series([date(2026, 1, 2)])) == ([midnight], [])
    assert alone("last_inbound_time", date(2026, 1, 2)) == (midnight, False)


@pytest.mark.parametrize(
    ("name", "cells", "expected", "faults"),
    [
        ("total_inbound", pl.Series([3.0, 2.5, float("nan"), float("inf")]), [3, None, None, None], 2),
        ("total_inbound", pl.Series([3], dtype=pl.UInt8), [3], 0),
        ("total_inbound", pl.Series([2**63], dtype=pl.UInt64), [None], 1),
        ("total_inbound", pl.Series([True]), [None], 1),
        ("total_inbound", pl.Series([Decimal("3.00")]), [3], 0),
        ("from_cc", pl.Series([0, 1, 2]), [False, True, None], 1),
        ("from_cc", pl.Series([0.0, 1.0, float("nan")]), [False, True, None], 0),
        ("inbound_outbound_ratio", pl.Series([float("inf"), 0.5]), [None, 0.5], 1),
        ("last_inbound_time", pl.Series([True]), [None], 1),
        ("total_inbound", pl.Series([WHEN]), [None], 1),
        ("total_inbound", pl.Series([None, None]), [None, None], 0),
        ("total_inbound", pl.Series([[1], None]), [None, None], 1),
        ("total_inbound", pl.Series(["1", 2, 3.0, None, object()], dtype=pl.Object), [1, 2, 3, None, None], 1),
    ],
)
def test_columns_of_other_types(name, cells, expected, faults):
    found, unread = column(name, cells)
    assert found == expected
    assert len(unread) == faults


def test_the_table_has_all_fields_typed_in_schema_order():
    table, _ = typed(pl.DataFrame({"x": ["1", "2"]}), {"total_inbound": "x"})
    assert table.columns == list(NAMES)
    assert [table[one.name].dtype for one in FIELDS] == [one.dtype for one in FIELDS]
    assert table.height == 2


@quick
@given(tables())
def test_a_typed_table_stays_as_it_is(table):
    again, faults = typed(table, {name: name for name in NAMES})
    assert faults.is_empty()
    assert_frame_equal(table, again)


def test_faults_come_in_order_of_rows_and_long_cells_are_cut():
    source = pl.DataFrame({"a": ["x", "1", "y"], "b": ["1", "z" * 500, "w"]})
    _, faults = typed(source, {"total_inbound": "a", "total_outbound": "b"})
    assert faults["row"].to_list() == [0, 1, 2, 2]
    assert faults["column"].to_list() == ["a", "b", "a", "b"]
    assert len(faults["cell"][1]) < 250


odd_texts = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=12),
    st.from_regex(scalars.TIME, fullmatch=True),
    st.from_regex(
        r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?(Z|[+-][0-9]{2}:?[0-9]{2})?",
        fullmatch=True,
    ),
    st.from_regex(scalars.NUMBER, fullmatch=True),
    st.integers(-(10**20), 10**20).map(str),
    st.floats().map(str),
    st.sampled_from(scalars.NOTHING + scalars.TRUE + scalars.FALSE),
)


@quick
@given(
    st.sampled_from(["total_inbound", "last_inbound_time", "from_cc", "inbound_outbound_ratio", "crm_id", "phone"]),
    odd_texts,
)
def test_a_column_and_a_record_read_the_same(name, cell):
    found, faults = column(name, [cell], dtype=pl.String)
    assert (found[0], bool(faults)) == alone(name, cell)


@pytest.mark.parametrize("cell", ["1074794508725157.0", "3163254356741903000.0", "1074794508.725157"])
def test_digits_below_a_second_are_the_same_in_a_column_and_a_record(cell):
    found, faults = column("last_inbound_time", [cell], dtype=pl.String)
    assert (found[0], bool(faults)) == alone("last_inbound_time", cell)
    found, faults = column("last_inbound_time", [float(cell)])
    assert (found[0], bool(faults)) == alone("last_inbound_time", float(cell))


odd_numbers = st.one_of(
    st.integers(-(2**63), 2**63 - 1), st.floats(), st.integers(6 * 10**8, 41 * 10**8), st.integers(0, 2)
)


@quick
@given(
    st.sampled_from(["total_inbound", "last_inbound_time", "from_cc", "inbound_outbound_ratio", "crm_id"]), odd_numbers
)
def test_a_column_and_a_record_read_numbers_the_same(name, cell):
    found, faults = column(name, [cell])
    expected, unread = alone(name, cell)
    assert bool(faults) == unread
    if isinstance(expected, datetime):
        assert abs((found[0] - expected).total_seconds()) < 1e-5
    elif name != "crm_id" or isinstance(cell, int) or cell.is_integer():
        assert found[0] == expected
