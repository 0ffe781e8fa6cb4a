"""One feature: a number that says something about a contact, and how to say it in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import polars as pl

__all__ = ["AS_OF", "Feature", "ago", "share"]

AS_OF: Final = pl.col("as_of")
_SECONDS_A_DAY: Final = 86_400


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """A named polars expression over the typed table, `as_of` and the joined totals of the context.

    Attributes
    ----------
    name : str
        Name of the column; a name that starts with `rep_`, `account_`, `contact_` or `org_` needs a context.
    unit : str
        What one means: ``days``, ``mails``, ``share``, ...; it decides how values are put into words.
    fact : str
        What it tells of. Features of one fact are near-copies, so together they are one reason.
    formula : str
        The definition, as text. It is part of a model's contract: a model learnt from another one is refused.
    phrase : str
        A sentence for people with ``{}`` where the value in words goes.
    absent : str
        The sentence where the value is null, that is, where there is no such history.
    expression : polars.Expr
        No window functions: what needs other rows is a total of the context.
    """

    name: str
    unit: str
    fact: str
    formula: str
    phrase: str
    absent: str
    expression: pl.Expr

    @property
    def needs_context(self) -> bool:
        """Whether it can only be computed beside the totals of an export."""
        return self.name.startswith(("rep_", "account_", "contact_", "org_"))


def ago(column: str) -> pl.Expr:
    """Days from a time until `as_of`; never negative, null where there is no time.

    Parameters
    ----------
    column : str
        A column of UTC times.

    Returns
    -------
    polars.Expr

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> frame = pl.DataFrame({"t": [datetime(2026, 1, 1, tzinfo=UTC)], "as_of": [datetime(2026, 1, 3, 12, tzinfo=UTC)]})
    >>> frame.select(ago("t")).item()
    2.5
    """
    return between(column, "as_of").clip(0)


def between(earlier: str, later: str) -> pl.Expr:
    """Days from one time to another; negative where the other came first.

    Parameters
    ----------
    earlier, later : str
        Columns of UTC times.

    Returns
    -------
    polars.Expr
    """
    return (pl.col(later) - pl.col(earlier)).dt.total_seconds() / _SECONDS_A_DAY


def share(part: pl.Expr, whole: pl.Expr, prior: float = 0.5) -> pl.Expr:
    """Smoothed part of a whole, strictly between 0 and 1: ``(part + prior) / (whole + 2 * prior)``.

    Parameters
    ----------
    part, whole : polars.Expr
        Counts, ``0 <= part <= whole``.
    prior : float
        Imagined observations on either side.

    Returns
    -------
    polars.Expr

    Examples
    --------
    >>> pl.select(share(pl.lit(0), pl.lit(0))).item()
    0.5
    """
    return (part + prior) / (whole + 2 * prior)
