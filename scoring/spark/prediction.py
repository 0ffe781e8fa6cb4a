"""Scoring a Spark frame: what belongs beside the rows is found once, the rows are scored where they are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

import polars as pl

from scoring import schema
from scoring.context import LEVELS, Context, level_key
from scoring.dating import AsOf
from scoring.intake import date_given, load_context
from scoring.model import SHIPPED, Model, load_model
from scoring.prediction import COLUMNS, refuse_columns, score_table
from scoring.spark.dating import infer
from scoring.spark.rows import KEY, examine, export_of, key_text, plain, plain_fields, to_batch, to_table, type_rows
from scoring.spark.totals import Totals, add_up, count_once, without_suppressed
from scoring.suppressing import leave_out
from scoring.validation import find_suppressed, find_unusable, validate

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

__all__ = ["score"]

_TYPES: Final = {"as_of": "timestamp"} | dict.fromkeys(
    ("reply_probability", "meeting_probability", "answer_probability", "priority", "percentile"), "double"
)


def score(
    frame: DataFrame,
    *,
    model: Model | str | Path = SHIPPED,
    context: Context | str | Path | None = None,
    as_of: datetime | date | str | None = None,
    suppress: Sequence[str] = (),
    overwrite: bool = False,
) -> DataFrame:
    """Score an export that is a Spark frame, with the very bits of `scoring.score`.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        One whole export, one row for each contact of a rep; its columns may be text or typed. It is read here, for
        what belongs beside the rows, and again whenever the result is used: a frame that is dear to compute, or comes
        out differently each time, should be cached or written first.
    model : Model, str or Path
        A model, the folder of one on the driver, or ``"shipped"``. It travels to the executors with the job.
    context : Context, str or Path, optional
        Totals to use in place of the export's own.
    as_of : datetime, date or str, optional
        The date of the export; naive means UTC. By default that of `context`, else inferred from the rows, which takes
        two jobs more. The session's time zone has no part in it.
    suppress : sequence of str
        Addresses and domains whose contacts must not be scored; they are left out of the result.
    overwrite : bool
        Whether columns of the result may replace columns of the input. Spark does not tell names by their case, so
        neither does this.

    Returns
    -------
    pyspark.sql.DataFrame
        The same rows without the suppressed ones, every input column untouched, and the columns that `scoring.score`
        adds; `tier` and `evidence` are text. Nothing of it is computed before it is used.

    Raises
    ------
    InputError
        If it is no Spark frame, is a stream, has no activity column, has a column of the result already, or is undated.
    ModelError
        If the model is damaged or does not fit this version.

    Notes
    -----
    Where there are at most 200,000 reps, accounts, contacts (each) or repeated keys, the totals and the duplicates go
    to the executors with the job; if there are more, Spark joins them to the rows, and they stay cached until
    ``spark.catalog.clearCache()`` or the end of the session.
    """
    columns = examine(frame)
    if not overwrite:
        refuse_columns([name.lower() for name in frame.columns])
    find_suppressed(schema.empty(), suppress)  # what is no address is refused now, not on an executor
    loaded, totals = load_model(model), load_context(context)
    dated = date_given(as_of, totals)
    rows = type_rows(frame, columns, suppress).persist()
    kept, people = without_suppressed(rows) if suppress else (rows, ())
    counted = count_once(kept)
    if dated is None:
        dated = infer(kept)
    beside = add_up(counted.rows, dated.when) if totals is None else Totals(_fresh(totals), {})
    for done in (rows, counted.held):
        if done is not None:
            done.unpersist()
    work = _Work(
        model=loaded,
        as_of=dated,
        context=beside.context,
        winners=counted.few,
        suppress=tuple(suppress),
        people=people,
        fields=plain_fields(frame, columns),
        result=_result_columns(frame.columns),
    )
    tables = beside.joined if counted.many is None else {**beside.joined, KEY: counted.many}
    ready = _join(plain(frame), work, tables) if tables else plain(frame)
    return ready.mapInArrow(partial(_score_parts, work=work), _result_schema(frame, work))


@dataclass(frozen=True, eq=False)
class _Work:
    """All that is needed to score some rows of a frame, whose columns are called as in `rows.plain`.

    `fields` are the columns that are fields, by those names; `result` are all columns of the result with those names,
    None for what scoring adds. What is joined by something is called by it, a blank, and its own name.
    """

    model: Model
    as_of: AsOf
    context: Context
    winners: pl.DataFrame | None
    suppress: tuple[str, ...]
    people: tuple[str, ...]
    fields: dict[str, str]
    result: dict[str, str | None]


def _fresh(context: Context) -> Context:
    """Leave behind what a context has found out in this process: hashes of another may differ."""
    return Context(context.as_of, context.totals, context.hashed)


def _result_columns(names: Sequence[str]) -> dict[str, str | None]:
    """Lay out the result; a column that is there already is replaced in its place."""
    own = {name: f"c{place}" for place, name in enumerate(names)}
    known = {name.lower() if name.lower() in COLUMNS else name: place for name, place in own.items()}
    return {**known, **dict.fromkeys(COLUMNS)}


def _result_schema(frame: DataFrame, work: _Work) -> StructType:
    from pyspark.sql.types import StructType

    own = {f"c{place}": field for place, field in enumerate(frame.schema.fields)}
    added = StructType.fromDDL(", ".join(f"{name} {_TYPES.get(name, 'string')}" for name in COLUMNS))
    return StructType([added[name] if place is None else own[place] for name, place in work.result.items()])


def _join(frame: DataFrame, work: _Work, tables: Mapping[str, DataFrame]) -> DataFrame:
    """Put beside each row what is too much to be given to every task."""
    from pyspark.sql import functions as f
    from pyspark.sql.types import StringType, StructField, StructType

    keys = {by: f"{by} of the row" for by in tables}
    fields = [*frame.schema.fields, *(StructField(name, StringType()) for name in keys.values())]
    ready = frame.mapInArrow(partial(_key_parts, fields=work.fields, keys=keys), StructType(fields))
    for by, table in tables.items():
        found = table.select(*(f.col(name).alias(f"{by} {name}") for name in table.columns))
        ready = ready.join(found, on=ready[keys[by]] == found[f"{by} key"], how="left")
    return ready.drop(*keys.values())


def _key_parts(
    batches: Iterator[pa.RecordBatch], fields: Mapping[str, str], keys: Mapping[str, str]
) -> Iterator[pa.RecordBatch]:
    """Add the keys by which Spark joins."""
    for batch in batches:
        names, table = batch.schema.names, export_of(to_table(batch, fields)).table
        found = table.select((key_text() if by == KEY else level_key(by)).alias(name) for by, name in keys.items())
        yield _beside(batch, to_batch(found), {**dict(zip(names, names, strict=True)), **dict.fromkeys(found.columns)})


def _score_parts(batches: Iterator[pa.RecordBatch], work: _Work) -> Iterator[pa.RecordBatch]:
    """Score the rows that a task is given."""
    for batch in batches:
        export, keep = leave_out(export_of(to_table(batch, work.fields)), work.suppress, work.people)
        if not keep.all():
            batch = batch.filter(keep.to_arrow())
        known = (find_unusable(export), *_duplicates(export.table, batch, work))
        checked = validate(export, work.as_of.when, known)
        scored = score_table(export.table, work.as_of.when, _context(batch, work), checked, work.model)
        scored = scored.with_columns(pl.col("tier", "evidence").cast(pl.String))
        yield _beside(batch, to_batch(scored), work.result)


def _duplicates(table: pl.DataFrame, batch: pa.RecordBatch, work: _Work) -> tuple[pl.Series, pl.Series]:
    """Find the rows that lose against the row of their key that counts."""
    none = pl.Series("repeat", [False], dtype=pl.Boolean).new_from_index(0, table.height)
    winners = _joined(batch, KEY)
    if winners is None:
        if work.winners is None:
            return none, none
        winners = table.select(key_text().alias("key")).join(
            work.winners.with_columns(there=True), on="key", how="left", maintain_order="left"
        )
        winners = winners.with_columns(pl.when("there").then("key").alias("key"))
    lost = pl.any_horizontal(pl.col(name).ne_missing(winners[name]) for name in schema.NAMES)
    return table.select(lost & winners["key"].is_not_null()).to_series(), none


def _context(batch: pa.RecordBatch, work: _Work) -> Context:
    """Give the totals of these rows the form of a context of their own, where they were joined."""
    joined = {level: _joined(batch, level) for level in LEVELS}
    found = {level: table.unique("key").drop_nulls("key") for level, table in joined.items() if table is not None}
    return replace(work.context, totals={**work.context.totals, **found}) if found else work.context


def _joined(batch: pa.RecordBatch, by: str) -> pl.DataFrame | None:
    """Take what was joined by something; None if nothing was."""
    names = {name: name.removeprefix(f"{by} ") for name in batch.schema.names if name.startswith(f"{by} ")}
    return to_table(batch, names) if names else None


def _beside(batch: pa.RecordBatch, found: pa.RecordBatch, result: Mapping[str, str | None]) -> pa.RecordBatch:
    """Put columns that are found beside those of the input."""
    import pyarrow

    arrays = [found.column(name) if place is None else batch.column(place) for name, place in result.items()]
    return pyarrow.RecordBatch.from_arrays(arrays, names=list(result))
