"""Scoring: contacts in, the same contacts with chances, priority, tier and reasons out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import polars as pl

from scoring import schema
from scoring.config import TARGETS, TIERS
from scoring.context import Context
from scoring.errors import InputError
from scoring.evidence import evidence_of
from scoring.features import FEATURES, look
from scoring.intake import Intake, load_context, take_in
from scoring.model import SHIPPED, Model, load_model
from scoring.reading import restore
from scoring.reasons import Explainer
from scoring.scorecard import logistic
from scoring.single import score_record
from scoring.totals import Totals
from scoring.validation import Checked

__all__ = ["BATCH_ROWS", "COLUMNS", "refuse_columns", "refuse_scored", "score", "score_intake", "score_table"]

COLUMNS: Final = (
    "reply_probability", "meeting_probability", "answer_probability", "priority", "percentile", "tier", "evidence",
    "reasons", "problem", "flags", "as_of", "model_id",
)  # fmt: skip
"""What scoring adds to the columns of the input, in this order."""

BATCH_ROWS: Final = 65_536
"""Rows that are scored at once: fewer cost more calls, and more take memory that is not at hand."""

_ADDED: Final = frozenset(COLUMNS)
_PRIORITY: Final = TARGETS.index("engaged")
_FEATURES: Final = {feature.name: feature for feature in FEATURES}
_TIER: Final = pl.Series(TIERS, dtype=pl.Enum(TIERS))


def score(
    contacts: Any,
    *,
    model: Model | str | Path = SHIPPED,
    context: Context | str | Path | None = None,
    as_of: datetime | date | str | None = None,
    suppress: Sequence[str] = (),
    overwrite: bool = False,
) -> Any:
    """Say for each contact how likely a reply, a meeting and an answer are, and why.

    Parameters
    ----------
    contacts : frame, records or path
        Enriched contacts, one row for each contact of a rep: a polars DataFrame or LazyFrame, a pandas DataFrame, a
        pyarrow Table or any Arrow stream, a list of dicts, one dict, the path of a CSV, JSON, NDJSON or Parquet file,
        or a list of paths. A frame or a file is one whole export; records are a part of one.
    model : Model, str or Path
        A model, the folder of one, or ``"shipped"``, which needs no training.
    context : Context, str or Path, optional
        Totals of the last whole export (or the file that they were saved in), for records that come alone. By default
        a whole export's own.
    as_of : datetime, date or str, optional
        The date of the export: chances are for the 30 days from it (inclusive) on. Naive means UTC. By default the
        context's, else inferred from the export; never the clock's.
    suppress : sequence of str
        Addresses and domains whose contacts must not be scored; they are left out of the result.
    overwrite : bool
        Whether columns of the result may replace columns of the input.

    Returns
    -------
    same kind as `contacts`
        The same rows in the same order (without the suppressed ones), every input column untouched, and the columns:
        `reply_probability`, `meeting_probability`, `answer_probability` (if the rep writes) and `priority` (a reply or
        a meeting), each in [0, 1]; `percentile` (0 to 100) of the priority; `tier` (A to D); `evidence` (none, thin,
        enough); `reasons`; `problem` (the rule that kept the row from being scored, its scores are null then);
        `flags` (rules by which the row contradicts itself; it is scored); `as_of` (UTC); `model_id`. A path or a list
        of paths gives a polars DataFrame.

    Raises
    ------
    InputError
        If the input cannot be read, has no activity column, has a column of the result already, or is undated.
    ModelError
        If the model is damaged or does not fit this version.

    Examples
    --------
    >>> import scoring
    >>> record = {"crm_id": "003", "total_inbound": 5, "total_outbound": 6, "last_inbound_time": "2026-01-03T09:00:00Z"}
    >>> scored = scoring.score(record, as_of="2026-01-05")
    >>> 0 < scored["reply_probability"] < 1
    True
    """
    loaded = load_model(model)
    totals = load_context(context)
    if type(contacts) is dict and (overwrite or not _ADDED & contacts.keys()):
        added = score_record(contacts, loaded, totals, as_of, suppress)
        if added is not None:
            return {**contacts, **added}
    taken = take_in(contacts, as_of=as_of, context=totals, suppress=suppress)
    if not overwrite:
        refuse_scored(taken)
    return restore(score_intake(taken, loaded), taken.export, contacts, taken.places if taken.suppressed else None)


def refuse_scored(taken: Intake) -> None:
    """Refuse contacts that have a column of the result already.

    Parameters
    ----------
    taken : Intake
        The contacts.

    Raises
    ------
    InputError
        Naming the columns.
    """
    refuse_columns(taken.export.source.columns)


def refuse_columns(names: Sequence[str]) -> None:
    """Refuse columns that are some of the result.

    Parameters
    ----------
    names : sequence of str
        Columns of the contacts.

    Raises
    ------
    InputError
        Naming them.
    """
    already = [name for name in COLUMNS if name in names]
    if already:
        raise InputError(
            f"the input has {len(already)} column(s) of the result already: {', '.join(already)}",
            expected="contacts that were not scored before",
            hint="drop them, or pass overwrite=True (--overwrite) to replace them",
        )


def score_intake(taken: Intake, model: Model) -> pl.DataFrame:
    """Score contacts that have been read, dated and checked.

    Parameters
    ----------
    taken : Intake
        Rows, their date, their problems and the totals beside them.
    model : Model
        What to score with.

    Returns
    -------
    polars.DataFrame
        One row for each row of `taken.export.table`, in order, with the columns `COLUMNS`.
    """
    return score_table(taken.export.table, taken.as_of.when, taken.context, taken.checked, model)


def score_table(
    table: pl.DataFrame, as_of: datetime, context: Context | Totals | None, checked: Checked, model: Model
) -> pl.DataFrame:
    """Score typed contacts.

    Parameters
    ----------
    table : polars.DataFrame
        One row for each contact of a rep.
    as_of : datetime
        The date that counts, in UTC.
    context : Context, Totals or None
        Totals to put beside the rows.
    checked : Checked
        What is wrong with which.
    model : Model
        What to score with.

    Returns
    -------
    polars.DataFrame
        The same rows in the same order, with the columns `COLUMNS`.
    """
    parts = []
    for start in range(0, max(table.height, 1), BATCH_ROWS):
        problem, flags = (column.slice(start, BATCH_ROWS) for column in (checked.problem, checked.flags))
        parts.append(_score(table.slice(start, BATCH_ROWS), as_of, context, problem, flags, model))
    return parts[0] if len(parts) == 1 else pl.concat(parts)


def _score(
    table: pl.DataFrame,
    when: datetime,
    context: Context | Totals | None,
    problem: pl.Series,
    flags: pl.Series,
    model: Model,
) -> pl.DataFrame:
    """Score the rows of one batch."""
    beside = context is not None
    features, facts = look(table, when, context)
    explainer = _explainer(model, beside)
    log_odds, strength = model.lookups[beside].explain(features, _PRIORITY, explainer.places)
    odds = logistic(log_odds)
    priority = odds[:, _PRIORITY]
    scored = pl.DataFrame(
        {
            "reply_probability": odds[:, 0],
            "meeting_probability": odds[:, 1],
            "answer_probability": odds[:, 2],
            "priority": priority,
            "percentile": model.percentile(priority),
            "tier": _TIER.gather(model.tier(priority)),
            "evidence": evidence_of(table),
            "reasons": explainer.tell(strength, facts),
            "problem": problem,
            "flags": flags,
            "as_of": schema.same_time(when, table.height),
            "model_id": pl.Series([model.id]).new_from_index(0, table.height),
        }
    )
    if problem.null_count() == scored.height:
        return scored
    scores = pl.col(COLUMNS[: COLUMNS.index("problem")])
    return scored.with_columns(pl.when(pl.col("problem").is_null()).then(scores))


@lru_cache(maxsize=8)
def _explainer(model: Model, beside: bool) -> Explainer:
    return Explainer([_FEATURES[name] for name in model.lookups[beside].features], model.rates)
