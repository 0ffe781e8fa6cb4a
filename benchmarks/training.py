"""What training costs: CPU seconds and memory, on simulated exports written to a temporary folder.

    python benchmarks/training.py            some 90,000 rows of history in 5 exports
    python benchmarks/training.py 200000     five exports of about so many rows each

Times depend on the machine; rows a CPU second and bytes a row are what to compare. Run it on a quiet one.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import resource
import subprocess
import sys
import tempfile
from datetime import timedelta
from pathlib import Path

EXPORTS = 5
TRAIN = "import sys, scoring; print(scoring.train(sorted(sys.argv[1:])).id)"


def write_exports(folder: Path, rows: int) -> int:
    from scoring.simulation import Settings, draw_organisation

    organisation = draw_organisation(5, Settings(rows=rows, closed=False, one_row_a_contact=False, days=500))
    last = organisation.start + timedelta(days=460)
    written = 0
    for back in range(EXPORTS):
        when = last - timedelta(days=30 * back)
        export = organisation.export(when)
        export.write_parquet(folder / f"contacts-{when:%Y-%m-%d}.parquet")
        written += export.height
    return written


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="?", type=int, default=28_000, help="rows of one export (default: 28,000)")
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        # drawn in a process of its own: what it needs must not count as what training needs
        code = f"import benchmarks.training as t, pathlib; print(t.write_exports(pathlib.Path({folder!r}), {rows}))"
        drawn = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        files = sorted(map(str, Path(folder).glob("*.parquet")))
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", TRAIN, *files], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
    total = int(drawn.stdout)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    print(f"{total:,} rows in {EXPORTS} exports: {cpu:.0f} s CPU, {peak / 1e9:.2f} GB at most, the drawing included")


if __name__ == "__main__":
    main()
