"""Thrift's compact protocol: what is read is written as it was, and nothing is looked into further than asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.thrift import STRUCT, add, read_number, read_value, write_value


@pytest.mark.parametrize("depth", range(9))
def test_a_footer_is_written_as_it_was_read_however_deep(depth: int, contacts: pl.DataFrame, tmp_path: Path) -> None:
    contacts.write_parquet(tmp_path / "some.parquet", row_group_size=40)
    data = (tmp_path / "some.parquet").read_bytes()
    raw = data[-8 - int.from_bytes(data[-8:-4], "little") : -8]
    value, end = read_value(raw, 0, STRUCT, depth)
    assert end == len(raw)
    assert write_value(value) == raw
    assert isinstance(value, dict if depth else bytes)


def varint(number: int) -> bytes:
    digits = [number >> shift & 127 for shift in range(0, max(number.bit_length(), 1), 7)]
    return bytes([*(digit | 128 for digit in digits[:-1]), digits[-1]])


def integer(number: int) -> bytes:
    return varint(2 * number if number >= 0 else -2 * number - 1)


NUMBERS = st.integers(-(2**63), 2**63 - 1).map(integer)
LEAVES = st.one_of(
    st.tuples(st.sampled_from([4, 5, 6]), NUMBERS),
    st.tuples(st.just(3), st.binary(min_size=1, max_size=1)),
    st.tuples(st.just(7), st.binary(min_size=8, max_size=8)),
    st.tuples(st.just(13), st.binary(min_size=16, max_size=16)),
    st.tuples(st.sampled_from([1, 2]), st.just(b"")),
    st.tuples(st.just(8), st.binary(max_size=200).map(lambda text: varint(len(text)) + text)),
    st.tuples(st.just(9), st.lists(st.sampled_from([b"\1", b"\2"]), max_size=14).map(lambda of: list_of(1, of))),
    st.tuples(st.just(10), st.lists(NUMBERS, max_size=40).map(lambda of: list_of(5, of))),
    st.tuples(st.just(9), st.lists(st.binary(min_size=8, max_size=8), max_size=20).map(lambda of: list_of(7, of))),
)


def list_of(kind: int, items: list[bytes]) -> bytes:
    head = bytes([len(items) << 4 | kind]) if len(items) < 15 else bytes([240 | kind]) + varint(len(items))
    return head + b"".join(items)


STRUCTS = st.recursive(
    st.dictionaries(st.integers(1, 2**15 - 1), LEAVES, max_size=5),
    lambda inner: st.dictionaries(
        st.integers(1, 40),
        st.one_of(
            LEAVES,
            st.tuples(st.just(12), inner),
            st.tuples(st.just(9), st.lists(inner, max_size=17).map(list)),
        ),
        max_size=4,
    ),
    max_leaves=8,
)


@given(STRUCTS)
def test_any_struct_is_read_as_it_was_written(struct: dict[int, tuple[int, Any]]) -> None:
    raw = write_value(struct)
    value, end = read_value(raw + b"rest", 0, STRUCT, 99)
    assert end == len(raw)
    assert write_value(value) == raw
    assert read_value(raw + b"rest", 0, STRUCT, 0) == (raw, len(raw))
    assert shut(value) == shut(struct)


def shut(value: Any) -> Any:
    """Make an empty list of structs, which reads back as one, the same as written."""
    if isinstance(value, dict):
        return {number: (kind, shut(inner)) for number, (kind, inner) in value.items()}
    return [shut(each) for each in value] if isinstance(value, list) else value


@given(st.integers(0, 2**62), st.integers(0, 2**61))
def test_numbers_are_added(number: int, more: int) -> None:
    field = add((6, b"\0"), number)
    assert field == (6, integer(number))
    assert read_number(field) == number
    assert read_number(add(field, more)) == number + more
    assert read_number((6, varint(2 * number + 1))) == -number - 1


def test_a_list_that_claims_to_be_endless_ends_with_the_data() -> None:
    for inner in range(14):
        raw = bytes([0x19, 0xF0 | inner]) + varint(2**60) + b"\1\1\0"
        for depth in range(4):
            with pytest.raises(LookupError):
                read_value(raw, 0, STRUCT, depth)


@pytest.mark.parametrize("size", [0, 1, 14, 15, 16, 127, 128, 300])
def test_lists_of_any_length_are_read_as_they_were_written(size: int) -> None:
    struct = {1: (9, [{number % 7 + 1: (5, integer(number))} for number in range(size)]), 30: (1, b"")}
    raw = write_value(struct)
    assert read_value(raw, 0, STRUCT, 3) == (struct, len(raw))
    assert read_value(raw, 0, STRUCT, 0) == (raw, len(raw))
