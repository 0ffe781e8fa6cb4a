"""Typed tables that hypothesis draws, and the ways in which they can be written."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import polars as pl
from hypothesis import strategies as st

from scoring.schema import FIELDS, NAMES

VENDOR = "%Y-%m-%dT%H:%M:%SZ"
words = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    lambda text: text.strip() == text and not text.startswith("\ufeff")
)
safe_words = st.sampled_from(["Ann", "Böhm & Co", 'say "hi"', "a,b;c|d", "line\nbreak", "0123", "Null island", "日本"])
cells = {
    "text": safe_words,
    "flag": st.booleans(),
    "count": st.integers(0, 10**9),
    "number": st.floats(0, 1e6).map(lambda number: round(number, 6)),
    "time": st.datetimes(datetime(1995, 1, 1), datetime(2035, 1, 1)).map(  # noqa: DTZ001
        lambda time: time.replace(microsecond=0, tzinfo=UTC)
    ),
}
rows = st.fixed_dictionaries({field.name: st.none() | cells[field.kind] for field in FIELDS})


@st.composite
def tables(draw: st.DrawFn) -> pl.DataFrame:
    """Draw a typed table of one to five rows."""
    found = draw(st.lists(rows, min_size=1, max_size=5))
    return pl.DataFrame(found, schema={field.name: field.dtype for field in FIELDS})


def as_text(table: pl.DataFrame) -> pl.DataFrame:
    """Write the times as the vendor does."""
    return table.with_columns(pl.col(pl.Datetime).dt.to_string(VENDOR))


def as_json(table: pl.DataFrame, **options: object) -> str:
    """Write a JSON array."""
    return json.dumps(as_text(table).to_dicts(), **options)  # type: ignore[arg-type]


def one(name: str, cell: object) -> dict[str, object]:
    """Make a record that can be read, with one cell of interest."""
    return {"email": "a@b.example", "total_inbound": 1, "last_engaged_time": None} | {name: cell}


assert len(NAMES) == 40
