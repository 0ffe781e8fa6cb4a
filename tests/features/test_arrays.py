"""Many records: the same numbers as polars gives."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import features as package
from scoring.context import Context
from scoring.features import Columns, arrays, compute, compute_facts, look, observe
from scoring.features.arrays import translate
from scoring.features.single import UnknownOperationError

from .tables import AS_OF, random_table


def same(table: pl.DataFrame, as_of: datetime, context: Context | None) -> None:
    observed = observe(table, as_of, context)
    for ours, theirs in zip(look(table, as_of, context), (compute(observed), compute_facts(observed)), strict=True):
        assert list(ours) == theirs.columns
        for name in theirs.columns:
            np.testing.assert_array_equal(np.asarray(ours[name]), theirs[name].to_numpy(), err_msg=name)


@pytest.mark.parametrize("with_context", [True, False])
def test_rows_have_the_numbers_that_polars_gives(contacts: pl.DataFrame, when: datetime, with_context: bool) -> None:
    same(contacts, when, Context.of(contacts, when) if with_context else None)


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_rows_made_to_hurt_have_the_numbers_that_polars_gives(seed: int) -> None:
    table = random_table(seed, 200)
    same(table, AS_OF, Context.of(table, AS_OF))
    same(table, AS_OF, None)


def test_a_row_has_the_same_numbers_among_any_others(contacts: pl.DataFrame, when: datetime) -> None:
    context = Context.of(contacts, when)
    together = look(contacts, when, context)
    for start, rows in ((0, 2), (3, 5), (7, 64), (1, 257)):
        apart = look(contacts[start : start + rows], when, context)
        for many, few in zip(together, apart, strict=True):
            for name in many:
                np.testing.assert_array_equal(np.asarray(few[name]), np.asarray(many[name])[start : start + rows])


def test_every_expression_is_known(contacts: pl.DataFrame, when: datetime) -> None:
    for context in (None, Context.of(contacts, when)):
        assert isinstance(look(contacts.head(3), when, context)[0], dict), "records take the quick way"


def test_what_is_not_known_is_left_to_polars(
    contacts: pl.DataFrame, when: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: Columns = look(contacts.head(20), when, None)[0]

    def refuse(*_: object) -> None:
        raise UnknownOperationError("any")

    monkeypatch.setattr(arrays, "translate", refuse)
    package._arrays.cache_clear()
    found = look(contacts.head(20), when, None)[0]
    package._arrays.cache_clear()
    assert isinstance(found, pl.DataFrame)
    for name in expected:
        np.testing.assert_array_equal(found[name].to_numpy(), np.asarray(expected[name]))


A, B = pl.col("a"), pl.col("b")
T, U = pl.col("t"), pl.col("u")


SOME = [
    *(A + B, A - 1, A * B, 2 / (A + 7), A.clip(0), A.clip(-1, 1), A.fill_null(3), pl.lit(2.5) * A, A.clip(0).pow(B)),
    *((A > 0) + B, (A >= B).cast(pl.Float64), pl.col("flag").cast(pl.Float64), pl.when(A > 0).then(B).otherwise(A)),
    *(pl.when((A > 0) & (B > 0)).then(A), pl.min_horizontal(A, B), pl.coalesce(A, B, 1.5), A.clip(0).sqrt()),
    *(A.clip(0.5).log(), A.exp(), (T - U).dt.total_seconds() / 60, pl.when(T >= U).then(A), pl.when(T > U).then(1)),
    *(((A > 0) & (B > 0)) + A, ((A > 5) & (B > 0)).cast(pl.Float64)),
]


@pytest.mark.parametrize("expression", SOME, ids=str)
def test_each_operation_treats_what_is_missing_as_polars_does(expression: pl.Expr) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    times = [start, None, start.replace(microsecond=700_000), start.replace(year=1901), None]
    frame = pl.DataFrame(
        {"a": [1.5, None, -2.0, 0.0, 4.0], "b": [0.5, 2.0, None, 1.0, 3.0], "flag": [True, None, False, True, None],
         "t": times, "u": [None, start, start.replace(second=59), start, None]},
        schema_overrides={"t": pl.Datetime("us", "UTC"), "u": pl.Datetime("us", "UTC")},
    )  # fmt: skip
    found = translate([expression], {}, frame.schema)(frame)[0]
    expected = frame.select(expression.cast(pl.Float32)).to_series().to_numpy()
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    "expression", [A % 2, A.rolling_mean(2), A.cast(pl.String), T, T - U, pl.len(), pl.col("none")]
)
def test_what_is_not_known_is_said(expression: pl.Expr) -> None:
    types = {"a": pl.Float64(), "t": pl.Datetime("us", "UTC"), "u": pl.Datetime("us", "UTC")}
    with pytest.raises(UnknownOperationError):
        translate([expression], {}, types)
