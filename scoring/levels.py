"""Levels: how high chances are, against what happened: in the past that one export shows, and as later ones prove it.

Whether contacts are in the right order is another question: an order can hold while the level moves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.config import HORIZON, Target
from scoring.metrics import auc
from scoring.model import Model
from scoring.reference import Reference, mean_chance, past_rates
from scoring.scorecard import Floats
from scoring.snapshots import Labelled, Snapshot, put_back

__all__ = ["JUDGED", "measure_levels"]

JUDGED: Final[tuple[Target, ...]] = ("reply", "meeting", "engaged")
"""Targets whose level own exports can prove; answers are proved for a part of the rows only."""

_NORMAL_95: Final = 1.96

_LEVELS: Final = {
    "kind": pl.String(),
    "as_of": pl.Datetime("us", "UTC"),
    "target": pl.String(),
    "rows": pl.Int64(),
    "expected": pl.Float64(),
    "observed": pl.Float64(),
    "low": pl.Float64(),
    "high": pl.Float64(),
    "auc": pl.Float64(),
    "whole": pl.Boolean(),
}


def measure_levels(model: Model, newest: Snapshot, lessons: Sequence[Labelled]) -> pl.DataFrame:
    """Hold what a model expects against what is, where it can be.

    Parameters
    ----------
    model : Model
        The model.
    newest : Snapshot
        The newest export.
    lessons : sequence of Labelled
        Earlier dates whose later is known.

    Returns
    -------
    polars.DataFrame
        One row for each ``kind``, ``as_of`` and ``target``, as in `drift.Drift.levels`.
    """
    found: list[dict[str, Any]] = []
    if model.reference is not None:
        found += _chances(model, model.reference, newest)
        found += _past(model.reference, newest)
    for lesson in lessons:
        found += [row for target in JUDGED if (row := _proved(model, lesson, target))]
    return pl.DataFrame(found, schema=_LEVELS)


def _chances(model: Model, reference: Reference, newest: Snapshot) -> list[dict[str, Any]]:
    about = {"kind": "chance", "as_of": newest.as_of, "rows": newest.table.height}
    return [
        {
            **about,
            "target": target,
            "expected": reference.chances[target],
            "observed": mean_chance(model.with_context[target], newest.features),
        }
        for target in JUDGED
    ]


def _past(reference: Reference, newest: Snapshot) -> list[dict[str, Any]]:
    past = put_back(newest)
    found = []
    for target, rate in past_rates(past.labels).items():
        if target not in reference.past_rates:
            continue
        known = past.labels[target].is_not_null()
        outcome = past.labels[target].filter(known).to_numpy().astype(np.float64)
        half = _half_width(outcome - rate, np.full(len(outcome), rate), past.rows["source_email"].filter(known))
        row = {"kind": "past", "as_of": newest.as_of, "target": target, "rows": len(outcome)}
        found.append({**row, **_bounded(reference.past_rates[target], rate, half)})
    return found


def _proved(model: Model, lesson: Labelled, target: Target) -> dict[str, Any] | None:
    """Hold what was promised at a date against what is proved of the same rows, the open ones either way."""
    there = lesson.labels.select(pl.any_horizontal(pl.all().is_not_null())).to_series()
    there = there if lesson.missing else there | True
    labels = lesson.labels[target].filter(there)
    if not labels.count():
        return None
    known, chance = labels.is_not_null(), model.with_context[target].probability(lesson.features.filter(there))
    outcome = labels.filter(known).to_numpy().astype(np.float64)
    off = outcome - chance[known.to_numpy()]
    half = _half_width(off - np.sort(off).mean(), chance, lesson.rows["source_email"].filter(there).filter(known))
    whole = lesson.until - lesson.as_of >= HORIZON
    still_open = labels.null_count() / labels.len() if whole else 0.0
    observed = float(outcome.sum()) / (labels.len() if whole else len(outcome)) + still_open / 2
    return {
        "kind": "proved",
        "as_of": lesson.as_of,
        "target": target,
        "rows": labels.len(),
        **_bounded(float(np.sort(chance).mean()), observed, half + still_open / 2),
        "auc": auc(outcome, chance[known.to_numpy()]),
        "whole": whole,
    }


def _bounded(expected: float, observed: float, half: float) -> dict[str, float]:
    return {
        "expected": expected,
        "observed": observed,
        "low": max(0.0, observed - half),
        "high": min(1.0, observed + half),
    }


def _half_width(off: Floats, chance: Floats, reps: pl.Series) -> float:
    """Half of a 95 % interval of a rate: rows of one rep rise and fall together, but chance is the least there is."""
    sums = pl.DataFrame({"rep": reps, "off": off}).sort("rep", "off").group_by("rep", maintain_order=True).sum()["off"]
    clustered = float(sums.pow(2).sum()) * len(sums) / max(1, len(sums) - 1)
    alone = float(np.sort(chance * (1 - chance)).sum())
    return _NORMAL_95 * math.sqrt(max(clustered, alone)) / len(off)
