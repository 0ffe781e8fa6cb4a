"""Training on Spark frames: the very model that the same exports make elsewhere."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

import polars as pl
import pytest

import scoring
from scoring import spark as on_spark
from scoring.config import TrainingConfig

from .conftest import cached


@pytest.fixture(scope="module")
def spoiled(exports: dict[datetime, pl.DataFrame]) -> dict[datetime, pl.DataFrame]:
    """Two exports with duplicates of both kinds and unusable rows."""
    found = {}
    for when in sorted(exports)[-2:]:
        table = exports[when]
        wrong = table.head(3).with_columns(total_inbound=pl.lit(-1, pl.Int64))
        other = table.slice(20, 4).with_columns(pl.col("total_outbound") + 1)
        found[when] = pl.concat([table, table.slice(10, 5), other, wrong])
    return found


@pytest.fixture(scope="module")
def frames(spark: Any, spoiled: dict[datetime, pl.DataFrame]) -> dict[datetime, Any]:
    found = {}
    for when, table in spoiled.items():
        shuffled = table.sample(fraction=1, shuffle=True, seed=5).to_arrow(compat_level=pl.CompatLevel.oldest())
        found[when] = spark.createDataFrame(shuffled).repartition(2)
    return found


@pytest.mark.parametrize("most_rows", [10**6, 300], ids=["all rows", "a sample"])
def test_the_model_is_the_same_byte_for_byte(
    spark: Any,
    frames: dict[datetime, Any],
    spoiled: dict[datetime, pl.DataFrame],
    quick: TrainingConfig,
    most_rows: int,
) -> None:
    config = replace(quick, most_rows=most_rows)
    suppress = [next(iter(spoiled.values()))["email"].drop_nulls()[7]]
    expected = scoring.train(spoiled, config=config, suppress=suppress)
    for export in expected.provenance["exports"]:
        assert min(export["rejected"], export["repeated"]) > 0
    assert any(export["suppressed"] for export in expected.provenance["exports"])
    before = cached(spark)
    assert on_spark.train(frames, config=config, suppress=suppress).document == expected.document
    assert cached(spark) == before  # nothing stays behind


def test_an_export_of_which_no_row_counts_is_refused(spark: Any, spoiled: dict[datetime, pl.DataFrame]) -> None:
    table = next(iter(spoiled.values())).tail(3)
    with pytest.raises(scoring.InputError, match="no row of the export of .* counts: 3 rows, 3 with a problem"):
        on_spark.train(spark.createDataFrame(table.to_arrow(compat_level=pl.CompatLevel.oldest())))
