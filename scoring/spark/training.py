"""Training on Spark frames: a sample of contacts comes to the driver, beside what all rows say of them.

Which contacts are drawn is decided by the rule of `scoring.sampling`, by a row's own key and the seed. So the same ones
are drawn from every export, and what became of them is found among the drawn ones of the next.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from scoring import schema
from scoring.config import TrainingConfig, check_jobs
from scoring.context import Context
from scoring.dating import AsOf
from scoring.labels import filled_counts
from scoring.model import SHIPPED, Model, load_model
from scoring.sampling import Sample
from scoring.sifting import Sifted, refuse_none
from scoring.snapshots import take_snapshots
from scoring.spark.dating import infer
from scoring.spark.rows import USABLE, collect, examine, map_tables, type_rows
from scoring.spark.totals import add_up_some, count_once, without_suppressed
from scoring.sums import Past
from scoring.training import train_snapshots

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["train"]


def train(
    exports: Mapping[Any, DataFrame] | Sequence[DataFrame] | DataFrame,
    *,
    config: TrainingConfig | None = None,
    prior: Model | str | Path = SHIPPED,
    previous: Model | str | Path | None = None,
    suppress: Sequence[str] = (),
    name: str = "own",
    jobs: int = 1,
) -> Model:
    """Train a model on exports that are Spark frames: the very model that `scoring.train` makes of them.

    Parameters
    ----------
    exports : mapping, sequence, or one pyspark.sql.DataFrame
        Whole exports by their date (``{date: frame}``; naive means UTC), a list, or one; text or typed. A date that is
        not given is inferred. Each is read several times; one that comes out differently each time should be written
        first.
    config : TrainingConfig, optional
        Settings. `most_rows` bounds what comes to the driver, of all exports together (on average over seeds): where
        they hold more, one in 2, 3, ... contacts is drawn, by the rule of `scoring.sampling` and with `seed`.
    prior, previous, name, jobs
        As for `scoring.train`; the processes are the driver's.
    suppress : sequence of str
        Addresses and domains whose contacts are left out, and only counted.

    Returns
    -------
    Model
        The same bytes as `scoring.train` gives of the same exports.

    Raises
    ------
    InputError
        If an export cannot be used, or two exports prove nothing of each other.

    Notes
    -----
    Spark types the cells, finds duplicates, and adds up the totals of reps, accounts and contacts over all rows, as
    they are and put back by 30 days. Of the rows only the sample comes to the driver, and of the totals those of its
    reps, accounts and contacts. Since the key alone decides who is in it, a contact that is drawn from one export is
    drawn from all, and what became of it is found on the driver.
    """
    config, jobs = TrainingConfig() if config is None else config, check_jobs(jobs)
    snapshots = take_snapshots(exports, suppress=suppress, config=config, by=_sift)
    kept = None if previous is None else load_model(previous)
    return train_snapshots(snapshots, config=config, prior=load_model(prior), previous=kept, name=name, jobs=jobs)


def _sift(frame: Any, when: datetime | None, suppress: Sequence[str], choose: Callable[[int], Sample] | None) -> Sifted:
    """Take the rows of a sample from an export, as `sifting.sift` does."""
    typed = type_rows(frame, examine(frame), suppress).persist()
    kept = without_suppressed(typed)[0] if suppress else typed
    counted = count_once(kept)
    try:
        came, rows, usable = typed.count(), kept.count(), kept.filter(USABLE).count()
        repeats = counted.repeats()
        unequal = counted.repeated - counted.keys - repeats
        dated = infer(kept) if when is None else AsOf(when, "given")
        counts = (came, rows - usable + unequal, repeats, came - rows)
        refuse_none(usable - unequal - repeats, came, counts[1], came - rows, dated)
        sample = Sample() if choose is None else choose(came)
        table = collect(map_tables(counted.rows, _draw, schema.empty(), sample=sample))
        if sample.one_in == 1:
            return Sifted(dated, table, Context.of(table, dated.when), sample, None, *counts)
        filled = _filled(counted.rows)
        context = add_up_some(counted.rows, dated.when, table)
        past = Past(add_up_some(counted.rows, dated.when, table, filled), filled)
        return Sifted(dated, table, context, sample, past, *counts)
    finally:
        for done in (typed, counted.held, counted.many):
            if done is not None:
                done.unpersist()


def _draw(table: pl.DataFrame, sample: Sample) -> pl.DataFrame:
    """Keep the rows of the sample."""
    return table.select(schema.NAMES).filter(sample.takes(table))


def _filled(rows: DataFrame) -> list[str]:
    """Find the counts that some row has a cell for."""
    like = pl.DataFrame(schema={"name": pl.String})
    found = collect(map_tables(rows, _filled_part, like).distinct())["name"]
    return sorted(found, key=schema.NAMES.index)


def _filled_part(table: pl.DataFrame) -> pl.DataFrame:
    return pl.DataFrame({"name": filled_counts(table)}, schema={"name": pl.String})
