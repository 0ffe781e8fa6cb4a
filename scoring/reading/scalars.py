"""One value at a time: what a cell means, in plain Python.

A record out of a CRM hook is read by these functions, and so are columns whose cells are of mixed types. `cells` does
the same for whole columns of one type, in polars; a property test holds the two together.

A cell is read by the kind of its field:

text
    white space alone is null; a number becomes its digits (``123.0`` is ``123``). In fields that are a key, a profile
    or an outcome outer white space goes, and a spelling of "nothing" (`NOTHING`) is null; a person may be called Null.
flag
    ``true``, ``t``, ``yes``, ``y``, ``1`` and ``false``, ``f``, ``no``, ``n``, ``0``, in any case.
count
    a whole number however written (``3``, ``3.0``, ``1e3``), up to `LARGEST` in size. A comma is refused: it is a
    thousand here and a fraction there.
number
    any finite number.
time
    ISO 8601 with a day, from 1900 to 9999; a time of day, fractions and an offset may follow. No offset is UTC. A bare
    number is seconds, milli-, micro- or nanoseconds since 1970 where it falls between 1990 and 2100, as these cannot be
    taken for one another.

NaN is null, whatever the field: it is how tables in memory write a missing number.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

__all__ = [
    "EPOCH_FIRST",
    "EPOCH_LAST",
    "EPOCH_UNITS",
    "FALSE",
    "LARGEST",
    "NOTHING",
    "NUMBER",
    "READERS",
    "TIME",
    "TRUE",
    "Unreadable",
    "as_text",
    "encodable",
    "plain",
    "time_of",
]

_WORDS = ("null", "none", "nan", "n/a", "#n/a", "na", "nil", "nat", "<na>", "\\n")
NOTHING: tuple[str, ...] = (
    "",
    *sorted({spelled for word in _WORDS for spelled in (word, word.upper(), word.title(), word.capitalize())}),
    *("NaN", "NaT", "<NA>", "0001-01-01T00:00:00Z", "0000-00-00T00:00:00Z", "0000-00-00 00:00:00", "0000-00-00"),
)
"""Cells that say there is nothing, as spreadsheets, databases and languages write them."""

TRUE: tuple[str, ...] = ("true", "t", "yes", "y", "1", "1.0")
FALSE: tuple[str, ...] = ("false", "f", "no", "n", "0", "0.0")
LARGEST = 10**12
"""The largest count: seconds in 30,000 years, and a million such counts still add up in 64 bits."""

NUMBER = r"^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?$"
TIME = (
    r"^([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt ]([0-9]{1,2}):([0-9]{1,2})(?::([0-9]{1,2})(?:[.,]([0-9]{1,9}))?)?"
    r" ?(?:[Zz]|UTC|GMT|([+-])([0-9]{2}):?([0-9]{2})?)?)?$"
)
EPOCH_UNITS: tuple[int, ...] = (1, 10**3, 10**6, 10**9)
"""Ticks a second of the times that come as numbers."""
LONGEST_TICKS = 20
"""Digits of a number that can be ticks; Python refuses to turn thousands of them into a whole number."""
EPOCH_FIRST, EPOCH_LAST = 631_152_000, 4_102_444_800  # 1990 and 2100, in seconds since 1970
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)

BLANKS = "\t\n\x0b\x0c\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""White space of Unicode, as polars strips it; Python alone also strips four separators of the teletype."""

LARGEST_PRINTED_BITS = 2**13
"""Python writes no larger whole numbers in decimals, as that takes too long; no count is near it."""

_NOTHING = frozenset(NOTHING)
_FLAGS = dict.fromkeys(TRUE, True) | dict.fromkeys(FALSE, False)
_NUMBER, _TIME = re.compile(NUMBER), re.compile(TIME)
_VENDORS = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z\Z")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Unreadable(ValueError):  # noqa: N818 (it says what the cell is)
    """The cell is not what its field holds."""


def plain(value: Any) -> Any:
    """Return a cell as one of None, bool, int, float, str, datetime or date.

    Parameters
    ----------
    value : object
        Any cell, also of numpy, pandas or decimal type. Lists and mappings become JSON text.

    Returns
    -------
    object
        None for NaN, NaT and NA.

    Examples
    --------
    >>> plain(float("nan")), plain({"a": 1}), plain(b"x")
    (None, '{"a": 1}', 'x')
    """
    kind = type(value)
    if value is None or kind is str or kind is int or kind is bool:
        return value
    if kind is float:
        return None if math.isnan(value) else value
    if isinstance(value, (datetime, date)):
        return None if value != value else value  # NaT is the one time that is not itself
    return _unusual(value)


def as_text(value: Any) -> str | None:
    """Write a plain cell as the text that is read as the same again.

    Parameters
    ----------
    value : object
        What `plain` gives.

    Returns
    -------
    str or None

    Examples
    --------
    >>> as_text(True), as_text(123.0), as_text(None)
    ('true', '123', None)
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**63:
        return str(int(value))
    if isinstance(value, int) and value.bit_length() > LARGEST_PRINTED_BITS:
        return hex(value)
    return str(value.isoformat()) if isinstance(value, (datetime, date)) else str(value)


def encodable(text: str) -> str:
    """Return text that can be written as UTF-8: half of a surrogate pair, which JSON can hold, becomes a question mark.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str

    Examples
    --------
    >>> encodable("a" + chr(0xD800))
    'a?'
    """
    return text.encode("utf-8", "replace").decode()


def _unusual(value: Any) -> Any:
    """Return a cell of a rarer type as one of the usual ones."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "item") and getattr(value, "shape", None) == ():  # a numpy scalar
        inner = value.item()
        return plain(inner) if type(inner).__module__ != type(value).__module__ else str(value)
    if isinstance(value, Decimal):
        return None if value.is_nan() else int(value) if value.is_finite() and value == int(value) else float(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8", "replace")
    if isinstance(value, (list, tuple, dict, set)):
        try:
            return json.dumps(list(value) if isinstance(value, set) else value, ensure_ascii=False, default=str)
        except (TypeError, ValueError):  # keys that no JSON can hold, or it holds itself
            return str(value)
    return str(value)


def _bare(value: Any) -> Any:
    """Return a plain cell, text without outer white space; None for what says that there is nothing."""
    value = plain(value)
    if not isinstance(value, str):
        return value
    text = value.strip(BLANKS)
    return None if text in _NOTHING else text


def _identity_of(value: Any) -> str | None:
    """Read a cell of a field that only describes."""
    text = value if type(value) is str else as_text(plain(value))
    return text if text is not None and text.strip(BLANKS) else None


def _text_of(value: Any) -> str | None:
    """Read a cell of text in which a spelling of "nothing" is null."""
    text = value if type(value) is str else as_text(plain(value))
    if text is None:
        return None
    text = text.strip(BLANKS)
    return None if text in _NOTHING else text


def _flag_of(value: Any) -> bool | None:
    """Read a flag."""
    if type(value) is bool:
        return value
    value = _bare(value)
    if value is None or type(value) is bool:
        return value
    if isinstance(value, (int, float)) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value.lower() in _FLAGS:
        return _FLAGS[value.lower()]
    raise Unreadable


def _number_of(value: Any) -> float | None:
    """Read a finite number."""
    value = _bare(value)
    if value is None:
        return None
    if isinstance(value, str):
        if not _NUMBER.match(value):
            raise Unreadable
        value = float(value)
    if not isinstance(value, (int, float)) or isinstance(value, bool) or abs(value) > 1e300:
        raise Unreadable
    return float(value)


def _count_of(value: Any) -> int | None:
    """Read a whole number."""
    if type(value) is int and -LARGEST <= value <= LARGEST:
        return value
    number = _number_of(value)
    if number is None:
        return None
    if not number.is_integer() or abs(number) > LARGEST:
        raise Unreadable
    return int(number)


def time_of(value: Any) -> datetime | None:
    """Read a time.

    Parameters
    ----------
    value : object
        The cell: ISO text, a datetime or date (without a zone it is UTC), or a number since 1970.

    Returns
    -------
    datetime or None
        With the zone UTC, cut to microseconds.

    Raises
    ------
    Unreadable
        If it is none of these, or before 1900.

    Examples
    --------
    >>> time_of("2026-03-01 12:30+02:00").isoformat()
    '2026-03-01T10:30:00+00:00'
    >>> time_of(1_767_225_600_000).isoformat()
    '2026-01-01T00:00:00+00:00'
    """
    if type(value) is str and _VENDORS.match(value) and (found := _vendors(value)) is not None:
        return found
    value = _bare(value)
    if value is None:
        return None
    if isinstance(value, str):
        if _NUMBER.match(value):
            found = _since_1970(int(value) if value.isdigit() and len(value) < LONGEST_TICKS else float(value))
        else:
            found = _iso(value)
    elif isinstance(value, datetime):
        found = datetime(
            *(value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond),
            tzinfo=value.tzinfo if value.tzinfo is not None else UTC,
        )
    elif isinstance(value, date):
        found = datetime(value.year, value.month, value.day, tzinfo=UTC)
    elif isinstance(value, bool):
        raise Unreadable
    else:
        found = _since_1970(value)
    try:
        found = found.astimezone(UTC)
    except (OverflowError, ValueError) as error:
        raise Unreadable from error
    if found < EARLIEST:
        raise Unreadable
    return found


def _vendors(text: str) -> datetime | None:
    """Read the one form that the vendor writes times in, which is nearly always; None for what it is no time of."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return None if found < EARLIEST else found


def _since_1970(ticks: float) -> datetime:
    """Turn a number of seconds or of parts of a second since 1970 into a time."""
    for unit in EPOCH_UNITS:
        if EPOCH_FIRST * unit <= ticks < EPOCH_LAST * unit:
            # As for a column: to multiply or divide a float by more than is needed would round it.
            finer = unit // 10**6
            micros = int(ticks) // finer if finer else ticks * (10**6 // unit)
            return _EPOCH + timedelta(microseconds=int(micros))
    raise Unreadable


def _iso(text: str) -> datetime:
    """Read ISO 8601 text."""
    found = _TIME.match(text)
    if found is None:
        raise Unreadable
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = found.groups()
    zone: timezone = UTC
    try:
        if sign is not None:
            offset = timedelta(hours=int(zone_hour), minutes=int(zone_minute or 0))
            zone = timezone(-offset if sign == "-" else offset)
        micros = int((fraction or "0").ljust(6, "0")[:6])
        seconds = int(second or 0)
        # A leap second is the first of the next minute, as polars has it.
        start = datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), min(seconds, 59), tzinfo=zone
        )
        if seconds > 60:
            raise Unreadable
        return start + timedelta(seconds=seconds - min(seconds, 59), microseconds=micros)
    except (ValueError, OverflowError) as error:
        raise Unreadable from error


READERS: dict[str, Callable[[Any], Any]] = {
    "identity": _identity_of,
    "text": _text_of,
    "flag": _flag_of,
    "count": _count_of,
    "number": _number_of,
    "time": time_of,
}
"""How a cell of each kind is read; ``identity`` is text that may spell "nothing" and mean it as a name."""
