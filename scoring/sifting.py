"""Sifting: of each export the rows of the sample, and what all of its rows say.

Counts, dates, duplicates and the totals beside a row are those of the whole export, whatever the sample. An export that
does not fit in memory is read once, part after part; its typed rows lie in a temporary folder for as long as it takes
to add them up and to pick the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring import schema
from scoring.config import HORIZON
from scoring.context import SOURCES, Context, level_key
from scoring.dating import AsOf, Bounds, Undecided, agree, date_of_name
from scoring.errors import InputError
from scoring.intake import take_in
from scoring.labels import filled_counts, restore
from scoring.reading import export_part, warn_missing
from scoring.reading.streams import AnyStream, Irregular, open_stream
from scoring.sampling import Sample, key_numbers
from scoring.validation import find_duplicates, find_suppressed, find_unusable

__all__ = ["Past", "Sifted", "sift"]

_ROW, _NUMBER, _USABLE = "_row", "_number", "_usable"
_KEYS: Final = {"rep": "source_email", "account": "account_domain", "contact": "email"}
_BACK: Final = [field.name for field in schema.FIELDS if field.role in ("key", "activity")]  # what is put back
_ADDED: Final = sorted({*_KEYS.values(), "account_crm_id"}.union(*SOURCES.values()))  # what goes into a context


@dataclass(frozen=True, eq=False)
class Past:
    """What all rows of an export say of the 30 days before it, where only a sample of them is kept.

    Attributes
    ----------
    context : Context
        Totals of the whole export put back: of the reps, accounts and contacts in the sample, and of everyone.
    filled : list of str
        `labels.filled_counts` of the whole export.
    """

    context: Context
    filled: list[str]


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
        table, when = self.table.filter(sample.takes(self.table)), self.as_of.when
        if self.past is not None:
            return replace(self, table=table, sample=sample)
        rows = self.table.lazy()  # all of them, as none has been left out yet
        context = Context.of(_narrow(rows, table), when)
        return replace(self, table=table, sample=sample, context=context, past=_put_back(rows, table, when))


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
        except (Irregular, Undecided) as error:
            # without a better one: what cannot be told from a part of the file can be from all of it
            stream = getattr(error, "better", None)
    intake = take_in(contacts, as_of=when, suppress=suppress)
    counted = intake.checked.counted
    rejected, dated = int((~intake.checked.accepted).sum()), intake.as_of
    table = intake.export.table
    if not counted.all():
        table = table.filter(counted)
    _refuse_none(table.height, intake.rows, rejected, intake.suppressed, dated)
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
    ).thinned(Sample() if choose is None else choose(intake.export.table.height))


def _refuse_none(counted: int, rows: int, rejected: int, suppressed: int, as_of: AsOf) -> None:
    if not counted:
        raise InputError(
            f"no row of the export of {as_of.when:%Y-%m-%d} counts: {rows} rows, {rejected} with a problem, "
            f"{suppressed} suppressed",
            expected="at least one usable row",
            hint="look at it with `scoring check`",
        )


def _put_back(rows: pl.LazyFrame, held: pl.DataFrame, when: datetime) -> Past:
    """Put all rows back by 30 days, and add up what belongs beside those that are held."""
    filled = filled_counts(rows)

    def back(part: pl.DataFrame) -> pl.DataFrame:
        return restore(part, when, filled)[0].select(_ADDED)

    added = {name: schema.field(name).dtype for name in _ADDED}
    past = rows.select(_BACK).map_batches(back, schema=added, streamable=True)
    return Past(Context.of(_narrow(past, held), when - HORIZON), filled)


def _narrow(rows: pl.LazyFrame, held: pl.DataFrame) -> pl.LazyFrame:
    """Blank the reps, accounts and contacts that no held row has, so that no totals of them are kept."""
    keys = {}
    for level, column in _KEYS.items():
        wanted = held.select(level_key(level)).to_series().unique().drop_nulls()
        keys[column] = pl.when(level_key(level).is_in(wanted.implode())).then(level_key(level))
    return rows.select(_ADDED).with_columns(**keys, account_crm_id=pl.lit(None, pl.String))


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

    def counted(self) -> pl.LazyFrame:
        """Scan the rows that count."""
        rows = pl.scan_ipc(self.files, row_index_name=_ROW).filter(_USABLE)
        out = np.concatenate([self.unequal, self.repeat])
        return rows.filter(~pl.col(_ROW).is_in(pl.Series(out, dtype=pl.UInt32).implode())) if len(out) else rows

    def date(self, path: Path, when: datetime | None) -> AsOf:
        if when is not None:
            return AsOf(when, "given")
        if not self.rows:
            return AsOf(datetime(1970, 1, 1, tzinfo=UTC), "no rows, so no date")
        return agree(date_of_name(path), self.bounds.infer())


def _sift_parts(
    stream: AnyStream, when: datetime | None, suppress: Sequence[str], choose: Callable[[int], Sample]
) -> Sifted:
    with TemporaryDirectory(prefix="scoring-") as folder:
        laid = _lay_down(stream, Path(folder), suppress, choose(0).seed)
        dated = laid.date(stream.path, when)
        rejected, repeated = laid.unusable + len(laid.unequal), len(laid.repeat)
        rows = laid.rows + laid.suppressed
        _refuse_none(laid.rows - rejected - repeated, rows, rejected, laid.suppressed, dated)
        warn_missing(stream.missing)
        sample, counted = choose(laid.rows), laid.counted()
        taken = counted if sample.one_in == 1 else counted.filter(pl.col(_NUMBER) < pl.lit(sample.limit, pl.UInt64))
        table = taken.select(schema.NAMES).collect(engine="streaming")
        beside = counted if sample.one_in == 1 else _narrow(counted, table)
        return Sifted(
            as_of=dated,
            table=table,
            context=Context.of(beside, dated.when),
            sample=sample,
            past=None if sample.one_in == 1 else _put_back(counted, table, dated.when),
            rows=rows,
            rejected=rejected,
            repeated=repeated,
            suppressed=laid.suppressed,
        )


def _lay_down(stream: AnyStream, folder: Path, suppress: Sequence[str], seed: int) -> _Laid:
    files: list[Path] = []
    parts: list[NDArray[np.uint64]] = []
    rows = unusable = suppressed = 0
    bounds = Bounds()
    for part in stream.parts():
        export = export_part(part, stream.path)
        typed = export.table.with_columns(find_unusable(export).is_null().alias(_USABLE))
        if suppress:
            typed = typed.filter(~find_suppressed(export.table, suppress))
        suppressed += export.table.height - typed.height
        unusable += typed.height - int(typed[_USABLE].sum())
        rows += typed.height
        bounds.add(typed)
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
