"""The report of a model: how good it is on dates that it could not know, what drives it, and what it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import polars as pl

from scoring.config import HORIZON_DAYS, TARGETS, TIERS
from scoring.drift import Drift, drift_of_snapshots
from scoring.errors import InputError
from scoring.model import SHIPPED, Model, load_model
from scoring.own_card import write_own_card
from scoring.paths import local_path
from scoring.report.charts import Line, draw_curves
from scoring.report.heldout import HeldOut, hold_out
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
from scoring.report.page import lay_out
from scoring.report.proof import CAME, first_target, pick, show_calibration, show_tier_results, show_top
from scoring.report.prose import write_prose
from scoring.report.shapes import show_shapes
from scoring.report.subject import day
from scoring.snapshots import Exports, Snapshot, take_snapshots

__all__ = ["report_model"]

_ASKED: Final = {
    "reply": "a reply",
    "meeting": "a meeting",
    "answer": "an answer, if the rep writes",
    "engaged": "a reply or a meeting",
}
_LAST: Final = {"reply": "their last mail", "meeting": "the last activity", "engaged": "the last activity"}
"""What `baselines.recency` sorts by."""
_MOVED: Final = 8


def report_model(model: Model | str | Path, *, exports: Exports | None = None, suppress: Sequence[str] = ()) -> str:
    """Write a page about a model: one HTML file that needs nothing from elsewhere.

    Parameters
    ----------
    model : Model, str or Path
        A model, the folder of one, or ``"shipped"``.
    exports : mapping, sequence, or one export, optional
        As for `scoring.train`; at least two, best 30 days apart or a little more. They prove how good the model is: on
        the dates that it has not learned from, or else by twins that are trained the same way on what was known on
        each date. Without them the page holds what the model itself knows.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    str
        HTML. Nobody is named in it. The same model and exports give the same text, in whatever order rows come.

    Raises
    ------
    ModelError
        If the model cannot be loaded.
    InputError
        If an export cannot be used, or there is only one.

    Examples
    --------
    >>> import scoring
    >>> page = scoring.report_model("shipped")
    >>> "What drives the chances" in page, "Gains" in page
    (True, False)
    """
    loaded, card = load_model(model), _card_beside(model)
    snapshots = [] if exports is None else take_snapshots(exports, suppress=suppress)
    if len(snapshots) == 1:
        raise InputError(
            "one export: nothing tells what followed it",
            expected="at least two, best 30 days apart or a little more",
            hint="give an earlier or a later one too, or none",
        )
    held = hold_out(loaded, snapshots) if snapshots else None
    target = None if held is None else first_target(held.tiers)
    sections = [
        *([] if held is None or target is None else _show_proof(held, target)),
        *([] if snapshots and held is not None else [_ask(bool(snapshots))]),
        show_shapes(loaded),
        *([] if held is None or target is None else [_show_segments(held, target)]),
        *([_show_drift(drift_of_snapshots(loaded, snapshots))] if snapshots else []),
        _show_card(loaded, card),
    ]
    return lay_out(
        title="How good the chances are" if held is not None else "What the model knows",
        eyebrow=f"Model {foreign(loaded.id)}",
        summary=_sum_up(loaded, held, target, snapshots),
        headline=_headline(loaded, held, target),
        sections=[section for section in sections if section is not None],
        closing=_close(loaded),
    )


def _sum_up(model: Model, held: HeldOut | None, target: str | None, snapshots: Sequence[Snapshot]) -> Cell:
    if held is None or target is None:
        rates = model.rates
        known = "" if rates is None else f" Of {safe(rates.source)}, {part(rates.overall)} replied or met."
        return _origin(model) + known
    tenth = pick(held.top, target)[0]
    seen = "It" if held.itself else "Judged is a twin of it, which"
    return (
        f"In the {HORIZON_DAYS} days from {day(held.as_of)}, the first tenth of its list held "
        f"{part(tenth['captured'])} of all who {CAME[target]}, {times(tenth['lift'])} its share. {seen} had seen "
        "nothing of that time."
    )


def _origin(model: Model) -> Cell:
    """Say in a sentence what it learned from."""
    about = model.provenance
    if "exports" in about:
        dates = sorted(each["as_of"][:10] for each in about["exports"])
        many = f"{number(len(dates))} exports" if len(dates) > 1 else "one export"
        return f"It learned from {many} of your own, up to {safe(dates[-1])}."
    if "recipe" in about:
        recipe = about["recipe"]
        return f"It learned from {number(recipe['organisations'])} simulated organisations. No one's data is in it."
    return "It does not say what it learned from."


def _headline(model: Model, held: HeldOut | None, target: str | None) -> Cell:
    if held is None or target is None:
        return _known(model)
    tenth = pick(held.top, target)[0]
    tiers = {row["tier"]: row for row in pick(held.tiers, target)}
    rows = sum(row["rows"] for row in tiers.values())
    rate = sum(row["observed"] for row in tiers.values()) / rows
    each = number(1 / tenth["rate"], 1) if tenth["rate"] else "–"
    return figures(
        [
            ("base-rate", part(rate), f"of {number(rows)} contacts {CAME[target]} within {HORIZON_DAYS} days"),
            ("first-tenth", part(tenth["rate"]), f"of the first tenth of the list {CAME[target]}"),
            ("lift", times(tenth["lift"]), "as many as among contacts taken at random"),
            ("each", each, f"contacts to work for one, against {number(1 / rate, 1)} at random"),
        ]
    )


def _known(model: Model) -> Cell:
    """Show what the model says of itself."""
    chances = {} if model.reference is None else model.reference.chances
    pairs = [
        (f"mean-{name}", part(chances[name]), f"mean chance of {_ASKED[name]}") for name in TARGETS if name in chances
    ]
    cuts = [
        (f"cut-{tier}", part(cut), f"least chance for tier {tier}")
        for tier, cut in zip(TIERS, model.tier_cuts, strict=False)
    ]
    return figures(pairs or cuts)


def _show_proof(held: HeldOut, target: str) -> list[Section]:
    """Show the newest period that was held out, and then every date."""
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
            day(row["as_of"]),
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


def _show_segments(held: HeldOut, target: str) -> Section:
    """Show for which kinds of contact the chances hold."""
    known = held.segments.filter(pl.col("rate").is_not_null(), target=target).to_dicts()
    cells, off = [], 0
    for row in known:
        is_off = row["low"] is not None and (row["low"] > 0 or row["high"] < 0)
        off += is_off and row["segment"] != "everyone"
        word = ("too high" if row["gap"] > 0 else "too low") if is_off else "within chance"
        name = (
            "Everyone" if row["segment"] == "everyone" else f"{safe(_spaced(row['segment']))}: {foreign(row['value'])}"
        )
        cells.append((name, number(row["rows"]), part(row["expected"]), part(row["rate"]), word))
    others = len(known) - 1
    lead = paragraph(
        "Whether the chances hold for every kind of contact, over all dates, where there are enough to tell.",
        f"For {number(off)} of {number(others)} kinds they are off beyond chance: read those chances with care."
        if off
        else "No kind is off beyond chance.",
    )
    heads = ["Kind of contact", "Contacts", "Expected", "Came", "The chances are"]
    caption = f"At least 100 contacts each, and ten of either outcome; who {CAME[target]}"
    return Section("segments", "Kinds of contact", lead, table("segments-table", caption, heads, cells, text=[4]))


def _spaced(name: str) -> str:
    return (name[:1].upper() + name[1:]).replace("_", " ")


def _show_drift(drift: Drift) -> Section:
    """Show what has moved since the model was made."""
    told = {
        "stable": "Nothing to do: things lie much as they did when the model was made.",
        "watch": "Something has moved. Measure again with the next export before you act.",
        "act": "Something has moved so far that the chances suffer. Act on it.",
    }[drift.action]
    lead = paragraph(told, f"The export of {safe(drift.as_of[:10])}, held against what the model was made on.")
    sentences = items(safe(each[:1].upper() + each[1:]) for each in drift.verdict.split("; "))
    note = f'<div class="note{" warn" if drift.action == "act" else ""}">{sentences}</div>'
    cells = [
        (f"<code>{safe(row['feature'])}</code>", f"{row['shift']:+.2f}", f"{row['psi']:.2f}", f"{row['by_chance']:.2f}")
        for row in drift.features.head(_MOVED).iter_rows(named=True)
    ]
    heads = ["Feature", "Moves the log-odds", "Stability index", "By chance"]
    caption = "The features that now move chances most against then; an index below 0.1 is nothing, above 0.25 much"
    body = note + (fold("Which features moved", table("drift-table", caption, heads, cells)) if cells else "")
    return Section("drift", "What has moved since", lead, body)


def _ask(tried: bool) -> Section:
    """Say how to get what only outcomes can tell."""
    why = (
        "These exports prove nothing of it: the model has learned from all of them, or no date has both outcomes. "
        "Give one that was made after it."
        if tried
        else "That takes outcomes, and a model holds none. Give it two exports or more, best 30 days apart:"
    )
    return Section(
        "proof",
        "How good it is",
        paragraph(why),
        "<p><code>scoring report MODEL --exports EARLIER LATER -o report.html</code></p>"
        + paragraph("Then this page shows gains and lift, replies for each tier, and whether 80 means 80%."),
    )


def _card_beside(model: Model | str | Path) -> str | None:
    """Read the card that was saved beside a model."""
    if isinstance(model, Model) or str(model).startswith("models:/"):
        return None
    folder = Path(__file__).parents[2] / "models" / "shipped" if str(model) == SHIPPED else local_path(model)
    installed = Path(__file__).parents[1] / "shipped_model"
    if str(model) == SHIPPED and installed.is_dir():
        folder = installed
    path = folder / "CARD.md"
    return path.read_text("utf-8") if path.is_file() else None


def _show_card(model: Model, card: str | None) -> Section:
    """Show the model card, or what stands in for it."""
    about: Mapping[str, Any] = model.provenance
    text = card if card is not None else write_own_card(model) if "exports" in about else ""
    cuts = ", ".join(f"{tier} from {cut:.1%}" for tier, cut in zip(TIERS, model.tier_cuts, strict=False))
    lead = paragraph(_origin(model), f"Tiers by the chance of a reply or a meeting: {cuts}; the rest is D.")
    body = write_prose(text.partition("\n\n")[2] if text.startswith("# ") else text, above=1)
    return Section("card", "Model card", lead, body)


def _close(model: Model) -> Cell:
    return paragraph(
        f"Model {foreign(model.id)}. A chance is that of at least one mail or meeting in the {HORIZON_DAYS} days from "
        "the date of an export, as reps have worked so far. It is a sum of table look-ups; nothing else goes into it."
    )
