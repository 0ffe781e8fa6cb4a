"""Scoring the typed rows of a large file, part after part.

The first pass over a file is that of `rows`; from what it kept come the date, the duplicates and the totals. The second
one scores; it reads the file again only where its columns have to be written anew.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import pairwise

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.context import Context
from scoring.dating import AsOf
from scoring.errors import InputError
from scoring.in_order import in_order
from scoring.model import Model
from scoring.pace import Pace
from scoring.prediction import score_table
from scoring.reading import Contents, Export, match
from scoring.rows import Rows
from scoring.totals import Totals
from scoring.validation import Checked, validate

__all__ = ["Scored", "Tally", "score_rows"]


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


@contextmanager
def score_rows(
    rows: Rows, model: Model, as_of: AsOf, context: Context | Totals, *, as_text: bool = False, bare: bool = False
) -> Iterator[Iterator[Scored]]:
    """Read the file a second time and score it, by several threads at once.

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
    iterator of Scored
        Part after part.

    Raises
    ------
    InputError
        If the file is not what it was.
    """
    score = partial(_score_part, rows, model, as_of, context)
    with in_order(score, _parts_again(rows, as_text, bare)) as parts:
        yield _counted(parts, rows)


def _counted(parts: Iterator[Scored], rows: Rows) -> Iterator[Scored]:
    """Tell how far it is; and at the end, whether the file is still what it was."""
    pace = Pace("scored", rows.starts[-1])
    for scored in parts:
        yield scored
        pace.add(scored.scores.height)
    if not rows.unchanged():
        raise _changed(rows)


def _parts_again(rows: Rows, as_text: bool, bare: bool) -> Iterator[tuple[int, int, Contents]]:
    """Read the file a second time; give the number of each part and that of its first row, too."""
    number, first = -1, 0
    for number, part in enumerate(_bare(rows) if bare else rows.stream.again(rows.kinds, as_text)):
        height = part.source.height
        if (
            number >= len(rows.shelf)
            or height - len(rows.gone[number]) != rows.starts[number + 1] - rows.starts[number]
        ):
            raise _changed(rows)
        yield number, first, part
        first += height
    if number + 1 != len(rows.shelf):
        raise _changed(rows)


def _changed(rows: Rows) -> InputError:
    name = " or ".join(repr(path.name) for path in rows.stream.paths[:5])
    return InputError(f"{name} was changed while it was read", hint="start again")


def _score_part(
    rows: Rows, model: Model, as_of: AsOf, context: Context | Totals, numbered: tuple[int, int, Contents]
) -> Scored:
    number, first, part = numbered
    places = pl.int_range(first, first + part.source.height, eager=True)
    if len(rows.gone[number]):
        keep = rows.kept(number, part.source.height)
        lines = None if part.lines is None else part.lines.filter(keep)
        part, places = replace(part, source=part.source.filter(keep), lines=lines), places.filter(keep)
    table, checked = _table(rows, number, as_of)
    scores = score_table(table, as_of.when, context, checked, model)
    return Scored(part, checked, rows.faults[number], places, scores)


def _bare(rows: Rows) -> Iterator[Contents]:
    """Give the parts of a file without its columns."""
    for (start, end), kind in zip(pairwise(rows.starts), rows.kinds, strict=True):
        yield Contents(pl.DataFrame(height=end - start), kind)


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
