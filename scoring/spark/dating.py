"""The date of an export on a cluster: what `dating.infer_as_of` infers, counted by the executors."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import polars as pl

from scoring.bounds import bounds_in, choose, count_spans
from scoring.dating import AsOf, conclude, find_possible
from scoring.spark.rows import collect, map_tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["infer"]

_COUNTED: Final = {"kind": pl.String, "at": pl.Int64, "rows": pl.Int64}


def infer(rows: DataFrame) -> AsOf:
    """Infer the date of an export.

    Parameters
    ----------
    rows : pyspark.sql.DataFrame
        Its typed rows; read twice.

    Returns
    -------
    AsOf
        The same as `dating.infer_as_of` gives of all rows; 1970 if there are none.

    Raises
    ------
    InputError
        If no row has a time.
    """
    if not rows.limit(1).count():
        return AsOf(datetime(1970, 1, 1, tzinfo=UTC), "no rows, so no date")
    spans = _added_up(map_tables(rows, count_spans, pl.DataFrame(schema=_COUNTED)))
    possible = find_possible(spans)
    exact = _added_up(map_tables(rows, bounds_in, pl.DataFrame(schema=_COUNTED), spans=possible))
    return conclude(choose(spans, exact))


def _added_up(counted: DataFrame) -> pl.DataFrame:
    from pyspark.sql import functions as f

    return collect(counted.groupBy("kind", "at").agg(f.sum("rows").alias("rows")))
