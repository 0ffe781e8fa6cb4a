from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from scoring.errors import InputError, SchemaWarning
from scoring.reading import read, restore
from scoring.reading.frames import column_of, kind_of

from .tables import as_text, one, tables

WHEN = datetime(2026, 1, 2, tzinfo=UTC)


def added(export, **columns):
    return export.source.with_columns(**columns).select(list(columns))


@pytest.mark.parametrize(
    ("cells", "dtype", "expected"),
    [
        (["a", None], pl.String, ["a", None]),
        ([None, None], pl.String, [None, None]),
        ([True, None], pl.Boolean, [True, None]),
        ([1, None], pl.Int64, [1, None]),
        ([1, 2.5], pl.Float64, [1.0, 2.5]),
        ([2**53 + 1, 2.5], pl.String, [str(2**53 + 1), "2.5"]),
        ([2**70, 1], pl.String, [str(2**70), "1"]),
        ([1, "a", True], pl.String, ["1", "a", "true"]),
        ([np.int64(3), None], pl.Int64, [3, None]),
        ([np.float32(0.5), 1], pl.Float64, [0.5, 1.0]),
        ([Decimal("1.5"), Decimal("2")], pl.Float64, [1.5, 2.0]),
        ([WHEN, None], pl.Datetime("us", "UTC"), [WHEN, None]),
        ([date(2026, 1, 2)], pl.Date, [date(2026, 1, 2)]),
        ([[1, 2], None, [3]], pl.List(pl.Int64), [[1, 2], None, [3]]),
        ([{"a": 1}, None], pl.Struct({"a": pl.Int64}), [{"a": 1}, None]),
        ([{"a": 1}, {"b": 2}], pl.String, ['{"a": 1}', '{"b": 2}']),
        ([[1], ["x"]], pl.String, ["[1]", '["x"]']),
        ([b"x", "y"], pl.String, ["x", "y"]),
    ],
)
def test_cells_of_any_type_become_a_column_without_losing_one(cells, dtype, expected):
    column = column_of("a", cells)
    assert column.dtype == dtype
    assert column.to_list() == expected


def test_what_a_table_is():
    assert kind_of({"a": 1}) == "dict"
    assert kind_of([{"a": 1}]) == kind_of(({"a": 1},)) == "dicts"
    assert kind_of("a.csv") is None
    assert kind_of(["a.csv"]) is None


@pytest.mark.filterwarnings("error")
@settings(max_examples=30, deadline=None)
@given(table=tables())
def test_pandas_in_any_dress(table):
    pandas = pytest.importorskip("pandas")
    plain = pandas.DataFrame(table.to_dict(as_series=False))
    text = pandas.DataFrame(as_text(table).to_dict(as_series=False))
    dresses = [
        plain,
        plain.astype(object),
        text,
        text.convert_dtypes(),
        text.astype({"country": "category", "email": object}),
        plain.set_index(pandas.Index([f"row {number}" for number in range(table.height)])),
    ]
    for frame in dresses:
        before = frame.copy()
        export = read(frame)
        assert export.kind == "pandas"
        assert_frame_equal(export.table, table)
        out = restore(added(export, score=pl.lit(0.5), when=pl.lit(WHEN)), export, frame)
        assert list(out.columns) == [*frame.columns, "score", "when"]
        pandas.testing.assert_frame_equal(out[list(frame.columns)], before)
        assert out.index.equals(frame.index)
        assert (out["score"] == 0.5).all()
        pandas.testing.assert_frame_equal(frame, before)


def test_pandas_that_cannot_be_used():
    pandas = pytest.importorskip("pandas")
    with pytest.raises(InputError, match="more than once"):
        read(pandas.DataFrame([[1, 2]], columns=["total_inbound", "total_inbound"]))
    assert kind_of(pandas.Series([1])) != "pandas"


def test_pandas_with_numbers_for_names_and_a_zone_of_its_own():
    pandas = pytest.importorskip("pandas")
    times = pandas.to_datetime(["2026-01-02 05:00"]).tz_localize("Europe/Berlin")
    frame = pandas.DataFrame({"total_inbound": [1.0], "last_inbound_time": times, 7: ["x"]})
    with pytest.warns(SchemaWarning):
        export = read(frame)
    assert export.table["last_inbound_time"].item() == datetime(2026, 1, 2, 4, tzinfo=UTC)
    out = restore(added(export, score=pl.lit(1.0)), export, frame)
    assert list(out.columns) == ["total_inbound", "last_inbound_time", 7, "score"]


def test_pandas_given_back_with_fewer_rows():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame([one("phone", str(number)) for number in range(3)], index=["x", "y", "z"])
    with pytest.warns(SchemaWarning):
        export = read(frame)
    fewer = replace(export, source=export.source[[0, 2]])
    out = restore(pl.DataFrame({"score": [1.0, 2.0]}), fewer, frame, pl.Series([0, 2]))
    assert out["phone"].tolist() == ["0", "2"]
    assert out["score"].to_dict() == {"x": 1.0, "z": 2.0}


@pytest.mark.filterwarnings("error")
@settings(max_examples=20, deadline=None)
@given(table=tables())
def test_arrow_tables(table):
    pyarrow = pytest.importorskip("pyarrow")
    for arrow in (table.to_arrow(), as_text(table).to_arrow(), table.to_arrow().to_batches()[0]):
        export = read(arrow)
        assert export.kind == "arrow"
        assert_frame_equal(export.table, table)
        out = restore(added(export, score=pl.lit(0.5)), export, arrow)
        assert isinstance(out, pyarrow.Table)
        assert out.column_names == [*table.columns, "score"]
        assert out.schema.field("email").type == arrow.schema.field("email").type


AS = {
    "polars": lambda frame: frame,
    "lazyframe": lambda frame: frame.lazy(),
    "arrow": lambda frame: frame.to_arrow(),
    "pandas": lambda frame: frame.to_pandas(),
    "dicts": lambda frame: frame.to_dicts(),
}


@pytest.mark.parametrize("kind", AS)
def test_a_column_that_is_there_is_replaced_where_it_stands(kind):
    given = AS[kind](pl.DataFrame({"score": ["old", "older"], "total_inbound": [1, 2]}))
    with pytest.warns(SchemaWarning):
        export = read(given)
    assert export.kind == kind
    out = restore(added(export, score=pl.lit(0.5)), export, given)
    back = out.collect() if kind == "lazyframe" else pl.DataFrame(out)
    assert_frame_equal(back, pl.DataFrame({"score": [0.5, 0.5], "total_inbound": [1, 2]}))
