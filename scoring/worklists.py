"""Worklists: for each rep, whom to work next, as many as the rep can, and what to expect of it.

A contact takes a place if nothing speaks against it (a mail of yesterday, too little history, a meeting that is
planned already) and neither the rep's list nor the account's share of it is full when its turn comes, best score first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl
from numpy.typing import ArrayLike

from scoring.expectation import expect
from scoring.next_steps import has_meeting, is_answered_last, suggest
from scoring.places import Places, draw_order
from scoring.policy import CHANCES, LEVELS, Policy, hold
from scoring.scored import Scored, read_scored
from scoring.validation import find_suppressed

__all__ = ["LEFT_OUT", "Worklist", "prioritise"]

LEFT_OUT: Final = (
    "suppressed", "problem", "repeated", "meeting_later", "cooldown", "evidence", "account_full", "rep_full",
)  # fmt: skip
"""Why a contact is on no list. One reason each: the first that holds, in this order."""

_EXPECTED: Final = {"replies": CHANCES["reply"], "meetings": CHANCES["meeting"], "answers": CHANCES["answer"]}
_PARTS: Final = ("work", "explore", "prepare")
_PART: Final = pl.Enum(_PARTS)
_RULE: Final = pl.Enum(LEFT_OUT)
_SUMMARY: Final = {
    "rep": pl.String,
    **dict.fromkeys(("places", "listed", *_PARTS, *LEFT_OUT), pl.Int64),
    **{f"{name}{border}": pl.Int64 if border else pl.Float64 for name in _EXPECTED for border in ("", "_low", "_high")},
}


@dataclass(frozen=True, eq=False)
class Worklist:
    """The lists of all reps.

    Attributes
    ----------
    rows : polars.DataFrame
        One row for each contact that is listed, by `rep`, `part` and `rank`. `part` is ``work``, ``explore`` (listed so
        that something is learned about it) or ``prepare`` (a meeting is planned; takes no place). `rank` runs from 1
        through ``work`` and ``explore``, and again through ``prepare``. Then `crm_id`, `email`, `name`, `job_title`,
        `account_name`, `account` (domain, else CRM id), `score` (what the list is ordered by), the chances, `priority`,
        `tier`, `evidence`, `action`, `next_step`, `reasons`, and the value column if there is one.
    summary : polars.DataFrame
        One row for each rep: `places`, `listed` (``work`` and ``explore``) and each part, expected `replies`,
        `meetings` and `answers` of what is listed, each with `_low` and `_high`, and how many were left out by each
        rule of `LEFT_OUT`. All rows of the rep = listed + prepare + left out.
    left_out : polars.DataFrame
        `rep`, `crm_id`, `email` and the `rule`, in order of the input; without the suppressed contacts.
    as_of : datetime
        The date of the scores.
    policy : Policy
        How the lists were made.

    Notes
    -----
    Expected numbers are sums of the chances. Their interval is that of independent contacts with right chances (see
    `expectation.expect`). It holds for a list: `benchmarks/worklists.py` measures how often. It would not hold for all
    lists together, as a whole organisation has better and worse months, so `total` has none. Replies and meetings are
    what happens in the 30 days as reps have worked so far; answers are what comes back if the rep writes to everybody
    on the list.
    """

    rows: pl.DataFrame
    summary: pl.DataFrame
    left_out: pl.DataFrame
    as_of: datetime
    policy: Policy

    def total(self) -> dict[str, float]:
        """Add up the summary of all reps.

        Returns
        -------
        dict of str to number
            As one row of `summary`, without the rep, and without intervals: months differ for all reps at once.
        """
        return self.summary.select(pl.col("places", "listed", *_PARTS, *LEFT_OUT, *_EXPECTED).sum()).row(0, named=True)

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON: those of all reps, and of each."""
        return {"as_of": f"{self.as_of:%Y-%m-%dT%H:%M:%SZ}", "total": self.total(), "reps": self.summary.to_dicts()}


def prioritise(
    scored: Any,
    *,
    per_rep: int | Mapping[str, int] = 20,
    per_account: int | None = 3,
    account_total: int | None = None,
    cooldown_days: float = 3,
    prepare_days: float = 14,
    evidence: str = "thin",
    explore: float = 0.1,
    weights: Mapping[str, float] | None = None,
    value: str | None = None,
    suppress: Sequence[str] = (),
) -> Worklist:
    """Say for each rep whom to work next, what to do, and what to expect.

    Parameters
    ----------
    scored : frame, records, path or list of paths
        Scored contacts: what `scoring.score` gives, or a file that `scoring.score_file` wrote.
    per_rep : int or mapping of str to int
        Places on each rep's list; a rep that a mapping does not name has none. Case does not count.
    per_account : int or None
        Places of each account on each rep's list; None for no limit. A contact of no account has none.
    account_total : int or None
        Places of each account on the lists of all reps together, where it is the account that is to be spared.
    cooldown_days : float
        A contact whom the rep wrote to less than so many days before `as_of` rests, unless the contact wrote since.
        One with no time of the last mail never rests.
    prepare_days : float
        Contacts with a meeting at most so many days ahead (inclusive) are listed to prepare, and take no place. Those
        with a later meeting, or one without a time, are left out: the meeting is there already.
    evidence : {"none", "thin", "enough"}
        Least evidence for a place.
    explore : float
        Share of a rep's places (rounded down) for contacts with less evidence than that, so that something is learned
        about them. They are drawn by a hash of date, rep and contact: evenly, others each time, and the same again
        for the same export. What they leave free goes to the others.
    weights : mapping of str to float, optional
        Order by a weighted sum of the chances of ``reply``, ``meeting``, ``answer`` and ``engaged`` (either), as
        ``{"reply": 1, "meeting": 3}``. By default by `priority`.
    value : str, optional
        A column, as of deal sizes, that the score is multiplied with. None there counts as 0.
    suppress : sequence of str
        Addresses and domains whose contacts are on no list, and only counted.

    Returns
    -------
    Worklist
        The same for the same rows, in whatever order they come. Equal scores are ordered by rep, then `crm_id` or
        else address.

    Raises
    ------
    InputError
        If these are no scored contacts, or an option cannot be.

    Notes
    -----
    The best score goes first, over all reps, and gets a place if neither its rep's list nor its account is full. So
    (where nothing is explored) whoever is left out for want of a place would have to take that of somebody with at
    least the same score, and the sum of the scores is the greatest that the limits allow: accounts within lists are
    nested, a matroid. With `account_total` it is at least half of the greatest, as two matroids meet. Places to explore
    are given after the ordinary ones, of which so many are kept free.

    Examples
    --------
    >>> import scoring
    >>> wrote = {"crm_id": "1", "total_inbound": 3, "total_outbound": 2, "last_inbound_time": "2026-01-03T09:00:00Z",
    ...          "last_outbound_time": "2026-01-01T09:00:00Z"}
    >>> work = scoring.prioritise(scoring.score(wrote, as_of="2026-01-05"))
    >>> work.rows["next_step"].item()
    'answer: their mail of 1 day ago is unanswered'
    """
    order = {"engaged": 1.0} if weights is None else weights
    policy = Policy(per_rep, per_account, account_total, cooldown_days, prepare_days, evidence, explore, order, value)
    found = read_scored(scored)
    placed = _place(_candidates(found, policy, suppress), policy, found.as_of)
    listed = _listed(placed.filter(pl.col("part").is_not_null()), found, policy)
    left_out = placed.filter(pl.col("part").is_null() & (pl.col("rule") != "suppressed")).sort("row")
    return Worklist(
        rows=listed,
        summary=_summary(placed, listed, policy),
        left_out=left_out.select("rep", "crm_id", "email", "rule"),
        as_of=found.as_of,
        policy=policy,
    )


def _candidates(found: Scored, policy: Policy, suppress: Sequence[str]) -> pl.DataFrame:
    """Put beside each row its keys and score, and the first rule that keeps it from a place; best score first."""
    weights = ((column, policy.weights.get(name, 0)) for name, column in CHANCES.items())
    rows = pl.concat([found.table, found.scores.drop("as_of"), found.keys], how="horizontal").with_columns(
        pl.int_range(pl.len()).alias("row"),
        find_suppressed(found.table, suppress).alias("suppressed"),
        as_of=pl.lit(found.as_of, dtype=pl.Datetime("us", "UTC")),
        score=pl.sum_horizontal(weight * pl.col(column) for column, weight in weights if weight),
    )
    if policy.value is not None:
        value = found.number(policy.value).fill_null(0.0).alias("value")
        hold(policy.value, not (value < 0).any(), value.min(), "values from 0 on")
        rows = rows.with_columns(value, score=pl.col("score") * value)
    rows = rows.with_columns(rule=_rule(policy), soon=_has_meeting_soon(policy))
    rows = rows.sort("score", "rep", "who", "row", descending=[True, False, False, False], nulls_last=True)
    counts = ~pl.col("rule").is_in(["suppressed", "problem"]).fill_null(False)
    again = counts & (pl.int_range(pl.len()).over("rep", "who", counts) > 0)
    rule = pl.when(again).then(pl.lit("repeated", dtype=_RULE)).otherwise(pl.col("rule"))
    return rows.with_columns(rule=rule)


def _has_meeting_soon(policy: Policy) -> pl.Expr:
    until = pl.col("as_of") + timedelta(days=policy.prepare_days)
    return has_meeting() & (pl.col("first_upcoming_meeting_time") <= until).fill_null(False)


def _rule(policy: Policy) -> pl.Expr:
    """Name the first rule by which a row has no place, limits and repeats aside."""
    since = pl.col("as_of") - pl.col("last_outbound_time")
    rests = (since < timedelta(days=policy.cooldown_days)) & ~is_answered_last()
    level = pl.col("evidence").cast(pl.String)
    rules = {
        "suppressed": pl.col("suppressed"),
        "problem": pl.col("problem").is_not_null(),
        "meeting_later": has_meeting() & ~_has_meeting_soon(policy),
        "cooldown": rests & ~has_meeting() & pl.lit(policy.cooldown_days > 0),
        "evidence": level.is_in(LEVELS[: LEVELS.index(policy.evidence)]) & ~has_meeting(),
    }
    return pl.coalesce(pl.when(holds).then(pl.lit(name, dtype=_RULE)) for name, holds in rules.items())


def _place(rows: pl.DataFrame, policy: Policy, as_of: datetime) -> pl.DataFrame:
    """Say of each row which part it is in, or the rule for which it is in none; in order of turn."""
    is_ordinary = pl.col("rule").is_null() & ~pl.col("soon")
    is_unknown = (pl.col("rule") == "evidence").fill_null(False) & (policy.explore > 0)
    ordinary, unknown, others = (rows.filter(each) for each in (is_ordinary, is_unknown, ~(is_ordinary | is_unknown)))
    drawn = pl.Series("drawn", draw_order(unknown.select("rep", "who").iter_rows(), as_of.isoformat()), dtype=pl.String)
    unknown = unknown.with_columns(drawn).sort("drawn", "rep", "who")
    full = {rep: policy.places(rep) for rep in rows["rep"].unique()}
    waiting = dict(unknown["rep"].value_counts().iter_rows())
    kept = {rep: min(waiting.get(rep, 0), int(places * policy.explore + 1e-9)) for rep, places in full.items()}

    places = Places(policy.per_account, policy.account_total)
    first = _fill(places, ordinary, "work", {rep: full[rep] - kept[rep] for rep in full})
    explored = _fill(places, unknown, "explore", {rep: places.used(rep) + kept[rep] for rep in full})
    freed = [rep for rep in full if kept[rep] and places.used(rep) < full[rep]]
    is_again = pl.col("part").is_null() & pl.col("rep").is_in(freed, nulls_equal=True)
    second = _fill(places, first.filter(is_again).select(ordinary.columns), "work", full)
    explored = explored.with_columns(rule=pl.when(pl.col("part").is_null()).then(pl.lit("evidence", dtype=_RULE)))
    others = others.with_columns(part=pl.when(pl.col("rule").is_null()).then(pl.lit("prepare", dtype=_PART)))
    given = [first.filter(~is_again), second, explored, others]
    return pl.concat([part.select(*rows.columns, "part") for part in given])


def _fill(places: Places, rows: pl.DataFrame, part: str, limits: Mapping[str | None, int]) -> pl.DataFrame:
    """Give places to rows in their order: `part` where there was one, else the `rule` that says why not."""
    refused = places.fill(rows.select("rep", "account").iter_rows(), limits)
    rule = pl.Series("rule", refused, dtype=_RULE)
    return rows.with_columns(rule, part=pl.when(rule.is_null()).then(pl.lit(part, dtype=_PART)))


def _listed(rows: pl.DataFrame, found: Scored, policy: Policy) -> pl.DataFrame:
    """Make the tidy frame of what is listed."""
    prepared = pl.col("part") == "prepare"
    soonest = pl.when(prepared).then(pl.col("first_upcoming_meeting_time"))
    drawn = pl.when(pl.col("part") == "explore").then(pl.int_range(pl.len()))  # in the order in which they were drawn
    ordered = rows.with_columns(soonest.alias("soonest"), drawn.alias("drawn")).sort(
        "rep", "part", "soonest", "drawn", "score", "who",
        descending=[False, False, False, False, True, False], nulls_last=[True, False, False, False, True, False],
    )  # fmt: skip
    steps = suggest(ordered.select(found.table.columns), found.as_of)
    name = pl.concat_str(pl.col("first_name", "last_name").str.strip_chars(), separator=" ", ignore_nulls=True)
    rank = pl.int_range(1, pl.len() + 1).over("rep", prepared)
    return pl.concat([ordered, steps], how="horizontal").select(
        "rep", rank.alias("rank"), "part", "crm_id", "email",
        pl.when(name != "").then(name).alias("name"), "job_title", "account_name", "account",
        *(["value"] if policy.value is not None else []), "score", *CHANCES.values(), "tier", "evidence",
        "action", "next_step", "reasons",
    )  # fmt: skip


def _summary(placed: pl.DataFrame, listed: pl.DataFrame, policy: Policy) -> pl.DataFrame:
    """Count, for each rep, what is listed and what is left out, and say what is expected."""
    why = pl.coalesce(pl.col("part").cast(pl.String), pl.col("rule").cast(pl.String))
    counted: dict[str | None, dict[str, int]] = {}
    for rep, kind, count in placed.group_by("rep", why.alias("why")).len().iter_rows():
        counted.setdefault(rep, {})[kind] = count
    if isinstance(policy.per_rep, Mapping):
        for rep in policy.named:
            counted.setdefault(rep or None, {})
    chances = listed.filter(pl.col("part") != "prepare").group_by("rep").agg(_EXPECTED.values())
    worked = {rep: lists for rep, *lists in chances.iter_rows()}
    nothing: list[list[float]] = [[] for _ in _EXPECTED]
    rows = []
    for rep in sorted(counted, key=lambda rep: (rep is None, rep or "")):
        counts = counted[rep]
        both = {"places": policy.places(rep), "listed": counts.get("work", 0) + counts.get("explore", 0)}
        kinds = {kind: counts.get(kind, 0) for kind in (*_PARTS, *LEFT_OUT)}
        rows.append({"rep": rep, **both, **kinds, **_expected(worked.get(rep, nothing))})
    return pl.DataFrame(rows, schema=_SUMMARY)


def _expected(chances: Sequence[ArrayLike]) -> dict[str, float]:
    """Say how many replies, meetings and answers to expect of some contacts."""
    expected: dict[str, float] = {}
    for name, each in zip(_EXPECTED, chances, strict=True):
        one = expect(each)
        expected |= {name: one.mean, f"{name}_low": one.low, f"{name}_high": one.high}
    return expected
