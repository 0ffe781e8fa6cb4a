"""Tracking with mlflow: runs, the registry, which model is in use, and the model as it is served.

This package alone imports mlflow, and only when it is used. By default everything is in `mlflow.db` and `mlruns` in the
current folder; mlflow's telemetry is off; nothing about a person is written.
"""

from __future__ import annotations

from scoring.tracking.judging import Judgement
from scoring.tracking.publishing import publish
from scoring.tracking.registry import Decision, list_models, promote, revert
from scoring.tracking.runs import NAME, Version, log_training
from scoring.tracking.versions import CHAMPION, fetch_model

__all__ = [
    "CHAMPION",
    "NAME",
    "Decision",
    "Judgement",
    "Version",
    "fetch_model",
    "list_models",
    "log_training",
    "promote",
    "publish",
    "revert",
]
