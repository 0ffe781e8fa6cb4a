"""Hindsight: each sentence is said where it is so, and not where it is not."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from scoring.hindsight import judge, tell
from scoring.review import Review

Row = dict[str, Any]

LEVEL = {"target": "reply", "rows": 1000, "open": 0, "expected": 200.0, "observed": 190, "gap": 0.01, "low": -0.02}
LEVEL |= {"high": 0.04}
TIER = {"target": "reply", "open": 0, "expected": 9.0, "lift": 1.0, "gap": 0.0, "low": 0.0, "high": 0.0}
REP = {"target": "reply", "rows": 40, "open": 0, "expected": 9.0, "usual": 10.0, "low": 4, "high": 16}
TOP = {"target": "reply", "share": 0.1, "captured": 0.4, "rate": 0.5, "lift": 4.0, "low": 0.3, "high": 0.7}


def tiers(*rates: float | None) -> pl.DataFrame:
    rows = [
        {**TIER, "tier": tier, "rate": rate, "rows": 0 if rate is None else 100, "observed": int(100 * (rate or 0))}
        for tier, rate in zip("ABCD", rates, strict=True)
    ]
    return pl.DataFrame(rows, schema_overrides={"rate": pl.Float64})


def reps(*observed: int) -> pl.DataFrame:
    verdicts = {True: "more", False: "as usual"}
    rows = [
        {**REP, "rep": f"r{place}@us.example", "observed": came, "verdict": verdicts[came > 16]}
        for place, came in enumerate(observed)
    ]
    return pl.DataFrame(rows)


def sentences(level: Row | None = None, whole: bool = True, **frames: pl.DataFrame) -> str:
    given = {"tiers": tiers(0.5, 0.3, 0.2, 0.1), "top": pl.DataFrame([TOP]), "reps": reps(10), **frames}
    lists = given.pop("lists", tiers(0.1, 0.1, 0.1, 0.1).clear().rename({"tier": "part"}))
    levels = pl.DataFrame([{**LEVEL, **(level or {})}], schema_overrides={"low": pl.Float64, "high": pl.Float64})
    return "\n".join(judge(levels, lists=lists, whole=whole, **given))


@pytest.mark.parametrize(
    ("level", "said"),
    [
        ({}, "190 of 1,000 contacts replied (19%), where 200 were expected (20%); the difference could be chance."),
        ({"open": 30}, "190 to 220 of 1,000 contacts replied (19% to 22%; 30 are open)"),
        ({"open": 30}, "the difference could be chance, or the open ones."),
        ({"low": 0.01, "high": 0.03}, "the chances were too high, by 1.0 to 3.0 points."),
        ({"gap": -0.01, "low": -0.03, "high": -0.01}, "the chances were too low, by 1.0 to 3.0 points."),
        ({"low": None, "high": None}, "whether the difference is chance cannot be told."),
        ({"observed": 12}, "too few of one kind to say more."),
        ({"observed": 990}, "too few of one kind to say more."),
    ],
)
def test_of_the_level(level: Row, said: str) -> None:
    assert said in sentences(level)


def test_advice_needs_a_gap_that_is_wide_and_no_chance() -> None:
    off = {"gap": 0.1, "low": 0.05, "high": 0.15}
    assert "Levels off by more than a fifth, beyond chance: reply." in sentences(off)
    for none in (
        {},
        {"gap": 0.03, "low": 0.01, "high": 0.05},
        {**off, "low": -0.01},
        {**off, "observed": 12},
        {**off, "low": None, "high": None},
    ):
        assert "recalibrate" not in sentences(none)
    early = sentences(off, whole=False)
    assert "recalibrate" not in early
    assert "what was expected is of 30 days, and they are not over." in early


@pytest.mark.parametrize(
    ("rates", "said"),
    [
        ((0.5, 0.3, 0.2, 0.1), "The tiers held their order: A 50%, B 30%, C 20%, D 10%, A 5 times D."),
        ((0.5, 0.3, 0.2, 0.0), "The tiers held their order: A 50%, B 30%, C 20%, D 0.0%."),
        ((0.5, None, 0.2, 0.1), "The tiers held their order: A 50%, C 20%, D 10%, A 5 times D."),
        ((0.3, 0.5, 0.2, 0.1), "The tiers did NOT hold their order: A 30%, B 50%, C 20%, D 10%."),
        ((0.3, 0.3, 0.3, 0.3), "The tiers did NOT hold their order"),
    ],
)
def test_of_the_order(rates: tuple[float | None, ...], said: str) -> None:
    assert said in sentences(tiers=tiers(*rates))


def test_of_the_top_and_where_nothing_came() -> None:
    assert "The first tenth of the list held 40% of those who replied, 4.0 times its share." in sentences()
    nothing = pl.DataFrame([{**TOP, "captured": None}], schema_overrides={"captured": pl.Float64})
    assert "tenth" not in sentences(top=nothing)


def test_of_the_reps() -> None:
    assert "Of 1 rep with 3 or more to expect, none is out of what is usual." in sentences()
    found = sentences(reps=reps(10, 10, 20))
    assert "Of 3 reps with 3 or more to expect, 1 had more contacts who replied than is usual" in found
    few = reps(10).with_columns(usual=pl.lit(2.0))
    assert "to expect" not in sentences(reps=few)


def test_of_the_list() -> None:
    lists = tiers(0.5, None, None, 0.1).with_columns(part=pl.Series(["work", "explore", "prepare", "not listed"]))
    assert "By place on the worklist: work 50 of 100 (50%; 9.0 expected), not listed 10 of 100" in sentences(
        lists=lists
    )
    assert "worklist" not in sentences(lists=lists.head(1))


def test_the_tables_name_five_reps_at_most() -> None:
    labels = {"target": "reply", "happened": 190, "did_not": 810, "open": 7, "missing": 3, "settled": True}
    frames = {
        "labels": pl.DataFrame([labels]),
        "tiers": tiers(0.5, None, 0.2, 0.1),
        "top": pl.DataFrame([TOP]),
        "reliability": pl.DataFrame([{"target": "reply", "lowest": 0.001, "highest": 0.25, "rows": 9.0} | BIN]),
        "reps": reps(20, 21, 22, 23, 24, 25, 26),
        "lists": tiers(0.1, 0.1, 0.1, 0.1).clear().rename({"tier": "part"}),
    }
    text = "\n".join(tell(["All is well."], frames))
    assert text.startswith("- All is well.\n\nREPLY: 1,000 known; left out: 4 open, 3 missing later\n")
    assert "  first 10%: 50% came, 4.0x; 40% of all; 2.0 contacts for each" in text
    assert "  0.10% to 25% " in text
    assert "  r6@us.example: 26 of 40 came; usual for them 10.0 (4 to 16): more" in text
    assert "r1@us.example" not in text
    assert text.endswith("  and 2 more reps out of what is usual")


BIN = {"expected": 0.1, "observed": 0.2}


def test_the_frames_it_needs_are_those_of_a_review() -> None:
    assert {"labels", "levels", "tiers", "top", "reliability", "reps", "lists"} <= set(Review.__dataclass_fields__)
