"""From anything that holds contacts to rows that can be worked with: read, dated, checked, added up.

Everything that starts from contacts starts here, so that scoring, features and contexts agree on which rows count.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from os import PathLike
from pathlib import Path

import polars as pl

from scoring.context import Context
from scoring.dating import AsOf, agree, date_of_name, infer_as_of, parse_as_of
from scoring.errors import InputError
from scoring.paths import matching
from scoring.reading import Export, read
from scoring.suppressing import leave_out
from scoring.validation import Checked, validate

__all__ = ["Intake", "build_context", "date_given", "date_named", "load_context", "take_in"]

_RECORDS = ("dict", "dicts")


@dataclass(frozen=True, eq=False)
class Intake:
    """Contacts that are ready to be scored.

    Attributes
    ----------
    export : Export
        As read, without the suppressed rows.
    places : polars.Series
        UInt32: which row of the input each row of the export is, from 0.
    as_of : AsOf
        The date that counts, and where it comes from.
    checked : Checked
        What is wrong with which row; row i is row i of `export.table`.
    context : Context or None
        Totals to put beside the rows; None for records that came without one.
    suppressed : int
        Rows left out because `suppress` names them.
    """

    export: Export
    places: pl.Series
    as_of: AsOf
    checked: Checked
    context: Context | None
    suppressed: int

    @property
    def rows(self) -> int:
        """Number of rows that came in, suppressed ones included."""
        return self.export.table.height + self.suppressed


def take_in(
    contacts: object,
    *,
    as_of: datetime | date | str | None = None,
    context: Context | str | Path | None = None,
    suppress: Sequence[str] = (),
    read_as: Export | None = None,
) -> Intake:
    """Read, date and check contacts, and add them up where they are a whole export.

    Parameters
    ----------
    contacts : frame, records or path
        Anything that `scoring.score` takes. A frame or a file is one whole export; one record or a list of records
        is a part of one.
    as_of : datetime, date or str, optional
        The date that counts; naive means UTC. By default that of `context`, else the one in the
        file's name if it fits what the rows say, else inferred from them.
    context : Context, str or Path, optional
        Totals to use in place of the export's own, or the file that holds them.
    suppress : sequence of str
        Addresses and domains whose contacts are left out, and only counted.
    read_as : Export, optional
        The contacts as `scoring.reading.read` gave them, where they were read before.

    Returns
    -------
    Intake

    Raises
    ------
    InputError
        If records come with neither `as_of` nor `context`, if `as_of` lies before the context's date, or for
        whatever `scoring.reading.read` refuses.
    """
    totals = load_context(context)
    if isinstance(contacts, str | Path) and len(files := matching(contacts)) > 1:
        contacts = files
    # whoever must not be scored is gone before anything looks at the rows, their date included
    export, keep = leave_out(read(contacts) if read_as is None else read_as, suppress)
    places = pl.int_range(len(keep), dtype=pl.UInt32, eager=True).alias("row").filter(keep)
    dated = _date(export, as_of, totals, date_named(contacts))
    checked = validate(export, dated.when)
    if totals is None and export.kind not in _RECORDS:
        totals = _totals(export, checked, dated)
    return Intake(export, places, dated, checked, totals, len(keep) - len(places))


def load_context(context: Context | str | Path | None) -> Context | None:
    """Load a context, or give back one that is loaded already.

    Parameters
    ----------
    context : Context, str, Path or None
        The context, or the file that holds it.

    Returns
    -------
    Context or None

    Raises
    ------
    InputError
        If it is none.

    Examples
    --------
    >>> load_context(None) is None
    True
    """
    totals = Context.load(context) if isinstance(context, str | Path) else context
    if totals is not None and not isinstance(totals, Context):
        raise InputError(f"the context is given as {type(totals).__name__}", expected="a Context, or the path of one")
    return totals


def build_context(
    contacts: object, *, as_of: datetime | date | str | None = None, suppress: Sequence[str] = ()
) -> Context:
    """Add up a whole export, so that single records can be scored as they would be inside it.

    Parameters
    ----------
    contacts : frame, records or path
        Anything that `scoring.score` takes, as one whole export.
    as_of : datetime, date or str, optional
        Date of the export; naive means UTC. By default inferred.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    Context
        Small; `save` writes it as Parquet with hashed keys, `Context.load` reads it.

    Examples
    --------
    >>> context = build_context({"crm_id": "1", "total_inbound": 2}, as_of="2026-01-01")
    >>> context.totals["org"]["inbound"].item()
    2.0
    """
    taken = take_in(contacts, as_of=as_of, suppress=suppress)
    if taken.context is not None:
        return taken.context
    return _totals(taken.export, taken.checked, taken.as_of)


def _totals(export: Export, checked: Checked, as_of: AsOf) -> Context:
    counted = checked.counted
    return Context.of(export.table if counted.all() else export.table.filter(counted), as_of.when)


def date_given(as_of: datetime | date | str | None, context: Context | None) -> AsOf | None:
    """Take the date that was given, or else that of the context.

    Parameters
    ----------
    as_of : datetime, date, str or None
        The date; naive means UTC.
    context : Context or None
        Totals.

    Returns
    -------
    AsOf or None
        None if neither is there.

    Raises
    ------
    InputError
        If `as_of` is no date, or lies before the context's.
    """
    if as_of is not None:
        when = parse_as_of(as_of)
        if context is not None and when < context.as_of:
            raise InputError(
                f"as_of {when:%Y-%m-%d %H:%M} lies before the context's date {context.as_of:%Y-%m-%d %H:%M}",
                expected="the same date or a later one",
                hint="build the context from an export that is not newer than the records",
            )
        return AsOf(when, "given")
    return None if context is None else AsOf(context.as_of, "from the context")


def _date(export: Export, as_of: datetime | date | str | None, context: Context | None, named: datetime | None) -> AsOf:
    given = date_given(as_of, context)
    if given is not None:
        return given
    if export.kind in _RECORDS:
        raise InputError(
            f"{export.table.height} record(s) without a date",
            expected="as_of=, or a context, which carries one",
            hint="pass as_of='2026-01-31', or context=scoring.build_context(last_export)",
        )
    if export.table.is_empty():
        return AsOf(datetime(1970, 1, 1, tzinfo=UTC), "no rows, so no date")
    return agree(named, infer_as_of(export.table))


def date_named(contacts: object) -> datetime | None:
    """Find the date in the names of the files, if they agree on one.

    Parameters
    ----------
    contacts : frame, records or path
        Anything that `scoring.score` takes.

    Returns
    -------
    datetime or None

    Examples
    --------
    >>> date_named(["2026-05-31/a.csv", "contacts-2026-05-31.csv"]) is None
    True
    """
    files = contacts if isinstance(contacts, list | tuple) else [contacts]
    found = {date_of_name(one) if isinstance(one, str | PathLike) else None for one in files}
    return found.pop() if len(found) == 1 else None
