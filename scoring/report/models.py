"""The report of a model: how good it is on dates that it could not know, what drives it, and what it was made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from scoring.config import HORIZON_DAYS, TARGETS, TIERS
from scoring.drift import Drift, drift_of_snapshots
from scoring.errors import InputError
from scoring.model import Model, load_model
from scoring.own_card import write_own_card
from scoring.paths import local_path
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
    safe,
    table,
    times,
)
from scoring.report.page import lay_out
from scoring.report.periods import show_kinds, show_periods
from scoring.report.proof import CAME, first_target, pick
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
    loaded = load_model(model)
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
        *(show_periods(held, target) if held is not None and target is not None else [_ask(bool(snapshots))]),
        show_shapes(loaded),
        show_kinds(held, target) if held is not None and target is not None else None,
        _show_drift(drift_of_snapshots(loaded, snapshots)) if snapshots else None,
        _show_card(loaded, _card_beside(model, loaded)),
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


def _show_drift(drift: Drift) -> Section:
    """Show what has moved since the model was made."""
    told = {
        "stable": "Nothing to do: things lie much as they did when the model was made.",
        "watch": "Something has moved. Measure again with the next export before you act.",
        "act": "Something has moved so far that the chances suffer. Act on it.",
    }[drift.action]
    lead = paragraph(
        told, f"The export of {day(datetime.fromisoformat(drift.as_of))}, held against what the model was made on."
    )
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
        "These exports prove nothing of it: none was made 30 days after another, or the model has learned from all of "
        "them, or none shows both outcomes. Give one that was made 30 days after it, or a little more."
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


def _card_beside(given: Model | str | Path, model: Model) -> str | None:
    """Read the card that was saved beside a model, or that comes with the package."""
    if model.id == load_model().id:
        installed, checkout = (Path(__file__).parents[up] for up in (1, 2))
        folders = [installed / "shipped_model", checkout / "models" / "shipped"]
    elif isinstance(given, Model) or str(given).startswith("models:/"):
        return None
    else:
        folders = [local_path(given)]
    return next((path.read_text("utf-8") for folder in folders if (path := folder / "CARD.md").is_file()), None)


def _show_card(model: Model, card: str | None) -> Section:
    """Show the model card, or what stands in for it."""
    about: Mapping[str, Any] = model.provenance
    text = card if card is not None else write_own_card(model) if "exports" in about else ""
    cuts = ", ".join(f"{tier} from {cut:.1%}" for tier, cut in zip(TIERS, model.tier_cuts, strict=False))
    lead = paragraph(_origin(model), f"Tiers by the chance of a reply or a meeting: {cuts}; the rest is D.")
    text = text.partition("\n\n")[2] if text.startswith("# ") else text
    body = write_prose(text.replace(" %", "%"), above=1)
    return Section("card", "Model card", lead, body)


def _close(model: Model) -> Cell:
    return paragraph(
        f"Model {foreign(model.id)}. A chance is that of at least one mail or meeting in the {HORIZON_DAYS} days from "
        "the date of an export, as reps have worked so far. It is a sum of table look-ups; nothing else goes into it."
    )
