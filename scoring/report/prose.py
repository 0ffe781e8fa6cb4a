"""Prose: a model card's Markdown as part of a page. Headings, paragraphs, lists and tables; all else is text."""

from __future__ import annotations

import re
from typing import Final

from scoring.report.markup import Cell, safe

__all__ = ["write_prose"]

_CODE: Final = re.compile(r"`([^`]+)`")
_FIGURE: Final = re.compile(r"[-+]?[\d,.]*( / [\d,.]+)*")
_RULE: Final = re.compile(r"\|[\s:|-]+\|")


def write_prose(text: str, above: int = 2, name: str = "card") -> Cell:
    r"""Turn Markdown into markup.

    Parameters
    ----------
    text : str
        As the model cards have it.
    above : int
        Level of the heading under which it stands; its own begin below.
    name : str
        What its tables are called; unique on the page.

    Returns
    -------
    str

    Examples
    --------
    >>> write_prose("# Card\n\nIt *is* <small>.\n\n- one\n  more\n- two")
    '<h3>Card</h3><p>It *is* &lt;small&gt;.</p><ul><li>one more</li><li>two</li></ul>'
    """
    written = []
    for number, block in enumerate(re.split(r"\n\s*\n", text.strip())):
        lines = block.strip("\n").split("\n")
        if lines[0].startswith("#"):
            marks, _, title = lines[0].partition(" ")
            level = min(above + len(marks), 6)
            written.append(f"<h{level}>{_inline(title)}</h{level}>")
        elif lines[0].startswith("- "):
            written.append("<ul>" + "".join(f"<li>{_inline(each)}</li>" for each in _items(lines)) + "</ul>")
        elif lines[0].startswith("|"):
            written.append(_table([line for line in lines if not _RULE.fullmatch(line.strip())], f"{name}-{number}"))
        else:
            written.append(f"<p>{_inline(' '.join(line.strip() for line in lines))}</p>")
    return "".join(written)


def _items(lines: list[str]) -> list[str]:
    """Join the lines of each item."""
    found: list[str] = []
    for line in lines:
        if line.startswith("- ") or not found:
            found.append(line.removeprefix("- "))
        else:
            found[-1] += f" {line.strip()}"
    return found


def _inline(text: str) -> Cell:
    return _CODE.sub(r"<code>\1</code>", safe(text))


def _table(lines: list[str], name: str) -> Cell:
    rows = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in lines]
    head, *body = rows
    kinds = [' class="n"' if all(map(_is_figure, column)) else "" for column in zip(*body, strict=True)]
    kinds += [""] * (len(head) - len(kinds))
    top = "".join(f'<th scope="col"{kind}>{_inline(cell)}</th>' for cell, kind in zip(head, kinds, strict=True))
    below = "".join(f"<tr>{_row(row, kinds)}</tr>" for row in body)
    return (
        f'<div class="scroll" role="region" tabindex="0" aria-label="Table of the model card">'
        f'<table id="{name}"><thead><tr>{top}</tr></thead><tbody>{below}</tbody></table></div>'
    )


def _row(cells: list[str], kinds: list[str]) -> Cell:
    return "".join(f"<td{kind}>{_inline(cell)}</td>" for cell, kind in zip(cells, kinds, strict=True))


def _is_figure(cell: str) -> bool:
    return bool(_FIGURE.fullmatch(cell))
