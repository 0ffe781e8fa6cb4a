"""Sections about periods that a model was held out of: gains, tiers, calibration, every date, every kind of contact."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.config import HORIZON_DAYS
from scoring.report.charts import Line, draw_curves
from scoring.report.heldout import HeldOut
from scoring.report.markup import Cell, Section, foreign, many, number, paragraph, part, picture, safe, table, times
from scoring.report.proof import CAME, pick, show_calibration, show_tier_results, show_top
from scoring.report.subject import day

__all__ = ["show_kinds", "show_periods"]

_LAST: Final = {"reply": "their last mail", "meeting": "the last activity", "engaged": "the last activity"}
"""What `baselines.recency` sorts by."""


def show_periods(held: HeldOut, target: str) -> list[Section]:
    """Show the newest period that was held out, and then every date.

    Parameters
    ----------
    held : HeldOut
        What was promised, and what came.
    target : {"reply", "meeting", "engaged"}
        What the pictures are of.

    Returns
    -------
    list of Section
    """
    what = "this model" if held.itself else "a twin of this model"
    how = (
        "This model had seen nothing of it."
        if held.itself
        else "As this model has learned from all of these exports, a twin stands in for it: trained in the same way, "
        "on nothing but what was known on the day."
    )
    period = paragraph(
        f"The newest period: {number(held.rows)} contacts as of {day(held.as_of)}, and what came before "
        f"{day(held.until)}. {how}",
        f"{number(held.open)} of them are left out, since their outcome is open." if held.open else "",
        "" if held.settled else "That is so many that the rates are rather too low.",
    )
    return [
        Section(
            "gains", "Gains", period, _gains(held, target, what) + "<h3>In numbers</h3>" + show_top(held.top, target)
        ),
        Section(
            "tiers",
            f"Who {CAME[target]}, tier by tier",
            paragraph(
                "Tiers are cut by the chance of a reply or a meeting. If each tier does clearly better than the next, "
                "reps can trust them; if two are alike, treat them as one."
            ),
            show_tier_results(held.tiers, target),
        ),
        Section(
            "calibration",
            "Does 80 mean 80%?",
            paragraph("Whether the chances can be taken at their word, and not only sort contacts."),
            show_calibration(held.reliability, target),
        ),
        _show_dates(held, target),
    ]


def _gains(held: HeldOut, target: str, what: str) -> Cell:
    """Draw what part of all successes working a part of the list finds."""
    curves = {
        order: [(0.0, 0.0), *held.gains.filter(target=target, order=order).select("share", "captured").iter_rows()]
        for order in held.gains.filter(target=target)["order"].unique(maintain_order=True)
    }
    shown = {"product": ("own", f"by {what}"), "recency": ("other", f"sorted by {_LAST[target]}")}
    lines = [Line(shown[order][1], shown[order][0], points) for order, points in curves.items()]
    lines.append(Line("in any order", "even", [(0, 0), (1, 1)]))
    own = dict(curves["product"])
    told = ", ".join(f"the first {part(share)} hold {part(own[share])}" for share in (0.1, 0.2, 0.3, 0.5))
    title = f"What part of all who {CAME[target]} is found by working a part of the list"
    drawn = draw_curves("gains-chart", title, told, "share of the list that is worked, from the top", lines)
    orders = list(curves)
    cells = [
        (part(share), *(part(dict(curves[order])[share]) for order in orders)) for share, _ in curves["product"][1:]
    ]
    heads = ["Worked", *(shown[order][1] for order in orders)]
    numbers = table("gains-table", title, heads, cells)
    legend = {line.kind: safe(line.label) for line in lines}
    half = next((share for share, captured in curves["product"] if captured >= 0.5), 1.0)
    words = paragraph(
        "Work the list from the top, and see how much of what is to be had you have found. Half of all who "
        f"{CAME[target]} are among the first {part(half)}.",
        "The further the line lies above the dashed one, the more the model adds to what anyone can do by sorting a "
        "spreadsheet.",
    ) + _against_sorting(held, target)
    caption = f"Up: the part that is found of all who {CAME[target]}."
    return f'<div class="side">{picture("gains-figure", drawn, caption, numbers, legend)}<div>{words}</div></div>'


def _against_sorting(held: HeldOut, target: str) -> Cell:
    """Say whether the model orders better than sorting, beyond chance."""
    rows = held.differences.filter(target=target, against="recency", measure="rate_10").to_dicts()
    if not rows or rows[0]["verdict"] is None:
        return ""
    row = rows[0]
    dates = f", over {number(row['dates'])} dates" if row["dates"] > 1 else ""
    points = f"{abs(row['difference']) * 100:.1f} points"
    told = {
        "better": f"The first tenth holds {points} more who {CAME[target]} than sorting finds, beyond chance{dates}.",
        "worse": f"Sorting finds {points} more in the first tenth{dates}, beyond chance. Train on your own exports.",
        "no difference": f"In the first tenth the difference to sorting ({points}) could be chance{dates}.",
    }
    return f'<div class="note"><p>{told[row["verdict"]]}</p></div>'


def _show_dates(held: HeldOut, target: str) -> Section:
    """Show every date that could be judged."""
    rows = pick(held.dates, target)
    cells = [
        (
            f'<span class="whole">{day(row["as_of"])}</span>',
            number(row["rows"]),
            part(row["rate"]),
            part(row["first"]),
            times(row["first"] / row["rate"]),
            part(row["sorted"]),
        )
        for row in rows
    ]
    better = sum(row["sorted"] is not None and row["first"] > row["sorted"] for row in rows)
    lead = paragraph(
        "One month is one month. Each date was predicted from what was known before it, and judged by the contacts "
        "whose outcome is known.",
        f"On {number(better)} of {number(len(rows))} the first tenth of the list held more who {CAME[target]} than "
        f"the first tenth sorted by {_LAST[target]}.",
    )
    heads = ["Date", "Contacts", f"All who {CAME[target]}", "In the first tenth", "Lift", "By sorting"]
    return Section(
        "dates",
        "Date by date",
        lead,
        table("dates-table", f"Share of contacts who {CAME[target]} in {HORIZON_DAYS} days", heads, cells),
    )


def show_kinds(held: HeldOut, target: str) -> Section | None:
    """Show for which kinds of contact the chances hold.

    Parameters
    ----------
    held, target
        As for `show_periods`.

    Returns
    -------
    Section or None
        None if there are too few contacts to tell.
    """
    known = held.segments.filter(pl.col("rate").is_not_null(), target=target).to_dicts()
    if not known:
        return None
    everyone = known[0]
    # a field with one value in all rows tells kinds of contact from nothing
    known = [row for row in known if row is everyone or row["rows"] < everyone["rows"]]
    cells, off = [], 0
    for row in known:
        above, below = row["low"] is not None and row["low"] > 0, row["high"] is not None and row["high"] < 0
        # beyond chance, and beyond what all are off
        far = (above and row["low"] > everyone["gap"]) or (below and row["high"] < everyone["gap"])
        off += far
        word = "too high" if above else "too low" if below else "within chance"
        word = f"<b>{word}, beyond the rest</b>" if far else word
        name = "Everyone" if row is everyone else f"{safe(_spaced(row['segment']))}: {foreign(row['value'])}"
        cells.append((name, number(row["rows"]), part(row["expected"]), part(row["rate"]), word))
    lead = paragraph(
        f"Over all dates and kinds, {part(everyone['expected'])} were expected and {part(everyone['rate'])} came.",
        f"Of {many(len(known) - 1, 'kind')} of contact, {number(off)} {'is' if off == 1 else 'are'} off beyond that "
        "and beyond chance: read those chances with care."
        if off
        else "No kind of contact is off beyond that, as far as chance lets one tell.",
    )
    heads = ["Kind of contact", "Contacts", "Expected", "Came", "The chances are"]
    caption = f"At least 100 contacts each, and ten of either outcome; who {CAME[target]}"
    return Section("segments", "Kinds of contact", lead, table("segments-table", caption, heads, cells, text=[4]))


def _spaced(name: str) -> str:
    return (name[:1].upper() + name[1:]).replace("_", " ")
