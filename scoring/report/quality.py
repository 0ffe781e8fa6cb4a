"""Sections about the data: how much history there is, and what is wrong or missing."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring import schema
from scoring.config import EVIDENCE
from scoring.report.charts import draw_stack
from scoring.report.markup import Cell, Section, fold, foreign, many, number, paragraph, part, picture, safe, table
from scoring.report.subject import Subject
from scoring.validation import RULES

__all__ = ["show_evidence", "show_quality"]

_LEVELS: Final = {
    "enough": ("a", f"enough: {EVIDENCE['enough']} mails or meetings or more"),
    "thin": ("b", f"thin: {EVIDENCE['thin']} or {EVIDENCE['enough'] - 1}"),
    "none": ("d", "none: nobody ever wrote or met"),
}
_MEANINGS: Final = {rule.name: rule.meaning for rule in RULES}


def show_evidence(subject: Subject) -> Section:
    """Show how much history the chances rest on.

    Parameters
    ----------
    subject : Subject
        What the report is about.

    Returns
    -------
    Section
    """
    rows = subject.rows.with_columns(pl.col("evidence").cast(pl.String))
    total = rows.height
    cells, parts, legend = [], [], {}
    counts = {}
    for level, (kind, words) in _LEVELS.items():
        inside = rows.filter(evidence=level)
        counts[level] = inside.height
        mean = inside["priority"].mean()
        cells.append(
            (
                safe(words),
                number(inside.height),
                part(inside.height / total),
                part(mean if isinstance(mean, float) else None),
                number(float(inside["reply_probability"].sum()), 1),
            )
        )
        parts.append((inside.height / total, kind))
        if inside.height:
            legend[kind] = f"{safe(words)}: <b>{part(inside.height / total)}</b>"
    title = "How much history there is"
    told = ", ".join(f"{level} {counts[level]:,} contacts" for level in _LEVELS)
    lead = paragraph(
        f"{part(counts['enough'] / total)} of the chances rest on {EVIDENCE['enough']} touches or more.",
        f"Of {many(counts['none'], 'contact')} nothing is known but who they are: a low chance there is no verdict. "
        "Give each rep a few of them to try, or nobody will ever learn more."
        if counts["none"]
        else "There is nobody of whom nothing is known.",
    )
    heads = ["Evidence", "Contacts", "Share", "Mean chance", "Replies expected"]
    numbers = table("evidence-table", "Contacts by the history behind their chance", heads, cells)
    caption = "Touches are mails in either direction and meetings, of all time."
    drawn = draw_stack("evidence-chart", title, told, parts)
    return Section("evidence", title, lead, picture("evidence-figure", drawn, caption, numbers, legend))


def show_quality(subject: Subject) -> Section:
    """Show which rows were not scored, which contradict themselves, and which fields are empty.

    Parameters
    ----------
    subject : Subject
        What the report is about.

    Returns
    -------
    Section
    """
    allowed = subject.allowed
    problems = _count(allowed["problem"].str.split(":").list.first())
    flags = _count(allowed.filter(pl.col("problem").is_null())["flags"].str.split(";").explode(empty_as_null=True))
    flagged = allowed.filter(pl.col("problem").is_null())["flags"].count()
    unscored = allowed["problem"].count()
    repeated = allowed.height - unscored - subject.rows.height
    filled = {name: allowed[name].count() / allowed.height for name in schema.NAMES}
    lead = paragraph(
        f"{many(unscored, 'row')} could not be scored." if unscored else "Every row of this file could be scored.",
        f"{many(flagged, 'row')} contradict{'s' if flagged == 1 else ''} "
        f"{'itself' if flagged == 1 else 'themselves'}: scored, but worth a look at where they come from."
        if flagged
        else "No row contradicts itself.",
        f"{many(repeated, 'row')} {'is' if repeated == 1 else 'are'} there more than once, and counted once."
        if repeated
        else "",
        f"{many(subject.suppressed, 'row')} {'was' if subject.suppressed == 1 else 'were'} left out as asked."
        if subject.suppressed
        else "",
        "Rows that <code>scoring score</code> could not read at all are in a file of their own, beside the scores.",
    )
    body = _rules("problems-table", "Why rows were not scored", problems)
    body += _rules("flags-table", "How rows contradict themselves", flags)
    return Section("quality", "Data quality", lead, body + _fields(filled))


def _count(names: pl.Series) -> list[tuple[str, int]]:
    """Count names, the most frequent first."""
    known = names.drop_nulls()
    counted = pl.DataFrame({"rule": known}).group_by("rule").len().sort("len", "rule", descending=[True, False])
    return [(name, rows) for name, rows in counted.iter_rows() if name]


def _rules(name: str, title: str, counts: list[tuple[str, int]]) -> Cell:
    if not counts:
        return ""
    cells = [(foreign(_MEANINGS.get(rule, rule)), foreign(rule), number(rows)) for rule, rows in counts]
    return f"<h3>{safe(title)}</h3>" + table(name, title, ["What is wrong", "Rule", "Rows"], cells, text=[1])


def _fields(filled: dict[str, float]) -> Cell:
    """List the fields that are empty, and those that are in part."""
    empty = [name for name, share in filled.items() if share == 0]
    partly = sorted((share, name) for name, share in filled.items() if 0 < share < 1)
    full = len(filled) - len(empty) - len(partly)
    told = [f"Of the {len(filled)} fields, {full} are filled in every row."]
    if empty:
        told.append(f"Empty or missing: {', '.join(f'<code>{safe(name)}</code>' for name in empty)}.")
    if partly:
        least = ", ".join(f"<code>{safe(name)}</code> {part(share)}" for share, name in partly[:5])
        told.append(f"Filled least: {least}.")
    cells = [
        (f"<code>{safe(name)}</code>", safe(schema.field(name).meaning), part(share)) for name, share in filled.items()
    ]
    numbers = table(
        "fields-table", "Share of rows in which each field is filled", ["Field", "Meaning", "Filled"], cells, text=[1]
    )
    return "<h3>Which fields are filled</h3>" + paragraph(*told) + fold(f"All {len(filled)} fields", numbers, "numbers")
