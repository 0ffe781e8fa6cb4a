"""Labels: what happened in the 30 days after a date, as far as a customer's own exports prove it.

Two exports prove it by what changed from one to the other; one export by what its `_30d` counts say of its last 30
days. What they do not prove stays open: null, counted, never guessed. Nor do figures that contradict each other prove
anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import polars as pl

from scoring import schema
from scoring.config import HORIZON
from scoring.validation import key_of

__all__ = ["RESTORED", "filled_counts", "label", "restore", "step_back"]

_COUNTS: Final = ("inbound", "outbound", "meetings", "time_spent", "emails")
_TIMES: Final = {"inbound": "inbound", "outbound": "outbound", "meetings": "engaged"}  # what bounds each kind of touch
_STEP: Final = timedelta(microseconds=1)  # the smallest difference between two times of a typed table

RESTORED: Final = (
    *(f"total_{kind}" for kind in _COUNTS),
    *(f"first_{times}_time" for times in _TIMES.values()),
    *(field.name for field in schema.FIELDS if field.role in ("key", "identity", "profile")),
)
"""Fields of an export that can be put back by 30 days: counts and first times exactly, who it is as it stands now. A
last time cannot be put back: even that it is missing tells."""

_NEEDED: Final = (
    *(f"total_{kind}{ending}" for kind in _TIMES for ending in ("", "_30d")),
    *(f"{which}_{times}_time" for times in _TIMES.values() for which in ("first", "last")),
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
        Their date, in UTC: the moment before which everything is known, and nothing from it on.
    later : sequence of (datetime, polars.DataFrame)
        At least one later export with its date, ascending; typed, each key once. Those that can prove more than the
        first that covers the 30 days are used: the ones before it, and the ones less than 30 days after it.

    Returns
    -------
    labels : polars.DataFrame
        One row for each row of `earlier`, in order: Boolean `reply`, `meeting`, `answer` and `engaged`, null where they
        are open, and `found`: whether a later export that was used has the row. `answer` is null too where no mail
        went out.
    until : datetime
        The labels are for what happened from `as_of` (inclusive) to then (exclusive): 30 days, or fewer where no
        export is that late.

    Notes
    -----
    A later export knows two counts: that of its date and, less its last 30 days, that of 30 days before. One that has
    grown by the end of the window proves a mail or meeting inside it, one that stayed to the end or beyond proves none.
    A first or last mail that is new and inside the window proves one; a last mail before it, a first one after it, or a
    single new one after it prove none. Meetings have no times of their own: the last touch of any kind stands in.

    An answer is a mail that came in after one that went out, both inside; at the same moment it is none. Times and
    counts bound when the first one went out and when the last one came in; where the bounds do not settle which came
    first, it is open. So open answers are those of contacts who wrote: the proved ones have fewer answers than all.

    Exports more than 60 days apart prove little but that nothing happened, so among their labels rates are far too low.
    Dates have to be exact: a last time at or after the date of its own export contradicts it.

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
    until = min(as_of + HORIZON, later[-1][0])
    covers = next(when for when, _ in later if when >= until)
    used = [(when, table) for when, table in later if when - HORIZON < covers]
    return _conclude([_weigh(_beside(earlier, table), as_of, until, when) for when, table in used]), until


def step_back(
    table: pl.DataFrame, as_of: datetime, filled: Collection[str] | None = None
) -> tuple[pl.DataFrame, pl.DataFrame, pl.Series]:
    """Put an export back by 30 days, and say what has happened since.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts, each key once.
    as_of : datetime
        Their date, in UTC.
    filled : collection of str, optional
        `filled_counts` of the whole export, where `table` is a part of it.

    Returns
    -------
    past : polars.DataFrame
        The rows with history 30 days before `as_of`, typed: fields `RESTORED` as they stood then, all others null.
    labels : polars.DataFrame
        The same rows: Boolean `reply`, `meeting`, `answer` and `engaged` of the 30 days since, null where open.
    kept : polars.Series
        Boolean, one for each row of `table`: whether it had history then and can be put back.

    Notes
    -----
    ``total - total_30d`` is the count as it stood. A row without put-back mails or meetings is left out: whether it
    was there at all, nobody knows, and many are there because something has just happened; with them the rate would be
    too high, in an organisation of short contacts several times over. So is a row that cannot be put back:
    its counts go below 0, contradict its first times, or lack a cell in a column that others fill, for a cell that is
    left empty where nothing happened lately would tell what did.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> now = schema.empty(2).with_columns(total_inbound=pl.Series([5, 2]), total_inbound_30d=pl.Series([1, 2]))
    >>> past, labels, kept = step_back(now, datetime(2026, 1, 31, tzinfo=UTC))
    >>> past["total_inbound"].to_list(), labels["reply"].to_list(), kept.to_list()
    ([4], [True], [True, False])
    """
    past, kept = restore(table, as_of, filled)
    now = {f"{name}_now": table.filter(kept)[name] for name in _NEEDED}
    labels = _conclude([_weigh(past.with_columns(found=True, **now), as_of - HORIZON, as_of, as_of)])
    return past, labels.drop("found"), kept


def restore(
    table: pl.DataFrame, as_of: datetime, filled: Collection[str] | None = None
) -> tuple[pl.DataFrame, pl.Series]:
    """Put an export back by 30 days.

    Parameters
    ----------
    table, as_of, filled
        As for `step_back`.

    Returns
    -------
    past : polars.DataFrame
        As `step_back` gives it.
    kept : polars.Series
        The same.
    """
    start = as_of - HORIZON
    counts = {f"total_{kind}": pl.col(f"total_{kind}") - pl.col(f"total_{kind}_30d") for kind in _COUNTS}
    firsts = [f"first_{times}_time" for times in _TIMES.values()]
    times = {name: pl.when(pl.col(name) < start).then(pl.col(name)) for name in firsts}
    gone = {name: pl.lit(None, schema.field(name).dtype) for name in schema.NAMES if name not in RESTORED}
    past = table.with_columns(**counts, **times, **gone)
    kept = _had_history(table, past, filled_counts(table) if filled is None else filled)
    return past.filter(kept), kept


def filled_counts(table: pl.DataFrame | pl.LazyFrame) -> list[str]:
    """Find the counts that some row has a cell for.

    Parameters
    ----------
    table : polars.DataFrame or LazyFrame
        Typed contacts.

    Returns
    -------
    list of str
        Fields, the totals and those of the last 30 days.

    Examples
    --------
    >>> filled_counts(schema.empty(2).with_columns(total_inbound=pl.Series([None, 0])))
    ['total_inbound']
    """
    pairs = [name for kind in _COUNTS for name in (f"total_{kind}", f"total_{kind}_30d")]
    cells = table.lazy().select(pl.col(pairs).count()).collect(engine="streaming").row(0)
    return [name for name, count in zip(pairs, cells, strict=True) if count]


def _had_history(table: pl.DataFrame, past: pl.DataFrame, filled: Collection[str]) -> pl.Series:
    """Say which rows had mails or meetings in a past that their own cells agree on."""
    whole = [pl.col(name).is_not_null() for name in filled]
    agreed = [pl.col(f"_{kind}") >= 0 for kind in _COUNTS]
    for kind in ("inbound", "outbound"):
        dated = pl.col(f"first_{kind}_time").is_null() | ((pl.col(f"_{kind}") > 0) == pl.col(f"_began_{kind}"))
        agreed.append(dated)
    put_back = {f"_{kind}": past[f"total_{kind}"] for kind in _COUNTS}
    began = {f"_began_{kind}": past[f"first_{kind}_time"].is_not_null() for kind in ("inbound", "outbound")}
    touched = pl.sum_horizontal(f"_{kind}" for kind in _TIMES) > 0
    kept = pl.all_horizontal(touched, *whole, *(condition.fill_null(True) for condition in agreed))
    return table.with_columns(**put_back, **began).select(kept.alias("kept")).to_series()


def _beside(earlier: pl.DataFrame, later: pl.DataFrame) -> pl.DataFrame:
    """Put what a later export says beside each row, as columns that end in `_now`."""
    keyed = later.select(*key_of("_rep", "_who"), *(pl.col(name).alias(f"{name}_now") for name in _NEEDED), found=True)
    beside = earlier.with_columns(*key_of("_rep", "_who"))
    return beside.join(
        keyed.filter(pl.col("_who").is_not_null()),
        on=["_rep", "_who"],
        how="left",
        nulls_equal=True,
        maintain_order="left",
        validate="m:1",
    ).with_columns(pl.col("found").fill_null(False))


def _weigh(beside: pl.DataFrame, start: datetime, until: datetime, now: datetime) -> pl.DataFrame:
    """Collect what one later export, of `now`, proves of ``start <= t < until``."""
    proofs = [proof for kind in _TIMES for proof in _proofs(kind, start, until, now)]
    return beside.select("found", *proofs, *_bounds(start, until, now))


def _conclude(found: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Join what several later exports prove, row by row."""
    joined = pl.concat(
        [frame.select(pl.all().name.suffix(f" {at}")) for at, frame in enumerate(found)], how="horizontal"
    )
    ways = {"least": pl.max_horizontal, "most": pl.min_horizontal}
    merged = {
        name: ways.get(name.rpartition("_")[2], pl.any_horizontal)(f"{name} {at}" for at in range(len(found)))
        for name in found[0].columns
    }
    inbound, outbound, meeting = (_decide(f"{kind}_yes", f"{kind}_no") for kind in _TIMES)
    after = pl.col("inbound_least") > pl.col("outbound_most")
    before = pl.col("inbound_most") <= pl.col("outbound_least")
    order = joined.select(**merged).with_columns(
        answer_yes=(inbound & after).fill_null(False),
        answer_no=inbound.not_().fill_null(False) | before.fill_null(False),
    )
    return order.select(
        inbound.alias("reply"),
        meeting.alias("meeting"),
        pl.when(outbound & inbound.is_not_null()).then(_decide("answer_yes", "answer_no")).alias("answer"),
        (inbound | meeting).alias("engaged"),
        "found",
    )


def _decide(yes: str, no: str) -> pl.Expr:
    """Decide by proofs of either kind; nothing proves, or they contradict each other: null."""
    return pl.when(pl.col(yes) != pl.col(no)).then(pl.col(yes))


def _proofs(kind: str, start: datetime, until: datetime, now: datetime) -> tuple[pl.Expr, pl.Expr]:
    """Prove that a kind of touch happened, and that it did not."""
    first, last = _ends(kind)
    counted = _counted(kind, start, now)
    yes = [came > 0 for moment, came in counted if moment <= until]
    no = [came == 0 for moment, came in counted if moment >= until]
    new = counted[0][1]
    if kind == "meetings":
        yes.append((new > 0) & last.is_between(start, until, closed="left"))
    else:
        yes += [_new_time(kind, which, start, until).is_not_null() for which in ("first", "last")]
    if now >= until:
        none_before = pl.col(f"first_{_TIMES[kind]}_time").is_null() & _is_zero(pl.col(f"total_{kind}"))
        no += [(last < start) & _is_zero(_grown(kind)), (first >= until) & none_before]
        if kind != "meetings":
            no.append((new == 1) & (last >= until))
    sound = _sound(kind, start, now)
    return (sound & _any(yes)).alias(f"{kind}_yes"), (sound & _any(no)).alias(f"{kind}_no")


def _any(conditions: Sequence[pl.Expr]) -> pl.Expr:
    """Hold where a condition does; null is no."""
    return pl.any_horizontal(False, *(condition.fill_null(False) for condition in conditions))


def _bounds(start: datetime, until: datetime, now: datetime) -> list[pl.Expr]:
    """Bound the last inbound and the first outbound mail of the window: no earlier than `least`, nor later than `most`.

    Of one that is proved to be there; else they say nothing.
    """
    since = {kind: _counted(kind, start, now) for kind in ("inbound", "outbound")}
    fresh = {kind: [_new_time(kind, which, start, until) for which in ("first", "last")] for kind in since}
    none_until = {
        kind: [pl.when(came == 0).then(moment) for moment, came in counted if moment < until]
        for kind, counted in since.items()
    }
    some_before = [pl.when(came > 0).then(moment - _STEP) for moment, came in since["outbound"] if moment <= until]
    only_outbound = pl.when(since["outbound"][0][1] == 1).then(fresh["outbound"][1])
    bounds = {
        "inbound_least": pl.max_horizontal(*fresh["inbound"], *none_until["inbound"]),
        "inbound_most": _latest_inbound(since["inbound"], fresh["inbound"][0], until, now),
        "outbound_least": pl.max_horizontal(
            pl.lit(start), fresh["outbound"][0], only_outbound, *none_until["outbound"]
        ),
        "outbound_most": pl.min_horizontal(*fresh["outbound"], *some_before),
    }
    return [pl.when(_sound(name.split("_")[0], start, now)).then(bound).alias(name) for name, bound in bounds.items()]


def _latest_inbound(
    since: list[tuple[datetime, pl.Expr]], first_ever: pl.Expr, until: datetime, now: datetime
) -> pl.Expr:
    """Bound the last inbound mail of the window from above, by what the later export says of the last of all."""
    if now < until:
        return pl.lit(None, schema.DTYPES["time"])
    _, last = _ends("inbound")
    (_, new), *before = since
    after = last >= until
    whole = (_grown("inbound") >= 0).fill_null(True)  # of a count that shrank the last one may be gone
    bounds = [pl.when((last < until) & whole).then(last), pl.when(after & (new == 2)).then(first_ever)]
    for moment, came in before:
        # of those since then one alone is the last of all; of those until then one alone is the first of all
        only = after & (new - came == 1) if moment < until else came == 1
        bounds.append(pl.when(only).then(moment if moment < until else first_ever))
    return pl.min_horizontal(bounds)


def _ends(kind: str) -> tuple[pl.Expr, pl.Expr]:
    """First and last time of a kind as the later export has them."""
    return pl.col(f"first_{_TIMES[kind]}_time_now"), pl.col(f"last_{_TIMES[kind]}_time_now")


def _grown(kind: str) -> pl.Expr:
    return pl.col(f"total_{kind}_now") - pl.col(f"total_{kind}")


def _is_zero(count: pl.Expr) -> pl.Expr:
    """Hold where nothing is counted, or nobody counts."""
    return (count == 0).fill_null(True)


def _counted(kind: str, start: datetime, now: datetime) -> list[tuple[datetime, pl.Expr]]:
    """Count what came from `start` to each moment that a later export has a count for.

    Null where less came in all than in a part, where it grew and the last time did not, or where history was added that
    lies before `start`. A count that shrank proves nothing by itself.
    """
    grown, recent, month = _grown(kind), pl.col(f"total_{kind}_30d_now"), now - HORIZON
    first, last = _ends(kind)
    wrong = [(grown < recent) if month > start else (grown > recent)]
    stayed = (last < start) | (last == pl.col(f"last_{_TIMES[kind]}_time"))
    wrong += [first < pl.col(f"first_{_TIMES[kind]}_time"), (grown > 0) & stayed]
    if kind != "meetings":
        wrong.append((pl.col(f"total_{kind}") == 0) & (first < start))
    new = pl.when(~_any(wrong)).then(grown)
    return [(now, new), (month, new - recent)] if month > start else [(now, new)]


def _new_time(kind: str, which: str, start: datetime, until: datetime) -> pl.Expr:
    """Take a first or last time inside the window, unless the earlier export had it already."""
    time, before = pl.col(f"{which}_{kind}_time_now"), pl.col(f"{which}_{kind}_time")
    return pl.when(time.is_between(start, until, closed="left") & time.ne_missing(before)).then(time)


def _sound(kind: str, start: datetime, now: datetime) -> pl.Expr:
    """Hold where the times of a kind do not contradict its counts, each other or the date."""
    first, last = _ends(kind)
    wrong = [last >= now, first > last]
    if kind != "meetings":
        wrong += [
            (_grown(kind) == 0) & _new_time(kind, "last", start, now).is_not_null(),
            (pl.col(f"total_{kind}") > 0) & _new_time(kind, "first", start, now).is_not_null(),
        ]
    return ~_any(wrong)
