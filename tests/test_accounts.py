"""Accounts: every figure again in plain Python, people counted once, and no row lost."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.accounts import ACTIVE_DAYS, THREADS, roll_up
from scoring.errors import InputError
from scoring.features.vocabulary import department_group, seniority_rank
from scoring.metrics import surprise
from scoring.simulation import Organisation, Settings, draw_organisation

pytestmark = pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning")  # rows made by hand lack most fields

Row = dict[str, Any]
CHANCES = {
    "anyone_engages": "priority",
    "anyone_replies": "reply_probability",
    "anyone_meets": "meeting_probability",
}
SENIORITY = ["entry_level", "professional", "manager", "director", "vice_president", "top", "seniority_unknown"]
DEPARTMENT = ["support", "finance", "technical", "commercial", "management", "department_unknown"]
WHEN = datetime.fromisoformat("2026-01-05T00:00:00+00:00")


@pytest.fixture(scope="module")
def rows(scored: pl.DataFrame) -> pl.DataFrame:
    """The scored contacts, every ninth of them without an account."""
    gone = pl.int_range(pl.len()) % 9 == 0
    keys = [pl.when(~gone).then(pl.col(name)).alias(name) for name in ("account_domain", "account_crm_id")]
    return scored.with_columns(keys)


@pytest.fixture(scope="module")
def accounts(rows: pl.DataFrame) -> pl.DataFrame:
    return roll_up(rows)


def account_of(row: Row) -> str | None:
    key = row["account_domain"] if row["account_domain"] is not None else row["account_crm_id"]
    return None if key is None else key.strip().lower()


def grouped(scored: pl.DataFrame) -> dict[str | None, list[Row]]:
    groups = defaultdict(list)
    for row in scored.filter(pl.col("problem").is_null()).unique(maintain_order=True).iter_rows(named=True):
        groups[account_of(row)].append(row)
    return groups


def is_active(row: Row, as_of: datetime) -> bool:
    wrote = row["last_inbound_time"] is not None and as_of - row["last_inbound_time"] <= timedelta(days=ACTIVE_DAYS)
    return wrote or (row["total_inbound_30d"] or 0) > 0 or (row["total_meetings_30d"] or 0) > 0


def people_of(rows: list[Row], every: list[Row]) -> dict[str, list[Row]]:
    """Put the rows of one person together: of one address, or of one `crm_id`."""
    address: dict[str, str] = {}
    for row in every:
        if row["crm_id"] and row["email"]:
            address[row["crm_id"]] = min(row["email"].lower(), address.get(row["crm_id"], "~"))
    people = defaultdict(list)
    for row in rows:
        people[address.get(row["crm_id"] or "") or (row["email"] or "").lower() or row["crm_id"]].append(row)
    return people


def threads(active: int, reps: int, engaged: int) -> str:
    if not engaged:
        return "none"
    if not active:
        return "silent"
    if active == 1:
        return "one contact and rep" if reps == 1 else "one contact"
    return "one rep" if reps == 1 else "several"


def test_every_figure_again_in_plain_python(rows: pl.DataFrame, accounts: pl.DataFrame, when: datetime) -> None:
    groups = grouped(rows)
    every = list(rows.iter_rows(named=True))
    assert set(accounts["account"]) == set(groups)
    for row in accounts.iter_rows(named=True):
        own = groups[row["account"]]
        people = people_of(own, every)
        engaged = {
            name: some
            for name, some in people.items()
            if any((r["total_inbound"] or 0) > 0 or (r["total_meetings"] or 0) > 0 or is_active(r, when) for r in some)
        }
        active = [name for name, some in people.items() if any(is_active(r, when) for r in some)]
        reps = {r["source_email"].lower() for r in own if r["source_email"] and is_active(r, when)}
        assert row["rows"] == len(own)
        assert row["contacts"] == len(people)
        assert row["reps"] == len({r["source_email"].lower() for r in own if r["source_email"]})
        assert (row["engaged_contacts"], row["active_contacts"]) == (len(engaged), len(active))
        assert row["active_reps"] == len(reps)
        touches = [r[name] for r in own for name in ("last_engaged_time", "last_inbound_time", "last_outbound_time")]
        assert row["last_touch"] == max((touch for touch in touches if touch), default=None)
        assert row["as_of"] == when
        for names, column, rank_of in (
            (SENIORITY, "seniority", seniority_rank),
            (DEPARTMENT, "department", department_group),
        ):
            found = Counter()
            for some in engaged.values():
                ranks = [rank for r in some if r[column] and (rank := rank_of(r[column]))]
                found[names[int(max(ranks)) - 1] if ranks else names[-1]] += 1
            assert [row[f"engaged_{name}"] for name in names] == [found[name] for name in names]
        if row["account"] is None:
            continue
        names = Counter(r["account_name"] for r in own if r["account_name"] is not None)
        assert row["account_name"] == min(names, key=lambda name: (-names[name], name), default=None)
        assert row["threads"] == threads(len(active), len(reps), len(engaged))
        for name, chance in CHANCES.items():
            assert row[name] == pytest.approx(1 - math.prod(1 - r[chance] for r in own), abs=1e-12)
            assert row[f"{name}_at_least"] == max(r[chance] for r in own)
        best = [r for r in own if r["priority"] == row["best_priority"]]
        assert row["best_priority"] == max(r["priority"] for r in own)
        assert (row["best_email"], row["best_crm_id"], row["best_rep"], row["best_tier"], row["best_reasons"]) in [
            (r["email"], r["crm_id"], r["source_email"], r["tier"], r["reasons"]) for r in best
        ]


def test_it_has_something_of_all_to_count(accounts: pl.DataFrame) -> None:
    assert accounts["account"].null_count() == 1
    assert accounts["account"][-1] is None
    assert accounts["reps"].max() > 1
    assert (accounts["rows"] > accounts["contacts"]).any()
    assert {"none", "silent", "one contact and rep", "several"} <= set(accounts["threads"].drop_nulls())


def test_the_order_is_that_of_the_chances(accounts: pl.DataFrame) -> None:
    known = accounts.drop_nulls("account")
    expected = known.sort("anyone_engages", "best_priority", "account", descending=[True, True, False])
    assert_frame_equal(known, expected)


def test_rows_without_an_account_are_counted_apart_and_have_no_chance(
    rows: pl.DataFrame, accounts: pl.DataFrame
) -> None:
    last = accounts.row(-1, named=True)
    assert last["rows"] == rows.filter(pl.col("account_domain").is_null(), pl.col("account_crm_id").is_null()).height
    nothing = ["account_name", "threads", *CHANCES, *(name for name in last if name.startswith("best_"))]
    assert [last[name] for name in nothing] == [None] * len(nothing)
    assert accounts["rows"].sum() == rows.height


def test_neither_the_order_of_rows_nor_repeated_rows_change_anything(
    rows: pl.DataFrame, accounts: pl.DataFrame
) -> None:
    shuffled = pl.concat([rows, rows.head(50)]).sample(fraction=1, shuffle=True, seed=5)
    assert_frame_equal(roll_up(shuffled), accounts, check_exact=True)


def made(rows: list[Row]) -> pl.DataFrame:
    return scoring.score(pl.DataFrame(rows, infer_schema_length=None), as_of=WHEN)


def test_a_contact_of_two_reps_is_one_person() -> None:
    rows = [
        {"source_email": "a@us.example", "crm_id": "1", "email": "bo@acme.example", "total_inbound": 3},
        {"source_email": "b@us.example", "crm_id": "1", "email": None, "total_inbound": 0},
        {"source_email": "c@us.example", "crm_id": None, "email": "BO@acme.example", "total_inbound": 0},
        {"source_email": "a@us.example", "crm_id": "2", "email": "di@acme.example", "total_inbound": 0},
    ]
    scored = made(
        [
            {**row, "account_domain": f" {name} "}
            for row, name in zip(rows, ("Acme", "acme", "ACME", "acme"), strict=True)
        ]
    )
    found = roll_up(scored).row(0, named=True)
    assert (found["account"], found["rows"], found["contacts"], found["reps"]) == ("acme", 4, 2, 3)
    assert found["engaged_contacts"] == 1
    assert found["threads"] == "silent"
    expected = 1 - math.prod(1 - chance for chance in scored["reply_probability"])
    assert found["anyone_replies"] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([("a", "1", 0, None)], "none"),
        ([("a", "1", 3, 100)], "silent"),
        ([("a", "1", 3, 5), ("b", "2", 3, 100)], "one contact and rep"),
        ([("a", "1", 3, 5), ("b", "1", 3, 8)], "one contact"),
        ([("a", "1", 3, 5), ("a", "2", 3, ACTIVE_DAYS)], "one rep"),
        ([("a", "1", 3, 5), ("b", "2", 3, 5)], "several"),
    ],
)
def test_on_whom_an_account_hangs(rows: list[tuple[str, str, int, int | None]], expected: str) -> None:
    assert expected in THREADS
    scored = made(
        [
            {
                "source_email": f"{rep}@us.example",
                "crm_id": crm_id,
                "account_domain": "acme.example",
                "total_inbound": inbound,
                "last_inbound_time": None if days is None else WHEN - timedelta(days=days),
            }
            for rep, crm_id, inbound, days in rows
        ]
    )
    assert roll_up(scored)["threads"].to_list() == [expected]


def test_one_contact_alone_has_its_own_chance_and_both_bounds_are_it() -> None:
    scored = made(
        [{"crm_id": "1", "account_crm_id": "X9", "total_inbound": 4, "first_name": " ", "email": "a@b.example"}]
    )
    found = roll_up(scored).row(0, named=True)
    assert found["account"] == "x9"
    assert found["best_contact"] == "a@b.example"
    for name, chance in CHANCES.items():
        assert found[name] == pytest.approx(scored[chance][0], abs=1e-15)
        assert found[f"{name}_at_least"] == scored[chance][0]


def test_rows_with_a_problem_and_suppressed_contacts_are_left_out() -> None:
    rows = [
        {"crm_id": str(each), "email": f"p{each}@acme.example", "account_domain": "acme.example"} for each in range(3)
    ]
    scored = made([{**row, "total_inbound": inbound} for row, inbound in zip(rows, (1, -5, 9), strict=True)])
    assert roll_up(scored)["rows"].to_list() == [2]
    left = roll_up(scored, suppress=["p2@acme.example"])
    assert left["rows"].to_list() == [1]
    assert left["best_email"].to_list() == ["p0@acme.example"]
    assert roll_up(scored, suppress=["acme.example"]).height == 0


def test_no_rows_are_no_accounts(scored: pl.DataFrame, accounts: pl.DataFrame) -> None:
    nothing = roll_up(scored.clear())
    assert nothing.height == 0
    assert nothing.schema == accounts.schema


def test_what_was_not_scored_is_refused(contacts: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="no scores"):
        roll_up(contacts)


def test_as_if_independent_is_nearer_to_what_happens_than_the_best_alone() -> None:
    anyone, least, happened = [], [], []
    for seed in range(100_101, 100_109):
        organisation: Organisation = draw_organisation(seed, Settings(rows=900, closed=False))
        when = organisation.dates(1)[0]
        export = organisation.export(when)
        accounts = roll_up(scoring.score(export, as_of=when)).drop_nulls("account").filter(pl.col("contacts") > 2)
        replied = defaultdict(bool)
        for row, did in zip(export.iter_rows(named=True), organisation.outcomes(when)["replied"], strict=True):
            replied[account_of(row)] |= did
        anyone += accounts["anyone_replies"].to_list()
        least += accounts["anyone_replies_at_least"].to_list()
        happened += [replied[account] for account in accounts["account"]]
    assert surprise(happened, anyone).mean() < surprise(happened, least).mean()
