"""Features: what a model may know about a contact, as numbers with names, units and words.

The list is the contract between training and scoring: both build the same columns from the same expressions.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.context import LEVELS, SOURCES, Context
from scoring.features import arrays
from scoring.features.context import CONTEXT
from scoring.features.feature import AS_OF, Fact, Feature
from scoring.features.measures import MEASURES, RANKED
from scoring.features.pace import PACE
from scoring.features.profile import PROFILE
from scoring.features.recency import RECENCY
from scoring.features.reciprocity import RECIPROCITY
from scoring.features.single import Evaluate, UnknownOperationError, translate
from scoring.features.volume import VOLUME
from scoring.intake import take_in
from scoring.schema import empty, same_time
from scoring.totals import Totals

__all__ = [
    "CONTEXT_FEATURES",
    "FEATURES",
    "OWN_FEATURES",
    "TOTALS",
    "Fact",
    "Feature",
    "build_features",
    "compute",
    "compute_facts",
    "computed_from",
    "look",
    "look_at_one",
    "observe",
]

Columns: TypeAlias = pl.DataFrame | dict[str, NDArray[np.float32]]
"""Float32 values by name."""

OWN_FEATURES: Final[tuple[Feature, ...]] = (*RECENCY, *VOLUME, *RECIPROCITY, *PACE, *PROFILE)
"""Features of the row alone."""

CONTEXT_FEATURES: Final[tuple[Feature, ...]] = CONTEXT
"""Features that need the totals of an export."""

FEATURES: Final[tuple[Feature, ...]] = (*OWN_FEATURES, *CONTEXT_FEATURES)

_MEASURED: Final = {name: value for stage in MEASURES for name, value in stage.items() if name not in RANKED}
_RANKS: Final = [value.alias(name) for name, value in MEASURES[0].items() if name in RANKED]
_STAGES: Final = [[value.alias(name) for name, value in stage.items()] for stage in MEASURES]
_A_TOTAL: Final = "org_rows"  # a column that is there exactly where the totals are


def _columns(features: tuple[Feature, ...]) -> tuple[list[pl.Expr], list[pl.Expr]]:
    """Features, and the facts that they tell of, as columns; made once, since making them costs more than one row."""
    facts = dict.fromkeys(feature.fact for feature in features)
    return (
        [feature.expression.cast(pl.Float32).alias(feature.name) for feature in features],
        [fact.value.cast(pl.Float32).alias(fact.name) for fact in facts],
    )


_OWN, _OWN_FACTS = _columns(OWN_FEATURES)
_ALL, _ALL_FACTS = _columns(FEATURES)
TOTALS: Final = frozenset(
    name
    for value in (*_ALL, *_ALL_FACTS, *(value for stage in _STAGES for value in stage))
    for name in value.meta.root_names()
) | {_A_TOTAL}
"""The columns of the context that anything is computed from."""


def observe(table: pl.DataFrame, as_of: datetime, context: Context | Totals | None) -> pl.DataFrame:
    """Put everything that features are computed from side by side.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts, one row for each contact of a rep.
    as_of : datetime
        What is known before it counts, in UTC.
    context : Context, Totals or None
        Totals of an export.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order, with `as_of`, the measures and, where there is a context, its totals.
    """
    dated = table.with_columns(same_time(as_of, table.height))
    observed = dated if context is None else context.join(dated, TOTALS)
    for stage in _STAGES:
        observed = observed.with_columns(stage)
    return observed


def compute(observed: pl.DataFrame) -> pl.DataFrame:
    """Compute the features of contacts.

    Parameters
    ----------
    observed : polars.DataFrame
        What `observe` gave.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order, one Float32 column for each feature, in the order of `FEATURES`; only the row's
        own ones where there is no context. Null means that there is no such history; no value is infinite or NaN.

    Examples
    --------
    >>> from datetime import UTC, datetime
    >>> from scoring import schema
    >>> compute(observe(schema.empty(2), datetime(2026, 1, 1, tzinfo=UTC), None))["days_since_engaged"].to_list()
    [None, None]
    """
    return observed.select(_ALL if _A_TOTAL in observed.columns else _OWN)


def compute_facts(observed: pl.DataFrame) -> pl.DataFrame:
    """Compute the plain numbers that reasons are told by.

    Parameters
    ----------
    observed : polars.DataFrame
        What `observe` gave.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order, one Float32 column for each fact, by its name.
    """
    return observed.select(_ALL_FACTS if _A_TOTAL in observed.columns else _OWN_FACTS)


def look(table: pl.DataFrame, as_of: datetime, context: Context | Totals | None) -> tuple[Columns, Columns]:
    """Compute features and facts, whatever the number of rows.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts, one row for each contact of a rep.
    as_of : datetime
        What is known before it counts, in UTC.
    context : Context, Totals or None
        Totals of an export.

    Returns
    -------
    features, facts : mapping of str to column
        As `compute` and `compute_facts` give them, but NaN for null; of a single row as arrays of one float32, with
        the very same numbers.
    """
    if table.height == 1:
        dated = table.with_columns(same_time(as_of, 1))
        row = (dated if context is None else context.join(dated, TOTALS)).row(0, named=True)
        if (seen := look_at_one(row, context is not None)) is not None:
            features, facts = ({name: np.array([value], np.float32) for name, value in each.items()} for each in seen)
            return features, facts
    if (program := _arrays(context is not None)) is None:
        observed = observe(table, as_of, context)
        return compute(observed), compute_facts(observed)
    evaluate, first, second = program
    dated = table.with_columns(same_time(as_of, table.height), *_RANKS)
    values = evaluate(dated if context is None else context.join(dated, TOTALS))
    return dict(zip(first, values, strict=False)), dict(zip(second, values[len(first) :], strict=True))


@cache
def _arrays(with_context: bool) -> tuple[arrays.Evaluate, list[str], list[str]] | None:
    """Translate features and facts for many records; None if polars describes them in unknown words."""
    features, facts = (_ALL, _ALL_FACTS) if with_context else (_OWN, _OWN_FACTS)
    known: dict[str, pl.DataType] = {**empty(0).schema, AS_OF.meta.output_name(): pl.Datetime("us", "UTC")}
    known |= dict.fromkeys(RANKED, pl.Float64())
    for name in TOTALS.difference(known) if with_context else ():
        known[name] = pl.Datetime("us", "UTC") if name.endswith("_time") else pl.Float64()
    try:
        evaluate = arrays.translate([*features, *facts], _MEASURED, known)
    except UnknownOperationError:
        return None
    first, second = ([value.meta.output_name() for value in each] for each in (features, facts))
    return evaluate, first, second


def look_at_one(row: Mapping[str, Any], with_context: bool) -> tuple[dict[str, float], dict[str, float]] | None:
    """Compute features and facts of one row in plain Python.

    Parameters
    ----------
    row : mapping of str to object
        The cells of a row of the typed table, `as_of`, and the totals of the context where there is one.
    with_context : bool
        Whether there is one.

    Returns
    -------
    features, facts : dict of str to float, or None
        The very numbers that `compute` and `compute_facts` give, NaN for null. None for what is left to polars: a
        number that plain Python refuses, and expressions in words that are not known here.
    """
    if (program := _program(with_context)) is None:
        return None
    evaluate, features, facts = program
    try:
        values = np.array(evaluate(row), dtype=np.float32).tolist()  # None becomes NaN
    except (ArithmeticError, ValueError):
        return None
    return dict(zip(features, values, strict=False)), dict(zip(facts, values[len(features) :], strict=True))


@cache
def _program(with_context: bool) -> tuple[Evaluate, list[str], list[str]] | None:
    """Translate features and facts for single records; None if polars describes them in unknown words."""
    features, facts = (_ALL, _ALL_FACTS) if with_context else (_OWN, _OWN_FACTS)
    try:
        evaluate = translate([*features, *facts], _MEASURED, RANKED)
    except UnknownOperationError:
        return None
    first, second = ([value.meta.output_name() for value in each] for each in (features, facts))
    return evaluate, first, second


def computed_from(fields: Collection[str]) -> tuple[str, ...]:
    """Find the features that nothing but some fields goes into, the totals of the context included.

    Parameters
    ----------
    fields : collection of str
        Fields of the export.

    Returns
    -------
    tuple of str
        Names, in the order of `FEATURES`.

    Examples
    --------
    >>> computed_from(["seniority", "from_cc"])
    ('seniority_rank', 'from_cc', 'rep_rows')
    """
    known = {f"{level}_{total}": sources for level in LEVELS for total, sources in SOURCES.items()}
    known |= {name: frozenset([column]) for name, (column, _) in RANKED.items()}
    for stage in MEASURES:
        known |= {name: _sources(value, known) for name, value in stage.items() if name not in RANKED}
    wanted = {"as_of", *fields}
    return tuple(feature.name for feature in FEATURES if _sources(feature.expression, known) <= wanted)


def _sources(expression: pl.Expr, known: Mapping[str, frozenset[str]]) -> frozenset[str]:
    return frozenset().union(*(known.get(name, frozenset([name])) for name in expression.meta.root_names()))


def build_features(
    contacts: object, *, as_of: datetime | date | str | None = None, context: Context | str | Path | None = None
) -> pl.DataFrame:
    """Build the feature table of an export, to look at or to use elsewhere.

    Parameters
    ----------
    contacts : frame, records or path
        Anything that `scoring.score` takes.
    as_of : datetime, date or str, optional
        What is known before it counts; naive means UTC. By default the context's, else inferred from the export.
    context : Context, str or Path, optional
        Totals to put beside the rows; by default those of the export itself, and none for records.

    Returns
    -------
    polars.DataFrame
        One row for each input row, in order; one Float32 column for each feature, null where there is no such
        history. Rows that cannot be used are all null.

    Examples
    --------
    >>> build_features({"crm_id": "1", "total_inbound": 2}, as_of="2026-01-01")["inbound_by_outbound"].item() is None
    True
    """
    taken = take_in(contacts, as_of=as_of, context=context)
    features = compute(observe(taken.export.table, taken.as_of.when, taken.context))
    usable = taken.checked.accepted
    return features.with_columns(pl.when(usable).then(pl.col(features.columns)))
