"""How often a review says of a rep what is chance: reps of simulated organisations, whose months differ by luck.

    python benchmarks/reviews.py [ORGANISATIONS]

Each is scored by the shipped model and reviewed 30 days later. Prints, for each target, of reps with 3 or more to
expect how many of 100 lie inside the interval.
"""

from __future__ import annotations

import sys
import warnings
from datetime import timedelta

import polars as pl

import scoring
from scoring.simulation import Settings, draw_organisation

FIRST_SEED = 100_001


def review(seed: int) -> pl.DataFrame:
    """Review one organisation; give its reps."""
    organisation = draw_organisation(seed, Settings(rows=2500))
    when = organisation.dates(1)[0]
    export, after = organisation.export(when), when + timedelta(days=30)
    if export.height < 50:
        return pl.DataFrame()
    return scoring.review_scores(scoring.score(export, as_of=when), {after: organisation.export(after)}).reps


def main() -> None:
    """Print the shares."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 48
    warnings.simplefilter("ignore")
    reps = pl.concat(part for seed in range(FIRST_SEED, FIRST_SEED + number) if (part := review(seed)).height)
    told = reps.filter(pl.col("usual") >= 3)
    for target, one in told.group_by("target", maintain_order=True):
        inside = (one["verdict"] == "as usual").mean()
        print(f"{target[0]}: {one.height:,} reps, {inside:.1%} inside")


if __name__ == "__main__":
    main()
