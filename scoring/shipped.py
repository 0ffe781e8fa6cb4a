"""The recipe of the shipped model: simulated organisations in, one model with its card out.

No one's data is in it. Anyone can make it again from its seed (`make model`), and gets the same bytes with the same
versions of the libraries.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.boosting import boost
from scoring.card import OUTCOMES, judge, write_card
from scoring.config import SHIPPED_TIER_CUTS, TARGETS, Boosting, Target
from scoring.context import Context
from scoring.features import FEATURES, OWN_FEATURES, compute, compute_facts, observe
from scoring.model import SHIPPED, Model, find_quantiles
from scoring.rates import make_rates
from scoring.reference import make_reference
from scoring.scorecard import Floats, Scorecard, centre, count_bins
from scoring.simulation import Organisation, Settings, draw_organisation

__all__ = ["Recipe", "Sample", "draw_sample", "train_shipped"]

_OWN: Final = [feature.name for feature in OWN_FEATURES]
_ALL: Final = [feature.name for feature in FEATURES]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the shipped model.

    Attributes
    ----------
    seed : int
        Seed of the first organisation; the others follow.
    organisations, dates, rows : int
        How many organisations, how many exports of each, how many contacts of reps in each.
    futures : int
        How often the 30 days after an export are drawn again. The model learns from how often something happens in
        them and in what did happen, which is far less noisy than one yes or no.
    iterations, leaves, least_rows, bins : int
        Trees for each target, leaves of a tree, least rows in a leaf, most bins of a feature.
    learning_rate, shrinkage, tried : float
        Step of the boosting; L2 penalty on a leaf's value; share of the features that each split may choose from.
    """

    seed: int = 1
    organisations: int = 700
    dates: int = 2
    rows: int = 1800
    futures: int = 12
    iterations: int = 500
    leaves: int = 5
    least_rows: int = 300
    bins: int = 96
    learning_rate: float = 0.1
    shrinkage: float = 10.0
    tried: float = 0.6


@dataclass(frozen=True, eq=False)
class Sample:
    """Rows to learn from: what was known on a date, and what happened in the 30 days from it.

    Attributes
    ----------
    features : polars.DataFrame
        One row for each contact of a rep on each date of each organisation, in the order of the seeds; all features.
    facts : polars.DataFrame
        The same rows: the plain numbers that reasons are told by.
    shares : polars.DataFrame
        The same rows: in which share of the futures (what did happen is one of them) the contact wrote (`reply`), met
        (`meeting`), did either (`engaged`), was written to (`contacted`), and wrote after that (`answer`).
    """

    features: pl.DataFrame
    facts: pl.DataFrame
    shares: pl.DataFrame


def _draw(seed: int, recipe: Recipe) -> Sample:
    organisation = draw_organisation(seed, Settings(rows=recipe.rows))
    dates = []
    for when in organisation.dates(recipe.dates):
        export = organisation.export(when)
        observed = observe(export, when, Context.of(export, when))
        dates.append(Sample(compute(observed), compute_facts(observed), _shares(organisation, when, recipe.futures)))
    return _join(dates)


def _join(parts: Sequence[Sample]) -> Sample:
    features, facts, shares = (pl.concat([getattr(part, each.name) for part in parts]) for each in fields(Sample))
    return Sample(features, facts, shares)


def _shares(organisation: Organisation, when: datetime, futures: int) -> pl.DataFrame:
    happened, chances = organisation.outcomes(when), organisation.chances(when, futures)
    drawn_again = chances.with_columns(answer=(pl.col("answer") * pl.col("contacted")).fill_null(0))
    return pl.DataFrame(
        {
            name: (drawn_again[name] * futures + happened[outcome]) / (futures + 1)
            for name, outcome in (*OUTCOMES.items(), ("contacted", "contacted"))
        }
    )


def draw_sample(recipe: Recipe, seeds: Sequence[int], jobs: int = 1) -> Sample:
    """Draw organisations and put their exports, and what comes after them, below one another.

    Parameters
    ----------
    recipe : Recipe
        Sizes.
    seeds : sequence of int
        One organisation each.
    jobs : int
        How many to draw at once; it changes nothing in the result.

    Returns
    -------
    Sample
    """
    from joblib import Parallel, delayed

    return _join(Parallel(n_jobs=jobs)(delayed(_draw)(seed, recipe) for seed in seeds))


def fit_scorecard(sample: Sample, target: Target, names: Sequence[str], recipe: Recipe) -> Scorecard:
    """Learn one target from some of the features.

    Parameters
    ----------
    sample : Sample
        For `answer` a row counts for as much as the rep writes in its futures.
    target : {"reply", "meeting", "answer", "engaged"}
        What to learn.
    names : sequence of str
        The features to learn it from.
    recipe : Recipe
        How.

    Returns
    -------
    Scorecard
        Centred on the sample.
    """
    # each row twice: as one in which it happens, and as one in which it does not, for as much as either is likely
    happens = sample.shares[target].to_numpy()
    weights = np.concatenate([happens, _counted(sample, target) - happens])
    rows = np.flatnonzero(weights > 0)
    size = len(happens)
    how = Boosting(**{each.name: getattr(recipe, each.name) for each in fields(Boosting)})
    card = boost(sample.features[rows % size], rows < size, names, how, seed=recipe.seed, weights=weights[rows])
    return centre(card, count_bins(card, sample.features))


def train_shipped(recipe: Recipe | None = None, jobs: int = 1) -> Model:
    """Train the shipped model from its seed.

    Parameters
    ----------
    recipe : Recipe, optional
        By default the recipe of the model in the package.
    jobs : int
        Processes to use; it changes nothing in the result.

    Returns
    -------
    Model
    """
    from joblib import Parallel, delayed

    recipe = Recipe() if recipe is None else recipe
    sample = draw_sample(recipe, range(recipe.seed, recipe.seed + recipe.organisations), jobs)
    wanted = [(target, names) for target in TARGETS for names in (_ALL, _OWN)]
    cards = Parallel(n_jobs=jobs)(delayed(fit_scorecard)(sample, target, names, recipe) for target, names in wanted)
    with_context, without_context = (dict(zip(TARGETS, cards[start::2], strict=True)) for start in (0, 1))
    priority = with_context["engaged"].probability(sample.features)
    return Model(
        name=SHIPPED,
        with_context=with_context,
        without_context=without_context,
        quantiles=find_quantiles(priority),
        tier_cuts=SHIPPED_TIER_CUTS,
        provenance={
            "learned_from": "simulated organisations",
            "recipe": asdict(recipe),
            "rows": sample.features.height,
            "rates": {target: _rate(sample, target) for target in TARGETS},
            "versions": {name: version(name) for name in ("numpy", "polars", "scikit-learn")},
        },
        reference=make_reference(sample.features, with_context, without_context),
        rates=make_rates([(sample.facts, sample.shares["engaged"])]),
    )


def _counted(sample: Sample, target: Target) -> Floats:
    """Share of the futures that count for a target: an answer can only be missed where the rep writes."""
    return sample.shares["contacted"].to_numpy() if target == "answer" else np.ones(sample.shares.height)


def _rate(sample: Sample, target: Target) -> float:
    return round(float(sample.shares[target].sum()) / float(_counted(sample, target).sum()), 6)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the shipped model into a folder.

    Parameters
    ----------
    arguments : sequence of str, optional
        The folder.

    Returns
    -------
    int
        0.
    """
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    options: Any = parser.parse_args(arguments)
    model = train_shipped(jobs=options.jobs)
    model.save(options.folder, card=write_card(model, judge(model, jobs=options.jobs)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
