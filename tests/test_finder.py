"""Totals of one row: those that a join puts beside it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring import schema
from scoring.context import LEVELS, level_key
from scoring.finder import Finder

KEYED = [level for level in LEVELS if level != "org"]


def keys_of(table: pl.DataFrame) -> list[dict[str, str | None]]:
    return table.select(level_key(level).alias(level) for level in KEYED).to_dicts()


@pytest.mark.parametrize("saved", [False, True])
def test_it_finds_what_a_join_finds(
    contacts: pl.DataFrame, context: scoring.Context, saved: bool, tmp_path: Path
) -> None:
    if saved:
        context.save(tmp_path / "context.parquet")
        context = scoring.Context.load(tmp_path / "context.parquet")
    unknown = pl.col("email").str.replace("^", "x"), pl.lit(None, pl.String).alias("source_email")
    table = pl.concat([contacts.head(100), contacts.head(20).with_columns(unknown)])
    joined = context.join(table).drop(table.columns).to_dicts()
    assert [context.finder.beside(keys) for keys in keys_of(table)] == joined


def test_totals_need_not_be_sorted(contacts: pl.DataFrame, context: scoring.Context) -> None:
    backwards = {level: totals.reverse() for level, totals in context.totals.items()}
    for keys in keys_of(contacts.head(50)):
        assert Finder(backwards, hashed=False).beside(keys) == context.finder.beside(keys)


def test_of_an_empty_export_nothing_is_known(when: datetime) -> None:
    nothing = scoring.Context.of(schema.empty(), when).finder
    found = nothing.beside(dict.fromkeys(KEYED, "x"))
    assert found["org_rows"] == 0
    assert {found[f"{level}_rows"] for level in KEYED} == {None}
