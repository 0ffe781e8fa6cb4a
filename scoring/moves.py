"""Why scores moved: from an old export to a new one, step by step, so that the parts add up to the whole move.

A score depends on the model, the date, the contact's own row and the rest of the export. They are replaced one after
another, in the order in which it can have come about, so that every step in between is something that might have been:

1. *model*: the old export, read by the new model;
2. *time*: the same contact at the new date, had nothing happened to it since: silences have grown and counts of 30 days
   have run out;
3. *activity*: the contact's own row as it stands now, among others who stand as they did;
4. *context*: the others as they stand now, which is the new export.

Each part is the difference between two scores. An average over all orders (Shapley values) would need scores of what
cannot be, a mail weighed at a date before it was written, and would tell people about those.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
import polars as pl

from scoring.config import TARGETS
from scoring.context import Context
from scoring.features import FEATURES, Columns, Fact, compute, compute_facts, look, observe
from scoring.model import Model
from scoring.neighbours import place_beside
from scoring.reasons import LEAST, Explainer
from scoring.schema import NAMES
from scoring.scorecard import Floats
from scoring.wording import LADDERS

__all__ = ["AS_BEFORE", "PARTS", "Moves", "Stand", "age", "split_moves"]

PARTS: Final = ("model", "time", "activity", "context")
"""What a move is split into, in the order of replacement."""
AS_BEFORE: Final = "about as before"

_MOST_WORDS: Final = 3
_PRIORITY: Final = TARGETS.index("engaged")
_FEATURES: Final = {feature.name: feature for feature in FEATURES}
_RECENT: Final = [(name, name.removesuffix("_30d")) for name in NAMES if name.endswith("_30d")]


@dataclass(frozen=True, eq=False)
class Stand:
    """How the compared rows stand in one export.

    Attributes
    ----------
    rows : polars.DataFrame
        Typed contacts; row i of the old stand and of the new one are the same contact of the same rep.
    export : polars.DataFrame
        All typed contacts that count in totals; `rows` are among them.
    context : Context
        The totals of `export`.
    as_of : datetime
        The date of the export, in UTC.
    """

    rows: pl.DataFrame
    export: pl.DataFrame
    context: Context
    as_of: datetime


@dataclass(frozen=True, eq=False)
class Moves:
    """Moves of the priority, split.

    Attributes
    ----------
    log_odds : numpy.ndarray
        Float64, shape (rows, 5): the old score, then after each of `PARTS`; the last is the new score.
    why : polars.Series
        Text: what moved most, strongest first, each with its log-odds; of one fact what all parts together did.
    """

    log_odds: Floats
    why: pl.Series


def split_moves(old: Stand, new: Stand, model: Model, before: Floats | None = None) -> Moves:
    """Split the move of each row.

    Parameters
    ----------
    old, new : Stand
        Both exports.
    model : Model
        The model of the new scores.
    before : numpy.ndarray, optional
        Log-odds of the priority by the old model, in the old export; by default that is `model`, too.

    Returns
    -------
    Moves
    """
    explainer = Explainer([_FEATURES[name] for name in model.lookups[True].features])
    aged = age(old.rows, new.rows, new.as_of - old.as_of)
    first = _explain(model, *look(old.rows, old.as_of, old.context))
    silent, _, _ = _explain(model, *_look_beside(aged, old, new.as_of))
    active, _, _ = _explain(model, *_look_beside(new.rows, old, new.as_of))
    last = _explain(model, *look(new.rows, new.as_of, new.context))
    read_by_old = first[0] if before is None else before
    log_odds = np.column_stack([read_by_old, first[0], silent, active, last[0]])
    strength = explainer.strengths(last[1] - first[1])
    by_model = first[0] - read_by_old
    return Moves(log_odds, _tell(explainer.facts, strength, by_model, first[2], last[2]))


def age(old: pl.DataFrame, new: pl.DataFrame, gap: timedelta) -> pl.DataFrame:
    """Let time pass for rows to which nothing happens: their counts of the last 30 days run out.

    Parameters
    ----------
    old, new : polars.DataFrame
        Typed contacts; row i of both is the same contact of the same rep.
    gap : timedelta
        How much later the new export is.

    Returns
    -------
    polars.DataFrame
        The old rows. Of what the new row counts in its last 30 days, whatever its total did not grow by is from before:
        ``total_30d + old total - total``, held between 0 and the old count. Where that is unknown, the old count stays
        for less than 30 days, then it is 0.

    Examples
    --------
    >>> from scoring.schema import empty
    >>> old = empty(1).with_columns(total_inbound=pl.lit(9), total_inbound_30d=pl.lit(4))
    >>> new = empty(1).with_columns(total_inbound=pl.lit(11), total_inbound_30d=pl.lit(3))
    >>> age(old, new, timedelta(days=14))["total_inbound_30d"].item()
    1
    """
    if not gap:
        return old
    columns = []
    for recent, total in _RECENT:
        was, left = old[recent], _float(new[recent]) + _float(old[total]) - _float(new[total])
        unknown = was if gap < timedelta(days=30) else was.clip(0, 0)
        kept = left.clip(0).to_frame().select(pl.min_horizontal(pl.first(), _float(was))).to_series()
        columns.append(kept.cast(pl.Int64).zip_with(left.is_not_null() & was.is_not_null(), unknown).alias(recent))
    return old.with_columns(columns)


def _float(column: pl.Series) -> pl.Series:
    return column.cast(pl.Float64)


def _look_beside(rows: pl.DataFrame, rest: Stand, as_of: datetime) -> tuple[Columns, Columns]:
    """Look at rows that stand in the place of the old ones, among the others of the old export."""
    placed = place_beside(rows, rest.rows, rest.export, as_of)
    observed = observe(placed, as_of, None)
    return compute(observed), compute_facts(observed)


def _explain(model: Model, features: Columns, facts: Columns) -> tuple[Floats, Floats, Columns]:
    log_odds, added = model.lookups[True].explain(features, _PRIORITY)
    return log_odds[:, _PRIORITY], added, facts


def _tell(facts: list[Fact], strength: Floats, by_model: Floats, then: Columns, now: Columns) -> pl.Series:
    """Put the strongest parts of each move into words."""
    spoken = [_phrases(fact, then[fact.name], now[fact.name]) for fact in facts]
    amounts = np.column_stack([strength, by_model])
    order = np.argsort(-np.abs(amounts), axis=1, kind="stable")[:, :_MOST_WORDS].tolist()
    texts = []
    for row, places in enumerate(order):
        said = []
        for place in places:
            amount = float(amounts[row, place])
            if abs(amount) < LEAST:
                break
            if place == len(facts):
                said.append(f"the new model ({amount:+.2f})")
                continue
            old, new, was, sentences = spoken[place]
            before = "as before" if old[row] == new[row] else f"before: {was[old[row]]}"
            said.append(f"{sentences[new[row]]} ({before}, {amount:+.2f})")
        texts.append("; ".join(said) or AS_BEFORE)
    return pl.Series("why", texts, dtype=pl.String)


def _phrases(fact: Fact, then: object, now: object) -> tuple[list[int], list[int], list[str], list[str]]:
    """For each row the step of the old and of the new value; the name and the sentence of each step."""
    ladder = LADDERS[fact.unit]
    old, new = (ladder.locate(_array(values)).tolist() for values in (then, now))
    names = [name for _, name in ladder.steps]
    return old, new, [*names, fact.absent], [*(fact.phrase.format(name) for name in names), fact.absent]


def _array(values: object) -> np.ndarray:
    return values.to_numpy() if isinstance(values, pl.Series) else np.asarray(values)
