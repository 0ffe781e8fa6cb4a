"""Leaving rows out on request, before anything looks at them: of a whole export, or of one that comes in parts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

import polars as pl

from scoring.reading import Export, export_part, match
from scoring.reading.several import Source
from scoring.schema import ACTIVITY
from scoring.validation import find_suppressed

__all__ = ["find_people", "leave_out"]

_WHO = ("email", "account_domain", "crm_id")


def find_people(stream: Source, suppress: Sequence[str]) -> frozenset[str]:
    """Find who is left out of a large file: all rows of a person go, also where only one of them says why.

    Parameters
    ----------
    stream : Stream, ObjectStream or Several
        The file.
    suppress : sequence of str
        Addresses and domains.

    Returns
    -------
    frozenset of str
        Each `crm_id` of a row that `suppress` names.
    """
    found = match(tuple(stream.names)).found
    # a table without an activity would be none
    wanted = [*_WHO, *ACTIVITY]
    people: set[str] = set()
    for part in stream.parts({found[name] for name in wanted if name in found}) if suppress else ():
        table = export_part(part, stream.path).table
        people.update(table["crm_id"].filter(find_suppressed(table, suppress)).drop_nulls())
    return frozenset(people)


def leave_out(export: Export, suppress: Sequence[str], people: Collection[str] = ()) -> tuple[Export, pl.Series]:
    """Leave out the rows that `suppress` names.

    Parameters
    ----------
    export : Export
        As read.
    suppress : sequence of str
        Addresses and domains.
    people : collection of str
        Each `crm_id` that is named in another part.

    Returns
    -------
    Export
        Without these rows.
    keep : polars.Series
        Boolean, for each row of `export` whether it is still there.
    """
    if not suppress:
        return export, pl.repeat(True, export.table.height, dtype=pl.Boolean, eager=True)
    keep = ~find_suppressed(export.table, suppress, people)
    moved = pl.int_range(len(keep), dtype=pl.UInt32, eager=True).alias("row").filter(keep)
    faults = export.faults.join(moved.to_frame().with_row_index("place"), on="row", maintain_order="left")
    smaller = replace(
        export,
        table=export.table.filter(keep),
        source=export.source.filter(keep),
        faults=faults.with_columns(row=pl.col("place").cast(pl.UInt32)).drop("place"),
        lines=None if export.lines is None else export.lines.filter(keep),
    )
    return smaller, keep
