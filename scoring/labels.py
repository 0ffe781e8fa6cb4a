"""Labels: what happened in the 30 days after a date, as far as a customer's own exports prove it.

Two exports prove it by what changed from one to the other; one export by what its `_30d` counts say of its last 30
days. What they do not prove stays open: null, counted, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import polars as pl

from scoring import schema
from scoring.config import HORIZON, TARGETS
from scoring.validation import key_of

__all__ = ["RESTORED", "label", "step_back"]

RESTORED: Final = (
    *(f"total_{kind}" for kind in ("inbound", "outbound", "meetings", "time_spent", "emails")),
    *(f"first_{kind}_time" for kind in ("inbound", "outbound", "engaged")),
    *(field.name for field in schema.FIELDS if field.role in ("key", "identity", "profile")),
)
"""Fields of an export that can be put back by 30 days exactly. A last time cannot: even that it is missing tells."""

_COUNTS: Final = ("inbound", "outbound", "meetings", "time_spent", "emails")
_FIRSTS: Final = ("inbound", "outbound", "engaged")
_NEEDED: Final = (
    *(f"total_{kind}{ending}" for kind in ("inbound", "outbound", "meetings") for ending in ("", "_30d")),
    *(f"{which}_{kind}_time" for kind in ("inbound", "outbound") for which in ("first", "last")),
    "last_engaged_time",
)


def label(
    earlier: pl.DataFrame, as_of: datetime, later: Sequence[tuple[datetime, pl.DataFrame]]
) -> tuple[pl.DataFrame, datetime]:
    """Say what happened to the rows of an export after its date, as later exports prove it.

    Parameters
    ----------
    earlier : polars.DataFrame
        Typed contacts, each key once.
    as_of : datetime
        Their date, in UTC.
    later : sequence of (datetime, polars.DataFrame)
        At least one later export with its date, ascending; typed, each key once. Those up to the first that covers the
        30 days are used.

    Returns
    -------
    labels : polars.DataFrame
        One row for each row of `earlier`, in order: Boolean `reply`, `meeting`, `answer` and `engaged`, null where they
        are open, and `found`: whether a later export has the row.
    until : datetime
        The labels are for what happened from `as_of` (inclusive) to then (exclusive): 30 days, or fewer where no
        export is that late.

    Notes
    -----
    A mail of the window is proved by a count that grew and a first or last time inside the window, or by a count that
    grew by more than the later export's last 30 days hold. None is proved by a count or last time that stayed. An
    answer is proved where order is certain: the last inbound mail came after the last outbound one, or after the first
    ever, both inside; no answer, where no mail came in or all came before the only outbound one.

    Examples
    --------
    >>> from datetime import UTC, datetime, timedelta
    >>> start = datetime(2026, 1, 1, tzinfo=UTC)
    >>> was = schema.empty(2).with_columns(crm_id=pl.Series(["1", "2"]), total_inbound=pl.Series([1, 1]))
    >>> now = was.with_columns(total_inbound=pl.Series([3, 1]), total_inbound_30d=pl.Series([2, 0]))
    >>> labels, until = label(was, start, [(start + timedelta(days=30), now)])
    >>> labels["reply"].to_list()
    [True, False]
    """
    covering = [position for position, (when, _) in enumerate(later) if when >= as_of + HORIZON]
    used = later[: covering[0] + 1] if covering else later
    until = min(as_of + HORIZON, used[-1][0])
    proved = [_prove(_beside(earlier, table), as_of, until, when) for when, table in used]
    labels = proved[0]
    for other in proved[1:]:
        joined = {target: labels[target].zip_with(labels[target].is_not_null(), other[target]) for target in TARGETS}
        labels = labels.with_columns(**joined, found=labels["found"] | other["found"])
    return labels, until


def step_back(table: pl.DataFrame, as_of: datetime) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
    """Put an export back by 30 days, and say what has happened since.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts, each key once.
    as_of : datetime
        Their date, in UTC.

    Returns
    -------
    past : polars.DataFrame
        The rows with history 30 days before `as_of`, typed: fields `RESTORED` as they stood then, all others null.
    labels : polars.DataFrame
        The same rows: Boolean `reply`, `meeting`, `answer` and `engaged` of the 30 days since, null where open.
    kept : polars.Series
        Boolean, one for each row of `table`: whether it had history then.

    Notes
    -----
    ``total - total_30d`` is the count as it stood. A row without put-back mails or meetings is left out: whether it
    was there at all, nobody knows, and with it the rate would be wrong threefold.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> now = schema.empty(2).with_columns(total_inbound=pl.Series([5, 2]), total_inbound_30d=pl.Series([1, 2]))
    >>> past, labels, kept = step_back(now, datetime(2026, 1, 31, tzinfo=UTC))
    >>> past["total_inbound"].to_list(), labels["reply"].to_list(), kept.to_list()
    ([4], [True], [True, False])
    """
    start = as_of - HORIZON
    counts = {f"total_{kind}": pl.col(f"total_{kind}") - pl.col(f"total_{kind}_30d") for kind in _COUNTS}
    firsts = [f"first_{kind}_time" for kind in _FIRSTS]
    times = {name: pl.when(pl.col(name) < start).then(pl.col(name)) for name in firsts}
    gone = {name: pl.lit(None, schema.field(name).dtype) for name in schema.NAMES if name not in RESTORED}
    past = table.with_columns(**counts, **times, **gone)
    touches = [pl.col(f"total_{kind}") for kind in ("inbound", "outbound", "meetings")]
    sound = pl.all_horizontal((column >= 0).fill_null(True) for column in touches)
    kept = past.select((sound & (pl.sum_horizontal(touches) > 0)).alias("kept")).to_series()
    known = table.filter(kept)
    now = {f"{name}_now": known[name] for name in _NEEDED}
    return past.filter(kept), _prove(past.filter(kept).with_columns(found=True, **now), start, as_of, as_of), kept


def _beside(earlier: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Put what a later export says beside each row, as columns that end in `_now`."""
    keyed = later.select(*key_of("_rep", "_who"), *(pl.col(name).alias(f"{name}_now") for name in _NEEDED), found=True)
    beside = earlier.with_columns(*key_of("_rep", "_who"))
    return beside.join(
        keyed, on=["_rep", "_who"], how="left", nulls_equal=True, maintain_order="left", validate="m:1"
    ).with_columns(pl.col("found").fill_null(False))


def _prove(beside: pl.DataFrame, start: datetime, until: datetime, now: datetime) -> pl.DataFrame:
    """Prove what happened in ``start <= t < until`` from how rows stood at `start` and stand `now`."""
    inbound, outbound = _mails("inbound", start, until, now), _mails("outbound", start, until, now)
    meeting = _meetings(start, until, now)
    return beside.select(
        inbound.alias("reply"),
        meeting.alias("meeting"),
        _answers(inbound, outbound, start, until, now).alias("answer"),
        (inbound | meeting).alias("engaged"),
        "found",
    )


def _new(kind: str) -> pl.Expr:
    """How many came since; null where the count shrank, which proves nothing."""
    grown = pl.col(f"total_{kind}_now") - pl.col(f"total_{kind}")
    return pl.when(grown >= 0).then(grown)


def _within(column: str, start: datetime, until: datetime) -> pl.Expr:
    return (pl.col(column) >= start) & (pl.col(column) < until)


def _decide(happened: Sequence[pl.Expr], did_not: Sequence[pl.Expr]) -> pl.Expr:
    """Join proofs of either kind; nothing proves, or they contradict each other: null."""
    yes, no = (
        pl.any_horizontal(False, *(proof.fill_null(False) for proof in proofs)) for proofs in (happened, did_not)
    )
    return pl.when(yes & ~no).then(True).when(no & ~yes).then(False)


def _by_count(kind: str, until: datetime, now: datetime) -> tuple[list[pl.Expr], list[pl.Expr]]:
    """Prove by counts: what came before the later export's last 30 days, and what can only have come in them."""
    new, recent = _new(kind), pl.col(f"total_{kind}_30d_now")
    happened, did_not = [], []
    if now >= until:
        did_not.append(new == 0)
    if now <= until:
        happened.append(new > 0)
    if now - HORIZON <= until:
        happened.append(new > recent)
    if now - HORIZON >= until:
        did_not.append(new <= recent)
    return happened, did_not


def _mails(kind: str, start: datetime, until: datetime, now: datetime) -> pl.Expr:
    first, last = f"first_{kind}_time_now", f"last_{kind}_time_now"
    happened, did_not = _by_count(kind, until, now)
    grew = _new(kind) != 0  # unknown counts do not stand against a time
    happened += [
        _within(first, start, until) & grew.fill_null(True),
        _within(last, start, until) & grew.fill_null(True),
    ]
    if now >= until:
        did_not += [pl.col(last) < start, pl.col(first) >= until, (_new(kind) == 1) & (pl.col(last) >= until)]
    return _decide(happened, did_not)


def _meetings(start: datetime, until: datetime, now: datetime) -> pl.Expr:
    happened, did_not = _by_count("meetings", until, now)
    happened.append((_new("meetings") > 0) & (pl.col("last_engaged_time_now") < until))
    return _decide(happened, did_not)


def _answers(inbound: pl.Expr, outbound: pl.Expr, start: datetime, until: datetime, now: datetime) -> pl.Expr:
    last_in, last_out = pl.col("last_inbound_time_now"), pl.col("last_outbound_time_now")
    wrote_last = _within("last_outbound_time_now", start, until)
    came_last = _within("last_inbound_time_now", start, until)
    first_ever = _within("first_outbound_time_now", start, until)
    only_one = wrote_last & (_new("outbound") == 1) & pl.lit(now >= until)
    answered = [
        came_last & wrote_last & (last_in > last_out),
        came_last & first_ever & (last_in > pl.col("first_outbound_time_now")),
    ]
    unanswered = [inbound.not_(), only_one & (last_in <= last_out)]
    return pl.when(outbound).then(_decide(answered, unanswered))
