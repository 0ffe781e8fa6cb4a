"""Held out: what a model says of dates that it could not know, beside what came, and what sorting would have found.

A model is judged by itself on the dates that it has not learned from. If there are none, a twin stands in for it on
each date: a model that is trained the same way on the exports known by then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
import polars as pl

from scoring.baselines import sort_all
from scoring.config import HORIZON, TIERS, Boosting, Target, TrainingConfig
from scoring.intervals import SHARES, Resamples, draw_resamples
from scoring.levels import JUDGED
from scoring.measuring import PRODUCT, Judged, tabulate_measures, tabulate_segments
from scoring.metrics import top_shares
from scoring.model import Model, load_model
from scoring.scorecard import Floats
from scoring.snapshots import Labelled, Snapshot, label_snapshots
from scoring.sources import settled
from scoring.tallies import Promise, tally
from scoring.validation import key_of

__all__ = ["GAINS", "HeldOut", "hold_out"]

GAINS: Final = tuple(step / 20 for step in range(1, 21))
"""How much of a list is worked, for the curve of gains."""

_SORTED: Final = "recency"


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What a model promised of dates that it could not know, and what came.

    Attributes
    ----------
    as_of, until : datetime
        The newest of the dates, and until when what followed is known (exclusive).
    itself : bool
        Whether it is the model itself that is judged, and not twins of it.
    rows, open : int
        Rows of the newest date, and of them those of which it is not known whether they replied.
    settled : bool
        Whether so few of them are open that the rate is that of 30 days.
    tiers, top, reliability : polars.DataFrame
        Of the newest date, as in `review.Review`.
    gains : polars.DataFrame
        Of the newest date: ``target``, ``order`` (``product``, or ``recency``), ``share`` of the list that is worked,
        and the part ``captured`` of all who did it.
    dates : polars.DataFrame
        One row for each date and ``target``: ``as_of``, known ``rows``, ``rate``, ``first`` and ``sorted`` (the rate
        among the first tenth by the model, and by sorting), ``settled``.
    differences : polars.DataFrame
        The model against sorting over all dates, as in `evaluation.Evaluation`.
    segments : polars.DataFrame
        Over all dates, as in `evaluation.Evaluation`.
    """

    as_of: datetime
    until: datetime
    itself: bool
    rows: int
    open: int
    settled: bool
    tiers: pl.DataFrame
    top: pl.DataFrame
    reliability: pl.DataFrame
    gains: pl.DataFrame
    dates: pl.DataFrame
    differences: pl.DataFrame
    segments: pl.DataFrame


def hold_out(model: Model, snapshots: Sequence[Snapshot]) -> HeldOut | None:
    """Hold what a model says of dates that it could not know against what came.

    Parameters
    ----------
    model : Model
        The model.
    snapshots : sequence of Snapshot
        Ascending by date.

    Returns
    -------
    HeldOut or None
        None if no later export is of 30 days after a date or more, no date has both outcomes of any target, or the
        model has seen all dates and no twin can be trained.
    """
    lessons = label_snapshots(snapshots)
    since = model.learned_until
    whole = [place for place, lesson in enumerate(lessons) if lesson.until - lesson.as_of >= HORIZON]
    fresh = [place for place in whole if since is None or since <= lessons[place].as_of]
    if not fresh and "config" not in model.provenance:
        return None
    places = fresh or whole
    if not places:
        return None
    predictors = {place: model if fresh else _twin(model, snapshots[: place + 1]) for place in places}
    drawn = draw_resamples([lessons[place].rows for place in places])
    judged = [
        one
        for target in JUDGED
        for at, place in enumerate(places)
        if (one := _judge(predictors[place], lessons[place], target, drawn, at))
    ]
    if not judged:
        return None
    newest = max(one.at for one in judged)
    lesson, predictor = lessons[places[newest]], predictors[places[newest]]
    of_newest = [one for one in judged if one.at == newest]
    tallied = tally([_promise(predictor, lesson, one.target, drawn, newest) for one in of_newest])
    return HeldOut(
        as_of=lesson.as_of,
        until=lesson.until,
        itself=bool(fresh),
        rows=lesson.rows.height,
        open=lesson.labels[of_newest[0].target].null_count(),
        settled=of_newest[0].settled,
        tiers=tallied["tiers"],
        top=tallied["top"],
        reliability=tallied["reliability"],
        gains=pl.concat([_gains(one) for one in of_newest]),
        dates=pl.DataFrame([_date(one) for one in judged]),
        differences=tabulate_measures(judged)[1].filter(pl.col("as_of").is_null()),
        segments=tabulate_segments(judged),
    )


def _twin(model: Model, known: Sequence[Snapshot]) -> Model:
    """Train a model as the one that is judged was trained, on what was known on a date."""
    from scoring.training import train_snapshots

    settings = dict(model.provenance["config"])
    config = TrainingConfig(**{**settings, "boosting": Boosting(**settings["boosting"])})
    return train_snapshots(known, config=config, prior=load_model(), audited=False)


def _judge(model: Model, lesson: Labelled, target: Target, drawn: Resamples, at: int) -> Judged | None:
    """Put chances and sorting beside the rows of a date whose outcome is known; None without both outcomes."""
    label = lesson.labels[target]
    known = label.is_not_null()
    outcome = label.filter(known).to_numpy().astype(np.float64)
    if not 0 < outcome.sum() < len(outcome):
        return None
    contacts, features = lesson.rows.filter(known), lesson.features.filter(known)
    chance = model.with_context[target].probability(features)
    orders = {name: score for name, score in sort_all(contacts, features, target).items() if name == _SORTED}
    return Judged(
        target, lesson.as_of, settled(lesson, target), contacts, outcome, {PRODUCT: chance}, orders,
        drawn.groups[at][known.to_numpy()], drawn, at,
    )  # fmt: skip


def _promise(model: Model, lesson: Labelled, target: Target, drawn: Resamples, at: int) -> Promise:
    priority = model.with_context["engaged"].probability(lesson.features)
    return Promise(
        target=target,
        rows=lesson.rows.select(key_of("rep", "who")[0]).with_columns(
            tier=pl.Series([TIERS[place] for place in model.tier(priority).tolist()], dtype=pl.String),
            part=pl.lit(None, pl.String),
        ),
        chances=model.with_context[target].probability(lesson.features),
        label=lesson.labels[target],
        found=lesson.labels.select(pl.any_horizontal(pl.all().is_not_null())).to_series(),
        groups=drawn.groups[at],
        counts=drawn.counts,
    )


def _gains(one: Judged) -> pl.DataFrame:
    return pl.concat(
        top_shares(one.outcome, score, shares=GAINS).select(
            pl.lit(one.target).alias("target"), pl.lit(name).alias("order"), "share", "captured"
        )
        for name, score in (one.chances | one.orders).items()
    )


def _date(one: Judged) -> dict[str, object]:
    first = {name: _first(one.outcome, score) for name, score in (one.chances | one.orders).items()}
    return {
        "as_of": one.as_of,
        "target": one.target,
        "rows": len(one.outcome),
        "rate": float(one.outcome.mean()),
        "first": first[PRODUCT],
        "sorted": first.get(_SORTED),
        "settled": one.settled,
    }


def _first(outcome: Floats, score: Floats) -> float:
    return float(top_shares(outcome, score, shares=SHARES[:1])["rate"][0])
