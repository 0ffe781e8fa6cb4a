"""The report: one HTML page about scored contacts or about a model, which works offline and prints well."""

from __future__ import annotations

from scoring.report.models import report_model
from scoring.report.scores import report_scores

__all__ = ["report_model", "report_scores"]
