"""Which rows can be scored, which contradict themselves, and which are left out on request.

Every rule has a name. A row that breaks a *reject* rule is not scored and carries the rule as its problem; a row that
breaks a *flag* rule contradicts itself, and is scored and marked; a *note* is only counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import polars as pl

from scoring.dating import WINDOW
from scoring.errors import InputError
from scoring.reading import Export
from scoring.schema import FIELDS, NAMES

__all__ = ["RULES", "Checked", "Rule", "validate"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What a row must hold to.

    Attributes
    ----------
    name : str
        As it stands in `problem` and `flags`.
    kind : {"reject", "flag", "note"}
        What follows for a row that breaks it.
    meaning : str
        What breaks it.
    """

    name: str
    kind: Literal["reject", "flag", "note"]
    meaning: str


@dataclass(frozen=True)
class Checked:
    """What validation found, row by row.

    Attributes
    ----------
    problem : polars.Series
        Text: null, or the rule for which the row is not scored, with the column where there is one
        (``unreadable_time: last_inbound_time``).
    flags : polars.Series
        Text: null, or the names of the contradictions, joined by ``;``. Such a row is scored.
    suppressed : polars.Series
        Whether the row is left out on request. It has no problem and no flags then.
    repeat : polars.Series
        Whether an equal row of the same key stands above it. Such a row is scored, and counts once in totals.
    counts : polars.DataFrame
        ``rule``, ``kind`` and ``rows`` that broke it: all rules, also those that no row broke.
    """

    problem: pl.Series
    flags: pl.Series
    suppressed: pl.Series
    repeat: pl.Series
    counts: pl.DataFrame

    @property
    def accepted(self) -> pl.Series:
        """Whether each row is scored: no problem, and not suppressed."""
        return (self.problem.is_null() & ~self.suppressed).alias("accepted")


_COUNTS = tuple(field.name for field in FIELDS if field.kind == "count")
_PAIRS = tuple((f"{name}_30d", name) for name in _COUNTS if f"{name}_30d" in NAMES)
_USED = tuple(field.name for field in FIELDS if field.role in ("key", "profile", "activity", "upcoming"))
_CHANNELS = ("inbound", "outbound", "engaged")
_PAST = tuple(f"{end}_{channel}_time" for end in ("first", "last") for channel in _CHANNELS)
_SINCE = datetime(1990, 1, 1, tzinfo=UTC)
_AS_OF = pl.col("as_of")
_TOLERANCE = pl.duration(days=1)


def _any(*conditions: pl.Expr) -> pl.Expr:
    """Hold where one of the conditions does; what is unknown does not."""
    return pl.any_horizontal(*conditions).fill_null(False)


def _untimed(channel: str) -> pl.Expr:
    """Hold where mails are counted in a direction that has no time."""
    times = (pl.col(f"{end}_{channel}_time") for end in ("first", "last"))
    return (pl.col(f"total_{channel}") > 0) & pl.all_horizontal(time.is_null() for time in times)


def _uncounted(channel: str) -> pl.Expr:
    """Hold where a direction has a time and its count is 0."""
    times = (pl.col(f"{end}_{channel}_time") for end in ("first", "last"))
    return (pl.col(f"total_{channel}") == 0) & pl.any_horizontal(time.is_not_null() for time in times)


def _disagrees(channel: str) -> pl.Expr:
    """Hold where the 30-day count and the last time are more than a day apart on which side of the window they are."""
    recent, last = pl.col(f"total_{channel}_30d"), pl.col(f"last_{channel}_time")
    start = _AS_OF - pl.duration(days=WINDOW.days)
    return ((recent > 0) & (last < start - _TOLERANCE)) | (
        (recent == 0) & (last > start + _TOLERANCE) & (last <= _AS_OF)
    )


# Each flag: its meaning, the fields without which it cannot be judged, and what breaks it.
_FLAGS: dict[str, tuple[str, tuple[tuple[str, ...], ...], tuple[pl.Expr, ...]]] = {
    "recent_above_total": (
        "a count of the last 30 days is above that of all time",
        _PAIRS,
        tuple(pl.col(recent) > pl.col(total) for recent, total in _PAIRS),
    ),
    "last_before_first": (
        "a last time is before the first time of the same kind",
        tuple((f"last_{channel}_time", f"first_{channel}_time") for channel in _CHANNELS),
        tuple(pl.col(f"last_{channel}_time") < pl.col(f"first_{channel}_time") for channel in _CHANNELS),
    ),
    "time_after_as_of": (
        "a time of past activity is after the date of the export",
        tuple((name,) for name in _PAST),
        tuple(pl.col(name) > _AS_OF for name in _PAST),
    ),
    "time_before_1990": (
        "a time is before 1990, as zeros and mistyped years are",
        tuple((name,) for name in _PAST),
        tuple(pl.col(name) < _SINCE for name in _PAST),
    ),
    "count_without_time": (
        "mails are counted, and neither their first nor their last time is there",
        tuple((f"total_{channel}", f"first_{channel}_time", f"last_{channel}_time") for channel in _CHANNELS[:2]),
        tuple(_untimed(channel) for channel in _CHANNELS[:2]),
    ),
    "time_without_count": (
        "no mail is counted, and its first or last time is there",
        tuple((f"total_{channel}", f"first_{channel}_time", f"last_{channel}_time") for channel in _CHANNELS[:2]),
        tuple(_uncounted(channel) for channel in _CHANNELS[:2]),
    ),
    "recent_against_last": (
        "a count of the last 30 days and the last time disagree by more than a day",
        tuple((f"total_{channel}_30d", f"last_{channel}_time") for channel in _CHANNELS[:2]),
        tuple(_disagrees(channel) for channel in _CHANNELS[:2]),
    ),
    "mails_not_the_sum": (
        "the mails in both directions are not those of the one and of the other",
        (("total_emails", "total_inbound", "total_outbound"),),
        (pl.col("total_emails") != pl.col("total_inbound") + pl.col("total_outbound"),),
    ),
    "upcoming_in_the_past": (
        "the next meeting is before the date of the export",
        (("first_upcoming_meeting_time",),),
        (pl.col("first_upcoming_meeting_time") < _AS_OF,),
    ),
    "upcoming_without_flag": (
        "the next meeting has a time, and upcoming_meeting says there is none",
        (("first_upcoming_meeting_time", "upcoming_meeting"),),
        (pl.col("first_upcoming_meeting_time").is_not_null() & pl.col("upcoming_meeting").not_(),),
    ),
}
_NOTES: dict[str, tuple[str, pl.Expr]] = {
    "reply_without_inbound": (
        "received_reply is true, and no inbound mail is counted",
        pl.col("received_reply") & (pl.col("total_inbound") == 0),
    ),
    "inbound_without_reply": (
        "received_reply is false, and inbound mails are counted",
        pl.col("received_reply").not_() & (pl.col("total_inbound") > 0),
    ),
}

RULES: tuple[Rule, ...] = (
    Rule("unreadable_line", "reject", "the line is no record: broken off, damaged, or with too few or too many cells"),
    Rule("unreadable_number", "reject", "a count is no whole number"),
    Rule("unreadable_time", "reject", "a time is not of the form 2026-03-01T09:30:00Z or another form of ISO 8601"),
    Rule("unreadable_flag", "reject", "a flag is neither true nor false"),
    Rule("negative_count", "reject", "a count is below 0"),
    Rule("no_key", "reject", "neither crm_id nor email is there, so nobody knows who it is"),
    Rule("unequal_duplicate", "reject", "another row of the same rep and contact differs and was engaged later"),
    *(Rule(name, "flag", meaning) for name, (meaning, _, _) in _FLAGS.items()),
    *(Rule(name, "note", meaning) for name, (meaning, _) in _NOTES.items()),
    Rule("unreadable_unused", "note", "a cell that no score needs cannot be read"),
    Rule(
        "equal_duplicate",
        "note",
        "an equal row of the same rep and contact stands above; both are scored, totals count one",
    ),
    Rule("suppressed", "note", "left out on request"),
)
"""All rules, in the order in which a row's problem is looked for."""

_NEGATIVE = tuple((pl.col(name) < 0).any().alias(name) for name in _COUNTS)
_JUDGED = tuple(
    (name, needs, condition)
    for name, (_, all_needs, all_conditions) in _FLAGS.items()
    for needs, condition in zip(all_needs, all_conditions, strict=True)
)


def validate(export: Export, as_of: datetime, suppress: Sequence[str] = ()) -> Checked:
    """Hold every row against the rules.

    Parameters
    ----------
    export : Export
        What was read.
    as_of : datetime
        The date of the export, with a zone.
    suppress : sequence of str
        Contacts who must not be scored: mail addresses (``name@acme.com``) and domains (``acme.com`` or
        ``@acme.com``, which also cover ``mail.acme.com``), in any case. A domain is held against that of the
        contact's address and against `account_domain`; one without an ending (``acme``) only against an
        `account_domain` that is the same. Rows that share the `crm_id` of a row so found are left out with it: it is
        the same person.

    Returns
    -------
    Checked
        Rows of the export = rows accepted + rows with a problem + rows suppressed.

    Raises
    ------
    InputError
        If an entry of `suppress` is neither an address nor a domain.

    Notes
    -----
    Rows are duplicates if they share `source_email` and `crm_id`, or `source_email` and `email` where `crm_id` is
    missing; a missing `source_email` is a rep of its own. Equal ones (in all 40 fields) are all accepted. Of unequal
    ones that with the newest activity is; where this is the same, the one that comes last when rows are ordered by
    all their fields: never the one that happens to stand first.

    Examples
    --------
    >>> from scoring.reading import read
    >>> export = read({"email": "a@b.example", "total_inbound": 3, "total_inbound_30d": 4})
    >>> validate(export, datetime(2026, 3, 1, tzinfo=UTC)).flags.item()
    'recent_above_total'
    """
    table = export.table
    suppressed = _suppressed(table, suppress)
    problem = _unreadable(export)
    problem = _first(problem, _negative(table))
    no_key = table.select(pl.col("crm_id").is_null() & pl.col("email").is_null()).to_series()
    if no_key.any():
        problem = _first(problem, _text(no_key, "no_key"))
    problem = problem.set(suppressed, None) if suppressed.any() else problem
    unequal, repeat = _duplicates(table, problem.is_null() & ~suppressed)
    if unequal.any():
        problem = _first(problem, _text(unequal, "unequal_duplicate"))
    flags, flagged = _flags(export, as_of, problem.is_null() & ~suppressed)
    counts = _counts(export, problem, flagged, repeat, suppressed)
    return Checked(problem.alias("problem"), flags.alias("flags"), suppressed, repeat, counts)


def _text(hit: pl.Series, name: str) -> pl.Series:
    """Write a rule's name where it is broken."""
    return pl.select(pl.when(hit).then(pl.lit(name))).to_series()


def _first(one: pl.Series, other: pl.Series) -> pl.Series:
    """Take the other where the one is null."""
    return one.zip_with(one.is_not_null(), other)


def _unreadable(export: Export) -> pl.Series:
    """Write the first unreadable cell of each row that a score needs."""
    problem = pl.Series("problem", [None], dtype=pl.String).extend_constant(None, max(export.table.height - 1, 0))
    problem = problem.head(export.table.height)
    if not export.faults.height:
        return problem
    unused = [name for name in export.source.columns if export.renamed.get(name, name) not in _USED]
    cells = export.faults.filter(pl.col("column").is_null() | ~pl.col("column").is_in(unused)).unique(
        "row", keep="first", maintain_order=True
    )
    said = cells.select(
        pl.when(pl.col("column").is_null()).then("rule").otherwise(pl.format("{}: {}", "rule", "column"))
    ).to_series()
    return problem.scatter(cells["row"], said)


def _negative(table: pl.DataFrame) -> pl.Series:
    """Write the first count of each row that is below 0."""
    some = [name for name, hit in table.select(_NEGATIVE).row(0, named=True).items() if hit]
    if not some:
        return (
            pl.Series([None], dtype=pl.String)
            if table.height == 1
            else pl.repeat(None, table.height, dtype=pl.String, eager=True)
        )
    said = pl.coalesce(pl.when(pl.col(name) < 0).then(pl.lit(f"negative_count: {name}")) for name in some)
    return table.select(said).to_series()


def _suppressed(table: pl.DataFrame, suppress: Sequence[str]) -> pl.Series:
    """Find the rows that are left out on request."""
    entries = [suppress] if isinstance(suppress, str) else list(suppress)
    addresses, domains = _entries(entries)
    none = pl.repeat(False, table.height, dtype=pl.Boolean, eager=True).alias("suppressed")
    if not addresses and not domains:
        return none
    keys = table.select(
        email=pl.col("email").str.to_lowercase(),
        host=pl.col("email").str.to_lowercase().str.extract(r"@([^@\s]+)$"),
        account=pl.col("account_domain").str.to_lowercase().str.strip_prefix("@"),
        crm_id="crm_id",
    )
    hosts = _covered(keys["host"], {name for name in domains if "." in name})
    accounts = _covered(keys["account"], domains)
    hit = (
        keys.select(
            pl.col("email").is_in(list(addresses))
            | pl.col("host").is_in(hosts)
            | pl.col("account").is_in(accounts).fill_null(False)
        )
        .to_series()
        .fill_null(False)
    )
    people = keys["crm_id"].filter(hit).drop_nulls().unique()
    if people.len():
        hit = hit | keys["crm_id"].is_in(people.implode()).fill_null(False)
    return hit.alias("suppressed")


def _entries(suppress: Sequence[str]) -> tuple[set[str], set[str]]:
    """Sort what is to be left out into addresses and domains."""
    addresses: set[str] = set()
    domains: set[str] = set()
    for entry in suppress:
        if not isinstance(entry, str):
            raise InputError(f"suppress holds a {type(entry).__name__}", expected="mail addresses and domains as text")
        name = entry.strip().lower()
        bare = name.removeprefix("*.").removeprefix("@").removeprefix(".")
        if not name:
            continue
        if not bare or any(sign.isspace() or sign in ",;/<>" for sign in bare):
            raise InputError(
                "an entry of suppress is neither an address nor a domain",
                expected='one of each entry, as "name@acme.com" or "acme.com"',
                hint="put several into a list",
            )
        (addresses if "@" in bare else domains).add(bare)
    return addresses, domains


def _covered(found: pl.Series, domains: set[str]) -> list[str]:
    """List the domains found that are one of those given, or below one."""
    covered = []
    for name in found.unique().drop_nulls().to_list():
        parts = name.split(".")
        if any(".".join(parts[start:]) in domains for start in range(len(parts))):
            covered.append(name)
    return covered


def _duplicates(table: pl.DataFrame, taking_part: pl.Series) -> tuple[pl.Series, pl.Series]:
    """Find the rows that lose against another of their key, and those that are equal to one above."""
    none = pl.repeat(False, table.height, dtype=pl.Boolean, eager=True)
    if table.height < 2:
        return none, none.alias("repeat")
    who = pl.coalesce("#" + pl.col("crm_id"), "@" + pl.col("email").str.to_lowercase())
    keys = table.select(key=pl.struct(rep=pl.col("source_email").str.to_lowercase(), who=who).hash())
    if keys.filter(taking_part)["key"].n_unique() == int(taking_part.sum()):
        return none, none.alias("repeat")
    rows = (
        table.select(
            row=pl.int_range(pl.len(), dtype=pl.UInt32), rep=pl.col("source_email").str.to_lowercase(), who=who
        )
        .hstack(table)
        .filter(taking_part)
    )
    rows = rows.filter(pl.struct("rep", "who").is_duplicated())
    latest = pl.max_horizontal("last_engaged_time", "last_inbound_time", "last_outbound_time")
    rows = rows.with_columns(latest=latest).sort(
        "rep",
        "who",
        "latest",
        *NAMES,
        "row",
        descending=[False, False, True, *[True] * len(NAMES), False],
        nulls_last=True,
    )
    same = pl.all_horizontal(pl.col(name).eq_missing(pl.col(name).first().over("rep", "who")) for name in NAMES)
    rows = rows.select("row", "rep", "who", same=same)
    rows = rows.select("row", "same", again=pl.col("same") & (pl.int_range(pl.len()).over("rep", "who") > 0))
    unequal = none.clone().scatter(rows.filter(~pl.col("same"))["row"], True)
    return unequal, none.clone().scatter(rows.filter("again")["row"], True).alias("repeat")


def _flags(export: Export, as_of: datetime, accepted: pl.Series) -> tuple[pl.Series, dict[str, int]]:
    """Write the contradictions of each accepted row, and count each of them."""
    missing = frozenset(export.missing)
    conditions: dict[str, list[pl.Expr]] = {}
    for name, needs, condition in _JUDGED:
        if missing.isdisjoint(needs):
            conditions.setdefault(name, []).append(condition)
    table = export.table.with_columns(as_of=pl.lit(as_of, dtype=pl.Datetime("us", "UTC")), accepted=accepted)
    hits = table.select((_any(*all_) & pl.col("accepted")).alias(name) for name, all_ in conditions.items())
    counts = hits.sum().row(0, named=True) if hits.width else {}
    broken = [name for name, rows in counts.items() if rows]
    if not broken:
        return pl.repeat(None, export.table.height, dtype=pl.String, eager=True), counts
    said = pl.concat_str((pl.when(name).then(pl.lit(name)) for name in broken), separator=";", ignore_nulls=True)
    return hits.select(pl.when(pl.any_horizontal(broken)).then(said)).to_series(), counts


def _counts(
    export: Export, problem: pl.Series, flagged: dict[str, int], repeat: pl.Series, suppressed: pl.Series
) -> pl.DataFrame:
    """Count the rows that broke each rule."""
    rows = dict(flagged)
    if problem.null_count() < len(problem):
        named = problem.drop_nulls().str.split(":").list.first().value_counts()
        rows |= dict(named.iter_rows())
    notes = export.table.filter(problem.is_null() & ~suppressed).select(
        condition.sum().alias(name) for name, (_, condition) in _NOTES.items()
    )
    rows |= notes.row(0, named=True)
    used = pl.col("column").replace_strict(export.renamed, default=pl.col("column")).is_in(_USED)
    rows["unreadable_unused"] = export.faults.filter(~used)["row"].n_unique() if export.faults.height else 0
    rows["equal_duplicate"], rows["suppressed"] = int(repeat.sum()), int(suppressed.sum())
    return pl.DataFrame(
        [(rule.name, rule.kind, rows.get(rule.name, 0)) for rule in RULES],
        schema={"rule": pl.String, "kind": pl.String, "rows": pl.UInt32},
        orient="row",
    )
