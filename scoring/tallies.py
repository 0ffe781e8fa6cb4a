"""Tallies: what chances promised of some rows, beside what came, by tier, by rep, by list."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.blending import fit_offset
from scoring.config import TIERS, Target
from scoring.intervals import SHARES, Interval, interval_of, resample_mean, resample_order
from scoring.metrics import reliability, top_shares
from scoring.scorecard import Floats, logistic

__all__ = ["PARTS", "Promise", "tally"]

PARTS: Final = ("work", "explore", "prepare", "listed", "not listed")
"""Where a row stood: the parts of a worklist, ``listed`` if it names none, or on none."""

_NORMAL_95: Final = 1.96
_HAIR: Final = 1e-9  # a chance of 0 or 1 has no log-odds


@dataclass(frozen=True, eq=False)
class Promise:
    """One target: what was promised, and what came. All attributes are of the same rows.

    Attributes
    ----------
    target : {"reply", "meeting", "engaged"}
        What was predicted.
    rows : polars.DataFrame
        `rep`, `tier` and `part`.
    chances : numpy.ndarray
        0 to 1.
    label : polars.Series
        Boolean: whether it came; null where that is open.
    found : polars.Series
        Boolean: whether a later export has the row.
    groups, counts : numpy.ndarray
        Their reps, and how often they are in each draw, as in `intervals.Resamples`.
    """

    target: Target
    rows: pl.DataFrame
    chances: Floats
    label: pl.Series
    found: pl.Series
    groups: NDArray[np.intp]
    counts: Floats

    @cached_property
    def known(self) -> NDArray[np.bool_]:
        """Whether it is known of a row what came."""
        return self.label.is_not_null().to_numpy()

    @cached_property
    def outcome(self) -> Floats:
        """What came of the known rows, 0 or 1."""
        return self.label.filter(self.known).to_numpy().astype(np.float64)

    @cached_property
    def chance(self) -> Floats:
        """The chances of the known rows."""
        return self.chances[self.known]

    def of(self, column: str, value: str) -> dict[str, Any]:
        """Hold the promise for the known rows of one kind against what came.

        Parameters
        ----------
        column : {"tier", "part"}
            By what.
        value : str
            Of it.

        Returns
        -------
        dict of str to value
            As one row of `review.Review.tiers`.
        """
        inside = (self.rows[column] == value).fill_null(False).to_numpy()
        at = inside[self.known]
        y, p = self.outcome[at], self.chance[at]
        told = {"target": self.target, column: value, "rows": len(y), "open": int(inside.sum()) - len(y)}
        told |= {"expected": float(p.sum()), "observed": int(y.sum())}
        if not len(y):
            return told
        gap = self._gap(self.known & inside, y)
        rate, everyone = float(y.mean()), float(self.outcome.mean())
        lift = rate / everyone if everyone else None
        return {**told, "rate": rate, "lift": lift, "gap": gap.estimate, "low": gap.low, "high": gap.high}

    def level(self) -> dict[str, Any]:
        """Hold the promise for all rows that later exports have against what came, the open ones either way.

        Returns
        -------
        dict of str to value
            As one row of `review.Review.levels`.
        """
        inside = self.found.to_numpy()
        label = self.label.filter(self.found)
        most, least = (label.fill_null(each).to_numpy().astype(np.float64) for each in (True, False))
        low, high = self._gap(inside, most), self._gap(inside, least)
        return {
            "target": self.target,
            "rows": len(label),
            "open": label.null_count(),
            "expected": float(self.chances[inside].sum()),
            "observed": int(least.sum()),
            "gap": (low.estimate + high.estimate) / 2,
            "low": low.low,
            "high": high.high,
        }

    def _gap(self, inside: NDArray[np.bool_], outcome: Floats) -> Interval:
        off = self.chances[inside] - outcome
        return interval_of(float(off.mean()), resample_mean(off, self.groups[inside], self.counts))


_FIGURES: Final = {
    "rows": pl.Int64,
    "open": pl.Int64,
    "expected": pl.Float64,
    "observed": pl.Int64,
    **dict.fromkeys(("rate", "lift", "gap", "low", "high"), pl.Float64),
}
_OF_REPS: Final = {
    **{name: _FIGURES[name] for name in ("rows", "open", "expected", "observed")},
    "usual": pl.Float64,
    "low": pl.Int64,
    "high": pl.Int64,
    "verdict": pl.String,
}


def _frame(rows: Iterable[Mapping[str, Any]], by: Sequence[str], figures: Mapping[str, Any] = _FIGURES) -> pl.DataFrame:
    schema = {"target": pl.String, **dict.fromkeys(by, pl.String), **figures}
    return pl.DataFrame(list(rows), schema=schema).with_columns(pl.col(pl.Float64).fill_nan(None))


def tally(promises: Sequence[Promise]) -> dict[str, pl.DataFrame]:
    """Hold promises against what came.

    Parameters
    ----------
    promises : sequence of Promise
        One a target.

    Returns
    -------
    dict of str to polars.DataFrame
        ``levels``, ``tiers``, ``top``, ``reliability``, ``reps`` and ``lists``, as in `review.Review`.
    """
    level = {name: dtype for name, dtype in _FIGURES.items() if name not in ("rate", "lift")}
    shares = dict.fromkeys(("share", "captured", "rate", "lift", "low", "high"), pl.Float64)
    bins = dict.fromkeys(("lowest", "highest", "rows", "expected", "observed"), pl.Float64)
    return {
        "levels": _frame((one.level() for one in promises), (), level),
        "tiers": _frame((one.of("tier", tier) for one in promises for tier in TIERS), ("tier",)),
        "top": _frame((row for one in promises for row in _top(one)), (), shares),
        "reliability": _frame((row for one in promises for row in _bins(one)), (), bins),
        "reps": _frame((row for one in promises for row in _reps(one)), ("rep",), _OF_REPS),
        "lists": _frame((row for one in promises for row in _lists(one)), ("part",)),
    }


def _lists(one: Promise) -> list[dict[str, Any]]:
    """Tally the parts of the worklist that there are; none where there was no worklist."""
    there = one.rows["part"].unique().drop_nulls().to_list()
    return [one.of("part", part) for part in PARTS if part in there]


def _top(one: Promise) -> list[dict[str, Any]]:
    """Say what working the top of the list found."""
    draws = resample_order(one.outcome, one.chance, one.groups[one.known], one.counts)
    rows = []
    for found in top_shares(one.outcome, one.chance, shares=SHARES).iter_rows(named=True):
        rate = interval_of(found["rate"], draws[f"rate_{found['share'] * 100:.0f}"])
        rows.append({"target": one.target, **found, "low": rate.low, "high": rate.high})
    return rows


def _bins(one: Promise) -> list[dict[str, Any]]:
    """Hold chances against what came, in bins."""
    return [{"target": one.target, **row} for row in reliability(one.outcome, one.chance).iter_rows(named=True)]


def _reps(one: Promise) -> list[dict[str, Any]]:
    """Tally each rep; how far a rep may be off is seen from how far the others are."""
    usual = _at_level(one.chance, one.outcome)
    known = one.rows.filter(one.known).select("rep").with_columns(
        expected=pl.Series(one.chance), observed=pl.Series(one.outcome), usual=pl.Series(usual),
        spread=pl.Series(usual * (1 - usual)),
    )  # fmt: skip
    sums = known.group_by("rep", maintain_order=True).agg(pl.len().alias("rows"), pl.exclude("rep").sum())
    still_open = one.rows.filter(~one.known).group_by("rep").agg(pl.len().alias("open"))
    reps = sums.drop_nulls("rep").join(still_open, on="rep", how="left").with_columns(pl.col("open").fill_null(0))
    reps = reps.sort("rep")
    off = (reps["observed"] - reps["usual"]) ** 2
    others = (off.sum() - off, reps["spread"].sum() - reps["spread"])
    rows = []
    for row, off_of_others, spread_of_others in zip(reps.iter_rows(named=True), *others, strict=True):
        wider = max(1.0, off_of_others / spread_of_others) if spread_of_others > _HAIR else 1.0
        half = _NORMAL_95 * math.sqrt(wider * row["spread"]) + 0.5
        low = max(0, math.ceil(row["usual"] - half))
        high = min(row["rows"], math.floor(row["usual"] + half))
        observed = int(row["observed"])
        verdict = "more" if observed > high else "fewer" if observed < low else "as usual"
        kept = {name: row[name] for name in ("rep", "rows", "open", "expected", "usual")}
        rows.append({"target": one.target, **kept, "observed": observed, "low": low, "high": high, "verdict": verdict})
    return rows


def _at_level(chance: Floats, outcome: Floats) -> Floats:
    """Move all chances in log-odds alike, so that as many are expected as came."""
    level = float(outcome.mean())
    if not 0 < level < 1:
        return np.full(len(chance), level)
    inside = np.clip(chance, _HAIR, 1 - _HAIR)
    log_odds = np.log(inside) - np.log1p(-inside)
    return logistic(log_odds + fit_offset(log_odds, level))
