"""Training: a customer's own exports in, a model out.

Three sources are blended in log-odds: the prior (by default the shipped model), a scorecard learned from the newest
export put back by 30 days, and one learned from what pairs of exports prove. The sum is calibrated and is itself one
scorecard for each target, with and without a context.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from scoring import __version__
from scoring.audit import warn_of_leaks
from scoring.blending import choose_blend, fit_line, start_blend
from scoring.config import TARGETS, Target, TrainingConfig, check_jobs
from scoring.errors import InputError
from scoring.model import SHIPPED, Model, find_quantiles, load_model
from scoring.rates import Rates, make_rates
from scoring.reference import make_reference
from scoring.scorecard import Floats, Scorecard, calibrate, centre, count_bins, weighted_sum
from scoring.snapshots import Exports, Labelled, Snapshot, label_snapshots, put_back, take_snapshots
from scoring.sources import learn_sources, predict_past, settled

__all__ = ["count_labels", "train", "train_snapshots"]

_JUDGED: Final[tuple[Target, ...]] = ("reply", "meeting", "engaged")  # own exports prove answers too unevenly
_NAME: Final = re.compile(r"\w[\w.-]{0,79}")
_TIER_SHARES: Final = (0.1, 0.3, 0.6)  # A is the top 10 %, B the next 20 %, C the next 30 %


def train(
    exports: Exports,
    *,
    config: TrainingConfig | None = None,
    prior: Model | str | Path = SHIPPED,
    previous: Model | str | Path | None = None,
    suppress: Sequence[str] = (),
    name: str = "own",
    jobs: int = 1,
) -> Model:
    """Train a model on a customer's own exports.

    Parameters
    ----------
    exports : mapping, sequence, or one export
        Contacts by the date of the export (``{date: contacts}``; naive means UTC), a list of exports or files, or one.
        Each is anything that `scoring.score` takes. A date that is not given is that in the file's name, else it is
        inferred. One export is enough; pairs at least 30 days apart teach most.
    config : TrainingConfig, optional
        Settings.
    prior : Model, str or Path
        The model to start from; with little to learn from, the result stays near it.
    previous : Model, str or Path, optional
        The model in use: its tier cuts and percentiles are kept, so that a tier means what it meant.
        `provenance["tiers_of"]` names the model that they were first made for.
    suppress : sequence of str
        Addresses and domains whose contacts are left out, and only counted.
    name : str
        What to call the model; a part of its id. Letters, digits, and ``_ . -`` between them.
    jobs : int
        Processes to use, -1 for one a core; it changes nothing in the result.

    Returns
    -------
    Model
        The same exports, settings and versions give the same bytes, whatever the order of rows.

    Raises
    ------
    InputError
        If an export cannot be used, or two exports prove nothing of each other.

    Notes
    -----
    Of very many rows (`TrainingConfig.most_rows`) one in 2, 3, ... contacts is learned from, by the rule of
    `scoring.sampling`, beside the totals of all rows. Large files are read in parts then: their typed rows lie in the
    folder for temporary files while they are read, some 600 bytes a row.

    Examples
    --------
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=300))
    >>> when, later = organisation.dates(2)
    >>> model = train({when: organisation.export(when), later: organisation.export(later)})
    >>> model.provenance["blend"]["reply"]["prior"] > 0.5
    True
    """
    config, jobs = TrainingConfig() if config is None else config, check_jobs(jobs)
    snapshots = take_snapshots(exports, suppress=suppress, config=config)
    kept = None if previous is None else load_model(previous)
    return train_snapshots(snapshots, config=config, prior=load_model(prior), previous=kept, name=name, jobs=jobs)


def count_labels(
    exports: Exports, *, suppress: Sequence[str] = (), config: TrainingConfig | None = None
) -> pl.DataFrame:
    """Count what exports prove of each other, before anything is learned.

    Parameters
    ----------
    exports : mapping, sequence, or one export
        As for `train`.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.
    config : TrainingConfig, optional
        Says how many rows are kept at most.

    Returns
    -------
    polars.DataFrame
        One row for each date and target: ``source`` (``history`` for pairs, ``step_back`` for the newest export put
        back), ``as_of``, ``until`` (exclusive), ``target``, and numbers of rows that ``happened``, ``did_not``,
        are ``open``, or ``missing`` later (they are open, too); ``settled``: whether the rate is that of 30 days;
        ``one_in``: 1 if all rows were counted, 8 if one in eight contacts was, the same in all exports.
    """
    config = TrainingConfig() if config is None else config
    snapshots = take_snapshots(exports, suppress=suppress, config=config)
    counts = _counts(label_snapshots(snapshots), put_back(snapshots[-1]))
    return counts.with_columns(one_in=pl.lit(snapshots[-1].sample.one_in))


def train_snapshots(
    snapshots: Sequence[Snapshot],
    *,
    config: TrainingConfig | None = None,
    prior: Model,
    previous: Model | None = None,
    name: str = "own",
    jobs: int = 1,
    audited: bool = True,
) -> Model:
    """Train a model on exports that have been taken in.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        Ascending by date, at least one.
    config, prior, previous, name, jobs
        As for `train`.
    audited : bool
        Whether to look for what knows the answer already, and warn; not where they were looked through before.

    Returns
    -------
    Model
    """
    if not _NAME.fullmatch(name):
        raise InputError(f"a model called {name[:40]!r}", expected="letters, digits, and _ . - between them")
    config, jobs = TrainingConfig() if config is None else config, check_jobs(jobs)
    lessons, past = label_snapshots(snapshots), put_back(snapshots[-1])
    _refuse_unrelated(snapshots, lessons)
    if audited:
        warn_of_leaks(lessons, past)
    newest, known = snapshots[-1].features, prior.learned_until
    learned = learn_sources(lessons, past, config, prior, jobs)
    periods = predict_past(snapshots, lessons, _JUDGED, config, prior, jobs)
    cards: tuple[dict[Target, Scorecard], dict[Target, Scorecard]] = ({}, {})
    told: dict[str, Any] = {}
    for target in TARGETS:
        sources = learned[target]
        seen = {source: found.outcomes for source, found in sources.items()}
        start = start_blend(target, seen.get("history", 0), seen.get("step_back", 0), config)
        judged = periods.get(target, [])
        blend = choose_blend(start, judged)
        offset, slope = fit_line(blend, judged) if sources else (0.0, 1.0)  # the prior alone is the prior
        for beside, each in enumerate((prior.without_context, prior.with_context)):
            parts = {"prior": each[target], **{source: found.cards[beside] for source, found in sources.items()}}
            card = weighted_sum(list(parts.values()), [getattr(blend, source) for source in parts])
            card = calibrate(card, offset, slope)
            cards[beside][target] = centre(card, count_bins(card, newest))
        told[target] = {**asdict(blend), "outcomes": seen, "by_amount": asdict(start), "offset": offset, "slope": slope}
    without_context, with_context = cards
    priority = with_context["engaged"].probability(newest)
    return Model(
        name=name,
        with_context=with_context,
        without_context=without_context,
        quantiles=find_quantiles(priority) if previous is None else previous.quantiles,
        tier_cuts=_tier_cuts(priority) if previous is None else previous.tier_cuts,
        provenance={
            "learned_from": "own exports",
            "prior": prior.id,
            **({} if known is None else {"prior_learned_until": known.isoformat()}),
            **({} if previous is None else {"tiers_of": previous.provenance.get("tiers_of", previous.id)}),
            "config": asdict(config),
            **_sample(snapshots),
            "exports": [_describe(snapshot) for snapshot in snapshots],
            "labels": _counts(lessons, past).with_columns(pl.col("as_of", "until").dt.strftime("%FT%TZ")).to_dicts(),
            "blend": told,
            "fingerprint": sha256("".join(one.fingerprint for one in snapshots).encode()).hexdigest(),
            "versions": {package: version(package) for package in ("numpy", "polars", "scikit-learn")}
            | {"scoring": __version__},
        },
        reference=make_reference(newest, with_context, without_context, past.labels),
        rates=_count_rates(snapshots, lessons, prior.rates) if "history" in learned["engaged"] else prior.rates,
    )


def _refuse_unrelated(snapshots: Sequence[Snapshot], lessons: Sequence[Labelled]) -> None:
    """Refuse exports of which the later ones prove nothing."""
    for lesson in lessons:
        if lesson.labels.select(pl.all().null_count()).row(0) == (lesson.labels.height,) * len(TARGETS):
            later = [snapshot for snapshot in snapshots if snapshot.as_of > lesson.as_of]
            raise InputError(
                f"nothing of what followed {lesson.as_of:%Y-%m-%d} is proved by the {len(later)} later export(s): of "
                f"{lesson.labels.height} rows {lesson.missing} are in none of them",
                expected="exports of the same contacts (source_email with crm_id, or with email) and their counts",
                hint="check their dates and columns, and that they come from one organisation",
            )


def _count_rates(snapshots: Sequence[Snapshot], lessons: Sequence[Labelled], prior: Rates | None) -> Rates | None:
    """Count the rates behind reasons on dates that settle them; the step-back cannot: it lacks most of the facts."""
    known = [lesson.labels["engaged"].is_not_null() for lesson in lessons]
    parts = [
        (snapshot.facts.filter(rows), lesson.labels["engaged"].filter(rows))
        for snapshot, lesson, rows in zip(snapshots, lessons, known, strict=False)
        if settled(lesson, "engaged") and rows.any()
    ]
    return make_rates(parts, own=True, prior=prior) if parts else prior


def _counts(lessons: Sequence[Labelled], past: Labelled) -> pl.DataFrame:
    rows = []
    for source, lesson in [*(("history", lesson) for lesson in lessons), ("step_back", past)]:
        for target in TARGETS:
            known = lesson.labels[target]
            happened = int(known.sum())
            rows.append(
                {
                    "source": source,
                    "as_of": lesson.as_of,
                    "until": lesson.until,
                    "target": target,
                    "happened": happened,
                    "did_not": known.count() - happened,
                    "open": known.null_count(),
                    "missing": lesson.missing,
                    "settled": settled(lesson, target),
                }
            )
    return pl.DataFrame(rows)


def _sample(snapshots: Sequence[Snapshot]) -> dict[str, Any]:
    """Say which contacts were learned from; nothing where all were."""
    if snapshots[-1].sample.one_in == 1:
        return {}
    rows = {"rows": sum(one.rows for one in snapshots), "used": sum(one.table.height for one in snapshots)}
    return {"sample": {**asdict(snapshots[-1].sample), **rows}}


def _describe(snapshot: Snapshot) -> dict[str, Any]:
    counts = {name: getattr(snapshot, name) for name in ("rows", "rejected", "repeated", "suppressed")}
    dated = {"as_of": snapshot.as_of.isoformat(), "dated": snapshot.dated}
    return {**dated, **counts, "fingerprint": snapshot.fingerprint}


def _tier_cuts(priority: Floats) -> tuple[float, float, float]:
    """Cut so that the tiers have their shares of the rows; equal priorities stay together, in the higher tier."""
    ordered = np.sort(priority)[::-1]
    first, second, third = (float(ordered[max(int(share * len(ordered)) - 1, 0)]) for share in _TIER_SHARES)
    return first, second, third
