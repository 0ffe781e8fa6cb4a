"""Versions: what is registered, found by name, number or alias, and loaded."""

from __future__ import annotations

import re
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from scoring.errors import ModelError
from scoring.model import Model, load_model
from scoring.tracking.judging import Candidate
from scoring.tracking.pyfunc import DATA
from scoring.tracking.runs import EARLIER, MODEL, Version
from scoring.tracking.store import open_store

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion, RegisteredModel

__all__ = [
    "CHAMPION",
    "candidate_of",
    "fetch_model",
    "find_champion",
    "find_registered",
    "find_same",
    "find_version",
    "version_of",
]

CHAMPION: Final = "champion"
"""The alias of the version that is in use."""

_URI: Final = re.compile(r"models:/([^/@:]+)(?:/([1-9]\d*)|@([\w.-]+))")


def fetch_model(uri: str, *, tracking_uri: str | None = None) -> Model:
    """Load a model of the registry.

    Parameters
    ----------
    uri : str
        ``models:/NAME@champion`` (or another alias), or ``models:/NAME/3``.
    tracking_uri : str, optional
        As for `log_training`.

    Returns
    -------
    Model
        Its files are checked as `scoring.load_model` checks them.

    Raises
    ------
    ModelError
        If there is no such model, or it is damaged.
    """
    with open_store(tracking_uri) as client:
        return _load(client, find_version(client, uri).run_id, f"{MODEL}/{DATA}")


def find_version(client: MlflowClient, uri: str) -> ModelVersion:
    """Find what ``models:/NAME/3`` or ``models:/NAME@champion`` means, or say that it is not there."""
    from mlflow.exceptions import MlflowException

    match = _URI.fullmatch(uri)
    if match is None:
        raise ModelError(f"no model is meant by {uri[:80]!r}", expected="models:/NAME@champion or models:/NAME/3")
    name, number, alias = match.groups()
    registered = find_registered(client, name)
    if alias and (number := registered.aliases.get(alias)) is None:
        raise ModelError(
            f"no version of {name} has the alias {alias!r}" + (": none was promoted" if alias == CHAMPION else ""),
            hint="see `scoring models list`; promote one, or use 'shipped', the model that is in use without one",
        )
    try:
        return client.get_model_version(name, str(number))
    except MlflowException as error:
        if error.error_code != "RESOURCE_DOES_NOT_EXIST":
            raise
        raise ModelError(f"there is no version {number} of {name}", hint="see `scoring models list`") from error


def find_registered(client: MlflowClient, name: str) -> RegisteredModel:
    """Find what is registered under a name, or say that nothing is."""
    found: list[RegisteredModel] = client.search_registered_models(f"name = '{name}'")
    if not found:
        raise ModelError(
            f"no model is registered as {name[:80]!r}",
            expected=", ".join(one.name for one in client.search_registered_models(max_results=5)),
            hint="train and register one: `scoring models promote EXPORT...`, or scoring.publish",
        )
    return found[0]


def find_champion(client: MlflowClient, name: str) -> tuple[Version, Model] | None:
    """Find the version in use and its model; None if there is none, or none that can be loaded."""
    for registered in client.search_registered_models(f"name = '{name}'"):
        if (number := registered.aliases.get(CHAMPION)) is not None:
            version = client.get_model_version(name, str(number))
            try:
                return version_of(version), candidate_of(client, version).model
            except ModelError:
                return None
    return None


def find_same(client: MlflowClient, name: str, model: Model, *, twin: bool = False) -> Version | None:
    """Find a version that is the same model.

    Parameters
    ----------
    client : mlflow.MlflowClient
        An open store.
    name : str
        What models are registered under; there need not be any.
    model : Model
        The model.
    twin : bool
        Whether the version must hold what the model was before its newest exports, too.

    Returns
    -------
    Version or None
        The one in use if it is the same, else the newest; none that is damaged.
    """
    champion = find_champion(client, name)
    if champion is not None and champion[1].id == model.id:
        return champion[0]
    found = client.search_model_versions(f"name = '{name}'")
    for version in sorted(found, key=lambda one: int(one.version), reverse=True):
        if version.tags.get("model_id") != model.id or (twin and "earlier_id" not in version.tags):
            continue
        try:
            candidate_of(client, version)
        except ModelError:  # damaged: it is needed anew
            continue
        return version_of(version)
    return None


def candidate_of(client: MlflowClient, version: ModelVersion) -> Candidate:
    """Load a version, and the same as it was before its newest exports; raise ModelError if either is damaged."""
    model = _load(client, version.run_id, f"{MODEL}/{DATA}")
    earlier = _load(client, version.run_id, EARLIER) if "earlier_id" in version.tags else None
    return Candidate(model, earlier)


def _load(client: MlflowClient, run: str | None, artefact: str) -> Model:
    if not run:
        raise ModelError("that version was not registered by this package", hint="see `scoring models list`")
    with TemporaryDirectory() as folder:
        return load_model(Path(client.download_artifacts(run, artefact, folder)))


def version_of(version: ModelVersion) -> Version:
    """Say in our terms what mlflow has."""
    return Version(version.name, int(version.version), version.tags.get("model_id", ""), version.run_id or "")
