"""Judging: whether a new model may take the place of the one in use.

Both predict the newest date of which the 30 days after it are proved, and neither may have learned from what happened
in them. The new model is refused if chance does not explain that it is worse: if the whole 95 % interval of the
difference in order (AUC), or of that in calibration (log loss), lies below 0. An interval that holds 0 shows no
difference, and newer data is then reason enough; but it must be an interval of something, so with too few outcomes, or
a date whose 30 days are not proved, nothing is shown, and the model in use stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, Final

from scoring.config import Target
from scoring.contest import Contest, compare_models
from scoring.model import Model
from scoring.snapshots import Labelled, Snapshot, label_snapshots
from scoring.sources import settled

__all__ = ["LEAST_OUTCOMES", "TARGET", "Candidate", "Judgement", "find_lesson", "judge", "verdict"]

TARGET: Final[Target] = "engaged"
"""What is judged: the chance that gives the priority."""

_WORDS: Final = {"better": "better", "no difference": "not worse", "worse": "worse"}

LEAST_OUTCOMES: Final = 20
"""Rows that did it, and rows that did not, below which nothing is shown."""


@dataclass(frozen=True, eq=False)
class Candidate:
    """A model, and the same model as it was before its newest exports.

    Attributes
    ----------
    model : Model
        What would be, or is, in use.
    earlier : Model or None
        Trained in the same way without the newest exports, so that these can judge it.
    """

    model: Model
    earlier: Model | None = None

    def before(self, when: datetime) -> Model | None:
        """Return the one that has learned from nothing after a date; None if neither has not.

        Parameters
        ----------
        when : datetime
            The date, in UTC; what was learned until then is fine.

        Returns
        -------
        Model or None
        """
        for one in (self.model, self.earlier):
            if one is not None and (one.learned_until is None or one.learned_until <= when):
                return one
        return None


@dataclass(frozen=True)
class Judgement:
    """What came of judging, and by which figures.

    Attributes
    ----------
    better : bool
        Whether the challenger may take the champion's place.
    reason : str
        Why, in words with figures.
    as_of, until : datetime or None
        The period that they were judged by; None if there was none.
    challenger, champion : str or None
        Ids of the models that were compared: those before the period.
    comparison : Contest or None
        The figures.
    """

    better: bool
    reason: str
    as_of: datetime | None = None
    until: datetime | None = None
    challenger: str | None = None
    champion: str | None = None
    comparison: Contest | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the judgement as plain values, ready for JSON."""
        return {
            "better": self.better,
            "reason": self.reason,
            "judged_on": None if self.as_of is None else self.as_of.isoformat(),
            "judged_until": None if self.until is None else self.until.isoformat(),
            "judged_challenger": self.challenger,
            "judged_champion": self.champion,
            "comparison": None if self.comparison is None else self.comparison.to_dict(),
        }


def find_lesson(snapshots: Sequence[Snapshot]) -> Labelled | None:
    """Find the newest date of which the later exports prove the 30 days.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        Ascending by date.

    Returns
    -------
    Labelled or None
        None if the exports prove those of no date.
    """
    return next((lesson for lesson in reversed(label_snapshots(snapshots)) if settled(lesson, TARGET)), None)


def judge(challenger: Candidate, champion: Candidate, lesson: Labelled | None) -> Judgement:
    """Compare a challenger with the champion on a period that neither knows.

    Parameters
    ----------
    challenger, champion : Candidate
        The new model and the one in use.
    lesson : Labelled or None
        The period; None if there is none.

    Returns
    -------
    Judgement
    """
    if challenger.model.id == champion.model.id:
        return Judgement(False, "it is the model in use already")
    if lesson is None:
        return Judgement(
            False,
            "no export is followed by others that prove what happened in the 30 days after it, so nothing shows how "
            "good the new model is; two exports 30 days apart would",
        )
    new, old = challenger.before(lesson.as_of), champion.before(lesson.as_of)
    if new is None or old is None:
        which, whole = ("new model", challenger) if new is None else ("model in use", champion)
        return Judgement(
            False,
            f"the {which} has learned from exports until {whole.model.learned_until:%Y-%m-%d} and knows what it would "
            f"be judged by: the 30 days from {lesson.as_of:%Y-%m-%d}; a later export is needed",
            lesson.as_of,
            lesson.until,
        )
    known = lesson.labels[TARGET]
    did = int(known.sum())
    did_not = known.count() - did
    if min(did, did_not) < LEAST_OUTCOMES:
        return Judgement(
            False,
            f"of the rows of {lesson.as_of:%Y-%m-%d} {did} did it and {did_not} did not; at least {LEAST_OUTCOMES} of "
            "each are needed: too few to show anything",
            lesson.as_of,
            lesson.until,
        )
    comparison = compare_models(new, old, lesson, target=TARGET)
    better, reason = verdict(comparison)
    if new.id == old.id:
        reason = f"trained as the model in use was; new are only exports after {lesson.as_of:%Y-%m-%d}"
    else:
        reason += _as_of_then(lesson.as_of, new=new is not challenger.model, old=old is not champion.model)
    return Judgement(better, reason, lesson.as_of, lesson.until, new.id, old.id, comparison)


def _as_of_then(when: datetime, *, new: bool, old: bool) -> str:
    """Say which of the two is judged as it was, since by now it has learned from what judges."""
    if not (new or old):
        return ""
    who = "both models" if new and old else "the new model" if new else "the model in use"
    return f"; judged: {who}, as trained on the exports until {when:%Y-%m-%d} only, since what followed is the test"


def verdict(comparison: Contest) -> tuple[bool, str]:
    """Say whether figures allow the promotion, and which of them forbid it.

    Parameters
    ----------
    comparison : Contest
        Challenger beside champion.

    Returns
    -------
    tuple of bool and str
        False if the interval of either difference lies wholly below 0 by more than rounding, or could not be measured.
    """
    said, allowed = [], True
    for what, measure, found in (
        ("order", "AUC", comparison.order),
        ("calibration", "log loss saved", comparison.calibration),
    ):
        word = _WORDS[found.verdict] if isfinite(found.high) else "not measurable"
        allowed = allowed and word in ("better", "not worse")
        said.append(f"{what} {word} ({measure} {found.estimate:+.4f}, {found.low:+.4f} to {found.high:+.4f})")
    return allowed, "; ".join(said)
