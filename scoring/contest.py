"""Contest: two models on the same rows, and how much of the difference could be chance."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from scoring.config import Target
from scoring.errors import InputError
from scoring.intervals import Interval, draw_resamples, interval_of, resample_mean, resample_order
from scoring.metrics import auc, surprise
from scoring.model import Model
from scoring.snapshots import Labelled
from scoring.sources import settled

__all__ = ["Contest", "compare_models"]


@dataclass(frozen=True)
class Contest:
    """Two models on the same rows.

    Attributes
    ----------
    target : str
        What they were to predict.
    rows, outcomes : int
        Rows for which it is known, and those that did it.
    settled : bool
        Whether the share of those is that of 30 days, so that the level of chances can be judged.
    order : Interval
        AUC of the challenger less that of the champion; above 0 is better.
    calibration : Interval
        Log loss of the champion less that of the challenger, in nats a row; above 0 is better.
    """

    target: Target
    rows: int
    outcomes: int
    settled: bool
    order: Interval
    calibration: Interval

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON; None for what cannot be measured."""
        return {**asdict(self), "order": self.order.to_dict(), "calibration": self.calibration.to_dict()}


def compare_models(
    challenger: Model, champion: Model, lesson: Labelled, *, target: Target = "engaged", seed: int = 1
) -> Contest:
    """Compare two models on one date of which the later is known.

    Parameters
    ----------
    challenger, champion : Model
        The new one and the one in use, applied with the context of the export. Neither may have learned from what
        followed the date.
    lesson : Labelled
        The date; rows whose label is open are left out.
    target : {"reply", "meeting", "answer", "engaged"}
        What to predict.
    seed : int
        For the draws of reps.

    Returns
    -------
    Contest
        Each difference with its interval over reps, both models on the same draws. A model beside itself is exactly 0.

    Raises
    ------
    InputError
        If the known rows have not both outcomes.
    """
    known = lesson.labels[target].is_not_null()
    outcome = lesson.labels[target].filter(known).to_numpy().astype(np.float64)
    if not 0 < outcome.sum() < len(outcome):
        raise InputError(
            f"{target} after {lesson.as_of:%Y-%m-%d}: {outcome.sum():.0f} of {len(outcome)} rows that are known",
            expected="rows that did it and rows that did not",
            hint="compare on another date or target",
        )
    features = lesson.features.filter(known)
    drawn = draw_resamples([lesson.rows.filter(known)], seed)
    groups, counts = drawn.groups[0], drawn.counts
    new, old = (model.with_context[target].probability(features) for model in (challenger, champion))
    areas = [resample_order(outcome, chance, groups, counts)["auc"] for chance in (new, old)]
    saved = surprise(outcome, old) - surprise(outcome, new)
    return Contest(
        target=target,
        rows=len(outcome),
        outcomes=int(outcome.sum()),
        settled=settled(lesson, target),
        order=interval_of(auc(outcome, new) - auc(outcome, old), areas[0] - areas[1]),
        calibration=interval_of(float(saved.mean()), resample_mean(saved, groups, counts)),
    )
