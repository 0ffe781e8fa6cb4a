"""Boosting: rows and outcomes in, one scorecard out."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from scoring.config import Boosting
from scoring.features import FEATURES
from scoring.scorecard import Scorecard, compile_classifier

__all__ = ["boost"]

_TREND: Final = {feature.name: feature.trend for feature in FEATURES}


def boost(
    features: pl.DataFrame,
    outcome: ArrayLike,
    names: Sequence[str],
    how: Boosting,
    *,
    seed: int,
    weights: ArrayLike | None = None,
) -> Scorecard:
    """Learn an additive model and compile it.

    Parameters
    ----------
    features : polars.DataFrame
        One Float32 column for each feature, null where there is none.
    outcome : array-like of bool
        One a row; both must be there.
    names : sequence of str
        The features to learn from.
    how : Boosting
        Settings.
    seed : int
        For the features that splits choose from.
    weights : array-like, optional
        What each row counts for.

    Returns
    -------
    Scorecard
        Monotone where the feature's trend says so.
    """
    from sklearn.ensemble import HistGradientBoostingClassifier

    matrix = features.select(names).to_numpy()
    told = ~np.isnan(matrix).all(axis=0)  # scikit-learn gives up at a column in which nothing is known
    matrix, kept = matrix[:, told], [name for name, some in zip(names, told, strict=True) if some]
    if not kept:  # the rate is all that there is to learn
        counts = None if weights is None else np.asarray(weights, dtype=np.float64)
        rate = float(np.average(np.asarray(outcome, dtype=np.float64), weights=counts))
        return Scorecard(math.log(rate / (1 - rate)), ())
    classifier = HistGradientBoostingClassifier(
        interaction_cst="no_interactions",
        max_iter=how.iterations,
        max_leaf_nodes=how.leaves,
        min_samples_leaf=how.least_rows,
        learning_rate=how.learning_rate,
        l2_regularization=how.shrinkage,
        max_bins=how.bins,
        max_features=how.tried,
        monotonic_cst=[_TREND[name] for name in kept],
        random_state=seed,
        early_stopping=False,
    ).fit(matrix, outcome, sample_weight=weights)
    return compile_classifier(classifier, kept)
