"""What came: replies for each tier, what the top of a list found, and whether 80 means 80 %.

The figures are those of `review.Review`, of last month's scores, or the same of a period that a model was held out of.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Any, Final

import polars as pl

from scoring.config import HORIZON_DAYS, TIERS
from scoring.report.charts import Bar, Dot, draw_bars, draw_calibration
from scoring.report.markup import (
    Cell,
    Section,
    figures,
    fold,
    foreign,
    items,
    number,
    paragraph,
    part,
    picture,
    safe,
    table,
    times,
)
from scoring.report.subject import day
from scoring.review import Review

__all__ = ["CAME", "first_target", "pick", "show_calibration", "show_review", "show_tier_results", "show_top"]

CAME: Final = {"reply": "replied", "meeting": "met", "engaged": "replied or met"}
"""What each target is called when it came."""

_CODE: Final = re.compile("`([^`]+)`")
_KIND: Final = dict(zip(TIERS, "abcd", strict=True))
_TIMES_D, _OF_ALL = 10.0, 0.6  # what a good list reaches, by what scoring vendors promise themselves
_FEW: Final = 30  # outcomes of one kind, below which a level is not judged, as in the verdict
_REPS: Final = 30
_FEWEST_EXPECTED: Final = 3.0


def first_target(frame: pl.DataFrame) -> str:
    """Choose what pictures are of: replies if any are known, else what is."""
    known = frame.filter(pl.col("rows") > 0)["target"].unique().to_list() if "rows" in frame.columns else []
    return next((target for target in CAME if target in known), frame["target"][0])


def pick(frame: pl.DataFrame, target: str) -> list[dict[str, Any]]:
    """Give the rows of a target as plain values."""
    return frame.filter(target=target).to_dicts()


def show_review(review: Review) -> Section:
    """Show whether last month's scores held.

    Parameters
    ----------
    review : Review
        What came.

    Returns
    -------
    Section
    """
    target = first_target(review.tiers)
    days = (review.until - review.as_of) / timedelta(days=1)
    settled = dict(review.labels.select("target", "settled").iter_rows())[target] or days < HORIZON_DAYS
    lead = paragraph(
        f"What later exports prove of the {number(days)} days from {day(review.as_of)} on, for every contact on the "
        "list.",
        "One month is one month: act on the order at once, on the level only if the next one says the same.",
        "" if settled else "The outcome of many is still open, so the rates below are rather too low.",
    )
    level = review.levels.row(by_predicate=pl.col("target") == target, named=True)
    verdict = items(_CODE.sub(r"<code>\1</code>", safe(sentence)) for sentence in review.verdict)
    body = _level(level, target) + fold("The whole verdict, of replies, meetings and either", verdict)
    body += "<h3>Tier by tier</h3>" + show_tier_results(review.tiers, target)
    body += "<h3>The top of the list</h3>" + show_top(review.top, target)
    body += "<h3>Did 80 mean 80%?</h3>" + show_calibration(review.reliability, target)
    return Section(
        "review",
        "Did it work?",
        lead + paragraph(_order(review.tiers, target), _height(level, days)),
        body + _rep_results(review.reps, target),
    )


def _order(tiers: pl.DataFrame, target: str) -> Cell:
    """Say first what a manager asks first: whether the order held."""
    rates = [(row["tier"], row["rate"]) for row in pick(tiers, target) if row["rows"]]
    if len(rates) < 2 or not any(rate for _, rate in rates):
        why = "there is but one tier" if len(rates) < 2 else f"it is not proved of anybody that they {CAME[target]}"
        return f"Nothing can be said of the order: {why}."
    falls = all(above >= below for (_, above), (_, below) in pairwise(rates)) and rates[0][1] > rates[-1][1]
    by = ", ".join(f"{part(rate)} in tier {tier}" for tier, rate in rates)
    return f"<b>The order {'held' if falls else 'did not hold'}:</b> {by} {CAME[target]}."


def _height(level: Mapping[str, Any], days: float) -> Cell:
    """Say whether as many came as were expected."""
    if days < HORIZON_DAYS:
        return f"Whether the level held cannot be said before the {HORIZON_DAYS} days are over."
    did_not = level["rows"] - level["observed"] - level["open"]
    if min(level["observed"], did_not) < _FEW:
        return "Too few of one kind are known to judge the level."
    if level["low"] is None or level["low"] <= 0 <= level["high"]:
        return "<b>The level held,</b> as far as chance and what is still open let one tell."
    return f"<b>The level was too {'high' if level['gap'] > 0 else 'low'},</b> beyond chance."


def _level(row: Mapping[str, Any], target: str) -> Cell:
    """Put what came beside what was expected."""
    least, most = row["observed"], row["observed"] + row["open"]
    came = number(least) if least == most else f"{number(least)}–{number(most)}"
    beside = " (some are still open)" if row["open"] else ""
    return figures(
        [
            ("known", number(row["rows"]), "contacts looked at again"),
            ("came", came, f"{CAME[target]}{beside}"),
            ("promised", number(row["expected"]), "were expected to"),
        ]
    )


def show_tier_results(tiers: pl.DataFrame, target: str) -> Cell:
    """Show how many of each tier did it, beside what was expected, and hold that against what a good list reaches.

    Parameters
    ----------
    tiers : polars.DataFrame
        As `Review.tiers`.
    target : {"reply", "meeting", "engaged"}
        What the picture is of; the table is of all.

    Returns
    -------
    str
    """
    rows = [row for row in pick(tiers, target) if row["rows"]]
    most = _axis(max((max(row["rate"], row["expected"] / row["rows"]) for row in rows), default=1.0))
    bars = [
        Bar(
            f"Tier {row['tier']}",
            f"{part(row['rate'])} came, {part(row['expected'] / row['rows'])} expected",
            ((row["rate"] / most, _KIND[row["tier"]]), (row["expected"] / row["rows"] / most, "rest")),
        )
        for row in rows
    ]
    title = f"How many {CAME[target]} in each tier"
    told = "; ".join(f"tier {row['tier']}: {part(row['rate'])} of {number(row['rows'])} contacts" for row in rows)
    cells = [
        (
            f"Tier {row['tier']}",
            CAME[row["target"]],
            number(row["rows"]),
            number(row["expected"], 1),
            number(row["observed"]),
            part(row["rate"]),
            times(row["lift"]),
        )
        for row in tiers.to_dicts()
    ]
    heads = ["Tier", "What", "Contacts", "Expected", "Came", "Rate", "Against the average"]
    numbers = table("came-table", "Contacts whose outcome is known, by tier", heads, cells, text=[1])
    scale = "" if most == 1 else f" A full bar would be {part(most)}."
    caption = f"Colour: the share that did. Grey: the share that was expected to.{scale}"
    return picture("came-figure", draw_bars("came-chart", title, told, bars), caption, numbers) + _tests(rows, target)


def _axis(highest: float) -> float:
    """End an axis of shares at the next tenth above all that is on it."""
    return min(1.0, max(0.1, math.ceil(highest * 10 - 1e-9) / 10))


def _tests(rows: Sequence[Mapping[str, Any]], target: str) -> Cell:
    """Say whether the best tier is worth ten of the last, and whether the first two hold most of what came."""
    by_tier = {row["tier"]: row for row in rows}
    came = sum(row["observed"] for row in rows)
    told = []
    if {"A", "D"} <= set(by_tier) and came:
        first, last = by_tier["A"]["rate"], by_tier["D"]["rate"]
        found = (
            f"Contacts in tier A {CAME[target]} {times(first / last)} as often as those in D."
            if last
            else f"Of tier A {part(first)} {CAME[target]}, and nobody of D."
        )
        told.append(
            f"<b>A against D.</b> {found} A list that tells them apart well reaches {number(_TIMES_D)}×: "
            f"{_verdict(first > 0 and first >= _TIMES_D * last)}"
        )
    if came:
        first = [by_tier[tier] for tier in ("A", "B") if tier in by_tier]
        held = sum(row["observed"] for row in first) / came
        share = sum(row["rows"] for row in first) / sum(row["rows"] for row in rows)
        told.append(
            f"<b>What A and B hold.</b> They are {part(share)} of the contacts and held {part(held)} of all who "
            f"{CAME[target]}. A good list holds {part(_OF_ALL)}: {_verdict(held >= _OF_ALL)}"
        )
    return items(told)


def _verdict(passed: bool) -> Cell:
    return "<b>reached.</b>" if passed else "<b>not reached.</b>"


def show_top(top: pl.DataFrame, target: str) -> Cell:
    """Show what working the top tenths of the list found, and what one success cost.

    Parameters
    ----------
    top : polars.DataFrame
        As `Review.top`.
    target : {"reply", "meeting", "engaged"}
        What is shown first; the others are folded.

    Returns
    -------
    str
    """
    caption = "Lift: the rate against that of all contacts. 95 of 100: where the rate lies in so many draws of the reps"
    heads = ["Worked", "Rate", "95 of 100", "Lift", "Of all who did", "Contacts for each"]
    tables = {
        each: table(f"top-{each}", f"Who {CAME[each]}. {caption}", heads, map(_of_share, pick(top, each)))
        for each in top["target"].unique(maintain_order=True)
    }
    others = "".join(shown for each, shown in tables.items() if each != target)
    return tables[target] + (fold("The same of the others", others, "numbers") if others else "")


def _of_share(row: Mapping[str, Any]) -> Sequence[Cell]:
    between = "–" if row["low"] is None else f"{part(row['low'])} to {part(row['high'])}"
    each = number(1 / row["rate"], 1) if row["rate"] else "–"
    return (f"First {part(row['share'])}", part(row["rate"]), between, times(row["lift"]), part(row["captured"]), each)


def show_calibration(reliability: pl.DataFrame, target: str) -> Cell:
    """Show what came against what was expected, in ten groups of contacts by their chance.

    Parameters
    ----------
    reliability : polars.DataFrame
        As `Review.reliability`.
    target : {"reply", "meeting", "engaged"}
        What the picture is of.

    Returns
    -------
    str
    """
    rows = pick(reliability, target)
    largest = max((row["rows"] for row in rows), default=1.0)
    highest = max((max(row["expected"], row["observed"]) for row in rows), default=1.0)
    most = _axis(highest)
    dots = [Dot(row["expected"], row["observed"], row["rows"] / largest) for row in rows]
    title = f"Chances against the share who {CAME[target]}"
    told = "; ".join(f"expected {part(row['expected'])}, came {part(row['observed'])}" for row in rows)
    drawn = draw_calibration("reliability-chart", title, told, "chance that was given", dots, most)
    cells = [
        (
            f"{part(row['lowest'])} to {part(row['highest'])}",
            number(row["rows"]),
            part(row["expected"]),
            part(row["observed"]),
        )
        for row in rows
    ]
    heads = ["Chances", "Contacts", "Expected", "Came"]
    numbers = table("reliability-table", f"Contacts by their chance; how many {CAME[target]}", heads, cells)
    caption = (
        f"Up: the share who {CAME[target]}. On the dotted line both are the same; above it more came than was "
        "promised, below it fewer."
    )
    off = sum(row["rows"] for row in rows if row["observed"] > row["expected"]) / sum(row["rows"] for row in rows)
    words = paragraph(
        "Each dot is about a tenth of the contacts. If the dots lie on the line, a chance of 80% can be taken at its "
        "word.",
        f"Here more came than was promised for {'all' if off == 1 else part(off) if off else 'none'} of the contacts.",
        "Dots that climb from left to right but lie off the line mean that the order is right and the level is not: "
        "<code>scoring recalibrate</code> moves the level.",
    )
    return f'<div class="side">{picture("reliability-figure", drawn, caption, numbers)}<div>{words}</div></div>'


def _rep_results(reps: pl.DataFrame, target: str) -> Cell:
    """Show reps beside what is usual for such contacts."""
    rows = reps.filter(pl.col("usual") >= _FEWEST_EXPECTED, target=target)
    if rows.is_empty():
        return ""
    out = pl.col("verdict") != "as usual"
    far = rows.sort(
        out, (pl.col("observed") - pl.col("usual")).abs(), "rep", descending=[True, True, False]
    ).head(_REPS)  # fmt: skip
    heads = ["Rep", "Contacts", "Came", "Usual", "Within chance", "Verdict"]
    shown = {
        name: table(f"rep-results-{name}", caption, heads, map(_of_rep, inside.iter_rows(named=True)), text=[5])
        for name, caption, inside in (
            ("out", "Reps outside of what is usual", far.filter(out)),
            ("usual", f"Reps as usual, of whom {_FEWEST_EXPECTED:.0f} or more were to be expected", far.filter(~out)),
        )
        if inside.height
    }
    others = fold("Reps as usual", shown["usual"], "numbers") if "usual" in shown else ""
    words = paragraph(
        "Beside what such contacts brought in the whole organisation this month. A rep outside is worth a "
        "conversation, not a ranking: by chance alone up to one in twenty is."
    )
    many = rows.filter(out).height
    found = paragraph(f"Of {number(rows.height)} reps {number(many)} {'is' if many == 1 else 'are'} outside.")
    return "<h3>Rep by rep</h3>" + words + found + shown.get("out", "") + others


def _of_rep(row: Mapping[str, Any]) -> Sequence[Cell]:
    counts = (number(row["rows"]), number(row["observed"]), number(row["usual"], 1))
    return (foreign(row["rep"]), *counts, f"{number(row['low'])} to {number(row['high'])}", safe(row["verdict"]))
