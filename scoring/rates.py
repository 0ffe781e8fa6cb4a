"""The rates behind the reasons: of all contacts of whom a fact says the same, how many wrote or met in 30 days.

A rate is *marginal*: those contacts differ in everything else, too. A reason's log-odds are what the fact adds where
all else is equal. So a reason may raise a chance though its rate lies below that of all contacts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import ArrayLike

from scoring.errors import ModelError
from scoring.features import FEATURES, Fact
from scoring.scorecard import Floats, Scorecard, Table, from_dict, to_dict
from scoring.wording import LADDERS, percent

__all__ = ["BELIEF", "FACTS", "LEAST_ROWS", "Rates", "make_rates", "tell_rates"]

FACTS: Final = tuple(dict.fromkeys(feature.fact for feature in FEATURES))
"""What rates are counted by, in this order."""
LEAST_ROWS: Final = 30
"""A rate of fewer rows is not told."""
# Of six real organisations, the rate at each step was foretold from one pair of exports for the next date, and held
# against what happened then. Its error (root of the mean square over rows, less what chance alone does) was 8.4 points
# by own rows alone, 8.0 with 20 or 30 rows of the prior, 8.8 with 500; on twelve simulated ones 7.2, 6.1 and 7.6. Of
# all of them, with a hundred own rows, 11.6, 7.9 and 9.1. Had the prior not been moved to the level of the own rows,
# what is chosen here would have been worse.
BELIEF: Final = 20
"""Rows that a rate of the model before counts for, at most, beside rows of one's own."""

_MEMBERS: Final = ("own", "rows", "overall", "counts", "shares")
_DIGITS: Final = 6
_HINT: Final = "save the model again"


@dataclass(frozen=True)
class Rates:
    """How many wrote or met (`engaged`), by what the facts said of them.

    Attributes
    ----------
    own : bool
        Whether the rows are of a customer's own exports; else they are simulated.
    rows : int
        Rows of which it is known whether they did, at least 1.
    overall : float
        The share of them that did.
    counts : tuple of Table
        For each fact by its name: at the steps of its unit's ladder the number of rows, the last for those where it is
        absent. Beside own rows those of the model before are counted in, up to `BELIEF` for each step.
    shares : tuple of Table
        The same steps: which share of those rows did; 0 where there are none.
    """

    own: bool
    rows: int
    overall: float
    counts: tuple[Table, ...]
    shares: tuple[Table, ...]

    @property
    def source(self) -> str:
        """What they were counted in, in words."""
        if not self.own:
            return f"{self.rows:,} rows of simulated organisations"
        return (
            f"{self.rows:,} rows of your own exports (where a value is rare, with up to {BELIEF} of the model before)"
        )

    def of(self, fact: Fact) -> list[float | None]:
        """Find the rates of one fact.

        Parameters
        ----------
        fact : Fact
            Which.

        Returns
        -------
        list of float or None
            One for each step of its unit's ladder, and one for where it is absent; None for fewer than `LEAST_ROWS`
            rows. All None where the model knows no such fact, or had other steps.
        """
        found = self.find(fact)
        if found is None:
            return [None] * (len(LADDERS[fact.unit].steps) + 1)
        told = zip(*(table.values.tolist() for table in found), strict=True)
        return [share if rows >= LEAST_ROWS else None for rows, share in told]

    def find(self, fact: Fact) -> tuple[Table, Table] | None:
        """Find the counts and the shares of one fact; None where the model knows it not, or by other steps."""
        for count, share in zip(self.counts, self.shares, strict=True):
            if count.feature == fact.name and np.array_equal(count.thresholds, LADDERS[fact.unit].thresholds):
                return count, share
        return None

    def to_dict(self) -> dict[str, Any]:
        """Write it as plain JSON types, always the same way."""
        counts, shares = (to_dict(Scorecard(0.0, tables))["tables"] for tables in (self.counts, self.shares))
        return {"own": self.own, "rows": self.rows, "overall": self.overall, "counts": counts, "shares": shares}

    @classmethod
    def from_dict(cls, document: object) -> Rates:
        """Read what `to_dict` wrote, believing nothing.

        Parameters
        ----------
        document : object
            Parsed JSON.

        Returns
        -------
        Rates

        Raises
        ------
        ModelError
            If it is damaged.
        """
        if not isinstance(document, dict) or set(document) != set(_MEMBERS):
            raise ModelError("the rates are damaged", expected=f"exactly {', '.join(_MEMBERS)}", hint=_HINT)
        own, rows, overall = (document[name] for name in _MEMBERS[:3])
        if type(own) is not bool or type(rows) is not int or rows < 1:
            raise ModelError("the rates do not say of which rows they are", hint=_HINT)
        if type(overall) not in (int, float) or not 0 <= overall <= 1:
            raise ModelError("the rate of all rows is none", expected="a share", hint=_HINT)
        counts, shares = (from_dict({"intercept": 0.0, "tables": document[name]}).tables for name in _MEMBERS[3:])
        steps = [[(table.feature, table.thresholds.tolist()) for table in tables] for tables in (counts, shares)]
        if steps[0] != steps[1]:
            raise ModelError("the rates are not of the steps that were counted", hint=_HINT)
        for count, share in zip(counts, shares, strict=True):
            if (count.values < 0).any() or (share.values < 0).any() or (share.values > 1).any():
                raise ModelError(f"the rates of {count.feature!r} are no shares of rows", hint=_HINT)
        return cls(own, rows, float(overall), counts, shares)


def tell_rates(rates: Rates) -> str:
    """Say what the figures behind reasons are, and where they come from.

    Parameters
    ----------
    rates : Rates
        A model's.

    Returns
    -------
    str
        One sentence.
    """
    return (
        "The figure in square brackets behind a reason says how many of the contacts of whom the same is true replied "
        f"or met in 30 days, against {percent(rates.overall)} of all: counted in {rates.source}."
    )


def make_rates(
    parts: Iterable[tuple[pl.DataFrame, ArrayLike]], *, own: bool = False, prior: Rates | None = None
) -> Rates:
    """Count how many did, by what the facts said of them.

    Parameters
    ----------
    parts : iterable of (polars.DataFrame, array_like)
        Facts of some rows, as `features.compute_facts` gives them beside a context, and whether each row did: true or
        false, or in which share of its futures. At least one row in all.
    own : bool
        Whether the rows are of a customer's own exports.
    prior : Rates, optional
        Those of the model before. At each step they count for up to `BELIEF` rows, moved in log-odds by as much as all
        own rows lie above or below all of its.

    Returns
    -------
    Rates

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from scoring.features import compute_facts, observe
    >>> from scoring.context import Context
    >>> from scoring.schema import empty
    >>> rows, when = empty(40), datetime(2026, 1, 1, tzinfo=UTC)
    >>> facts = compute_facts(observe(rows, when, Context.of(rows, when)))
    >>> rates = make_rates([(facts, [True] * 10 + [False] * 30)])
    >>> rates.overall, rates.of(FACTS[0])[-1]
    (0.25, 0.25)
    """
    counted = [np.zeros((2, len(LADDERS[fact.unit].steps) + 1)) for fact in FACTS]
    rows = 0
    for facts, outcome in parts:
        happened = np.asarray(outcome, dtype=np.float64)
        rows += len(happened)
        for fact, found in zip(FACTS, counted, strict=True):
            places = LADDERS[fact.unit].locate(facts[fact.name].to_numpy())
            found += [np.bincount(places, weights, found.shape[1]) for weights in (None, happened)]
    did = float(counted[0][1].sum())
    overall = did / rows if prior is None else (did + BELIEF * prior.overall) / (rows + BELIEF)
    counts, shares = [], []
    for fact, found in zip(FACTS, counted, strict=True):
        believed = found if prior is None else found + _believed(prior, fact, overall)
        share = np.divide(believed[1], believed[0], out=np.zeros(believed.shape[1]), where=believed[0] > 0)
        thresholds = LADDERS[fact.unit].thresholds
        counts.append(Table(fact.name, thresholds, believed[0]))
        shares.append(Table(fact.name, thresholds, share.round(_DIGITS)))
    return Rates(own, rows, round(overall, _DIGITS), tuple(counts), tuple(shares))


def _believed(prior: Rates, fact: Fact, overall: float) -> Floats:
    """Rows of the model before, and how many of them did, had they lived where the overall rate is another one."""
    found = prior.find(fact)
    if found is None:
        return np.zeros((2, len(LADDERS[fact.unit].steps) + 1))
    rows, share = np.minimum(found[0].values, BELIEF), found[1].values
    # odds times a constant, which is log-odds and a constant; without logarithms it is the same on every processor
    did, did_not = share * overall * (1 - prior.overall), (1 - share) * (1 - overall) * prior.overall
    moved = np.divide(did, did + did_not, out=share.copy(), where=did + did_not > 0)
    return np.stack([rows, rows * moved])
