"""What a model of one's own was made of, in words: for the terminal, and for the model card beside the model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from scoring.config import TARGETS, TIERS
from scoring.model import Model, load_model
from scoring.rates import tell_rates

__all__ = ["describe", "tell_blend", "write_own_card"]

_SOURCES: Final = ("prior", "step_back", "history")


def write_own_card(model: Model) -> str:
    """Write the model card of a model that `scoring.train` gave.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    str
        Markdown: dates, counts and weights; nothing about a person, nor the name of a file.
    """
    sections = [
        f"# Model card: {model.id}",
        "Chances of a reply, a meeting, an answer and either, in the 30 days from the date of an Enriched Contacts "
        "export, for contacts of reps. An additive scorecard for each target, with and without the context of the "
        "whole export.",
        "## What it was made of",
        describe(model),
        "## What it cannot know",
        _LIMITS,
    ]
    return "\n\n".join(sections) + "\n"


_LIMITS: Final = """\
- How good it will be: this page says what went in. `scoring evaluate` says how well such models did on past dates.
- What was written. It knows that there was a mail, not whether it said no; nor deals, money, intent or the weather.
- Another organisation's contacts: what it adds to the prior, it has from this one's exports.
- People who were left out of the exports or suppressed: it learned nothing from them, and they may be others.
- The chance of an answer is learned from rows in which the rep did write. Reps choose whom to write to, so it may
  be too high for contacts that they would never have chosen."""


def describe(model: Model) -> str:
    """Say what a model that `scoring.train` gave was made of.

    Parameters
    ----------
    model : Model
        The model.

    Returns
    -------
    str
        Markdown that reads well as it stands: the exports and their dates, what was known of the time after each, what
        each source counts for, and the tiers.
    """
    about = model.provenance
    exports = about["exports"]
    whose = f"as in {about['tiers_of']}" if "tiers_of" in about else f"by the export of {exports[-1]['as_of'][:10]}"
    cuts = ", ".join(f"{tier} from {cut * 100:.1f} %" for tier, cut in zip(TIERS, model.tier_cuts, strict=False))
    parts = [
        f"Learned from {len(exports)} export{'s' if len(exports) > 1 else ''}:",
        "\n".join(_tell_export(export) for export in exports),
        *_tell_sample(about),
        "What happened after each date, as far as it is proved (happened / did not / open; open ones include rows that "
        "are missing later):",
        _tell_labels(about["labels"]),
        "What each chance is made of:",
        "\n".join(f"- {line}" for line in tell_blend(model)),
        f"Tiers, by the chance of a reply or a meeting ({whose}): {cuts}.",
        *([] if model.rates is None else [tell_rates(model.rates)]),
    ]
    return "\n\n".join(parts)


def tell_blend(model: Model) -> list[str]:
    """Say what each target's chance is made of.

    Parameters
    ----------
    model : Model
        A model that `scoring.train` gave.

    Returns
    -------
    list of str
        One line a target, such as ``reply: 79 % prior, 21 % step-back of 2001-11-01``.
    """
    about = model.provenance
    shipped = about["prior"] == load_model().id
    alone = "the shipped model" if shipped else f"the prior ({about['prior']})"
    newest = about["exports"][-1]["as_of"][:10]
    lines = []
    for target in TARGETS:
        blend = about["blend"][target]
        if not blend["outcomes"]:
            lines.append(f"{target}: too little to learn from: {alone} alone")
            continue
        pairs = sum(1 for row in _of(about["labels"], target) if row["source"] == "history" and _known(row))
        called = {
            "prior": "prior",
            "step_back": f"step-back of {newest}",
            "history": f"from {pairs} pair{'s' if pairs > 1 else ''}",
        }
        shares = [f"{blend[source] * 100:.0f} % {called[source]}" for source in _SOURCES if blend[source]]
        calibrated = (blend["offset"], blend["slope"]) != (0.0, 1.0)
        line = f"; calibrated: {blend['offset']:+.2f} {blend['slope']:+.2f} x log-odds" if calibrated else ""
        lines.append(f"{target}: {', '.join(shares)}{line}")
    return lines


def _of(labels: Sequence[Mapping[str, Any]], target: str) -> list[Mapping[str, Any]]:
    return [row for row in labels if row["target"] == target]


def _known(row: Mapping[str, Any]) -> int:
    return int(row["happened"]) + int(row["did_not"])


def _tell_export(export: Mapping[str, Any]) -> str:
    left = {"rejected": "cannot be used", "repeated": "there twice", "suppressed": "suppressed"}
    counts = [f"{export['rows']:,} rows", *(f"{export[name]:,} {what}" for name, what in left.items() if export[name])]
    when = export["as_of"][:16].removesuffix("T00:00").replace("T", " ")
    return f"- {when} ({export['dated']}): {', '.join(counts)}"


def _tell_sample(about: Mapping[str, Any]) -> list[str]:
    """Say what share of the contacts was used, where it was not all."""
    if "sample" not in about:
        return []
    sample = about["sample"]
    return [
        f"Of these 1 in {sample['one_in']} contacts was used: {sample['used']:,} of {sample['rows']:,} rows, drawn by "
        f"their keys (seed {sample['seed']}). What happened is counted on them; the totals of reps, accounts and "
        "contacts are those of all rows."
    ]


def _tell_labels(labels: Sequence[Mapping[str, Any]]) -> str:
    rows = [["from", "until", "source", *TARGETS, "missing"]]
    for (source, start, until), group in groupby(labels, lambda row: (row["source"], row["as_of"], row["until"])):
        by_target = {row["target"]: row for row in group}
        cells = (by_target[target] for target in TARGETS)
        counts = [f"{row['happened']:,} / {row['did_not']:,} / {row['open']:,}" for row in cells]
        missing = f"{by_target[TARGETS[0]]['missing']:,}"
        rows.append([start[:10], until[:10], "pair" if source == "history" else "step-back", *counts, missing])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows
    ]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)
