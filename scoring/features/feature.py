"""Features and facts: what a model looks at, and what people are told.

A *feature* is a number that a model looks at. Many features are near-copies: five ways to measure how the contact's
silence compares with the past are one *fact*, "last mail from the contact". What the features of a fact contribute is
added up and told in one sentence, by the plain number that stands for the fact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

__all__ = ["AS_OF", "Fact", "Feature", "ago", "between", "count", "share"]

AS_OF: Final = pl.col("as_of")
_SECONDS_A_DAY: Final = 86_400
_NEEDS_CONTEXT: Final = ("rep_", "account_", "contact_", "org_")


@dataclass(frozen=True, slots=True, eq=False)
class Fact:
    """Something that people know of a contact, as one plain number.

    Attributes
    ----------
    name : str
        What it is called; unique.
    unit : str
        What one means: ``days``, ``mails``, ``share``, ...; it decides how values are put into words.
    phrase : str
        A sentence for people with ``{}`` where the value in words goes.
    absent : str
        The sentence where the value is null.
    value : polars.Expr
        The number, over the same columns as a feature's expression.
    """

    name: str
    unit: str
    phrase: str
    absent: str
    value: pl.Expr


@dataclass(frozen=True, slots=True, eq=False)
class Feature:
    """A named polars expression over the typed table, `as_of` and the joined totals of the context.

    Attributes
    ----------
    name : str
        Name of the column; a name that starts with `rep_`, `account_`, `contact_` or `org_` needs a context.
    unit : str
        What one means: ``days``, ``mails``, ``share``, ...
    fact : Fact
        What it tells of.
    formula : str
        The definition, as text. It is part of a model's contract: a model that learned from another one is refused.
    expression : polars.Expr
        No window functions: what needs other rows is a total of the context. Null means "no such history"; never
        infinite, never NaN.
    trend : {1, 0, -1}
        1 if more of it can only raise a chance, -1 if it can only lower it, 0 if that is for the data to say. A model
        is held to it, so that no reason contradicts common sense.
    """

    name: str
    unit: str
    fact: Fact
    formula: str
    expression: pl.Expr
    trend: Literal[1, 0, -1] = 0

    @property
    def needs_context(self) -> bool:
        """Whether it can only be computed beside the totals of an export."""
        return self.name.startswith(_NEEDS_CONTEXT)


def count(column: str) -> pl.Expr:
    """Take a count as a float, so that sums and powers of absurd counts cannot overflow.

    Parameters
    ----------
    column : str
        A column of counts.

    Returns
    -------
    polars.Expr
    """
    return pl.col(column).cast(pl.Float64)


def ago(column: str) -> pl.Expr:
    """Days from a time until `as_of`; 0 for a time after it, null where there is no time.

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
    """Smoothed part of a whole: ``(part + prior) / (whole + 2 * prior)``, between 0 and 1 where ``part <= whole``.

    Parameters
    ----------
    part, whole : polars.Expr
        Counts.
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
