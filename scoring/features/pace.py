"""The contact's own rhythm: how often it writes when it writes, and whether it still does.

The chances are the closed forms of the BG/NBD model (Fader, Hardie and Lee 2005, "Counting your customers the easy
way", equations 8 and 10), with the same fixed parameters for everyone: they join how often, how lately and for how
long in one number, which an additive model could not do by itself.
"""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.config import HORIZON_DAYS
from scoring.features.feature import Fact, Feature, ago, between, count

__all__ = ["EXCHANGE_CHANCE", "PACE", "RHYTHM", "SHAPE", "after_first", "chance", "still_alive", "weeks"]

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
    return pl.when(repeats > _NO_REPEATS).then(alive).when(repeats.is_not_null() & age_days.is_not_null()).then(1.0)


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
    rate = pl.lit(_RATE_DAYS) if rate_days is None else rate_days
    quiet = ((rate + age_days) / (rate + age_days + HORIZON_DAYS)).pow(SHAPE + repeats)
    return still_alive(repeats, span_days, age_days, rate_days) * (1 - quiet)


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


_INBOUND = count("total_inbound")
_EMAILS = _INBOUND + count("total_outbound")
_INBOUND_AGE, _AGE = ago("first_inbound_time"), ago("first_engaged_time")
_INBOUND_SPAN = between("first_inbound_time", "last_inbound_time").clip(0)
_SPAN = between("first_engaged_time", "last_engaged_time").clip(0)
_INBOUND_WEEKS, _WEEKS = weeks(_INBOUND, _INBOUND_SPAN), weeks(_EMAILS, _SPAN)


def after_first(touches: pl.Expr) -> pl.Expr:
    """Touches after the first, at least 0."""
    return (touches - 1).clip(0)


_INBOUND_CHANCE = chance(after_first(_INBOUND_WEEKS), _INBOUND_SPAN, _INBOUND_AGE)
EXCHANGE_CHANCE = chance(after_first(_WEEKS), _SPAN, _AGE)

RHYTHM = Fact(
    name="rhythm of the contact's mails",
    unit="share",
    phrase="going by their own rhythm, {} chance of a mail in 30 days",
    absent="no rhythm of their own: never wrote",
    value=_INBOUND_CHANCE,
)
EXCHANGE = Fact(
    name="rhythm of the exchange",
    unit="share",
    phrase="going by the rhythm of the exchange, {} chance of any mail in 30 days",
    absent="no rhythm of exchange: no mails yet",
    value=EXCHANGE_CHANCE,
)
SPAN = Fact(
    name="time over which the contact wrote",
    unit="days",
    phrase="has been writing for {}",
    absent="never wrote",
    value=_INBOUND_SPAN,
)

PACE: Final[tuple[Feature, ...]] = (
    Feature(
        name="inbound_chance",
        unit="share",
        fact=RHYTHM,
        formula="BG/NBD(total_inbound - 1, inbound_span_days, as_of - first_inbound_time)",
        trend=1,
        expression=chance(after_first(_INBOUND), _INBOUND_SPAN, _INBOUND_AGE),
    ),
    Feature(
        name="inbound_weeks_chance",
        unit="share",
        fact=RHYTHM,
        formula="BG/NBD(inbound_weeks - 1, inbound_span_days, as_of - first_inbound_time)",
        trend=1,
        expression=_INBOUND_CHANCE,
    ),
    Feature(
        name="inbound_alive",
        unit="share",
        fact=RHYTHM,
        formula="BG/NBD alive(total_inbound - 1, inbound_span_days, as_of - first_inbound_time)",
        trend=1,
        expression=still_alive(after_first(_INBOUND), _INBOUND_SPAN, _INBOUND_AGE),
    ),
    Feature(
        name="inbound_overdue",
        unit="times",
        fact=RHYTHM,
        formula="days_since_inbound / (inbound_span_days / max(total_inbound, 1) + 1)",
        expression=ago("last_inbound_time") / (_INBOUND_SPAN / _INBOUND.clip(1) + 1),
    ),
    Feature(
        name="emails_chance",
        unit="share",
        fact=EXCHANGE,
        formula="BG/NBD(emails - 1, last_engaged_time - first_engaged_time, as_of - first_engaged_time)",
        trend=1,
        expression=chance(after_first(_EMAILS), _SPAN, _AGE),
    ),
    Feature(
        name="emails_weeks_chance",
        unit="share",
        fact=EXCHANGE,
        formula="BG/NBD(email_weeks - 1, last_engaged_time - first_engaged_time, as_of - first_engaged_time)",
        trend=1,
        expression=EXCHANGE_CHANCE,
    ),
    Feature(
        name="emails_overdue",
        unit="times",
        fact=EXCHANGE,
        formula="days_since_engaged / ((last_engaged_time - first_engaged_time + 7) / email_weeks), of at least 1 week",
        expression=ago("last_engaged_time") * _WEEKS.clip(1) / (_SPAN + _WEEK),
    ),
    Feature(
        name="inbound_span_days",
        unit="days",
        fact=SPAN,
        formula="last_inbound_time - first_inbound_time, at least 0",
        expression=_INBOUND_SPAN,
    ),
)
