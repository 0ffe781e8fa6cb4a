"""Sections about people: whom to start with, reps, accounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import polars as pl

from scoring.accounts import ACTIVE_DAYS, roll_up
from scoring.report.causes import Reason, split_reasons
from scoring.report.charts import draw_stack
from scoring.report.markup import Cell, Section, fold, foreign, many, number, paragraph, part, picture, safe, table
from scoring.report.subject import Subject
from scoring.worklists import Worklist, prioritise

__all__ = ["show_accounts", "show_reps", "show_start"]

_FIRST: Final = 10  # contacts over all reps
_EACH: Final = 5  # contacts of each rep
_LISTS: Final = 12  # reps whose list is shown
_REPS: Final = 15
_MOST: Final = 200  # a page holds no more reps than that
_ACCOUNTS: Final = 12
_RISKS: Final = 8
_PER_REP, _PER_ACCOUNT = 20, 3


def show_start(subject: Subject) -> Section:
    """Show the contacts to start with: the best of all lists, then the top of each rep's.

    Parameters
    ----------
    subject : Subject
        What the report is about.

    Returns
    -------
    Section
    """
    work = prioritise(subject.scored, per_rep=_PER_REP, per_account=_PER_ACCOUNT, suppress=subject.suppress)
    person = pl.coalesce(pl.col("email").str.strip_chars().str.to_lowercase(), "crm_id")
    best = (
        work.rows.filter(pl.col("part").cast(pl.String) == "work")
        .sort("score", "rep", "rank", descending=[True, False, False], nulls_last=True)
        .unique(person, keep="first", maintain_order=True)
        .head(_FIRST)
    )
    lead = paragraph(
        "Over all reps, the best chances of a reply or a meeting among those whom nothing speaks against writing to "
        "this week.",
        "In brackets stands how many replied or met of all of whom the same could be said, in what the model learned "
        "from."
        if best["reasons"].str.contains("[", literal=True).any()
        else "",
        "The step is what the row's own history suggests. Work them from the top; whoever has a meeting planned or "
        "was written to in the last three days is not here.",
    )
    people = "".join(_person(row) for row in best.iter_rows(named=True))
    listed = f'<ol class="people" id="start-people">{people}</ol>' if people else paragraph("Nobody is to be worked.")
    return Section("start", "Whom to start with", lead, listed + _lists(work))


def _person(row: Mapping[str, Any]) -> Cell:
    by = f"of {foreign(row['rep'], 'no rep')}"
    reasons = split_reasons(row["reasons"])
    why = [
        f"<b>{word}:</b> {'; '.join(map(_reason, told))}."
        for word, told in (
            ("For", [reason for reason in reasons if reason.log_odds > 0]),
            ("Against", [reason for reason in reasons if reason.log_odds < 0]),
        )
        if told
    ]
    said = " ".join(why) or safe(row["reasons"])
    return (
        f'<li><div><span class="chance">{part(row["priority"])}</span><span class="tier">tier '
        f"{safe(row['tier'])}</span>"
        f'</div><div><p><span class="who">{_name(row)}</span>{_post(row)} <span class="soft">{by}</span></p>'
        f'<p>{_capital(row["next_step"])}.</p><p class="small soft">{said}</p></div></li>'
    )


def _reason(reason: Reason) -> Cell:
    """Write a reason with its rate behind it, percentages as on the rest of the page."""
    rate = f" ({reason.rate})" if reason.rate else ""
    return safe(f"{reason.sentence}{rate}".replace(" %", "%"))


def _name(row: Mapping[str, Any]) -> Cell:
    return foreign(row["name"] or row["email"] or row["crm_id"])


def _post(row: Mapping[str, Any]) -> Cell:
    known = [row["job_title"], row["account_name"] or row["account"]]
    return "".join(f", {foreign(each)}" for each in known if each)


def _capital(text: str) -> Cell:
    return safe(text[:1].upper() + text[1:])


def _lists(work: Worklist) -> Cell:
    """Show the top of the lists from which most replies and meetings are to be expected."""
    listed = work.summary.filter(pl.col("listed") > 0)
    if listed.is_empty():
        return ""
    shown = listed.sort(pl.col("replies") + pl.col("meetings"), "rep", descending=[True, False], nulls_last=True)
    folds = [_list(place, rep, work) for place, rep in enumerate(shown.head(_LISTS).iter_rows(named=True), start=1)]
    more = listed.height - len(folds)
    beside = (
        f" {number(more)} more reps have lists; <code>scoring worklist</code> writes all of them." if more > 0 else ""
    )
    return (
        "<h3>The top of each list</h3>"
        + paragraph(
            f"Up to {_PER_REP} contacts a rep and {_PER_ACCOUNT} an account; here the first {_EACH} of each, for the "
            f"reps who can expect most.{beside}"
        )
        + "".join(folds)
    )


def _list(place: int, rep: Mapping[str, Any], work: Worklist) -> Cell:
    rows = work.rows.filter(pl.col("rep").eq_missing(rep["rep"]), pl.col("part").cast(pl.String) != "prepare")
    cells = [
        (f"{_name(row)}{_post(row)}", part(row["priority"]), _capital(row["next_step"]))
        for row in rows.head(_EACH).iter_rows(named=True)
    ]
    replies = f"{number(rep['replies'], 1)} replies expected ({rep['replies_low']} to {rep['replies_high']})"
    who = foreign(rep["rep"], "No rep")
    caption = f"{rep['rep'] or 'No rep'}: the first {len(cells)} of {many(rep['listed'], 'contact')}"
    shown = table(f"list-{place}", caption, ["Contact", "Chance", "Next step"], cells, text=[2])
    return f"<details><summary>{who}: {number(rep['listed'])} to work, {replies}</summary>{shown}</details>"


def show_reps(subject: Subject) -> Section:
    """Show each rep's contacts, and what is to be expected of them.

    Parameters
    ----------
    subject : Subject
        What the report is about.

    Returns
    -------
    Section
    """
    best = pl.col("tier").cast(pl.String)
    reps = subject.rows.group_by("rep", maintain_order=True).agg(
        contacts=pl.len().cast(pl.Int64),
        a=(best == "A").sum().cast(pl.Int64),
        b=(best == "B").sum().cast(pl.Int64),
        replies=pl.col("reply_probability").sum(),
        meetings=pl.col("meeting_probability").sum(),
    )
    reps = reps.sort("a", "replies", "rep", descending=[True, True, False], nulls_last=True)
    shown = [(foreign(row["rep"], "No rep"), *_of_rep(row)) for row in reps.head(_MOST).iter_rows(named=True)]
    more, rest = shown[_REPS:], reps.slice(_REPS)
    first = shown[:_REPS]
    if rest.height:
        sums = rest.select(pl.exclude("rep").sum()).row(0, named=True)
        first.append((f"<b>{number(rest.height)} more reps together</b>", *_of_rep(sums)))
    half = _half(reps["a"])
    lead = paragraph(
        f"{many(reps.drop_nulls('rep').height, 'rep')} share the contacts, and their chances are not equal.",
        f"Half of tier A lies with {number(half)} of them." if half else "",
        "A rep with many contacts and few in tier A needs new relations, not more reminders; one with more in tier A "
        "than can be worked in a month should hand some over.",
    )
    heads = ["Rep", "Contacts", "Tier A", "Tier B", "Replies expected", "Meetings expected"]
    caption = "One row a rep, most contacts in tier A first; expected in 30 days"
    body = table("reps-table", caption, heads, first)
    if more:
        others = table("more-reps-table", f"The next {len(more)}", heads, more)
        body += fold(f"The next {len(more)} reps", others, "numbers")
    return Section("reps", "Reps", lead, body)


def _of_rep(row: Mapping[str, Any]) -> tuple[Cell, ...]:
    counts = (number(row[name]) for name in ("contacts", "a", "b"))
    return (*counts, *(number(row[name], 1) for name in ("replies", "meetings")))


def _half(counts: pl.Series) -> int:
    """Say how many of the largest make up half of the sum."""
    total, running = counts.sum(), 0
    for place, count in enumerate(counts.sort(descending=True).to_list(), start=1):
        running += count
        if total and 2 * running >= total:
            return place
    return 0


_THREADS: Final = {
    "several": ("several people on both sides", "a"),
    "one rep": ("one rep of ours", "b"),
    "one contact": ("one contact of theirs", "down"),
    "one contact and rep": ("one contact and one rep", "down"),
    "silent": (f"nobody in the last {ACTIVE_DAYS} days", "c"),
    "none": ("nobody so far", "d"),
}
_GROUPS: Final = {
    "a": "several active people on both sides",
    "b": "one active rep",
    "down": "one active contact",
    "c": f"silent for {ACTIVE_DAYS} days",
    "d": "nobody has ever written or met",
}
_HANG: Final = ("one contact and rep", "one contact", "one rep")


def show_accounts(subject: Subject) -> Section | None:
    """Show the accounts with the best chances, and those that hang on one person.

    Parameters
    ----------
    subject : Subject
        What the report is about.

    Returns
    -------
    Section or None
        None if no row has an account.
    """
    known = roll_up(subject.scored, suppress=subject.suppress).drop_nulls("account")
    known = known.with_columns(pl.col("threads").cast(pl.String))
    if known.is_empty():
        return None
    counts = dict(known["threads"].value_counts().iter_rows())
    engaged = known.height - counts.get("none", 0)
    hang = known.filter(pl.col("threads").is_in(_HANG))
    lead = paragraph(
        f"Of {many(known.height, 'account')}, {number(engaged)} ever wrote or met, and {_hanging(hang.height)} on a "
        "single person, theirs or ours.",
        "If that person leaves, the account is lost: bring in a second one while things go well."
        if hang.height
        else "",
    )
    return Section("accounts", "Accounts", lead, _threads(counts, known.height) + _best(known) + _risks(hang))


def _hanging(accounts: int) -> str:
    return f"{number(accounts) if accounts else 'none'} of those {'hang' if accounts > 1 else 'hangs'}"


def _threads(counts: Mapping[str, int], total: int) -> Cell:
    by_kind = {kind: sum(counts.get(name, 0) for name, (_, of) in _THREADS.items() if of == kind) for kind in _GROUPS}
    told = ", ".join(f"{what} {number(by_kind[kind])}" for kind, what in _GROUPS.items())
    title = "On whom accounts hang"
    drawn = draw_stack("threads", title, told, [(by_kind[kind] / total, kind) for kind in _GROUPS])
    cells = [
        (words, number(counts.get(name, 0)), part(counts.get(name, 0) / total)) for name, (words, _) in _THREADS.items()
    ]
    legend = {kind: f"{safe(what)}: <b>{number(by_kind[kind])}</b>" for kind, what in _GROUPS.items() if by_kind[kind]}
    caption = safe("Accounts by the people who keep them alive; the contacts and reps of an account count as people.")
    return picture(
        "threads-figure",
        drawn,
        caption,
        table("threads-table", title, ["Active are", "Accounts", "Share"], cells),
        legend,
    )


def _account(row: Mapping[str, Any]) -> Cell:
    """Name an account; there can be others of the same name, so what tells it apart stands beside it."""
    own = foreign(row["account"])
    return f'{foreign(row["account_name"])} <span class="under">{own}</span>' if row["account_name"] else own


def _best(known: pl.DataFrame) -> Cell:
    cells = [
        (
            _account(row),
            _between(row["anyone_engages_at_least"], row["anyone_engages"]),
            number(row["contacts"]),
            number(row["engaged_contacts"]),
            number(row["active_contacts"]),
            f'{foreign(row["best_contact"])} <span class="under">{foreign(row["best_rep"], "no rep")}</span>',
        )
        for row in known.head(_ACCOUNTS).iter_rows(named=True)
    ]
    heads = ["Account", "Chance", "People", "Engaged", "Active", "Best way in, and by whom"]
    caption = (
        "The accounts with the best chance that anyone replies or meets in 30 days: at least that of the best "
        "contact, at most that of all contacts if they were independent"
    )
    return "<h3>The best chances</h3>" + table("accounts-table", caption, heads, cells, text=[5])


def _between(least: float, most: float) -> str:
    low, high = part(least), part(most)
    return low if low == high else f"{low} to {high}"


def _risks(hang: pl.DataFrame) -> Cell:
    if hang.is_empty():
        return ""
    cells = [
        (
            _account(row),
            _THREADS[row["threads"]][0],
            _between(row["anyone_engages_at_least"], row["anyone_engages"]),
            number(row["contacts"]),
            number(row["reps"]),
        )
        for row in hang.head(_RISKS).iter_rows(named=True)
    ]
    heads = ["Account", "Hangs on", "Chance", "People known", "Reps"]
    caption = f"The first {len(cells)} of {many(hang.height, 'account')} hanging on one person, by their chance"
    return "<h3>Hanging by one thread</h3>" + table("risks-table", caption, heads, cells, text=[1])
