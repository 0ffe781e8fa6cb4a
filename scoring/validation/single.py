"""The rules for one row in plain Python: for a record, planning a query would cost ten times what the rules cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from scoring.dating import WINDOW
from scoring.validation.rules import CHANNELS, COUNTS, MAIL, PAIRS, PAST, SINCE, TOLERANCE

__all__ = ["contradicted", "negative", "noted"]


def negative(row: Mapping[str, Any]) -> str | None:
    """Name the first count below 0.

    Parameters
    ----------
    row : mapping
        A row of the typed table.

    Returns
    -------
    str or None

    Examples
    --------
    >>> negative(dict.fromkeys(COUNTS, 0) | {"total_inbound": -1})
    'total_inbound'
    """
    for name in COUNTS:
        count = row[name]
        if count is not None and count < 0:
            return name
    return None


def noted(row: Mapping[str, Any]) -> str | None:
    """Name the note that a row breaks.

    Parameters
    ----------
    row : mapping
        A row of the typed table.

    Returns
    -------
    str or None

    Examples
    --------
    >>> noted({"received_reply": True, "total_inbound": 0})
    'reply_without_inbound'
    """
    replied, inbound = row["received_reply"], row["total_inbound"]
    if replied is None or inbound is None:
        return None
    if replied:
        return "reply_without_inbound" if inbound == 0 else None
    return "inbound_without_reply" if inbound > 0 else None


def contradicted(row: Mapping[str, Any], as_of: datetime, missing: Collection[str]) -> list[str]:
    """Name the flag rules that a row breaks.

    Parameters
    ----------
    row : mapping
        A row of the typed table.
    as_of : datetime
        The date of the export.
    missing : collection of str
        Fields without a column.

    Returns
    -------
    list of str
        In the order of `RULES`.

    Examples
    --------
    >>> from scoring.schema import NAMES
    >>> contradicted(dict.fromkeys(NAMES) | {"total_inbound": 1, "total_inbound_30d": 2}, SINCE, ("last_inbound_time",))
    ['recent_above_total']
    """
    past = [time for name in PAST if (time := row[name]) is not None]
    upcoming = row["first_upcoming_meeting_time"]
    broken = {
        "recent_above_total": any(_above(row[recent], row[total]) for recent, total in PAIRS),
        "last_before_first": any(_above(row[f"first_{one}_time"], row[f"last_{one}_time"]) for one in CHANNELS),
        "time_after_as_of": any(time > as_of for time in past),
        "time_before_1990": any(time < SINCE for time in past),
        "count_without_time": any(_untimed(row, one, missing) for one in MAIL),
        "time_without_count": any(_uncounted(row, one) for one in MAIL),
        "recent_against_last": any(_disagrees(row, one, as_of) for one in MAIL),
        "mails_not_the_sum": _not_the_sum(row),
        "upcoming_in_the_past": upcoming is not None and upcoming < as_of,
        "upcoming_without_flag": upcoming is not None and row["upcoming_meeting"] is False,
    }
    return [name for name, hit in broken.items() if hit]


def _above(one: Any, other: Any) -> bool:
    return one is not None and other is not None and one > other


def _untimed(row: Mapping[str, Any], channel: str, missing: Collection[str]) -> bool:
    if not row[f"total_{channel}"] or row[f"total_{channel}"] < 0:
        return False
    times = (f"first_{channel}_time", f"last_{channel}_time")
    return all(row[name] is None and name not in missing for name in times)


def _uncounted(row: Mapping[str, Any], channel: str) -> bool:
    timed = row[f"first_{channel}_time"] is not None or row[f"last_{channel}_time"] is not None
    return timed and row[f"total_{channel}"] == 0


def _disagrees(row: Mapping[str, Any], channel: str, as_of: datetime) -> bool:
    recent, last = row[f"total_{channel}_30d"], row[f"last_{channel}_time"]
    if recent is None or last is None:
        return False
    if recent > 0:
        return bool(last < as_of - (WINDOW + TOLERANCE))
    return bool(recent == 0 and as_of - (WINDOW - TOLERANCE) < last <= as_of)


def _not_the_sum(row: Mapping[str, Any]) -> bool:
    mails = row["total_emails"], row["total_inbound"], row["total_outbound"]
    return all(count is not None for count in mails) and mails[0] != mails[1] + mails[2]
