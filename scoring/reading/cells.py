"""Columns of any type to the columns of the schema, and what in them cannot be read.

Every column is first read in the one way that its cells should be written in; this is quick, and in a good export it
is all that happens. Where that leaves more nulls than came in, the cells that failed are looked at again, one way
after the other, and those that no way can read are faults. `scalars` says what each kind of field accepts.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import polars as pl

from scoring.letters import without_outer_space
from scoring.reading import scalars
from scoring.reading.export import FAULTS, no_faults, shorten
from scoring.schema import FIELDS, Field, empty

__all__ = ["RULES", "typed"]

RULES: dict[str, str] = {
    "flag": "unreadable_flag",
    "count": "unreadable_number",
    "number": "unreadable_number",
    "time": "unreadable_time",
}
"""Kind of field to the rule that an unreadable cell breaks. Text is never unreadable."""

VENDOR_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_UTC = pl.Datetime("us", "UTC")
_FIRST = datetime(1900, 1, 1, tzinfo=UTC)
_LAST = datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LOW, _HIGH = ((end - _EPOCH) // timedelta(microseconds=1) for end in (_FIRST, _LAST))
_SPELLED = {spelled: answer for words, answer in ((scalars.TRUE, True), (scalars.FALSE, False)) for spelled in words}


def typed(source: pl.DataFrame, found: dict[str, str]) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Read the columns of the fields.

    Parameters
    ----------
    source : polars.DataFrame
        One row for each contact and rep, columns of any type.
    found : dict of str to str
        Field to the column of `source` that holds it.

    Returns
    -------
    table : polars.DataFrame
        All 40 fields, typed, null where a cell is blank, missing or unreadable.
    faults : polars.DataFrame
        Unreadable cells, see `Export`.

    Examples
    --------
    >>> table, faults = typed(pl.DataFrame({"n": ["3.0", "many"]}), {"total_inbound": "n"})
    >>> table["total_inbound"].to_list(), faults.row(0)
    ([3, None], (1, 'unreadable_number', 'n', 'many'))
    """
    fields = [field for field in FIELDS if field.name in found]
    simple = source.select(_simple(source[found[field.name]]).alias(field.name) for field in fields)
    bare = [field.name for field in fields if field.kind == "text" and field.role != "identity"]
    bare = [name for name in bare if simple.schema[name] == pl.String]
    simple = simple.with_columns(without_outer_space(simple[name]) for name in bare)
    table = simple.select(_expected(field, simple.schema[field.name]).alias(field.name) for field in fields)
    table = _within_reach(table)
    again: dict[str, pl.Series] = {}
    faults: list[pl.DataFrame] = []
    for field in fields:
        before, after = simple[field.name], table[field.name]
        if field.kind != "text" and after.null_count() > before.null_count():
            again[field.name], unread = _second_look(field, before, after)
            if unread.height:
                faults.append(unread.with_columns(column=pl.lit(found[field.name])))
    columns = [again.get(field.name, table[field.name]) if field.name in found else None for field in FIELDS]
    nothing = empty(0) if len(fields) == len(FIELDS) else empty(source.height)
    whole = [nothing[field.name] if column is None else column for field, column in zip(FIELDS, columns, strict=True)]
    joined = pl.concat(faults).select(list(FAULTS)).sort("row", maintain_order=True) if faults else no_faults()
    return pl.DataFrame(whole), joined


def _within_reach(table: pl.DataFrame) -> pl.DataFrame:
    """Put null for times that Python cannot hold or that lie before 1900, and for counts beyond all bounds."""
    most = scalars.LARGEST
    bounds = {
        name: (_LOW, _HIGH) if isinstance(dtype, pl.Datetime) else (-most, most)
        for name, dtype in table.schema.items()
        if isinstance(dtype, pl.Datetime) or dtype == pl.Int64
    }
    if not bounds:
        return table
    numbers = table.select(pl.col(list(bounds)).to_physical())
    lows, highs = (ends.row(0, named=True) for ends in (numbers.min(), numbers.max()))  # to look is to spare a copy
    far = [
        name
        for name, (low, high) in bounds.items()
        if lows[name] is not None and (lows[name] < low or highs[name] > high)
    ]
    return table.with_columns(
        pl.when(pl.col(name).to_physical().is_between(*bounds[name])).then(pl.col(name)).alias(name) for name in far
    )


def _simple(column: pl.Series) -> pl.Series:
    """Return the column as one of: String, Boolean, numbers, Datetime, Date, Null."""
    dtype = column.dtype
    if dtype.is_integer() or dtype.is_float() or dtype in (pl.String, pl.Boolean, pl.Datetime, pl.Date, pl.Null):
        return column
    if isinstance(dtype, (pl.Categorical, pl.Enum)):
        return column.cast(pl.String)
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Duration):
        return column.dt.total_microseconds() / 10**6
    # Mixed, nested and rare cells, one at a time: as text, which every kind of field can judge.
    texts = [value if value is None else scalars.as_text(scalars.plain(value)) for value in column.to_list()]
    return pl.Series(column.name, texts, dtype=pl.String)


@cache
def _expected(field: Field, dtype: pl.DataType) -> pl.Expr:
    """Read a column in the way its cells should be written."""
    column = pl.col(field.name)
    if dtype == pl.Null:
        return column.cast(field.dtype)
    return _EXPECTED[field.kind](column, dtype, field)


def _expected_text(column: pl.Expr, dtype: pl.DataType, field: Field) -> pl.Expr:
    """Read text, which has no outer white space but in an identity: null where it says nothing."""
    if dtype.is_float():
        whole = column.is_finite() & (column == column.floor()) & (column.abs() < 2.0**63)
        column = (
            pl.when(column.is_nan())
            .then(None)
            .when(whole)
            .then(column.cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise(column.cast(pl.String))
        )
    elif dtype != pl.String:
        column = column.cast(pl.String)
    if field.role == "identity":
        return pl.when(column.str.contains(r"\S")).then(column)
    return pl.when(~column.is_in(scalars.NOTHING)).then(column)


def _expected_flag(column: pl.Expr, dtype: pl.DataType, _: Field) -> pl.Expr:
    """Read flags."""
    if dtype == pl.Boolean:
        return column
    if dtype == pl.String:  # other spellings are for the second look
        return pl.when(column == "true").then(True).when(column == "false").then(False)
    if dtype.is_numeric():
        return pl.when(column == 0).then(False).when(column == 1).then(True)
    return pl.repeat(None, pl.len(), dtype=pl.Boolean)


def _expected_count(column: pl.Expr, dtype: pl.DataType, _: Field) -> pl.Expr:
    """Read whole numbers."""
    if dtype == pl.String or dtype.is_integer():
        return column.cast(pl.Int64, strict=False)
    if dtype.is_float():
        whole = (column == column.floor()) & (column.abs() <= scalars.LARGEST)
        return pl.when(whole).then(column).cast(pl.Int64, strict=False)
    return pl.repeat(None, pl.len(), dtype=pl.Int64)


def _expected_number(column: pl.Expr, dtype: pl.DataType, _: Field) -> pl.Expr:
    """Read finite numbers."""
    if dtype == pl.String or dtype.is_numeric():
        number = column.cast(pl.Float64, strict=False)
        return pl.when(number.abs() <= 1e300).then(number)
    return pl.repeat(None, pl.len(), dtype=pl.Float64)


def _expected_time(column: pl.Expr, dtype: pl.DataType, _: Field) -> pl.Expr:
    """Read times."""
    if dtype == pl.String:
        time = column.str.to_datetime(VENDOR_FORMAT, time_unit="us", time_zone="UTC", strict=False, cache=False)
    elif isinstance(dtype, pl.Datetime):
        aware = column.dt.replace_time_zone("UTC") if dtype.time_zone is None else column.dt.convert_time_zone("UTC")
        time = aware.cast(_UTC)
    elif dtype == pl.Date:
        time = column.cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    elif dtype.is_numeric():
        time = _since_1970(column)
    else:
        return pl.repeat(None, pl.len(), dtype=_UTC)
    return time


_EXPECTED: dict[str, Callable[[pl.Expr, pl.DataType, Field], pl.Expr]] = {
    "text": _expected_text,
    "flag": _expected_flag,
    "count": _expected_count,
    "number": _expected_number,
    "time": _expected_time,
}


def _since_1970(ticks: pl.Expr) -> pl.Expr:
    """Turn numbers of seconds or parts of a second since 1970 into times; null where they are neither."""
    time = pl.lit(None, dtype=pl.Float64)
    for unit in scalars.EPOCH_UNITS:
        near = (ticks >= scalars.EPOCH_FIRST * unit) & (ticks < scalars.EPOCH_LAST * unit)
        whole = ticks.cast(pl.Int64, strict=False)  # polars rounds before it takes the floor of a float
        micros = ticks * (10**6 // unit) if unit <= 10**6 else whole // (unit // 10**6)
        time = pl.when(near).then(micros).otherwise(time)
    return time.cast(pl.Int64, strict=False).cast(_UTC)


def _second_look(field: Field, before: pl.Series, after: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
    """Read again the cells that were not as expected; return the whole column, and the cells that stay unreadable."""
    rows = (before.is_not_null() & after.is_null()).arg_true()
    texts = before.gather(rows).cast(pl.String)
    looked = (
        texts.to_frame("text")
        .select(pl.col("text").str.strip_chars())
        .with_columns(value=_AGAIN[field.kind](pl.col("text")), nothing=pl.col("text").is_in(scalars.NOTHING))
    )
    unread = (looked["value"].is_null() & ~looked["nothing"]).arg_true()
    faults = pl.DataFrame(
        {"row": rows.gather(unread).cast(pl.UInt32), "rule": RULES[field.kind], "cell": shorten(texts.gather(unread))},
        schema_overrides={"cell": pl.String, "rule": pl.String},
    )
    return after.clone().scatter(rows, looked["value"]), faults


def _flag_again(text: pl.Expr) -> pl.Expr:
    """Read flags in any case."""
    return text.str.to_lowercase().replace_strict(_SPELLED, default=None, return_dtype=pl.Boolean)


def _number_again(text: pl.Expr) -> pl.Expr:
    """Read numbers however written."""
    number = pl.when(text.str.contains(scalars.NUMBER)).then(text).cast(pl.Float64, strict=False)
    return pl.when(number.abs() <= 1e300).then(number)


def _count_again(text: pl.Expr) -> pl.Expr:
    """Read whole numbers however written."""
    number = _number_again(text)
    whole = (number == number.floor()) & (number.abs() <= scalars.LARGEST)
    return pl.when(whole).then(number).cast(pl.Int64, strict=False)


def _time_again(text: pl.Expr) -> pl.Expr:
    """Read times in any form of ISO 8601 that has a day, and numbers since 1970."""
    part = text.str.extract_groups(scalars.TIME).struct
    padded = [part.field(str(group)).str.zfill(2) for group in (2, 3)]
    padded += [part.field(str(group)).fill_null("0").str.zfill(2) for group in (4, 5, 6)]
    zone = part.field("8").fill_null("+") + part.field("9").fill_null("00") + ":" + part.field("10").fill_null("00")
    fraction = part.field("7").fill_null("0").str.slice(0, 6)
    written = pl.format("{}-{}-{}T{}:{}:{}.{}{}", part.field("1"), *padded, fraction, zone)
    iso = written.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f%:z", time_unit="us", time_zone="UTC", strict=False)
    ticks = pl.when(text.str.contains(scalars.NUMBER)).then(text)
    whole = ticks.cast(pl.Int64, strict=False)
    epoch = pl.coalesce(_since_1970(whole), _since_1970(ticks.cast(pl.Float64, strict=False)))
    time = pl.coalesce(iso, epoch)
    return pl.when(time.is_between(_FIRST, _LAST)).then(time)


_AGAIN: dict[str, Callable[[pl.Expr], pl.Expr]] = {
    "flag": _flag_again,
    "count": _count_again,
    "number": _number_again,
    "time": _time_again,
}
