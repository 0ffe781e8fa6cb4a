"""Which contacts are to be written into a CRM: those that are in it, one row each, and on request only what changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.errors import InputError
from scoring.mapping import TREND, FieldMapping, cells_of, shorten
from scoring.scored import Scored, read_scored
from scoring.trends import TRENDS, name_trends
from scoring.validation import find_suppressed

__all__ = ["ID", "Updates", "find_updates"]

ID: Final = "=id"
"""The column of the ids: no field of a CRM has such a name, nor such as the others of this file that start so."""

_PASSING: Final = ("reasons", "as_of", "model_id", TREND)
"""Columns that change with every export: they alone are no reason to write a contact again."""


@dataclass(frozen=True, eq=False)
class Updates:
    """What is to be written.

    Attributes
    ----------
    rows : polars.DataFrame
        One row for each contact, in the order of ids: the column `ID` and those of the mapping's fields.
    counts : dict
        ``rows``, ``written``, ``suppressed`` and so on, as `scoring.WriteBack` describes them.
    """

    rows: pl.DataFrame
    counts: dict[str, Any]


def find_updates(
    scored: Scored, earlier: Any, mapping: FieldMapping, ids: pl.Expr, decimals: int, suppress: Sequence[str] = ()
) -> Updates:
    """Take one row for each contact that is in the CRM and, where there is an earlier file, has changed.

    Parameters
    ----------
    scored : Scored
        Scored contacts.
    earlier : frame, records, path or None
        Scored contacts, as they were written last.
    mapping : FieldMapping
        Which column goes into which field.
    ids : polars.Expr
        Of the column `crm_id`: a struct of ``id`` as it is written, ``same``, which is equal for ids of one contact,
        and ``fits``, whether it is an id of the CRM.
    decimals : int
        As for `mapping.cells_of`.
    suppress : sequence of str
        Addresses and domains whose contacts must be left out.

    Returns
    -------
    Updates

    Raises
    ------
    InputError
        If a column is missing, or the earlier contacts are later ones.
    """
    now, counts = _contacts(scored, mapping, ids, decimals, find_suppressed(scored.table, suppress))
    gone = None
    if earlier is None:
        now = now.with_columns(pl.lit(TRENDS[3]).alias("=trend"))
    else:
        before = read_scored(earlier)
        if before.as_of > scored.as_of:
            raise InputError(
                f"the earlier contacts were scored at {before.as_of:%Y-%m-%d}, after {scored.as_of:%Y-%m-%d}",
                hint="are the two files mixed up?",
            )
        then, _ = _contacts(before, mapping, ids, decimals, find_suppressed(before.table, ()))
        gone = then.join(now, on="=same", how="anti").height
        now = _changed(now, then, mapping)
    counts["unchanged"] = counts["contacts"] - now.height
    trends = [pl.col("=trend").alias(name) for name, column in mapping.fields.items() if column == TREND]
    rows, shortened = now.with_columns(trends).select(ID, *mapping.fields), 0
    for name in mapping.fields:
        text, cut = shorten(rows[name], mapping.length(name))
        rows, shortened = rows.with_columns(text), shortened + cut
    del counts["contacts"]
    return Updates(rows, {**counts, "written": rows.height, "gone": gone, "shortened": shortened})


def _contacts(
    scored: Scored, mapping: FieldMapping, ids: pl.Expr, decimals: int, suppressed: pl.Series
) -> tuple[pl.DataFrame, dict[str, int]]:
    """Put one row for each contact of the CRM, in the order of ids: the one of highest priority."""
    about = scored.table.select(ids.alias("about")).unnest("about")
    cells = cells_of(scored, mapping, decimals)
    always = cells_of(scored, FieldMapping({"score": "priority", "tier": "tier"}), decimals)
    frame = cells.with_columns(
        about["id"].alias(ID),
        about["same"].alias("=same"),
        about["fits"].alias("=fits"),
        scored.scores["priority"].alias("=priority"),
        scored.scores["evidence"].cast(pl.String).alias("=evidence"),
        scored.scores["model_id"].alias("=model"),
        scored.keys["rep"].alias("=rep"),
        always["score"].alias("=score"),
        always["tier"].alias("=tier"),
    )
    # an id has more than one form, and nobody is to be found by the other
    same = frame["=same"]
    blocked = suppressed | same.is_in(same.filter(suppressed).drop_nulls().implode()).fill_null(False)
    allowed = frame.filter(~blocked)
    usable = allowed.filter(scored.usable.filter(~blocked))
    with_id = usable.filter(pl.col(ID).is_not_null())
    fitting = with_id.filter(pl.col("=fits"))
    # all cells decide in the end, so that the order of rows never does
    by = ["=same", "=priority", "=rep", ID, *cells.columns]
    order = fitting.sort(by, descending=[name == "=priority" for name in by])
    contacts = order.unique("=same", keep="first", maintain_order=True)
    return contacts, {
        "rows": frame.height,
        "suppressed": frame.height - allowed.height,
        "unscored": allowed.height - usable.height,
        "without_id": usable.height - with_id.height,
        "foreign": with_id.height - fitting.height,
        "repeated": fitting.height - contacts.height,
        "contacts": contacts.height,
    }


def _changed(now: pl.DataFrame, then: pl.DataFrame, mapping: FieldMapping) -> pl.DataFrame:
    """Keep contacts that are new, or of which something changed that does not change by itself; add the trend."""
    compared = ["=score", "=tier", *(name for name, column in mapping.fields.items() if column not in _PASSING)]
    beside = ["=priority", "=model", *compared]
    joined = now.join(
        then.select("=same", *(pl.col(name).alias(f"={name}=") for name in beside), known=True),
        on="=same",
        how="left",
        maintain_order="left",
    )
    changed = joined.filter(pl.col("known").is_null() | pl.any_horizontal(_differs(name) for name in compared))
    return changed.with_columns(_trends(changed).alias("=trend"))


def _differs(name: str) -> pl.Expr:
    """Compare as text, as a column of one's own may be a number in one file and text in the other."""
    return pl.col(name).cast(pl.String).ne_missing(pl.col(f"={name}=").cast(pl.String))


def _trends(rows: pl.DataFrame) -> pl.Series:
    """Name the trends of rows that have their earlier priority and model beside them.

    As `scoring.compare` does; where the model changed only that can tell, and here it is not enough.
    """
    known = pl.col("=model").eq(pl.col("==model=")) & (pl.col("=evidence") != "none")
    new, old = (rows[name].to_numpy() for name in ("=priority", "==priority="))
    with np.errstate(divide="ignore", invalid="ignore"):  # of a chance of 0 or 1, or of none
        moved = (np.log(new) - np.log1p(-new)) - (np.log(old) - np.log1p(-old))
    return name_trends(moved, new - old, rows.select(known.fill_null(False)).to_series().to_numpy())
