"""Any export to one typed table, with what could not be read kept aside.

`files` tells what a file is, `delimited` and `documents` read text, `frames` and `records` what is in memory;
`columns` finds the fields by name, and `cells` reads columns into their types, by the rules in `scalars`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import polars as pl

from scoring.errors import InputError, warn
from scoring.reading.cells import typed
from scoring.reading.columns import Columns, match, unrepeated
from scoring.reading.export import Export, no_faults, shorten
from scoring.reading.files import Contents, naming, read_file
from scoring.reading.frames import kind_of, restore, stack, table_of
from scoring.reading.records import read_record
from scoring.schema import NAMES, empty

__all__ = ["Contents", "Export", "export_part", "match", "read", "restore", "warn_missing"]


def read(contacts: Any) -> Export:
    """Read an export.

    Parameters
    ----------
    contacts : table, record, path or list of paths
        A polars DataFrame or LazyFrame, a pandas DataFrame, a pyarrow table or any other Arrow stream, a list of
        dicts, one dict, the path of a CSV, JSON, NDJSON or Parquet file, or a list of such paths, which are put one
        after the other.

    Returns
    -------
    Export
        Row i of its table is row i of the input.

    Raises
    ------
    InputError
        If it cannot be read as a table, two columns are one field, or no column says what happened.

    Warns
    -----
    SchemaWarning
        If fields have no column (not for one dict), or the text is not UTF-8.

    Examples
    --------
    >>> export = read({"crmId": 12, "Total Inbound": "3.0", "shoe size": 41})
    >>> export.table.row(0, named=True)["total_inbound"], export.extra
    (3, ('shoe size',))
    """
    if isinstance(contacts, (str, os.PathLike)):
        return _from_files([contacts])
    kind = kind_of(contacts)
    if kind == "dict":
        return read_record(contacts)
    if kind is not None:
        if kind == "dicts" and not len(contacts):
            return _nothing(kind)
        source = table_of(contacts, kind)
        return _export([Contents(source, kind)], [None], {})
    if isinstance(contacts, (list, tuple)) and all(isinstance(path, (str, os.PathLike)) for path in contacts):
        return _from_files(contacts)
    raise InputError(
        f"contacts are given as {type(contacts).__name__}"
        + (f" of {type(contacts[0]).__name__}" if isinstance(contacts, (list, tuple)) and contacts else ""),
        expected="a polars or pandas DataFrame, an Arrow table, a list of dicts, a dict, a path or a list of paths",
    )


def _from_files(paths: Sequence[str | os.PathLike[str]]) -> Export:
    """Read files and put them one after the other."""
    parts = [read_file(path) for path in paths]
    if len(parts) == 1:
        details = parts[0].details
    else:
        details = {
            "files": [
                {"path": os.fspath(path), "kind": part.kind, "rows": part.source.height, **part.details}
                for path, part in zip(paths, parts, strict=True)
            ]
        }
    return _export(parts, paths, details)


def export_part(part: Contents, path: str | os.PathLike[str]) -> Export:
    """Type a part of a large file.

    Parameters
    ----------
    part : Contents
        Some rows.
    path : str or path-like
        The file.

    Returns
    -------
    Export
        As `read` gives it, without a warning.
    """
    return _export([part], [path], {}, quiet=True)


def _export(
    parts: Sequence[Contents],
    paths: Sequence[str | os.PathLike[str] | None],
    details: dict[str, Any],
    quiet: bool = False,
) -> Export:
    """Type each part and join them."""
    tables, sources, faults, found = [], [], [], []
    start = 0
    for part, path in zip(parts, paths, strict=True):
        with naming(path):
            columns = _columns(part)
        table, unread = typed(part.source, columns.found)
        torn = part.broken.select(
            pl.col("row").cast(pl.UInt32),
            rule=pl.lit("unreadable_line"),
            column=pl.lit(None, dtype=pl.String),
            cell=pl.col("line").cast(pl.String).map_batches(shorten, return_dtype=pl.String),
        )
        both = pl.concat([torn, unread]).sort("row", maintain_order=True) if torn.height else unread
        faults.append(both.with_columns((pl.col("row") + start).cast(pl.UInt32)))
        tables.append(table)
        sources.append(part.source)
        found.append(columns)
        start += part.source.height
    missing = tuple(name for name in NAMES if all(name in columns.missing for columns in found))
    if not quiet and any(part.source.width for part in parts):
        warn_missing(missing)
    lines = [part.lines for part in parts]
    return Export(
        table=tables[0] if len(tables) == 1 else pl.concat(tables),
        source=stack(sources),
        kind=parts[0].kind,
        renamed={name: field for columns in found for name, field in columns.renamed.items()},
        missing=missing,
        extra=tuple(dict.fromkeys(name for columns in found for name in columns.extra)),
        faults=faults[0] if len(faults) == 1 else pl.concat(faults),
        lines=None if any(one is None for one in lines) else pl.concat([one for one in lines if one is not None]),
        details=details,
    )


def warn_missing(missing: Sequence[str]) -> None:
    """Warn of fields without a column.

    Parameters
    ----------
    missing : sequence of str
        The fields; if there are none, nothing is said.
    """
    if missing:
        warn(f"{len(missing)} of {len(NAMES)} fields have no column and count as unknown: {', '.join(missing)}")


def _columns(part: Contents) -> Columns:
    """Find the fields among the columns; records that are none have no columns, and that is no fault."""
    if part.kind in ("json", "ndjson") and not part.source.width:
        return Columns({}, {}, NAMES, ())
    unrepeated(part.source.columns)
    return match(tuple(part.source.columns))


def _nothing(kind: str) -> Export:
    """Return an export without rows and columns."""
    return Export(empty(0), pl.DataFrame(), kind, {}, NAMES, (), no_faults())
