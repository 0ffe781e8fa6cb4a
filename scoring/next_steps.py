"""What to do next with a contact: a table of rules, the first that holds speaks.

A sentence claims only what the row's fields prove. A count that is missing proves nothing, so a rule that needs it
does not hold; whoever no rule fits is told plainly that the export says too little.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import polars as pl

__all__ = ["STEPS", "Step", "has_meeting", "is_answered_last", "suggest"]

_AS_OF: Final = pl.col("as_of")
_INBOUND, _OUTBOUND = pl.col("last_inbound_time"), pl.col("last_outbound_time")
_MEETING: Final = pl.col("first_upcoming_meeting_time")
_DAY: Final = timedelta(days=1)
_LATELY: Final = 30
_MONTH, _YEAR = 30.44, 365.25
_FEWEST: Final = 3  # mails of which a rhythm can be told


@dataclass(frozen=True, eq=False)
class Step:
    """One rule.

    Attributes
    ----------
    name : str
        What the rule is called.
    action : str
        What to do, in a word or two; the sentence starts with it.
    condition : polars.Expr
        When it holds, of the 40 fields and `as_of`; null counts as no.
    because : polars.Expr
        The rest of the sentence.
    """

    name: str
    action: str
    condition: pl.Expr
    because: pl.Expr


def has_meeting() -> pl.Expr:
    """Tell whether a meeting is planned: at or after `as_of`, or at a time that is not said.

    Returns
    -------
    polars.Expr
        Boolean, never null, of the 40 fields and `as_of`.
    """
    untimed = _MEETING.is_null() & pl.col("upcoming_meeting").fill_null(False)
    return (_MEETING >= _AS_OF).fill_null(False) | untimed


def is_answered_last() -> pl.Expr:
    """Tell whether the contact's mail is the last, so that it is the rep's turn.

    Returns
    -------
    polars.Expr
        Boolean, never null, of the 40 fields.
    """
    return (_past(_INBOUND) & ((_INBOUND > _OUTBOUND) | _never("outbound"))).fill_null(False)


def _never(direction: str) -> pl.Expr:
    """Hold where it is known that no mail went that way."""
    return (pl.col(f"total_{direction}") == 0) & pl.col(f"last_{direction}_time").is_null()


def _past(time: pl.Expr) -> pl.Expr:
    return time <= _AS_OF


def _days(time: pl.Expr, until: pl.Expr = _AS_OF) -> pl.Expr:
    return (until - time).dt.total_microseconds() / (_DAY / timedelta(microseconds=1))


def _span(days: pl.Expr) -> pl.Expr:
    """Put a number of days into words: days up to two months, months up to two years, then years."""
    whole = days.floor().cast(pl.Int64)
    return (
        pl.when(days < 1)
        .then(pl.lit("less than a day"))
        .when(days < 2)
        .then(pl.lit("1 day"))
        .when(days < 60)
        .then(pl.format("{} days", whole))
        .when(days < 2 * _YEAR)
        .then(pl.format("{} months", (days / _MONTH).round().cast(pl.Int64)))
        .otherwise(pl.format("{} years", (days / _YEAR).floor().cast(pl.Int64)))
    )


def _of(days: pl.Expr) -> pl.Expr:
    """Date a mail, as in "your mail of 6 days ago"."""
    return pl.when(days < 1).then(pl.lit("of the last 24 hours")).otherwise(pl.format("of {} ago", _span(days)))


def _times(count: str) -> pl.Expr:
    """Put a count of one or more into words."""
    often = pl.when(pl.col(count) == 2).then(pl.lit("twice")).otherwise(pl.format("{} times", count))
    return pl.when(pl.col(count) == 1).then(pl.lit("once")).otherwise(often)


_TURN: Final = is_answered_last()
_WROTE_LAST: Final = _past(_OUTBOUND) & (_OUTBOUND > _INBOUND)
_LAST_ENGAGED: Final = pl.col("last_engaged_time")
_SINCE_INBOUND, _SINCE_OUTBOUND, _SINCE_ENGAGED = (_span(_days(t)) for t in (_INBOUND, _OUTBOUND, _LAST_ENGAGED))
_OF_INBOUND, _OF_OUTBOUND = (_of(_days(time)) for time in (_INBOUND, _OUTBOUND))
_MAILS_KNOWN: Final = (_INBOUND.is_not_null() | _never("inbound")) & (_OUTBOUND.is_not_null() | _never("outbound"))
_LAST_IS_NO_MAIL: Final = (
    _MAILS_KNOWN & _past(_LAST_ENGAGED) & (_LAST_ENGAGED > pl.max_horizontal(_INBOUND, _OUTBOUND))
).fill_null(False)
_UNANSWERED: Final = _never("inbound") & (pl.col("total_outbound") > 0) & _past(_OUTBOUND)
_NO_MAIL: Final = _never("inbound") & _never("outbound")
_MET: Final = pl.col("total_meetings") > 0
_GAP: Final = _days(pl.col("first_inbound_time"), _INBOUND) / (pl.col("total_inbound") - 1)
_HAD_RHYTHM: Final = (pl.col("total_inbound") >= _FEWEST) & (_GAP > 0) & (_days(_INBOUND) >= 2 * _GAP)
_RHYTHM: Final = (
    pl.when(_GAP < 1)
    .then(pl.lit("more than once a day"))
    .when(_GAP < 2)
    .then(pl.lit("every day or two"))
    .otherwise(pl.format("every {} on average", _span(_GAP.round())))
)
_SILENCE: Final = pl.format(  # who met meanwhile was not silent
    "{} for {}",
    pl.when(pl.col("total_meetings") == 0).then(pl.lit("silent")).otherwise(pl.lit("no mail from them")),
    _SINCE_INBOUND,
)
_UNTIL_MEETING: Final = (
    pl.when(_MEETING < _AS_OF + _DAY)
    .then(pl.lit("in less than a day"))
    .otherwise(pl.format("in {}", _span(_days(_AS_OF, _MEETING))))
)
_MEETS: Final = _MEETING >= _AS_OF

STEPS: Final = (
    Step(
        "meeting and their mail",
        "prepare",
        _MEETS & _TURN & (_days(_INBOUND) < _LATELY),
        pl.format("meeting {}, and their mail {} is unanswered", _UNTIL_MEETING, _OF_INBOUND),
    ),
    Step("meeting", "prepare", _MEETS, pl.format("meeting {}", _UNTIL_MEETING)),
    Step("meeting without a time", "prepare", has_meeting(), pl.lit("a meeting is planned")),
    Step(
        "their first mail",
        "answer",
        _TURN & _never("outbound") & ~_LAST_IS_NO_MAIL & (_days(_INBOUND) < _LATELY),
        pl.format("they wrote {} ago, and you never wrote back", _SINCE_INBOUND),
    ),
    Step(
        "their old first mail",
        "pick up",
        _TURN & _never("outbound") & ~_LAST_IS_NO_MAIL,
        pl.format("they wrote {} ago, and you never wrote back", _SINCE_INBOUND),
    ),
    Step(
        "their mail",
        "answer",
        _TURN & ~_LAST_IS_NO_MAIL & (_days(_INBOUND) < _LATELY),
        pl.format("their mail {} is unanswered", _OF_INBOUND),
    ),
    Step(
        "their old mail",
        "pick up",
        _TURN & ~_LAST_IS_NO_MAIL,
        pl.format("their mail {} is still unanswered", _OF_INBOUND),
    ),
    Step(
        "after a meeting",
        "follow up",
        _LAST_IS_NO_MAIL & (pl.col("total_meetings_30d") > 0),
        pl.format("you met in the last 30 days, and no mail has followed the last contact {} ago", _SINCE_ENGAGED),
    ),
    Step(
        "after another contact",
        "get in touch",
        _LAST_IS_NO_MAIL,
        pl.format("you were last in touch {} ago, and no mail has followed", _SINCE_ENGAGED),
    ),
    Step(
        "your mail",
        "follow up",
        _WROTE_LAST & (_days(_OUTBOUND) < _LATELY),
        pl.format("your mail {} is unanswered", _OF_OUTBOUND),
    ),
    Step(
        "silent after a rhythm",
        "revive",
        _WROTE_LAST & _HAD_RHYTHM,
        pl.format("{}, used to write {}", _SILENCE, _RHYTHM),
    ),
    Step("silent", "revive", _WROTE_LAST, _SILENCE),
    Step(
        "met, yet never wrote",
        "get in touch",
        _UNANSWERED & _MET,
        pl.format(
            "you met {}, yet they never wrote; your last mail was {} ago",
            _times("total_meetings"),
            _SINCE_OUTBOUND,
        ),
    ),
    Step(
        "one mail, no answer",
        "follow up",
        _UNANSWERED & (pl.col("total_outbound") == 1) & (_days(_OUTBOUND) < _LATELY),
        pl.format("your only mail, {} ago, is unanswered", _SINCE_OUTBOUND),
    ),
    Step(
        "one old mail, no answer",
        "try again",
        _UNANSWERED & (pl.col("total_outbound") == 1),
        pl.format("your only mail, {} ago, was never answered", _SINCE_OUTBOUND),
    ),
    Step(
        "many mails, no answer",
        "try another way",
        _UNANSWERED,
        pl.format("{} mails of yours without an answer, the last {} ago", "total_outbound", _SINCE_OUTBOUND),
    ),
    Step(
        "met, no mail",
        "write",
        _NO_MAIL & _MET,
        pl.format("you met {}, but there was never a mail", _times("total_meetings")),
    ),
    Step(
        "unknown",
        "introduce yourself",
        _NO_MAIL & (pl.col("total_meetings") == 0),
        pl.lit("no mail and no meeting so far"),
    ),
    Step("nothing to go by", "get in touch", pl.lit(True), pl.lit("the export says too little of the last mails")),
)
"""In order: the first whose condition holds is the suggestion."""


def suggest(contacts: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Suggest a next step for each contact.

    Parameters
    ----------
    contacts : polars.DataFrame
        Typed contacts, all 40 fields.
    as_of : datetime
        The date of the export, with its zone.

    Returns
    -------
    polars.DataFrame
        One row for each contact, in order: `action`, and `next_step`, a sentence that starts with it. Never null.

    Examples
    --------
    >>> from datetime import UTC
    >>> from scoring.schema import empty
    >>> wrote = datetime(2026, 1, 2, tzinfo=UTC)
    >>> contact = empty(1).with_columns(total_inbound=1, total_outbound=0, last_inbound_time=wrote)
    >>> suggest(contact, datetime(2026, 1, 5, tzinfo=UTC)).row(0)
    ('answer', 'answer: they wrote 3 days ago, and you never wrote back')
    """
    dated = contacts.with_columns(as_of=pl.lit(as_of).cast(pl.Datetime("us", "UTC")))
    first = pl.coalesce(pl.when(step.condition).then(place) for place, step in enumerate(STEPS))
    found = dated.with_columns(step=first)
    actions = pl.Series([step.action for step in STEPS], dtype=pl.String)
    because = pl.coalesce(pl.when(pl.col("step") == place).then(step.because) for place, step in enumerate(STEPS))
    action = pl.lit(actions).gather(pl.col("step"))
    return found.select(action.alias("action"), pl.concat_str(action, because, separator=": ").alias("next_step"))
