"""The page: a skeleton that a screen reader, a phone and a printer understand."""

from __future__ import annotations

from collections.abc import Sequence

from scoring.report.markup import Cell, Section, safe
from scoring.report.style import read_style

__all__ = ["lay_out"]


def lay_out(
    title: str, eyebrow: Cell, summary: Cell, headline: Cell, sections: Sequence[Section], closing: Cell
) -> str:
    """Put a page together.

    Parameters
    ----------
    title : str
        What the page is about, plain text.
    eyebrow, summary, headline, closing : str
        Markup: what stands above the title, the sentence below it, the big numbers, and the end.
    sections : sequence of Section
        In their order.

    Returns
    -------
    str
        HTML that needs nothing from elsewhere: no script, no font, no picture.
    """
    links = "".join(f'<li><a href="#{section.name}">{safe(section.title)}</a></li>' for section in sections)
    return (
        '<!DOCTYPE html>\n<html lang="en-GB">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # even if something should slip through, a browser loads and runs nothing
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">\n"
        '<meta name="robots" content="noindex">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{safe(title)}</title>\n<style>\n{read_style()}</style>\n</head>\n<body>\n"
        '<a class="skip" href="#main">To the content</a>\n'
        f'<header>\n<p class="eyebrow">{eyebrow}</p>\n<h1>{safe(title)}</h1>\n<p class="summary">{summary}</p>\n'
        f'{headline}\n<nav aria-label="On this page"><ul>{links}</ul></nav>\n</header>\n'
        f'<main id="main">\n{"".join(map(_section, sections))}</main>\n'
        f"<footer><div>{closing}</div></footer>\n</body>\n</html>\n"
    )


def _section(section: Section) -> Cell:
    return (
        f'<section id="{section.name}" aria-labelledby="{section.name}-head">\n'
        f'<h2 id="{section.name}-head">{safe(section.title)}</h2>\n'
        f'<div class="lead">{section.lead}</div>\n{section.body}\n</section>\n'
    )
