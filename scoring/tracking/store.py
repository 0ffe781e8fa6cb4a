"""The store: mlflow opened so that nothing leaves the machine, and its errors in words.

By default it is `mlflow.db` (SQLite) in the current folder, with the files of runs in `mlruns` beside it;
`MLFLOW_TRACKING_URI` or an argument say otherwise.
"""

from __future__ import annotations

import logging
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scoring.errors import ModelError

if TYPE_CHECKING:
    from mlflow import MlflowClient

__all__ = ["Figure", "log_figures", "open_run", "open_store"]

_DEFAULT: Final = "sqlite:///mlflow.db"
_SQLITE: Final = "sqlite:///"
_MOST_PARAMS: Final = 100  # in one call, as mlflow has it
_MOST_METRICS: Final = 1000
_LOGGERS: Final = ("mlflow", "alembic")


@dataclass(frozen=True)
class Figure:
    """One value of one metric.

    Attributes
    ----------
    name : str
        Of the metric.
    value : float
        What is not finite is left out of the run.
    when : datetime
        The date of the export that it is about: the metric's time, and as ``20260105`` its step.
    """

    name: str
    value: float
    when: datetime


@contextmanager
def open_store(tracking_uri: str | None = None, *, create: bool = False) -> Iterator[MlflowClient]:
    """Open mlflow: telemetry off, its notices left out, its errors as ours.

    Parameters
    ----------
    tracking_uri : str, optional
        Where runs and models are; by default `MLFLOW_TRACKING_URI`, else `mlflow.db` in the current folder.
    create : bool
        Make the database if it is not there.

    Yields
    ------
    mlflow.MlflowClient

    Raises
    ------
    ModelError
        If mlflow is not installed, there is no database, or mlflow refuses.
    """
    for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK"):
        os.environ.setdefault(name, "true")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"(mlflow|alembic|sqlalchemy|pydantic)\b")
        try:
            import alembic  # noqa: F401  what mlflow needs for its database is part of the extra
            import mlflow.pyfunc  # here, as it sets up its logging when it is imported
            from mlflow.exceptions import MlflowException
            from sqlalchemy.exc import SQLAlchemyError
        except ImportError as error:
            raise ModelError(
                f"mlflow is not installed as it is needed: there is no {error.name}",
                hint='pip install "contact-scoring[mlflow]"',
            ) from error
        uri = _located(tracking_uri or os.environ.get("MLFLOW_TRACKING_URI") or _DEFAULT, create)
        with _only_errors():
            try:
                yield mlflow.MlflowClient(tracking_uri=uri)
            except (MlflowException, SQLAlchemyError) as error:
                told = str(error).partition("\n")[0]
                raise ModelError(f"mlflow refuses: {told[:300]}", hint="see `scoring models list`") from error


def _located(uri: str, create: bool) -> str:
    """Say at once what is not there, for mlflow would try for minutes, or make an empty database; and where it is."""
    if not uri.startswith(_SQLITE):
        return uri
    path = Path(uri.removeprefix(_SQLITE)).absolute()  # mlflow keeps databases open by name, whatever the folder is
    if not (path.parent.is_dir() if create else path.is_file()):
        raise ModelError(
            f"there is no {path.name} in the folder {path.parent.name!r}",
            expected="the database of mlflow",
            hint="publish a model first, or say where it is: MLFLOW_TRACKING_URI (or `scoring models --tracking-uri`)",
        )
    return f"{_SQLITE}{path.as_posix()}"


@contextmanager
def _only_errors() -> Iterator[None]:
    """Leave out mlflow's notices on versions, examples and tables."""
    levels = [logging.getLogger(name).level for name in _LOGGERS]
    try:
        for name in _LOGGERS:
            logging.getLogger(name).setLevel(logging.ERROR)
        yield
    finally:
        for name, level in zip(_LOGGERS, levels, strict=True):
            logging.getLogger(name).setLevel(level)


@contextmanager
def open_run(client: MlflowClient, experiment: str, *, called: str, tags: Mapping[str, str]) -> Iterator[str]:
    """Make a run that ends as finished, or as failed where something goes wrong.

    Parameters
    ----------
    client : mlflow.MlflowClient
        An open store. Its own `create_run` is used: unlike `mlflow.start_run` it notes neither who runs it nor the path
        of the program.
    experiment : str
        Name of the experiment, made if it is not there.
    called : str
        Name of the run.
    tags : mapping of str to str
        What sort of run it is.

    Yields
    ------
    str
        Id of the run.
    """
    run: str = client.create_run(_experiment(client, experiment), tags=dict(tags), run_name=called).info.run_id
    try:
        yield run
    except BaseException:
        client.set_terminated(run, "FAILED")
        raise
    client.set_terminated(run, "FINISHED")


def _experiment(client: MlflowClient, name: str) -> str:
    found = client.get_experiment_by_name(name)
    if found is not None:
        return str(found.experiment_id)
    uri, beside = client.tracking_uri, None
    if uri.startswith(_SQLITE):  # by default the files would go to the current folder, wherever the database is
        beside = (Path(uri.removeprefix(_SQLITE)).parent / "mlruns").as_uri()
    return str(client.create_experiment(name, artifact_location=beside))


def log_figures(client: MlflowClient, run: str, params: Mapping[str, Any], figures: Sequence[Figure]) -> None:
    """Write parameters and metrics into a run.

    Parameters
    ----------
    client : mlflow.MlflowClient
        An open store.
    run : str
        Id of the run.
    params : mapping of str to object
        Written as text.
    figures : sequence of Figure
        Metrics.
    """
    from mlflow.entities import Metric, Param

    written = [Param(name, str(value)) for name, value in params.items()]
    metrics = [
        Metric(one.name, one.value, int(one.when.timestamp() * 1000), int(f"{one.when:%Y%m%d}"))
        for one in figures
        if isfinite(one.value)
    ]
    for start in range(0, len(written), _MOST_PARAMS):
        client.log_batch(run, params=written[start : start + _MOST_PARAMS])
    for start in range(0, len(metrics), _MOST_METRICS):
        client.log_batch(run, metrics=metrics[start : start + _MOST_METRICS])
