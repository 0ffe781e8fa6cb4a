"""Closed forms of a rhythm: how often, how lately and for how long, joined in one number.

The chances are those of the BG/NBD model (Fader, Hardie and Lee 2005, "Counting your customers the easy way",
equations 8 and 10), with the same fixed parameters for everyone. An additive model could not join them by itself.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.config import HORIZON_DAYS

__all__ = ["SHAPE", "after_first", "chance", "chance_if_alive", "still_alive", "weeks"]

# Pace: gamma with shape 0.5 and rate 30 days; end after each touch: beta with 0.5 and 2. Wide, so the row's own
# history decides soon.
SHAPE: Final = 0.5
_RATE_DAYS, _END, _GO_ON = 30.0, 0.5, 2.0
_WEEK: Final = 7
# A rhythm of one touch has no repeats; what rounding makes of "weeks - 1" there is below this, any real repeat above.
_NO_REPEATS: Final = 1e-9


def still_alive(repeats: pl.Expr, span_days: pl.Expr, age_days: pl.Expr, rate_days: pl.Expr | None = None) -> pl.Expr:
    """Chance that a rhythm has not ended, given how long it has been silent.

    Parameters
    ----------
    repeats : polars.Expr
        Touches after the first.
    span_days : polars.Expr
        From the first touch to the last.
    age_days : polars.Expr
        From the first touch to `as_of`.
    rate_days : polars.Expr, optional
        Rate of the gamma distribution of paces: without any history, the mean pace is 0.5 touches in so many days.
        30 if not given.

    Returns
    -------
    polars.Expr
        In (0, 1]; 1 without repeats, whatever the span. Null where any of them is null that matters.

    Notes
    -----
    ``1 / (1 + a / (b + x - 1) * ((alpha + T) / (alpha + t)) ** (r + x))``, with T of at least t.
    """
    rate = pl.lit(_RATE_DAYS) if rate_days is None else rate_days
    silence = ((rate + age_days) / (rate + span_days)).log()
    # e**700 is as good as infinity here, and finite
    ended = ((SHAPE + repeats) * silence).clip(0, 700).exp()
    alive = 1 / (1 + _END / (_GO_ON + repeats - 1) * ended)
    # what is not known stays unknown: the zeros carry the nulls
    return pl.when(repeats > _NO_REPEATS).then(alive).otherwise(repeats * 0 + age_days * 0 + 1)


def chance(repeats: pl.Expr, span_days: pl.Expr, age_days: pl.Expr, rate_days: pl.Expr | None = None) -> pl.Expr:
    """Chance of at least one more touch in the 30 days from `as_of`.

    Parameters
    ----------
    repeats, span_days, age_days, rate_days : polars.Expr
        As for `still_alive`.

    Returns
    -------
    polars.Expr
        In (0, 1): the chance that the rhythm goes on, times that of a touch within 30 days if it does.
    """
    return still_alive(repeats, span_days, age_days, rate_days) * chance_if_alive(repeats, age_days, rate_days)


def chance_if_alive(repeats: pl.Expr, age_days: pl.Expr, rate_days: pl.Expr | None = None) -> pl.Expr:
    """Chance of at least one more touch in the 30 days from `as_of`, if the rhythm goes on.

    Parameters
    ----------
    repeats, age_days, rate_days : polars.Expr
        As for `still_alive`.

    Returns
    -------
    polars.Expr
        In (0, 1).
    """
    rate = pl.lit(_RATE_DAYS) if rate_days is None else rate_days
    return 1 - ((rate + age_days) / (rate + age_days + HORIZON_DAYS)).pow(SHAPE + repeats)


def weeks(touches: pl.Expr, span_days: pl.Expr) -> pl.Expr:
    """Weeks in which something happened, had the touches come evenly at random: a burst counts about once.

    Parameters
    ----------
    touches : polars.Expr
        How many.
    span_days : polars.Expr
        From the first to the last.

    Returns
    -------
    polars.Expr
        At least 1 for one touch and more, 0 for none: ``w * (1 - (1 - 1 / w) ** touches)`` with ``w = 1 + span / 7``.

    Examples
    --------
    >>> pl.select(weeks(pl.lit(10.0), pl.lit(0.0))).item()
    1.0
    """
    all_weeks = 1 + span_days / _WEEK
    return all_weeks * (1 - (1 - 1 / all_weeks).pow(touches))


def after_first(touches: pl.Expr) -> pl.Expr:
    """Touches after the first, at least 0.

    Parameters
    ----------
    touches : polars.Expr
        How many, or in how many weeks.

    Returns
    -------
    polars.Expr
    """
    return (touches - 1).clip(0)
