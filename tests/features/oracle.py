"""Every feature, fact and total once more, in plain Python: one small function each, written from its definition.

Nothing here knows of frames. A row is a dict; asking it for what it does not hold raises `Unknown`, and a number that
needs something unknown is None. A new feature or fact needs a function here, or `test_features` fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from scoring.features.vocabulary import department_group, seniority_rank

Cells = dict[str, Any]
Totals = dict[str, dict[str | None, Cells]]
Number = float | None

DAY = timedelta(days=1)
LEVELS = ("rep", "account", "contact", "org")


class Unknown(Exception):  # noqa: N818
    """The row does not say."""


class Row:
    """One contact on one date, with the totals that belong to it."""

    def __init__(self, cells: Cells, as_of: datetime, totals: Totals | None = None) -> None:
        self.cells = cells
        self.as_of = as_of
        self.totals = totals

    def has(self, name: str) -> bool:
        return self.cells[name] is not None

    def get(self, name: str) -> Any:
        if self.cells[name] is None:
            raise Unknown(name)
        return self.cells[name]

    def total(self, level: str, name: str) -> Any:
        key = key_of(self.cells, level)
        if self.totals is None or (level != "org" and key is None) or key not in self.totals[level]:
            raise Unknown(level)
        found = self.totals[level][key][name]
        if found is None:
            raise Unknown(name)
        return found

    def days(self, earlier: str, later: str) -> float:
        return whole_days(self.get(later) - self.get(earlier))

    def ago(self, name: str) -> float:
        return self.since(self.get(name))

    def since(self, time: datetime) -> float:
        return max(0.0, whole_days(self.as_of - time))

    def others(self, level: str, name: str, own: float) -> float:
        return max(0.0, self.total(level, name) - own)


def whole_days(length: timedelta) -> float:
    """Days, of whole seconds."""
    return math.copysign(abs(length) // timedelta(seconds=1), length / DAY) / 86_400


# --- totals ---------------------------------------------------------------------------------------------------------


def key_of(cells: Cells, level: str) -> str | None:
    if level == "org":
        return None
    if level == "account":
        key = cells["account_domain"] if cells["account_domain"] is not None else cells["account_crm_id"]
    else:
        key = cells["source_email" if level == "rep" else "email"]
    return None if key is None else key.strip().lower()


def above(one: int | None, other: int | None) -> bool:
    return one is not None and other is not None and one > other


def tenure_seconds(cells: Cells, as_of: datetime) -> int:
    if cells["first_engaged_time"] is None:
        return 0
    return max(timedelta(0), as_of - cells["first_engaged_time"]) // timedelta(seconds=1)


def added(rows: list[Cells], as_of: datetime) -> Cells:
    """Totals of rows of one key."""

    def summed(name: str) -> int:
        return sum(row[name] for row in rows if row[name] is not None)

    def times(name: str) -> list[datetime]:
        return [row[name] for row in rows if row[name] is not None]

    starts = times("first_engaged_time")
    active = [row for row in rows if above(row["total_inbound_30d"], 0)]
    return {
        "rows": len(rows),
        "inbound": summed("total_inbound"),
        "outbound": summed("total_outbound"),
        "meetings": summed("total_meetings"),
        "inbound_30d": summed("total_inbound_30d"),
        "outbound_30d": summed("total_outbound_30d"),
        "meetings_30d": summed("total_meetings_30d"),
        "rows_active": len(active),
        "rows_returned": sum(above(row["total_inbound"], row["total_inbound_30d"]) for row in active),
        "rows_written": sum(above(row["total_outbound"], 0) for row in rows),
        "rows_both": sum(above(row["total_outbound"], 0) and above(row["total_inbound"], 0) for row in rows),
        "tenure_seconds": sum(tenure_seconds(row, as_of) for row in rows),
        "first_engaged_time": min(starts, default=None),
        "newest_time": max(starts, default=None),
        "last_inbound_time": max(times("last_inbound_time"), default=None),
    }


def add_up(rows: Iterable[Cells], as_of: datetime) -> Totals:
    """Totals of an export: by level, by key."""
    grouped: dict[str, dict[str | None, list[Cells]]] = {level: {} for level in LEVELS}
    grouped["org"][None] = []
    for row in rows:
        for level in LEVELS:
            key = key_of(row, level)
            if level == "org" or key is not None:
                grouped[level].setdefault(key, []).append(row)
    return {level: {key: added(some, as_of) for key, some in keys.items()} for level, keys in grouped.items()}


# --- what features share --------------------------------------------------------------------------------------------


def inbound_span(row: Row) -> float:
    return max(0.0, row.days("first_inbound_time", "last_inbound_time"))


def engaged_span(row: Row) -> float:
    return max(0.0, row.days("first_engaged_time", "last_engaged_time"))


def emails(row: Row) -> int:
    return row.get("total_inbound") + row.get("total_outbound")


def expected_weeks(touches: int, span: float) -> float:
    """Weeks hit by at least one of so many touches that fall evenly at random: each is missed with (1 - 1/w) ** n."""
    if touches <= 1:
        return float(touches)
    weeks = 1 + span / 7
    return weeks * (1 - (1 - 1 / weeks) ** touches)


def bgnbd_alive(x: float, span: Callable[[], float], age: float, alpha: float = 30.0) -> float:
    """Equation 8 of Fader, Hardie and Lee with r = 0.5, a = 0.5, b = 2; silence is at least 0."""
    r, a, b = 0.5, 0.5, 2.0
    if x == 0:
        return 1.0
    ratio = max(1.0, (alpha + age) / (alpha + span()))
    try:
        return 1 / (1 + a / (b + x - 1) * ratio ** (r + x))
    except OverflowError:
        return 0.0


def bgnbd(x: float, span: Callable[[], float], age: float, alpha: float = 30.0) -> float:
    """Alive, and not silent for 30 days more."""
    silent = ((alpha + age) / (alpha + age + 30)) ** (0.5 + x)
    return bgnbd_alive(x, span, age, alpha) * (1 - silent)


def repeats(touches: float) -> float:
    return max(0.0, touches - 1)


def inbound_rhythm(row: Row, alpha: float = 30.0) -> float:
    span = inbound_span(row)
    weeks = expected_weeks(row.get("total_inbound"), span)
    return bgnbd(repeats(weeks), lambda: span, row.ago("first_inbound_time"), alpha)


def own_tenure(row: Row) -> float:
    return row.ago("first_engaged_time") if row.has("first_engaged_time") else 0.0


def meeting_rhythm(row: Row, a_day: float) -> float:
    """Gamma-Poisson with shape 0.3: 30 days count fully, what lies before them a fifth."""
    recent, total = row.get("total_meetings_30d"), row.get("total_meetings")
    met = recent + max(0, total - recent) / 5
    days = 0.3 / a_day + 30 + max(0.0, own_tenure(row) - 30) / 5
    return 1 - (days / (days + 30)) ** (0.3 + met)


def others_pace(row: Row, level: str, kind: str, own: int, expected: float) -> float:
    days = max(0.0, row.total(level, "tenure_seconds") / 86_400 - own_tenure(row))
    return (row.others(level, kind, own) + 300 * expected) / (days + 300)


def inbound_from_others(row: Row, level: str) -> float:
    return inbound_rhythm(row, 0.5 / others_pace(row, level, "inbound", row.get("total_inbound"), 0.02))


def meetings_from_others(row: Row, level: str) -> float:
    return meeting_rhythm(row, others_pace(row, level, "meetings", row.get("total_meetings"), 0.002))


def active(row: Row) -> int:
    return int(row.get("total_inbound_30d") > 0)


# --- features, by name ----------------------------------------------------------------------------------------------

Calculation = Callable[[Row], float]
FEATURES: dict[str, Calculation] = {}
FACTS: dict[str, Calculation] = {}


def feature(calculation: Calculation) -> Calculation:
    FEATURES[calculation.__name__] = calculation
    return calculation


def fact(name: str) -> Callable[[Calculation], Calculation]:
    def keep(calculation: Calculation) -> Calculation:
        FACTS[name] = calculation
        return calculation

    return keep


def value(calculation: Calculation, row: Row) -> Number:
    """Calculate, None where something needed is unknown."""
    try:
        return float(calculation(row))
    except Unknown:
        return None


@feature
def recent_inbound_by_silence(row: Row) -> float:
    return (row.get("total_inbound_30d") + 0.5) / (row.ago("last_inbound_time") + 3)


@feature
def inbound_by_silence(row: Row) -> float:
    return (row.get("total_inbound") + 0.5) / (row.ago("last_inbound_time") + 7)


@feature
@fact("last mail to the contact")
def days_since_outbound(row: Row) -> float:
    return row.ago("last_outbound_time")


@feature
@fact("last touch")
def days_since_engaged(row: Row) -> float:
    return row.ago("last_engaged_time")


@feature
def engaged_silence_share(row: Row) -> float:
    return row.ago("last_engaged_time") / (row.ago("first_engaged_time") + 7)


@feature
def emails_by_silence(row: Row) -> float:
    return (emails(row) + 0.5) / (row.ago("last_engaged_time") + 7)


@feature
@fact("next meeting")
def days_to_meeting(row: Row) -> float:
    if row.get("first_upcoming_meeting_time") < row.as_of:
        raise Unknown
    return whole_days(row.get("first_upcoming_meeting_time") - row.as_of)


@feature
def inbound_weeks(row: Row) -> float:
    return expected_weeks(row.get("total_inbound"), inbound_span(row))


@feature
def inbound_share_30d(row: Row) -> float:
    return (row.get("total_inbound_30d") + 0.5) / (row.get("total_inbound") + 1)


@feature
def inbound_momentum(row: Row) -> float:
    usual = row.get("total_inbound") * 30 / (row.ago("first_engaged_time") + 30)
    return (row.get("total_inbound_30d") + 0.5) / (usual + 0.5)


@feature
def meetings_by_silence(row: Row) -> float:
    return (row.get("total_meetings") + 0.2) / (row.ago("last_engaged_time") + 14)


@feature
def meeting_chance_by_silence(row: Row) -> float:
    return meeting_rhythm(row, 0.005) / (row.ago("last_engaged_time") + 14)


@feature
@fact("meetings in 30 days")
def total_meetings_30d(row: Row) -> float:
    return row.get("total_meetings_30d")


@feature
@fact("time spent for each touch")
def minutes_a_touch(row: Row) -> float:
    touches = emails(row) + row.get("total_meetings")
    if touches == 0:
        raise Unknown
    return row.get("total_time_spent") / 60 / touches


@feature
def inbound_by_outbound(row: Row) -> float:
    return (row.get("total_inbound") + 1) / (row.get("total_outbound") + 1)


@feature
def in_flight(row: Row) -> float:
    return (row.get("total_inbound") + 0.5) / (emails(row) + 1) / (row.ago("last_outbound_time") + 3)


@feature
def unanswered_days(row: Row) -> float:
    heard = row.ago("last_inbound_time") if row.has("last_inbound_time") else row.ago("first_engaged_time") + 30
    return max(0.0, heard - row.ago("last_outbound_time"))


@feature
def last_gap_by_mean(row: Row) -> float:
    mean_gap = inbound_span(row) / max(1, row.get("total_inbound"))
    return row.days("last_outbound_time", "last_inbound_time") / (mean_gap + 3)


@feature
def start_lag_days(row: Row) -> float:
    return row.days("first_inbound_time", "first_outbound_time")


@feature
def days_since_first_outbound(row: Row) -> float:
    return row.ago("first_outbound_time")


@feature
def inbound_chance(row: Row) -> float:
    return bgnbd(repeats(row.get("total_inbound")), lambda: inbound_span(row), row.ago("first_inbound_time"))


@feature
@fact("rhythm of the contact's mails")
def inbound_weeks_chance(row: Row) -> float:
    return inbound_rhythm(row)


@feature
def inbound_alive(row: Row) -> float:
    return bgnbd_alive(repeats(row.get("total_inbound")), lambda: inbound_span(row), row.ago("first_inbound_time"))


@feature
def inbound_overdue(row: Row) -> float:
    return row.ago("last_inbound_time") / (inbound_span(row) / max(1, row.get("total_inbound")) + 1)


@feature
def emails_chance(row: Row) -> float:
    return bgnbd(repeats(emails(row)), lambda: engaged_span(row), row.ago("first_engaged_time"))


@feature
@fact("rhythm of the exchange")
def emails_weeks_chance(row: Row) -> float:
    span = engaged_span(row)
    return bgnbd(repeats(expected_weeks(emails(row), span)), lambda: span, row.ago("first_engaged_time"))


@feature
def emails_overdue(row: Row) -> float:
    weeks = max(1.0, expected_weeks(emails(row), engaged_span(row)))
    return row.ago("last_engaged_time") / ((engaged_span(row) + 7) / weeks)


@feature
@fact("time over which the contact wrote")
def inbound_span_days(row: Row) -> float:
    return inbound_span(row)


@feature
@fact("seniority")
def seniority(row: Row) -> float:
    return ranked(seniority_rank(row.get("seniority")))


@feature
@fact("department")
def department(row: Row) -> float:
    return ranked(department_group(row.get("department")))


FEATURES["seniority_rank"], FEATURES["department_group"] = FEATURES.pop("seniority"), FEATURES.pop("department")


def ranked(rank: Number) -> float:
    if rank is None:
        raise Unknown
    return rank


@feature
@fact("first seen in copy")
def from_cc(row: Row) -> float:
    return 1.0 if row.get("from_cc") else 0.0


@feature
def rep_rows(row: Row) -> float:
    return row.total("rep", "rows")


@feature
def rep_outbound(row: Row) -> float:
    return row.total("rep", "outbound")


@feature
@fact("load of the rep")
def rep_inbound_30d(row: Row) -> float:
    return row.total("rep", "inbound_30d")


@feature
def rep_outbound_30d(row: Row) -> float:
    return row.total("rep", "outbound_30d")


@feature
def rep_days_since_inbound(row: Row) -> float:
    return row.since(row.total("rep", "last_inbound_time"))


@feature
def rep_inbound_30d_share(row: Row) -> float:
    return (row.total("rep", "inbound_30d") + 0.5) / (row.total("rep", "inbound") + 2)


@feature
def rep_inbound_30d_by_outbound(row: Row) -> float:
    return (row.total("rep", "inbound_30d") + 1) / (row.total("rep", "outbound") + 5)


@feature
@fact("the rep's newest contact")
def rep_newest_days(row: Row) -> float:
    return row.since(row.total("rep", "newest_time"))


@feature
def rep_inbound_chance(row: Row) -> float:
    return inbound_from_others(row, "rep")


@feature
def rep_meeting_chance(row: Row) -> float:
    return meetings_from_others(row, "rep") * emails_weeks_chance(row)


@feature
def contact_inbound_chance(row: Row) -> float:
    return inbound_from_others(row, "contact")


@feature
def contact_active_share(row: Row) -> float:
    others = (row.others("contact", "rows_active", active(row)) + 0.3) / (row.others("contact", "rows", 1) + 1.5)
    return (active(row) + 2 * others) / 3


@feature
def contact_returned_share(row: Row) -> float:
    returned = active(row) and row.get("total_inbound") > row.get("total_inbound_30d")
    return (row.others("contact", "rows_returned", returned) + 0.2) / row.total("contact", "rows")


@feature
def contact_outbound_30d_share(row: Row) -> float:
    return (row.total("contact", "outbound_30d") + 0.5) / (row.total("contact", "outbound") + 2)


@feature
def contact_pace(row: Row) -> float:
    known = row.since(row.total("contact", "first_engaged_time"))
    usual = row.others("contact", "inbound", row.get("total_inbound")) * 30 / (known + 30)
    momentum = (row.others("contact", "inbound_30d", row.get("total_inbound_30d")) + 0.5) / (usual + 0.5)
    return momentum * (row.get("total_inbound") + 0.1) / (row.ago("first_engaged_time") + 30)


@feature
def contact_missed(row: Row) -> float:
    known = row.since(row.total("contact", "first_engaged_time"))
    return row.ago("last_inbound_time") * row.total("contact", "inbound") / (known + 30)


@feature
def contact_silence_by_rows(row: Row) -> float:
    return row.since(row.total("contact", "last_inbound_time")) * math.sqrt(row.total("contact", "rows"))


@feature
def contact_relative_silence(row: Row) -> float:
    return (row.ago("last_inbound_time") + 5) / (row.since(row.total("contact", "last_inbound_time")) + 5)


@feature
def contact_answer_share(row: Row) -> float:
    written = row.get("total_outbound")
    # where nothing was written, nothing was answered, whatever came in
    answered = min(row.get("total_inbound"), written) if written else 0
    others = (row.others("contact", "rows_both", int(answered > 0)) + 0.5) / (
        row.others("contact", "rows_written", int(written > 0)) + 1.5
    )
    return (answered + 1.5 * others) / (written + 1.5)


@feature
def contact_meeting_chance(row: Row) -> float:
    return meetings_from_others(row, "contact")


@feature
def account_active_share(row: Row) -> float:
    return (row.others("account", "rows_active", active(row)) + 0.6) / (row.others("account", "rows", 1) + 3)


@feature
def account_others_active(row: Row) -> float:
    return min(10.0, row.others("account", "rows_active", active(row)))


@feature
def account_others_meetings_30d(row: Row) -> float:
    return min(10.0, row.others("account", "meetings_30d", row.get("total_meetings_30d")))


# --- facts that are no feature --------------------------------------------------------------------------------------


@fact("last mail from the contact")
def last_inbound(row: Row) -> float:
    return row.ago("last_inbound_time")


@fact("mails from the contact")
def inbound(row: Row) -> float:
    return row.get("total_inbound")


@fact("mails from the contact in 30 days")
def recent_inbound(row: Row) -> float:
    return row.get("total_inbound_30d")


@fact("meetings")
def meetings(row: Row) -> float:
    return row.get("total_meetings")


@fact("balance of mails")
def balance(row: Row) -> float:
    if emails(row) == 0:
        raise Unknown
    return row.get("total_inbound") / emails(row)


@fact("who spoke last")
def last_word(row: Row) -> float:
    return row.days("last_inbound_time", "last_outbound_time")


@fact("length of the relation")
def relation(row: Row) -> float:
    return row.ago("first_engaged_time")


@fact("what the contact writes to all reps")
def to_all_reps(row: Row) -> float:
    return row.total("contact", "inbound_30d")


@fact("reps whom the contact answers")
def answers(row: Row) -> float:
    if row.total("contact", "rows_written") == 0:
        raise Unknown
    return row.total("contact", "rows_both") / row.total("contact", "rows_written")


@fact("others at the account")
def others_at_account(row: Row) -> float:
    rows = row.total("account", "rows")
    if rows < 2:
        raise Unknown
    return row.others("account", "rows_active", active(row)) / (rows - 1)
