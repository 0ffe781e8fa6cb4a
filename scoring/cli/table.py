"""The top of a scored file as a table for the terminal."""

from __future__ import annotations

import shutil
import textwrap
import warnings
from pathlib import Path

import polars as pl

from scoring.cli.terminal import plain
from scoring.errors import SchemaWarning
from scoring.percentages import in_percent
from scoring.reading import read

__all__ = ["print_top"]

_SHOWN = ("tier", "priority", "reply_probability", "meeting_probability", "answer_probability")
_HEAD = f"{'':>3}  {'tier':<4}  {'either':>6}  {'reply':>5}  {'meeting':>7}  {'answer':>6}  contact"


def print_top(path: Path, count: int, below: str = "") -> None:
    """Print the contacts of highest priority, each with its chances and reasons.

    Parameters
    ----------
    path : Path
        A scored file.
    count : int
        How many.
    below : str
        What has to be known of the reasons.
    """
    width = max(60, min(shutil.get_terminal_size((110, 24)).columns, 140))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)  # what is missing was said when the input was read
        export = read(path)
    known = export.table.select("first_name", "last_name", "email", "crm_id", "account_name", "source_email")
    scored = pl.concat([known, export.source.select(*_SHOWN, "reasons")], how="horizontal")
    chances = pl.col(_SHOWN[1:]).cast(pl.Float64)
    best = scored.with_columns(chances).sort("priority", descending=True, maintain_order=True).head(count)
    print(_HEAD)
    for place, row in enumerate(best.iter_rows(named=True), start=1):
        either, reply, meeting, answer = (in_percent(row[name]) for name in _SHOWN[1:])
        print(f"{place:>3}  {row['tier']:<4}  {either:>6}  {reply:>5}  {meeting:>7}  {answer:>6}  {_who(row)}")
        for line in textwrap.wrap(plain(row["reasons"]), width - 9):
            print(f"{'':>9}{line}")
    print("\n".join(["", *textwrap.wrap(below, width)]))
    if below:
        print()


def _who(row: dict[str, object]) -> str:
    name = " ".join(plain(row[part]) for part in ("first_name", "last_name") if row[part])
    name = name or plain(row["email"] or row["crm_id"])
    at = f", {plain(row['account_name'])}" if row["account_name"] else ""
    by = f" (rep {plain(row['source_email'])})" if row["source_email"] else ""
    return f"{name}{at}{by}"
