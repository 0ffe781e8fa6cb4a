"""Scoring a large file in two passes, in memory that hardly grows with it.

The first pass reads the file part after part, types it and lays the typed rows down beside the output. From these the
date, the duplicates and the totals are found. The second pass reads the file again, for the columns as they came, and
scores and writes part after part. What is kept of each row is 8 bytes for its key, and the totals of its rep, account
and address.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.context import Context
from scoring.dating import AsOf, Bounds
from scoring.errors import InputError
from scoring.intake import Intake
from scoring.model import Model
from scoring.prediction import score_intake
from scoring.reading import Export, export_part
from scoring.reading.streams import Irregular, Stream
from scoring.validation import find_duplicates, find_unusable, key_hashes, validate

__all__ = ["Rows", "Tally", "laid_down", "score_rows"]

_ROW = "_row"
_USABLE = "_usable"


@dataclass
class Tally:
    """What was scored so far.

    Attributes
    ----------
    scored, flagged : int
        Rows.
    rules, tiers, evidence : Counter
        Rows of each.
    """

    scored: int = 0
    flagged: int = 0
    rules: Counter[str] = field(default_factory=Counter)
    tiers: Counter[str] = field(default_factory=Counter)
    evidence: Counter[str] = field(default_factory=Counter)

    def add(self, checked: pl.DataFrame, scored: pl.DataFrame) -> None:
        """Count the rows of a part.

        Parameters
        ----------
        checked : polars.DataFrame
            `Checked.counts`.
        scored : polars.DataFrame
            Its rows that could be used.
        """
        self.scored += scored.height
        self.flagged += scored.height - scored["flags"].null_count()
        self.rules.update(dict(checked.select("rule", "rows").iter_rows()))
        for column, counts in (("tier", self.tiers), ("evidence", self.evidence)):
            counts.update(dict(scored[column].cast(pl.String).value_counts().iter_rows()))


@dataclass(frozen=True, eq=False)
class Rows:
    """The typed rows of a file, on disk, and what all of them together say.

    Attributes
    ----------
    stream : Stream
        The file.
    files : list of Path
        One for each part of the file.
    starts : list of int
        Number of the first row of each part, and behind them the number of rows.
    faults : list of polars.DataFrame
        `Export.faults` of each part.
    problems : int
        Rows that cannot be scored, duplicates included.
    rules : set of str
        The rules that those break.
    unequal, repeat : numpy.ndarray
        Numbers of the rows that lose against a duplicate, and of those that repeat one, ascending.
    bounds : Bounds
        What they say of the date.
    stamp : tuple of int
        Size and time of the file's last change, from before it was read.
    """

    stream: Stream
    files: list[Path]
    starts: list[int]
    faults: list[pl.DataFrame]
    problems: int
    rules: set[str]
    unequal: NDArray[np.int64]
    repeat: NDArray[np.int64]
    bounds: Bounds
    stamp: tuple[int, int]

    def infer(self) -> AsOf:
        """Infer the date of the export.

        Returns
        -------
        AsOf
        """
        return self.bounds.infer() if self.starts[-1] else AsOf(datetime(1970, 1, 1, tzinfo=UTC), "no rows, so no date")

    def total(self, as_of: AsOf) -> Context:
        """Add up the rows that count.

        Parameters
        ----------
        as_of : AsOf
            The date of the export.

        Returns
        -------
        Context
        """
        counted = pl.scan_ipc(self.files, row_index_name=_ROW).filter(_USABLE)
        out = np.concatenate([self.unequal, self.repeat])
        if len(out):
            counted = counted.filter(~pl.col(_ROW).is_in(pl.Series(out, dtype=pl.UInt32).implode()))
        return Context.of(counted, as_of.when)


@contextmanager
def laid_down(stream: Stream, target: Path) -> Iterator[Rows]:
    """Read a file once and keep its typed rows on disk for a while.

    Parameters
    ----------
    stream : Stream
        The file.
    target : Path
        The rows are kept beside it, in a folder whose name depends on it alone: what a killed run leaves goes with the
        next.

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
    folder = target.with_name(f".{target.name}.rows")
    shutil.rmtree(folder, ignore_errors=True)
    try:
        yield _lay_down(stream, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _lay_down(stream: Stream, folder: Path) -> Rows:
    files: list[Path] = []
    starts, faults = [0], []
    hashes: list[NDArray[np.uint64]] = []
    rules: Counter[str] = Counter()
    bounds, stamp = Bounds(), _stamp(stream.path)
    for number, part in enumerate(stream.parts()):
        export = export_part(part, stream.path)
        problem = find_unusable(export)
        rules.update(problem.drop_nulls().str.split(":").list.first().to_list())
        usable = problem.is_null().alias(_USABLE)
        bounds.add(export.table)
        hashes.append(key_hashes(export.table).filter(usable).to_numpy())
        files.append(folder / f"{number:06}.arrow")
        try:
            folder.mkdir(exist_ok=True)
            export.table.with_columns(usable).write_ipc(files[-1], compression="uncompressed")
        except (OSError, pl.exceptions.PolarsError) as error:
            raise InputError(
                f"{folder.parent.name!r} cannot hold the rows of the file for a while ({type(error).__name__})",
                hint="is the disk full, or the folder read-only?",
            ) from error
        starts.append(starts[-1] + export.table.height)
        faults.append(export.faults)
    if not files:
        raise Irregular
    keys = np.concatenate(hashes)
    hashes.clear()
    unequal, repeat = _duplicates(files, starts, keys)
    if len(unequal):
        rules["unequal_duplicate"] = len(unequal)
    return Rows(stream, files, starts, faults, rules.total(), set(rules), unequal, repeat, bounds, stamp)


def _duplicates(
    files: Sequence[Path], starts: Sequence[int], keys: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the rows that lose against a duplicate, and those that repeat one, among all parts."""
    keys.sort()
    twice = np.unique(keys[1:][keys[1:] == keys[:-1]])
    nothing = np.empty(0, dtype=np.int64)
    if not len(twice):
        return nothing, nothing
    found = []
    for file, start in zip(files, starts, strict=False):
        table = pl.read_ipc(file).with_row_index(_ROW, offset=start)
        again = pl.Series(np.isin(key_hashes(table).to_numpy(), twice))
        found.append(table.filter(again & table[_USABLE]))
    rows = pl.concat(found).rechunk()
    unequal, repeat = find_duplicates(rows.drop(_ROW, _USABLE), rows[_USABLE])
    return tuple(rows[_ROW].filter(hit).to_numpy().astype(np.int64) for hit in (unequal, repeat))  # type: ignore[return-value]


def score_rows(rows: Rows, model: Model, as_of: AsOf, context: Context) -> Iterator[tuple[Intake, pl.DataFrame]]:
    """Read the file a second time and score it.

    Parameters
    ----------
    rows : Rows
        What the first pass found.
    model : Model
        What to score with.
    as_of : AsOf
        The date that counts.
    context : Context
        Totals to put beside the rows.

    Yields
    ------
    tuple of (Intake, polars.DataFrame)
        Part after part: its rows, and their scores as `score_intake` gives them.

    Raises
    ------
    InputError
        If the file is not what it was.
    """
    changed = InputError(f"{rows.stream.path.name!r} was changed while it was read", hint="start again")
    number = -1
    for number, part in enumerate(rows.stream.parts()):
        if number >= len(rows.files) or part.source.height != rows.starts[number + 1] - rows.starts[number]:
            raise changed
        taken = _taken(
            rows, number, export_part(part, rows.stream.path, table=_table(rows.files[number])), as_of, context
        )
        yield taken, score_intake(taken, model)
    if number + 1 != len(rows.files) or _stamp(rows.stream.path) != rows.stamp:
        raise changed


def _stamp(path: Path) -> tuple[int, int]:
    about = path.stat()
    return about.st_size, about.st_mtime_ns


def _table(file: Path) -> pl.DataFrame:
    return pl.read_ipc(file).drop(_USABLE)


def _taken(rows: Rows, number: int, export: Export, as_of: AsOf, context: Context) -> Intake:
    """Take in one part as the whole would be."""
    start, end = rows.starts[number : number + 2]
    export = Export(**{**vars(export), "faults": rows.faults[number]})
    numbers = pl.int_range(start, end, dtype=pl.UInt32, eager=True).alias("row")
    unequal, repeat = (_hit(found, start, end) for found in (rows.unequal, rows.repeat))
    checked = validate(export, as_of.when, (unequal, repeat.alias("repeat")))
    return Intake(export, numbers, as_of, checked, context, 0)


def _hit(found: NDArray[np.int64], start: int, end: int) -> pl.Series:
    """Mark the rows of a part that are among those found."""
    hit = np.zeros(end - start, dtype=bool)
    hit[found[slice(*found.searchsorted([start, end]))] - start] = True
    return pl.Series(hit)
