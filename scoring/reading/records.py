"""One record out of a program: read value by value, as building columns would cost more than reading them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from scoring.errors import InputError
from scoring.reading import scalars
from scoring.reading.cells import RULES
from scoring.reading.columns import match
from scoring.reading.export import FAULTS, SHOWN, Export, no_faults
from scoring.reading.frames import frame_of
from scoring.schema import FIELDS

__all__ = ["read_record"]

_SCHEMA = {field.name: field.dtype for field in FIELDS}
_READERS = tuple(
    (
        field.name,
        scalars.READERS["identity" if field.role == "identity" and field.kind == "text" else field.kind],
        field.kind,
    )
    for field in FIELDS
)
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
    for name, reader, kind in _READERS:
        column = found.get(name)
        value = None if column is None else record[column]
        if value is None:
            row[name] = None
            continue
        try:
            row[name] = reader(value)
        except scalars.Unreadable:
            row[name] = None
            text = scalars.as_text(scalars.plain(value)) or ""
            faults.append((0, RULES[kind], str(column), text if len(text) <= SHOWN else f"{text[:SHOWN]}..."))
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
