"""An export as read: the typed table beside what came in."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import polars as pl

__all__ = ["FAULTS", "SHOWN", "Export", "no_faults", "shorten"]

FAULTS: dict[str, pl.DataType] = {"row": pl.UInt32(), "rule": pl.String(), "column": pl.String(), "cell": pl.String()}
"""Columns of `Export.faults`."""
SHOWN = 200
"""Characters of a cell or line that are kept in `Export.faults`."""


@dataclass(frozen=True)
class Export:
    """An export as read.

    Attributes
    ----------
    table : polars.DataFrame
        The 40 fields in schema order, typed; row i is input row i. Null where a cell is blank, missing or unreadable.
    source : polars.DataFrame
        The input: all columns, their names, order and values untouched (the cells of a CSV as the text they were).
    kind : str
        ``csv``, ``json``, ``ndjson``, ``parquet``, ``polars``, ``lazyframe``, ``pandas``, ``arrow``, ``dicts`` or
        ``dict``.
    renamed : dict of str to str
        Column as found to field, where they differ.
    missing : tuple of str
        Fields without a column.
    extra : tuple of str
        Columns that are no field; they travel through in `source`.
    faults : polars.DataFrame
        One row for each unreadable cell: ``row`` (from 0), ``rule``, ``column`` (as found), ``cell`` (its text,
        shortened), in order of rows. For a line that could not be read at all ``column`` is null and ``cell`` is the
        line.
    lines : polars.Series or None
        Line of the file on which each row starts, the first line being 1. None for what is not text.
    details : dict of str to object
        What is to be said of the file: ``separator``, ``encoding``, ``compression``, and ``files`` where there are
        several.
    """

    table: pl.DataFrame
    source: pl.DataFrame
    kind: str
    renamed: dict[str, str]
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    faults: pl.DataFrame
    lines: pl.Series | None = None
    details: dict[str, Any] = field(default_factory=dict)


_NO_FAULTS = pl.DataFrame(schema=FAULTS)


def no_faults() -> pl.DataFrame:
    """Make an empty frame of faults.

    Returns
    -------
    polars.DataFrame

    Examples
    --------
    >>> no_faults().columns
    ['row', 'rule', 'column', 'cell']
    """
    return _NO_FAULTS


def shorten(text: pl.Series) -> pl.Series:
    """Keep the first `SHOWN` characters of long cells.

    Parameters
    ----------
    text : polars.Series
        Strings.

    Returns
    -------
    polars.Series

    Examples
    --------
    >>> shorten(pl.Series(["a" * 300])).str.len_chars().item()
    203
    """
    cut = text.str.slice(0, SHOWN)
    return cut.zip_with(text.str.len_chars().fill_null(0) <= SHOWN, cut + "...") if len(text) else text
