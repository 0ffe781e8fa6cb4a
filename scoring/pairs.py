"""Pairs: an outcome and a score for each row, made sure of before anything is measured."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray

from scoring.errors import InputError

__all__ = ["Floats", "check_pairs", "group_by_score", "has_both"]

Floats: TypeAlias = NDArray[np.float64]


def check_pairs(
    outcome: ArrayLike, score: ArrayLike, weights: ArrayLike | None, *, chances: bool = False
) -> tuple[Floats, Floats, Floats]:
    """Put outcomes, scores and weights into the form that they are measured in.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    score : array-like
        Finite numbers; 0 to 1 if they are `chances`.
    weights : array-like or None
        0 or more; None is 1 for each row.
    chances : bool
        Whether scores are chances.

    Returns
    -------
    tuple of numpy.ndarray
        The three as float64, one number a row.

    Raises
    ------
    InputError
        If they are not of one length, or hold what they may not.

    Examples
    --------
    >>> check_pairs([True, False], [0.5, 0.2], None)[2].tolist()
    [1.0, 1.0]
    """
    y, s = np.asarray(outcome, dtype=np.float64), np.asarray(score, dtype=np.float64)
    w = np.ones(y.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if y.ndim != 1 or not y.shape == s.shape == w.shape:
        raise InputError(f"shapes {y.shape}, {s.shape} and {w.shape}", expected="one number a row in each")
    if bad := int(np.sum((y != 0) & (y != 1))):
        raise InputError(f"{bad} outcomes are not 0 or 1", expected="rows without a known outcome left out")
    if bad := int(np.sum(~np.isfinite(s))):
        raise InputError(f"{bad} scores are not finite", expected="rows without a score left out")
    if chances and (bad := int(np.sum((s < 0) | (s > 1)))):
        raise InputError(f"{bad} chances are not between 0 and 1", expected="probabilities")
    if not (np.isfinite(w) & (w >= 0)).all():
        raise InputError("weights below 0 or not finite", expected="0 or more")
    return y, s, w


def has_both(y: Floats, w: Floats) -> bool:
    """Tell whether rows that count have both outcomes.

    Parameters
    ----------
    y, w : numpy.ndarray
        Outcomes and weights, as `check_pairs` gives them.

    Returns
    -------
    bool

    Examples
    --------
    >>> has_both(np.array([0.0, 1.0]), np.array([1.0, 0.0]))
    False
    """
    return bool(np.any(w * y > 0) and np.any(w * (1 - y) > 0))


def group_by_score(y: Floats, s: Floats, w: Floats) -> pl.DataFrame:
    """Take rows of equal score together.

    Parameters
    ----------
    y, s, w : numpy.ndarray
        Outcomes, scores and weights, as `check_pairs` gives them.

    Returns
    -------
    polars.DataFrame
        One row for each score that counts, highest first: ``score``, and the weight of its ``rows`` and of its
        ``hits``, those with the outcome.

    Examples
    --------
    >>> group_by_score(np.array([0.0, 1.0, 1.0]), np.array([0.2, 0.2, 0.7]), np.ones(3)).rows()
    [(0.7, 1.0, 1.0), (0.2, 2.0, 1.0)]
    """
    frame = pl.DataFrame({"score": s, "rows": w, "hits": w * y}).filter(pl.col("rows") > 0)
    # sorted before it is summed, so that the order of rows changes no bit
    return frame.sort("score", "rows", "hits", descending=True).group_by("score", maintain_order=True).sum()
