"""The report of scores: every figure on the page is computed again here, in plain Python, from the rows."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest

import scoring
from scoring.report.proof import show_tier_results
from scoring.schema import NAMES

from .pages import Page

TIERS = "ABCD"
Row = dict[str, Any]


@pytest.fixture(scope="module")
def pair(exports: dict[datetime, pl.DataFrame]) -> tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]:
    (when, export), (later, after) = list(exports.items())[-2:]
    return when, scoring.score(export, as_of=when), later, after


@pytest.fixture(scope="module")
def page(pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]) -> Page:
    _, scored, later, after = pair
    return Page(scoring.report_scores(scored, later={later: after}))


@pytest.fixture(scope="module")
def rows(pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]) -> list[Row]:
    """The rows that count: scored, each key once."""
    seen: dict[tuple[object, object], Row] = {}
    for row in pair[1].iter_rows(named=True):
        if row["problem"] is None:
            seen.setdefault((row["source_email"], row["crm_id"] or row["email"]), row)
    return list(seen.values())


def number(text: str) -> float:
    """Read a figure as it stands on the page."""
    return float(text.replace(",", "").replace("×", ""))


def share(text: str) -> float:
    return number(text.rstrip("%")) / 100


def is_close(shown: str, value: float) -> bool:
    """Whether a figure is the value, rounded to the digits that are shown, half a unit either way."""
    digits = shown.rstrip("%×").partition(".")[2]
    scale = 100 if shown.endswith("%") else 1
    if shown == "99%" and 0.99 < value < 1:
        return True
    return abs(number(shown.rstrip("%")) - value * scale) <= 0.5 * 10 ** -len(digits) + 1e-9


def total(rows: list[Row], column: str) -> float:
    return math.fsum(row[column] for row in rows)


def test_headline(page: Page, rows: list[Row]) -> None:
    first = [row for row in rows if row["tier"] == "A"]
    assert number(page.figures["contacts"]) == len(rows)
    assert number(page.figures["tier-a"]) == len(first)
    assert is_close(page.figures["replies"], total(rows, "reply_probability"))
    assert is_close(page.figures["meetings"], total(rows, "meeting_probability"))
    summary = next(each.text for each in page.root.all("p") if each.attributes.get("class") == "summary")
    told = [word.strip(",.:") for word in summary.split() if "%" in word]
    assert is_close(told[0], len(first) / len(rows))
    assert is_close(told[1], total(first, "reply_probability") / total(rows, "reply_probability"))


def test_tiers(page: Page, rows: list[Row]) -> None:
    replies = total(rows, "reply_probability")
    shown = page.table("tiers-table")
    assert [row[0] for row in shown] == [f"Tier {tier}" for tier in TIERS]
    for tier, (_, contacts, part, expected, of_replies, meetings, span) in zip(TIERS, shown, strict=True):
        inside = [row for row in rows if row["tier"] == tier]
        assert number(contacts) == len(inside)
        assert is_close(part, len(inside) / len(rows))
        assert is_close(expected, total(inside, "reply_probability"))
        assert is_close(of_replies, total(inside, "reply_probability") / replies)
        assert is_close(meetings, total(inside, "meeting_probability"))
        if inside:
            low, high = span.split(" to ")
            assert is_close(low, min(row["priority"] for row in inside))
            assert is_close(high, max(row["priority"] for row in inside))
        else:
            assert span == "–"


def test_funnel(page: Page, rows: list[Row], pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]) -> None:
    when, scored, _, _ = pair
    touched = [row for row in rows if row["total_inbound"] + row["total_outbound"] + row["total_meetings"] > 0]
    engaged = [row for row in touched if row["total_inbound"] > 0 or row["total_meetings"] > 0]
    active = [
        row
        for row in engaged
        if (row["last_inbound_time"] and row["last_inbound_time"] >= when - timedelta(days=90))
        or row["total_inbound_30d"] > 0
        or row["total_meetings_30d"] > 0
    ]
    expected = [scored.height, len(rows), len(touched), len(engaged), len(active), total(rows, "priority")]
    shown = page.table("funnel-table")
    assert len(shown) == len(expected)
    for (_, count, part), value in zip(shown, expected, strict=True):
        assert is_close(count, value)
        assert is_close(part, value / scored.height)
    assert f"written or met before: {len(engaged):,} contacts" in page.section("funnel")
    assert f"gone silent since: {len(engaged) - len(active):,}." in page.section("funnel")


def test_reps(page: Page, rows: list[Row]) -> None:
    by_rep: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_rep[row["source_email"].lower()].append(row)
    shown = page.table("reps-table") + (page.table("more-reps-table") if page.has("more-reps-table") else [])
    listed = {row[0]: row[1:] for row in shown if "more reps" not in row[0]}
    assert set(listed) == set(by_rep)
    order = []
    for rep, (contacts, a, b, replies, meetings) in listed.items():
        inside = by_rep[rep]
        assert number(contacts) == len(inside)
        assert [number(a), number(b)] == [sum(row["tier"] == tier for row in inside) for tier in "AB"]
        assert is_close(replies, total(inside, "reply_probability"))
        assert is_close(meetings, total(inside, "meeting_probability"))
        order.append((-number(a), -total(inside, "reply_probability")))
    assert order == sorted(order)
    for row in shown:
        if "more reps" in row[0]:
            others = [each for rep in list(listed)[15:] for each in by_rep[rep]]
            assert number(row[1]) == len(others)
            assert is_close(row[4], total(others, "reply_probability"))


def test_accounts(page: Page, rows: list[Row]) -> None:
    by_account: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if account := (row["account_domain"] or "").lower() or row["account_crm_id"]:
            by_account[account].append(row)
    assert f"Of {len(by_account):,} accounts" in page.section("accounts")
    counted = page.table("threads-table")
    assert sum(number(row[1]) for row in counted) == len(by_account)
    for row in counted:
        assert is_close(row[2], number(row[1]) / len(by_account))
    frame = scoring.roll_up(pl.DataFrame(rows, infer_schema_length=None)).drop_nulls("account")
    threads = Counter(frame["threads"].cast(pl.String).to_list())
    assert sorted(number(row[1]) for row in counted if number(row[1])) == sorted(threads.values())
    shown = page.table("accounts-table")
    assert len(shown) == min(12, len(by_account))
    least = sorted((anyone(inside) for inside in by_account.values()), reverse=True)[len(shown) - 1]
    for name, chance, people, *_, way_in in shown:
        own_name, _, account = name.rpartition(" ")
        inside = by_account[account]
        assert own_name in {row["account_name"] for row in inside}
        assert anyone(inside) >= least - 1e-9
        low, _, high = chance.partition(" to ")
        assert is_close(low, max(row["priority"] for row in inside))
        assert is_close(high or low, anyone(inside))
        assert number(people) == len({row["email"] or row["crm_id"] for row in inside})
        first = max(inside, key=lambda row: row["priority"])
        assert way_in == f"{first['first_name']} {first['last_name']} {first['source_email']}"


def test_accounts_that_hang_on_nobody_are_not_lost(pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]) -> None:
    _, scored, _, _ = pair
    one = scored.with_columns(account_domain=pl.lit("one.example"))
    said = Page(scoring.report_scores(one)).section("accounts")
    assert "Of 1 account, 1 ever wrote or met, and none of those hangs on a single person" in said
    assert "the account is lost" not in said


def anyone(rows: list[Row]) -> float:
    return 1 - math.prod(1 - row["priority"] for row in rows)


def test_whom_to_start_with(page: Page, pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]) -> None:
    work = scoring.prioritise(pair[1], per_rep=20, per_account=3)
    listed = sorted(
        (row for row in work.rows.to_dicts() if row["part"] == "work"), key=lambda row: (-row["score"], row["rep"])
    )
    people, seen = [], set()
    for row in listed:
        who = row["email"] or row["crm_id"]
        if who not in seen:
            people.append(row)
            seen.add(who)
    items = next(each for each in page.root.all("ol") if each.attributes.get("id") == "start-people").all("li")
    assert len(items) == 10
    for item, row in zip(items, people, strict=False):
        chance = next(each.text for each in item.all("span") if each.attributes.get("class") == "chance")
        assert is_close(chance, row["priority"])
        assert f"tier {row['tier']}" in item.text
        assert row["name"] in item.text
        assert row["rep"] in item.text
        assert row["next_step"][1:] in item.text
        for reason in row["reasons"].split("; "):
            sentence, _, rate = reason.rpartition(" (")[0].removesuffix("]").partition(" [")
            told = f"{sentence} ({rate})" if rate else sentence
            assert told.replace(" %", "%") in item.text


def test_the_top_of_each_list(page: Page, pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]) -> None:
    work = scoring.prioritise(pair[1], per_rep=20, per_account=3)
    reps = sorted(
        (rep for rep in work.summary.to_dicts() if rep["listed"]), key=lambda rep: -(rep["replies"] + rep["meetings"])
    )
    for place, rep in enumerate(reps[:12], start=1):
        rows = [row for row in work.rows.to_dicts() if row["rep"] == rep["rep"] and row["part"] != "prepare"]
        shown = page.table(f"list-{place}")
        assert len(shown) == min(5, len(rows))
        for row, (who, chance, step) in zip(rows, shown, strict=False):
            assert who.startswith(row["name"])
            assert is_close(chance, row["priority"])
            assert step[1:] == row["next_step"][1:]
        told = f"{rep['rep']}: {rep['listed']} to work, {rep['replies']:.1f} replies expected"
        assert f"{told} ({rep['replies_low']} to {rep['replies_high']})" in page.section("start")
    assert not page.has("list-13")


def test_causes(page: Page, rows: list[Row]) -> None:
    counted: dict[str, Counter[str]] = {"up": Counter(), "down": Counter()}
    sentences = Counter()
    for row in rows:
        for reason in row["reasons"].split("; "):
            told, _, amount = reason.rpartition(" (")
            if sentence := told.partition(" [")[0]:
                counted["up" if amount.startswith("+") else "down"][sentence] += 1
                sentences[sentence] += 1
    shown = page.table("causes-table")
    assert len(shown) <= 8
    by_words = {"last touch": "last touch ", "balance of mails": "of the mails are theirs", "meetings": " so far"}
    for fact, up, down, example, most in shown:
        assert number(most) == {said.replace(" %", "%"): n for said, n in sentences.items()}[example]
        assert number(up) + number(down) >= number(most)
        if fact == "last touch":
            for kind, figure in (("up", up), ("down", down)):
                own = {
                    name: n for name, n in counted[kind].items() if by_words[fact] in name or name == "no touch at all"
                }
                assert number(figure) == sum(own.values())
    sizes = [number(row[1]) + number(row[2]) for row in shown]
    assert sizes == sorted(sizes, reverse=True)
    assert any(row[0] == "last touch" for row in shown)


def test_evidence(page: Page, rows: list[Row]) -> None:
    shown = page.table("evidence-table")
    for level, (words, contacts, part, mean, replies) in zip(("enough", "thin", "none"), shown, strict=True):
        inside = [row for row in rows if row["evidence"] == level]
        assert words.startswith(level)
        assert number(contacts) == len(inside)
        assert is_close(part, len(inside) / len(rows))
        assert is_close(replies, total(inside, "reply_probability"))
        if inside:
            assert is_close(mean, statistics.fmean(row["priority"] for row in inside))


def test_fields(page: Page, pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]) -> None:
    scored = pair[1]
    shown = page.table("fields-table")
    assert [row[0] for row in shown] == list(NAMES)
    for name, _, filled in shown:
        assert is_close(filled, sum(value is not None for value in scored[name].to_list()) / scored.height)


def replied(when: datetime, row: Row, after: dict[Any, Row]) -> bool | None:
    """What an export of exactly 30 days later proves."""
    later = after.get((row["source_email"], row["crm_id"] or row["email"]))
    if later is None:
        return None
    last = later["last_inbound_time"]
    return last is not None and last >= when


@pytest.fixture(scope="module")
def outcomes(pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame], rows: list[Row]) -> list[tuple[Row, bool]]:
    when, _, later, after = pair
    assert later - when == timedelta(days=30)
    known = {(row["source_email"], row["crm_id"] or row["email"]): row for row in after.iter_rows(named=True)}
    told = [(row, replied(when, row, known)) for row in rows]
    return [(row, outcome) for row, outcome in told if outcome is not None]


def test_what_came_by_tier(page: Page, outcomes: list[tuple[Row, bool]]) -> None:
    rate = statistics.fmean(outcome for _, outcome in outcomes)
    shown = {row[0][-1]: row for row in page.table("came-table") if row[1] == "replied"}
    assert set(shown) == set(TIERS)
    for tier, (_, _, contacts, expected, came, part, lift) in shown.items():
        inside = [(row, outcome) for row, outcome in outcomes if row["tier"] == tier]
        assert number(contacts) == len(inside)
        assert number(came) == sum(outcome for _, outcome in inside)
        assert is_close(expected, math.fsum(row["reply_probability"] for row, _ in inside))
        if inside:
            own = statistics.fmean(outcome for _, outcome in inside)
            assert is_close(part, own)
            assert is_close(lift, own / rate)
    assert number(page.figures["came"].partition("–")[0]) == sum(outcome for _, outcome in outcomes)
    assert number(page.figures["known"]) == len(outcomes)
    assert is_close(page.figures["promised"], math.fsum(row["reply_probability"] for row, _ in outcomes))


def test_bars_of_tiers_are_shares_of_a_bar_of_known_length(page: Page) -> None:
    (figure,) = [each for each in page.root.all("figure") if each.attributes.get("id") == "came-figure"]
    said = figure.text.partition("A full bar would be ")[2].partition(".")[0]
    full = share(said) if said else 1.0
    widths = [
        float(bar.attributes["width"].rstrip("%")) / 100 * full
        for bar in figure.all("rect")
        if bar.attributes["class"] in set("abcd")
    ]
    rates = [share(row[5]) for row in page.table("came-table") if row[1] == "replied"]
    assert widths == pytest.approx([rate for rate in rates if rate], abs=0.006)
    assert full - 0.1 <= max(widths) <= full


def test_the_verdict_comes_first(
    page: Page, pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame], outcomes: list[tuple[Row, bool]]
) -> None:
    _, scored, later, after = pair
    said = page.section("review").partition("Tier by tier")[0]
    by_tier = {tier: [outcome for row, outcome in outcomes if row["tier"] == tier] for tier in TIERS}
    rates = [statistics.fmean(by_tier[tier]) for tier in TIERS if by_tier[tier]]
    assert ("The order held:" in said) == (rates == sorted(rates, reverse=True))
    level = scoring.review_scores(scored, {later: after}).levels.row(
        by_predicate=pl.col("target") == "reply", named=True
    )
    assert min(level["observed"], level["rows"] - level["observed"]) >= 30
    off = "held," if level["low"] <= 0 <= level["high"] else "was too high," if level["gap"] > 0 else "was too low,"
    assert f"The level {off}" in said


def test_what_cannot_be_said_is_not_said(pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame]) -> None:
    when, scored, later, after = pair

    def said(rows: pl.DataFrame, export: pl.DataFrame, date: datetime) -> str:
        return Page(scoring.report_scores(rows, later={date: export})).section("review")

    one = said(scored.filter(pl.col("tier") == "A").head(5), after, later)
    assert "Nothing can be said of the order: there is but one tier." in one
    assert "Too few of one kind are known to judge the level." in one
    silent = pl.lit(None, pl.Datetime("us", "UTC"))
    never = after.with_columns(
        *(silent.alias(f"{end}_inbound_time") for end in ("first", "last")),
        *(pl.lit(0).alias(f"total_inbound{recent}") for recent in ("", "_30d")),
    )
    assert "it is not proved of anybody that they replied" in said(scored, never, later)
    assert "The outcome of many is still open" in said(scored, after, later + timedelta(days=60))
    soon = when + timedelta(days=10)
    early = after.with_columns(pl.col("last_inbound_time").clip(upper_bound=soon - timedelta(hours=1)))
    assert "cannot be said before the 30 days are over" in said(scored, early, soon)


def test_what_a_and_b_hold(page: Page, outcomes: list[tuple[Row, bool]]) -> None:
    came = [row["tier"] for row, outcome in outcomes if outcome]
    held = sum(tier in "AB" for tier in came) / len(came)
    part = sum(row["tier"] in "AB" for row, _ in outcomes) / len(outcomes)
    words = page.section("review").partition("What A and B hold. They are ")[2].split()
    assert is_close(words[0], part)
    assert is_close(words[6], held)
    assert ("A good list holds 60%: reached" in page.section("review")) == (held >= 0.6)


@pytest.mark.parametrize(
    ("first", "last", "said", "reached"),
    [
        (0.5, 0.04, "Contacts in tier A replied 12× as often as those in D.", True),
        (0.5, 0.1, "Contacts in tier A replied 5.0× as often as those in D.", False),
        (0.5, 0.0, "Of tier A 50% replied, and nobody of D.", True),
        (0.0, 0.1, "Contacts in tier A replied 0.0× as often as those in D.", False),
    ],
)
def test_a_is_held_against_d(first: float, last: float, said: str, reached: bool) -> None:
    rows = [
        {"target": "reply", "tier": tier, "rows": 100, "expected": 9.0, "observed": int(100 * rate), "rate": rate}
        for tier, rate in (("A", first), ("B", 0.2), ("D", last))
    ]
    tiers = pl.DataFrame([{**row, "lift": 1.0} for row in rows])
    text = Page(show_tier_results(tiers, "reply")).root.text
    verdict = "reached." if reached else "not reached."
    assert f"{said} A list that tells them apart well reaches 10×: {verdict}" in text


def test_the_top_of_what_was_scored(page: Page, outcomes: list[tuple[Row, bool]]) -> None:
    ordered = sorted(outcomes, key=lambda pair: -pair[0]["reply_probability"])
    came = sum(outcome for _, outcome in ordered)
    for worked, rate, _, lift, captured, each in page.table("top-reply"):
        rows = share(worked.removeprefix("First ")) * len(ordered)
        found = sum(outcome for _, outcome in ordered[: int(rows)])
        found += (rows - int(rows)) * ordered[int(rows)][1]
        assert is_close(rate, found / rows)
        assert is_close(lift, found / rows / (came / len(ordered)))
        assert is_close(captured, found / came)
        assert is_close(each, rows / found)


def test_chances_against_what_came(page: Page, outcomes: list[tuple[Row, bool]]) -> None:
    shown = page.table("reliability-table")
    assert sum(number(row[1]) for row in shown) == len(outcomes)
    ordered = sorted(outcomes, key=lambda pair: pair[0]["reply_probability"])
    start = 0
    for span, contacts, expected, came in shown:
        inside = ordered[start : start + int(number(contacts))]
        start += len(inside)
        low, high = span.split(" to ")
        assert is_close(low, inside[0][0]["reply_probability"])
        assert is_close(high, inside[-1][0]["reply_probability"])
        assert is_close(expected, statistics.fmean(row["reply_probability"] for row, _ in inside))
        assert is_close(came, statistics.fmean(outcome for _, outcome in inside))


def test_reps_are_held_against_what_is_usual(
    page: Page, pair: tuple[datetime, pl.DataFrame, datetime, pl.DataFrame], outcomes: list[tuple[Row, bool]]
) -> None:
    _, scored, later, after = pair
    review = scoring.review_scores(scored, {later: after})
    known = {row["rep"]: row for row in review.reps.filter(target="reply").to_dicts() if row["usual"] >= 3}
    shown = [row for kind in ("out", "usual") if page.has(name := f"rep-results-{kind}") for row in page.table(name)]
    assert {row[0] for row in shown} == set(known)
    for rep, contacts, came, usual, span, verdict in shown:
        inside = [outcome for row, outcome in outcomes if row["source_email"].lower() == rep]
        assert (number(contacts), number(came)) == (len(inside), sum(inside))
        assert is_close(usual, known[rep]["usual"])
        assert (span, verdict) == (f"{known[rep]['low']} to {known[rep]['high']}", known[rep]["verdict"])


def test_rows_of_every_kind_are_told(messy_csv: Any, suppressed: str) -> None:
    scored = scoring.score(messy_csv, as_of="2019-01-01")
    page = Page(scoring.report_scores(scored, suppress=[suppressed]))
    rows = [row for row in scored.to_dicts() if (row["email"] or "").lower() != suppressed]
    problems = Counter(row["problem"].partition(":")[0] for row in rows if row["problem"])
    assert {row[1]: number(row[2]) for row in page.table("problems-table")} == problems
    flags = Counter(flag for row in rows if row["flags"] for flag in row["flags"].split(";"))
    assert {row[1]: number(row[2]) for row in page.table("flags-table")} == flags
    said = page.section("quality")
    assert f"{sum(problems.values())} rows could not be scored" in said
    assert "2 rows were left out as asked" in said
    assert "1 row is there more than once" in said
    assert number(page.figures["contacts"]) == len(rows) - sum(problems.values()) - 1
