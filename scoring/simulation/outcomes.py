"""What happened in the 30 days from an export on: the truth that a model would predict."""

from __future__ import annotations

import numpy as np

from scoring.config import HORIZON
from scoring.simulation.draws import Flags, Floats, Ints
from scoring.simulation.records import INBOUND, MEETING, OUTBOUND

__all__ = ["OUTCOMES", "outcome_flags"]

OUTCOMES = ("replied", "met", "contacted", "answered", "engaged")


def outcome_flags(row: Ints, second: Floats, kind: Ints, start: float, size: int) -> dict[str, Flags]:
    """Say for each row what happened from `start` to before 30 days later.

    Parameters
    ----------
    row, second, kind : ndarray
        Events: row number, seconds since 1970, kind.
    start : float
        Moment of the export, in seconds since 1970.
    size : int
        Number of rows.

    Returns
    -------
    dict of str to ndarray of bool
        `replied` (an inbound mail), `met` (a meeting held), `contacted` (an outbound mail), `answered` (an inbound
        mail after an outbound one, both inside), `engaged` (replied or met).

    Examples
    --------
    >>> flags = outcome_flags(np.array([0, 0]), np.array([5.0, 9.0]), np.array([1, 0]), 5.0, 2)
    >>> flags["answered"].tolist(), flags["met"].tolist()
    ([True, False], [False, False])
    """
    inside = (second >= start) & (second < start + HORIZON.total_seconds())
    row, second, kind = row[inside], second[inside], kind[inside]
    first_outbound, last_inbound = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(first_outbound, row[kind == OUTBOUND], second[kind == OUTBOUND])
    np.maximum.at(last_inbound, row[kind == INBOUND], second[kind == INBOUND])
    met = np.zeros(size, bool)
    met[row[kind == MEETING]] = True
    replied = np.isfinite(last_inbound)
    return {
        "replied": replied,
        "met": met,
        "contacted": np.isfinite(first_outbound),
        "answered": last_inbound > first_outbound,
        "engaged": replied | met,
    }
