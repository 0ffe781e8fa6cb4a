"""How fast scoring is, as ratios in one run: against reading and writing the same file, and against starting Python.

    python benchmarks/speed.py [ROWS]

The export is simulated and repeated to the number of rows, with keys of its own for each repetition. Ratios hold from
machine to machine, seconds do not. Each figure is the least of three runs, each a process of its own.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import polars as pl

from scoring.prediction import COLUMNS
from scoring.simulation import Settings, draw_organisation

FLOOR = """
import polars as pl
scan = {{"csv": lambda path: pl.scan_csv(path, infer_schema=False), "parquet": pl.scan_parquet}}["{kind}"]
constants = [pl.lit(0.123456789).alias(name) for name in {columns!r}]
getattr(scan("{source}").with_columns(constants), "sink_{kind}")("{target}")
"""
PRODUCT = 'import scoring; scoring.score_file("{source}", "{target}")'
ONE = """
import time, scoring
record = {record!r}
def once():
    began = time.perf_counter()
    scoring.score(record, as_of="2026-01-05")
    return time.perf_counter() - began
once()
print(min(once() for _ in range(300)) * 1e3)
"""
RECORD = {
    "crm_id": "1", "total_inbound": 3, "total_inbound_30d": 1, "total_outbound": 4, "total_outbound_30d": 1,
    "first_inbound_time": "2025-06-01T09:00:00Z", "last_inbound_time": "2026-01-01T09:00:00Z",
    "first_outbound_time": "2025-05-30T09:00:00Z", "last_outbound_time": "2026-01-02T09:00:00Z",
    "first_engaged_time": "2025-05-30T09:00:00Z", "last_engaged_time": "2026-01-02T09:00:00Z",
}  # fmt: skip


def make(rows: int, folder: Path) -> None:
    organisation = draw_organisation(3, Settings(rows=6000, closed=False, one_row_a_contact=False, days=700))
    export = organisation.export(organisation.dates(3)[-1])
    copies = [
        export.with_columns(
            pl.format("{}-{}", pl.lit(copy), "crm_id").alias("crm_id"),
            pl.format("{}.{}", pl.lit(f"c{copy}"), "email").alias("email"),
            pl.format("{}.{}", pl.lit(f"r{copy}"), "source_email").alias("source_email"),
        )
        for copy in range(rows // export.height + 1)
    ]
    whole = pl.concat(copies).head(rows)
    whole.write_csv(folder / "export.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    whole.write_parquet(folder / "export.parquet", row_group_size=65_536)


def cpu_seconds(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def wall_seconds(code: str) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - began


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make(rows, folder)
        for kind in ("csv", "parquet"):
            names = {
                "source": folder / f"export.{kind}",
                "target": folder / f"out.{kind}",
                "kind": kind,
                "columns": COLUMNS,
            }
            floor, product = (min(cpu_seconds(code.format(**names)) for _ in range(3)) for code in (FLOOR, PRODUCT))
            print(f"{rows:,} rows of {kind}: {product / floor:.1f} times the CPU of reading and writing them")
    one = subprocess.run([sys.executable, "-c", ONE.format(record=RECORD)], check=True, capture_output=True, text=True)
    print(f"one record, warm: {float(one.stdout):.2f} ms")
    first = min(wall_seconds(f"import scoring; scoring.score({RECORD!r}, as_of='2026-01-05')") for _ in range(3))
    base = min(wall_seconds("import polars, numpy") for _ in range(3))
    print(f"first score from process start: {first / base:.1f} times `import polars, numpy`")


if __name__ == "__main__":
    main()
