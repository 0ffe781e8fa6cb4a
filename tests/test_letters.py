"""Columns of text that are looked at before they are changed: the same as changing each cell."""

from __future__ import annotations

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import letters
from scoring.letters import in_lower_case, without_outer_space

CELLS = st.lists(st.none() | st.text(st.sampled_from("aZz9@. \t\x1f\x7fÄßİΣς\xa0\u3000")), max_size=12)


@settings(max_examples=300, deadline=None)
@given(CELLS, st.integers(1, 5))
def test_each_cell_is_put_as_polars_puts_it(cells: list[str | None], at_once: int) -> None:
    text = pl.Series("text", cells, dtype=pl.String)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(letters, "_ROWS_AT_ONCE", at_once)
        assert without_outer_space(text).equals(text.str.strip_chars(), null_equal=True)
        assert in_lower_case(text).equals(text.str.to_lowercase(), null_equal=True)


def test_what_needs_no_change_is_the_same_column() -> None:
    text = pl.Series(["ann@a.example", None, "straße"])
    assert in_lower_case(text) is text
    assert without_outer_space(text[:2].alias("text")).to_list() == ["ann@a.example", None]
