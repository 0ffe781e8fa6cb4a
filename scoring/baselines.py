"""Baselines: what people do without a model. They sort.

A baseline gives an order, not a chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl

from scoring.config import Target
from scoring.scorecard import Floats

__all__ = ["recency", "rfm", "sort_all"]

_LAST: Final[Mapping[Target, str]] = {
    "reply": "last_inbound_time",
    "meeting": "last_engaged_time",
    "answer": "last_inbound_time",
    "engaged": "last_engaged_time",
}


def recency(contacts: pl.DataFrame, target: Target) -> Floats:
    """Sort by when the contact was last heard of.

    Parameters
    ----------
    contacts : polars.DataFrame
        Typed contacts.
    target : {"reply", "meeting", "answer", "engaged"}
        For `reply` and `answer` the last inbound mail counts, else the last activity of any kind.

    Returns
    -------
    numpy.ndarray
        Seconds since 1970, 0 where there is no such time; higher is better.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from scoring import schema
    >>> rows = schema.empty(2).with_columns(last_inbound_time=pl.Series([None, datetime(1970, 1, 2, tzinfo=UTC)]))
    >>> recency(rows, "reply").tolist()
    [0.0, 86400.0]
    """
    return contacts[_LAST[target]].dt.epoch("s").fill_null(0).to_numpy().astype(np.float64)


def rfm(contacts: pl.DataFrame, target: Target) -> Floats:
    """Sort by recency, frequency (mails and meetings) and volume (time spent): the sum of the three ranks.

    Parameters
    ----------
    contacts : polars.DataFrame
        Typed contacts.
    target : {"reply", "meeting", "answer", "engaged"}
        Says which recency, as in `recency`.

    Returns
    -------
    numpy.ndarray
        Higher is better; nulls rank as 0.

    Examples
    --------
    >>> from scoring import schema
    >>> rows = schema.empty(2).with_columns(total_emails=pl.Series([4, 9]), total_meetings=pl.Series([0, 0]))
    >>> rfm(rows, "reply").tolist()
    [4.0, 5.0]
    """
    last, frequency = pl.col(_LAST[target]).dt.epoch("s"), pl.col("total_emails") + pl.col("total_meetings")
    columns = (last, frequency, pl.col("total_time_spent"))
    ranks = contacts.select(pl.sum_horizontal(column.fill_null(0).rank("average") for column in columns))
    return ranks.to_series().to_numpy()


def sort_all(contacts: pl.DataFrame, features: pl.DataFrame, target: Target) -> dict[str, Floats]:
    """Sort by every baseline of a target that its rows have something to sort by.

    Parameters
    ----------
    contacts : polars.DataFrame
        Typed contacts.
    features : polars.DataFrame
        The same rows.
    target : {"reply", "meeting", "answer", "engaged"}
        What the order is to find.

    Returns
    -------
    dict of str to numpy.ndarray
        Higher is better. ``recency``, ``rfm``, ``engagement_level`` (the vendor's own score); for `reply` also
        ``bgnbd``, the chance of another week with a mail as Fader, Hardie and Lee (2005) have it, with the same four
        parameters for everyone; for `meeting` also ``meetings_30d``. One that says the same of every row is left out.
    """
    scores = {
        "recency": recency(contacts, target),
        "rfm": rfm(contacts, target),
        "engagement_level": _filled(contacts["engagement_level"]),
    }
    if target == "reply":
        scores["bgnbd"] = _filled(features["inbound_weeks_chance"])
    if target == "meeting":
        scores["meetings_30d"] = _filled(contacts["total_meetings_30d"])
    return {name: score for name, score in scores.items() if len(score) and score.min() < score.max()}


def _filled(column: pl.Series) -> Floats:
    """Put rows without a value below all others."""
    values = column.cast(pl.Float64).fill_nan(None)
    least = values.min()
    below = least - 1 if isinstance(least, float) else 0.0
    return values.fill_null(below).to_numpy()
