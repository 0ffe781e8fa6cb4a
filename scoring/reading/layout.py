"""How records lie in a JSON file: one a line, or in an array, perhaps within an object."""

from __future__ import annotations

import json
import re
import sys

__all__ = ["BLANK", "after", "is_ndjson", "wrapped_array"]

BLANK = re.compile(r"[ \t\r\n\ufeff]*")
"""What may stand before a document."""
_ARRAY = re.compile(r'"(?:[^"\\]|\\.)*"[ \t\r\n]*:[ \t\r\n]*\[[ \t\r\n]*([{\]])')


def after(pattern: re.Pattern[str], text: str, place: int, end: int = sys.maxsize) -> int:
    """Find the place after what may stand at a place.

    Parameters
    ----------
    pattern : re.Pattern
        What may stand there.
    text : str
        The file.
    place, end : int
        Where it begins, and where the text is taken to end.

    Returns
    -------
    int
        `place` if it does not stand there.

    Examples
    --------
    >>> after(BLANK, "  [1]", 0)
    2
    """
    found = pattern.match(text, place, end)
    return place if found is None else found.end()


def is_ndjson(text: str, start: int) -> bool:
    r"""Say whether text has a record a line.

    Parameters
    ----------
    text : str
        The file, or so much of it that the first two lines are whole.
    start : int
        Where its first object opens.

    Returns
    -------
    bool
        Whether the first line is an object of its own and more follows; also where the first line is broken.

    Examples
    --------
    >>> is_ndjson('{"a": 1}\n{"a": 2}', 0), is_ndjson('{"a": [\n{"b": 2}]}', 0)
    (True, False)
    """
    end = text.find("\n", start)
    following = after(BLANK, text, end)
    if end < 0 or following == len(text):
        return False
    first = text[start:end].strip()
    if _is_json(first):
        return True
    stop = text.find("\n", following)
    second = text[following : len(text) if stop < 0 else stop]
    return not first.endswith("[") and second.startswith("{") and _is_json(second)


def _is_json(line: str) -> bool:
    """Say whether a line is a document of its own."""
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def wrapped_array(text: str, start: int) -> int | None:
    """Find the array of records within an object: the first array of objects, or the first that is empty.

    Parameters
    ----------
    text : str
        The file, or its first million characters.
    start : int
        Where the object opens.

    Returns
    -------
    int or None
        Where the array opens.

    Examples
    --------
    >>> wrapped_array('{"total": 1, "contacts": [{"a": 1}]}', 0)
    25
    """
    empty = None
    for found in _ARRAY.finditer(text, start, start + 2**20):
        bracket = text.rindex("[", found.start(), found.start(1))
        if found[1] == "{":
            return bracket
        empty = bracket if empty is None else empty
    return empty
