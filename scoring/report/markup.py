"""Markup: pieces of a page out of plain values. Whatever came from elsewhere is escaped here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final, TypeAlias

from scoring.lines import plain

__all__ = [
    "Cell",
    "Section",
    "figures",
    "fold",
    "foreign",
    "items",
    "many",
    "number",
    "paragraph",
    "part",
    "picture",
    "safe",
    "table",
    "times",
]

Cell: TypeAlias = str
"""Markup that is safe to put into a page."""

_NUMBER: Final = "n"


@dataclass(frozen=True)
class Section:
    """One part of a page, under a heading of its own.

    Attributes
    ----------
    name : str
        Its anchor; unique on the page.
    title : str
        The heading, plain text.
    lead : str
        What it says and what to do about it, as markup.
    body : str
        Pictures and tables, as markup.
    """

    name: str
    title: str
    lead: Cell
    body: Cell


def safe(text: object) -> Cell:
    """Escape text for a page, without what would steer its direction.

    Parameters
    ----------
    text : object
        Anything; None gives nothing.

    Returns
    -------
    str

    Examples
    --------
    >>> safe("<b> & 'c'")
    '&lt;b&gt; &amp; &#x27;c&#x27;'
    """
    return escape(plain(text))


def foreign(text: object, absent: str = "unknown") -> Cell:
    """Escape text that others wrote, and keep its direction from running into what stands beside it.

    Parameters
    ----------
    text : object
        Anything; blank or None gives `absent`.
    absent : str
        What stands in its place.

    Returns
    -------
    str

    Examples
    --------
    >>> foreign("Ann <ann@x.io>"), foreign(None, "nobody")
    ('<bdi>Ann &lt;ann@x.io&gt;</bdi>', 'nobody')
    """
    shown = plain(text).strip()
    return f"<bdi>{escape(shown)}</bdi>" if shown else safe(absent)


def number(value: float, digits: int = 0) -> str:
    """Write a number with separators of thousands.

    Parameters
    ----------
    value : float
        Finite.
    digits : int
        After the point.

    Returns
    -------
    str

    Examples
    --------
    >>> number(1234.56), number(-0.04, 1)
    ('1,235', '0.0')
    """
    shown = f"{value:,.{digits}f}"
    return shown.lstrip("-") if not any(each in "123456789" for each in shown) else shown


def many(count: float, noun: str) -> str:
    """Write a number with its noun, in the plural where that is due.

    Parameters
    ----------
    count : float
        0 or more.
    noun : str
        In the singular; its plural ends in "s".

    Returns
    -------
    str

    Examples
    --------
    >>> many(1, "row"), many(1200, "row")
    ('1 row', '1,200 rows')
    """
    return f"{number(count)} {noun}{'' if count == 1 else 's'}"


def part(share: float | None) -> str:
    """Write a share as a percentage, with two digits that count wherever there are two; only all is 100%.

    Parameters
    ----------
    share : float or None
        0 to 1; None where there is none.

    Returns
    -------
    str

    Examples
    --------
    >>> part(0.123), part(0.0456), part(0.0043), part(0.0), part(None)
    ('12%', '4.6%', '0.43%', '0%', '–')
    """
    if share is None:
        return "–"
    if 0.99 < share < 1:
        return "99%"
    digits = 0 if share >= 0.0995 or share < 0.00005 else 1 if share >= 0.00995 else 2
    return f"{share:.{digits}%}"


def times(ratio: float | None) -> str:
    """Write a ratio as so many times.

    Parameters
    ----------
    ratio : float or None
        0 or more; None where there is none.

    Returns
    -------
    str

    Examples
    --------
    >>> times(3.72), times(12.3), times(None)
    ('3.7×', '12×', '–')
    """
    if ratio is None:
        return "–"
    return f"{ratio:.0f}×" if ratio >= 9.95 else f"{ratio:.1f}×"


def paragraph(*sentences: Cell) -> Cell:
    """Join sentences to a paragraph, the empty ones left out."""
    told = " ".join(sentence for sentence in sentences if sentence)
    return f"<p>{told}</p>" if told else ""


def items(lines: Iterable[Cell]) -> Cell:
    """List lines, one below the other."""
    listed = "".join(f"<li>{line}</li>" for line in lines)
    return f"<ul>{listed}</ul>" if listed else ""


def figures(pairs: Sequence[tuple[str, str, Cell]]) -> Cell:
    """Put a few big numbers side by side.

    Parameters
    ----------
    pairs : sequence of (name, number, label)
        The name tells the figure from others; the label is markup.

    Returns
    -------
    str
    """
    each = (
        f'<div><dt>{label}</dt><dd data-figure="{safe(name)}">{safe(shown)}</dd></div>' for name, shown, label in pairs
    )
    return f'<dl class="figures">{"".join(each)}</dl>'


def table(
    name: str, caption: str, heads: Sequence[str], rows: Iterable[Sequence[Cell]], text: Sequence[int] = ()
) -> Cell:
    """Make a table that scrolls by itself where the page is narrow.

    Parameters
    ----------
    name : str
        Its anchor; unique on the page.
    caption : str
        What one row is, plain text.
    heads : sequence of str
        Plain text, one for each column. The first column heads the rows.
    rows : iterable of sequence of str
        Cells, as markup.
    text : sequence of int
        Columns beside the first that are text; all others are numbers.

    Returns
    -------
    str
    """
    kinds = ["" if place == 0 or place in text else f' class="{_NUMBER}"' for place in range(len(heads))]
    top = "".join(f'<th scope="col"{kind}>{safe(head)}</th>' for head, kind in zip(heads, kinds, strict=True))
    body = "".join(f"<tr>{_row(cells, kinds)}</tr>" for cells in rows)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}-caption">'
        f'<table id="{name}"><caption id="{name}-caption"><span>{safe(caption)}</span></caption>'
        f"<thead><tr>{top}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(cells: Sequence[Cell], kinds: Sequence[str]) -> Cell:
    first, *others = cells
    beside = (f"<td{kind}>{cell}</td>" for cell, kind in zip(others, kinds[1:], strict=True))
    return f'<th scope="row">{first}</th>{"".join(beside)}'


def fold(summary: str, body: Cell, kind: str = "") -> Cell:
    """Put something away under a line that opens it; on paper it is open.

    Parameters
    ----------
    summary : str
        The line, plain text.
    body : str
        Markup.
    kind : str
        A class, or none.

    Returns
    -------
    str
    """
    named = f' class="{kind}"' if kind else ""
    return f"<details{named}><summary>{safe(summary)}</summary>{body}</details>"


def picture(
    name: str, chart: Cell, caption: Cell, numbers: Cell = "", legend: Mapping[str, Cell] | None = None
) -> Cell:
    """Put a chart on the page, with what it shows in words and its numbers in reach.

    Parameters
    ----------
    name : str
        Its anchor; unique on the page.
    chart : str
        An inline SVG, as `charts` draws them.
    caption : str
        What is to be seen, as markup.
    numbers : str
        A table of the same figures.
    legend : mapping of str to str, optional
        Colour (a class of the style) and what it stands for, as markup.

    Returns
    -------
    str
    """
    keys = "".join(f'<li><span class="key {kind}"></span>{what}</li>' for kind, what in (legend or {}).items())
    listed = f'<ul class="legend">{keys}</ul>' if keys else ""
    folded = fold("The numbers", numbers, "numbers") if numbers else ""
    return f'<figure id="{name}">{listed}{chart}<figcaption>{caption}</figcaption>{folded}</figure>'
