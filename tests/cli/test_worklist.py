"""``scoring worklist``: what it writes, what it shows, and how it ends when it cannot."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.writing import write_frame

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def scored_csv(scored: pl.DataFrame, tmp_path: Path) -> Path:
    write_frame(scored, tmp_path / "scored.csv")
    return tmp_path / "scored.csv"


def test_the_file_holds_what_the_function_gives(run: Run, scored_csv: Path, scored: pl.DataFrame) -> None:
    code, out, err = run("worklist", scored_csv, "-o", "lists.parquet", "--per-rep", 7, "--per-account", 2, "--top", 1)
    assert (code, err) == (0, "")
    expected = scoring.prioritise(scored, per_rep=7, per_account=2)
    assert pl.read_parquet("lists.parquet").equals(expected.rows)
    total = expected.total()
    assert f"{total['listed']:,} contacts to work for" in out
    assert f"{total['replies']:.1f} replies, {total['meetings']:.1f} meeting" in out
    first = expected.summary.filter(pl.col("listed") > 0).row(0, named=True)
    assert f"{first['replies']:.1f} replies ({first['replies_low']} to {first['replies_high']})" in out
    assert out.rstrip().endswith("The lists: lists.parquet")


def test_every_option_reaches_the_rules(run: Run, scored: pl.DataFrame, scored_csv: Path) -> None:
    rep = scored["source_email"][0]
    options = (
        "--per-rep",
        4,
        "--rep",
        f"{rep}=2",
        "--per-account",
        "all",
        "--account-total",
        2,
        "--cooldown",
        0,
        "--prepare",
        30,
    )
    more = ("--evidence", "enough", "--explore", 0.5, "--weight", "reply=1", "--weight", "meeting=3")
    code, out, _ = run("worklist", scored_csv, *options, *more, "--value", "total_inbound", "--json")
    assert code == 0
    expected = scoring.prioritise(
        scored,
        per_rep=dict.fromkeys(scored["source_email"].drop_nulls().unique(), 4) | {rep: 2},
        per_account=None,
        account_total=2,
        cooldown_days=0,
        prepare_days=30,
        evidence="enough",
        explore=0.5,
        weights={"reply": 1, "meeting": 3},
        value="total_inbound",
    )
    assert json.loads(out) == json.loads(json.dumps(expected.to_dict())) | {"warning": None}


def test_the_top_of_each_list_is_shown(run: Run, scored: pl.DataFrame, scored_csv: Path) -> None:
    _, out, _ = run("worklist", scored_csv, "--top", 2)
    work = scoring.prioritise(scored)
    rep = work.summary.filter(pl.col("listed") > 2)["rep"][0]
    shown = out[out.index(f"{rep}: ") :].split("\n\n")[0]
    mine = work.rows.filter(pl.col("rep") == rep, pl.col("part") != "prepare")
    flat = " ".join(shown.split())
    assert all(step in flat for step in mine["next_step"].head(2))
    assert all(name in flat for name in mine["name"].head(2))
    assert mine["name"][2] not in flat
    listed = work.summary.filter(pl.col("listed") + pl.col("prepare") > 0).height
    assert out.count("  expected: ") == min(10, listed)
    assert (f"the lists of {listed - 10:,} more reps" in out) == (listed > 10)
    assert "  expected: " not in run("worklist", scored_csv, "--top", 0)[1]


def test_more_in_tier_a_than_reps_can_work_is_said(run: Run, scored: pl.DataFrame, scored_csv: Path) -> None:
    held = scored.filter(tier="A").group_by("source_email").len()
    over = held.filter(pl.col("len") > 4).height
    assert over
    code, out, _ = run("worklist", scored_csv, "--per-rep", 1)
    assert code == 0
    assert f"Mind: {over} of {scored['source_email'].n_unique()} reps ha" in out
    warning = json.loads(run("worklist", scored_csv, "--per-rep", 1, "--json")[1])["warning"]
    assert f"Mind: {warning}.\n" in out
    assert "Mind: " not in run("worklist", scored_csv, "--per-rep", int(held["len"].max() or 0))[1]
    everybody = "\n".join(scored.filter(tier="A")["email"].drop_nulls())
    Path("objected.txt").write_text(everybody)
    told = run("worklist", scored_csv, "--per-rep", 1, "--suppress", "objected.txt")[1]
    assert f"Mind: {over} of" not in told


def test_what_is_suppressed_is_nowhere(run: Run, scored: pl.DataFrame, scored_csv: Path) -> None:
    victim = scoring.prioritise(scored).rows["email"][0]
    Path("objected.txt").write_text(f"{victim}\n")
    for more in (("--top", 100), ("--json",), ("-o", "lists.csv")):
        code, out, err = run("worklist", scored_csv, "--suppress", "objected.txt", *more)
        assert code == 0
        assert victim not in out + err
    assert victim not in Path("lists.csv").read_text("utf-8")
    assert "1 suppressed" in out


def test_text_of_others_does_no_harm(run: Run, scored: pl.DataFrame, tmp_path: Path) -> None:
    names = ['=HYPERLINK("http://x.example","y")', "Ann\x1b[2J\u202e", "<script>alert(1)</script>", "\U0001f600"]
    work = scoring.prioritise(scored)
    first = work.rows["crm_id"][0]
    for name in names:
        changed = pl.when(pl.col("crm_id") == first).then(pl.lit(name))
        bad = scored.with_columns(
            changed.otherwise(pl.col(field)).alias(field) for field in ("first_name", "job_title", "account_name")
        )
        write_frame(bad, tmp_path / "bad.parquet")
        code, out, _ = run("worklist", "bad.parquet", "-o", "lists.csv", "--top", 100)
        assert code == 0
        assert "\x1b" not in out
        assert "\u202e" not in out
        row = pl.read_csv("lists.csv", infer_schema=False).filter(pl.col("crm_id") == first)
        assert row["account_name"][0] == (f"'{name}" if name.startswith("=") else name)
        assert run("worklist", "bad.parquet", "-o", "lists.parquet")[0] == 0
        data = pl.read_parquet("lists.parquet").filter(pl.col("crm_id") == first)
        assert data["account_name"][0] == name  # a data file stays true


def test_a_scored_export_goes_through(run: Run, export_csv: Path) -> None:
    assert run("score", export_csv, "-o", "scored.csv")[0] == 0
    code, out, err = run("worklist", "scored.csv")
    assert (code, err) == (0, "")
    assert "contacts to work for" in out


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("contacts.csv",), 3, "`scoring score FILE`"),
        (("missing.csv",), 3, "there is no such file"),
        (("scored.csv", "-o", "scored.csv"), 3, "is the input"),
        (("scored.csv", "-o", "lists.txt"), 3, "no ending"),
        (("scored.csv", "--explore", "2"), 3, "`explore`"),
        (("scored.csv", "--evidence", "some"), 3, "`evidence`"),
        (("scored.csv", "--value", "deal"), 3, "no column 'deal'"),
        (("scored.csv", "--weight", "reply"), 2, "--weight is 'reply'"),
        (("scored.csv", "--weight", "reply=much"), 2, "--weight is 'reply=much'"),
        (("scored.csv", "--weight", "sale=1"), 3, "`weights`"),
        (("scored.csv", "--rep", "ann@our.example=1.5"), 2, "whole number of places"),
        (("scored.csv", "--rep", "=3"), 2, "--rep is '=3'"),
        (("scored.csv", "--per-account", "some"), 2, "--per-account"),
        (("scored.csv", "--top", "-1"), 2, "--top is -1"),
        ((), 2, "SCORED"),
    ],
)
def test_what_cannot_be_is_said(
    arguments: tuple[str, ...], code: int, message: str, run: Run, scored_csv: Path, contacts: pl.DataFrame
) -> None:
    write_frame(contacts, scored_csv.with_name("contacts.csv"))
    before = sorted(path.name for path in Path().iterdir())
    found, out, err = run("worklist", *arguments)
    assert (found, out) == (code, "")
    assert message in err
    assert sorted(path.name for path in Path().iterdir()) == before
