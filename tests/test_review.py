"""Review: every figure again in plain Python on a simulated pair, and words that do not say more than they show."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring import snapshots
from scoring.config import HORIZON, TIERS
from scoring.errors import InputError
from scoring.intervals import draw_resamples
from scoring.labels import label
from scoring.metrics import reliability
from scoring.review import Review, review_scores
from scoring.simulation import Settings, draw_organisation
from scoring.spreadsheet import write_list
from scoring.writing import write_frame

Row = dict[str, Any]
TARGETS = {"reply": "reply_probability", "meeting": "meeting_probability", "engaged": "priority"}
FRAMES = ("labels", "levels", "tiers", "top", "reliability", "reps", "lists")


@pytest.fixture(scope="module")
def pair(exports: dict[datetime, pl.DataFrame]) -> tuple[datetime, pl.DataFrame, dict[datetime, pl.DataFrame]]:
    (first, export), (second, later), *_ = exports.items()
    return first, scoring.score(export, as_of=first), {second: later}


@pytest.fixture(scope="module")
def scored(pair: tuple[Any, ...]) -> pl.DataFrame:
    return pair[1]


@pytest.fixture(scope="module")
def later(pair: tuple[Any, ...]) -> dict[datetime, pl.DataFrame]:
    return pair[2]


@pytest.fixture(scope="module")
def worklist(scored: pl.DataFrame) -> pl.DataFrame:
    return scoring.prioritise(scored, per_rep=3, explore=0.34).rows


@pytest.fixture(scope="module")
def review(scored: pl.DataFrame, later: dict[datetime, pl.DataFrame], worklist: pl.DataFrame) -> Review:
    return review_scores(scored, later, worklist=worklist)


@pytest.fixture(scope="module")
def rows(pair: tuple[Any, ...], worklist: pl.DataFrame) -> list[Row]:
    """Scored rows with what came of them, their rep's group in the draws and their part of the list."""
    when, scored, later = pair
    labels, _ = label(scored, when, list(later.items()))
    parts = {
        (row["rep"], f"#{row['crm_id']}" if row["crm_id"] else f"@{row['email'].lower()}"): row["part"]
        for row in worklist.iter_rows(named=True)
    }
    drawn = draw_resamples([scored])
    found = []
    for row, came, group in zip(
        scored.iter_rows(named=True), labels.iter_rows(named=True), drawn.groups[0], strict=True
    ):
        rep = (row["source_email"] or "").lower() or None
        who = f"#{row['crm_id']}" if row["crm_id"] else f"@{row['email'].lower()}"
        part = parts.get((rep, who), "not listed")
        found.append({**row, "came": came, "rep": rep, "part": part, "group": group, "counts": drawn.counts[:, group]})
    return found


def known(rows: list[Row], target: str) -> list[Row]:
    return [row for row in rows if row["came"][target] is not None]


def borders(off: list[float], counts: list[np.ndarray]) -> list[float]:
    """Take the mean for each draw, and the middle 95 of 100."""
    with np.errstate(invalid="ignore"):
        drawn = sum(o * c for o, c in zip(off, counts, strict=True)) / sum(counts)
    return [float(np.quantile(drawn[np.isfinite(drawn)], q)) for q in (0.025, 0.975)]


def test_levels_again_in_plain_python(review: Review, rows: list[Row]) -> None:
    for row in review.levels.iter_rows(named=True):
        chance = TARGETS[row["target"]]
        found = [r for r in rows if r["came"]["found"]]
        came = [r["came"][row["target"]] for r in found]
        assert (row["rows"], row["open"]) == (len(found), came.count(None))
        assert row["observed"] == came.count(True)
        expected = sum(r[chance] for r in found)
        assert row["expected"] == pytest.approx(expected)
        middle = came.count(True) + came.count(None) / 2
        assert row["gap"] == pytest.approx((expected - middle) / len(found))
        counts = [r["counts"] for r in found]
        low = borders([r[chance] - (c is not False) for r, c in zip(found, came, strict=True)], counts)[0]
        high = borders([r[chance] - (c is True) for r, c in zip(found, came, strict=True)], counts)[1]
        assert (row["low"], row["high"]) == pytest.approx((low, high))


def test_labels_are_counted(review: Review, rows: list[Row]) -> None:
    for row in review.labels.iter_rows(named=True):
        came = [r["came"][row["target"]] for r in rows]
        assert [row["happened"], row["did_not"], row["open"]] == [came.count(each) for each in (True, False, None)]
        assert row["missing"] == sum(not r["came"]["found"] for r in rows)
        still_open = row["open"] - row["missing"]
        assert row["settled"] == (still_open <= 0.05 * (row["happened"] + still_open))


@pytest.mark.parametrize(("frame", "column"), [("tiers", "tier"), ("lists", "part")])
def test_tiers_and_lists_again_in_plain_python(review: Review, rows: list[Row], frame: str, column: str) -> None:
    found = getattr(review, frame)
    assert found.height
    for target in TARGETS:
        assert found.filter(target=target)["rows"].sum() == len(known(rows, target))
    for row in found.iter_rows(named=True):
        target, chance = row["target"], TARGETS[row["target"]]
        inside = [r for r in rows if r[column] == row[column]]
        own, every = known(inside, target), known(rows, target)
        assert (row["rows"], row["open"]) == (len(own), len(inside) - len(own))
        assert row["observed"] == sum(r["came"][target] for r in own)
        assert row["expected"] == pytest.approx(sum(r[chance] for r in own))
        if not own:
            assert row["rate"] is None
            continue
        rate = row["observed"] / len(own)
        assert row["rate"] == pytest.approx(rate)
        assert row["lift"] == pytest.approx(rate / (sum(r["came"][target] for r in every) / len(every)))
        off = [r[chance] - r["came"][target] for r in own]
        assert row["gap"] == pytest.approx(sum(off) / len(off))
        if row["low"] is not None:
            assert (row["low"], row["high"]) == pytest.approx(borders(off, [r["counts"] for r in own]))


def test_all_tiers_and_parts_are_told_in_their_order(review: Review) -> None:
    assert review.tiers["tier"].to_list() == [*TIERS] * 3
    assert review.lists.filter(target="reply")["part"].to_list()[-1] == "not listed"
    assert {"work", "explore"} <= set(review.lists["part"])


def test_the_top_of_the_list_again_in_plain_python(review: Review, rows: list[Row]) -> None:
    for row in review.top.iter_rows(named=True):
        own = sorted(known(rows, row["target"]), key=lambda r: -r[TARGETS[row["target"]]])
        chances = [r[TARGETS[row["target"]]] for r in own]
        hits, take = 0.0, row["share"] * len(own)
        for chance in sorted(set(chances), reverse=True):  # rows of one chance count with their mean
            tied = [r["came"][row["target"]] for r in own if r[TARGETS[row["target"]]] == chance]
            part = min(1.0, max(0.0, take / len(tied)))
            hits, take = hits + part * sum(tied), take - part * len(tied)
        happened = sum(r["came"][row["target"]] for r in own)
        assert row["captured"] == pytest.approx(hits / happened)
        assert row["rate"] == pytest.approx(hits / (row["share"] * len(own)))
        assert row["lift"] == pytest.approx(row["captured"] / row["share"])
        assert row["low"] <= row["rate"] <= row["high"]


def test_calibration_is_that_of_the_known_rows(review: Review, rows: list[Row]) -> None:
    for target, chance in TARGETS.items():
        own = known(rows, target)
        expected = reliability([r["came"][target] for r in own], [r[chance] for r in own])
        assert_frame_equal(review.reliability.filter(target=target).drop("target"), expected)


def moved(chances: list[float], level: float) -> list[float]:
    """Move chances alike in log-odds until their mean is the level."""
    low, high = -30.0, 30.0
    for _ in range(200):
        middle = (low + high) / 2
        there = [1 / (1 + (1 - p) / p * math.exp(-middle)) for p in chances]
        low, high = (low, middle) if sum(there) / len(there) > level else (middle, high)
    return there


def test_reps_again_in_plain_python(review: Review, rows: list[Row]) -> None:
    for target, chance in TARGETS.items():
        own = known(rows, target)
        usual = moved([r[chance] for r in own], sum(r["came"][target] for r in own) / len(own))
        reps = defaultdict(lambda: defaultdict(float))
        for row, one in zip(own, usual, strict=True):
            rep = reps[row["rep"]]
            rep["rows"] += 1
            rep["expected"] += row[chance]
            rep["observed"] += row["came"][target]
            rep["usual"] += one
            rep["spread"] += one * (1 - one)
        found = review.reps.filter(target=target)
        assert found["rep"].to_list() == sorted(reps)
        for row in found.iter_rows(named=True):
            rep, others = reps[row["rep"]], [each for name, each in reps.items() if name != row["rep"]]
            off = sum((each["observed"] - each["usual"]) ** 2 for each in others)
            wider = max(1.0, off / sum(each["spread"] for each in others))
            half = 1.96 * math.sqrt(wider * rep["spread"]) + 0.5
            low, high = max(0, math.ceil(rep["usual"] - half)), min(rep["rows"], math.floor(rep["usual"] + half))
            told = [row[name] for name in ("rows", "observed", "low", "high")]
            assert told == [rep["rows"], rep["observed"], low, high]
            assert row["expected"] == pytest.approx(rep["expected"])
            assert row["usual"] == pytest.approx(rep["usual"])
            assert row["open"] == sum(r["rep"] == row["rep"] and r["came"][target] is None for r in rows)
            verdict = "fewer" if row["observed"] < low else "more" if row["observed"] > high else "as usual"
            assert row["verdict"] == verdict
        assert found["usual"].sum() == pytest.approx(found["observed"].sum())


def test_the_order_of_rows_changes_no_bit(
    scored: pl.DataFrame, later: dict[datetime, pl.DataFrame], worklist: pl.DataFrame, review: Review
) -> None:
    shuffled = scored.sample(fraction=1, shuffle=True, seed=2)
    repeated = pl.concat([shuffled, shuffled.head(20)])
    again = review_scores(
        repeated,
        {when: export.sample(fraction=1, shuffle=True, seed=3) for when, export in later.items()},
        worklist=worklist.sample(fraction=1, shuffle=True, seed=4),
    )
    for name in FRAMES:
        assert_frame_equal(getattr(again, name), getattr(review, name), check_exact=True)


def test_files_give_what_frames_give(
    scored: pl.DataFrame,
    later: dict[datetime, pl.DataFrame],
    worklist: pl.DataFrame,
    review: Review,
    tmp_path: Path,
) -> None:
    (when, export), *_ = later.items()
    for frame, name in ((scored, "scored.csv"), (export, "later.csv"), (worklist, "list.csv")):
        write_frame(frame, tmp_path / name)
    again = review_scores(tmp_path / "scored.csv", {when: tmp_path / "later.csv"}, worklist=tmp_path / "list.csv")
    for name in FRAMES:
        assert_frame_equal(getattr(again, name), getattr(review, name), check_exact=False)


def test_it_goes_into_json_and_words(review: Review) -> None:
    found = json.loads(json.dumps(review.to_dict(), allow_nan=False))
    assert set(FRAMES) <= set(found)
    assert found["verdict"] == review.verdict
    text = review.to_text()
    for sentence in review.verdict:
        assert sentence in text
    for row in review.levels.iter_rows(named=True):
        assert f"{row['observed']:,}" in text
        assert f"where {row['expected']:,.0f} were expected" in text
    for row in review.top.iter_rows(named=True):
        assert f"first {row['share']:.0%}: " in text
        assert f"; {1 / row['rate']:.1f} contacts for each" in text


def test_without_a_worklist_there_are_no_lists(scored: pl.DataFrame, later: dict[datetime, pl.DataFrame]) -> None:
    review = review_scores(scored, later)
    assert review.lists.height == 0
    assert "worklist" not in review.to_text()


def test_a_worklist_without_parts_is_listed_or_not(
    scored: pl.DataFrame, later: dict[datetime, pl.DataFrame], worklist: pl.DataFrame
) -> None:
    bare = worklist.select("rep", "crm_id", "email")
    stranger = pl.DataFrame({"rep": ["x@us.example"], "crm_id": ["nobody"], "email": [None]}, schema=bare.schema)
    review = review_scores(scored, later, worklist=pl.concat([bare, stranger]))
    assert review.lists["part"].unique().sort().to_list() == ["listed", "not listed"]
    assert review.strangers == 1
    assert "1 row(s) of the worklist are not among the scored" in review.to_text()


def test_keys_are_found_again_in_a_list_for_a_spreadsheet(
    scored: pl.DataFrame, later: dict[datetime, pl.DataFrame], tmp_path: Path
) -> None:
    signed = [frame.with_columns(crm_id="-" + pl.col("crm_id")) for frame in (scored, *later.values())]
    listed = scoring.prioritise(signed[0], per_rep=2).rows
    write_list(listed, tmp_path / "list.csv")
    review = review_scores(signed[0], dict(zip(later, signed[1:], strict=True)), worklist=tmp_path / "list.csv")
    assert "'-" in (tmp_path / "list.csv").read_text()
    assert review.strangers == 0


def test_rows_missing_later_are_counted_and_not_guessed(
    scored: pl.DataFrame, later: dict[datetime, pl.DataFrame], review: Review
) -> None:
    gone = review_scores(scored, {when: export[40:] for when, export in later.items()})
    before, now = (one.labels["missing"].to_list() for one in (review, gone))
    assert all(some < more for some, more in zip(before, now, strict=True))
    totals = [pl.sum_horizontal("happened", "did_not", "open").alias("rows")]
    assert_frame_equal(gone.labels.select(totals), review.labels.select(totals))
    assert gone.levels["rows"].to_list() == [scored.height - missing for missing in now]


def test_before_the_30_days_are_over_no_level_is_judged(scored: pl.DataFrame, pair: tuple[Any, ...]) -> None:
    organisation = draw_organisation(17, Settings(rows=400, closed=False, one_row_a_contact=False, days=400))
    soon = pair[0] + timedelta(days=12)
    review = review_scores(scored, {soon: organisation.export(soon)})
    assert review.until == soon
    assert not review.labels["settled"].any()
    assert "they are not over" in review.verdict[0]
    assert not any("recalibrate" in sentence for sentence in review.verdict)


def test_chances_that_are_too_low_are_found_out(scored: pl.DataFrame, later: dict[datetime, pl.DataFrame]) -> None:
    halved = scored.with_columns(pl.col(*TARGETS.values()) / 4)
    review = review_scores(halved, later)
    assert (review.levels.filter(pl.col("target") == "engaged")["high"] < 0).all()
    assert "too low" in review.verdict[0]
    assert "recalibrate" in review.verdict[-1]


def test_a_rep_whose_contacts_all_reply_is_named_and_cannot_write_a_line_of_its_own(
    scored: pl.DataFrame, later: dict[datetime, pl.DataFrame], review: Review
) -> None:
    lucky = review.reps.filter(target="engaged").sort("rows", descending=True)["rep"][0]
    mine = pl.col("source_email").str.to_lowercase() == lucky
    evil = "a@x.example\n- all is well\x1b[2j"
    rep = pl.when(mine).then(pl.lit(evil)).otherwise("source_email").alias("source_email")
    (when, export), *_ = later.items()
    last = when - timedelta(days=9)
    changed = export.with_columns(
        pl.when(mine).then(pl.col(name) + 1).otherwise(pl.col(name)).alias(name)
        for name in ("total_inbound", "total_inbound_30d", "total_emails", "total_emails_30d")
    ).with_columns(
        last_inbound_time=pl.when(mine).then(pl.lit(last)).otherwise(pl.col("last_inbound_time")),
        last_engaged_time=pl.when(mine).then(pl.max_horizontal("last_engaged_time", pl.lit(last))).otherwise(
            pl.col("last_engaged_time")
        ),
    )  # fmt: skip
    found = review_scores(scored.with_columns(rep), {when: changed.with_columns(rep)})
    row = found.reps.row(by_predicate=(pl.col("rep") == evil) & (pl.col("target") == "engaged"), named=True)
    assert row["verdict"] == "more"
    assert "a@x.example - all is well [2j: " in found.to_text()
    assert "\x1b" not in found.to_text()


def test_no_feature_is_computed_to_see_what_happened(
    scored: pl.DataFrame, later: dict[datetime, pl.DataFrame], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(snapshots, "compute")
    assert review_scores(scored, later).levels.height == 3


def test_suppressed_contacts_are_in_no_figure(scored: pl.DataFrame, later: dict[datetime, pl.DataFrame]) -> None:
    one = scored.filter(pl.col("email").is_not_null())["email"][0]
    gone = scored.filter(pl.col("email").str.to_lowercase().eq_missing(one.lower()).not_())
    suppressed = review_scores(scored, later, suppress=[one])
    assert suppressed.labels.select("happened", "did_not", "open").sum_horizontal().max() <= gone.height


def test_what_cannot_be_reviewed_is_refused(scored: pl.DataFrame, later: dict[datetime, pl.DataFrame]) -> None:
    (when, export), *_ = later.items()
    with pytest.raises(InputError, match="no scores"):
        review_scores(export, later)
    with pytest.raises(InputError, match="not later than the scores"):
        review_scores(scored, {when - HORIZON: export})
    strangers = export.with_columns(crm_id="x" + pl.col("crm_id"), email="x" + pl.col("email"))
    with pytest.raises(InputError, match="nothing is proved"):
        review_scores(scored, {when: strangers})
    with pytest.raises(InputError, match="lacks one of the columns"):
        review_scores(scored, later, worklist=pl.DataFrame({"crm_id": ["1"]}))
    with pytest.raises(InputError, match="is among the scored"):
        review_scores(scored, later, worklist=pl.DataFrame({"rep": ["x"], "crm_id": ["y"], "email": [None]}))
    with pytest.raises(InputError, match="cannot be read"):
        review_scores(scored, later, worklist="nowhere.csv")
    with pytest.raises(InputError, match="was scored"):
        review_scores(scored.clear(), later)


def test_reps_no_better_than_their_contacts_are_mostly_as_usual() -> None:
    told = []
    for seed in range(100_201, 100_209):
        organisation = draw_organisation(seed, Settings(rows=900, days=300))
        when = organisation.start + timedelta(days=200)
        scored = scoring.score(organisation.export(when), as_of=when)
        after = when + HORIZON
        reps = review_scores(scored, {after: organisation.export(after)}).reps
        told += reps.filter(pl.col("target") == "engaged", pl.col("usual") >= 3)["verdict"].to_list()
    assert len(told) > 50
    assert told.count("as usual") / len(told) > 0.9
