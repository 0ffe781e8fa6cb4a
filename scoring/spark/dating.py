"""The date of an export on a cluster: what `dating.infer_as_of` infers, from counts by the hour.

The bounds of all rows do not fit on the driver. How many there are in each hour does, and tells in which few hours the
date can lie; of those every bound is counted.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.dating import AsOf, Bounds, conclude, find_bounds, lone_gap
from scoring.spark.rows import collect, map_tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

__all__ = ["bounds_in", "count_hours", "decide", "infer", "possible_hours"]

HOUR: Final = 3_600_000_000  # microseconds
_KINDS: Final = ("newest", "lower", "upper")
_HOURS: Final = {"kind": pl.String, "hour": pl.Int64, "rows": pl.Int64, "least": pl.Int64, "most": pl.Int64}
_TIMES: Final = {"kind": pl.String, "time": pl.Int64, "rows": pl.Int64}


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
    from pyspark.sql import functions as f

    if not rows.limit(1).count():
        return AsOf(datetime(1970, 1, 1, tzinfo=UTC), "no rows, so no date")
    counted = map_tables(rows, count_hours, pl.DataFrame(schema=_HOURS)).groupBy("kind", "hour")
    hours = collect(
        counted.agg(f.sum("rows").alias("rows"), f.min("least").alias("least"), f.max("most").alias("most"))
    )
    wanted = possible_hours(hours)
    exact = map_tables(rows, bounds_in, pl.DataFrame(schema=_TIMES), hours=wanted).groupBy("kind", "time")
    return decide(hours, wanted, collect(exact.agg(f.sum("rows").alias("rows"))))


def _bounds(table: pl.DataFrame) -> pl.DataFrame:
    found = zip(_KINDS, find_bounds(table), strict=True)
    bounds = pl.concat(pl.DataFrame({"time": times.astype(np.int64)}).select(kind=pl.lit(kind), time="time")
                       for kind, times in found)  # fmt: skip
    return bounds.with_columns(hour=pl.col("time") // HOUR)


def count_hours(table: pl.DataFrame) -> pl.DataFrame:
    """Count the bounds of some rows by the hour.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts.

    Returns
    -------
    polars.DataFrame
        One row for each ``kind`` of bound and ``hour`` since 1970: how many ``rows``, the ``least`` and the ``most``,
        in microseconds.
    """
    grouped = _bounds(table).group_by("kind", "hour")
    return grouped.agg(pl.len().cast(pl.Int64).alias("rows"), least=pl.col("time").min(), most=pl.col("time").max())


def bounds_in(table: pl.DataFrame, hours: list[int]) -> pl.DataFrame:
    """Count the bounds of some rows that lie in some hours, each time by itself.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts.
    hours : list of int
        Since 1970.

    Returns
    -------
    polars.DataFrame
        ``kind`` (lower or upper), ``time`` in microseconds, and ``rows``.
    """
    inside = _bounds(table).filter(pl.col("hour").is_in(hours) & (pl.col("kind") != "newest"))
    return inside.group_by("kind", "time").agg(pl.len().cast(pl.Int64).alias("rows"))


def possible_hours(hours: pl.DataFrame) -> list[int]:
    """Find the hours in which the date can lie, and that of the first row that may not be believed.

    Parameters
    ----------
    hours : polars.DataFrame
        `count_hours` of all rows, added up.

    Returns
    -------
    list of int

    Raises
    ------
    InputError
        If there is no bound at all.
    """
    lower, upper = (hours.filter(kind=kind).sort("hour") for kind in ("lower", "upper"))
    if not lower.height:
        Bounds().infer()  # it says that no row has a time
    at, counts = lower["hour"].to_numpy(), lower["rows"].to_numpy()
    later = counts.sum() - np.cumsum(counts)
    edges = np.concatenate([[0], np.cumsum(upper["rows"].to_numpy())])
    before, until = (edges[upper["hour"].to_numpy().searchsorted(at, side=side)] for side in ("left", "right"))
    # the latest time of an hour contradicts at most as many as that, and every time of it at least so many
    possible = at[later + before <= (later + until).min()].tolist()
    lone = _first_lone(hours)
    return possible if lone is None else sorted({*possible, lone // HOUR})


def _first_lone(hours: pl.DataFrame) -> int | None:
    """Find the earliest of the newest rows that stand alone."""
    newest = hours.filter(kind="newest").sort("hour")
    # of an hour with more than one row two are enough: the gap between them is no gap
    times = np.sort(pl.concat([newest["least"], newest.filter(pl.col("rows") > 1)["most"]]).to_numpy())
    rows = int(newest["rows"].sum())
    last = len(times) - 1
    lowest = max(last - max(1, rows // 100), 0)
    while last > lowest and times[last] - times[last - 1] > lone_gap(rows):
        last -= 1
    return None if last == len(times) - 1 else int(times[last + 1])


def decide(hours: pl.DataFrame, wanted: list[int], exact: pl.DataFrame) -> AsOf:
    """Decide on the date.

    Parameters
    ----------
    hours : polars.DataFrame
        `count_hours` of all rows, added up.
    wanted : list of int
        What `possible_hours` found.
    exact : polars.DataFrame
        `bounds_in` these of all rows, added up.

    Returns
    -------
    AsOf
    """
    lower, few = _laid_out(hours, wanted, exact, "lower", "most")
    upper, many = _laid_out(hours, wanted, exact, "upper", "least")
    candidates = exact.filter(kind="lower")["time"].sort().to_numpy()
    over = few[-1] - few[lower.searchsorted(candidates, side="right")]
    costs = over + many[upper.searchsorted(candidates, side="left")]
    best = int(np.argmin(costs))
    chosen, contradicted = int(candidates[best]), int(costs[best])
    beyond = upper[upper >= chosen]
    if not len(beyond) and (lone := _first_lone(hours)) is not None:
        place = lower.searchsorted(lone, side="left")
        chosen, contradicted = int(lower[place - 1]), contradicted + int(few[-1] - few[place])
    return conclude(chosen, int(few[-1]), int(many[-1]), contradicted, int(beyond.min()) if len(beyond) else None)


def _laid_out(
    hours: pl.DataFrame, wanted: list[int], exact: pl.DataFrame, kind: str, which: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Lay out the bounds of a kind: times in order, and how many lie before each and at the end.

    In hours that are not wanted, one time stands for all.
    """
    others = hours.filter((pl.col("kind") == kind) & ~pl.col("hour").is_in(wanted)).select(time=which, rows="rows")
    laid = pl.concat([others, exact.filter(kind=kind).select("time", "rows")]).sort("time")
    return laid["time"].to_numpy(), np.concatenate([[0], laid["rows"].cum_sum().to_numpy()])
