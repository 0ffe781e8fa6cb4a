"""What Monday's files hold, in plain Python: csv, json, datetime and dicts, and nothing that knows of frames.

The chain is that of the guide: two exports are scored, the newer one made into worklists, both compared, and the older
one's list held against the newer export. A `Chain` is the folder of it, read cell by cell.
"""

from __future__ import annotations

import csv
import json
import math
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from scoring.schema import FIELDS

from ..features import oracle

Cells = dict[str, Any]
Key = tuple[str, str]

CHANCES = {
    "reply": "reply_probability",
    "meeting": "meeting_probability",
    "answer": "answer_probability",
    "engaged": "priority",
}
TIERS = ("A", "B", "C", "D")
KINDS = {field.name: field.kind for field in FIELDS} | dict.fromkeys([*CHANCES.values(), "percentile"], "number")
NUMBERS = ("score", "chance", "move", "rank")


def cell(name: str, text: str) -> Any:
    """A cell of a CSV file, by the kind of its column."""
    if text == "":
        return None
    kind = KINDS.get(name, "text")
    if kind == "count":
        return int(text)
    if kind == "time" or name == "as_of":
        return datetime.fromisoformat(text).astimezone(UTC)
    if kind == "flag":
        return text == "true"
    if kind == "number" or name.startswith(NUMBERS) or name.endswith("_priority"):
        return float(text)
    return text


def read(path: Path) -> list[Cells]:
    with path.open(encoding="utf-8", newline="") as file:
        return [{name: cell(name, text) for name, text in row.items()} for row in csv.DictReader(file, strict=True)]


def key_of(row: Cells) -> Key:
    """Whose contact, and who it is."""
    rep = row["rep"] if "rep" in row else row["source_email"]
    return (rep or "").lower(), f"#{row['crm_id']}" if row["crm_id"] else f"@{row['email'].lower()}"


def by_key(rows: Iterable[Cells]) -> dict[Key, Cells]:
    """Each contact of a rep once."""
    return {key_of(row): row for row in rows}


@dataclass(frozen=True)
class Chain:
    """The folder of a Monday, with the dates of both exports and what really happened after the older one."""

    folder: Path
    then: datetime
    now: datetime
    truth: dict[Key, Cells]

    @cached_property
    def old(self) -> dict[Key, Cells]:
        return by_key(read(self.folder / "before.csv"))

    @cached_property
    def new(self) -> dict[Key, Cells]:
        return by_key(read(self.folder / "now.csv"))

    @cached_property
    def later(self) -> dict[Key, Cells]:
        return by_key(read(self.folder / f"contacts-{self.now:%Y-%m-%d}.csv"))

    def rows(self, name: str) -> list[Cells]:
        return read(self.folder / name)

    def figures(self, name: str) -> Any:
        return json.loads((self.folder / name).read_text("utf-8"))


# --- the model: tables of JSON --------------------------------------------------------------------------------------


def single(number: float) -> float:
    """A number as four bytes hold it."""
    return struct.unpack("f", struct.pack("f", number))[0]


class Card:
    """A model's file, read as what it is: an intercept and a table for each feature."""

    def __init__(self, path: Path) -> None:
        self.document = json.loads(path.read_text("utf-8"))

    def log_odds(self, row: oracle.Row, target: str) -> float:
        card = self.document["with_context"][target]
        return card["intercept"] + math.fsum(self.added(table, row) for table in card["tables"])

    def added(self, table: Cells, row: oracle.Row) -> float:
        value = oracle.value(oracle.FEATURES[table["feature"]], row)
        if value is None:
            return table["values"][-1]
        return table["values"][bisect_left([single(edge) for edge in table["thresholds"]], single(value))]

    def tier(self, priority: float) -> str:
        return TIERS[sum(priority < cut for cut in self.document["tier_cuts"])]

    def percentile(self, priority: float) -> float:
        quantiles = self.document["quantiles"]
        return 100 * bisect_right(quantiles, priority) / (len(quantiles) + 1)


def logistic(log_odds: float) -> float:
    return 1 / (1 + math.exp(-log_odds))


def evidence(row: Cells) -> str:
    touches = row["total_inbound"] + row["total_outbound"] + row["total_meetings"]
    return "enough" if touches >= 3 else "thin" if touches else "none"


# --- numbers of contacts --------------------------------------------------------------------------------------------


def borders(chances: list[float]) -> tuple[int, int]:
    """Where 95 of 100 sums of independent contacts lie: of the exact distribution, 2.5 on either side at most."""
    exactly = [1.0]
    for chance in chances:
        exactly = [
            stays * (1 - chance) + comes * chance for stays, comes in zip([*exactly, 0.0], [0.0, *exactly], strict=True)
        ]
    at_most, low, high = 0.0, None, len(chances)
    for number, part in enumerate(exactly):
        at_most += part
        if low is None and at_most >= 0.025:
            low = number
        if at_most >= 0.975:
            high = number
            break
    return low or 0, high


# --- what happened --------------------------------------------------------------------------------------------------


def came(kind: str, was: Cells, now: Cells | None, start: datetime, seen: datetime) -> bool | None:
    """What an export of 30 to 60 days later proves of the 30 days from `start`; None if nothing."""
    if now is None:
        return None
    until = start + timedelta(days=30)
    touch = "engaged" if kind == "meetings" else kind
    first, last = now[f"first_{touch}_time"], now[f"last_{touch}_time"]
    grown = now[f"total_{kind}"] - was[f"total_{kind}"]
    before_the_last_30_days = grown - now[f"total_{kind}_30d"]

    def fresh(which: str) -> bool:
        time = now[f"{which}_{touch}_time"]
        return time is not None and start <= time < until and time != was[f"{which}_{touch}_time"]

    assert until < seen <= until + timedelta(days=30)
    proved = before_the_last_30_days > 0
    none = grown == 0 or (grown == 1 and kind != "meetings" and last >= until)
    if kind == "meetings":
        proved |= grown > 0 and start <= last < until
    else:
        proved |= fresh("first") or fresh("last")
    none |= was[f"total_{kind}"] == 0 and was[f"first_{touch}_time"] is None and first is not None and first >= until
    return proved if proved != none else None


def outcomes(was: Cells, now: Cells | None, start: datetime, seen: datetime) -> dict[str, bool | None]:
    reply, meeting = (came(kind, was, now, start, seen) for kind in ("inbound", "meetings"))
    either = True if reply or meeting else None if None in (reply, meeting) else False
    return {"reply": reply, "meeting": meeting, "engaged": either}
