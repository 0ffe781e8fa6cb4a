"""The rules: their names, and what breaks them, as polars expressions over the typed table and ``as_of``.

`single` says the same of one row in plain Python; a property test holds the two together.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, Literal

import polars as pl

from scoring.bounds import WINDOW
from scoring.schema import FIELDS, NAMES

__all__ = [
    "CHANNELS",
    "COUNTS",
    "MAIL",
    "NEGATIVE",
    "NOTES",
    "PAIRS",
    "PAST",
    "RULES",
    "SINCE",
    "TOLERANCE",
    "USED",
    "Rule",
    "contradictions",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a row must hold to.

    Attributes
    ----------
    name : str
        As it stands in `problem` and `flags`.
    kind : {"reject", "flag", "note"}
        What follows for a row that breaks it: it is not scored, it is scored and marked, it is only counted.
    meaning : str
        What breaks it.
    """

    name: str
    kind: Literal["reject", "flag", "note"]
    meaning: str


COUNTS: Final = tuple(field.name for field in FIELDS if field.kind == "count")
PAIRS: Final = tuple((f"{name}_30d", name) for name in COUNTS if f"{name}_30d" in NAMES)
"""Counts of the last 30 days, each with that of all time."""
USED: Final = frozenset(field.name for field in FIELDS if field.role in ("key", "profile", "activity", "upcoming"))
"""Fields that a score needs: a cell of another field costs no row its score."""
CHANNELS: Final = ("inbound", "outbound", "engaged")
MAIL: Final = ("inbound", "outbound")
PAST: Final = tuple(f"{end}_{channel}_time" for end in ("first", "last") for channel in CHANNELS)
SINCE: Final = datetime(1990, 1, 1, tzinfo=UTC)
TOLERANCE: Final = timedelta(days=1)
"""How far a last time and a 30-day count may disagree: exports may count in whole days, and `as_of` may be inferred."""

_AS_OF = pl.col("as_of")


def _times(channel: str) -> tuple[pl.Expr, pl.Expr]:
    return pl.col(f"first_{channel}_time"), pl.col(f"last_{channel}_time")


def _untimed(channel: str) -> pl.Expr:
    first, last = _times(channel)
    return (pl.col(f"total_{channel}") > 0) & first.is_null() & last.is_null()


def _uncounted(channel: str) -> pl.Expr:
    first, last = _times(channel)
    return (pl.col(f"total_{channel}") == 0) & (first.is_not_null() | last.is_not_null())


def _disagrees(channel: str) -> pl.Expr:
    recent, last = pl.col(f"total_{channel}_30d"), pl.col(f"last_{channel}_time")
    before = last < _AS_OF - pl.lit(WINDOW + TOLERANCE)
    within = (last > _AS_OF - pl.lit(WINDOW - TOLERANCE)) & (last <= _AS_OF)
    return ((recent > 0) & before) | ((recent == 0) & within)


_Judgement = tuple[tuple[str, ...], pl.Expr]
# Each flag: its meaning, and one judgement or more: the fields without which it cannot be made, and what breaks it.
_FLAGS: dict[str, tuple[str, tuple[_Judgement, ...]]] = {
    "recent_above_total": (
        "a count of the last 30 days is above that of all time",
        tuple((pair, pl.col(pair[0]) > pl.col(pair[1])) for pair in PAIRS),
    ),
    "last_before_first": (
        "a last time is before the first time of the same kind",
        tuple(
            ((f"last_{channel}_time", f"first_{channel}_time"), _times(channel)[1] < _times(channel)[0])
            for channel in CHANNELS
        ),
    ),
    "time_after_as_of": (
        "a time of past activity is after the date of the export",
        tuple(((name,), pl.col(name) > _AS_OF) for name in PAST),
    ),
    "time_before_1990": (
        "a time is before 1990, as zeros and mistyped years are",
        tuple(((name,), pl.col(name) < SINCE) for name in PAST),
    ),
    "count_without_time": (
        "mails are counted, and neither their first nor their last time is there",
        tuple(
            ((f"total_{channel}", f"first_{channel}_time", f"last_{channel}_time"), _untimed(channel))
            for channel in MAIL
        ),
    ),
    "time_without_count": (
        "no mail is counted, and its first or last time is there",
        tuple(((f"total_{channel}",), _uncounted(channel)) for channel in MAIL),
    ),
    "recent_against_last": (
        "a count of the last 30 days and the last time disagree by more than a day",
        tuple(((f"total_{channel}_30d", f"last_{channel}_time"), _disagrees(channel)) for channel in MAIL),
    ),
    "mails_not_the_sum": (
        "the mails in both directions are not those of the one and of the other",
        (
            (
                ("total_emails", "total_inbound", "total_outbound"),
                pl.col("total_emails") != pl.col("total_inbound") + pl.col("total_outbound"),
            ),
        ),
    ),
    "upcoming_in_the_past": (
        "the next meeting is before the date of the export",
        ((("first_upcoming_meeting_time",), pl.col("first_upcoming_meeting_time") < _AS_OF),),
    ),
    "upcoming_without_flag": (
        "the next meeting has a time, and upcoming_meeting says there is none",
        (
            (
                ("first_upcoming_meeting_time", "upcoming_meeting"),
                pl.col("first_upcoming_meeting_time").is_not_null() & pl.col("upcoming_meeting").not_(),
            ),
        ),
    ),
}
NOTES: Mapping[str, tuple[str, pl.Expr]] = {
    "reply_without_inbound": (
        "received_reply is true, and no inbound mail is counted",
        pl.col("received_reply") & (pl.col("total_inbound") == 0),
    ),
    "inbound_without_reply": (
        "received_reply is false, and inbound mails are counted",
        pl.col("received_reply").not_() & (pl.col("total_inbound") > 0),
    ),
}
"""Contradictions that are only counted: their meaning, and what breaks them."""

RULES: tuple[Rule, ...] = (
    Rule("unreadable_line", "reject", "the line is no record: broken off, damaged, or with too few or too many cells"),
    Rule("unreadable_number", "reject", "a count is no whole number"),
    Rule("unreadable_time", "reject", "a time is neither of the form 2026-03-01T09:30:00Z nor other ISO 8601"),
    Rule("unreadable_flag", "reject", "a flag is neither true nor false"),
    Rule("negative_count", "reject", "a count is below 0"),
    Rule("no_key", "reject", "neither crm_id nor email is there, so nobody knows who it is"),
    Rule("unequal_duplicate", "reject", "another row of the same rep and contact differs and was engaged later"),
    *(Rule(name, "flag", meaning) for name, (meaning, _) in _FLAGS.items()),
    *(Rule(name, "note", meaning) for name, (meaning, _) in NOTES.items()),
    Rule("unreadable_unused", "note", "a cell that no score needs cannot be read"),
    Rule("equal_duplicate", "note", "an equal row of the same rep and contact stands above; totals count one of them"),
)
"""All rules, in the order in which a row's problem is looked for."""

NEGATIVE: Final = tuple((pl.col(name) < 0).any().alias(name) for name in COUNTS)


@lru_cache(maxsize=64)
def contradictions(missing: tuple[str, ...]) -> dict[str, pl.Expr]:
    """Give what breaks each flag rule that can be judged.

    Parameters
    ----------
    missing : tuple of str
        Fields without a column: what is nowhere cannot contradict.

    Returns
    -------
    dict of str to polars.Expr
        Rule to a Boolean over the typed table and ``as_of``; never null.

    Examples
    --------
    >>> "upcoming_in_the_past" in contradictions(("first_upcoming_meeting_time",))
    False
    """
    absent = frozenset(missing)
    found = {}
    for name, (_, judgements) in _FLAGS.items():
        breaks = [condition for needs, condition in judgements if absent.isdisjoint(needs)]
        if breaks:
            found[name] = pl.any_horizontal(breaks).fill_null(False).alias(name)
    return found
