"""A sum drawn as bars of text: where it starts, what each part adds, where it ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

__all__ = ["ASCII", "BLOCKS", "Marks", "draw_steps"]


@dataclass(frozen=True)
class Marks:
    """What bars are drawn with: one letter each.

    Attributes
    ----------
    up, down : str
        For a part above and below 0; apart without colour, too.
    point : str
        For where the sum starts and ends.
    """

    up: str
    down: str
    point: str


BLOCKS: Final = Marks("█", "░", "│")
ASCII: Final = Marks("+", "-", "|")


def draw_steps(start: float, steps: Sequence[float], width: int, marks: Marks = BLOCKS) -> list[str]:
    """Draw a sum step by step, each bar from where the one above it ends.

    Parameters
    ----------
    start : float
        What the sum starts with.
    steps : sequence of float
        What is added, in order.
    width : int
        Letters of a bar, 2 or more.
    marks : Marks
        What to draw with.

    Returns
    -------
    list of str
        One for the start, one for each step, one for the end; each `width` long. All are to one scale, and a step that
        is too small for it still has one letter.

    Examples
    --------
    >>> draw_steps(-1.0, [2.0, -0.5], 9, ASCII)
    ['|        ', '+++++++++', '      ---', '      |  ']
    """
    totals = [start]
    for step in steps:
        totals.append(totals[-1] + step)
    low, high = min(totals), max(totals)
    cell = (high - low) / (width - 1) or 1.0
    places = [round((total - low) / cell) for total in totals]
    bars = [_bar(places[0], places[0], marks.point, width)]
    for before, after, step in zip(places[:-1], places[1:], steps, strict=True):
        bars.append(_bar(min(before, after), max(before, after), marks.up if step >= 0 else marks.down, width))
    return [*bars, _bar(places[-1], places[-1], marks.point, width)]


def _bar(first: int, last: int, mark: str, width: int) -> str:
    return (" " * first + mark * (last - first + 1)).ljust(width)
