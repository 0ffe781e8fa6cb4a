"""Spark frames and polars tables: what goes to the executors, and how cells get their types there.

Spark reads, moves and groups rows; what a cell means is decided by the very code that reads a file, in Python on the
executors, part after part. So that two frames of the same rows give the same bits, however they are partitioned.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

import polars as pl

from scoring import schema
from scoring.errors import InputError
from scoring.reading import Export, export_part, warn_missing
from scoring.reading.columns import Columns, match, unrepeated
from scoring.reading.files import Contents
from scoring.validation import find_suppressed, find_unusable, key_of

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

__all__ = [
    "CRM_ID",
    "HIT",
    "KEY",
    "USABLE",
    "collect",
    "ddl",
    "examine",
    "export_of",
    "group_tables",
    "key_text",
    "map_tables",
    "plain",
    "plain_fields",
    "to_batch",
    "to_table",
    "type_rows",
]

KEY: Final = "_key"
USABLE: Final = "_usable"
HIT: Final = "_hit"
CRM_ID: Final = "crm_id"
PART_ROWS: Final = 100_000

_SPARK: Final = {"text": "string", "flag": "boolean", "count": "bigint", "number": "double", "time": "timestamp"}
_DDL: Final = {
    pl.String: "string",
    pl.Boolean: "boolean",
    pl.Int64: "bigint",
    pl.Float64: "double",
    pl.Datetime: "timestamp",
    pl.Binary: "binary",
}


def examine(frame: Any) -> Columns:
    """Look whether a frame can be an export, before anything runs.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Contacts, one row for each contact of a rep.

    Returns
    -------
    Columns
        Which column is which field.

    Raises
    ------
    InputError
        If it is no Spark frame, a stream, two columns are one field, or no column says what happened.

    Warns
    -----
    SchemaWarning
        If fields have no column.
    """
    if not (hasattr(frame, "mapInArrow") and hasattr(frame, "isStreaming")):
        raise InputError(
            f"contacts are given as {type(frame).__module__}.{type(frame).__name__}",
            expected="a Spark DataFrame",
            hint="everything else is for scoring.score and scoring.train",
        )
    if frame.isStreaming:
        raise InputError(
            "the frame is a stream, and what belongs beside a row is not known before its end",
            expected="a frame that ends",
            hint="score each batch with scoring.score and the context of the last export",
        )
    names = list(frame.columns)
    unrepeated(names)
    columns = match(tuple(names))
    warn_missing(columns.missing)
    return columns


def plain(frame: DataFrame) -> DataFrame:
    """Call the columns of a frame by their places: Spark cannot name every column that it can hold.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Any.

    Returns
    -------
    pyspark.sql.DataFrame
        The same columns in the same order, named `c0`, `c1` and so on.
    """
    return frame.toDF(*(f"c{place}" for place in range(len(frame.columns))))


def plain_fields(frame: DataFrame, columns: Columns) -> dict[str, str]:
    """List the columns that are fields.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Contacts.
    columns : Columns
        What `examine` found.

    Returns
    -------
    dict of str to str
        Their names in `plain` to those in the frame.
    """
    places = {name: f"c{place}" for place, name in enumerate(frame.columns)}
    return {places[name]: name for name in columns.found.values()}


def ddl(table: pl.DataFrame) -> str:
    """Write the types of a polars table as Spark's.

    Parameters
    ----------
    table : polars.DataFrame
        Any of its columns may be text, a flag, a whole number, a float, a time or bytes.

    Returns
    -------
    str
        Schema in Spark's words.

    Examples
    --------
    >>> ddl(pl.DataFrame({"a": ["x"], "b": [1]}))
    '`a` string, `b` bigint'
    """
    return ", ".join(f"`{name}` {_DDL[dtype.base_type()]}" for name, dtype in table.schema.items())


def to_table(batch: pa.RecordBatch | pa.Table, names: Mapping[str, str] | None = None) -> pl.DataFrame:
    """Turn what Spark gives into polars; the session's time zone goes, the moments stay.

    Parameters
    ----------
    batch : pyarrow.RecordBatch or Table
        Rows.
    names : mapping of str to str, optional
        The columns wanted, and what to call them; all as they are by default.

    Returns
    -------
    polars.DataFrame
    """
    import pyarrow as pa

    found = []
    for name in batch.schema.names if names is None else names:
        cells = batch.column(name)
        if pa.types.is_timestamp(cells.type) and cells.type.tz is not None:
            cells = cells.cast(pa.timestamp("us", "UTC"))  # polars knows no zones such as +05:30
        found.append(pl.Series(name if names is None else names[name], cells))
    return pl.DataFrame(found)


def to_batch(table: pl.DataFrame) -> pa.RecordBatch:
    """Turn a polars table into what Spark takes.

    Parameters
    ----------
    table : polars.DataFrame
        Rows.

    Returns
    -------
    pyarrow.RecordBatch
    """
    import pyarrow as pa

    plain = {pa.large_string(): pa.string(), pa.large_binary(): pa.binary()}
    arrow = table.rechunk().to_arrow(compat_level=pl.CompatLevel.oldest())
    fields = [field.with_type(plain.get(field.type, field.type)) for field in arrow.schema]
    arrays = [cells.cast(field.type).combine_chunks() for cells, field in zip(arrow.columns, fields, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=pa.schema(fields))


def map_tables(frame: DataFrame, function: Callable[..., pl.DataFrame], like: pl.DataFrame, **known: Any) -> DataFrame:
    """Have the executors turn parts of a frame into others.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Rows.
    function : callable
        Table to table, of a module; a part holds about 100,000 rows, and never all of a frame for sure.
    like : polars.DataFrame
        A result without rows.
    **known
        Handed on to it.

    Returns
    -------
    pyspark.sql.DataFrame
    """
    return frame.mapInArrow(partial(_map_parts, function=function, known=known), ddl(like))


def _map_parts(
    batches: Iterator[pa.RecordBatch], function: Callable[..., pl.DataFrame], known: dict[str, Any]
) -> Iterator[pa.RecordBatch]:
    for table in _larger(batches):
        yield to_batch(function(table, **known))


def _larger(batches: Iterator[pa.RecordBatch]) -> Iterator[pl.DataFrame]:
    """Put batches together: what is added up by part is the smaller, the larger the parts."""
    held: list[pl.DataFrame] = []
    for batch in batches:
        held.append(to_table(batch))
        if sum(table.height for table in held) >= PART_ROWS:
            yield pl.concat(held)
            held = []
    if held:
        yield pl.concat(held)


def group_tables(
    frame: DataFrame, by: Column, function: Callable[..., pl.DataFrame], like: pl.DataFrame, **known: Any
) -> DataFrame:
    """Have the executors turn groups of rows into others, each group whole.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Rows.
    by : pyspark.sql.Column
        What is the same in a group.
    function, like, **known
        As for `map_tables`.

    Returns
    -------
    pyspark.sql.DataFrame
    """

    def turn(group: pa.Table) -> pa.Table:
        import pyarrow

        return pyarrow.Table.from_batches([to_batch(function(to_table(group), **known))])

    return frame.groupBy(by).applyInArrow(turn, ddl(like))


def collect(frame: DataFrame) -> pl.DataFrame:
    """Bring the rows of a small frame to the driver.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Rows.

    Returns
    -------
    polars.DataFrame
    """
    return to_table(frame.toArrow())


def export_of(table: pl.DataFrame) -> Export:
    """Type the rows of a part.

    Parameters
    ----------
    table : polars.DataFrame
        The columns of the fields, as Spark has them.

    Returns
    -------
    Export
    """
    return export_part(Contents(table, "arrow"), "frame")


def key_text() -> pl.Expr:
    """Make the key of a row as one text, by which duplicates are found.

    Returns
    -------
    polars.Expr
        Named `_key`; two rows have the same where both parts of `validation.key_of` are the same.
    """
    rep, who = key_of("rep", "who")
    return pl.format("{}:{}{}", rep.str.len_chars().fill_null(0), rep.fill_null(""), who).alias(KEY)


def type_rows(frame: DataFrame, columns: Columns, suppress: Sequence[str]) -> DataFrame:
    """Type the rows of a frame.

    Parameters
    ----------
    frame : pyspark.sql.DataFrame
        Contacts.
    columns : Columns
        What `examine` found.
    suppress : sequence of str
        Addresses and domains.

    Returns
    -------
    pyspark.sql.DataFrame
        The 40 fields, and `_key`, `_usable` and `_hit`: whether `suppress` names the row itself.
    """
    fields = plain_fields(frame, columns)
    turn = partial(_type_parts, fields=fields, suppress=tuple(suppress))
    return plain(frame).select(*fields).mapInArrow(turn, ddl(_typed(schema.empty(), suppress)))


def _type_parts(
    batches: Iterator[pa.RecordBatch], fields: Mapping[str, str], suppress: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        export = export_of(to_table(batch, fields))
        yield to_batch(_typed(export.table, suppress, find_unusable(export).is_null()))


def _typed(table: pl.DataFrame, suppress: Sequence[str], usable: pl.Series | None = None) -> pl.DataFrame:
    if usable is None:
        usable = pl.Series([], dtype=pl.Boolean)
    return table.with_columns(key_text(), usable.alias(USABLE), find_suppressed(table, suppress).alias(HIT))
