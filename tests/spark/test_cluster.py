"""Executors of their own, whose Python has never heard of the project: it is shipped to them as one zip."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring

from .conftest import CALM

ROOT = Path(__file__).parent.parent.parent
JOB = """
import os, sys

wheel, export, result, when = sys.argv[1:]
sys.path.insert(0, wheel)  # as spark-submit --py-files does
import scoring, scoring.spark
from pyspark.sql import SparkSession

assert wheel in scoring.__file__, scoring.__file__
builder = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.submit.pyFiles", wheel)
for setting in os.environ["SETTINGS"].splitlines():
    builder = builder.config(*setting.split("=", 1))
session = builder.getOrCreate()
scored = scoring.spark.score(session.read.parquet(export).repartition(2), as_of=when)
scored.write.parquet(result)


def tell(batches):
    import pyarrow, scoring

    for batch in batches:
        yield pyarrow.RecordBatch.from_pydict({"place": [os.path.abspath(scoring.__file__)]})


print(*{row.place for row in session.range(2).mapInArrow(tell, "place string").collect()}, sep="\\n")
session.stop()
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The project as users have it, under a name that Spark puts on the path."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder], cwd=ROOT, check=True)
    return next(folder.glob("*.whl")).rename(folder / "scoring.zip")


def test_the_shipped_model_is_found_in_a_zip(wheel: Path) -> None:
    code = f"import sys; sys.path.insert(0, {str(wheel)!r}); import scoring; print(scoring.load_model().id)"
    run = subprocess.run([*bare(), "-c", code], env=without_the_project(), capture_output=True, text=True, check=False)
    assert run.stdout.strip() == scoring.load_model().id, run.stderr


def bare() -> list[str]:
    """Python without the folders that its installation adds: the project is in none of those that are left."""
    return [sys.executable, "-S"]


def without_the_project() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": sysconfig.get_path("purelib"), "PYTHONWARNINGS": "ignore"}


def test_the_project_is_shipped_to_the_executors(
    wheel: Path, contacts: pl.DataFrame, when: datetime, tmp_path: Path
) -> None:
    pyspark = Path(pytest.importorskip("pyspark", reason="Spark is not installed: `make test-spark`").__file__).parent
    home = tmp_path / "spark"  # workers write into their home
    home.mkdir()
    for path in pyspark.iterdir():
        (home / path.name).symlink_to(path)
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {" ".join(bare())} "$@"\n')
    python.chmod(0o755)
    contacts.write_parquet(tmp_path / "export.parquet")
    settings = CALM | {
        "spark.local.dir": str(tmp_path / "local"),
        "spark.executor.extraJavaOptions": CALM["spark.driver.extraJavaOptions"],
        "spark.executorEnv.POLARS_MAX_THREADS": "1",
    }
    environment = without_the_project() | {
        "SETTINGS": "\n".join(f"{name}={value}" for name, value in settings.items()),
        "SPARK_HOME": str(home),
        "PYSPARK_PYTHON": str(python),
        "SPARK_LOCAL_IP": "127.0.0.1",
    }
    given = [str(wheel), str(tmp_path / "export.parquet"), str(tmp_path / "result"), when.isoformat()]
    run = subprocess.run([*bare(), "-c", JOB, *given], env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr[max(run.stderr.find("Traceback"), 0) :][:3000]
    places = run.stdout.split()
    assert places
    for place in places:
        assert place.startswith(str(home))
        assert "scoring.zip" in place
    expected = scoring.score(contacts, as_of=when).with_columns(pl.col(pl.Enum).cast(pl.String))
    found = pl.read_parquet(tmp_path / "result" / "*.parquet").with_columns(
        pl.col(pl.Datetime).dt.cast_time_unit("us").dt.convert_time_zone("UTC")
    )
    assert_frame_equal(found, expected, check_row_order=False, check_exact=True)
    shutil.rmtree(home)
