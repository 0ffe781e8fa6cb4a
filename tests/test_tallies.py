"""Tallies at their edges: nothing came, everything came, one rep, nobody known; figures by hand."""

from __future__ import annotations

import json
import math

import numpy as np
import polars as pl
import pytest

from scoring.config import TIERS
from scoring.tallies import Promise, tally


def promise(
    label: list[bool | None],
    chances: list[float],
    *,
    reps: list[str | None] | None = None,
    tiers: list[str] | None = None,
    parts: list[str] | None = None,
) -> Promise:
    size = len(label)
    rows = {"rep": reps or ["a"] * size, "tier": tiers or ["A"] * size, "part": parts or [None] * size}
    return Promise(
        target="reply",
        rows=pl.DataFrame(rows, schema=dict.fromkeys(rows, pl.String)),
        chances=np.array(chances),
        label=pl.Series(label, dtype=pl.Boolean),
        found=pl.Series([True] * size),
        groups=np.arange(size),
        counts=np.ones((4, size)),
    )


def test_levels_count_open_rows_either_way() -> None:
    one = promise([True, False, None, None], [0.5, 0.1, 0.2, 0.2])
    row = tally([one])["levels"].row(0, named=True)
    assert (row["rows"], row["open"], row["observed"]) == (4, 2, 1)
    assert row["expected"] == pytest.approx(1.0)
    assert row["gap"] == pytest.approx((1.0 - 2) / 4)
    assert (row["low"], row["high"]) == pytest.approx(((1.0 - 3) / 4, (1.0 - 1) / 4))


def test_tiers_count_known_rows_and_say_nothing_of_none() -> None:
    one = promise([True, False, None, False], [0.5, 0.1, 0.2, 0.2], tiers=["A", "A", "A", "C"])
    tiers = {row["tier"]: row for row in tally([one])["tiers"].iter_rows(named=True)}
    assert list(tiers) == list(TIERS)
    first = tiers["A"]
    assert (first["rows"], first["open"], first["observed"], first["rate"]) == (2, 1, 1, 0.5)
    assert first["expected"] == pytest.approx(0.6)
    assert first["lift"] == pytest.approx(0.5 / (1 / 3))
    assert (tiers["B"]["rows"], tiers["B"]["rate"], tiers["B"]["lift"], tiers["B"]["low"]) == (0, None, None, None)


@pytest.mark.parametrize("came", [False, True])
def test_one_outcome_alone_makes_no_figure_that_is_none(came: bool) -> None:
    one = promise([came] * 6, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6], reps=list("aabbcc"))
    tallied = tally([one])
    frames = [tallied[name] for name in ("levels", "tiers", "top", "reliability", "reps")]
    for frame in frames:
        json.dumps(frame.to_dicts(), allow_nan=False)
    reps = frames[-1]
    assert reps["usual"].to_list() == [2.0 * came] * 3
    assert reps["verdict"].to_list() == ["as usual"] * 3
    assert frames[2]["captured"].null_count() == (0 if came else 3)


def test_lists_are_those_that_are_there_in_their_order() -> None:
    parts = ["not listed", "work", "work", "explore"]
    one = promise([False, True, False, True], [0.1] * 4, parts=parts)
    found = tally([one])["lists"]
    assert found["part"].to_list() == ["work", "explore", "not listed"]
    assert found["observed"].to_list() == [1, 1, 0]
    assert tally([promise([True], [0.5])])["lists"].height == 0


def test_reps_by_hand() -> None:
    label = [True] * 9 + [False] + [False] * 9 + [True]
    one = promise(label, [0.5] * 20, reps=["a"] * 10 + ["b"] * 10)
    rows = tally([one])["reps"].to_dicts()
    # as many came as were expected, so chances stay; the other rep is off by 4, where its variance is 2.5
    half = 1.96 * math.sqrt(16 / 2.5 * 2.5) + 0.5
    for row, name, observed in zip(rows, "ab", (9, 1), strict=True):
        assert row["usual"] == pytest.approx(5)
        told = [row[name] for name in ("rep", "rows", "open", "observed", "low", "high", "verdict")]
        assert told == [name, 10, 0, observed, max(0, math.ceil(5 - half)), min(10, math.floor(5 + half)), "as usual"]


def test_a_rep_far_from_many_others_is_told() -> None:
    label = [each % 2 == 0 for each in range(200)] + [True] * 10
    one = promise(label, [0.5] * 210, reps=[f"r{each // 10:02}" for each in range(210)])
    reps = tally([one])["reps"]
    assert reps.filter(verdict="more")["rep"].to_list() == ["r20"]
    assert reps.filter(verdict="fewer").height == 0


def test_rows_without_a_rep_are_of_no_rep() -> None:
    one = promise([True, False, True], [0.5] * 3, reps=["a", None, None])
    assert tally([one])["reps"]["rep"].to_list() == ["a"]
