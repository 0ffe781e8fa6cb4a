"""Charts: inline SVG out of numbers.

Each has a title and a description, takes its colours from the page's style, and holds nothing but shapes and text.
Bars have widths in percent and heights in pixels, so their text keeps its size on a phone and on paper; curves have a
box of their own that is narrow enough to be read on either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from scoring.report.markup import Cell, safe

__all__ = [
    "Bar",
    "Dot",
    "Line",
    "draw_balance",
    "draw_bars",
    "draw_calibration",
    "draw_curves",
    "draw_stack",
    "draw_steps",
]

_ROW: Final = 46
_BAR: Final = 14
_GAP: Final = 4
_WIDE: Final = 400
_HIGH: Final = 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 46, 14, 14, 44


@dataclass(frozen=True)
class Bar:
    """A row of bars.

    Attributes
    ----------
    label : str
        On the left, plain text.
    shown : str
        On the right, plain text.
    parts : tuple of (share, class)
        One bar below the other: its width, 0 to 1 of the chart's, and its colour.
    """

    label: str
    shown: str
    parts: tuple[tuple[float, str], ...]


@dataclass(frozen=True)
class Line:
    """A curve.

    Attributes
    ----------
    label : str
        What it is, plain text.
    kind : str
        Its colour.
    points : sequence of (x, y)
        0 to 1 each.
    """

    label: str
    kind: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Dot:
    """A dot of a calibration chart: what was expected, what came, and how large it is (0 to 1)."""

    x: float
    y: float
    size: float


def _open(name: str, title: str, told: str, box: str) -> Cell:
    """Start a picture that is read out as its title and description."""
    return (
        f'<svg role="img" aria-labelledby="{name}-title {name}-desc" {box}>'
        f'<title id="{name}-title">{safe(title)}</title><desc id="{name}-desc">{safe(told)}</desc>'
    )


def _at(value: float) -> str:
    """Write a place on the chart, always the same way."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def draw_bars(name: str, title: str, told: str, bars: Sequence[Bar]) -> Cell:
    """Draw rows of bars, each row with its label above.

    Parameters
    ----------
    name : str
        Of the chart; unique on the page.
    title, told : str
        What it is, and what is to be seen on it; plain text.
    bars : sequence of Bar
        From top to bottom, all with equally many parts.

    Returns
    -------
    str
    """
    high = _ROW + (_BAR + _GAP) * (max((len(bar.parts) for bar in bars), default=1) - 1)
    drawn = [_open(name, title, told, f'class="bars" width="100%" height="{high * len(bars)}"')]
    for place, bar in enumerate(bars):
        top = place * high
        drawn.append(f'<text x="0" y="{top + 15}">{safe(bar.label)}</text>')
        drawn.append(f'<text x="100%" y="{top + 15}" class="value end">{safe(bar.shown)}</text>')
        for under, (share, kind) in enumerate(bar.parts):
            y = top + 22 + under * (_BAR + _GAP)
            drawn.append(f'<rect class="track" x="0" y="{y}" width="100%" height="{_BAR}" rx="2"/>')
            if share > 0:
                width = _at(max(100 * min(share, 1.0), 0.3))
                drawn.append(f'<rect class="{kind}" x="0" y="{y}" width="{width}%" height="{_BAR}" rx="2"/>')
    return "".join(drawn) + "</svg>"


def draw_stack(name: str, title: str, told: str, parts: Sequence[tuple[float, str]]) -> Cell:
    """Draw one bar that is made of parts.

    Parameters
    ----------
    name, title, told
        As for `draw_bars`.
    parts : sequence of (share, class)
        Shares that add up to 1, from left to right, and their colours.

    Returns
    -------
    str
    """
    drawn, start = [_open(name, title, told, 'class="bars" width="100%" height="28"')], 0.0
    for share, kind in parts:
        if share > 0:
            width, x = _at(100 * share), _at(100 * start)
            drawn.append(f'<rect class="{kind} piece" x="{x}%" y="0" width="{width}%" height="28"/>')
        start += share
    return "".join(drawn) + "</svg>"


def draw_balance(name: str, title: str, told: str, rows: Sequence[tuple[str, str, float, float]]) -> Cell:
    """Draw bars that run to the left and to the right of a middle.

    Parameters
    ----------
    name, title, told
        As for `draw_bars`.
    rows : sequence of (label, shown, left, right)
        Plain text for either end above the bars, and shares, 0 to 1, of half the width.

    Returns
    -------
    str
    """
    drawn = [_open(name, title, told, f'class="bars" width="100%" height="{_ROW * len(rows)}"')]
    for place, (label, shown, left, right) in enumerate(rows):
        top = place * _ROW
        drawn.append(f'<text x="0" y="{top + 15}">{safe(label)}</text>')
        drawn.append(f'<text x="100%" y="{top + 15}" class="value end">{safe(shown)}</text>')
        drawn.append(f'<rect class="track" x="0" y="{top + 22}" width="100%" height="{_BAR}" rx="2"/>')
        if left > 0:
            x, width = _at(50 - 50 * left), _at(50 * left)
            drawn.append(f'<rect class="down" x="{x}%" y="{top + 22}" width="{width}%" height="{_BAR}"/>')
        if right > 0:
            drawn.append(f'<rect class="up" x="50%" y="{top + 22}" width="{_at(50 * right)}%" height="{_BAR}"/>')
        drawn.append(f'<line class="axis" x1="50%" x2="50%" y1="{top + 19}" y2="{top + 39}"/>')
    return "".join(drawn) + "</svg>"


def _x(share: float) -> float:
    return _LEFT + share * (_WIDE - _LEFT - _RIGHT)


def _y(share: float) -> float:
    return _TOP + (1 - share) * (_HIGH - _TOP - _BOTTOM)


def _frame(
    name: str, title: str, told: str, across: str, ticks: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]]
) -> list[str]:
    """Draw the box of a curve: its grid, the ticks of both axes, and what runs across."""
    drawn = [_open(name, title, told, f'class="curve" viewBox="0 0 {_WIDE} {_HIGH}"')]
    for share, label in up:
        y = _at(_y(share))
        drawn.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{y}" y2="{y}"/>')
        drawn.append(f'<text class="end" x="{_LEFT - 7}" y="{_at(_y(share) + 4)}">{safe(label)}</text>')
    for share, label in ticks:
        where = "start" if share <= 0 else "end" if share >= 1 else "mid"
        drawn.append(f'<text class="{where}" x="{_at(_x(share))}" y="{_HIGH - _BOTTOM + 17}">{safe(label)}</text>')
    drawn.append(f'<text class="mid" x="{_at(_x(0.5))}" y="{_HIGH - 8}">{safe(across)}</text>')
    return drawn


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_at(_x(x))} {_at(_y(y))}" for x, y in points)


_PARTS: Final = tuple((share / 100, f"{share}%") for share in (0, 25, 50, 75, 100))


def draw_curves(name: str, title: str, told: str, across: str, lines: Sequence[Line]) -> Cell:
    """Draw curves from nothing to all over shares from nothing to all.

    Parameters
    ----------
    name, title, told
        As for `draw_bars`.
    across : str
        What the horizontal axis is, plain text.
    lines : sequence of Line
        The first is drawn last, above the others.

    Returns
    -------
    str
    """
    drawn = _frame(name, title, told, across, _PARTS, _PARTS)
    drawn += [f'<path class="line {line.kind}" d="{_path(line.points)}"/>' for line in lines[::-1]]
    return "".join(drawn) + "</svg>"


def draw_calibration(name: str, title: str, told: str, across: str, dots: Sequence[Dot], most: float = 1.0) -> Cell:
    """Draw what came against what was expected; on the diagonal both are the same.

    Parameters
    ----------
    name, title, told, across
        As for `draw_curves`.
    dots : sequence of Dot
        Shares from 0 to `most`.
    most : float
        Where both axes end, above 0.

    Returns
    -------
    str
    """
    marks = [(share, f"{share * most:.0%}") for share, _ in _PARTS]
    drawn = _frame(name, title, told, across, marks, marks)
    drawn.append(f'<path class="line even" d="{_path([(0, 0), (1, 1)])}"/>')
    drawn.append(f'<path class="line thin" d="{_path([(dot.x / most, dot.y / most) for dot in dots])}"/>')
    for dot in dots:
        x, y, radius = _at(_x(dot.x / most)), _at(_y(dot.y / most)), _at(3.5 + 3.5 * dot.size)
        drawn.append(f'<circle class="dot" cx="{x}" cy="{y}" r="{radius}"/>')
    return "".join(drawn) + "</svg>"


def draw_steps(
    name: str,
    title: str,
    told: str,
    across: str,
    ticks: Sequence[tuple[float, str]],
    up: Sequence[tuple[float, str]],
    steps: Sequence[tuple[float, float, float]],
    level: float,
    aside: float | None = None,
) -> Cell:
    """Draw a line of steps, and beside it the level where there is no value.

    Parameters
    ----------
    name, title, told, across
        As for `draw_curves`.
    ticks, up : sequence of (share, label)
        Of the horizontal axis, and of the vertical one.
    steps : sequence of (start, end, height)
        Shares of the box.
    level : float
        The height at which nothing is changed.
    aside : float, optional
        The height where there is no value; drawn as a dot in the margin.

    Returns
    -------
    str
    """
    drawn = _frame(name, title, told, across, ticks, up)
    zero = _at(_y(level))
    drawn.append(f'<line class="line even" x1="{_LEFT}" x2="{_WIDE - _RIGHT}" y1="{zero}" y2="{zero}"/>')
    points = [point for start, end, height in steps for point in ((start, height), (end, height))]
    if points:
        drawn.append(f'<path class="line own" d="{_path(points)}"/>')
    if aside is not None:
        drawn.append(f'<circle class="dot hollow" cx="{_WIDE - _RIGHT}" cy="{_at(_y(aside))}" r="5"/>')
    return "".join(drawn) + "</svg>"
