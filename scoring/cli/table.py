"""The top of a scored file as a table for the terminal."""

from __future__ import annotations

import shutil
import textwrap
import warnings
from collections.abc import Iterable
from pathlib import Path

import polars as pl

from scoring.cli.terminal import plain
from scoring.errors import SchemaWarning
from scoring.percentages import in_percent
from scoring.reading import Export, export_part, match, read
from scoring.reading.streams import Irregular, open_stream
from scoring.schema import ACTIVITY

__all__ = ["print_top"]

_KNOWN = ("first_name", "last_name", "email", "crm_id", "account_name", "source_email")
_CHANCES = ("priority", "reply_probability", "meeting_probability", "answer_probability")
_SCORES = ("tier", *_CHANCES, "reasons")
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
    print(_HEAD)
    for place, row in enumerate(_best(path, count).iter_rows(named=True), start=1):
        either, reply, meeting, answer = (in_percent(row[name]) for name in _CHANCES)
        print(f"{place:>3}  {row['tier']:<4}  {either:>6}  {reply:>5}  {meeting:>7}  {answer:>6}  {_who(row)}")
        for line in textwrap.wrap(plain(row["reasons"]), width - 9):
            print(f"{'':>9}{line}")
    print("\n".join(["", *textwrap.wrap(below, width)]))
    if below:
        print()


def _best(path: Path, count: int) -> pl.DataFrame:
    """Find the contacts of highest priority, of a large file part after part."""
    stream = open_stream(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)  # what is missing was said when the input was read
        while stream is not None:
            found = match(tuple(stream.names)).found
            activity = next(found[name] for name in ACTIVITY if name in found)  # without any it would be no export
            wanted = [*(found[name] for name in _KNOWN if name in found), activity, *_SCORES]
            try:
                return _best_of((export_part(part, path) for part in stream.parts(wanted)), count)
            except Irregular as error:
                stream = error.better
        return _best_of([read(path)], count)


def _best_of(exports: Iterable[Export], count: int) -> pl.DataFrame:
    best: list[pl.DataFrame] = []
    for export in exports:
        scored = export.table.select(_KNOWN).hstack(export.source.select(_SCORES))
        scored = scored.with_columns(pl.col(_CHANCES).cast(pl.Float64))
        best = [pl.concat([*best, scored]).sort("priority", descending=True, maintain_order=True).head(count)]
    return best[0]


def _who(row: dict[str, object]) -> str:
    name = " ".join(plain(row[part]) for part in ("first_name", "last_name") if row[part])
    name = name or plain(row["email"] or row["crm_id"])
    at = f", {plain(row['account_name'])}" if row["account_name"] else ""
    by = f" (rep {plain(row['source_email'])})" if row["source_email"] else ""
    return f"{name}{at}{by}"
