r"""What the columns of JSON records hold, and the reading of many records at once where they hold just that.

polars reads records ten times as fast as they can be looked at one by one, but it takes numbers for text, the first of
a key that is there twice, and leaves out keys that it does not expect. So each line first has to match a pattern.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.reading.frames import column_of
from scoring.reading.scalars import as_text, plain

__all__ = ["Kind", "Kinds", "count_lines", "dtype_of", "is_settled", "kinds_of", "read_even", "table_of"]

Kind = frozenset[str | pl.DataType]
Kinds = Mapping[str, Kind]
"""For each column, in order, what was seen in it: ``text``, ``truth``, ``int``, ``long``, ``huge``, ``float``, ``nan``,
``record``, ``list``; with these two the type of the nested cells of each part, or ``uneven`` where none holds them;
nothing if all is null."""
_SAFE: Final = 2**53
_SPACE: Final = r"[ \t\r]*"
_PLAIN_INT: Final = r"-?(?:0|[1-9][0-9]{0,14})"
_LONG_INT: Final = r"-?(?:0|[1-9][0-9]{0,17})"
_FRACTION: Final = r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]+(?:[eE][+-]?[0-9]{1,2})?|[eE][+-]?[0-9]{1,2})"
# half of a surrogate pair is no text: such lines are looked at one by one
_ESCAPE: Final = (
    r'\\(?:["\\/bfnrt]|u(?:[0-9a-ce-fA-CE-F][0-9a-fA-F]{3}|[dD][0-7][0-9a-fA-F]{2}'
    r"|[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}))"
)
_TEXT: Final = rf'"(?:[^"\\\x00-\x1f]|{_ESCAPE})*"'


def kinds_of(cells: Sequence[Any]) -> Kind:
    """Say what is in a column.

    Parameters
    ----------
    cells : sequence
        As JSON is decoded.

    Returns
    -------
    frozenset of str and polars.DataType
        As in `Kinds`.

    Examples
    --------
    >>> sorted(kinds_of([None, 1, 2.5])), sorted(kinds_of([None]))
    (['float', 'int'], [])
    """
    types = set(map(type, cells)) - {type(None)}
    found: set[str | pl.DataType] = {_NAMES[each] for each in types}
    if types in ({dict}, {list}):
        nested = column_of("", list(cells)).dtype
        found.add(nested if nested.is_nested() else "uneven")
    if "int" in found:
        sizes = [abs(cell) for cell in cells if type(cell) is int]
        found |= {"long"} if max(sizes) > _SAFE else set()
        found |= {"huge"} if any(not -(2**63) <= cell < 2**63 for cell in cells if type(cell) is int) else set()
    if "float" in found and any(cell != cell for cell in cells if type(cell) is float):
        found.add("nan")
    return frozenset(found)


_NAMES: Final[dict[type, str]] = {
    str: "text",
    bool: "truth",
    int: "int",
    float: "float",
    dict: "record",
    list: "list",
}


def is_settled(kinds: Kind) -> bool:
    """Say whether it follows from what is in each part of a column what type `column_of` would give the whole.

    Parameters
    ----------
    kinds : frozenset of str and polars.DataType
        What is in it.

    Returns
    -------
    bool
        False where cells are nested, all in one way, and their types differ from part to part; and where NaN is among
        text, which is nothing then.

    Examples
    --------
    >>> is_settled(frozenset(["list", pl.List(pl.Int64())])), is_settled(frozenset(["list", "uneven", "text"]))
    (True, True)
    >>> is_settled(frozenset(["list", pl.List(pl.Int64()), pl.List(pl.String())]))
    False
    """
    if kinds & {"record", "list"}:
        return len(kinds) == 2 or len(kinds & {*_NAMES.values()}) > 1
    return "nan" not in kinds or dtype_of(kinds) != pl.String


def dtype_of(kinds: Kind) -> pl.DataType:
    """Find the type of a column, as `column_of` would.

    Parameters
    ----------
    kinds : frozenset of str and polars.DataType
        What is in it, and settled.

    Returns
    -------
    polars.DataType
        Text where no other type holds all of it.

    Examples
    --------
    >>> dtype_of(frozenset(["int", "float"])), dtype_of(frozenset(["int", "text"]))
    (Float64, String)
    """
    nested = [kind for kind in kinds if isinstance(kind, pl.DataType)]
    if nested and len(kinds) == 2:
        return nested[0]
    if kinds == {"truth"}:
        return pl.Boolean()
    if kinds and kinds <= {"int", "long"}:
        return pl.Int64()
    if "float" in kinds and kinds <= {"int", "float", "nan"}:
        return pl.Float64()
    return pl.String()


def table_of(cells: Mapping[str, Sequence[Any]], kinds: Kinds, rows: int) -> pl.DataFrame:
    """Make columns of some records, of the types that they have among all.

    Parameters
    ----------
    cells : mapping of str to sequence
        The cells of each column that has any.
    kinds : Kinds
        What is in all of the file.
    rows : int
        How many records there are.

    Returns
    -------
    polars.DataFrame

    Examples
    --------
    >>> table_of({"a": [1]}, {"a": frozenset(["int", "text"]), "b": frozenset()}, 1).row(0)
    ('1', None)
    """
    columns = []
    for name, kind in kinds.items():
        found = list(cells.get(name, [None] * rows))
        dtype = dtype_of(kind)
        if dtype != pl.String:
            columns.append(pl.Series(name, found, dtype=dtype))
        elif kind <= {"text"}:
            columns.append(column_of(name, found))
        else:
            columns.append(column_of(name, [as_text(plain(cell)) for cell in found]))
    return pl.DataFrame(columns)


def read_even(
    block: bytes, kinds: Kinds, columns: Sequence[str], checked: bool = False
) -> tuple[pl.DataFrame, pl.Series] | None:
    r"""Read records that stand on a line each, if all are flat, and hold what is expected in the order expected.

    Parameters
    ----------
    block : bytes
        Whole lines.
    kinds : Kinds
        What is in the columns.
    columns : sequence of str
        Those that are wanted.
    checked : bool
        Whether the records are known to be like that.

    Returns
    -------
    table : polars.DataFrame
        The columns.
    lines : polars.Series
        Line of each, from 1.
    None
        If any record has to be looked at.

    Examples
    --------
    >>> kinds = {"a": frozenset(["int"]), "b": frozenset(["text"])}
    >>> read_even(b'{"a": 1, "b": "x"}\n\n{"b": "y"}\n', kinds, ["b"])[0].to_series().to_list()
    ['x', 'y']
    >>> read_even(b'{"a": 1, "b": 2}\n', kinds, ["b"]) is None
    True
    """
    if not checked and not pl.read_lines(block)["line"].str.contains(_pattern(tuple(kinds.items()))).all():
        return None
    wanted = set(columns)
    schema = {name: dtype_of(kind) for name, kind in kinds.items() if name in wanted}
    try:
        table = pl.read_ndjson(block, schema=schema)
    except pl.exceptions.PolarsError:
        return None
    lines = pl.int_range(1, count_lines(block) + 1, dtype=pl.UInt32, eager=True)
    if table.height != len(lines):
        lines = lines.filter(pl.read_lines(block)["line"].str.contains("{", literal=True))
    return (table, lines) if table.height == len(lines) else None


def count_lines(block: bytes) -> int:
    r"""Count lines, in a tenth of the time that `bytes.count` takes.

    Parameters
    ----------
    block : bytes
        Text.

    Returns
    -------
    int

    Examples
    --------
    >>> count_lines(b"a\nb\n"), count_lines(b"a\nb")
    (2, 2)
    """
    breaks = np.count_nonzero(np.frombuffer(block, dtype=np.uint8) == ord("\n"))
    return int(breaks) + (not block.endswith(b"\n"))


@lru_cache(maxsize=8)
def _pattern(kinds: tuple[tuple[str, Kind], ...]) -> str:
    """Describe a line with a record that has no more keys than these, in their order, and cells as expected."""
    pairs = []
    for name, kind in kinds:
        match dtype_of(kind):
            case pl.Boolean():
                cell = "true|false|null"
            case pl.Int64():
                cell = f"{_LONG_INT if 'long' in kind else _PLAIN_INT}|null"
            case pl.Float64():
                cell = f"{_FRACTION}|{_PLAIN_INT}|null"
            case _:
                cell = f"{_TEXT}|null" if "text" in kind else "null"
        key = "|".join({re.escape(json.dumps(name, ensure_ascii=ascii)) for ascii in (True, False)})
        pairs.append(rf"(?:[{{,]{_SPACE}(?:{key}){_SPACE}:{_SPACE}(?:{cell}){_SPACE})?")
    return rf"^{_SPACE}(?:{''.join(pairs)}\}}{_SPACE})?$"
