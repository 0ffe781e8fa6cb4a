"""Blending: how much to believe of the prior, of one export put back, and of what pairs of exports teach.

All three give log-odds, and a weighted sum of those is what the blend gives. Weights grow with the number of outcomes.
Where a later date can be predicted from earlier ones, the weights that would have predicted it best pull the others
half-way: on real organisations the best weights of one month are not those of the next, but neither are they nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from scoring.config import Target, TrainingConfig
from scoring.scorecard import Floats, fit_calibration, logistic

__all__ = ["Blend", "Period", "choose_blend", "fit_line", "fit_offset", "start_blend"]

_HISTORY: Final = (0.0, 0.2, 0.35, 0.5, 0.65, 0.8, 1.0)
_STEP_BACK: Final = (0.0, 0.1, 0.2, 0.3)
# Rows of one month rise and fall together: a date says less about the level of chances than its rows seem to.
_ROWS_A_DATE: Final = 200
_BELIEF_ROWS: Final = 300
_ANSWER_WEIGHT: Final = 0.3


@dataclass(frozen=True)
class Blend:
    """Weights of the three sources of a target; they add up to 1.

    Attributes
    ----------
    prior, step_back, history : float
        What each one's log-odds count for.
    """

    prior: float
    step_back: float
    history: float


@dataclass(frozen=True, eq=False)
class Period:
    """A date that was predicted from what was known before it, row by row.

    Attributes
    ----------
    sources : mapping of str to numpy.ndarray
        Log-odds by ``prior``, and by ``step_back`` and ``history`` where they could be learned.
    outcome : numpy.ndarray
        0 or 1.
    settled : bool
        Whether the share of outcomes is that of 30 days, so that the level can be learned.
    """

    sources: Mapping[str, Floats]
    outcome: NDArray[np.float64]
    settled: bool

    def blended(self, blend: Blend) -> Floats:
        """Log-odds of the blend; what could not be learned leaves its weight to the prior."""
        total: Floats = np.zeros(len(self.outcome))
        for name in ("prior", "step_back", "history"):
            total = total + getattr(blend, name) * self.sources.get(name, self.sources["prior"])
        return total


def start_blend(target: Target, history: int, step_back: int, config: TrainingConfig) -> Blend:
    """Weigh the sources by how much they have seen.

    Parameters
    ----------
    target : {"reply", "meeting", "answer", "engaged"}
        For `answer`, pairs count at most 0.3: order is certain for a part of the rows only, and not for any part.
    history, step_back : int
        Outcomes in the pairs and in the step-back: rows that did it or rows that did not, whichever are fewer; 0 if
        the source could not be learned from.
    config : TrainingConfig
        The weights with very many outcomes, and the number of outcomes for half of them.

    Returns
    -------
    Blend

    Examples
    --------
    >>> start_blend("reply", 0, 200, TrainingConfig(half_outcomes=200, step_back_weight=0.3))
    Blend(prior=0.85, step_back=0.15, history=0.0)
    """
    most = min(config.history_weight, _ANSWER_WEIGHT) if target == "answer" else config.history_weight
    by_history = most * history / (history + config.half_outcomes)
    by_step_back = (1 - by_history) * config.step_back_weight * step_back / (step_back + config.half_outcomes)
    return Blend(1 - by_history - by_step_back, by_step_back, by_history)


def choose_blend(start: Blend, periods: Sequence[Period]) -> Blend:
    """Move weights half-way to those that would have predicted past dates best.

    Parameters
    ----------
    start : Blend
        Weights by the amount of data. A source of weight 0 keeps it.
    periods : sequence of Period
        Dates that were predicted from what was known before them.

    Returns
    -------
    Blend
        `start` itself without any such date.

    Notes
    -----
    Best is the least log loss over all rows, each date calibrated to itself first: weights are for the order, the level
    is learned apart from them.
    """
    grid = [
        Blend(1 - history - step_back, step_back, history)
        for history, step_back in product(
            _HISTORY if start.history else (0.0,), _STEP_BACK if start.step_back else (0.0,)
        )
        if history + step_back <= 1
    ]
    usable = [period for period in periods if 0 < period.outcome.sum() < len(period.outcome)]
    if not usable or len(grid) < 2:
        return start
    losses = [sum(_loss(period, blend) for period in usable) for blend in grid]
    best = grid[int(np.argmin(losses))]
    history, step_back = (start.history + best.history) / 2, (start.step_back + best.step_back) / 2
    return Blend(1 - history - step_back, step_back, history)


def _loss(period: Period, blend: Blend) -> float:
    drawn = period.blended(blend)
    offset, slope = fit_calibration(drawn, period.outcome)
    line = offset + slope * drawn
    return float(np.sum(np.logaddexp(0.0, line) - period.outcome * line))


def fit_line(blend: Blend, periods: Sequence[Period]) -> tuple[float, float]:
    """Fit the line that calibrates a blend, on past dates that it would have predicted.

    Parameters
    ----------
    blend : Blend
        Weights.
    periods : sequence of Period
        Dates that were predicted from what was known before them; those that are not settled say nothing here.

    Returns
    -------
    offset, slope : float
        0 and 1 where there is nothing to learn from; the slope is above 0.

    Notes
    -----
    Levels drift: a line fitted to the last month alone made the Brier score of the next one worse on real
    organisations. So a date counts for at most 200 rows, against 300 in favour of leaving the blend as it is.
    """
    usable = [period for period in periods if period.settled and len(period.outcome)]
    if not usable:
        return 0.0, 1.0
    weights = [np.full(len(p.outcome), min(1.0, _ROWS_A_DATE / len(p.outcome))) for p in usable]
    return fit_calibration(
        np.concatenate([period.blended(blend) for period in usable]),
        np.concatenate([period.outcome for period in usable]),
        np.concatenate(weights),
        strength=_BELIEF_ROWS,
    )


def fit_offset(log_odds: Floats, level: float) -> float:
    """Find what to add to log-odds so that the mean chance is a given one.

    Parameters
    ----------
    log_odds : numpy.ndarray
        One a row, at least one.
    level : float
        The mean chance wanted, above 0 and below 1.

    Returns
    -------
    float

    Examples
    --------
    >>> round(fit_offset(np.zeros(3), 0.25), 6)  # log(1 / 3)
    -1.098612
    """
    low, high = -50.0, 50.0
    for _ in range(80):  # halves 100 down to a float64's last bits
        middle = (low + high) / 2
        above = float(np.mean(logistic(log_odds + middle))) > level
        low, high = (low, middle) if above else (middle, high)
    return (low + high) / 2
