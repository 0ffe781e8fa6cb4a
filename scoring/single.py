"""One record scored in plain Python: reading, rules, totals, features, tables and words without a single frame.

For one row polars plans far longer than it computes, some twenty times what the whole of this takes. Every step here
shares its definitions with the step for frames, or is held to it by a property test, so the bits are the same; and
whatever is out of the ordinary (cells of rare types, cells that cannot be read, a row with a problem, one that is left
out, an error) is not done here at all: it is left to the frames.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any, Final

import numpy as np

from scoring import schema
from scoring.config import TARGETS, TIERS
from scoring.context import LEVELS, Context, level_key
from scoring.errors import InputError
from scoring.evidence import evidence_of_one
from scoring.features import FEATURES, look_at_one
from scoring.features.single import Evaluate, translate
from scoring.intake import date_given
from scoring.model import Model
from scoring.reading.records import read_cells
from scoring.reasons import Explainer
from scoring.scorecard import SingleLookup, logistic_of_one
from scoring.validation.rules import USED
from scoring.validation.single import contradicted, negative
from scoring.validation.suppression import is_suppressed

__all__ = ["score_record"]

_PRIORITY: Final = TARGETS.index("engaged")
_FEATURES: Final = {feature.name: feature for feature in FEATURES}
_KEYED: Final = tuple(level for level in LEVELS if level != "org")


def score_record(
    record: dict[Any, Any],
    model: Model,
    context: Context | None,
    as_of: datetime | date | str | None,
    suppress: Any,
) -> dict[str, Any] | None:
    """Score one record, if it is an ordinary one.

    Parameters
    ----------
    record : dict
        Names of fields to cells.
    model : Model
        What to score with.
    context : Context or None
        Totals to put beside the record.
    as_of, suppress
        As for `scoring.score`.

    Returns
    -------
    dict of str to object, or None
        What scoring adds, in its order. None for what is left to the frames.
    """
    try:
        given = date_given(as_of, context)
        read = read_cells(record, USED)
        if given is None or read is None:
            return None
        row, missing = read
        keyless = row["crm_id"] is None and row["email"] is None
        if keyless or negative(row) is not None or (suppress and is_suppressed(row, suppress) is not False):
            return None
        row["as_of"] = given.when
        if context is not None:
            row |= context.finder.beside(dict(zip(_KEYED, _keys()(row), strict=True)))
    except (InputError, ValueError):
        return None
    if (seen := look_at_one(row, context is not None)) is None:
        return None
    features, facts = seen
    how = _prepared(model, context is not None)
    log_odds, contributions = how.lookup.explain(features, _PRIORITY)
    reply, meeting, answer, priority = map(logistic_of_one, log_odds)
    ranked = np.array([priority])
    return {
        "reply_probability": reply,
        "meeting_probability": meeting,
        "answer_probability": answer,
        "priority": priority,
        "percentile": model.percentile(ranked).item(),
        "tier": TIERS[model.tier(ranked).item()],
        "evidence": evidence_of_one(row),
        "reasons": how.explainer.reasons_of_one(contributions, facts),
        "problem": None,
        "flags": ";".join(contradicted(row, given.when, missing)) or None,
        "as_of": _shown(given.when),
        "model_id": model.id,
    }


@dataclass(frozen=True, slots=True, eq=False)
class _Prepared:
    """A model laid out for single records."""

    lookup: SingleLookup
    explainer: Explainer


@lru_cache(maxsize=8)
def _prepared(model: Model, beside: bool) -> _Prepared:
    cards = model.with_context if beside else model.without_context
    lookup = SingleLookup([cards[target] for target in TARGETS])
    return _Prepared(lookup, Explainer([_FEATURES[name] for name in lookup.features], model.rates))


@lru_cache(maxsize=1)
def _keys() -> Evaluate:
    """Translate the keys by which totals are found; they raise ValueError where plain Python may differ."""
    return translate([level_key(level) for level in _KEYED])


@lru_cache(maxsize=64)
def _shown(when: datetime) -> Any:
    """Give a time as frames give it back."""
    return schema.same_time(when.astimezone(UTC), 1).item()
