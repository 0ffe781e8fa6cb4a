"""``scoring audit``: the same as the function, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from scoring.audit import audit_exports
from scoring.simulation import Organisation

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def pair(organisation: Organisation, when: datetime, tmp_path: Path) -> list[Path]:
    paths = []
    for date in (when - timedelta(days=30), when):
        paths.append(tmp_path / f"{date:%Y%m%dT%H%M%S}.parquet")
        organisation.export(date).write_parquet(paths[-1])
    return paths


def dated(when: datetime) -> list[str]:
    return ["--as-of", f"{when - timedelta(days=30):%FT%TZ}", "--as-of", f"{when:%FT%TZ}"]


def test_it_says_what_the_function_says(pair: list[Path], when: datetime, run: Run) -> None:
    code, out, err = run("audit", *pair, *dated(when))
    wanted = audit_exports({when - timedelta(days=30): pair[0], when: pair[1]})
    assert (code, err) == (0, "")
    assert out.strip() == wanted.to_text()
    assert "total_inbound" in out


def test_json_is_one_document(pair: list[Path], when: datetime, run: Run) -> None:
    code, out, _ = run("audit", *pair, *dated(when), "--json")
    assert code == 0
    table = json.loads(out)["table"]
    assert {"history", "same_export"} <= {row["labels"] for row in table}


def test_a_leak_is_told(pair: list[Path], when: datetime, run: Run) -> None:
    later = pl.read_parquet(pair[1]).select("crm_id", "email", "source_email", grown=pl.col("total_inbound"))
    earlier = pl.read_parquet(pair[0])
    grown = earlier.join(later, on=["crm_id", "email", "source_email"], how="left", nulls_equal=True)
    leak = (grown["grown"] > earlier["total_inbound"]).fill_null(False).cast(pl.Int64)
    earlier.with_columns(total_meetings=leak).write_parquet(pair[0])
    code, out, _ = run("audit", *pair, *dated(when))
    assert code == 0
    assert "too good to be true: total_meetings" in out


def test_without_a_file_it_is_not_understood(run: Run) -> None:
    assert run("audit")[0] == 2
    assert run("audit", "nothing.csv")[0] == 3
