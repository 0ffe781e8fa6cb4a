"""Real exports, where they lie beside the project: each is scored whole, and dated right."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.prediction import COLUMNS

EXPORTS = Path(__file__).parent.parent.parent / "shared" / "exports"
TABLES = sorted(EXPORTS.glob("*/contacts-*.parquet"))
CHANCES = ["reply_probability", "meeting_probability", "answer_probability", "priority"]

pytestmark = [
    pytest.mark.real,
    pytest.mark.skipif(not EXPORTS.is_dir(), reason="no real exports here"),
    pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning"),
]


def date_of(path: Path) -> datetime:
    found = re.search(r"(\d{4}-\d\d-\d\d)", path.name)
    assert found
    return datetime.fromisoformat(found[1]).replace(tzinfo=UTC)


def test_csv_and_json_of_one_export_give_the_same_scores() -> None:
    (csv,), (json,) = (sorted(EXPORTS.glob(f"*.{ending}")) for ending in ("csv", "json"))
    one, other = scoring.score(csv), scoring.score(json)
    assert_frame_equal(one.select(COLUMNS), other.select(COLUMNS), check_exact=True)
    assert abs(one["as_of"][0] - date_of(csv)) <= timedelta(days=1)


@pytest.mark.parametrize("folder", sorted({path.parent.name for path in TABLES}))
def test_every_export_is_scored_whole_and_dated_right(folder: str) -> None:
    paths = [path for path in TABLES if path.parent.name == folder]
    for path in paths:
        before = pl.read_parquet(path)
        scored = scoring.score(path)
        assert scored.height == before.height
        assert_frame_equal(scored.select(before.columns), before)
        kept = scored.filter(pl.col("problem").is_null())
        assert kept.height > 0.99 * before.height
        for name in CHANCES:
            assert kept[name].is_between(0, 1).all()
        assert abs(scored["as_of"][0] - date_of(path)) <= timedelta(days=1), path.name


@pytest.mark.parametrize("path", TABLES[:1], ids=lambda path: path.stem)
def test_a_file_of_it_adds_up(path: Path, tmp_path: Path) -> None:
    summary = scoring.score_file(path, tmp_path / "out.parquet")
    assert summary.scored + summary.rejected + summary.suppressed == summary.rows
    assert pl.scan_parquet(tmp_path / "out.parquet").select(pl.len()).collect().item() == summary.scored


def test_moves_of_a_month_add_up() -> None:
    old, new = sorted((EXPORTS / "enron").glob("contacts-2001-1*.parquet"))
    moves = scoring.compare(old, new).moves
    both = moves.filter(status="both")
    parts = [f"move_{part}" for part in ("model", "time", "activity", "context")]
    assert moves.height == pl.read_parquet(new).height
    assert both.select((pl.sum_horizontal(parts) - pl.col("move")).abs().max()).item() < 1e-9
    assert (both["new_priority"] - both["old_priority"] - both["chance"]).abs().max() < 1e-9
    quiet = both.filter(pl.col("move_activity") == 0)
    assert quiet.height > 100
    assert (quiet["move_time"] <= 0).mean() > 0.9
    assert {"improving", "steady", "declining"} <= set(both["trend"])


def test_worklists_of_a_month_keep_their_limits() -> None:
    for path in sorted((EXPORTS / "enron").glob("contacts-2001-1[01]-*.parquet")):
        scored = scoring.score(path)
        work = scoring.prioritise(scored, per_rep=20, per_account=3)
        worked = work.rows.filter(pl.col("part") != "prepare")
        assert worked.height > 1000
        assert worked.group_by("rep").len()["len"].max() <= 20
        assert worked.group_by("rep", "account").len()["len"].max() <= 3
        assert work.rows.height + work.left_out.height == scored.height
        assert work.total()["replies"] == pytest.approx(sum(worked["reply_probability"]))


def test_a_review_agrees_with_what_really_happened() -> None:
    export, later = (EXPORTS / "enron" / f"contacts-2001-{month}-01.parquet" for month in ("10", "11"))
    scored = scoring.score(export)
    review = scoring.review_scores(scored, later)
    happened = pl.read_parquet(export.with_name("outcomes-2001-10-01.parquet")).join(scored, on="crm_id", how="semi")
    for target, flag in (("reply", "replied"), ("meeting", "met")):
        row = review.levels.row(by_predicate=pl.col("target") == target, named=True)
        assert row["rows"] == scored.height
        assert row["observed"] <= happened[flag].sum() <= row["observed"] + row["open"]
    accounts = scoring.roll_up(scored)
    assert accounts["rows"].sum() == scored.height
