"""Scoring a large file in two passes, in memory that hardly grows with it.

The first pass reads the file part after part, types it and keeps the typed rows: in memory as long as there is room,
then beside the output. From these the date, the duplicates and the totals are found. The second pass scores and writes
part after part; it reads the file again where its columns have to be written anew. What is kept of each further row is
8 bytes for its key, and the totals of its rep, account and address.
"""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.context import Context
from scoring.dating import AsOf, Bounds
from scoring.errors import InputError
from scoring.features import TOTALS
from scoring.model import Model
from scoring.pace import Pace
from scoring.prediction import score_table
from scoring.reading import Contents, Export, export_part, match
from scoring.reading.several import Source
from scoring.reading.streams import Irregular
from scoring.schema import FIELDS
from scoring.shelf import Shelf
from scoring.suppressing import find_people, leave_out
from scoring.totals import KEY, Totals, find_repeated, hash_keys
from scoring.validation import Checked, find_duplicates, find_unusable, validate

__all__ = ["Rows", "Scored", "Tally", "laid_down", "score_rows"]

_ROW, _USABLE = "_row", "_usable"
_KEYS = tuple(field.name for field in FIELDS if field.role == "key")
_KEPT = tuple(field.name for field in FIELDS if field.kind != "text" or field.role == "profile")
"""What scores and checks are computed from."""
_NEEDED = frozenset([*_KEPT, *_KEYS])


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
            counts.update(dict(scored[column].value_counts().cast({column: pl.String}).iter_rows()))


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


def _lay_down(stream: Source, folder: Path, kept: Sequence[str], suppress: Sequence[str]) -> Rows:
    # to read JSON takes so much memory that to spare some time is not worth more of it
    shelf = Shelf(folder, 0 if stream.kind in ("json", "ndjson") else None)
    starts, kinds, problems, faults, gone = [0], [], [], [], []
    bounds, stamp, pace = Bounds(), _stamp(stream.paths), Pace("read")
    columns = [column for field, column in match(tuple(stream.names)).found.items() if field in _NEEDED]
    people = find_people(stream, suppress)
    for part in stream.parts(columns):
        export, keep = leave_out(export_part(part, stream.path), suppress, people)
        problem = find_unusable(export)
        usable = problem.is_null().alias(_USABLE)
        bounds.add(export.table)
        beside = hash_keys(export.table).with_columns(usable)
        shelf.put(export.table.select(kept).hstack(beside))
        starts.append(starts[-1] + export.table.height)
        kinds.append(part.kind)
        problems.append(problem.alias("problem").to_frame().with_row_index("row").filter(~usable))
        faults.append(export.faults)
        gone.append((~keep).arg_true())
        pace.add(len(keep))
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
            table = table.filter(_others(out, table.height)).with_row_index(_ROW, offset=start)
            # what is added to a text makes it a new one: those that a filter leaves hold on to the texts of all rows
            found.append(table.filter(again.to_series()).with_columns(pl.col(pl.String) + ""))
    rows = pl.concat(found).rechunk()
    unequal, repeat = find_duplicates(rows.drop(_ROW), pl.repeat(True, rows.height, eager=True))
    return tuple(rows[_ROW].filter(hit).to_numpy().astype(np.int64) for hit in (unequal, repeat))  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Scored:
    """A part of a file, scored.

    Attributes
    ----------
    part : Contents
        Its rows as they came.
    checked : Checked
        What is wrong with which.
    faults : polars.DataFrame
        Its unreadable cells.
    places : polars.Series
        Number of each row in the file.
    scores : polars.DataFrame
        As `score_table` gives them.
    """

    part: Contents
    checked: Checked
    faults: pl.DataFrame
    places: pl.Series
    scores: pl.DataFrame


def score_rows(
    rows: Rows, model: Model, as_of: AsOf, context: Context | Totals, *, as_text: bool = False, bare: bool = False
) -> Iterator[Scored]:
    """Read the file a second time and score it.

    Parameters
    ----------
    rows : Rows
        What the first pass found.
    model : Model
        What to score with.
    as_of : AsOf
        The date that counts.
    context : Context or Totals
        Totals to put beside the rows.
    as_text : bool
        Whether rows may come as they stand in the file.
    bare : bool
        Whether rows come without the columns of the file, which is then not read; only where none is left out.

    Yields
    ------
    Scored
        Part after part.

    Raises
    ------
    InputError
        If the file is not what it was.
    """
    name = " or ".join(repr(path.name) for path in rows.stream.paths[:5])
    changed = InputError(f"{name} was changed while it was read", hint="start again")
    number, first, pace = -1, 0, Pace("scored", rows.starts[-1])
    for number, part in enumerate(_bare(rows) if bare else rows.stream.again(rows.kinds, as_text)):
        height = part.source.height
        if (
            number >= len(rows.shelf)
            or height - len(rows.gone[number]) != rows.starts[number + 1] - rows.starts[number]
        ):
            raise changed
        places = pl.int_range(first, first + height, eager=True)
        if len(rows.gone[number]):
            keep = _others(rows.gone[number], height)
            lines = None if part.lines is None else part.lines.filter(keep)
            part, places = replace(part, source=part.source.filter(keep), lines=lines), places.filter(keep)
        table, checked = _table(rows, number, as_of)
        scores = score_table(table, as_of.when, context, checked, model)
        yield Scored(part, checked, rows.faults[number], places, scores)
        first += height
        pace.add(scores.height)
    try:
        same = number + 1 == len(rows.shelf) and _stamp(rows.stream.paths) == rows.stamp
    except OSError as error:  # it is gone
        raise changed from error
    if not same:
        raise changed


def _bare(rows: Rows) -> Iterator[Contents]:
    """Give the parts of a file without its columns."""
    for (start, end), kind in zip(pairwise(rows.starts), rows.kinds, strict=True):
        yield Contents(pl.DataFrame(height=end - start), kind)


def _others(gone: pl.Series, height: int) -> pl.Series:
    """Mark the rows of a part that are not left out."""
    return pl.repeat(True, height, dtype=pl.Boolean, eager=True).scatter(gone, False)


def _stamp(paths: Sequence[Path]) -> tuple[int, ...]:
    return tuple(number for path in paths for number in (path.stat().st_size, path.stat().st_mtime_ns))


def _table(rows: Rows, number: int, as_of: AsOf) -> tuple[pl.DataFrame, Checked]:
    """Fetch the typed rows of a part, checked as they would be among all."""
    start, end = rows.starts[number : number + 2]
    table = rows.shelf[number]
    found = match(tuple(rows.stream.names))
    export = Export(table, table, rows.stream.kind, found.renamed, found.missing, found.extra, rows.faults[number])
    unequal, repeat = (_hit(found, start, end) for found in (rows.unequal, rows.repeat))
    problem = pl.Series([None], dtype=pl.String).new_from_index(0, end - start)
    if (known := rows.problems[number]).height:
        problem = problem.scatter(known["row"], known["problem"])
    return table, validate(export, as_of.when, (problem, unequal, repeat.alias("repeat")))


def _hit(found: NDArray[np.int64], start: int, end: int) -> pl.Series:
    """Mark the rows of a part that are among those found."""
    hit = np.zeros(end - start, dtype=bool)
    hit[found[slice(*found.searchsorted([start, end]))] - start] = True
    return pl.Series(hit)
