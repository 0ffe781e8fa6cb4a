"""Sums: parts add up to the whole, exactly, and what is kept for some rows stands beside them as all would."""

from __future__ import annotations

from datetime import datetime, timedelta

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scoring.context import LEVELS, Context
from scoring.labels import filled_counts, restore
from scoring.sums import add_up, kept_for


@pytest.mark.parametrize("size", [1, 40, 333, 5000])
def test_parts_add_up_to_the_whole(size: int, contacts: pl.DataFrame, when: datetime) -> None:
    some = contacts.sample(60 if size == 1 else len(contacts), shuffle=True, seed=size)
    found, past = add_up(lambda: some.iter_slices(size), some, when)
    then = when - timedelta(days=30)
    for one, whole in ((found, Context.of(some, when)), (past.context, Context.of(restore(some, when)[0], then))):
        assert one.as_of == whole.as_of
        for level in LEVELS:
            assert_frame_equal(one.totals[level], whole.totals[level], check_exact=True)
    assert past.filled == sorted(filled_counts(some))


@pytest.mark.parametrize("rows", [0, 1, 25])
def test_what_is_kept_for_some_rows_stands_beside_them_as_before(
    rows: int, contacts: pl.DataFrame, when: datetime
) -> None:
    some, whole = contacts.sample(rows, seed=rows), Context.of(contacts, when)
    found, past = add_up(lambda: contacts.iter_slices(100), some, when)
    back = restore(contacts, when)[0]
    before = Context.of(back, when - timedelta(days=30))
    for less, all_of_it in ((found, whole), (kept_for(whole, some), whole), (past.context, before)):
        assert_frame_equal(less.join(some), all_of_it.join(some), check_exact=True)
        assert_frame_equal(less.totals["org"], all_of_it.totals["org"], check_exact=True)
        assert less.totals["contact"].height <= some["email"].n_unique()
        assert less.totals["account"].height < all_of_it.totals["account"].height
