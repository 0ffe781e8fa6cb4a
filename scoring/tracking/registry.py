"""The registry: which version of a model is in use, since when and why.

The version in use has the alias `champion`. Every decision about it is kept as a run and as tags of the version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from scoring.errors import ModelError
from scoring.model import SHIPPED, Model, load_model
from scoring.snapshots import Exports, Snapshot, take_snapshots
from scoring.tracking.judging import Candidate, Judgement, find_lesson, judge
from scoring.tracking.runs import NAME, Version, log_training
from scoring.tracking.store import Figure, log_figures, open_run, open_store
from scoring.tracking.versions import CHAMPION, candidate_of, find_registered, find_same, find_version, version_of

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion

__all__ = ["Decision", "decide", "keep", "list_models", "promote", "revert"]

_BEFORE: Final = "champions"  # tag of the registered model: the versions that came into use, the newest last
_RECORD: Final = "record"  # tag of a version: the newest decision about it, as JSON
_INTERVAL: Final = ("estimate", "low", "high")


@dataclass(frozen=True)
class Decision:
    """What was decided about a version, and by which figures.

    Attributes
    ----------
    action : str
        ``promoted``; ``forced``: promoted by a person, whatever the figures say; ``refused``; ``kept``: it was in use
        already, so nothing was decided and nothing is recorded; or ``reverted``.
    version : Version
        What it was decided about; for a revert, the version that is in use again.
    champion : str
        Id of the model that was in use when it was decided.
    judgement : Judgement or None
        The figures; None for a revert.
    """

    action: str
    version: Version
    champion: str
    judgement: Judgement | None = None

    @property
    def promoted(self) -> bool:
        """Whether the version is in use now."""
        return self.action != "refused"

    def to_dict(self) -> dict[str, Any]:
        """Return the decision as plain values, ready for JSON."""
        judged = {} if self.judgement is None else self.judgement.to_dict()
        about = {"name": self.version.name, "version": self.version.version, "model_id": self.version.model_id}
        return {"action": self.action, "promoted": self.promoted, **about, "champion": self.champion, **judged}


def promote(
    challenger: Version | int | Model | str | Path,
    exports: Exports | None = None,
    *,
    name: str = NAME,
    suppress: Sequence[str] = (),
    force: bool = False,
    tracking_uri: str | None = None,
) -> Decision:
    """Put a model into use if it is not worse than the one in use.

    Parameters
    ----------
    challenger : Version, int, Model, str or Path
        A version of the registry, its number or its ``models:/NAME/3``; any other model is registered first, unless
        a version is the same model: then that is meant.
    exports : mapping, sequence, or one export
        As for `scoring.train`; they judge. What counts is the newest date of which the later ones prove the 30 days.
    name : str
        What models are registered under.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.
    force : bool
        Promote it, whatever comes of judging; this is recorded as such.
    tracking_uri : str, optional
        As for `log_training`.

    Returns
    -------
    Decision
        Recorded as a run and as tags of the version, also where it is refused. Of a version that is in use nothing is
        judged: it is ``kept``.

    Raises
    ------
    InputError
        If an export cannot be used.
    ModelError
        If there is no such version, or mlflow refuses.

    Notes
    -----
    The champion is what has the alias; where nothing has, or what has it cannot be loaded any more, it is the shipped
    model, which is in use then.

    On the same rows, with intervals (95 %) over reps, the challenger is refused if its order is worse beyond chance
    (the interval of the difference in AUC lies wholly below 0), or its calibration is (that of the log loss saved
    does). It is refused, too, where nothing can be shown: no date whose 30 days are proved, fewer than 20 rows that did
    it or that did not, or a model that has learned from those 30 days. `publish` sees to it that the last is not so.
    """
    snapshots = [] if exports is None else take_snapshots(exports, suppress=suppress)
    with open_store(tracking_uri, create=True) as client:
        return decide(client, _entered(client, challenger, name, tracking_uri), snapshots, force=force)


def _entered(client: MlflowClient, challenger: object, name: str, tracking_uri: str | None) -> Version:
    """Find the version that is meant, or register the model as one."""
    if isinstance(challenger, Version):
        return challenger
    if isinstance(challenger, int):
        return version_of(find_version(client, f"models:/{name}/{challenger}"))
    if isinstance(challenger, str) and challenger.startswith("models:/"):
        return version_of(find_version(client, challenger))
    model = load_model(challenger)  # type: ignore[arg-type]
    same = find_same(client, name, model)
    return log_training(model, name=name, tracking_uri=tracking_uri) if same is None else same


def decide(client: MlflowClient, version: Version, snapshots: Sequence[Snapshot], *, force: bool) -> Decision:
    """Judge a version, record the decision, and act on it.

    Parameters
    ----------
    client : mlflow.MlflowClient
        An open store.
    version : Version
        The challenger.
    snapshots : sequence of Snapshot
        Ascending by date; they judge.
    force : bool
        Promote it in any case.

    Returns
    -------
    Decision
    """
    registered = find_registered(client, version.name)
    current = registered.aliases.get(CHAMPION)
    if current is not None and int(current) == version.version:
        return keep(version)
    new = candidate_of(client, client.get_model_version(version.name, str(version.version)))
    old, unusable = _in_use(client, version.name, current)
    judgement = judge(new, old, find_lesson(snapshots))
    if unusable:
        judgement = replace(judgement, reason=f"{unusable}; against the shipped model: {judgement.reason}")
    action = "promoted" if judgement.better else "forced" if force else "refused"
    decision = Decision(action, version, old.model.id, judgement)
    before = _stack(registered.tags, current)
    _record(client, decision, about=version.version, before=[*before, version.version] if decision.promoted else None)
    return decision


def keep(version: Version) -> Decision:
    """Leave the version in use where it is."""
    return Decision("kept", version, version.model_id, Judgement(False, "it is the model in use already"))


def _in_use(client: MlflowClient, name: str, current: object) -> tuple[Candidate, str]:
    """Find what is in use: the champion, or the shipped model where there is none, or none that can be loaded."""
    if current is None:
        return Candidate(load_model(SHIPPED)), ""
    try:
        return candidate_of(client, client.get_model_version(name, str(current))), ""
    except ModelError as error:  # of another version of this package, or damaged: it cannot score either
        return Candidate(load_model(SHIPPED)), f"version {current} in use cannot be loaded ({error.found})"


def _stack(tags: dict[str, str], current: object) -> list[int]:
    """List the versions that came into use, the one in use last, also where an alias was set by hand."""
    before = [int(version) for version in tags.get(_BEFORE, "").split(",") if version]
    if current is not None and before[-1:] != [int(str(current))]:
        before.append(int(str(current)))
    return before


def _record(client: MlflowClient, decision: Decision, *, about: int, before: list[int] | None) -> None:
    """Write a decision down, and put the last version of `before` into use."""
    name, told = decision.version.name, decision.to_dict()
    told.pop("comparison", None)
    tags = {"kind": decision.action, "model_id": decision.version.model_id}
    with open_run(client, name, called=f"{decision.action} {decision.version.version}", tags=tags) as run:
        log_figures(client, run, told, _figures(decision.judgement))
        client.log_text(run, json.dumps(decision.to_dict(), indent=2), "decision.json")
        if before is not None:
            client.set_registered_model_alias(name, CHAMPION, str(before[-1]))
            client.set_registered_model_tag(name, _BEFORE, ",".join(map(str, before)))
        client.set_model_version_tag(name, str(about), "decision", decision.action)
        if decision.judgement is not None:
            client.set_model_version_tag(name, str(about), _RECORD, json.dumps(decision.to_dict()))


def _figures(judgement: Judgement | None) -> list[Figure]:
    if judgement is None or judgement.comparison is None or judgement.as_of is None:
        return []
    comparison, when = judgement.comparison, judgement.as_of
    counts = {"rows": comparison.rows, "outcomes": comparison.outcomes}
    parts = {
        f"{what}.{part}": getattr(getattr(comparison, what), part)
        for what in ("order", "calibration")
        for part in _INTERVAL
    }
    return [Figure(figure, value, when) for figure, value in (counts | parts).items()]


def revert(name: str = NAME, *, tracking_uri: str | None = None) -> Decision:
    """Put the version into use again that was in use before.

    Parameters
    ----------
    name : str
        What models are registered under.
    tracking_uri : str, optional
        As for `log_training`.

    Returns
    -------
    Decision
        Recorded; the version is that in use now. Doing it again goes back further.

    Raises
    ------
    ModelError
        If none was in use before.
    """
    with open_store(tracking_uri) as client:
        registered = find_registered(client, name)
        current = registered.aliases.get(CHAMPION)
        before = _stack(registered.tags, current)
        while before and current is not None and before[-1] == int(current):
            before.pop()
        if not before:
            raise ModelError(
                f"no version of {name} was in use before" + ("" if current is None else f" version {current}"),
                hint="without one, the shipped model is in use: score without --model",
            )
        left = "none" if current is None else version_of(client.get_model_version(name, str(current))).model_id
        decision = Decision("reverted", version_of(client.get_model_version(name, str(before[-1]))), left)
        _record(client, decision, about=before[-1] if current is None else int(current), before=before)
        return decision


def list_models(name: str = NAME, *, tracking_uri: str | None = None) -> pl.DataFrame:
    """List the versions of a model, with what was decided about them.

    Parameters
    ----------
    name : str
        What models are registered under.
    tracking_uri : str, optional
        As for `log_training`.

    Returns
    -------
    polars.DataFrame
        One row a version, the newest first: `version`, `model_id`, `alias` (``champion`` for the one in use, else
        null), `decision` (``promoted``, ``forced``, ``refused``, ``reverted``: it was in use; null if none), `reason`,
        `learned_until` and `judged_on` (dates of exports, UTC), `rows` and `outcomes` that judged it, `order`
        (difference in AUC) and `calibration` (log loss saved), each with its `_low` and `_high`, and `logged` (mlflow's
        time, UTC).

    Raises
    ------
    ModelError
        If there is no such model.
    """
    with open_store(tracking_uri) as client:
        aliases = {int(version): alias for alias, version in find_registered(client, name).aliases.items()}
        found = client.search_model_versions(f"name = '{name}'")
        rows = [_row(version, aliases.get(int(version.version))) for version in found]
    return pl.DataFrame(rows, schema=_LISTED, orient="row").sort("version", descending=True)


_LISTED: Final[dict[str, Any]] = {
    "version": pl.Int64, "model_id": pl.String, "alias": pl.String, "decision": pl.String, "reason": pl.String,
    "learned_until": pl.Datetime("us", "UTC"), "judged_on": pl.Datetime("us", "UTC"),
    "rows": pl.Int64, "outcomes": pl.Int64,
    "order": pl.Float64, "order_low": pl.Float64, "order_high": pl.Float64,
    "calibration": pl.Float64, "calibration_low": pl.Float64, "calibration_high": pl.Float64,
    "logged": pl.Datetime("ms", "UTC"),
}  # fmt: skip


def _row(version: ModelVersion, alias: str | None) -> dict[str, Any]:
    tags = version.tags
    record = json.loads(tags.get(_RECORD, "{}"))
    comparison = record.get("comparison") or {}
    figures = {
        what if part == "estimate" else f"{what}_{part}": comparison.get(what, {}).get(part)
        for what in ("order", "calibration")
        for part in _INTERVAL
    }
    return {
        "version": int(version.version),
        "model_id": tags.get("model_id"),
        "alias": alias,
        "decision": tags.get("decision"),
        "reason": record.get("reason"),
        "learned_until": _date(tags.get("learned_until")),
        "judged_on": _date(record.get("judged_on")),
        "rows": comparison.get("rows"),
        "outcomes": comparison.get("outcomes"),
        **figures,
        "logged": datetime.fromtimestamp(version.creation_timestamp / 1000, UTC),
    }


def _date(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
