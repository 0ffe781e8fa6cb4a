"""Runs: what a training was made of, and how good it was, written into mlflow and registered as a version.

Nothing about a person goes into a run: figures, dates and the model's own folder. No row of an export, no name of a
file, and not who ran it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

from scoring.dating import parse_as_of
from scoring.evaluation import Evaluation
from scoring.measuring import PRODUCT
from scoring.model import Model, load_model
from scoring.own_card import write_own_card
from scoring.tracking.pyfunc import save_served
from scoring.tracking.store import Figure, log_figures, open_run, open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["EARLIER", "MODEL", "NAME", "Version", "log_training"]

NAME: Final = "scoring"
"""Under which models are registered if nothing else is said."""

MODEL: Final = "model"
EARLIER: Final = "earlier"
_LISTED: Final = ("exports", "labels")  # they become figures by date
_COUNTS: Final = ("rows", "rejected", "repeated", "suppressed")


@dataclass(frozen=True)
class Version:
    """A model in the registry.

    Attributes
    ----------
    name : str
        What it is registered under.
    version : int
        From 1 on.
    model_id : str
        The model's own id, as in every scored row.
    run_id : str
        The run that holds it.
    """

    name: str
    version: int
    model_id: str
    run_id: str

    @property
    def uri(self) -> str:
        """What `scoring.load_model` and `mlflow` take."""
        return f"models:/{self.name}/{self.version}"


def log_training(
    model: Model | str | Path,
    *,
    earlier: Model | None = None,
    evaluation: Evaluation | None = None,
    name: str = NAME,
    tracking_uri: str | None = None,
) -> Version:
    """Write a training into mlflow: one run, and one new version in the registry.

    Parameters
    ----------
    model : Model, str or Path
        What `scoring.train` gave.
    earlier : Model, optional
        The same, trained without the newest exports, so that these can judge it: see `promote`.
    evaluation : Evaluation, optional
        What `scoring.evaluate` gave; its figures go into the run by date, and its text as a file.
    name : str
        Of the experiment, and of the model in the registry; both are made if they are not there.
    tracking_uri : str, optional
        mlflow's; by default `MLFLOW_TRACKING_URI`, else ``sqlite:///mlflow.db`` in the current folder, with files in
        ``mlruns`` beside it.

    Returns
    -------
    Version
        It is not in use before it is promoted.

    Raises
    ------
    ModelError
        If mlflow is not installed or refuses.

    Notes
    -----
    Metrics are of dates, which are their times and, as ``20260105``, their steps: ``engaged.product.auc`` is the AUC
    of the trained model for the target `engaged`, ``export.rows`` counts the rows of the export.
    """
    model = load_model(model)
    with open_store(tracking_uri, create=True) as client:
        tags = {"kind": "training", "model_id": model.id}
        with open_run(client, name, called=model.id, tags=tags) as run:
            log_figures(client, run, _params(model), [*_counts(model), *_measures(evaluation)])
            _log_files(client, run, model, earlier, evaluation)
        return _register(client, run, name, model, earlier)


def _params(model: Model) -> dict[str, Any]:
    """All settings that decided the model, flat; what is a list of dates is left to `_counts`."""
    told = {key: value for key, value in model.provenance.items() if key not in _LISTED}
    exports = model.provenance.get("exports", [])
    dates = {"exports": len(exports), "rows": sum(export["rows"] for export in exports)}
    if exports:
        dates |= {"first_export": exports[0]["as_of"], "last_export": exports[-1]["as_of"]}
    return {"model_id": model.id, "tier_cuts": list(model.tier_cuts), **dates, **dict(_flat(told))}


def _flat(told: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in told.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{before}{key}.")
        else:
            yield f"{before}{key}", value


def _counts(model: Model) -> list[Figure]:
    """Count what was read on each date, and what is known of the time after it."""
    read = [
        Figure(f"export.{count}", export[count], parse_as_of(export["as_of"]))
        for export in model.provenance.get("exports", [])
        for count in _COUNTS
    ]
    known = [
        Figure(f"labels.{label['source']}.{label['target']}.{count}", label[count], parse_as_of(label["as_of"]))
        for label in model.provenance.get("labels", [])
        for count in ("happened", "did_not", "open", "missing")
    ]
    return read + known


def _measures(evaluation: Evaluation | None) -> list[Figure]:
    """List all models' measures by date, the product's with their borders; means stand at the last date."""
    if evaluation is None or evaluation.measures.is_empty():
        return []
    last: datetime = max(evaluation.labels["as_of"].to_list())
    figures = []
    for row in evaluation.measures.iter_rows(named=True):
        name, when = f"{row['target']}.{row['model']}.{row['measure']}", row["as_of"]
        name += ".mean" if when is None else ""
        parts = {"": "value", ".low": "low", ".high": "high"} if row["model"] == PRODUCT else {"": "value"}
        for ending, part in parts.items():
            if row[part] is not None:
                figures.append(Figure(name + ending, row[part], last if when is None else when))
    return figures


def _log_files(client: MlflowClient, run: str, model: Model, earlier: Model | None, evaluation: Any) -> None:
    with TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_served(model, folder / "served", card=_card(model))
        client.log_artifacts(run, str(folder / "served"), MODEL)
        if earlier is not None:
            earlier.save(folder / EARLIER, card=_card(earlier))
            client.log_artifacts(run, str(folder / EARLIER), EARLIER)
    client.log_text(run, json.dumps(dict(model.provenance), indent=2, sort_keys=True), "provenance.json")
    if evaluation is not None:
        client.log_text(run, evaluation.to_text(), "evaluation/report.txt")
        for name in ("labels", "measures", "differences", "reliability", "top"):
            client.log_text(run, getattr(evaluation, name).write_csv(), f"evaluation/{name}.csv")


def _card(model: Model) -> str:
    return write_own_card(model) if "exports" in model.provenance else ""


def _register(client: MlflowClient, run: str, name: str, model: Model, earlier: Model | None) -> Version:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    until = model.learned_until
    tags = {
        "model_id": model.id,
        "learned_until": "" if until is None else until.isoformat(),
        **({} if earlier is None else {"earlier_id": earlier.id}),
    }
    made = client.create_model_version(name, f"runs:/{run}/{MODEL}", run, tags=tags)
    return Version(name, int(made.version), model.id, run)
