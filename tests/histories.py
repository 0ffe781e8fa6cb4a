"""What happened, in plain Python: in simulated organisations and in rows made by hand, and how exports show it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import polars as pl
from polars.testing import assert_series_equal

from scoring import schema
from scoring.config import TARGETS
from scoring.simulation import Organisation, Settings, draw_organisation

DAY, HOUR, SECOND = timedelta(days=1), timedelta(hours=1), timedelta(seconds=1)
MONTH = 30 * DAY
START = datetime(2026, 1, 1, tzinfo=UTC)
KINDS = {0: "inbound", 1: "outbound", 2: "meetings"}
CASES = ((1, False), (2, True), (3, False), (4, True))  # seed, and whether a contact has one row

Times = dict[str, Sequence[datetime]]
Truth = dict[str, bool | None]


@cache
def drawn(seed: int, one_row: bool = False, rows: int = 300) -> Organisation:
    return draw_organisation(seed, Settings(rows=rows, days=420, one_row_a_contact=one_row))


def date_of(organisation: Organisation) -> datetime:
    return organisation.start + 230 * DAY


@cache
def times_of(organisation: Organisation) -> list[Times]:
    """Say for each row of the organisation when what happened."""
    found: list[dict[str, list[datetime]]] = [
        {kind: [] for kind in KINDS.values()} for _ in organisation.profiles.rows()
    ]
    for event in organisation.events.iter_rows(named=True):
        found[event["row"]][KINDS[event["kind"]]].append(event["time"])
    return found


def known_at(organisation: Organisation, when: datetime) -> list[int]:
    """Number the rows that an export holds, in its order."""
    listed = organisation.profiles["in_crm_before"].to_list()
    touched = [any(time < when for some in times.values() for time in some) for times in times_of(organisation)]
    return [row for row, in_crm in enumerate(listed) if in_crm or touched[row]]


def truth(times: Times, start: datetime, until: datetime) -> Truth:
    """Say what happened from `start` on and before `until`."""
    inside = {kind: [time for time in some if start <= time < until] for kind, some in times.items()}
    inbound, outbound = inside["inbound"], inside["outbound"]
    answered = any(came > went for came in inbound for went in outbound)
    return {
        "reply": bool(inbound),
        "meeting": bool(inside["meetings"]),
        "answer": answered if outbound else None,
        "engaged": bool(inbound or inside["meetings"]),
    }


def truths(organisation: Organisation, start: datetime, until: datetime) -> pl.DataFrame:
    times = times_of(organisation)
    found = [truth(times[row], start, until) for row in known_at(organisation, start)]
    return pl.DataFrame(found, schema=dict.fromkeys(TARGETS, pl.Boolean))


def assert_true(labels: pl.DataFrame, true: pl.DataFrame) -> None:
    for target in TARGETS:
        proved = labels[target].is_not_null()
        assert_series_equal(labels[target].filter(proved), true[target].filter(proved))


def altered(organisation: Organisation, cut: datetime, seed: int) -> Organisation:
    """Let other things happen from a date on: all that did is gone, and noise is in its place."""
    rng = random.Random(seed)
    rows = [rng.randrange(organisation.profiles.height) for _ in range(2000)]
    noise = {
        "row": rows,
        "kind": [rng.choice((0, 1, 2)) for _ in rows],
        "seconds_spent": [rng.randrange(9000) for _ in rows],
        "time": [cut + timedelta(seconds=rng.randrange(30 * 86_400)) for _ in rows],
    }
    before = organisation.events.filter(pl.col("time") < cut)
    added = pl.DataFrame(noise, schema_overrides=before.schema).select(before.columns)
    return replace(organisation, events=pl.concat([before, added]).sort("row", "time", "kind", "seconds_spent"))


def seen(times: Times, when: datetime, key: str) -> dict[str, Any]:
    """Write the row that an export of that date has of what happened."""
    row: dict[str, Any] = {"crm_id": key}
    past = {kind: [time for time in some if time < when] for kind, some in times.items()}
    everything = [time for some in past.values() for time in some]
    for kind, some in past.items():
        row[f"total_{kind}"] = len(some)
        row[f"total_{kind}_30d"] = sum(time >= when - MONTH for time in some)
    for name, some in {"inbound": past["inbound"], "outbound": past["outbound"], "engaged": everything}.items():
        row[f"first_{name}_time"], row[f"last_{name}_time"] = min(some, default=None), max(some, default=None)
    return row


def frame(rows: Sequence[dict[str, Any]]) -> pl.DataFrame:
    """Make a typed table of rows, which may lack cells."""
    columns = {
        field.name: pl.Series([row.get(field.name) for row in rows], dtype=field.dtype) for field in schema.FIELDS
    }
    return pl.DataFrame(columns)


def mails(
    kind: str, total: int | None, recent: int | None = None, first: Any = None, last: Any = None
) -> dict[str, Any]:
    """Write the cells of one kind of mail; times as days from the start."""
    times = {f"first_{kind}_time": first, f"last_{kind}_time": last}
    return {f"total_{kind}": total, f"total_{kind}_30d": recent} | {
        name: None if days is None else START + days * DAY for name, days in times.items()
    }
