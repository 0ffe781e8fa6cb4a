"""Large arrays of records, cut into lines without being decoded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scoring.reading.files import Irregular

__all__ = ["Cut", "cut_array"]

_WIDEST_GAP = 1000
_SPACES = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Cut:
    """The whole records at the beginning of a piece of an array.

    Attributes
    ----------
    lines : bytes
        A record on each line. Line breaks within the text have become carriage returns, which mean as little to JSON
        between its signs, and are as wrong within text.
    places : numpy.ndarray
        Line on which each record starts, the piece beginning on line 1.
    end : int
        Bytes of the piece up to the end of the last record.
    breaks : int
        Line breaks up to there.
    closed : bool
        Whether the array ends there.
    """

    lines: bytes
    places: NDArray[np.int64]
    end: int
    breaks: int
    closed: bool


def cut_array(piece: bytes) -> Cut:
    r"""Find the records in a piece of an array.

    Parameters
    ----------
    piece : bytes
        Text from the bracket that opens the array, or from the end of a record on.

    Returns
    -------
    Cut

    Raises
    ------
    Irregular
        If anything but one comma stands between two records.

    Examples
    --------
    >>> cut_array(b'[{"a": 1},{"a": "},{"}, {"a"').lines
    b' {"a": 1}\n{"a": "},{"}'
    """
    signs = np.frombuffer(piece, dtype=np.uint8)
    quote = signs == ord('"')
    if b"\\" in piece:
        quote[_escaped(signs)] = False
    quotes = np.flatnonzero(quote)
    braces = np.flatnonzero((signs == ord("{")) | (signs == ord("}")))
    braces = braces[quotes.searchsorted(braces) % 2 == 0]
    opens = signs[braces] == ord("{")
    depth = np.cumsum(np.where(opens, 1, -1))
    starts, ends = braces[opens & (depth == 1)], braces[~opens & (depth == 0)]
    starts = starts[: len(ends)]
    before = np.concatenate([[0], ends[:-1] + 1])[: len(starts)]
    commas, whole = _commas(signs, before, starts)
    closed = whole < len(starts)
    if closed and not piece[before[whole] : starts[whole]].lstrip(_SPACES).startswith(b"]"):
        raise Irregular
    if not whole:
        return Cut(b"", np.empty(0, dtype=np.int64), 0, 0, closed)
    end = int(ends[whole - 1]) + 1
    lines = signs[:end].copy()
    breaks = np.flatnonzero(lines == ord("\n"))
    lines[breaks] = ord("\r")
    lines[commas[1:whole]] = ord("\n")
    lines[commas[0]] = ord(" ")
    return Cut(lines.tobytes(), breaks.searchsorted(starts[:whole]) + 1, end, len(breaks), closed)


def _commas(
    signs: NDArray[np.uint8], before: NDArray[np.int64], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], int]:
    """Find the comma (or the bracket that opens the array) before each record; stop where there is not just one."""
    commas = np.zeros(len(starts), dtype=np.int64)
    found = np.zeros(len(starts), dtype=np.int64)
    wrong = np.zeros(len(starts), dtype=bool)
    gaps = starts - before
    widest = min(int(gaps.max(initial=0)), _WIDEST_GAP)
    wrong |= gaps > widest
    for step in range(widest):
        inside = step < gaps
        place = np.minimum(before + step, len(signs) - 1)
        sign = signs[place]
        comma = inside & ((sign == ord(",")) | ((sign == ord("[")) & (place == 0)))
        commas[comma] = place[comma]
        found += comma
        wrong |= inside & ~comma & ~np.isin(sign, np.frombuffer(_SPACES, dtype=np.uint8))
    wrong |= found != 1
    return commas, int(wrong.argmax()) if wrong.any() else len(starts)


def _escaped(signs: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Find the signs before which an odd number of backslashes stands."""
    slashes = np.flatnonzero(signs == ord("\\"))
    first = np.flatnonzero(np.diff(slashes, prepend=-2) != 1)
    lengths = np.diff(first, append=len(slashes))
    after = slashes[first] + lengths
    odd: NDArray[np.int64] = after[(lengths % 2 == 1) & (after < len(signs))]
    return odd
