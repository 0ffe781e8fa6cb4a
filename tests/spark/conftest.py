"""A Spark session for the tests, where Spark is installed; without it the tests that ask for one are skipped."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

HERE = Path(__file__).parent
CALM = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.sql.shuffle.partitions": "2",
    "spark.log.level": "ERROR",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # it has no time to get fast
    "spark.sql.codegen.wholeStage": "false",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spark warns of pandas, and its sockets close when the process ends: neither is ours."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("ignore::ResourceWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
            item.add_marker(pytest.mark.filterwarnings("ignore:PySpark does not yet fully support:FutureWarning"))


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    sql = pytest.importorskip("pyspark.sql", reason="Spark is not installed: `make test-spark`")
    folder = tmp_path_factory.mktemp("spark")
    os.environ["PYSPARK_PYTHON"] = sys.executable
    builder = sql.SparkSession.builder.master("local[2]").config("spark.sql.warehouse.dir", str(folder / "warehouse"))
    for name, value in {**CALM, "spark.local.dir": str(folder), "spark.sql.session.timeZone": "Asia/Kolkata"}.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    yield session
    session.stop()


def told(frame: Any) -> pl.DataFrame:
    """Bring a Spark frame back, with times in UTC, in the order of its column `n`."""
    table = pl.DataFrame(frame.toArrow())
    return table.with_columns(pl.col(pl.Datetime).dt.convert_time_zone("UTC")).sort("n")


def same(found: Any, expected: pl.DataFrame) -> None:
    """Hold a scored Spark frame against a scored polars frame, bit for bit."""
    assert found.columns == expected.columns
    plain = expected.with_columns(pl.col(pl.Enum).cast(pl.String)).sort("n")
    assert_frame_equal(told(found), plain, check_exact=True)


def cached(session: Any) -> int:
    """Count what the session holds in memory or on disk."""
    return int(session.sparkContext._jsc.getPersistentRDDs().size())
