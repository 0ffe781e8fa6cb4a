"""Scoring and training on Spark: the same bits as on one machine.

What a cell means, which rows count and how a row is scored is decided on the executors by the code that does it
everywhere; Spark reads, groups, joins and writes. The session is that of the frame.
"""

from __future__ import annotations

from scoring.spark.prediction import score
from scoring.spark.training import train

__all__ = ["score", "train"]
