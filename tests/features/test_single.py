"""One record: the same numbers as in a table, to the last bit."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import features as package
from scoring.context import Context
from scoring.features import FEATURES, compute, compute_facts, look, observe
from scoring.features.measures import MEASURES, RANKED
from scoring.features.single import UnknownOperationError, translate

from .tables import AS_OF, random_table


def same_alone(table: pl.DataFrame, as_of: datetime, context: Context | None, rows: range) -> None:
    observed = observe(table, as_of, context)
    together = compute(observed), compute_facts(observed)
    for number in rows:
        alone = look(table[number : number + 1], as_of, context)
        for many, one in zip(together, alone, strict=True):
            expected = {name: many[name].to_numpy()[number] for name in many.columns}
            assert set(one) == set(expected)
            for name, value in expected.items():
                np.testing.assert_array_equal(np.asarray(one[name])[0], value, err_msg=name)


@pytest.mark.parametrize("with_context", [True, False])
def test_a_record_has_the_numbers_of_its_row(contacts: pl.DataFrame, when: datetime, with_context: bool) -> None:
    context = Context.of(contacts, when) if with_context else None
    same_alone(contacts, when, context, range(0, contacts.height, 7))


@given(st.integers(0, 10**6))
@settings(max_examples=10, deadline=None)
def test_a_record_made_to_hurt_has_the_numbers_of_its_row(seed: int) -> None:
    table = random_table(seed, 40)
    same_alone(table, AS_OF, Context.of(table, AS_OF), range(table.height))
    same_alone(table, AS_OF, None, range(table.height))


def test_every_expression_is_known(contacts: pl.DataFrame, when: datetime) -> None:
    translate([feature.expression for feature in FEATURES] + [feature.fact.value for feature in FEATURES])
    translate([value for stage in MEASURES for name, value in stage.items() if name not in RANKED])
    assert isinstance(look(contacts.head(1), when, None)[0], dict), "a record takes the quick way"


@pytest.mark.parametrize(
    "expression", [pl.col("a").rolling_mean(2), pl.col("a").cast(pl.String), pl.col("a") % 2, pl.lit("text"), pl.len()]
)
def test_what_is_not_known_is_said(expression: pl.Expr) -> None:
    with pytest.raises(UnknownOperationError):
        translate([expression])


def test_what_is_not_known_goes_the_way_of_many(
    contacts: pl.DataFrame, when: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = look(contacts.head(1), when, None)
    monkeypatch.setattr(package, "_program", lambda with_context: None)
    slow = look(contacts.head(1), when, None)
    for one, other in zip(quick, slow, strict=True):
        assert list(one) == list(other)
        for name in other:
            np.testing.assert_array_equal(np.asarray(one[name]), np.asarray(other[name]))


def test_infinity_goes_the_way_of_many(contacts: pl.DataFrame, when: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    infinite = translate([pl.col("total_inbound") / 0])
    monkeypatch.setattr(package, "_program", lambda with_context: (infinite, ["inbound"], []))
    assert "inbound" not in look(contacts.head(1), when, None)[0]


def test_an_operation_is_written_once() -> None:
    shared = (pl.col("a") + 1).log()
    alone, twice = translate([shared * 2]), translate([shared * 2, shared * 3, shared * 2])
    assert twice({"a": 1.0}) == (alone({"a": 1.0})[0], shared_log() * 3, alone({"a": 1.0})[0])
    assert twice.__code__.co_nlocals == alone.__code__.co_nlocals + 1


def shared_log() -> float:
    return float(np.log(2.0))


def test_columns_may_be_made_of_columns() -> None:
    made = translate([pl.col("c") + pl.col("rank")], {"b": pl.col("a") + 1, "c": pl.col("b") * 2}, {"rank": ("t", len)})
    assert made({"a": 1, "t": "four"}) == (8,)
    assert made({"a": 1, "t": None}) == (None,)


@pytest.mark.parametrize("text", [" Ann@Buyer.example\t", "\x1cA\x1f", "", None])
def test_keys_are_as_in_polars(text: str | None) -> None:
    key = pl.coalesce("b", "a").str.strip_chars().str.to_lowercase()
    frame = pl.DataFrame({"a": [text], "b": [None]}, schema={"a": pl.String, "b": pl.String})
    assert translate([key])({"a": text, "b": None}) == (frame.select(key).item(),)
    with pytest.raises(ValueError, match="ASCII"):
        translate([key])({"a": "İ", "b": None})


@pytest.mark.parametrize(
    ("expression", "row"),
    [
        (pl.col("a") > pl.col("b"), {"a": None, "b": 1.0}),
        (pl.when(pl.col("a") > 1).then(pl.col("b")), {"a": 2.0, "b": 5.0}),
        (pl.when(pl.col("a") > 1).then(pl.col("b")), {"a": None, "b": 5.0}),
        (pl.min_horizontal("a", "b"), {"a": None, "b": 2.0}),
        (pl.min_horizontal("a", "b"), {"a": None, "b": None}),
        ((pl.col("a") > 1) & (pl.col("b") > 1), {"a": None, "b": 0.0}),
        ((pl.col("a") > 1) & (pl.col("b") > 1), {"a": None, "b": 3.0}),
        (pl.col("a").fill_null(pl.col("b")).sqrt().clip(0, 1.5), {"a": None, "b": 9.0}),
        (pl.col("a").log().exp().pow(pl.col("b")), {"a": 3.0, "b": 0.5}),
    ],
)
def test_nulls_are_treated_as_polars_treats_them(expression: pl.Expr, row: dict[str, float | None]) -> None:
    frame = pl.DataFrame({name: pl.Series([value], dtype=pl.Float64) for name, value in row.items()})
    assert translate([expression])(row) == (frame.select(expression).item(),)
