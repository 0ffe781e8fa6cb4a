"""One record out of a program: read value by value, as building columns would cost more than reading them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final

import polars as pl

from scoring.errors import InputError
from scoring.reading import scalars
from scoring.reading.cells import RULES
from scoring.reading.columns import match
from scoring.reading.export import FAULTS, SHOWN, Export, no_faults
from scoring.reading.frames import frame_of
from scoring.schema import FIELDS

__all__ = ["read_cells", "read_record"]

_SCHEMA = {field.name: field.dtype for field in FIELDS}
_READERS: Final = {
    field.name: scalars.READERS["identity" if field.role == "identity" and field.kind == "text" else field.kind]
    for field in FIELDS
}
_ORDINARY: Final = frozenset({str, int, float, bool, type(None), datetime, date, Decimal, dict, list})
_TYPES: dict[type, pl.DataType] = {
    str: pl.String(),
    bool: pl.Boolean(),
    int: pl.Int64(),
    float: pl.Float64(),
    type(None): pl.String(),
}


def _source(record: Mapping[str, Any]) -> pl.DataFrame:
    """Put a record into a frame of one row."""
    if any(type(value) is int and not -(2**63) <= value < 2**63 for value in record.values()):
        return frame_of([record])
    try:
        return pl.from_dicts([record], schema={name: _TYPES[type(value)] for name, value in record.items()})
    except (KeyError, TypeError, ValueError, pl.exceptions.PolarsError):
        return frame_of([record])


def read_record(record: Mapping[str, Any]) -> Export:
    """Read one record.

    Parameters
    ----------
    record : mapping
        Names of fields to cells; those it does not have are null.

    Returns
    -------
    Export
        With one row.

    Raises
    ------
    InputError
        If two of its keys are one field, or none is an activity.

    Examples
    --------
    >>> read_record({"totalInbound": "3"}).table["total_inbound"].item()
    3
    """
    names = tuple(record)
    if not all(type(name) is str for name in names):
        raise InputError("the record has keys that are no text", expected="names of fields as keys")
    columns = match(names)
    found = columns.found
    row: dict[str, Any] = {}
    faults: list[tuple[int, str, str, str]] = []
    for field in FIELDS:
        column = found.get(field.name)
        value = None if column is None else record[column]
        if value is None:
            row[field.name] = None
            continue
        try:
            row[field.name] = _READERS[field.name](value)
        except scalars.Unreadable:
            row[field.name] = None
            text = scalars.encodable(scalars.as_text(scalars.plain(value)) or "")
            cut = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
            faults.append((0, RULES[field.kind], scalars.encodable(str(column)), cut))
    try:
        table = pl.from_dicts([row], schema=_SCHEMA)
    except UnicodeEncodeError:
        row = {name: scalars.encodable(cell) if isinstance(cell, str) else cell for name, cell in row.items()}
        table = pl.from_dicts([row], schema=_SCHEMA)
    return Export(
        table=table,
        source=_source(record),
        kind="dict",
        renamed=dict(columns.renamed),
        missing=columns.missing,
        extra=columns.extra,
        faults=pl.DataFrame(faults, schema=FAULTS, orient="row") if faults else no_faults(),
    )


def read_cells(record: Mapping[str, Any], needed: frozenset[str]) -> tuple[dict[str, Any], tuple[str, ...]] | None:
    """Read the cells of one record that are needed, and make no frame.

    Parameters
    ----------
    record : mapping
        Names of fields to cells.
    needed : frozenset of str
        The fields wanted.

    Returns
    -------
    cells : dict of str to object
        The needed fields; None where a cell is blank or missing.
    missing : tuple of str
        Fields without a key, of all 40.
    None
        If anything is out of the ordinary, so that `read_record` must look: keys that are no text, cells of rare
        types, a needed cell that cannot be read, text that is no valid Unicode.

    Raises
    ------
    InputError
        If two of its keys are one field, or none is an activity.

    Examples
    --------
    >>> read_cells({"totalInbound": "3", "crm_id": 7}, frozenset({"total_inbound", "email"}))[0]
    {'email': None, 'total_inbound': 3}
    >>> read_cells({"totalInbound": "many"}, frozenset({"total_inbound"})) is None
    True
    """
    if set(map(type, record)) != {str} or not _ORDINARY.issuperset(map(type, record.values())):
        return None
    readers, missing, nothing = _plan(tuple(record), needed)
    cells = nothing.copy()
    try:
        for name, column, reader in readers:
            value = record[column]
            if value is not None:
                cells[name] = reader(value)
    except scalars.Unreadable:
        return None
    return cells, missing


@lru_cache(maxsize=64)
def _plan(
    names: tuple[str, ...], needed: frozenset[str]
) -> tuple[list[tuple[str, str, Callable[[Any], Any]]], tuple[str, ...], dict[str, None]]:
    """Prepare the reading of records with these keys."""
    columns = match(names)
    fields = [field for field in FIELDS if field.name in needed]
    readers = [
        (field.name, columns.found[field.name], _whole_text if field.kind == "text" else _READERS[field.name])
        for field in fields
        if field.name in columns.found
    ]
    return readers, columns.missing, {field.name: None for field in fields}


def _whole_text(value: Any) -> str | None:
    """Read text that can be written as UTF-8."""
    text: str | None = scalars.READERS["text"](value)
    if text is not None and not text.isascii() and scalars.encodable(text) != text:
        raise scalars.Unreadable
    return text
