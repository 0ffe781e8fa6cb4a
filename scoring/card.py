"""The model card of the shipped model: what it learned from, how good it is where it was not trained, what it is not.

It is judged on simulated organisations that it has not seen, beside sorting by recency, RFM, and the true chance, which
only a simulation knows and no model can beat.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.baselines import recency, rfm
from scoring.config import TARGETS, Target
from scoring.context import Context
from scoring.features import compute, observe
from scoring.metrics import measure
from scoring.model import Model
from scoring.rates import tell_rates
from scoring.scorecard import Floats
from scoring.simulation import Settings, draw_organisation

__all__ = ["judge", "write_card"]

OUTCOMES: Final[dict[Target, str]] = {"reply": "replied", "meeting": "met", "answer": "answered", "engaged": "engaged"}
_FIRST_SEED: Final = 1_000_000
_LEAST_OUTCOMES: Final = 10


def judge(model: Model, organisations: int = 60, rows: int = 3000, futures: int = 100, jobs: int = 1) -> pl.DataFrame:
    """Judge a model on simulated organisations of seeds that no recipe trains on.

    Parameters
    ----------
    model : Model
        What to judge.
    organisations : int
        How many.
    rows : int
        Contacts of reps in each.
    futures : int
        How often the future is drawn again for the true chance.
    jobs : int
        How many organisations to judge at once; it changes nothing in the result.

    Returns
    -------
    polars.DataFrame
        One row for each organisation, target and model (``with context``, ``without context``, ``recency``,
        ``rfm``, ``true chance``) with its measures; `brier` and `log_loss` are null for what gives no chance. An
        organisation with fewer than ten outcomes of a target, or ten rows without, is not judged on it.
    """
    from joblib import Parallel, delayed

    seeds = range(_FIRST_SEED, _FIRST_SEED + organisations)
    parts = Parallel(n_jobs=jobs)(delayed(_judge_one)(model, seed, rows, futures) for seed in seeds)
    return pl.DataFrame([row for part in parts for row in part], infer_schema_length=None)


def _judge_one(model: Model, seed: int, size: int, futures: int) -> list[dict[str, object]]:
    organisation = draw_organisation(seed, Settings(rows=size))
    when = organisation.dates(1)[0]
    export, happened = organisation.export(when), organisation.outcomes(when)
    truth = organisation.chances(when, futures)
    contexts = {"with context": Context.of(export, when), "without context": None}
    chances = {
        name: model.lookups[context is not None].probability(compute(observe(export, when, context)))
        for name, context in contexts.items()
    }
    rows: list[dict[str, object]] = []
    for position, target in enumerate(TARGETS):
        judged = happened["contacted"] if target == "answer" else pl.Series([True]).new_from_index(0, export.height)
        outcome = happened[OUTCOMES[target]].filter(judged).to_numpy()
        if not _LEAST_OUTCOMES <= outcome.sum() <= len(outcome) - _LEAST_OUTCOMES:
            continue
        reps = export["source_email"].filter(judged)
        scores = {
            **{name: chance[:, position] for name, chance in chances.items()},
            "recency": recency(export, target),
            "rfm": rfm(export, target),
            # the chance of an answer is unknown where the rep wrote in none of the redrawn futures
            "true chance": truth[target].fill_null(0.0).to_numpy(),
        }
        for name, score in scores.items():
            judge_by = _measure_order if name in ("recency", "rfm") else measure
            measured = judge_by(outcome, score[judged.to_numpy()], reps)
            rows.append({"seed": seed, "target": target, "model": name, **measured})
    return rows


def _measure_order(outcome: NDArray[np.bool_], score: Floats, reps: pl.Series) -> Mapping[str, float | None]:
    """Measure a score that is no chance."""
    ranks = pl.Series(score).rank("average").to_numpy() / (len(score) + 1)
    return {**measure(outcome, ranks, reps), "brier": None, "log_loss": None}


def write_card(model: Model, judged: pl.DataFrame) -> str:
    """Write the model card.

    Parameters
    ----------
    model : Model
        The model.
    judged : polars.DataFrame
        What `judge` found.

    Returns
    -------
    str
        Markdown.
    """
    recipe = model.provenance["recipe"]
    rates = ", ".join(f"{target} {rate:.1%}" for target, rate in model.provenance["rates"].items())
    sections = [
        f"# Model card: {model.id}",
        "Chances of a reply, a meeting, an answer and either, in the 30 days from the date of an Enriched Contacts "
        "export, for contacts of reps. An additive scorecard for each target, with and without the context of the "
        "whole export.",
        "## What it learned from",
        f"{model.provenance['rows']:,} rows of {recipe['organisations']} simulated organisations, each exported on "
        f"{recipe['dates']} dates, drawn from seed {recipe['seed']} on; the 30 days after each export happened once "
        f"and were drawn {recipe['futures']} times more. No one's data is in it. Mean rates: {rates}.",
        *([] if model.rates is None else [tell_rates(model.rates)]),
        "## How good it is where it was not trained",
        f"Means over {judged['seed'].n_unique()} other simulated organisations, each judged on the 30 days after one "
        "date. Nothing can beat the true chance: what lies between is what an export cannot tell.",
        _table(judged),
        "## What it cannot know",
        _LIMITS,
    ]
    return "\n\n".join(sections) + "\n"


_LIMITS: Final = """\
- Your organisation. It was trained on what people plausibly do, not on what yours do: its order carries over better
  than the level of its chances.
- What was written. It knows that there was a mail, not whether it said no; nor deals, money, intent or the weather.
- Automatic replies, which may count as inbound mails.
- Whether titles matter at yours: seniority and department had small effects of random sign in simulation.
- People who objected to profiling: leave them out with `suppress=`.
- The chance of an answer is learned from rows in which the rep did write. Reps choose whom to write to, so it may
  be too high for contacts that they would never have chosen."""


def _table(judged: pl.DataFrame) -> str:
    measures = {"auc": "AUC", "ap": "AP", "ndcg": "NDCG@10 per rep", "brier": "Brier"}
    present = {name: title for name, title in measures.items() if name in judged.columns}
    # what cannot be measured in an organisation, such as the order of a rep's few contacts, is left out of its mean
    known = judged.with_columns(pl.col(list(present)).fill_nan(None))
    means = known.group_by("target", "model", maintain_order=True).agg(pl.len(), pl.col(list(present)).mean())
    lines = [
        "| target | model | organisations | " + " | ".join(present.values()) + " |",
        "|---|---|---|" + "---|" * len(present),
    ]
    for row in means.iter_rows(named=True):
        figures = " | ".join("-" if row[name] is None else f"{row[name]:.3f}" for name in present)
        lines.append(f"| {row['target']} | {row['model']} | {row['len']} | {figures} |")
    return "\n".join(lines)
