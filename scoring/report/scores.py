"""The report of scored contacts: what a revenue team has, whom to start with, and what to expect."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import polars as pl

from scoring.accounts import ACTIVE_DAYS
from scoring.config import HORIZON_DAYS, TIERS
from scoring.report.causes import count_causes
from scoring.report.charts import Bar, draw_balance, draw_bars
from scoring.report.markup import (
    Cell,
    Section,
    figures,
    foreign,
    many,
    number,
    paragraph,
    part,
    picture,
    safe,
    table,
)
from scoring.report.page import lay_out
from scoring.report.people import show_accounts, show_reps, show_start
from scoring.report.proof import show_review
from scoring.report.quality import show_evidence, show_quality
from scoring.report.subject import Subject, day, look_at, moment
from scoring.review import review_scores
from scoring.snapshots import Exports

__all__ = ["report_scores"]

_CAUSES: Final = 8
_KIND: Final = dict(zip(TIERS, "abcd", strict=True))


def report_scores(scored: Any, *, later: Exports | None = None, suppress: Sequence[str] = ()) -> str:
    """Write a page about scored contacts: one HTML file that needs nothing from elsewhere.

    Parameters
    ----------
    scored : frame, records or path
        What `scoring.score` gave, or a file of it. Rows with a `problem` are counted, equal rows count once.
    later : mapping, sequence, or one export, optional
        Exports made after it, as for `scoring.review_scores`: then the page says whether the chances held.
    suppress : sequence of str
        Addresses and domains whose contacts are left out, and only counted.

    Returns
    -------
    str
        HTML. The same rows give the same text, in whatever order they come.

    Raises
    ------
    InputError
        If something cannot be read, or no row was scored.

    Examples
    --------
    >>> import scoring
    >>> page = scoring.report_scores(scoring.score({"crm_id": "1", "total_inbound": 3}, as_of="2026-01-05"))
    >>> page.startswith("<!DOCTYPE html>"), "5 January 2026" in page
    (True, True)
    """
    subject = look_at(scored, suppress)
    review = None if later is None else review_scores(subject.scored, later, suppress=suppress)
    sections = [
        None if review is None else show_review(review),
        show_start(subject),
        _show_tiers(subject.rows),
        _show_funnel(subject),
        show_reps(subject),
        show_accounts(subject),
        _show_causes(subject.rows),
        show_evidence(subject),
        show_quality(subject),
    ]
    return lay_out(
        title=f"Whom to work in the {HORIZON_DAYS} days from {day(subject.as_of)}",
        eyebrow=f"Contact scores as of {moment(subject.as_of)}",
        summary=_sum_up(subject.rows),
        headline=_headline(subject.rows),
        sections=[section for section in sections if section is not None],
        closing=_close(subject),
    )


def _sum_up(rows: pl.DataFrame) -> Cell:
    """Say in a sentence what the list is worth."""
    first = rows.filter(pl.col("tier").cast(pl.String) == "A")
    replies, of_first = float(rows["reply_probability"].sum()), float(first["reply_probability"].sum())
    reps = rows["rep"].drop_nulls().n_unique()
    whose = f" of {many(reps, 'rep')}" if reps > 1 else ""
    if not first.height or not replies:
        return f"{many(rows.height, 'contact')}{whose}, none of them in tier A."
    return (
        f"Of {many(rows.height, 'contact')}{whose}, {number(first.height)} are in tier A: "
        f"{part(first.height / rows.height)} of the list, and {part(of_first / replies)} of the replies that are to "
        "be expected."
    )


def _headline(rows: pl.DataFrame) -> Cell:
    first = rows.filter(pl.col("tier").cast(pl.String) == "A").height
    return figures(
        [
            ("contacts", number(rows.height), "contact scored" if rows.height == 1 else "contacts scored"),
            ("tier-a", number(first), "of them in tier A"),
            ("replies", number(float(rows["reply_probability"].sum())), f"expected to reply in {HORIZON_DAYS} days"),
            ("meetings", number(float(rows["meeting_probability"].sum())), f"expected to meet in {HORIZON_DAYS} days"),
        ]
    )


def _show_tiers(rows: pl.DataFrame) -> Section:
    """Show how contacts and expected replies lie in the tiers."""
    replies = float(rows["reply_probability"].sum())
    bars, cells, held = [], [], {}
    for tier in TIERS:
        inside = rows.filter(pl.col("tier").cast(pl.String) == tier)
        expected, met = (float(inside[f"{name}_probability"].sum()) for name in ("reply", "meeting"))
        share, of_replies = inside.height / rows.height, expected / replies if replies else 0.0
        held[tier] = (share, of_replies)
        span = "–"
        if inside.height:
            least, most = inside.select(pl.col("priority").min().alias("a"), pl.col("priority").max().alias("b")).row(0)
            span = f"{part(least)} to {part(most)}"
        bars.append(
            Bar(
                f"Tier {tier}",
                f"{part(share)} of contacts, {part(of_replies)} of replies",
                ((share, "rest"), (of_replies, _KIND[tier])),
            )
        )
        counts = (number(inside.height), part(share), number(expected, 1), part(of_replies), number(met, 1))
        cells.append((f"Tier {tier}", *counts, span))
    title = "Contacts and expected replies by tier"
    told = "; ".join(
        f"tier {tier}: {part(share)} of contacts, {part(of)} of replies" for tier, (share, of) in held.items()
    )
    heads = ["Tier", "Contacts", "Share", "Replies expected", "Share", "Meetings expected", "Chance of either"]
    numbers = table("tiers-table", f"{title}, in {HORIZON_DAYS} days", heads, cells)
    two = [sum(held[tier][place] for tier in ("A", "B")) for place in (0, 1)]
    lead = paragraph(
        f"Tiers sort contacts by the chance of a reply or a meeting. A and B are {part(two[0])} of the contacts and "
        f"hold {part(two[1])} of the replies to be expected.",
        "Work A whole, then B as far as time allows; C by campaigns; leave D alone unless there is a reason that this "
        "file cannot know.",
    )
    caption = "Grey: share of the contacts. Colour: share of the expected replies. The more colour, the better it pays."
    drawn = draw_bars("tiers-chart", title, told, bars)
    return Section("tiers", "Tiers", lead, picture("tiers-figure", drawn, caption, numbers))


def _show_funnel(subject: Subject) -> Section:
    """Show how many contacts are left at each step towards a reply."""
    rows, as_of = subject.rows, subject.as_of
    touched = rows["evidence"].cast(pl.String) != "none"
    engaged = touched & rows.select(_some("total_inbound") | _some("total_meetings")).to_series()
    lately = (pl.col("last_inbound_time") >= as_of - timedelta(days=ACTIVE_DAYS)).fill_null(False)
    active = engaged & rows.select(lately | _some("total_inbound_30d") | _some("total_meetings_30d")).to_series()
    expected = float(rows["priority"].sum())
    total = subject.allowed.height
    steps = [
        ("In the file", total, "a"),
        ("Scored, each once", rows.height, "a"),
        ("Any mail or meeting so far", int(touched.sum()), "a"),
        ("Ever wrote or met", int(engaged.sum()), "a"),
        (f"Wrote in {ACTIVE_DAYS} days, or met in 30", int(active.sum()), "a"),
        (f"Expected in the next {HORIZON_DAYS} days", expected, "up"),
    ]
    bars = [Bar(label, number(count), ((count / total, kind),)) for label, count, kind in steps]
    title = "From the file to a reply"
    told = "; ".join(f"{label}: {number(count)}" for label, count, _ in steps)
    cells = [(safe(label), number(count), part(count / total)) for label, count, _ in steps]
    silent = int(engaged.sum()) - int(active.sum())
    lead = paragraph(
        f"Those who have written or met before: {many(int(engaged.sum()), 'contact')}; gone silent since: "
        f"{number(silent)}.",
        "Reviving these costs least: they know you. The last bar is the sum of all chances, so it is what is likely "
        "if reps go on as they have.",
    )
    numbers = table(
        "funnel-table", "Contacts that are left at each step", ["Step", "Contacts", "Share of the file"], cells
    )
    drawn = draw_bars("funnel-chart", title, told, bars)
    caption = (
        "Each bar is a part of the one above it; the last says how many of all that are scored can be expected to "
        "write or meet."
    )
    return Section("funnel", title, lead, picture("funnel-figure", drawn, caption, numbers))


def _some(column: str) -> pl.Expr:
    return (pl.col(column) > 0).fill_null(False)


def _show_causes(rows: pl.DataFrame) -> Section | None:
    """Show which facts raise and lower the chances, and how often."""
    causes = count_causes(rows["reasons"])[:_CAUSES]
    if not causes:
        return None
    most = max(max(cause.up, cause.down) for cause in causes)
    drawn = draw_balance(
        "causes-chart",
        "What raises and lowers the chances",
        "; ".join(f"{cause.fact}: raises {number(cause.up)}, lowers {number(cause.down)}" for cause in causes),
        [
            (
                f"{cause.fact[:1].upper()}{cause.fact[1:]}",
                f"{part(cause.down / rows.height)} ↓   {part(cause.up / rows.height)} ↑",
                cause.down / most,
                cause.up / most,
            )
            for cause in causes
        ],
    )
    cells = [
        (
            foreign(cause.fact),
            number(cause.up),
            number(cause.down),
            foreign(cause.example.replace(" %", "%")),
            number(cause.example_rows),
        )
        for cause in causes
    ]
    heads = ["Fact", "Raises", "Lowers", "Most often said", "Contacts"]
    caption = (
        f"Among the strongest reasons of {many(rows.height, 'contact')}: contacts whose chance a fact raises or lowers"
    )
    numbers = table("causes-table", caption, heads, cells, text=[3])
    lead = paragraph(
        "Every chance is a sum of facts, and each contact's strongest ones stand beside it. Here is how often each "
        "fact is among them.",
        "If one fact decides almost everything, check that it is recorded for all reps alike.",
    )
    legend = {"down": "lowers the chance", "up": "raises the chance"}
    told = "Shares of the contacts whose chance the fact lowers or raises. One contact has up to six reasons."
    return Section(
        "causes", "What the chances are made of", lead, picture("causes-figure", drawn, told, numbers, legend)
    )


def _close(subject: Subject) -> Cell:
    """Say what a chance is, and what it is not."""
    ids = ", ".join(foreign(each) for each in subject.model_ids)
    return paragraph(
        f"Scored as of {moment(subject.as_of)} (UTC) by model {ids}. A chance is that of at least one mail or meeting "
        f"in the {HORIZON_DAYS} days from then on, as reps have worked so far. Expected numbers are sums of chances; "
        "whole organisations have better and worse months, and a model that has not learned from yours can be off in "
        "level while its order holds. <code>scoring review</code> holds it against what came."
    ) + paragraph("A low chance is no judgement of a person.")
