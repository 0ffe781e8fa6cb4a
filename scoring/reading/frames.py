"""Tables in memory: in as polars, out as the kind that came in."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import numpy as np
import polars as pl

from scoring.errors import InputError
from scoring.reading import scalars
from scoring.reading.columns import unrepeated
from scoring.reading.export import Export

__all__ = ["column_of", "frame_of", "kind_of", "restore", "stack", "table_of"]

_SAFE = 2**53


def kind_of(contacts: object) -> str | None:
    """Name the kind of a table in memory.

    Parameters
    ----------
    contacts : object
        Anything.

    Returns
    -------
    str or None
        A kind of `Export`, None for what is no table in memory.

    Examples
    --------
    >>> kind_of(pl.DataFrame()), kind_of([{}]), kind_of(3)
    ('polars', 'dicts', None)
    """
    if isinstance(contacts, Mapping):
        return "dict"
    if isinstance(contacts, pl.DataFrame):
        return "polars"
    if isinstance(contacts, pl.LazyFrame):
        return "lazyframe"
    if isinstance(contacts, (list, tuple)) and all(isinstance(row, Mapping) for row in contacts):
        return "dicts"
    if (pandas := sys.modules.get("pandas")) is not None and isinstance(contacts, pandas.DataFrame):
        return "pandas"
    if isinstance(contacts, pl.Series):
        return None
    if hasattr(contacts, "__arrow_c_stream__") or hasattr(contacts, "__arrow_c_array__"):
        return "arrow"
    return None


def table_of(contacts: Any, kind: str) -> pl.DataFrame:
    """Turn a table in memory into polars, every column and value as it is.

    Parameters
    ----------
    contacts : object
        The table.
    kind : str
        What `kind_of` says of it.

    Returns
    -------
    polars.DataFrame

    Raises
    ------
    InputError
        If it cannot be had as a table with named columns.

    Examples
    --------
    >>> table_of([{"a": 1}, {"b": "x"}], "dicts").rows()
    [(1, None), (None, 'x')]
    """
    if kind == "polars":
        return contacts  # type: ignore[no-any-return]
    if kind == "pandas":
        names = [str(name) for name in contacts.columns]
        unrepeated(names)
        return pl.DataFrame([_pandas_column(name, contacts.iloc[:, place]) for place, name in enumerate(names)])
    if kind in ("dict", "dicts"):
        return frame_of([contacts] if kind == "dict" else contacts)
    try:
        frame = contacts.collect() if kind == "lazyframe" else pl.DataFrame(contacts)
    except (pl.exceptions.PolarsError, TypeError, ValueError, OSError) as error:
        raise InputError(
            f"the {kind} given cannot be read ({type(error).__name__})", hint="collect it, or give a polars DataFrame"
        ) from error
    return frame


def frame_of(rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """Put records side by side; a key that a record does not have is null there.

    Parameters
    ----------
    rows : sequence of mapping
        One for each contact and rep.

    Returns
    -------
    polars.DataFrame
        Columns in the order in which their names first appear.

    Examples
    --------
    >>> frame_of([{"id": 7}, {"id": "x"}])["id"].to_list()
    ['7', 'x']
    """
    names = dict.fromkeys(name for row in rows for name in row)
    if not all(isinstance(name, str) for name in names):
        raise InputError("a record has keys that are no text", expected="names of fields as keys")
    return pl.DataFrame([column_of(scalars.encodable(name), [row.get(name) for row in rows]) for name in names])


def column_of(name: str, values: list[Any]) -> pl.Series:
    """Make a column of cells of any type without losing one.

    Parameters
    ----------
    name : str
        Its name.
    values : list
        Its cells.

    Returns
    -------
    polars.Series
        Typed where all cells are of one type (or whole numbers and fractions); nested where one nested type holds all
        of them exactly; text otherwise, nested cells as JSON.

    Examples
    --------
    >>> column_of("a", [1, None, 2.5]).to_list(), column_of("a", [1, "x", {"b": 2}]).to_list()
    ([1.0, None, 2.5], ['1', 'x', '{"b": 2}'])
    """
    kinds = set(map(type, values)) - {type(None)}
    if not kinds or kinds == {str}:
        return _text_column(name, values)
    if kinds == {bool}:
        return pl.Series(name, values, dtype=pl.Boolean)
    if kinds == {int} and all(-(2**63) <= value < 2**63 for value in values if value is not None):
        return pl.Series(name, values, dtype=pl.Int64)
    if float in kinds and kinds <= {int, float} and all(abs(v) <= _SAFE for v in values if type(v) is int):
        return pl.Series(name, values, dtype=pl.Float64)
    if kinds in ({dict}, {list}, {datetime}, {date}):
        try:
            column = pl.Series(name, values, strict=True)
            if column.dtype != pl.Object and column.to_list() == values:
                return column
        except (pl.exceptions.PolarsError, TypeError, ValueError, OverflowError):
            pass
    plain = [scalars.plain(value) for value in values]
    if any(one is not other for one, other in zip(plain, values, strict=True)) and not kinds & {dict, list}:
        return column_of(name, plain)
    return _text_column(name, [scalars.as_text(value) for value in plain])


def stack(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Put tables one below the other, without losing a column or a cell.

    Parameters
    ----------
    tables : sequence of polars.DataFrame
        At least one.

    Returns
    -------
    polars.DataFrame
        All columns, each of a type that holds the cells of all tables; nested cells are JSON where no other type does.

    Examples
    --------
    >>> stack([pl.DataFrame({"a": [[1, 2]]}), pl.DataFrame({"a": ["x"], "b": [3]})]).rows()
    [('[1, 2]', None), ('x', 3)]
    """
    if len(tables) == 1:
        return tables[0]
    try:
        return pl.concat(tables, how="diagonal_relaxed")
    except pl.exceptions.PolarsError:
        flat = [
            table.with_columns(
                _text_column(column.name, [scalars.as_text(scalars.plain(cell)) for cell in column.to_list()])
                for column in table
                if column.dtype.is_nested()
            )
            for table in tables
        ]
        return pl.concat(flat, how="diagonal_relaxed")


def _text_column(name: str, values: list[str | None]) -> pl.Series:
    """Make a column of text, also of text that is no valid Unicode."""
    try:
        return pl.Series(name, values, dtype=pl.String)
    except UnicodeEncodeError:
        whole = [None if value is None else scalars.encodable(value) for value in values]
        return pl.Series(name, whole, dtype=pl.String)


def _pandas_column(name: str, column: Any) -> pl.Series:
    """Turn a pandas Series into polars, without pyarrow."""
    dtype = column.dtype
    if isinstance(dtype, np.dtype) and dtype.kind in "iub":
        return pl.Series(name, column.to_numpy())
    if isinstance(dtype, np.dtype) and dtype.kind == "f":
        return pl.Series(name, column.to_numpy().astype(np.float64)).fill_nan(None)
    if getattr(dtype, "kind", "O") == "M":
        zone = getattr(dtype, "tz", None)
        naive = column if zone is None else column.dt.tz_convert("UTC").dt.tz_localize(None)
        times = pl.Series(name, naive.to_numpy().astype("datetime64[us]"))
        return times if zone is None else times.dt.replace_time_zone("UTC")
    values = [
        None if missing else value
        for value, missing in zip(column.astype(object).tolist(), column.isna().tolist(), strict=True)
    ]
    return column_of(name, values)


def restore(added: pl.DataFrame, export: Export, contacts: Any, places: pl.Series | None = None) -> Any:
    """Give contacts back as the kind of table that they came as, with columns added.

    Parameters
    ----------
    added : polars.DataFrame
        One row for each row of the export; a column that the input has already is replaced.
    export : Export
        The input as read, without the rows that were left out.
    contacts : object
        The input.
    places : polars.Series, optional
        Which rows of `contacts` the rows of the export are, from 0, where some were left out.

    Returns
    -------
    object
        A polars DataFrame for polars and for files, a LazyFrame, a pandas DataFrame with the index and the column
        types of `contacts`, a pyarrow table (a polars DataFrame for any other Arrow stream), a list of dicts, or a
        dict (None if it was left out).

    Examples
    --------
    >>> from scoring.reading.records import read_record
    >>> record = {"total_inbound": 1}
    >>> restore(pl.DataFrame({"score": [0.5]}), read_record(record), record)
    {'total_inbound': 1, 'score': 0.5}
    """
    match export.kind:
        case "dict":
            return None if added.is_empty() else {**contacts, **added.row(0, named=True)}
        case "dicts":
            rows = contacts if places is None else [contacts[place] for place in places]
            return [{**row, **more} for row, more in zip(rows, added.iter_rows(named=True), strict=True)]
        case "pandas":
            return _to_pandas(added, contacts if places is None else contacts.iloc[places.to_numpy()])
        case "arrow" if (table := _pyarrow_table(contacts)) is not None:
            return _to_arrow(added, table if places is None else table.take(places.to_list()))
    whole = export.source.with_columns(added)
    return whole.lazy() if export.kind == "lazyframe" else whole


def _to_pandas(added: pl.DataFrame, contacts: Any) -> Any:
    """Add columns to a shallow copy of a pandas frame."""
    pandas = sys.modules["pandas"]
    whole = contacts.copy(deep=False)
    for column in added:
        whole[column.name] = pandas.Series(_values(column), index=contacts.index)
    return whole


def _values(column: pl.Series) -> Any:
    """Return a column as pandas takes it without pyarrow."""
    if column.dtype.is_float() or (column.dtype.is_numeric() and column.null_count() == 0):
        return column.to_numpy()
    return column.to_list()


def _pyarrow_table(contacts: Any) -> Any:
    """Return what is pyarrow's as its table; None for other Arrow streams, which come back as polars."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is not None and isinstance(contacts, pyarrow.RecordBatch):
        return pyarrow.Table.from_batches([contacts])
    return contacts if pyarrow is not None and isinstance(contacts, pyarrow.Table) else None


def _to_arrow(added: pl.DataFrame, table: Any) -> Any:
    """Add columns to a pyarrow table."""
    for column in added:
        place = table.column_names.index(column.name) if column.name in table.column_names else None
        cells = column.to_arrow()
        table = (
            table.append_column(column.name, cells) if place is None else table.set_column(place, column.name, cells)
        )
    return table
