"""Real exports, where they lie beside the project: each is scored whole, and dated right."""

from __future__ import annotations

import csv
import json
import math
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.cli import main
from scoring.prediction import COLUMNS

EXPORTS = Path(__file__).parent.parent.parent / "shared" / "exports"
TABLES = sorted(EXPORTS.glob("*/contacts-*.parquet"))
NAMES = ("old", "new")
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


@pytest.fixture(scope="module")
def monday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """October's list and November's export of one organisation, and every file that the command line makes of them."""
    folder = tmp_path_factory.mktemp("monday")
    old, new = (str(EXPORTS / "enron" / f"contacts-2001-{month}-01.parquet") for month in ("10", "11"))
    lists = ["--per-rep", "20", "--per-account", "3"]
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for arguments in (
            ["score", old, "-o", "old.csv"],
            ["score", new, "-o", "new.csv"],
            ["worklist", "old.csv", *lists, "-o", "old-lists.csv"],
            ["worklist", "new.csv", *lists, "-o", "new-lists.csv"],
            ["accounts", "new.csv", "-o", "accounts.csv"],
            ["compare", "old.csv", "new.csv", "-o", "moves.csv"],
            ["report", "old.csv", "--later", new, "-o", "old.html"],
            ["report", "new.csv", "-o", "new.html"],
            ["write-back", "new.csv", "--to", "salesforce", "-o", "crm", "--changed-since", "old.csv"],
        ):
            assert main(arguments) == 0
    return folder


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.mark.parametrize("which", ["old", "new"])
def test_worklists_of_a_month_keep_their_limits(which: str, monday: Path) -> None:
    scored = {(row["source_email"], row["crm_id"]): row for row in rows_of(monday / f"{which}.csv")}
    listed = rows_of(monday / f"{which}-lists.csv")
    assert len(listed) > 1000
    assert max(Counter(row["rep"] for row in listed).values()) == 20
    assert max(Counter((row["rep"], row["account"]) for row in listed).values()) == 3
    assert len({(row["rep"], row["crm_id"]) for row in listed}) == len(listed)
    same = ("priority", "reply_probability", "tier", "reasons")
    for row in listed:
        assert [row[name] for name in same] == [scored[row["rep"], row["crm_id"]][name] for name in same]
        assert re.fullmatch(r"[a-z]+( [a-z]+)*: [^ ]+( [^ ]+)*", row["next_step"])
        assert not re.search(r"\bnan\b|null|None|\d{4}-\d\d", row["next_step"])


def test_moves_of_a_month_add_up(monday: Path) -> None:
    then, now = ({(row["source_email"], row["crm_id"]): row for row in rows_of(monday / f"{n}.csv")} for n in NAMES)
    moves = {(row["source_email"], row["crm_id"]): row for row in rows_of(monday / "moves.csv")}
    assert moves.keys() == then.keys() | now.keys()
    both = {key: row for key, row in moves.items() if row["status"] == "both"}
    assert both.keys() == then.keys() & now.keys()
    for key, row in both.items():
        for whole in ("move", "chance"):
            parts = [float(row[f"{whole}_{part}"]) for part in ("model", "time", "activity", "context")]
            assert math.fsum(parts) == pytest.approx(float(row[whole]), abs=1e-12)
        before, after = (float(scores[key]["priority"]) for scores in (then, now))
        assert float(row["chance"]) == pytest.approx(after - before, abs=1e-12)
        assert [row["old_tier"], row["new_tier"]] == [then[key]["tier"], now[key]["tier"]]
    quiet = [float(row["move_time"]) for row in both.values() if float(row["move_activity"]) == 0]
    assert len(quiet) > 100
    assert sum(moved <= 0 for moved in quiet) > 0.9 * len(quiet)
    assert {"improving", "steady", "declining"} <= {row["trend"] for row in both.values()}


def test_a_review_agrees_with_what_really_happened(monday: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old, later = monday / "old.csv", EXPORTS / "enron" / "contacts-2001-11-01.parquet"
    assert main(["review", str(old), str(later), "--worklist", str(monday / "old-lists.csv"), "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    scored = rows_of(old)
    outcomes = pl.read_parquet(later.with_name("outcomes-2001-10-01.parquet")).to_dicts()
    happened = {row["crm_id"]: row for row in outcomes}
    for target, flag in (("reply", "replied"), ("meeting", "met")):
        level = next(row for row in told["levels"] if row["target"] == target)
        came = sum(happened.get(row["crm_id"], {flag: False})[flag] for row in scored)
        assert level["rows"] == len(scored)
        assert level["observed"] <= came <= level["observed"] + level["open"]
    for target in ("reply", "meeting", "engaged"):
        labels, *_ = (row for row in told["labels"] if row["target"] == target)
        assert labels["happened"] + labels["did_not"] + labels["open"] == len(scored)
        for frame, column in (("tiers", "tier"), ("lists", "part"), ("reps", "rep"), ("reliability", "lowest")):
            rows = [row for row in told[frame] if row["target"] == target]
            assert len({row[column] for row in rows}) == len(rows)
            assert sum(row["rows"] for row in rows) == labels["happened"] + labels["did_not"]
            if frame != "reliability":
                assert sum(row["open"] for row in rows) == labels["open"]
                assert sum(row["observed"] for row in rows) == labels["happened"]
        tiers = [row["rate"] for row in told["tiers"] if row["target"] == target]
        assert tiers == sorted(tiers, reverse=True)


def test_accounts_and_the_way_back_hold_every_row(monday: Path) -> None:
    scored = rows_of(monday / "new.csv")
    assert sum(int(row["rows"]) for row in rows_of(monday / "accounts.csv")) == len(scored)
    written = rows_of(monday / "crm" / "Contact-0001.csv")
    priority = {row["crm_id"]: 100 * float(row["priority"]) for row in scored}
    assert [row["Id"] for row in written] == sorted(priority)  # in a month every chance has moved
    for row in written:
        assert float(row["Scoring_Priority__c"]) == pytest.approx(priority[row["Id"]], abs=0.0501)


@pytest.mark.parametrize("which", NAMES)
def test_the_report_of_either_month_counts_every_row(which: str, monday: Path) -> None:
    page = re.sub(r"<style.*?</style>|<[^>]*>", " ", (monday / f"{which}.html").read_text("utf-8"), flags=re.DOTALL)
    assert f"{len(rows_of(monday / f'{which}.csv')):,}" in page
    assert not re.search(r"\bnan\b|\bNone\b|\binf\b", page)


def test_a_page_of_a_month_and_of_what_came() -> None:
    export, later = (EXPORTS / "enron" / f"contacts-2001-{month}-01.parquet" for month in ("10", "11"))
    scored = scoring.score(export)
    page = scoring.report_scores(scored, later=later)
    level = scoring.review_scores(scored, later).levels.row(by_predicate=pl.col("target") == "reply", named=True)
    first = scored.filter(pl.col("tier") == "A").height
    for figure in (f"{scored.height:,}", f"{first:,}", f"{scored['reply_probability'].sum():,.0f}"):
        assert f">{figure}</dd>" in page
    assert f">{level['observed']:,}–{level['observed'] + level['open']:,}</dd>" in page
    assert not re.search(r"<script|\bsrc=|\bnan\b|\bNone\b", page)
    proved = scoring.report_model("shipped", exports=[export, later])
    assert "This model had seen nothing of it" in proved
    assert not [rep for rep in scored["source_email"].unique() if rep in proved]
