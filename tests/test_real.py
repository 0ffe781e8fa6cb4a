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
