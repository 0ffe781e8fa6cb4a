"""Sifting: of each export the rows of the sample, and what all of its rows say.

Counts, dates, duplicates and the totals beside a row are those of the whole export, whatever the sample. An export that
does not fit in memory is read once, part after part; its typed rows lie in a temporary folder for as long as it takes
to add them up and to pick the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring import schema
from scoring.bounds import count_spans
from scoring.context import Context
from scoring.dating import AsOf, Bounds, agree, date_of_name
from scoring.errors import InputError
from scoring.intake import take_in
from scoring.reading import export_part, match, warn_missing
from scoring.reading.streams import AnyStream, Irregular, open_stream
from scoring.sampling import Sample, key_numbers
from scoring.sums import Past, add_up, kept_for, own_text
from scoring.suppressing import find_people, leave_out
from scoring.validation import find_duplicates, find_unusable

__all__ = ["Sifted", "refuse_none", "rows_ahead", "sift"]

_ROW, _NUMBER, _USABLE = "_row", "_number", "_usable"
_BATCH_ROWS: Final = 2**17
_ADDED: Final = [field.name for field in schema.FIELDS if field.role in ("key", "activity")]  # what is added up


@dataclass(frozen=True, eq=False)
class Sifted:
    """The rows of one export that are learned from, and what all its rows say.

    Attributes
    ----------
    as_of : AsOf
        The date of the export.
    table : polars.DataFrame
        Typed rows that count (accepted, each of equal ones once) and are in the sample, in no particular order.
    context : Context
        Totals of all rows that count, at least those that belong beside the rows of `table`.
    sample : Sample
        Which rows were taken.
    past : Past or None
        None where all were.
    rows, rejected, repeated, suppressed : int
        Rows that came in; and of them those that were not used, and why.
    """

    as_of: AsOf
    table: pl.DataFrame
    context: Context
    sample: Sample
    past: Past | None
    rows: int
    rejected: int
    repeated: int
    suppressed: int

    def thinned(self, sample: Sample) -> Sifted:
        """Keep fewer rows.

        Parameters
        ----------
        sample : Sample
            Of at least as many in one, and of the same seed.

        Returns
        -------
        Sifted
        """
        if sample == self.sample:
            return self
        table = own_text(self.table.filter(sample.takes(self.table)))
        if self.past is None:  # the rows are all there
            context, past = add_up(partial(self.table.iter_slices, _BATCH_ROWS), table, self.as_of.when)
        else:
            context, past = kept_for(self.context, table), Past(kept_for(self.past.context, table), self.past.filled)
        return replace(self, table=table, sample=sample, context=context, past=past)


def rows_ahead(contacts: object) -> int:
    """Count the rows of an export where that takes no reading of it: the sample is known the sooner.

    Parameters
    ----------
    contacts : frame, records or path
        Anything that `scoring.score` takes, as one whole export.

    Returns
    -------
    int
        0 where it would take reading.

    Examples
    --------
    >>> rows_ahead(schema.empty(3))
    3
    """
    if isinstance(contacts, pl.DataFrame):
        return contacts.height
    if not isinstance(contacts, str | PathLike) or (stream := open_stream(contacts)) is None:
        return 0
    if stream.kind != "parquet":
        return 0
    return int(pl.scan_parquet(stream.path, glob=False).select(pl.len()).collect().item())


def sift(
    contacts: object, when: datetime | None, suppress: Sequence[str], choose: Callable[[int], Sample] | None
) -> Sifted:
    """Take the rows of a sample from an export.

    Parameters
    ----------
    contacts : frame, records or path
        Anything that `scoring.score` takes, as one whole export.
    when : datetime or None
        Its date; None to find it.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.
    choose : callable or None
        Which sample is wanted of so many rows; None for all rows, read whole.

    Returns
    -------
    Sifted
        The same whether the export is a frame, a file read whole, or one read in parts.

    Raises
    ------
    InputError
        If it cannot be used, or no row counts.
    """
    stream = open_stream(contacts) if choose is not None and isinstance(contacts, str | PathLike) else None
    while stream is not None and choose is not None:
        try:
            return _sift_parts(stream, when, suppress, choose)
        except Irregular as error:
            # without a better one: what cannot be told from a part of the file can be from all of it
            stream = error.better
    intake = take_in(contacts, as_of=when, suppress=suppress)
    counted = intake.checked.counted
    rejected, dated = int((~intake.checked.accepted).sum()), intake.as_of
    table = intake.export.table
    if not counted.all():
        table = table.filter(counted)
    refuse_none(table.height, intake.rows, rejected, intake.suppressed, dated)
    return Sifted(
        as_of=dated,
        table=table,
        context=Context.of(table, dated.when) if intake.context is None else intake.context,
        sample=Sample(),
        past=None,
        rows=intake.rows,
        rejected=rejected,
        repeated=int(intake.checked.repeat.sum()),
        suppressed=intake.suppressed,
    ).thinned(Sample() if choose is None else choose(intake.rows))


def refuse_none(counted: int, rows: int, rejected: int, suppressed: int, as_of: AsOf) -> None:
    """Refuse an export of which no row counts.

    Parameters
    ----------
    counted, rows, rejected, suppressed : int
        Rows that count, that came in, and of them those that were not used, and why.
    as_of : AsOf
        Its date.

    Raises
    ------
    InputError
        If there are none.
    """
    if not counted:
        raise InputError(
            f"no row of the export of {as_of.when:%Y-%m-%d} counts: {rows} rows, {rejected} with a problem, "
            f"{suppressed} suppressed",
            expected="at least one usable row",
            hint="look at it with `scoring check`",
        )


# ---- in parts -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Laid:
    """The typed rows of a file on disk, without the suppressed ones, and what all of them together say."""

    files: list[Path]
    rows: int
    unusable: int
    suppressed: int
    unequal: NDArray[np.uint32]
    repeat: NDArray[np.uint32]
    bounds: Bounds

    def counted(self, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
        """Read the rows that count, in parts of several files."""
        out = np.sort(np.concatenate([self.unequal, self.repeat]))
        start, some = 0, []
        for number, file in enumerate(self.files, start=1):
            part = pl.read_ipc(file, columns=[*columns, _USABLE])
            end = start + part.height
            counts = part[_USABLE].to_numpy(writable=True)
            counts[out[slice(*out.searchsorted([start, end]))] - start] = False
            some.append(part.drop(_USABLE).filter(counts))
            start = end
            if sum(one.height for one in some) >= _BATCH_ROWS or number == len(self.files):
                yield pl.concat(some)
                some = []

    def date(self, path: Path, when: datetime | None) -> AsOf:
        if when is not None:
            return AsOf(when, "given")
        if not self.rows:
            return AsOf(datetime(1970, 1, 1, tzinfo=UTC), "no rows, so no date")
        return agree(date_of_name(path), self.bounds.infer(map(pl.read_ipc, self.files)))


def _sift_parts(
    stream: AnyStream, when: datetime | None, suppress: Sequence[str], choose: Callable[[int], Sample]
) -> Sifted:
    with TemporaryDirectory(prefix="scoring-") as folder:
        laid = _lay_down(stream, Path(folder), suppress, choose(0).seed)
        dated = laid.date(stream.path, when)
        rejected, repeated = laid.unusable + len(laid.unequal), len(laid.repeat)
        rows = laid.rows + laid.suppressed
        refuse_none(laid.rows - rejected - repeated, rows, rejected, laid.suppressed, dated)
        warn_missing(stream.missing)
        sample = choose(rows)
        limit = pl.lit(True) if sample.one_in == 1 else pl.col(_NUMBER) < pl.lit(sample.limit, pl.UInt64)
        table = pl.concat(own_text(part.filter(limit)) for part in laid.counted([*schema.NAMES, _NUMBER])).drop(_NUMBER)
        if sample.one_in == 1:
            context, past = Context.of(table, dated.when), None
        else:
            context, past = add_up(partial(laid.counted, _ADDED), table, dated.when)
        return Sifted(
            as_of=dated,
            table=table,
            context=context,
            sample=sample,
            past=past,
            rows=rows,
            rejected=rejected,
            repeated=repeated,
            suppressed=laid.suppressed,
        )


def _lay_down(stream: AnyStream, folder: Path, suppress: Sequence[str], seed: int) -> _Laid:
    files: list[Path] = []
    parts: list[NDArray[np.uint64]] = []
    rows = unusable = suppressed = 0
    fields = match(tuple(stream.names)).found.values()  # no other columns
    bounds, people = Bounds(), find_people(stream, suppress)
    for part in stream.parts(fields):
        export, keep = leave_out(export_part(part, stream.path), suppress, people)
        typed = export.table.with_columns(find_unusable(export).is_null().alias(_USABLE))
        suppressed += len(keep) - typed.height
        unusable += typed.height - int(typed[_USABLE].sum())
        rows += typed.height
        bounds.add(count_spans(typed))
        numbers = key_numbers(typed, seed)
        parts.append(numbers[typed[_USABLE].to_numpy()])
        files.append(folder / f"{len(files):06}.arrow")
        _write(typed.with_columns(pl.Series(_NUMBER, numbers)), files[-1])
    if not files:
        raise Irregular
    unequal, repeat = _duplicates(files, np.concatenate(parts))
    return _Laid(files, rows, unusable, suppressed, unequal, repeat, bounds)


def _write(rows: pl.DataFrame, file: Path) -> None:
    try:
        rows.write_ipc(file, compression="uncompressed")
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"the folder for temporary files cannot hold the rows of an export for a while ({type(error).__name__})",
            expected="some 600 bytes of room for each row of the largest export",
            hint="is the disk full? TMPDIR names another folder",
        ) from error


def _duplicates(files: list[Path], numbers: NDArray[np.uint64]) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    """Find the rows that lose against a duplicate, and those that repeat one, among all parts."""
    numbers.sort()
    twice = pl.Series(np.unique(numbers[1:][numbers[1:] == numbers[:-1]]))
    again = pl.scan_ipc(files, row_index_name=_ROW).filter(pl.col(_USABLE), pl.col(_NUMBER).is_in(twice.implode()))
    # of equal rows the first is kept: their order is that of the file
    rows = again.sort(_ROW).collect(engine="streaming") if len(twice) else pl.DataFrame(schema=again.collect_schema())
    found = find_duplicates(rows.select(schema.NAMES), rows[_USABLE])
    unequal, repeat = (rows[_ROW].filter(hit).to_numpy() for hit in found)
    return unequal, repeat
