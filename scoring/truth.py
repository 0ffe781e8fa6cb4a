"""Truth: the exports of a simulated organisation with the true chance of each contact, which no model can beat.

Only a simulation knows it: the future is drawn again and again from the state of a date. What lies between a model and
the true chance is its regret; what lies between the true chance and certainty is luck, and nobody's fault.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from scoring.config import HORIZON, TARGETS
from scoring.simulation import Organisation

__all__ = ["export_dates", "true_chances"]

_LOG: Final = logging.getLogger(__name__)
_KEY: Final = ("source_email", "crm_id", "email")


def export_dates(organisation: Organisation, number: int) -> list[datetime]:
    """Return dates 30 days apart, the newest at the end of the record.

    Parameters
    ----------
    organisation : Organisation
        Whose.
    number : int
        How many.

    Returns
    -------
    list of datetime
        Midnights UTC, ascending.
    """
    last = organisation.end.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    return [last - HORIZON * back for back in range(number)][::-1]


def true_chances(
    organisation: Organisation, dates: Sequence[datetime], futures: int = 100
) -> dict[datetime, pl.DataFrame]:
    """Return the true chances on each date, as `scoring.evaluate` takes them.

    Parameters
    ----------
    organisation : Organisation
        Whose.
    dates : sequence of datetime
        Dates of exports.
    futures : int
        How often the future is drawn. The share is an estimate: too coarse for chances below one in so many, and there
        the order of a model can seem the better one. It would even be 0 for what may well happen; so it is taken with
        the mean chance of all rows, as if that had been seen in one future more.

    Returns
    -------
    dict of datetime to polars.DataFrame
        The key of each row of the export (`source_email`, `crm_id`, `email`) and a chance for each target.
    """
    found = {}
    for when in dates:
        _LOG.info("drawing the 30 days from %s %d times", f"{when:%Y-%m-%d}", futures)
        shares = organisation.chances(when, futures)
        chances = {}
        for target in TARGETS:
            seen = shares["contacted"].to_numpy() * futures if target == "answer" else np.full(shares.height, futures)
            happened = shares[target].fill_null(0.0).to_numpy() * seen
            chances[target] = pl.Series((happened + happened.sum() / max(seen.sum(), 1)) / (seen + 1))
        found[when] = organisation.export(when).select(_KEY).with_columns(**chances)
    return found
