"""What training costs, and what more rows teach, on simulated exports written to a temporary folder.

    python benchmarks/training.py                      some 90,000 rows of history in 5 exports
    python benchmarks/training.py --times 10           the same organisation ten times over: CPU and memory alone
    python benchmarks/training.py --rows 120000 --quality    order and log loss of the month after, by `most_rows`

Times depend on the machine; rows a CPU second and bytes a row are what to compare. Run it on a quiet one.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import json
import subprocess
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

EXPORTS = 5
KEYS = ("source_email", "email", "account_domain", "account_crm_id", "crm_id")
TRAIN = """
import json, resource, sys, threading, time, warnings

def watch():
    while True:
        with open("/proc/self/status") as status:
            now = next(int(line.split()[1]) for line in status if line.startswith("RssAnon"))
        peak[0] = max(peak[0], now * 1024)
        time.sleep(0.05)

peak = [0]
if sys.platform == "linux":
    threading.Thread(target=watch, daemon=True).start()
import scoring
model = scoring.train(sorted(sys.argv[1:]))
used = resource.getrusage(resource.RUSAGE_SELF)
whole = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
told = {"cpu": used.ru_utime + used.ru_stime, "anonymous": peak[0], "resident": whole}
print(json.dumps(told | {"sample": model.provenance.get("sample"), "labels": model.provenance["labels"]}))
"""


def draw(rows: int, seed: int = 5) -> dict[datetime, pl.DataFrame]:
    from scoring.simulation import Settings, draw_organisation

    organisation = draw_organisation(seed, Settings(rows=rows, closed=False, one_row_a_contact=False, days=500))
    last = organisation.start + timedelta(days=460)
    return {when: organisation.export(when) for when in (last - timedelta(days=30 * back) for back in range(EXPORTS))}


def write_exports(folder: Path, rows: int, times: int) -> int:
    """Write each export so many times over into one file, with other people in each; return the number of rows."""
    import pyarrow.parquet as parquet

    written = 0
    for when, export in draw(rows).items():
        table = export.to_arrow(compat_level=pl.CompatLevel.oldest())
        with parquet.ParquetWriter(folder / f"contacts-{when:%Y-%m-%d}.parquet", table.schema) as file:
            for number in range(times):
                others = export.with_columns(pl.col(name) + f".{number}" for name in KEYS) if times > 1 else export
                file.write_table(others.to_arrow(compat_level=pl.CompatLevel.oldest()))
                written += export.height
    return written


def cost(rows: int, times: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        # drawn in a process of its own: what it needs must not count as what training needs
        given = f"pathlib.Path({folder!r}), {rows}, {times}"
        code = f"import benchmarks.training as t, pathlib; print(t.write_exports({given}))"
        drawn = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
        files = sorted(map(str, Path(folder).glob("*.parquet")))
        size = sum(Path(file).stat().st_size for file in files)
        done = subprocess.run([sys.executable, "-c", TRAIN, *files], check=True, capture_output=True, text=True)
    total, found = int(drawn.stdout), json.loads(done.stdout)
    print(f"{total:,} rows in {EXPORTS} exports of {size / 1e6:,.0f} MB: {found['cpu']:.0f} s CPU, {memory(found)}")
    history = [row for row in found["labels"] if (row["source"], row["target"]) == ("history", "engaged")]
    known = sum(row["happened"] + row["did_not"] for row in history)
    print(f"sample: {found['sample']}; {known:,} rows of history with a label")


def memory(found: dict[str, Any]) -> str:
    anonymous = f"{found['anonymous'] / 1e9:.2f} GB of its own" if found["anonymous"] else "memory of its own unknown"
    return f"{anonymous} ({found['resident'] / 1e9:.2f} GB resident) at most"


def quality(rows: int, seed: int) -> None:
    """Predict the newest date but one from the exports up to it, with fewer and fewer rows to learn from."""
    import scoring
    from scoring.config import TrainingConfig
    from scoring.metrics import auc, average_precision, log_loss
    from scoring.snapshots import label_snapshots, take_snapshots

    exports = dict(sorted(draw(rows, seed).items()))
    lesson = label_snapshots(take_snapshots(exports))[-1]
    known = dict(list(exports.items())[:-1])
    total = sum(export.height for export in known.values())
    for share in (1, 2, 4, 8, 16, 32):
        model = scoring.train(known, config=TrainingConfig(most_rows=-(-total // share)))
        for target in ("reply", "meeting", "engaged"):
            label = lesson.labels[target]
            outcome = label.drop_nulls().to_numpy().astype(float)
            chance = model.with_context[target].probability(lesson.features.filter(label.is_not_null()))
            figures = [round(measure(outcome, chance), 4) for measure in (auc, average_precision, log_loss)]
            print(f"1 in {share} of {total:,} rows, {target}: AUC, AP, log loss {figures}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--rows", type=int, default=28_000, help="contacts of reps of the organisation (default: 28,000)"
    )
    parser.add_argument("--times", type=int, default=1, help="how many times over (default: once)")
    parser.add_argument("--quality", action="store_true", help="what more rows teach, instead of what they cost")
    parser.add_argument("--seed", type=int, default=5, help="which organisation is learned from (default: 5)")
    options = parser.parse_args()
    if options.quality:
        quality(options.rows, options.seed)
    else:
        cost(options.rows, options.times)


if __name__ == "__main__":
    main()
