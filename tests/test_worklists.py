"""Worklists: every list against one made in plain Python, each rule, and what never changes one."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import timedelta
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.expectation import expect
from scoring.next_steps import suggest
from scoring.scored import read_scored
from scoring.simulation import Settings, draw_organisation
from scoring.worklists import LEFT_OUT, Worklist, prioritise
from scoring.writing import write_frame

CHANCES = ("reply_probability", "meeting_probability", "answer_probability", "priority")
LEVELS = ("none", "thin", "enough")


@pytest.fixture(scope="module")
def rows() -> pl.DataFrame:
    """Scored contacts, some of them meeting within two weeks, some later, one at a time that is not said."""
    organisation = draw_organisation(11, Settings(rows=2500, closed=False, one_row_a_contact=False, days=400))
    when = organisation.dates(1)[0]
    scored = scoring.score(organisation.export(when), as_of=when)
    place = pl.int_range(pl.len())
    soon, later, untimed = (place % 17 == 3), (place % 29 == 4), place == 11
    meeting = pl.when(soon).then(when + timedelta(days=14)).when(later).then(when + timedelta(days=14, seconds=1))
    return scored.with_columns(
        meeting.cast(pl.Datetime("us", "UTC")).alias("first_upcoming_meeting_time"),
        (soon | later | untimed).alias("upcoming_meeting"),
    )


def key_of(row: dict[str, Any]) -> tuple[str, str]:
    """The key of a row of an export or of a list: the rep, and the contact by `crm_id` or else by address."""
    return row["rep"] if "rep" in row else row["source_email"], "#" + row["crm_id"] if row["crm_id"] else "@" + row[
        "email"
    ]


def as_lists(work: Worklist) -> list[tuple[tuple[str, str], str]]:
    return [(key_of(row), row["part"]) for row in work.rows.iter_rows(named=True)]


def listed_by_hand(
    rows: pl.DataFrame,
    per_rep: int,
    per_account: int,
    in_total: int,
    explore: float,
    least: str,
    weights: dict[str, float],
) -> tuple[list[tuple[tuple[str, str], str]], dict[tuple[str, str], str]]:
    """Make the lists in plain Python: each row's key and part in order, and why the others are on no list."""
    prepare, ordinary, unknown = [], [], []
    why: dict[tuple[str, str], str] = {}
    for row in rows.iter_rows(named=True):
        now, mailed, wrote = row["as_of"], row["last_outbound_time"], row["last_inbound_time"]
        key = key_of(row)
        score = sum(weight * row[name] for name, weight in weights.items())
        account = row["account_domain"] or row["account_crm_id"]
        if row["upcoming_meeting"]:
            meeting = row["first_upcoming_meeting_time"]
            if meeting is not None and meeting <= now + timedelta(days=14):
                prepare.append((meeting, -score, key))
            else:
                why[key] = "meeting_later"
        elif mailed and now - mailed < timedelta(days=3) and not (wrote and wrote > mailed):
            why[key] = "cooldown"
        elif LEVELS.index(row["evidence"]) < LEVELS.index(least):
            why[key] = "evidence"
            text = repr((now.isoformat(), *key))
            unknown.append((blake2b(text.encode(), digest_size=16).hexdigest(), key, account))
        else:
            ordinary.append((-score, key, account))
    waiting = Counter(rep for _, (rep, _), _ in unknown)
    kept = {rep: min(int(per_rep * explore + 1e-9), waiting[rep]) for rep in rows["source_email"].unique()}
    reps: Counter[str] = Counter()
    accounts: Counter[Any] = Counter()
    taken: dict[tuple[str, str], tuple[int, Any]] = {}

    def serve(turn: list[Any], limit: dict[str, int], part: int) -> None:
        for first, key, account in turn:
            if account is not None and (accounts[account] >= in_total or accounts[key[0], account] >= per_account):
                why.setdefault(key, "account_full")
            elif reps[key[0]] >= limit[key[0]]:
                why.setdefault(key, "rep_full")
            else:
                why.pop(key, None)
                reps[key[0]] += 1
                accounts.update([account, (key[0], account)])
                taken[key] = (part, first)

    serve(sorted(ordinary), {rep: per_rep - count for rep, count in kept.items()}, 0)
    left = [one for one in sorted(ordinary) if one[1] not in taken]
    if explore:
        serve(sorted(unknown), {rep: reps[rep] + count for rep, count in kept.items()}, 1)
    left = [one for one in left if reps[one[1][0]] < per_rep]
    for _, key, _ in left:
        why.pop(key)
    serve(left, dict.fromkeys(kept, per_rep), 0)
    listed = [(key[0], part, first, key) for key, (part, first) in taken.items()]
    listed += [(key[0], 2, (meeting, score), key) for meeting, score, key in prepare]
    return [(key, ("work", "explore", "prepare")[part]) for _, part, _, key in sorted(listed)], why


@pytest.mark.parametrize(
    ("per_rep", "per_account", "in_total", "explore", "least", "weights"),
    [
        (20, 3, 9999, 0.1, "thin", {"priority": 1.0}),
        (5, 1, 9999, 0.4, "enough", {"priority": 1.0}),
        (5, 2, 2, 0.0, "thin", {"reply_probability": 1.0, "meeting_probability": 3.0}),
        (10, 3, 3, 1.0, "thin", {"answer_probability": 2.0}),
        (7, 1, 1, 0.3, "none", {"priority": 1.0}),
        (0, 3, 3, 0.5, "thin", {"priority": 1.0}),
    ],
)
def test_the_lists_are_those_made_by_hand(
    per_rep: int,
    per_account: int,
    in_total: int,
    explore: float,
    least: str,
    weights: dict[str, float],
    rows: pl.DataFrame,
) -> None:
    by_hand, why = listed_by_hand(rows, per_rep, per_account, in_total, explore, least, weights)
    named = {{"priority": "engaged"}.get(name, name.removesuffix("_probability")): w for name, w in weights.items()}
    work = prioritise(
        rows,
        per_rep=per_rep,
        per_account=per_account,
        account_total=in_total,
        explore=explore,
        evidence=least,
        weights=named,
    )
    assert as_lists(work) == by_hand
    assert {key_of(row): row["rule"] for row in work.left_out.iter_rows(named=True)} == why
    assert {key for key, _ in by_hand} | set(why) == {key_of(row) for row in rows.iter_rows(named=True)}


def test_the_case_by_hand_has_every_rule(rows: pl.DataFrame) -> None:
    _, why = listed_by_hand(rows, 5, 1, 9999, 0.4, "enough", {"priority": 1.0})
    rules = set(why.values())
    assert rules == set(LEFT_OUT) - {"suppressed", "problem", "repeated"}


def test_every_row_is_counted_once(rows: pl.DataFrame, messy_csv: Path) -> None:
    twice = pl.concat([rows, rows.head(40), rows.tail(30).with_columns(problem=pl.lit("no_key"))])
    victim = rows["email"][50]
    work = prioritise(twice, per_rep=4, suppress=[victim])
    counted = work.summary.select("listed", "prepare", *LEFT_OUT).sum_horizontal().sum()
    assert counted == twice.height
    for row in work.summary.iter_rows(named=True):
        mine = twice.filter(pl.col("source_email") == row["rep"])
        assert row["listed"] + row["prepare"] + sum(row[rule] for rule in LEFT_OUT) == mine.height
        assert row["listed"] == row["work"] + row["explore"] <= row["places"] == 4
    total = work.total()
    assert (total["repeated"], total["problem"]) == (40, 30)
    assert total["suppressed"] == twice.filter(pl.col("email") == victim).height
    assert victim not in work.rows.write_csv() + work.left_out.write_csv()


def test_the_figures_are_sums_over_the_list(rows: pl.DataFrame) -> None:
    work = prioritise(rows, per_rep=8)
    worked = work.rows.filter(pl.col("part") != "prepare")
    for name, chance in (("replies", CHANCES[0]), ("meetings", CHANCES[1]), ("answers", CHANCES[2])):
        for row in work.summary.iter_rows(named=True):
            mine = worked.filter(pl.col("rep") == row["rep"])
            found = expect(mine[chance])
            assert row[name] == pytest.approx(sum(mine[chance]))
            assert (row[f"{name}_low"], row[f"{name}_high"]) == (found.low, found.high)
        assert work.total()[name] == pytest.approx(sum(worked[chance]))
        assert f"{name}_low" not in work.total()  # months differ for all reps at once
    assert work.to_dict()["total"] == work.total()


def test_a_row_holds_what_scoring_said(rows: pl.DataFrame) -> None:
    work = prioritise(rows)
    said = rows.with_columns(suggest(read_scored(rows).table, work.as_of)).select(
        pl.col("source_email").alias("rep"),
        *("crm_id", "email", *CHANCES, "tier", "evidence", "reasons", "action", "next_step"),
        name=pl.concat_str("first_name", "last_name", separator=" "),
        account=pl.coalesce("account_domain", "account_crm_id"),
        score=pl.col("priority"),
    )
    names = [name for name in said.columns if name in work.rows.columns]
    assert len(names) == said.width
    expected = {key_of(row): row for row in said.iter_rows(named=True)}
    assert work.rows.select(names).to_dicts() == [
        {name: expected[key_of(row)][name] for name in names} for row in work.rows.iter_rows(named=True)
    ]


def test_ranks_run_through_each_list(rows: pl.DataFrame) -> None:
    work = prioritise(rows, per_rep=6, explore=0.5)
    for prepare in (False, True):
        part = work.rows.filter((pl.col("part") == "prepare") == prepare)
        for _, mine in part.group_by("rep"):
            assert mine["rank"].to_list() == list(range(1, mine.height + 1))
    worked = work.rows.filter(pl.col("part") == "work")
    assert worked["score"].to_list() == worked.sort("rep", "score", descending=[False, True])["score"].to_list()


def test_whoever_is_left_out_would_take_the_place_of_a_better_one(rows: pl.DataFrame) -> None:
    work = prioritise(rows, per_rep=6, per_account=None, account_total=2, explore=0)
    known = {key_of(row): row for row in rows.iter_rows(named=True)}
    placed = work.rows.filter(pl.col("part") == "work")
    left = work.left_out.filter(pl.col("rule").is_in(["account_full", "rep_full"]))
    assert left["rule"].n_unique() == 2
    for row in left.iter_rows(named=True):
        mine = known[key_of(row)]
        if row["rule"] == "account_full":
            holders = placed.filter(pl.col("account") == (mine["account_domain"] or mine["account_crm_id"]))
            assert holders.height == 2
        else:
            holders = placed.filter(pl.col("rep") == row["rep"])
            assert holders.height == 6
        assert holders["score"].min() >= mine["priority"]
    assert placed.group_by("account").len()["len"].max() == 2


def test_a_list_depends_on_its_rep_alone_unless_accounts_are_spared(rows: pl.DataFrame) -> None:
    work, rep = prioritise(rows, per_rep=8, per_account=1), rows["source_email"].mode().min()
    alone = prioritise(rows.filter(source_email=rep), per_rep=8, per_account=1)
    assert alone.rows.height > 4
    assert_frame_equal(alone.rows, work.rows.filter(rep=rep))
    assert work.rows.filter(pl.col("part") != "prepare").group_by("rep", "account").len()["len"].max() == 1


def test_the_order_and_the_form_of_rows_change_nothing(rows: pl.DataFrame, tmp_path: Path) -> None:
    work = prioritise(rows, explore=0.3)
    shuffled = rows.sample(fraction=1.0, shuffle=True, seed=5)
    write_frame(shuffled, tmp_path / "scored.csv")
    write_frame(shuffled, tmp_path / "scored.ndjson.gz")
    for form in (
        shuffled,
        shuffled.cast(pl.String),
        rows.lazy(),
        tmp_path / "scored.csv",
        tmp_path / "scored.ndjson.gz",
    ):
        again = prioritise(form, explore=0.3)
        assert_frame_equal(again.rows, work.rows)
        assert_frame_equal(again.summary, work.summary)
        by_key = ["rep", "crm_id", "email"]
        assert_frame_equal(again.left_out.sort(by_key), work.left_out.sort(by_key))


def test_equal_scores_are_ordered_by_key(rows: pl.DataFrame) -> None:
    same = rows.with_columns(pl.lit(0.5).alias("priority"), source_email=pl.lit("ann@our.example"))
    work = prioritise(
        same.drop_nulls("crm_id").unique("crm_id", maintain_order=True), per_rep=50, per_account=None, explore=0
    )
    worked = work.rows.filter(pl.col("part") == "work")["crm_id"].to_list()
    assert len(worked) == 50
    assert worked == sorted(worked)


def test_what_explores_is_drawn_and_another_draw_at_another_date(rows: pl.DataFrame) -> None:
    def explored(frame: pl.DataFrame) -> list[tuple[str, str]]:
        work = prioritise(frame, per_rep=20, explore=0.2)
        part = work.rows.filter(pl.col("part") == "explore")
        assert set(part["evidence"]) == {"none"}
        assert part.group_by("rep").len()["len"].max() == 4
        return [key_of(row) for row in part.iter_rows(named=True)]

    first = explored(rows)
    moved = pl.col("as_of", "first_upcoming_meeting_time") + timedelta(days=1)
    second = explored(rows.with_columns(moved))
    assert 0 < len(set(first) & set(second)) < len(first)
    assert not prioritise(rows, explore=0).total()["explore"]
    assert not prioritise(rows, evidence="none").total()["explore"]


def test_a_share_is_rounded_down_and_what_is_free_goes_to_the_others(rows: pl.DataFrame) -> None:
    known = rows.with_columns(pl.lit("enough").alias("evidence"))
    for frame in (known, rows):
        work = prioritise(frame, per_rep=9, per_account=None, explore=0.3)
        assert work.summary["explore"].max() == (0 if frame is known else 2)
    full = prioritise(known, per_rep=9, per_account=None, explore=0).summary
    assert prioritise(known, per_rep=9, per_account=None, explore=0.3).summary.equals(full)


def test_a_contact_rests_after_the_last_mail() -> None:
    times = {"last_outbound_time": "2026-01-02T00:00:00Z", "total_outbound": 3, "total_inbound": 2}
    for days, wrote, rests in (
        (3, None, False),
        (3.001, None, True),
        (3.001, "2026-01-04", False),
        (9, "2026-01-01", True),
    ):
        record = {"crm_id": "1", "last_inbound_time": wrote} | times
        work = prioritise(scoring.score(record, as_of="2026-01-05"), cooldown_days=days)
        assert work.left_out["rule"].to_list() == (["cooldown"] if rests else [])
    assert prioritise(scoring.score({"crm_id": "1"} | times, as_of="2026-01-01"), cooldown_days=0).rows.height == 1


def test_each_rep_can_have_places_of_their_own(rows: pl.DataFrame) -> None:
    one, other = rows["source_email"].unique().sort().head(2)
    work = prioritise(rows, per_rep={one.upper(): 2, other: 1, "away@our.example": 5})
    summary = {row["rep"]: row for row in work.summary.iter_rows(named=True)}
    assert (summary[one]["places"], summary[other]["places"]) == (2, 1)
    assert (summary["away@our.example"]["places"], summary["away@our.example"]["listed"]) == (5, 0)
    assert sum(row["places"] for row in summary.values()) == 8
    assert set(work.rows.filter(pl.col("part") != "prepare")["rep"]) <= {one, other}


def test_contacts_without_a_rep_or_account_have_a_list(rows: pl.DataFrame) -> None:
    nobody = rows.with_columns(
        pl.lit(None, dtype=pl.String).alias(name) for name in ("source_email", "account_domain", "account_crm_id")
    ).unique("crm_id", maintain_order=True)
    work = prioritise(nobody, per_rep=30, per_account=1)
    assert work.summary["rep"].to_list() == [None]
    assert work.summary["listed"].item() == 30
    assert prioritise(nobody, per_rep={"": 4}).summary.select("rep", "listed").rows() == [(None, 4)]


def test_a_value_multiplies_the_score(rows: pl.DataFrame) -> None:
    valued = rows.with_columns(deal=pl.when(pl.int_range(pl.len()) % 3 > 0).then(pl.int_range(pl.len()) % 7))
    for frame in (valued, valued.cast(pl.String)):
        work = prioritise(frame, value="deal", weights={"meeting": 2}, explore=0)
        product = 2 * work.rows["meeting_probability"] * work.rows["value"]
        assert work.rows["score"].to_list() == pytest.approx(product.to_list())
        worked = work.rows.filter(pl.col("part") == "work")
        assert worked["value"].min() >= 0
    with pytest.raises(scoring.InputError, match="'-1.0'; expected values from 0 on"):
        prioritise(rows.with_columns(deal=pl.lit(-1)), value="deal")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"per_rep": -1}, "`per_rep` is '-1'"),
        ({"per_rep": {"ann@our.example": 1.5}}, "`per_rep`"),
        ({"per_rep": True}, "`per_rep` is 'True'"),
        ({"per_account": 2.5}, "`per_account` is '2.5'"),
        ({"account_total": -2}, "`account_total` is '-2'"),
        ({"cooldown_days": -1}, "`cooldown_days`"),
        ({"prepare_days": float("nan")}, "`prepare_days` is 'nan'"),
        ({"evidence": "some"}, "`evidence` is 'some'; expected none, thin, enough"),
        ({"explore": 1.1}, "`explore`.*from 0 to 1"),
        ({"weights": {"replies": 1}}, "`weights`.*reply, meeting, answer, engaged"),
        ({"weights": {"reply": -1}}, "`weights`.*not all of them 0"),
        ({"weights": {"reply": 0}}, "`weights`.*not all of them 0"),
        ({"weights": {}}, "`weights`.*not all of them 0"),
        ({"weights": {"reply": float("inf")}}, "`weights`"),
        ({"value": "deal"}, "no column 'deal'"),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], message: str, scored: pl.DataFrame) -> None:
    with pytest.raises(scoring.InputError, match=message):
        prioritise(scored, **options)


def test_contacts_without_scores_are_refused(contacts: pl.DataFrame) -> None:
    with pytest.raises(scoring.InputError, match="`scoring score FILE`"):
        prioritise(contacts)


def test_no_rows_give_no_lists(rows: pl.DataFrame) -> None:
    work = prioritise(rows.head(0))
    assert (work.rows.height, work.summary.height, work.left_out.height) == (0, 0, 0)
    assert work.rows.schema == prioritise(rows).rows.schema
    assert work.total()["listed"] == 0


def test_lists_load_nothing_heavy(rows: pl.DataFrame, tmp_path: Path) -> None:
    write_frame(rows, tmp_path / "scored.csv")
    code = f"import scoring, sys\nscoring.prioritise({str(tmp_path / 'scored.csv')!r})\n"
    code += "assert not {'sklearn', 'pandas', 'mlflow', 'pyarrow', 'joblib', 'scipy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
