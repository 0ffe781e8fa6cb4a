"""Text of others within a line of ours: it must not be able to steer a terminal, or to look like a line of its own."""

from __future__ import annotations

import unicodedata
from typing import Final

__all__ = ["plain"]

_STEERING: Final = frozenset({"Cc", "Cf", "Cn", "Co", "Cs", "Zl", "Zp"})


def plain(text: object) -> str:
    r"""Put a space for each control, format and direction character and each line break.

    Parameters
    ----------
    text : object
        Anything; None gives nothing.

    Returns
    -------
    str
        One line.

    Examples
    --------
    >>> plain("Ann\x1b[2J")
    'Ann [2J'
    """
    letters = "" if text is None else str(text)
    if letters.isascii() and letters.isprintable():
        return letters
    return "".join(" " if unicodedata.category(char) in _STEERING else char for char in letters)
