"""Measuring: dates that were predicted and what followed in, tidy frames of figures with intervals out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.config import Target
from scoring.intervals import SHARES, Resamples, interval_of, resample_mean, resample_order
from scoring.metrics import auc, average_precision, brier, log_loss, ndcg_of_reps, reliability, surprise, top_shares
from scoring.scorecard import Floats
from scoring.segments import measure_segments, segment
from scoring.validation import key_of

__all__ = [
    "LEVEL",
    "PRODUCT",
    "TRUTH",
    "Judged",
    "tabulate_measures",
    "tabulate_reliability",
    "tabulate_segments",
    "tabulate_top",
]

PRODUCT: Final = "product"
TRUTH: Final = "true chance"
LEVEL: Final = ("brier", "log_loss")
"""Measures of the chances themselves, not of the order: less is better, and they need the rate of 30 days."""

Figure: TypeAlias = tuple[float, Floats]
"""A measure, and the same for each draw."""


@dataclass(frozen=True, eq=False)
class Judged:
    """One target on one date: what each model said, and who did it.

    Attributes
    ----------
    target : {"reply", "meeting", "answer", "engaged"}
        What was predicted.
    as_of : datetime
        The date.
    settled : bool
        Whether the share of outcomes is that of 30 days.
    contacts : polars.DataFrame
        The rows for which it is known.
    outcome : numpy.ndarray
        The same rows: 0 or 1, both of them there.
    chances, orders : dict of str to numpy.ndarray
        The same rows, by model: chances, and scores that only sort.
    groups : numpy.ndarray
        The same rows: whose they are, a column of `drawn.counts`.
    drawn : Resamples
        The draws of all dates.
    at : int
        Which of its dates this is.
    """

    target: Target
    as_of: datetime
    settled: bool
    contacts: pl.DataFrame
    outcome: Floats
    chances: dict[str, Floats]
    orders: dict[str, Floats]
    groups: NDArray[np.intp]
    drawn: Resamples
    at: int

    @cached_property
    def reps(self) -> pl.Series:
        """Whose row it is, null without a rep."""
        rep = self.contacts.select(key_of("rep", "who")[0])["rep"]
        return rep.set(rep == "", None)

    def measure(self) -> dict[str, dict[str, Figure]]:
        """Take all measures of all models."""
        ordered = {name: self._order(score) for name, score in (self.chances | self.orders).items()}
        return {name: {**figures, **self._level(name)} for name, figures in ordered.items()}

    def _order(self, score: Floats) -> dict[str, Figure]:
        y, groups, counts = self.outcome, self.groups, self.drawn.counts
        draws = resample_order(y, score, groups, counts)
        found = {"auc": auc(y, score), "ap": average_precision(y, score)}
        rates = top_shares(y, score, shares=SHARES)["rate"]
        found |= {f"rate_{share * 100:.0f}": rate for share, rate in zip(SHARES, rates, strict=True)}
        return {"ndcg": self._ndcg(score), **{name: (value, draws[name]) for name, value in found.items()}}

    def _ndcg(self, score: Floats) -> Figure:
        groups, counts = self.groups, self.drawn.counts
        lists = ndcg_of_reps(self.reps, self.outcome, score)
        if not (self.drawn.by_rep and lists.height):
            value = float(np.mean(lists["ndcg"].to_numpy())) if lists.height else float("nan")
            return value, np.full(len(counts), np.nan)
        where = pl.DataFrame({"rep": self.reps, "group": groups}).unique("rep")
        beside = lists.join(where, on="rep", how="left", maintain_order="left")["group"].to_numpy()
        ndcg = lists["ndcg"].to_numpy()
        return float(ndcg.mean()), resample_mean(ndcg, beside, counts)

    def _level(self, model: str) -> dict[str, Figure]:
        if model not in self.chances:
            return {}
        y, p, groups, counts = self.outcome, self.chances[model], self.groups, self.drawn.counts
        return {
            "brier": (brier(y, p), resample_mean((p - y) ** 2, groups, counts)),
            "log_loss": (log_loss(y, p), resample_mean(surprise(y, p), groups, counts)),
        }


def tabulate_measures(judged: Sequence[Judged]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Take all measures, and hold the product against every other model on the same draws.

    Parameters
    ----------
    judged : sequence of Judged
        Targets and dates.

    Returns
    -------
    measures, differences : polars.DataFrame
        As in `Evaluation`.
    """
    single: dict[tuple[Target, str, str], list[tuple[Judged, Figure]]] = {}
    against: dict[tuple[Target, str, str], list[tuple[Judged, Figure]]] = {}
    for one in judged:
        measured = one.measure()
        for model, figures in measured.items():
            for name, (value, draws) in figures.items():
                single.setdefault((one.target, model, name), []).append((one, (value, draws)))
                if model != PRODUCT:
                    sign, (own, own_draws) = -1 if name in LEVEL else 1, measured[PRODUCT][name]
                    difference = sign * (own - value), sign * (own_draws - draws)
                    against.setdefault((one.target, model, name), []).append((one, difference))
    measures = [row for key, parts in single.items() for row in _rows(key, parts)]
    differences = [row for key, parts in against.items() for row in _rows(key, parts)]
    return (
        _frame(measures).select("target", "as_of", "model", "measure", "value", "low", "high", "dates"),
        _frame(differences)
        .rename({"model": "against", "value": "difference"})
        .select(
            "target", "as_of", "against", "measure", "difference", "low", "high", "verdict", "dates", "dates_above"
        ),
    )


def _rows(key: tuple[Target, str, str], parts: Sequence[tuple[Judged, Figure]]) -> list[dict[str, Any]]:
    """One row a date, and one for the mean over dates."""
    target, model, measure = key
    named = {"target": target, "model": model, "measure": measure}
    each = [(one.as_of, [(one, figure)]) for one, figure in parts]
    usable = [(o, figure) for o, figure in parts if np.isfinite(figure[0]) and (o.settled or measure not in LEVEL)]
    rows = []
    for as_of, figures in [*each, *([(None, usable)] if usable else [])]:
        values = [value for _, (value, _) in figures]
        draws = figures[0][1][1] if as_of else _mean_of_draws([(one, draws) for one, (_, draws) in figures])
        found = interval_of(float(np.mean(values)), draws)
        row = {**named, "as_of": as_of, "value": found.estimate, "low": found.low, "high": found.high}
        row["verdict"] = found.verdict if np.isfinite(found.low) else None
        rows.append({**row, "dates": len(figures), "dates_above": sum(value > 0 for value in values)})
    return rows


def _mean_of_draws(parts: Sequence[tuple[Judged, Floats]]) -> Floats:
    """Mean of each draw over the dates that it holds; one that it cannot be measured on is left out of it."""
    every = np.stack([draws for _, draws in parts])
    times = np.where(np.isfinite(every), np.stack([one.drawn.dates[:, one.at] for one, _ in parts]), 0.0)
    with np.errstate(invalid="ignore"):
        mean: Floats = np.where(times > 0, every * times, 0.0).sum(axis=0) / times.sum(axis=0)
    return mean


def _frame(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    schema = {
        **dict.fromkeys(("target", "model", "measure", "verdict"), pl.String()),
        "as_of": pl.Datetime("us", "UTC"),
        **dict.fromkeys(("value", "low", "high"), pl.Float64()),
        **dict.fromkeys(("dates", "dates_above"), pl.Int64()),
    }
    return pl.DataFrame(rows, schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))


def tabulate_top(judged: Sequence[Judged]) -> pl.DataFrame:
    """Say what working the top of the list finds, by each model on each date.

    Parameters
    ----------
    judged : sequence of Judged
        Targets and dates.

    Returns
    -------
    polars.DataFrame
        As in `Evaluation`.
    """
    each = pl.concat(
        top_shares(one.outcome, score, shares=SHARES).select(
            pl.lit(one.target).alias("target"), _when(one.as_of), pl.lit(model).alias("model"), pl.all()
        )
        for one in judged
        for model, score in (one.chances | one.orders).items()
    )
    means = each.group_by("target", "model", "share", maintain_order=True).mean().with_columns(_when(None))
    return pl.concat([each, means.select(each.columns)])


def tabulate_reliability(judged: Sequence[Judged]) -> pl.DataFrame:
    """Hold chances against what happened, on each date and over all.

    Parameters
    ----------
    judged : sequence of Judged
        Targets and dates.

    Returns
    -------
    polars.DataFrame
        As in `Evaluation`.
    """
    tables = []
    for target, parts in _by_target(judged).items():
        every = _settled(parts)
        for model in parts[0].chances:
            each = [(one.as_of, one.outcome, one.chances[model]) for one in parts]
            joined = (np.concatenate([one.outcome for one in every]), np.concatenate([o.chances[model] for o in every]))
            for as_of, outcome, chance in [*each, (None, *joined)]:
                named = (pl.lit(target).alias("target"), _when(as_of), pl.lit(model).alias("model"))
                tables.append(reliability(outcome, chance).select(*named, pl.all()))
    return pl.concat(tables)


def tabulate_segments(judged: Sequence[Judged]) -> pl.DataFrame:
    """Measure the product for each kind of contact, over all dates.

    Parameters
    ----------
    judged : sequence of Judged
        Targets and dates.

    Returns
    -------
    polars.DataFrame
        As in `Evaluation`.
    """
    tables = []
    for target, parts in _by_target(judged).items():
        every = _settled(parts)
        # vocabularies of all dates together, so that a value is the same segment on each
        segments = segment(pl.concat([one.contacts for one in every])).insert_column(
            0, pl.lit("everyone").alias("everyone")
        )
        size, dates = len(every), every[0].drawn.dates[:, [one.at for one in every]]
        found = measure_segments(
            segments,
            np.concatenate([one.outcome for one in every]),
            np.concatenate([one.chances[PRODUCT] for one in every]),
            # reps and dates are drawn at once
            np.concatenate([one.groups * size + place for place, one in enumerate(every)]),
            (every[0].drawn.counts[:, :, None] * dates[:, None, :]).reshape(len(dates), -1),
        )
        tables.append(found.select(pl.lit(target).alias("target"), pl.all()))
    return pl.concat(tables)


def _by_target(judged: Sequence[Judged]) -> dict[Target, list[Judged]]:
    found: dict[Target, list[Judged]] = {}
    for one in judged:
        found.setdefault(one.target, []).append(one)
    return found


def _settled(parts: Sequence[Judged]) -> Sequence[Judged]:
    """Keep the dates whose rate is that of 30 days; all of them if there is none."""
    return [one for one in parts if one.settled] or parts


def _when(as_of: datetime | None) -> pl.Expr:
    return pl.lit(as_of, pl.Datetime("us", "UTC")).alias("as_of")
