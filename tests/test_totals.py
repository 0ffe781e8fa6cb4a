"""Totals by hashes are those of a context, to the last bit."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring import totals
from scoring.context import Context
from scoring.features import TOTALS
from scoring.schema import empty
from scoring.totals import HASHES, KEY, Totals, _Index, hash_keys, repeated
from scoring.validation import key_of


@pytest.fixture(scope="module")
def shared(contacts: pl.DataFrame) -> pl.DataFrame:
    """Contacts of whom some write to several reps, some in other letters, and some are nobody's."""
    rows = pl.int_range(pl.len())
    return contacts.with_columns(
        email=pl.when(rows % 5 == 0)
        .then(pl.lit("Shared@buyer.example"))
        .when(rows % 5 == 1)
        .then(pl.col("email").str.to_uppercase())
        .when(rows % 17 == 2)
        .then(None)
        .otherwise("email"),
        source_email=pl.when(rows % 13 != 0).then("source_email"),
        last_inbound_time=pl.when(rows % 11 != 0).then("last_inbound_time"),
        total_inbound=pl.when(rows % 19 != 0).then("total_inbound"),
    )


def joined(table: pl.DataFrame, when: datetime) -> tuple[pl.DataFrame, pl.DataFrame]:
    beside = table.hstack(hash_keys(table))
    ours = Totals.of(beside.lazy(), when, TOTALS).join(beside)
    theirs = Context.of(table, when).join(table, TOTALS)
    names = [name for name in theirs.columns if name not in table.columns]
    return ours.select(names), theirs.select(names)


@pytest.mark.parametrize("at_once", [10**6, 60])
def test_totals_are_those_of_a_context(
    at_once: int, shared: pl.DataFrame, when: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(totals, "_ROWS_AT_ONCE", at_once)
    monkeypatch.setattr(totals, "_KEYS_AT_ONCE", at_once // 10)
    ours, theirs = joined(shared, when)
    assert_frame_equal(ours, theirs, check_exact=True)
    assert theirs["contact_rows"].max() > 1, "some contacts have several rows"
    assert theirs["contact_rows"].null_count(), "some have no address"


def test_totals_of_contacts_who_all_have_one_row(contacts: pl.DataFrame, when: datetime) -> None:
    alone = contacts.unique("email", keep="first", maintain_order=True)
    assert_frame_equal(*joined(alone, when), check_exact=True)


def test_totals_of_nothing(when: datetime) -> None:
    assert_frame_equal(*joined(empty(0), when), check_exact=True)


def test_hashes_are_the_same_where_keys_are(shared: pl.DataFrame) -> None:
    hashed = hash_keys(shared)
    keys = shared.select(*key_of("rep", "who"))
    assert hashed[KEY].n_unique() == keys.n_unique()
    assert pl.concat([hashed, keys], how="horizontal").select(KEY, "rep", "who").n_unique() == keys.n_unique()
    for level, column in (("rep", "source_email"), ("contact", "email")):
        assert hashed[HASHES[level]].is_null().equals(shared[column].is_null())


@given(st.lists(st.integers(0, 2**64 - 1), max_size=60), st.lists(st.integers(0, 2**64 - 1), max_size=20))
@settings(max_examples=60, deadline=None)
def test_an_index_finds_what_is_there(known: list[int], others: list[int]) -> None:
    ordered = np.unique(np.array(known, dtype=np.uint64))
    asked = [*known, *others, None, 0, 2**64 - 1]
    found = _Index(ordered).places(pl.Series(asked, dtype=pl.UInt64))
    where = {value: place for place, value in enumerate(ordered.tolist())}
    assert found.to_list() == [None if one is None else where.get(one) for one in asked]


def test_neighbours_share_the_first_bits() -> None:
    """Keys that lie close together are told apart, too."""
    ordered = np.array([5, 6, 7, 2**63, 2**63 + 1], dtype=np.uint64)
    asked = [4, 5, 6, 7, 8, 2**63, 2**63 + 1, 2**63 + 2]
    found = _Index(ordered).places(pl.Series(asked, dtype=pl.UInt64))
    assert found.to_list() == [None, 0, 1, 2, None, 3, 4, None]


def test_only_what_stands_twice_is_repeated() -> None:
    assert repeated(pl.Series([3, 1, 3, None, None, 1, 2], dtype=pl.UInt64)).tolist() == [1, 3]
