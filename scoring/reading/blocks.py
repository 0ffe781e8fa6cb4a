"""Runs of JSON records that are decoded at once, which takes a third of the time of one after the other.

A run that holds anything unusual is left to `documents`, which looks at one record at a time.
"""

from __future__ import annotations

import json
import re
from typing import Any

__all__ = ["DECODER", "SIZE", "Block", "RepeatedKey", "array_block", "line_block"]

SIZE = 2**18
"""Characters of a run, at least."""
_BOUNDARY = re.compile(r"\}[ \t\r\n]*,[ \t\r\n]*(?=\{)")

Block = tuple[list[dict[str, Any]], list[int], int]
"""Records, the place of each in the text, and the place after them."""


class RepeatedKey(ValueError):  # noqa: N818 (it says what is there)
    """An object has a key twice, so one of the two values would be lost."""


def _unrepeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object with a key twice."""
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise RepeatedKey(next(name for name in names if names.count(name) > 1))
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_unrepeated_keys)
"""Decodes JSON and refuses objects with a key twice."""


def array_block(text: str, place: int) -> Block | None:
    """Take a run of records out of an array.

    Parameters
    ----------
    text : str
        The file.
    place : int
        Where a record of the array starts.

    Returns
    -------
    Block or None
        None near the end, and where not all of the run are plain records.

    Examples
    --------
    >>> array_block('[{"a": 1}]', 1) is None
    True
    """
    cut = _BOUNDARY.search(text, place + SIZE)
    if cut is None:
        return None
    run = text[place : cut.start() + 1]
    # A run that ends within a record, in a string or a list, is no array: the decoder then refuses it.
    values = _decode(f"[{run}]")
    if values is None or not all(type(value) is dict for value in values):
        return None
    starts = [place, *(place + found.end() for found in _BOUNDARY.finditer(run))]
    # Between two records is a boundary; where there are no more of them, they are the starts.
    return (values, starts, cut.end()) if len(starts) == len(values) else None


def line_block(text: str, place: int) -> Block | None:
    r"""Take a run of records that stand on a line each.

    Parameters
    ----------
    text : str
        The file.
    place : int
        Where a line starts.

    Returns
    -------
    Block or None
        None where a line of the run is no record.

    Examples
    --------
    >>> line_block('{"a": 1}\n\n{"a": 2}\n', 0)
    ([{'a': 1}, {'a': 2}], [0, 10], 19)
    """
    end = text.find("\n", place + SIZE)
    end = len(text) if end < 0 else end
    lines: list[str] = []
    starts: list[int] = []
    for line in text[place:end].split("\n"):
        if line.strip():
            lines.append(line)
            starts.append(place + len(line) - len(line.lstrip()))
        place += len(line) + 1
    # A number between the lines: text that continues over two lines would swallow one.
    values = _decode(f"[{',0,'.join(lines)}]")
    if values is None or len(values) != max(2 * len(lines) - 1, 0) or any(type(one) is not int for one in values[1::2]):
        return None
    records = values[::2]
    return (records, starts, min(end + 1, len(text))) if all(type(record) is dict for record in records) else None


def _decode(text: str) -> list[Any] | None:
    """Decode an array; None if it is none."""
    try:
        found = DECODER.decode(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, list) else None
