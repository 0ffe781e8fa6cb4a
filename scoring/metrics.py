"""How good an order, and how good a chance, is.

Every function takes one outcome (0 or 1, False or True) and one score or chance a row, never a missing one. Ties are
never broken by luck or by the order of rows. `weights` says what each row counts for: a weight of 2 is the row there
twice. What cannot be measured, for want of rows or of one of the outcomes, is NaN.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from scoring.errors import InputError
from scoring.pairs import Floats, check_pairs, group_by_score, has_both

__all__ = [
    "auc",
    "average_precision",
    "brier",
    "log_loss",
    "measure",
    "ndcg_of_reps",
    "ndcg_per_rep",
    "reliability",
    "surprise",
    "top_shares",
]


def auc(outcome: ArrayLike, score: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Chance that a row with the outcome has a higher score than one without; a tie counts half.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    score : array-like
        Higher is better.
    weights : array-like, optional
        What each row counts for.

    Returns
    -------
    float
        0 to 1, 0.5 for no order; NaN unless both outcomes are there.

    Examples
    --------
    >>> auc([0, 0, 1, 1], [1, 2, 2, 3])
    0.875
    """
    from sklearn.metrics import roc_auc_score

    y, s, w = check_pairs(outcome, score, weights)
    return float(roc_auc_score(y, s, sample_weight=w)) if has_both(y, w) else float("nan")


def average_precision(outcome: ArrayLike, score: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean precision over the rows with the outcome, each at the depth where it is found.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    score : array-like
        Higher is better. Rows of equal score are found together.
    weights : array-like, optional
        What each row counts for.

    Returns
    -------
    float
        0 to 1, the rate of the outcome for no order; NaN unless both outcomes are there.

    Examples
    --------
    >>> average_precision([0, 1, 0, 1], [1, 2, 3, 4])
    0.8333333333333333
    """
    from sklearn.metrics import average_precision_score

    y, s, w = check_pairs(outcome, score, weights)
    return float(average_precision_score(y, s, sample_weight=w)) if has_both(y, w) else float("nan")


def brier(outcome: ArrayLike, probability: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean squared distance of chance and outcome.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    probability : array-like
        0 to 1.
    weights : array-like, optional
        What each row counts for.

    Returns
    -------
    float
        0 to 1, less is better; NaN without rows.

    Examples
    --------
    >>> brier([0, 1], [0.5, 1.0])
    0.125
    """
    y, p, w = check_pairs(outcome, probability, weights, chances=True)
    return float(np.average((p - y) ** 2, weights=w)) if w.sum() > 0 else float("nan")


def log_loss(outcome: ArrayLike, probability: ArrayLike, weights: ArrayLike | None = None) -> float:
    """Mean surprise at the outcome, in nats.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    probability : array-like
        0 to 1; a chance of 0 or 1 is taken a rounding error off it, so that a miss costs much but not all.
    weights : array-like, optional
        What each row counts for.

    Returns
    -------
    float
        0 or more, less is better; NaN without rows.

    Examples
    --------
    >>> round(log_loss([0, 1], [0.5, 0.5]), 4)  # log(2)
    0.6931
    """
    from sklearn.metrics import log_loss as of_sklearn

    y, p, w = check_pairs(outcome, probability, weights, chances=True)
    return float(of_sklearn(y, p, sample_weight=w, labels=[0, 1])) if w.sum() > 0 else float("nan")


def surprise(outcome: ArrayLike, probability: ArrayLike) -> Floats:
    """Say how surprising each outcome is, in nats; `log_loss` is the mean of it.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    probability : array-like
        0 to 1.

    Returns
    -------
    numpy.ndarray
        One number a row, 0 or more.

    Examples
    --------
    >>> surprise([0, 1], [0.5, 1.0]).round(4).tolist()  # log(2), and no surprise
    [0.6931, 0.0]
    """
    y, p, _ = check_pairs(outcome, probability, None, chances=True)
    least = np.finfo(np.float64).eps
    surprises: Floats = np.abs(np.log(np.clip(np.where(y == 1, p, 1 - p), least, 1.0)))
    return surprises


def ndcg_per_rep(
    rep: pl.Series | Sequence[str], outcome: ArrayLike, score: ArrayLike, *, k: int = 10, min_contacts: int = 5
) -> float:
    """Mean over reps of how well the first `k` of a rep's list are chosen.

    Parameters
    ----------
    rep : polars.Series or sequence of str
        Whose row it is. Rows without a rep are left out.
    outcome : array-like
        0 or 1.
    score : array-like
        Higher is better.
    k : int
        How far down the list counts.
    min_contacts : int
        Reps with fewer rows are left out, and so are reps of whose rows all or none have the outcome.

    Returns
    -------
    float
        0 to 1, 1 for the perfect order; NaN without such a rep.

    Notes
    -----
    DCG@k is the sum of ``1 / log2(rank + 1)`` over ranks 1 to k that have the outcome, NDCG@k is its ratio to the DCG@k
    of the perfect order. Within rows of equal score every order is as likely, so each counts with the mean discount of
    their ranks: the exact mean over all orders.

    References
    ----------
    McSherry and Najork (2008), Computing information retrieval performance measures efficiently in the presence of
    tied scores.

    Examples
    --------
    >>> ndcg_per_rep(["a@x.io"] * 5, [1, 0, 0, 0, 0], [5, 4, 3, 2, 1])
    1.0
    >>> round(ndcg_per_rep(["a@x.io"] * 5, [1, 0, 0, 0, 0], [5, 5, 3, 2, 1]), 4)  # half 1, half 1 / log2(3)
    0.8155
    """
    lists = ndcg_of_reps(rep, outcome, score, k=k, min_contacts=min_contacts)
    return float(np.mean(lists["ndcg"].to_numpy())) if lists.height else float("nan")


def ndcg_of_reps(
    rep: pl.Series | Sequence[str], outcome: ArrayLike, score: ArrayLike, *, k: int = 10, min_contacts: int = 5
) -> pl.DataFrame:
    """Say for each rep how well the first `k` of the list are chosen; `ndcg_per_rep` is the mean of it.

    Parameters
    ----------
    rep, outcome, score, k, min_contacts
        As for `ndcg_per_rep`.

    Returns
    -------
    polars.DataFrame
        One row for each rep that can be judged, ascending: ``rep`` and ``ndcg``.

    Examples
    --------
    >>> ndcg_of_reps(["a@x.io"] * 5, [1, 0, 0, 0, 0], [5, 4, 3, 2, 1]).rows()
    [('a@x.io', 1.0)]
    """
    y, s, _ = check_pairs(outcome, score, None)
    if len(rep) != len(y):
        raise InputError(f"{len(rep)} reps for {len(y)} rows", expected="one rep a row")
    if k < 1:
        raise InputError(f"k = {k}", expected="1 or more")
    rows = pl.DataFrame({"rep": rep, "y": y, "s": s}).drop_nulls("rep").sort("rep", "s", descending=[False, True])
    ties = (
        rows.with_columns(rank=pl.int_range(pl.len()).over("rep"))
        .with_columns(discount=pl.when(pl.col("rank") < k).then(1 / (pl.col("rank") + 2).log(2)).otherwise(0.0))
        .group_by("rep", "s", maintain_order=True)
        .agg(pl.col("y").sum(), pl.col("discount").mean(), n=pl.len())
    )
    lists = ties.group_by("rep", maintain_order=True).agg(
        dcg=(pl.col("y") * pl.col("discount")).sum(), hits=pl.col("y").sum(), n=pl.col("n").sum()
    )
    lists = lists.filter(pl.col("hits") > 0, pl.col("hits") < pl.col("n"), pl.col("n") >= min_contacts)
    best = np.cumsum(1 / np.log2(np.arange(k) + 2))
    hits = lists["hits"].to_numpy().astype(np.intp)
    return lists.select("rep", ndcg=pl.Series(lists["dcg"].to_numpy() / best[np.minimum(hits, k) - 1]))


def reliability(
    outcome: ArrayLike, probability: ArrayLike, weights: ArrayLike | None = None, *, bins: int = 10
) -> pl.DataFrame:
    """Hold chances against what happened, in bins of about as many rows each.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    probability : array-like
        0 to 1. Rows of equal chance are in one bin, so there can be fewer bins than asked for, and uneven ones.
    weights : array-like, optional
        What each row counts for.
    bins : int
        How many bins to aim for.

    Returns
    -------
    polars.DataFrame
        One row a bin, ascending: ``lowest`` and ``highest`` chance in it (both inclusive), ``rows`` (their weight),
        ``expected`` (mean chance) and ``observed`` (share with the outcome).

    Examples
    --------
    >>> reliability([0, 0, 1, 1], [0.1, 0.1, 0.4, 0.9], bins=2).rows()
    [(0.1, 0.1, 2.0, 0.1, 0.0), (0.4, 0.9, 2.0, 0.65, 1.0)]
    """
    y, p, w = check_pairs(outcome, probability, weights, chances=True)
    if bins < 1:
        raise InputError(f"{bins} bins", expected="1 or more")
    ties = group_by_score(y, p, w).reverse()
    middle = pl.col("rows").cum_sum() - pl.col("rows") / 2  # where the middle row of equal chances lies
    return (
        ties.with_columns(bin=(middle * bins / pl.col("rows").sum()).floor())
        .group_by("bin", maintain_order=True)
        .agg(
            lowest=pl.col("score").first(),
            highest=pl.col("score").last(),
            rows=pl.col("rows").sum(),
            expected=(pl.col("score") * pl.col("rows")).sum() / pl.col("rows").sum(),
            observed=pl.col("hits").sum() / pl.col("rows").sum(),
        )
        .drop("bin")
    )


def top_shares(
    outcome: ArrayLike,
    score: ArrayLike,
    weights: ArrayLike | None = None,
    *,
    shares: Sequence[float] = (0.1, 0.2, 0.3),
) -> pl.DataFrame:
    """Say what working only the top of the list finds.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    score : array-like
        Higher is better. Where a share ends among rows of equal score, they count with their mean.
    weights : array-like, optional
        What each row counts for.
    shares : sequence of float
        How much of the list is worked, above 0 and at most 1.

    Returns
    -------
    polars.DataFrame
        One row a share: ``share``, ``captured`` (of all rows with the outcome, the part that is in it), ``rate`` (of
        the outcome among its rows) and ``lift`` (that rate over the rate of all rows); NaN where
        nothing is to be found.

    Examples
    --------
    >>> top_shares([1, 0, 1, 0, 0, 0, 0, 0, 0, 0], range(10, 0, -1)).rows()
    [(0.1, 0.5, 1.0, 5.0), (0.2, 0.5, 0.5, 2.5), (0.3, 1.0, 0.6666666666666666, 3.3333333333333335)]
    """
    y, s, w = check_pairs(outcome, score, weights)
    part = np.asarray(shares, dtype=np.float64)
    if not ((part > 0) & (part <= 1)).all():
        raise InputError(f"shares {list(shares)}", expected="above 0 and at most 1")
    ties = group_by_score(y, s, w)
    rows = np.append(0.0, np.cumsum(ties["rows"].to_numpy()))
    hits = np.append(0.0, np.cumsum(ties["hits"].to_numpy()))
    found = np.interp(part * rows[-1], rows, hits)
    with np.errstate(invalid="ignore", divide="ignore"):
        captured, rate = found / hits[-1], found / (part * rows[-1])
        return pl.DataFrame({"share": part, "captured": captured, "rate": rate, "lift": captured / part})


def measure(
    outcome: ArrayLike, probability: ArrayLike, rep: pl.Series | Sequence[str] | None = None
) -> dict[str, float]:
    """Take the main measures of chances at once.

    Parameters
    ----------
    outcome : array-like
        0 or 1.
    probability : array-like
        0 to 1.
    rep : polars.Series or sequence of str, optional
        Whose row it is; without it there is no NDCG.

    Returns
    -------
    dict of str to float
        ``rows``, ``rate`` (of the outcome), ``auc``, ``ap``, ``ndcg`` (at 10, per rep), ``brier``, ``log_loss``.

    Examples
    --------
    >>> measure([0, 1], [0.5, 0.5])
    {'rows': 2, 'rate': 0.5, 'auc': 0.5, 'ap': 0.5, 'brier': 0.25, 'log_loss': 0.6931471805599453}
    """
    y, p, _ = check_pairs(outcome, probability, None, chances=True)
    return {
        "rows": len(y),
        "rate": float(y.mean()) if len(y) else float("nan"),
        "auc": auc(y, p),
        "ap": average_precision(y, p),
        **({} if rep is None else {"ndcg": ndcg_per_rep(rep, y, p)}),
        "brier": brier(y, p),
        "log_loss": log_loss(y, p),
    }
