"""Samples: the stated rule in plain Python, each share as large as it should be, and each within the larger ones."""

from __future__ import annotations

import hashlib
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from scoring.sampling import Sample, key_numbers


def is_in(row: dict[str, str | None], one_in: int, seed: int) -> bool:
    """Follow the rule as it is stated."""
    who = f"#{row['crm_id']}" if row["crm_id"] is not None else f"@{(row['email'] or '').lower()}"
    key = f"{(row['source_email'] or '').lower()}\n{who}"
    hashed = hashlib.blake2b(key.encode("utf-8"), digest_size=8, salt=seed.to_bytes(8, "big")).hexdigest()
    return int(hashed, 16) < 2**64 // one_in


def contacts(rows: int) -> pl.DataFrame:
    number = pl.int_range(rows, eager=True)
    return pl.DataFrame(
        {
            "source_email": pl.select("Rep" + (number % 7).cast(pl.String) + "@ours.example").to_series(),
            "crm_id": pl.select(pl.when(number % 3 > 0).then("00Q" + number.cast(pl.String))).to_series(),
            "email": pl.select("Zoë." + number.cast(pl.String) + "@Theirs.example").to_series(),
        }
    ).with_columns(pl.when(number % 5 > 0).then("source_email"))


@pytest.mark.parametrize("seed", [0, 1, 2**32 - 1])
@pytest.mark.parametrize("one_in", [1, 2, 3, 25])
def test_the_rule_is_what_it_is_said_to_be(one_in: int, seed: int) -> None:
    rows = contacts(600)
    found = Sample(one_in, seed).takes(rows)
    assert found.to_list() == [is_in(row, one_in, seed) for row in rows.iter_rows(named=True)]
    assert 0 < found.sum() <= 600


@pytest.mark.parametrize("one_in", [2, 7, 40])
def test_shares_are_as_large_as_they_should_be(one_in: int) -> None:
    rows, share = contacts(20_000), 1 / one_in
    for seed in range(4):
        off = Sample(one_in, seed).takes(rows).sum() - rows.height * share
        assert abs(off) < 5 * np.sqrt(rows.height * share * (1 - share))


def test_a_smaller_sample_is_within_the_larger_ones() -> None:
    rows = contacts(3000)
    taken = [Sample(one_in, 4).takes(rows) for one_in in (1, 2, 3, 5, 9, 200)]
    for larger, smaller in zip(taken, taken[1:], strict=False):
        assert (smaller & ~larger).sum() == 0
        assert smaller.sum() < larger.sum()


def test_seeds_draw_apart_from_each_other() -> None:
    rows = contacts(4000)
    one, other = (Sample(2, seed).takes(rows) for seed in (1, 2))
    assert abs((one & other).sum() - 1000) < 5 * np.sqrt(4000 * 0.25 * 0.75)


def test_nothing_but_the_key_counts(exports: dict[datetime, pl.DataFrame]) -> None:
    first, *later = (frame.with_columns(pl.Series("n", key_numbers(frame, 1))) for frame in exports.values())
    for other in later:
        both = first.join(other, on=["source_email", "crm_id"], how="inner")
        assert both.height > 100
        assert (both["n"] == both["n_right"]).all()
    rows = contacts(50)
    shouted = rows.with_columns(pl.col("source_email", "email").str.to_uppercase())
    assert (key_numbers(rows, 1) == key_numbers(shouted, 1)).all()


@pytest.mark.parametrize("rows", [0, 1, 99, 100, 101, 199, 200, 201, 12_345_678])
def test_as_few_are_left_out_as_can_be(rows: int) -> None:
    one_in = Sample.of(rows, 100, seed=3).one_in
    assert rows / one_in <= 100
    assert one_in == 1 or rows / (one_in - 1) > 100
