"""``scoring accounts``: the same as the function, for people, programs and spreadsheets."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.accounts import roll_up
from scoring.percentages import in_percent
from scoring.writing import write_frame

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def path(scored: pl.DataFrame, tmp_path: Path) -> Path:
    gone = pl.int_range(pl.len()) % 9 == 0
    keys = [pl.when(~gone).then(pl.col(name)).alias(name) for name in ("account_domain", "account_crm_id")]
    write_frame(scored.with_columns(keys), tmp_path / "scored.csv")
    return tmp_path / "scored.csv"


def test_it_shows_the_first_accounts_and_where_all_rows_went(path: Path, run: Run) -> None:
    code, out, err = run("accounts", path, "--top", 3)
    accounts = roll_up(path)
    known = accounts.drop_nulls("account")
    assert (code, err) == (0, "")
    for place, row in enumerate(known.head(3).iter_rows(named=True), start=1):
        least, most = row["anyone_engages_at_least"], row["anyone_engages"]
        from_, to = in_percent(least), in_percent(most)
        shown = to if from_ == to else f"{from_.removesuffix('%')} to {to}"
        assert f"\n{place:>3}  {shown:>11}  " in out
        assert row["account"] in out
        assert f"best way in: {row['best_contact']}" in out
    lines = re.findall(r" engaged: (.*?) best way", " ".join(out.split()))
    told = [re.findall(r" (\d+)(?=[,;]|$)", line) for line in lines]
    engaged = known.head(3).filter(pl.col("engaged_contacts") > 0)["engaged_contacts"].to_list()
    assert [sum(map(int, numbers)) for numbers in told] == [2 * count for count in engaged]
    rows, without = known["rows"].sum(), accounts["rows"].sum() - known["rows"].sum()
    assert f"{known.height:,} accounts of {rows:,} rows; {without:,} rows have no account" in out
    single = known["threads"].cast(pl.String).str.starts_with("one").sum()
    assert f"{single:,} hang on one contact or one rep, {(known['threads'] == 'silent').sum():,} are silent" in out


def test_the_file_holds_all_of_it(path: Path, run: Run) -> None:
    code, out, _ = run("accounts", path, "-o", "accounts.parquet", "--top", 0)
    assert code == 0
    assert_frame_equal(pl.read_parquet("accounts.parquet"), roll_up(path))
    assert out.endswith("The accounts: accounts.parquet\n")
    assert "best way in:" not in out


def test_json_is_one_document(path: Path, run: Run) -> None:
    code, out, _ = run("accounts", path, "--json")
    found = json.loads(out)
    assert code == 0
    assert [row["account"] for row in found] == roll_up(path)["account"].to_list()


@pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning")
def test_text_of_others_neither_runs_nor_steers(when: datetime, tmp_path: Path, run: Run) -> None:
    row = {"crm_id": "1", "total_inbound": 3, "account_domain": "=cmd|x", "account_name": "@SUM(A1)\x1b[2J"}
    contacts = pl.DataFrame([{**row, "first_name": "=HYPERLINK(1)"}])
    write_frame(scoring.score(contacts, as_of=when), tmp_path / "scored.parquet")
    code, out, _ = run("accounts", "scored.parquet", "-o", "accounts.csv")
    assert code == 0
    assert "\x1b" not in out
    written = pl.read_csv("accounts.csv").row(0, named=True)
    assert (written["account"], written["account_name"][:2], written["best_contact"][:2]) == ("'=cmd|x", "'@", "'=")


def test_a_person_who_objected_is_not_in_it(path: Path, run: Run, tmp_path: Path) -> None:
    objector = roll_up(path)["best_email"][0]
    (tmp_path / "objected.txt").write_text(objector)
    code, out, _ = run("accounts", path, "--suppress", "objected.txt", "-o", "accounts.csv", "--top", 1000)
    assert code == 0
    assert objector not in out
    assert objector not in Path("accounts.csv").read_text()


def test_what_cannot_be_used_ends_with_3(path: Path, export_csv: Path, run: Run) -> None:
    assert run("accounts")[0] == 2
    assert run("accounts", export_csv)[0] == 3
    assert run("accounts", path, "-o", path)[0] == 3
    assert run("accounts", path, "-o", "accounts.txt")[0] == 3
