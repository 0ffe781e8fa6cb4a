"""Whom to write to or meet next, how likely it is to work, and why.

>>> import scoring
>>> scored = scoring.score({"crm_id": "1", "total_inbound": 3, "total_outbound": 4}, as_of="2026-01-05")
>>> scored["tier"] in ("A", "B", "C", "D")
True
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoring.accounts import roll_up
    from scoring.audit import Audit, audit_exports
    from scoring.batch import Summary, score_file
    from scoring.comparison import Comparison, compare
    from scoring.config import TrainingConfig
    from scoring.context import Context
    from scoring.drift import Drift, measure_drift
    from scoring.errors import InputError, LeakageWarning, ModelError, SchemaWarning, ScoringError
    from scoring.estimator import ScoringClassifier
    from scoring.evaluation import Evaluation, evaluate
    from scoring.explanation import Explanation, explain_contact
    from scoring.features import build_features
    from scoring.intake import build_context
    from scoring.mapping import FieldMapping
    from scoring.model import Model, load_model
    from scoring.prediction import score
    from scoring.recalibration import recalibrate
    from scoring.report import report_model, report_scores
    from scoring.review import Review, review_scores
    from scoring.scorer import Scorer
    from scoring.tracking import Decision, list_models, log_training, promote, publish, revert
    from scoring.training import count_labels, train
    from scoring.worklists import Worklist, prioritise
    from scoring.writeback import WriteBack, write_dynamics, write_salesforce

__version__ = "0.1.0"

__all__ = [
    "Audit",
    "Comparison",
    "Context",
    "Decision",
    "Drift",
    "Evaluation",
    "Explanation",
    "FieldMapping",
    "InputError",
    "LeakageWarning",
    "Model",
    "ModelError",
    "Review",
    "SchemaWarning",
    "Scorer",
    "ScoringClassifier",
    "ScoringError",
    "Summary",
    "TrainingConfig",
    "Worklist",
    "WriteBack",
    "audit_exports",
    "build_context",
    "build_features",
    "compare",
    "count_labels",
    "evaluate",
    "explain_contact",
    "list_models",
    "load_model",
    "log_training",
    "measure_drift",
    "prioritise",
    "promote",
    "publish",
    "recalibrate",
    "report_model",
    "report_scores",
    "revert",
    "review_scores",
    "roll_up",
    "score",
    "score_file",
    "train",
    "write_dynamics",
    "write_salesforce",
]

# A name is imported when it is first used: `import scoring` costs nothing, `scoring --help` loads no polars.
_HOME = {
    "Audit": "audit",
    "Comparison": "comparison",
    "Context": "context",
    "Decision": "tracking",
    "Drift": "drift",
    "Evaluation": "evaluation",
    "Explanation": "explanation",
    "FieldMapping": "mapping",
    "InputError": "errors",
    "LeakageWarning": "errors",
    "Model": "model",
    "ModelError": "errors",
    "Review": "review",
    "SchemaWarning": "errors",
    "Scorer": "scorer",
    "ScoringClassifier": "estimator",
    "ScoringError": "errors",
    "Summary": "batch",
    "TrainingConfig": "config",
    "Worklist": "worklists",
    "WriteBack": "writeback",
    "audit_exports": "audit",
    "build_context": "intake",
    "build_features": "features",
    "compare": "comparison",
    "count_labels": "training",
    "evaluate": "evaluation",
    "explain_contact": "explanation",
    "list_models": "tracking",
    "load_model": "model",
    "log_training": "tracking",
    "measure_drift": "drift",
    "prioritise": "worklists",
    "promote": "tracking",
    "publish": "tracking",
    "recalibrate": "recalibration",
    "report_model": "report",
    "report_scores": "report",
    "revert": "tracking",
    "review_scores": "review",
    "roll_up": "accounts",
    "score": "prediction",
    "score_file": "batch",
    "train": "training",
    "write_dynamics": "writeback",
    "write_salesforce": "writeback",
}


def __getattr__(name: str) -> object:
    if name in _HOME:
        value = getattr(import_module(f"scoring.{_HOME[name]}"), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module 'scoring' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
