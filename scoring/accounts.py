"""Accounts: scored contacts rolled up, one row for each company, with the chance that anyone there replies.

A chance for anyone needs more than the chances of each: contacts of one account are not independent, they have the same
busy weeks. So there are two figures, and the truth lies between them. Whatever binds the contacts, the chance for
anyone is at least that of the best row. As if rows were independent it is more: on simulated organisations, whose
accounts have busy and quiet times, that was 1 point too high for replies in the mean and at most 2.3 in accounts of any
size, where the best row alone was up to 15 too low. Where people are bound more, it is farther off: on real
organisations, each contact with all of its reps taken as an account, 3 to 9 points in mail, 41 among students who left
(`benchmarks/accounts.py`, `guide/accounts.md`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import polars as pl

from scoring.context import level_key
from scoring.features.vocabulary import department_group, ranked, seniority_rank
from scoring.scored import Scored, read_scored
from scoring.validation import find_suppressed

__all__ = ["ACTIVE_DAYS", "DEPARTMENT", "SENIORITY", "THREADS", "roll_up"]

ACTIVE_DAYS: Final = 90
"""A contact counts as active if the last mail from them is no older, or if they met in the last 30 days."""

THREADS: Final = ("none", "silent", "one contact and rep", "one contact", "one rep", "several")
"""On how many people an account hangs, the most pressing first."""

_CHANCES: Final = {
    "anyone_engages": "priority",
    "anyone_replies": "reply_probability",
    "anyone_meets": "meeting_probability",
}
SENIORITY: Final = ("entry_level", "professional", "manager", "director", "vice_president", "top")
DEPARTMENT: Final = ("support", "finance", "technical", "commercial", "management")
"""By which engaged contacts are counted, in the order of the ranks that the words of the export are given."""
_TOUCHES: Final = ("last_engaged_time", "last_inbound_time", "last_outbound_time")
_BEST: Final = ("contact", "email", "crm_id", "rep", "priority", "tier", "reasons")
_KEY: Final = ("account", "rep", "who")


def roll_up(scored: Any, *, suppress: Sequence[str] = ()) -> pl.DataFrame:
    """Roll scored contacts up to their accounts.

    Parameters
    ----------
    scored : frame, records or path
        What `scoring.score` gave, or a file of it. Rows with a `problem` are left out, equal rows count once.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    polars.DataFrame
        One row for each account: by `anyone_engages`, the highest first, then by `best_priority`, then by name. The
        last row, if its `account` is null, counts the rows that have no account; it has no chances, `threads` or best.

        =========================== ===========================================================================
        `account`                   `account_domain` or else `account_crm_id`, in lower case
        `account_name`              the name that most of its rows have
        `rows`                      contacts of reps
        `contacts`, `reps`          people on either side; a contact of two reps is one (by address, or `crm_id`)
        `engaged_contacts`          of the contacts, those who ever wrote or met
        `active_contacts`           of those, who wrote in the last 90 days or met in the last 30
        `active_reps`               reps with whom they did
        `anyone_engages`            chance that anyone replies or meets in the 30 days from `as_of`, as if rows were
                                    independent: rather too high
        `anyone_replies`            the same for a reply
        `anyone_meets`              the same for a meeting
        `..._at_least`              for each of them the best row's chance: a bound that needs no independence
        `threads`                   ``none`` (nobody ever engaged), ``silent`` (nobody is active), ``one contact and
                                    rep``, ``one contact``, ``one rep`` or ``several`` active ones
        `best_...`                  the row of highest priority, the best way in: `contact` (name, or else address, or
                                    `crm_id`), `email`, `crm_id`, `rep`, `priority`, `tier`, `reasons`
        `last_touch`                last activity of any kind, in UTC
        `engaged_entry_level` to    engaged contacts by seniority: entry level, professional, manager, director, vice
        `engaged_top`               president, top; `engaged_seniority_unknown`
        `engaged_support` to        engaged contacts by department: support, finance and operations, technical,
        `engaged_management`        commercial, management; `engaged_department_unknown`
        `as_of`                     date of the scores, in UTC
        =========================== ===========================================================================

    Raises
    ------
    InputError
        If the input cannot be read or was not scored.

    Notes
    -----
    With chances ``p`` of an account's rows, the chance that anyone does it is ``1 - prod(1 - p)`` if they are
    independent, less if they do it together, and at least ``max(p)`` whatever binds them. Rows of one contact under two
    reps are multiplied like any others: of 13,942 such contacts of simulated organisations 41.4 % were so expected to
    reply and 41.2 % did; by the highest of their chances it would be 34.8 %.

    Examples
    --------
    >>> import scoring
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=300))
    >>> when = organisation.dates()[0]
    >>> accounts = roll_up(scoring.score(organisation.export(when), as_of=when))
    >>> (accounts["anyone_replies"] >= accounts["anyone_replies_at_least"]).all()
    True
    """
    found = read_scored(scored)
    rows = _rows(found, suppress)
    people = _people(rows)
    parts = [_names(rows), _sums(rows), _heads(rows, people), _ways_in(rows)]
    accounts = parts[0]
    for part in parts[1:]:
        accounts = accounts.join(part, on="account", how="left", nulls_equal=True)
    return _finish(accounts, found.as_of)


def _rows(scored: Scored, suppress: Sequence[str]) -> pl.DataFrame:
    """Keep each key once, in an order of its own, so that no product depends on the order of rows."""
    table, scores = scored.table, scored.scores
    wanted = scored.usable & ~find_suppressed(table, suppress)
    names = pl.concat_str("first_name", "last_name", separator=" ", ignore_nulls=True).str.strip_chars()
    with_keys = table.select(
        level_key("account").alias("account"),
        scored.keys["rep"],
        scored.keys["who"],
        _email_of_contact(),
        "account_name",
        *(pl.col(name).fill_null(0) for name in ("total_inbound", "total_meetings")),
        active=_active(scored.as_of),
        last_touch=pl.max_horizontal(_TOUCHES),
        seniority=ranked("seniority", seniority_rank),
        department=ranked("department", department_group),
        best_contact=pl.coalesce(pl.when(names != "").then(names), "email", "crm_id"),
        best_email="email",
        best_crm_id="crm_id",
        best_rep="source_email",
    )
    rows = pl.concat([with_keys, scores.select(*_CHANCES.values(), "tier", "reasons")], how="horizontal")
    return rows.filter(wanted).sort(_KEY, nulls_last=True).unique(_KEY, keep="first", maintain_order=True)


def _email_of_contact() -> pl.Expr:
    """Name the person: rows of one address or of one `crm_id` are one."""
    email = pl.col("email").str.strip_chars().str.to_lowercase()
    shared = pl.when(pl.col("crm_id").is_not_null()).then(email.min().over("crm_id"))
    return pl.coalesce("@" + shared, "@" + email, "#" + pl.col("crm_id")).alias("person")


def _active(as_of: datetime) -> pl.Expr:
    wrote = pl.col("last_inbound_time") >= as_of - timedelta(days=ACTIVE_DAYS)
    return pl.any_horizontal(
        *(expression.fill_null(False) for expression in (wrote, pl.col("total_inbound_30d") > 0)),
        (pl.col("total_meetings_30d") > 0).fill_null(False),
    )


def _people(rows: pl.DataFrame) -> pl.DataFrame:
    """Sum up each contact over its reps."""
    return rows.group_by("account", "person", maintain_order=True).agg(
        engaged=((pl.col("total_inbound") > 0) | (pl.col("total_meetings") > 0) | pl.col("active")).any(),
        active=pl.col("active").any(),
        seniority=pl.col("seniority").max(),
        department=pl.col("department").max(),
    )


def _names(rows: pl.DataFrame) -> pl.DataFrame:
    """Name each account as most of its rows do."""
    named = rows.group_by("account", "account_name").len()
    ordered = named.sort(
        "account", pl.col("account_name").is_null(), "len", "account_name", descending=[False, False, True, False]
    )
    return ordered.unique("account", keep="first", maintain_order=True).select("account", "account_name")


def _sums(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("account", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("rows"),
        pl.col("rep").drop_nulls().n_unique().cast(pl.Int64).alias("reps"),
        pl.col("rep").filter("active").drop_nulls().n_unique().cast(pl.Int64).alias("active_reps"),
        *(_anyone(pl.col(chance)).alias(name) for name, chance in _CHANCES.items()),
        *(pl.col(chance).max().alias(f"{name}_at_least") for name, chance in _CHANCES.items()),
        pl.col("last_touch").max(),
    )


def _anyone(chance: pl.Expr) -> pl.Expr:
    """Combine chances as if they were independent; rounding must not put the result below the bound."""
    return pl.max_horizontal(1 - (1 - chance).product(), chance.max())


def _heads(rows: pl.DataFrame, people: pl.DataFrame) -> pl.DataFrame:
    """Count the people of each account."""
    engaged = pl.col("engaged")
    groups = {**_counts("seniority", SENIORITY), **_counts("department", DEPARTMENT)}
    return people.group_by("account", maintain_order=True).agg(
        pl.len().cast(pl.Int64).alias("contacts"),
        *(
            each.sum().cast(pl.Int64).alias(name)
            for name, each in {
                "engaged_contacts": engaged,
                "active_contacts": engaged & pl.col("active"),
                **{name: engaged & inside for name, inside in groups.items()},
            }.items()
        ),
    )


def _counts(column: str, names: Sequence[str]) -> Mapping[str, pl.Expr]:
    """Say of each group who is in it."""
    inside = {f"engaged_{name}": (pl.col(column) == rank).fill_null(False) for rank, name in enumerate(names, start=1)}
    return {**inside, f"engaged_{column}_unknown": pl.col(column).is_null()}


def _ways_in(rows: pl.DataFrame) -> pl.DataFrame:
    """Take the row of highest priority of each account."""
    best = rows.sort("account", "priority", "rep", "who", descending=[False, True, False, False], nulls_last=True)
    renamed = {name: f"best_{name}" for name in ("priority", "tier", "reasons")}
    return (
        best.unique("account", keep="first", maintain_order=True)
        .rename(renamed)
        .select("account", *(f"best_{name}" for name in _BEST))
    )


def _finish(accounts: pl.DataFrame, as_of: datetime) -> pl.DataFrame:
    """Order accounts and columns; rows without an account are no account, and have no chance of their own."""
    contacts, reps = pl.col("active_contacts"), pl.col("active_reps")
    threads = (
        pl.when(pl.col("engaged_contacts") == 0).then(pl.lit("none"))
        .when(contacts == 0).then(pl.lit("silent"))
        .when((contacts == 1) & (reps == 1)).then(pl.lit("one contact and rep"))
        .when(contacts == 1).then(pl.lit("one contact"))
        .when(reps == 1).then(pl.lit("one rep"))
        .otherwise(pl.lit("several"))
    )  # fmt: skip
    both = [name for each in _CHANCES for name in (each, f"{each}_at_least")]
    of_account = ["account_name", *both, "threads", *(f"best_{name}" for name in _BEST)]
    groups = [name for column in ("seniority", "department") for name in _counts(column, _groups(column))]
    return (
        accounts.with_columns(threads=threads.cast(pl.Enum(THREADS)), as_of=pl.lit(as_of, pl.Datetime("us", "UTC")))
        .with_columns(pl.when(pl.col("account").is_not_null()).then(pl.col(of_account)))
        .sort("anyone_engages", "best_priority", "account", descending=[True, True, False], nulls_last=True)
        .select(
            "account", "account_name", "rows", "contacts", "reps", "engaged_contacts", "active_contacts", "active_reps",
            *of_account[1:], "last_touch", *groups, "as_of",
        )
    )  # fmt: skip


def _groups(column: str) -> Sequence[str]:
    return SENIORITY if column == "seniority" else DEPARTMENT
