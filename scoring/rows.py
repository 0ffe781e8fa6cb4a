"""The typed rows of a large file, and what all of them together say.

The file is read part after part. What is kept of each row is in memory as long as there is room, then beside the
output, and for good no more than 8 bytes for its key, and the totals of its rep, account and address.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.bounds import count_spans
from scoring.dating import AsOf, Bounds
from scoring.features import TOTALS
from scoring.in_order import in_order
from scoring.pace import Pace
from scoring.reading import Contents, export_part, match
from scoring.reading.several import Source
from scoring.reading.streams import Irregular
from scoring.schema import FIELDS
from scoring.shelf import Shelf
from scoring.suppressing import find_people, leave_out
from scoring.totals import KEY, Totals, find_repeated, hash_keys
from scoring.validation import find_duplicates, find_unusable

__all__ = ["Rows", "laid_down"]

_ROW, _USABLE = "_row", "_usable"
_KEYS = tuple(field.name for field in FIELDS if field.role == "key")
_KEPT = tuple(field.name for field in FIELDS if field.kind != "text" or field.role == "profile")
"""What scores and checks are computed from."""
_NEEDED = frozenset([*_KEPT, *_KEYS])


@dataclass(frozen=True, eq=False)
class Rows:
    """The typed rows of a file, and what all of them together say.

    Attributes
    ----------
    stream : Stream, ObjectStream or Several
        The file.
    shelf : Shelf
        One frame for each part of the file.
    starts : list of int
        Number of the first row of each part, and behind them the number of rows.
    kinds : list of str
        Kind of each part.
    problems : list of polars.DataFrame
        For each part ``row`` (in it) and ``problem`` of what cannot be scored, but for duplicates.
    faults : list of polars.DataFrame
        `Export.faults` of each part.
    unequal, repeat : numpy.ndarray
        Numbers of the rows that lose against a duplicate, and of those that repeat one, ascending.
    bounds : Bounds
        What they say of the date.
    gone : list of polars.Series
        For each part the rows of it, from 0, that are left out on request; nothing else here counts them.
    stamp : tuple of int
        Size and time of each file's last change, from before it was read.
    """

    stream: Source
    shelf: Shelf
    starts: list[int]
    kinds: list[str]
    problems: list[pl.DataFrame]
    faults: list[pl.DataFrame]
    unequal: NDArray[np.int64]
    repeat: NDArray[np.int64]
    bounds: Bounds
    gone: list[pl.Series]
    stamp: tuple[int, ...]

    @property
    def suppressed(self) -> int:
        """Rows left out on request."""
        return sum(map(len, self.gone))

    @property
    def rejected(self) -> int:
        """Rows that cannot be scored."""
        return sum(found.height for found in self.problems) + len(self.unequal)

    @property
    def rules(self) -> set[str]:
        """The rules that those break."""
        said = pl.concat([found["problem"] for found in self.problems])
        return {*said.str.split(":").list.first().to_list(), *(["unequal_duplicate"] if len(self.unequal) else [])}

    def kept(self, number: int, height: int) -> pl.Series:
        """Mark the rows of a part of the file that are not left out.

        Parameters
        ----------
        number : int
            Of the part.
        height : int
            Rows that it has in the file.

        Returns
        -------
        polars.Series
            Boolean.
        """
        return _kept(self.gone[number], height)

    def unchanged(self) -> bool:
        """Say whether the file is still what it was before it was read."""
        try:
            return _stamp(self.stream.paths) == self.stamp
        except OSError:  # it is gone
            return False

    def infer(self) -> AsOf:
        """Infer the date of the export.

        Returns
        -------
        AsOf
        """
        if not self.starts[-1]:
            return AsOf(datetime(1970, 1, 1, tzinfo=UTC), "no rows, so no date")
        return self.bounds.infer(self.shelf[number] for number in range(len(self.shelf)))

    def total(self, as_of: AsOf) -> Totals:
        """Add up the rows that count.

        Parameters
        ----------
        as_of : AsOf
            The date of the export.

        Returns
        -------
        Totals
        """
        counted = self.shelf.scan().with_row_index(_ROW).filter(_USABLE)
        out = np.concatenate([self.unequal, self.repeat])
        if len(out):
            counted = counted.filter(~pl.col(_ROW).is_in(pl.Series(out, dtype=pl.UInt32).implode()))
        return Totals.of(counted, as_of.when, TOTALS)


@contextmanager
def laid_down(stream: Source, folder: Path, *, keys: bool = False, suppress: Sequence[str] = ()) -> Iterator[Rows]:
    """Read a file once and keep its typed rows for a while.

    Parameters
    ----------
    stream : Stream, ObjectStream or Several
        The file.
    folder : Path
        Where rows are kept for which there is no room in memory; it is gone afterwards.
    keys : bool
        Whether the texts of keys are kept, too, to look them up in a context.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Yields
    ------
    Rows

    Raises
    ------
    Irregular
        If the file has to be read whole.
    InputError
        If the disk is full.
    """
    try:
        yield _lay_down(stream, folder, [*_KEPT, *_KEYS] if keys else _KEPT, suppress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True, eq=False)
class _Typed:
    """A part of a file, typed: what is kept of its rows, those left out on request, and what all of them say."""

    kind: str
    rows: pl.DataFrame
    keep: pl.Series
    problems: pl.DataFrame
    faults: pl.DataFrame
    spans: pl.DataFrame


def _type_part(
    stream: Source, kept: Sequence[str], suppress: Sequence[str], people: frozenset[str], part: Contents
) -> _Typed:
    export, keep = leave_out(export_part(part, stream.path), suppress, people)
    problem = find_unusable(export)
    usable = problem.is_null().alias(_USABLE)
    rows = export.table.select(kept).hstack(hash_keys(export.table).with_columns(usable))
    problems = problem.alias("problem").to_frame().with_row_index("row").filter(~usable)
    return _Typed(part.kind, rows, keep, problems, export.faults, count_spans(export.table))


def _lay_down(stream: Source, folder: Path, kept: Sequence[str], suppress: Sequence[str]) -> Rows:
    # to read JSON takes so much memory that to spare some time is not worth more of it
    shelf = Shelf(folder, 0 if stream.kind in ("json", "ndjson") else None)
    starts, kinds, problems, faults, gone = [0], [], [], [], []
    bounds, stamp, pace = Bounds(), _stamp(stream.paths), Pace("read")
    columns = [column for field, column in match(tuple(stream.names)).found.items() if field in _NEEDED]
    type_part = partial(_type_part, stream, kept, suppress, find_people(stream, suppress))
    with in_order(type_part, stream.parts(columns)) as parts:
        for part in parts:
            shelf.put(part.rows)
            bounds.add(part.spans)
            starts.append(starts[-1] + part.rows.height)
            kinds.append(part.kind)
            problems.append(part.problems)
            faults.append(part.faults)
            gone.append((~part.keep).arg_true())
            pace.add(len(part.keep))
    if not len(shelf):
        raise Irregular
    unequal, repeat = _duplicates(stream, shelf, starts, gone)
    return Rows(stream, shelf, starts, kinds, problems, faults, unequal, repeat, bounds, gone, stamp)


def _duplicates(
    stream: Source, shelf: Shelf, starts: Sequence[int], gone: Sequence[pl.Series]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the rows that lose against a duplicate, and those that repeat one, among all parts.

    To compare them takes all of their fields, so where there are any the file is read again.
    """
    twice = find_repeated(shelf.scan().filter(_USABLE), KEY)
    nothing = np.empty(0, dtype=np.int64)
    if not len(twice):
        return nothing, nothing
    found = []
    for number, (start, out, part) in enumerate(zip(starts, gone, stream.parts(), strict=False)):
        again = shelf[number].select(pl.col(_USABLE) & pl.col(KEY).is_in(pl.Series(twice).implode()))
        if again.to_series().any():
            table = export_part(part, stream.path).table
            table = table.filter(_kept(out, table.height)).with_row_index(_ROW, offset=start)
            # what is added to a text makes it a new one: those that a filter leaves hold on to the texts of all rows
            found.append(table.filter(again.to_series()).with_columns(pl.col(pl.String) + ""))
    rows = pl.concat(found).rechunk()
    unequal, repeat = find_duplicates(rows.drop(_ROW), pl.repeat(True, rows.height, eager=True))
    return tuple(rows[_ROW].filter(hit).to_numpy().astype(np.int64) for hit in (unequal, repeat))  # type: ignore[return-value]


def _kept(gone: pl.Series, height: int) -> pl.Series:
    return pl.repeat(True, height, dtype=pl.Boolean, eager=True).scatter(gone, False)


def _stamp(paths: Sequence[Path]) -> tuple[int, ...]:
    return tuple(number for path in paths for number in (path.stat().st_size, path.stat().st_mtime_ns))
