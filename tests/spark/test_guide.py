"""The page on Spark: what it shows runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import scoring
from scoring.simulation import Settings, draw_organisation
from scoring.writing import write_frame

PAGE = (Path(__file__).parent.parent.parent / "guide" / "spark.md").read_text("utf-8")


def test_the_page_runs(spark: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    organisation = draw_organisation(11, Settings(rows=600, closed=False, one_row_a_contact=False, days=400))
    last = organisation.dates(1)[0]
    for days, name in ((30, "2026-02-04"), (0, "2026-03-06")):
        export = organisation.export(last - timedelta(days=days))
        moved = pl.col(pl.Datetime("us", "UTC")) + (datetime(2026, 3, 6, tzinfo=UTC) - last)
        write_frame(export.with_columns(moved), tmp_path / f"contacts-{name}.csv")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    blocks = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert blocks
    for block in blocks:
        exec(compile(block, "spark.md", "exec"), names)
    scored = pl.read_parquet(tmp_path / "scored" / "*.parquet")
    expected = scoring.score(tmp_path / "contacts-2026-03-06.csv", as_of="2026-03-06")
    assert scored.height == expected.height
    assert names["scored"].columns == expected.columns
    assert scoring.load_model("models/acme").id == names["model"].id
    assert scored["priority"].sort().to_list() == expected["priority"].sort().to_list()
