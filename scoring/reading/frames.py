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

__all__ = ["column_of", "frame_of", "kind_of", "restore", "table_of"]

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
    if kinds <= {dict, list, datetime} and len(kinds) == 1 or kinds == {date}:
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


def restore(frame: pl.DataFrame, like: Export | str, contacts: Any, places: pl.Series | None = None) -> Any:
    """Give a scored frame back as the kind of table that came in.

    Parameters
    ----------
    frame : polars.DataFrame
        The input's columns (or some of them) and new ones.
    like : Export or str
        The export as read, or its kind. With the kind alone, columns that `contacts` has are taken to be unchanged.
    contacts : object
        What was read.
    places : polars.Series, optional
        Which rows of `contacts` the rows of the frame are, from 0, where some were left out.

    Returns
    -------
    object
        A polars DataFrame for polars and for files, a LazyFrame, a pandas DataFrame with the index and the column
        types of `contacts`, a pyarrow table (a polars DataFrame for any other Arrow stream), a list of dicts, or a
        dict (None if it was left out).

    Examples
    --------
    >>> restore(pl.DataFrame({"a": [1], "score": [0.5]}), "dict", {"a": 1})
    {'a': 1, 'score': 0.5}
    """
    kind = like if isinstance(like, str) else like.kind
    if kind == "lazyframe":
        return frame.lazy()
    if kind not in ("pandas", "arrow", "dict", "dicts"):
        return frame
    if places is not None:
        if kind == "dict":
            return None
        contacts = _rows_of(contacts, kind, places)
    new = _new_columns(frame, like, contacts, kind)
    if kind == "pandas":
        return _to_pandas(frame, new, contacts)
    if kind == "arrow":
        return _to_arrow(frame, new, contacts)
    rows = [contacts] if kind == "dict" else list(contacts)
    if len(rows) != frame.height:
        return frame.to_dicts()
    added = frame.select(new).to_dicts() if new else [{} for _ in rows]
    whole = [{**row, **more} for row, more in zip(rows, added, strict=True)]
    return whole[0] if kind == "dict" else whole


def _rows_of(contacts: Any, kind: str, places: pl.Series) -> Any:
    """Return some rows of a pandas frame, an Arrow table or a list of dicts."""
    if kind == "pandas":
        return contacts.iloc[places.to_numpy()]
    if kind == "arrow":
        return contacts.take(places.to_list()) if hasattr(contacts, "take") else contacts
    return [contacts[place] for place in places]


def _new_columns(frame: pl.DataFrame, like: Export | str, contacts: Any, kind: str) -> list[str]:
    """Name the columns that `contacts` does not have, or has with other values."""
    if not isinstance(like, str):
        source = like.source
        return [
            name
            for name in frame.columns
            if name not in source.columns or not frame[name].equals(source[name], null_equal=True)
        ]
    if kind == "pandas":
        known = {str(name) for name in contacts.columns}
    elif kind == "arrow":
        known = set(getattr(contacts, "column_names", ()))
    else:
        known = {name for row in ([contacts] if kind == "dict" else contacts) for name in row}
    return [name for name in frame.columns if name not in known]


def _to_pandas(frame: pl.DataFrame, new: list[str], contacts: Any) -> Any:
    """Add the new columns to a shallow copy of a pandas frame."""
    pandas = sys.modules["pandas"]
    same_rows = frame.height == len(contacts)
    index = contacts.index if same_rows else None
    added = {
        name: pandas.Series(_values(frame[name]), index=index, name=name)
        for name in (new if same_rows else frame.columns)
    }
    if not same_rows:
        return pandas.DataFrame(added)
    whole = contacts.copy(deep=False)
    names = {str(name): name for name in contacts.columns}
    for name, column in added.items():
        whole[names.get(name, name)] = column
    return whole


def _values(column: pl.Series) -> Any:
    """Return a column as pandas takes it without pyarrow."""
    if column.dtype.is_float() or (column.dtype.is_numeric() and column.null_count() == 0):
        return column.to_numpy()
    return column.to_list()


def _to_arrow(frame: pl.DataFrame, new: list[str], contacts: Any) -> Any:
    """Add the new columns to a pyarrow table; what is no pyarrow table comes back as polars, itself an Arrow stream."""
    pyarrow = sys.modules.get("pyarrow")
    if pyarrow is None or not isinstance(contacts, (pyarrow.Table, pyarrow.RecordBatch)):
        return frame
    whole = pyarrow.table(contacts) if isinstance(contacts, pyarrow.Table) else pyarrow.Table.from_batches([contacts])
    if whole.num_rows != frame.height:
        return frame.to_arrow()
    for name in new:
        place = whole.column_names.index(name) if name in whole.column_names else None
        column = frame[name].to_arrow()
        whole = whole.append_column(name, column) if place is None else whole.set_column(place, name, column)
    return whole
