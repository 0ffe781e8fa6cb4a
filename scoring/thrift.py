"""Thrift's compact protocol, as far as the footer of a Parquet file takes it.

Values that are only handed on are not looked into: of a footer with ten thousand columns a few fields count.
"""

from __future__ import annotations

from typing import Any, Final

__all__ = ["BINARY", "STRUCT", "Field", "Fields", "add", "read_number", "read_value", "write_value"]

BINARY: Final = 8
STRUCT: Final = 12
"""Kinds of values."""
_INTEGERS, _LISTS = (4, 5, 6), (9, 10)
_WIDTHS: Final = {1: 0, 2: 0, 3: 1, 7: 8, 13: 16}  # of the others, in bytes: true and false are kinds of their own

Field = tuple[int, Any]
"""Kind and value."""
Fields = dict[int, Field]
"""A struct: its fields by their numbers."""


def read_value(data: bytes, at: int, kind: int, depth: int) -> tuple[Any, int]:
    r"""Read a value.

    Parameters
    ----------
    data : bytes
        What it stands in.
    at : int
        Where it begins.
    kind : int
        What it is: `STRUCT` or any other kind.
    depth : int
        Down to how many structs and lists in each other it is opened. Whatever lies deeper stays the bytes that it is,
        so that what is only handed on costs little.

    Returns
    -------
    dict, list or bytes
        The fields of a struct, the items of a list of structs, or the bytes of anything else.
    int
        Where it ends.

    Raises
    ------
    LookupError
        If the data end before it, or hold a kind that is not known here.

    Examples
    --------
    >>> data = bytes([0x15, 6, 0x19, 0x1C, 0x15, 2, 0, 0])
    >>> read_value(data, 0, STRUCT, 3)
    ({1: (5, b'\x06'), 2: (9, [{1: (5, b'\x02')}])}, 8)
    >>> read_value(data, 0, STRUCT, 1)
    ({1: (5, b'\x06'), 2: (9, b'\x1c\x15\x02\x00')}, 8)
    """
    if kind == STRUCT and depth:
        fields: Fields = {}
        number = 0
        while data[at]:
            number, inner, at = _field(data, at, number)
            value, at = read_value(data, at, inner, depth - 1)
            fields[number] = inner, value
        return fields, at + 1
    if kind in _LISTS and depth and data[at] & 15 == STRUCT:
        size, at = _size(data, at)
        items = []
        for _ in range(size):
            item, at = read_value(data, at, STRUCT, depth - 1)
            items.append(item)
        return items, at
    end = _end(data, at, kind)
    return data[at:end], end


def read_number(field: Field) -> int:
    r"""Tell the integer that a field holds.

    Parameters
    ----------
    field : tuple
        Kind and bytes.

    Returns
    -------
    int

    Examples
    --------
    >>> read_number((5, b"\x06")), read_number((5, b"\x05"))
    (3, -3)
    """
    number, _ = _varint(field[1], 0)  # its lowest bit is the sign
    return number >> 1 ^ -(number & 1)


def add(field: Field, more: int) -> Field:
    r"""Add to the integer that a field holds.

    Parameters
    ----------
    field : tuple
        Kind and bytes.
    more : int
        What is added; the sum must not be below zero.

    Returns
    -------
    tuple
        Kind and bytes of the sum.

    Examples
    --------
    >>> read_number(add((5, b"\x06"), 4000))
    4003
    """
    return field[0], _base_128(2 * (read_number(field) + more))


def write_value(value: Any) -> bytes:
    r"""Write a value.

    Parameters
    ----------
    value : dict, list or bytes
        As `read_value` gives it.

    Returns
    -------
    bytes

    Examples
    --------
    >>> write_value({1: (5, b"\x06"), 20: (5, b"\x02")}).hex(" ")
    '15 06 05 28 02 00'
    """
    if isinstance(value, list):
        size = len(value)
        head = bytes([size << 4 | STRUCT]) if size < 15 else bytes([240 | STRUCT]) + _base_128(size)
        return head + b"".join(map(write_value, value))
    if isinstance(value, dict):
        parts, last = [], 0
        for number, (kind, inner) in sorted(value.items()):
            step = number - last
            head = bytes([step << 4 | kind]) if step < 16 else bytes([kind]) + _base_128(2 * number)
            parts += [head, write_value(inner)]
            last = number
        return b"".join(parts) + b"\0"
    return bytes(value)


def _base_128(number: int) -> bytes:
    """Write what `_varint` reads."""
    found = bytearray()
    while number > 127:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


def _end(data: bytes, at: int, kind: int) -> int:
    """Find the end of a value."""
    if kind in _INTEGERS:
        while data[at] & 128:
            at += 1
        return at + 1
    if kind == BINARY:
        size, at = _varint(data, at)
        return at + size
    if kind == STRUCT:
        number = 0
        while data[at]:
            number, inner, at = _field(data, at, number)
            at = _end(data, at, inner)
        return at + 1
    if kind in _LISTS:
        inner = data[at] & 15
        size, at = _size(data, at)
        if inner in _WIDTHS:
            return at + size * max(_WIDTHS[inner], 1)  # here true and false are a byte
        for _ in range(size):
            at = _end(data, at, inner)
        return at
    return at + _WIDTHS[kind]


def _field(data: bytes, at: int, last: int) -> tuple[int, int, int]:
    """Read number and kind of a field, after the number of the one before."""
    step, kind = divmod(data[at], 16)
    if step:
        return last + step, kind, at + 1
    number, at = _varint(data, at + 1)
    return number >> 1, kind, at


def _size(data: bytes, at: int) -> tuple[int, int]:
    """Read how many items a list has."""
    return (data[at] >> 4, at + 1) if data[at] < 240 else _varint(data, at + 1)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Read a number of any length, seven bits a byte, the lowest first."""
    number = shift = 0
    while data[at] & 128:
        number |= (data[at] & 127) << shift
        at, shift = at + 1, shift + 7
    return number | data[at] << shift, at + 1
