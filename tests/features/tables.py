"""Typed tables made to hurt: few keys in many spellings, nulls, contradictions, times and counts far out."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import strategies as st

from scoring import schema

from .oracle import Cells

AS_OF = datetime(2026, 3, 1, 9, 30, 0, 250_000, tzinfo=UTC)
USED = tuple(
    field.name for field in schema.FIELDS if field.role in ("activity", "profile", "upcoming", "key")
)  # what features and keys are made of

KEYS = {
    "source_email": ("ann@our.example", "ANN@our.example", " Ann@Our.Example ", "bo@our.example", "ÉVA@our.example"),
    "email": ("x@acme.example", "X@ACME.example", "x@acme.example\t", "y@acme.example", "éva@our.example"),
    "account_domain": ("acme.example", "ACME.example", "globex", "Straße.example", "001A"),
    "account_crm_id": ("001a", "001A", "002b"),
    "crm_id": ("1", "2", "3"),
}
WORDS = ("VP, Sales", "Manager", "Entry", "c-level", "Legal", "IT", "Kommunikation", "", " ")
NEAR = (-900 * 86_400, -30 * 86_400, -7 * 86_400, -86_400, -86_399, -1, 0, 1, 86_400, 40 * 86_400)


def _time(days: float, microseconds: int) -> datetime:
    return AS_OF + timedelta(days=days, microseconds=microseconds)


times = st.one_of(
    st.sampled_from(NEAR).map(lambda seconds: AS_OF + timedelta(seconds=seconds)),
    st.builds(_time, st.integers(-2000, 100), st.integers(-999_999, 999_999)),
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)),  # noqa: DTZ001
)
counts = st.one_of(st.integers(0, 3), st.integers(0, 400), st.sampled_from((0, 1, 2, 10**6, 10**15)))
_BY_KIND = {"count": counts, "time": times, "flag": st.booleans(), "number": st.floats(0, 9), "text": st.just("text")}


def _cell(field: schema.Field) -> st.SearchStrategy[object]:
    if field.name in KEYS:
        return st.sampled_from(KEYS[field.name])
    return st.sampled_from(WORDS) if field.role == "profile" and field.kind == "text" else _BY_KIND[field.kind]


_FULL = st.fixed_dictionaries({field.name: _cell(field) for field in schema.FIELDS})
_GAPPED = st.fixed_dictionaries({field.name: st.none() | _cell(field) for field in schema.FIELDS})
tables = st.lists(_FULL | _GAPPED, min_size=1, max_size=8).map(lambda rows: frame(rows))


def frame(rows: list[Cells]) -> pl.DataFrame:
    """Make a typed table of rows, which may lack cells."""
    filled = [{name: row.get(name) for name in schema.NAMES} for row in rows]
    return pl.DataFrame(filled, schema={field.name: field.dtype for field in schema.FIELDS})


def random_table(seed: int, rows: int) -> pl.DataFrame:
    """Draw a larger table of the same kind: mostly sensible rows of a few reps, contacts and accounts."""
    rng = random.Random(seed)

    def moment() -> datetime:
        return _time(rng.choice((-3, -40, -900, 5)) * rng.random(), rng.choice((0, 0, rng.randint(-999_999, 999_999))))

    draws = {
        "count": lambda: rng.choice((0, 0, 1, 2, rng.randint(0, 60), rng.randint(0, 5000), 10**12)),
        "time": moment,
        "flag": lambda: rng.random() < 0.5,
        "number": rng.random,
        "text": lambda: rng.choice(WORDS),
    }
    gaps = [rng.choice((0.0, 0.02, 0.3)) for _ in range(rows)]
    table = []
    for gap in gaps:
        row = {field.name: draws[field.kind]() for field in schema.FIELDS}
        row |= {name: rng.choice(texts) for name, texts in KEYS.items()}
        for key in ("source_email", "email", "account_domain"):
            row[key] = rng.choice((row[key], row[key], f"{rng.randint(0, rows // 4)}{row[key]}"))
        table.append({name: None if rng.random() < gap else cell for name, cell in row.items()})
    return frame(table)
