"""Publishing: from exports to a model in use, if it is not worse than the one that is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from scoring.config import TrainingConfig
from scoring.errors import InputError
from scoring.evaluation import Evaluation, evaluate_snapshots
from scoring.model import SHIPPED, Model, load_model
from scoring.snapshots import Exports, Snapshot, take_snapshots
from scoring.tracking.judging import find_lesson
from scoring.tracking.registry import Decision, decide, keep
from scoring.tracking.runs import NAME, log_training
from scoring.tracking.store import open_store
from scoring.tracking.versions import find_champion, find_same
from scoring.training import train_snapshots

__all__ = ["publish"]


def publish(
    exports: Exports,
    *,
    name: str = NAME,
    config: TrainingConfig | None = None,
    prior: Model | str | Path = SHIPPED,
    evaluation: Evaluation | None = None,
    suppress: Sequence[str] = (),
    force: bool = False,
    jobs: int = 1,
    tracking_uri: str | None = None,
) -> Decision:
    """Train on exports, log and register the model, and put it into use if it is not worse than the one in use.

    Parameters
    ----------
    exports, config, prior, suppress, jobs
        As for `scoring.train`.
    name : str
        Of the experiment, of the model in the registry, and of the model itself.
    evaluation : Evaluation, optional
        What `scoring.evaluate` gave for these exports; by default they are evaluated here, so that the run holds the
        figures of each date.
    force : bool
        As for `promote`.
    tracking_uri : str, optional
        As for `log_training`.

    Returns
    -------
    Decision
        Its judgement says on which dates and by which figures; the model is registered whatever was decided, unless it
        is registered already: then that version is meant. ``kept`` if that is in use.

    Raises
    ------
    InputError
        If an export cannot be used.
    ModelError
        If mlflow is not installed or refuses.

    Notes
    -----
    A model that has learned from all exports cannot be judged by any of them. So the model is trained twice: once as it
    was possible on the newest date of which the later exports prove the 30 days, which is judged, and once on all
    exports, which is what is put into use. What was judged is the way of training, one period ago; its id is recorded
    as ``judged_challenger``. The model in use is taken in the same way: as it is, if it has not learned from that
    period, else as it was before.

    The tier cuts and percentiles of the model in use are kept, so that a tier means what it meant; the first model that
    is published sets them.
    """
    with open_store(tracking_uri, create=True) as client:  # what is missing is said before the work, not after it
        champion = find_champion(client, name)
    config = TrainingConfig() if config is None else config
    snapshots, start = take_snapshots(exports, suppress=suppress, config=config), load_model(prior)
    previous = None if champion is None else champion[1]

    def trained(some: Sequence[Snapshot]) -> Model:
        return train_snapshots(some, config=config, prior=start, previous=previous, name=name, jobs=jobs)

    model, lesson = trained(snapshots), find_lesson(snapshots)
    if champion is not None and _but_for_tiers(model) == _but_for_tiers(champion[1]):
        return keep(champion[0])
    with open_store(tracking_uri) as client:
        version = find_same(client, name, model, twin=lesson is not None)
    if version is None:
        earlier = None if lesson is None else trained([one for one in snapshots if one.as_of <= lesson.as_of])
        if evaluation is None:
            evaluation = _evaluated(snapshots, config, start, jobs)
        version = log_training(model, earlier=earlier, evaluation=evaluation, name=name, tracking_uri=tracking_uri)
    with open_store(tracking_uri) as client:
        return decide(client, version, snapshots, force=force)


def _evaluated(
    snapshots: Sequence[Snapshot], config: TrainingConfig | None, prior: Model, jobs: int
) -> Evaluation | None:
    """Evaluate by time; None where a single export, or too few outcomes, leave nothing to see."""
    if len(snapshots) < 2:
        return None
    try:
        return evaluate_snapshots(snapshots, config=config, prior=prior, jobs=jobs)
    except InputError:
        return None


def _but_for_tiers(model: Model) -> bytes:
    """All of a model but whose tiers it keeps: one trained as that in use keeps the tiers of that, not of the first."""
    told = {key: value for key, value in model.provenance.items() if key != "tiers_of"}
    return replace(model, provenance=told).document
