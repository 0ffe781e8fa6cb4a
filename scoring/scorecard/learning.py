"""Scorecards out of what was learned: a boosted classifier's trees, a calibration line.

scikit-learn is needed to train, not to score, so nothing here imports it: the classifier comes ready-made.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from scoring.errors import ModelError
from scoring.scorecard.card import Scorecard
from scoring.scorecard.lookup import logistic
from scoring.scorecard.table import Floats, Table

__all__ = ["compile_classifier", "fit_calibration"]

CHECK_ROWS = 256  # random rows on which a compiled scorecard is held against its classifier
CHECK_TOLERANCE = 1e-9  # log-odds; rounding makes 1e-14 of it, a wrong table 1e-3 and more
MIN_SLOPE = 0.01  # a calibration that finds no or the opposite order keeps the order and nearly nothing of its strength


def compile_classifier(classifier: Any, feature_names: Sequence[str]) -> Scorecard:
    """Turn additive boosted trees into a scorecard.

    Parameters
    ----------
    classifier : sklearn.ensemble.HistGradientBoostingClassifier
        Fitted on two classes and float32 values with ``interaction_cst="no_interactions"``, without categories.
    feature_names : sequence of str
        One for each column it was fitted on.

    Returns
    -------
    Scorecard
        Its probability is the classifier's for the second class, within 1e-12, for every float32 row. Tables in the
        order of the names, none for a feature that no tree splits on. Values are against a missing value, whose bin is
        0 in every table; `centre` puts them against a mean.

    Raises
    ------
    ModelError
        If the classifier has more than two classes, categories or trees that split on two features.

    Notes
    -----
    Trees compare float64 thresholds with float32 values; rounding a threshold down to float32 changes no comparison.

    Examples
    --------
    >>> from sklearn.ensemble import HistGradientBoostingClassifier
    >>> X = np.linspace(0, 1, 200, dtype=np.float32).reshape(-1, 1)
    >>> model = HistGradientBoostingClassifier(interaction_cst="no_interactions", max_iter=5).fit(X, X[:, 0] > 0.3)
    >>> card = compile_classifier(model, ["mails"])
    >>> bool(np.allclose(card.probability(X), model.predict_proba(X)[:, 1], rtol=0, atol=1e-12))
    True
    """
    names = list(feature_names)
    _check_classifier(classifier, names)
    thresholds = _split_points(classifier, names)

    # What the trees add is read off the classifier's own public scores: of a row in which everything is missing, and
    # of rows with one value inside one bin of one feature: each bin's upper border, and the float32 just above the
    # border before, which shows that the border is where it should be.
    with np.errstate(over="ignore"):  # above the largest float32 is infinity
        probes = [
            (position, value)
            for position, points in thresholds.items()
            for value in [*points, np.inf, *np.nextafter(points, np.float32(np.inf))]
        ]
    matrix = np.full((len(probes) + 1, len(names)), np.nan)
    for row, (position, value) in enumerate(probes, start=1):
        matrix[row, position] = value
    scores = _raw_scores(classifier, matrix)
    tables, row = [], 1
    for position, points in thresholds.items():
        count = len(points)
        inside, above = scores[row : row + count + 1], scores[row + count + 1 : row + 2 * count + 1]
        if not np.array_equal(above, inside[1:]):
            raise _unlike(classifier, f"a step of {names[position]!r} is not at a threshold")
        tables.append(Table(names[position], points, np.append(inside - scores[0], 0.0)))
        row += 2 * count + 1
    scorecard = Scorecard(float(scores[0]), tuple(tables))
    _check_equal(classifier, scorecard, names)
    return scorecard


def _check_classifier(classifier: Any, names: list[str]) -> None:
    fitted = getattr(classifier, "classes_", None)
    if fitted is None or not hasattr(classifier, "n_trees_per_iteration_"):
        expected = "a fitted HistGradientBoostingClassifier"
        raise ModelError(f"{type(classifier).__name__} cannot be compiled", expected=expected)
    if len(fitted) != 2:
        raise ModelError(f"the classifier has {len(fitted)} classes", expected="two")
    categories = getattr(classifier, "is_categorical_", None)
    if categories is not None and np.any(categories):
        raise ModelError(f"{int(np.sum(categories))} features are categories", expected="numbers only")
    if classifier.n_features_in_ != len(names) or len(set(names)) != len(names):
        found = f"{len(set(names))} names for {classifier.n_features_in_} features"
        raise ModelError(found, expected="one name for each feature")
    own = getattr(classifier, "feature_names_in_", None)
    if own is not None and list(own) != names:
        raise ModelError("the classifier was fitted on features of other names", expected=", ".join(own))


def _split_points(classifier: Any, names: list[str]) -> dict[int, NDArray[np.float32]]:
    """Ascending thresholds of each feature that a tree splits on, by its position.

    scikit-learn has no public way to list the splits, and scores alone can hide one (a step up and down between two
    probes), so this, and only this, reads the private nodes. All values come from public scores, and `_check_equal`
    fails loudly should the nodes ever come to mean something else.
    """
    points: dict[int, list[Floats]] = {}
    for trees in classifier._predictors:
        nodes = trees[0].nodes
        splits = nodes[nodes["is_leaf"] == 0]
        features = np.unique(splits["feature_idx"])
        if len(features) > 1:
            mixed = ", ".join(names[feature] for feature in features[:5])
            hint = 'fit with interaction_cst="no_interactions"'
            raise ModelError(f"a tree splits on {len(features)} features ({mixed})", expected="one", hint=hint)
        if len(features):
            points.setdefault(int(features[0]), []).append(splits["num_threshold"])
    return {position: _round_down(np.concatenate(points[position])) for position in sorted(points)}


def _round_down(thresholds: Floats) -> NDArray[np.float32]:
    """Largest float32 at or below each threshold, ascending, each once.

    A threshold of infinity splits missing from all others, which every table does anyway.
    """
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
        lower = np.nextafter(rounded, np.float32(-np.inf))
    down: NDArray[np.float32] = np.unique(np.where(rounded > thresholds, lower, rounded))
    down = down[np.less(down, np.inf)]
    if len(down) and not np.isfinite(down[0]):
        raise ModelError("a tree splits off minus infinity", expected="training values that are finite or missing")
    return down


def _raw_scores(classifier: Any, matrix: Floats) -> Floats:
    """Log-odds by the classifier's public method; as a frame where it insists on names."""
    named = getattr(classifier, "feature_names_in_", None)
    rows = matrix if named is None else pl.DataFrame(matrix, schema=list(named))
    return np.asarray(classifier.decision_function(rows), dtype=np.float64)


def _check_equal(classifier: Any, scorecard: Scorecard, names: list[str]) -> None:
    """Hold the scorecard against the classifier on rows of mixed borders, missing values and infinities."""
    rng = np.random.default_rng(0)
    borders = {table.feature: table.thresholds.tolist() for table in scorecard.tables}
    every = [[*borders.get(name, ()), np.inf, -np.inf, np.nan] for name in names]
    matrix = np.column_stack([rng.choice(values, CHECK_ROWS) for values in every])
    columns = dict(zip(names, matrix.T, strict=True))
    apart = np.abs(scorecard.log_odds(columns) - _raw_scores(classifier, matrix))
    if not apart.max() <= CHECK_TOLERANCE:
        raise _unlike(classifier, f"log-odds differ by up to {apart.max():.1e}")


def _unlike(classifier: Any, found: str) -> ModelError:
    hint = "this version of scikit-learn may build its trees another way"
    return ModelError(f"the scorecard is not the {type(classifier).__name__}: {found}", hint=hint)


def fit_calibration(
    log_odds: ArrayLike, outcome: ArrayLike, weights: ArrayLike | None = None, *, strength: float = 1.0
) -> tuple[float, float]:
    """Fit the line that turns log-odds into calibrated log-odds.

    Parameters
    ----------
    log_odds : array-like
        One a row, finite.
    outcome : array-like
        0 or 1 (or False, True), one a row.
    weights : array-like, optional
        What each row counts for, none below 0; 1 if not given.
    strength : float
        How many rows the wish to leave the log-odds as they are counts for; it keeps the line finite where the outcome
        is always the same or perfectly sorted.

    Returns
    -------
    offset, slope : float
        For `calibrate`; the slope is above 0 (where the data ask for less than 0.01 it is 0.01, and the offset fits).

    Notes
    -----
    Newton's method on ``sum w log_loss(y, a + b x) + strength / 2 (a**2 + (b - 1)**2)``, steps halved until they
    help.

    Examples
    --------
    >>> offset, slope = fit_calibration([-2, -2, -2, -2, 2, 2, 2, 2] * 100, [0, 0, 0, 1, 0, 1, 1, 1] * 100)
    >>> round(slope, 2)  # log(3) / 2, where every chance was stated as log-odds of -2 or 2
    0.55
    """
    x = np.asarray(log_odds, dtype=np.float64)
    y = np.asarray(outcome, dtype=np.float64)
    w = np.ones_like(x) if weights is None else np.asarray(weights, dtype=np.float64)
    if x.ndim != 1 or not x.shape == y.shape == w.shape:
        raise ModelError(f"shapes {x.shape}, {y.shape}, {w.shape}", expected="one number a row in each")
    if not (np.isfinite(x).all() and np.isin(y, (0.0, 1.0)).all() and (w >= 0).all() and np.isfinite(w).all()):
        raise ModelError("numbers out of range", expected="finite log-odds, outcomes 0 or 1, weights of 0 and more")
    line = _newton(np.stack([np.ones_like(x), x]), np.zeros_like(x), y, w, np.array([0.0, 1.0]), strength)
    if line[1] < MIN_SLOPE:
        offset = _newton(np.ones((1, len(x))), MIN_SLOPE * x, y, w, np.zeros(1), strength)
        return float(offset[0]), MIN_SLOPE
    return float(line[0]), float(line[1])


def _newton(design: Floats, base: Floats, y: Floats, w: Floats, prior: Floats, strength: float) -> Floats:
    """Minimise the weighted log loss of ``base + beta @ design`` and the pull of `prior`.

    No matrix products over rows: their last bits depend on the processor and on the number of threads.
    """

    def line(beta: Floats) -> Floats:
        drawn: Floats = base + np.sum(beta[:, None] * design, axis=0)
        return drawn

    def loss(beta: Floats) -> float:
        z = line(beta)
        return float(np.sum(w * (np.logaddexp(0.0, z) - y * z)) + strength / 2 * np.sum((beta - prior) ** 2))

    beta, now = prior, loss(prior)
    for _ in range(100):
        chance = logistic(line(beta))
        gradient = np.sum(design * (w * (chance - y)), axis=1) + strength * (beta - prior)
        weighted = design * (w * chance * (1 - chance))
        curvature = np.sum(design[:, None] * weighted[None], axis=2) + strength * np.eye(len(beta))
        step = np.linalg.solve(curvature, gradient)
        size = 1.0
        while size > 1e-6 and loss(beta - size * step) > now:
            size /= 2
        before, beta = now, beta - size * step
        now = loss(beta)
        if before - now <= 1e-12 * abs(before):
            break
    return beta
