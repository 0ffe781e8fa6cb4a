"""The rules for one row in plain Python: for a record, planning a query would cost ten times what the rules cost."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from scoring.bounds import WINDOW
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
    get = row.get
    past = [time for time in map(get, PAST) if time is not None]
    upcoming = row["first_upcoming_meeting_time"]
    broken = []
    if _any_above(map(get, _RECENT), map(get, _TOTALS)):
        broken.append("recent_above_total")
    if _any_above(map(get, _FIRST), map(get, _LAST)):
        broken.append("last_before_first")
    if past and max(past) > as_of:
        broken.append("time_after_as_of")
    if past and min(past) < SINCE:
        broken.append("time_before_1990")
    if any(_untimed(row, channel, missing) for channel in _MAIL):
        broken.append("count_without_time")
    if any(_uncounted(row, channel) for channel in _MAIL):
        broken.append("time_without_count")
    if any(_disagrees(row, channel, as_of) for channel in _MAIL):
        broken.append("recent_against_last")
    if _not_the_sum(row):
        broken.append("mails_not_the_sum")
    if upcoming is not None and upcoming < as_of:
        broken.append("upcoming_in_the_past")
    if upcoming is not None and row["upcoming_meeting"] is False:
        broken.append("upcoming_without_flag")
    return broken


@dataclass(frozen=True, slots=True)
class _Channel:
    """The fields of mails in one direction."""

    total: str
    recent: str
    first: str
    last: str


_MAIL: Final = tuple(
    _Channel(f"total_{one}", f"total_{one}_30d", f"first_{one}_time", f"last_{one}_time") for one in MAIL
)
_RECENT, _TOTALS = zip(*PAIRS, strict=True)
_FIRST, _LAST = (tuple(f"{end}_{one}_time" for one in CHANNELS) for end in ("first", "last"))
_LATE, _EARLY = WINDOW + TOLERANCE, WINDOW - TOLERANCE


def _any_above(ones: Iterable[Any], others: Iterable[Any]) -> bool:
    for one, other in zip(ones, others, strict=True):
        if one is not None and other is not None and one > other:
            return True
    return False


def _untimed(row: Mapping[str, Any], channel: _Channel, missing: Collection[str]) -> bool:
    if not row[channel.total] or row[channel.total] < 0:
        return False
    return all(row[name] is None and name not in missing for name in (channel.first, channel.last))


def _uncounted(row: Mapping[str, Any], channel: _Channel) -> bool:
    return row[channel.total] == 0 and (row[channel.first] is not None or row[channel.last] is not None)


def _disagrees(row: Mapping[str, Any], channel: _Channel, as_of: datetime) -> bool:
    recent, last = row[channel.recent], row[channel.last]
    if recent is None or last is None:
        return False
    if recent > 0:
        return bool(last < as_of - _LATE)
    return bool(recent == 0 and as_of - _EARLY < last <= as_of)


def _not_the_sum(row: Mapping[str, Any]) -> bool:
    mails, inbound, outbound = row["total_emails"], row["total_inbound"], row["total_outbound"]
    if mails is None or inbound is None or outbound is None:
        return False
    return bool(mails != inbound + outbound)
