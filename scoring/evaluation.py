"""Evaluation: how good a model is on dates that it could not know.

Each date whose later is known from another export is predicted by a model that was trained on nothing but the exports
up to that date, beside the prior alone and what people do without a model. All on the same rows, and compared on the
same draws of reps and dates, so that a result that chance explains is said to be one.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.audit import warn_of_leaks
from scoring.baselines import sort_all
from scoring.config import TARGETS, Target, TrainingConfig, check_jobs
from scoring.dating import parse_as_of
from scoring.errors import InputError
from scoring.intervals import Resamples, draw_resamples
from scoring.measuring import (
    PRODUCT,
    TRUTH,
    Judged,
    tabulate_measures,
    tabulate_reliability,
    tabulate_segments,
    tabulate_top,
)
from scoring.model import SHIPPED, Model, load_model
from scoring.scorecard import Floats
from scoring.snapshots import Exports, Labelled, Snapshot, label_snapshots, put_back, take_snapshots
from scoring.sources import settled
from scoring.training import train_snapshots
from scoring.validation import key_of
from scoring.verdicts import tell

__all__ = ["Evaluation", "evaluate", "evaluate_snapshots"]

_LOG: Final = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good each model was on past dates.

    Models are ``product`` (trained on the exports known on the date), ``shipped`` (the prior alone; ``prior`` if it is
    another), ``true chance`` (of a simulation, if given), and the baselines of `baselines.sort_all`, which sort and
    give no chance. Intervals hold 95 of 100 draws of the reps and, where dates are taken together, of the dates.
    Nobody is named in any of it.

    Attributes
    ----------
    labels : polars.DataFrame
        One row for each date and target: ``as_of``, ``until`` (exclusive), ``target``, rows that ``happened``,
        ``did_not``, are ``open`` and of them ``missing`` later; ``settled``: whether the rate is that of 30 days;
        ``judged``: false for a date without both outcomes, which is left out. Open rows are in no measure. Most of
        them were in touch up to the date of the later export, so without them rates and figures are rather too low.
    measures : polars.DataFrame
        One row for each ``target``, ``as_of``, ``model`` and ``measure``: ``value``, ``low``, ``high`` (null where
        they cannot be told), ``dates``. Null `as_of` is the mean over dates: of ``brier`` and ``log_loss`` over the
        settled ones alone, and not there if none is. ``auc``, ``ap``, ``ndcg`` (at 10, mean over reps), and
        ``rate_10``, ``rate_20``, ``rate_30``: outcomes for each contact worked from the top of the list.
    differences : polars.DataFrame
        The product held ``against`` each other model, in the same form: ``difference`` (above 0: the product is
        better, also for ``brier`` and ``log_loss``), ``verdict`` (``better``, ``worse``, or ``no difference`` that
        could not be chance), and on how many ``dates`` of them it was better: ``dates_above``.
    reliability : polars.DataFrame
        Bins of chances for each ``target``, ``as_of`` and ``model``, as in `metrics.reliability`; null `as_of` is all
        settled dates together (all dates if none is).
    top : polars.DataFrame
        For each ``target``, ``as_of`` and ``model`` what the first 10, 20 and 30 % hold, as in `metrics.top_shares`;
        null `as_of` is the mean over dates.
    segments : polars.DataFrame
        The product for each ``target`` over all settled dates (all dates if none is), for everyone and for each value
        of each segment, as in `segments.measure_segments`.
    by_rep : bool
        Whether reps were drawn for the intervals; of fewer than ten, contacts are.
    one_in : int
        1 if all rows were judged, 8 if one in eight contacts was; counts and lists are of these.
    """

    labels: pl.DataFrame
    measures: pl.DataFrame
    differences: pl.DataFrame
    reliability: pl.DataFrame
    top: pl.DataFrame
    segments: pl.DataFrame
    by_rep: bool
    one_in: int = 1

    def regret(self) -> pl.DataFrame:
        """Say how far the product is from the true chance, which no model can beat.

        Returns
        -------
        polars.DataFrame
            Means over dates: ``target``, ``measure``, ``regret`` (above 0: worse than the true chance), ``low``,
            ``high``. Empty unless the true chances were given.
        """
        means = self.differences.filter(pl.col("as_of").is_null(), pl.col("against") == TRUTH)
        return means.select("target", "measure", regret=-pl.col("difference"), low=-pl.col("high"), high=-pl.col("low"))

    def to_text(self) -> str:
        """Return what was found as lines for a terminal."""
        told = tell(self.labels, self.measures, self.differences, self.segments, self.by_rep)
        return told if self.one_in == 1 else f"{told}\n\nAll of it is of a sample of 1 in {self.one_in} contacts."

    def to_dict(self) -> dict[str, Any]:
        """Return all frames as lists of plain values, ready for JSON."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: _plain(value) if isinstance(value, pl.DataFrame) else value for name, value in values.items()}


def _plain(frame: pl.DataFrame) -> list[dict[str, Any]]:
    times = pl.col(pl.Datetime("us", "UTC")).dt.strftime("%FT%TZ")
    return frame.with_columns(times, pl.col(pl.Float64).fill_nan(None)).to_dicts()


def evaluate(
    exports: Exports,
    *,
    config: TrainingConfig | None = None,
    prior: Model | str | Path = SHIPPED,
    suppress: Sequence[str] = (),
    targets: Sequence[Target] = TARGETS,
    truth: Mapping[Any, pl.DataFrame] | None = None,
    jobs: int = 1,
) -> Evaluation:
    """Predict past dates from what was known before them, and hold the predictions against what followed.

    Parameters
    ----------
    exports : mapping, sequence, or one export
        As for `scoring.train`; at least two. The newest only proves what followed the others.
    config : TrainingConfig, optional
        Settings of training; its seed is that of the draws, too.
    prior : Model, str or Path
        The model to start from, judged alone, too.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.
    targets : sequence of {"reply", "meeting", "answer", "engaged"}
        What to judge. `answer` is judged on the rows for which it is proved: those whose order of mails is certain.
    truth : mapping of date to polars.DataFrame, optional
        True chances of a simulated organisation on each date but the newest, as `truth.true_chances` gives them.
    jobs : int
        Processes to use, -1 for one a core; it changes nothing in the result.

    Returns
    -------
    Evaluation
        The same exports and settings give the same figures, whatever the order of rows.

    Raises
    ------
    InputError
        If there are not two exports, they prove nothing of each other, or no date has both outcomes of a target.

    Examples
    --------
    >>> from scoring.config import Boosting
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=300))
    >>> exports = {when: organisation.export(when) for when in organisation.dates(2)}
    >>> result = evaluate(exports, config=TrainingConfig(boosting=Boosting(iterations=5)), targets=["reply"])
    >>> result.measures.filter(model="product", measure="auc")["value"][0] > 0.5
    True
    """
    _check_targets(targets)
    config, jobs = TrainingConfig() if config is None else config, check_jobs(jobs)
    snapshots = take_snapshots(exports, suppress=suppress, config=config)
    return evaluate_snapshots(
        snapshots, config=config, prior=load_model(prior), targets=targets, truth=truth, jobs=jobs
    )


def evaluate_snapshots(
    snapshots: Sequence[Snapshot],
    *,
    config: TrainingConfig | None = None,
    prior: Model,
    targets: Sequence[Target] = TARGETS,
    truth: Mapping[Any, pl.DataFrame] | None = None,
    jobs: int = 1,
) -> Evaluation:
    """Evaluate exports that have been taken in.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        Ascending by date.
    config, prior, targets, truth, jobs
        As for `evaluate`.

    Returns
    -------
    Evaluation
    """
    from joblib import Parallel, delayed

    config, jobs = TrainingConfig() if config is None else config, check_jobs(jobs)
    if len(snapshots) < 2:
        raise InputError(
            "one export: nothing tells what followed it",
            expected="at least two, best 30 days apart or more",
            hint="give an older or newer export too; `scoring.train` needs only one",
        )
    lessons = label_snapshots(snapshots)
    labels = _count(lessons, targets)
    _refuse_empty(labels)
    warn_of_leaks(lessons, put_back(snapshots[-2]))  # once for all dates
    predicted = Parallel(n_jobs=jobs)(
        delayed(_predict)(snapshots[: position + 1], targets, config, prior) for position in range(len(lessons))
    )
    drawn = draw_resamples([lesson.rows for lesson in lessons], config.seed)
    known = {} if truth is None else {parse_as_of(when): frame for when, frame in truth.items()}
    judged = [
        one
        for target in targets
        for at, lesson in enumerate(lessons)
        if (one := _judge(lesson, target, predicted[at][target], prior, known, drawn, at))
    ]
    measures, differences = tabulate_measures(judged)
    return Evaluation(
        labels=labels,
        measures=measures,
        differences=differences,
        reliability=tabulate_reliability(judged),
        top=tabulate_top(judged),
        segments=tabulate_segments(judged),
        by_rep=drawn.by_rep,
        one_in=snapshots[-1].sample.one_in,
    )


def _check_targets(targets: Sequence[Target]) -> None:
    if not targets or (unknown := sorted(set(targets) - set(TARGETS))):
        named = ", ".join(unknown) if targets else "none"
        raise InputError(f"targets: {named}", expected=f"some of {', '.join(TARGETS)}")


def _predict(
    known: Sequence[Snapshot], targets: Sequence[Target], config: TrainingConfig, prior: Model
) -> dict[Target, Floats]:
    """Predict the newest of some exports by a model that has seen no later one."""
    _LOG.info("predicting %s from %d export(s)", f"{known[-1].as_of:%Y-%m-%d}", len(known))
    model = train_snapshots(known, config=config, prior=prior, audited=False)
    return {target: model.with_context[target].probability(known[-1].features) for target in targets}


def _count(lessons: Sequence[Labelled], targets: Sequence[Target]) -> pl.DataFrame:
    rows = []
    for lesson in lessons:
        for target in targets:
            label = lesson.labels[target]
            happened = int(label.sum())
            did_not = label.count() - happened
            rows.append(
                {
                    "as_of": lesson.as_of,
                    "until": lesson.until,
                    "target": target,
                    "happened": happened,
                    "did_not": did_not,
                    "open": label.null_count(),
                    "missing": lesson.missing,
                    "settled": settled(lesson, target),
                    "judged": happened > 0 and did_not > 0,
                }
            )
    return pl.DataFrame(rows)


def _refuse_empty(labels: pl.DataFrame) -> None:
    if not labels["judged"].any():
        first = labels.row(0, named=True)
        raise InputError(
            f"none of {labels['as_of'].n_unique()} date(s) has both outcomes; of {first['as_of']:%Y-%m-%d} for "
            f"{first['target']}: {first['happened']} did it, {first['did_not']} did not, {first['open']} are open, "
            f"{first['missing']} of them missing in the later exports",
            expected="exports of the same contacts on different dates",
            hint="look at the counts: scoring.count_labels(exports)",
        )


def _judge(
    lesson: Labelled,
    target: Target,
    chance: Floats,
    prior: Model,
    truth: Mapping[datetime, pl.DataFrame],
    drawn: Resamples,
    at: int,
) -> Judged | None:
    """Put everything beside the rows of a date for which a target is known; None without both outcomes."""
    label = lesson.labels[target]
    known = label.is_not_null()
    outcome = label.filter(known).to_numpy().astype(np.float64)
    if not 0 < outcome.sum() < len(outcome):
        return None
    contacts, features, rows = lesson.rows.filter(known), lesson.features.filter(known), known.to_numpy()
    prior_name = SHIPPED if prior.name == SHIPPED else "prior"
    chances = {PRODUCT: chance[rows], prior_name: prior.with_context[target].probability(features)}
    if truth:
        chances[TRUTH] = _true_chance(contacts, lesson.as_of, target, truth)
    orders = sort_all(contacts, features, target)
    known_to = (target, lesson.as_of, settled(lesson, target))
    return Judged(*known_to, contacts, outcome, chances, orders, drawn.groups[at][rows], drawn, at)


def _true_chance(
    contacts: pl.DataFrame, as_of: datetime, target: Target, truth: Mapping[datetime, pl.DataFrame]
) -> Floats:
    given = truth.get(as_of)
    keys = contacts.select(*key_of("rep", "who"))
    if given is None:
        raise InputError(f"no true chances of {as_of:%Y-%m-%d}", expected="a frame for each date but the newest")
    beside = given.select(*key_of("rep", "who"), target).unique(["rep", "who"])
    found = keys.join(beside, on=["rep", "who"], how="left", nulls_equal=True, maintain_order="left")[target]
    if missing := found.null_count():
        raise InputError(
            f"{missing} of {len(found)} rows of {as_of:%Y-%m-%d} have no true chance of {target}",
            expected="a chance for each row of the export",
        )
    return found.to_numpy()
