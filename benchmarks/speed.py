"""How fast scoring is and what it needs, as ratios in one run: tables in Markdown, ready for the README.

    python benchmarks/speed.py                                 100,000 rows of CSV and Parquet, in about a minute
    python benchmarks/speed.py 100000 1000000 10000000         how it grows: give the sizes
    python benchmarks/speed.py 1000000 --formats csv ndjson --repeats 3 --without usual

Measured are whole processes, the least of the repetitions, which take turns:

floor       polars alone reads the file, adds constant columns such as scoring adds, and writes it
scoring     `scoring.score_file`: four chances, totals of reps, accounts and contacts, tiers, reasons
usual       pandas, scikit-learn's boosted trees for the same four chances, no reasons (`usual.py`)
with SHAP   the same and reasons by SHAP, whose cost is measured on a sample of rows and multiplied: needs shap, which
            is no dependency (`uv pip install shap`, or pip); without it the line is left out

The export is simulated and repeated to the number of rows, with keys of its own for each repetition, and never whole in
memory. Ratios hold from machine to machine, seconds do not; wall seconds suffer from neighbours, CPU seconds less.
Memory is what a process holds of its own (of files that are mapped nothing counts), where the system tells it (Linux),
else all that it holds.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, repeat
from pathlib import Path

import polars as pl

from scoring.prediction import COLUMNS
from scoring.simulation import Settings, draw_organisation

USUAL = Path(__file__).with_name("usual.py")
FORMATS = ("csv", "parquet", "ndjson")
PART_ROWS = 250_000
FLOOR = """
import polars as pl
from datetime import datetime, UTC
scan = {{"csv": lambda path: pl.scan_csv(path, infer_schema=False), "parquet": pl.scan_parquet,
    "ndjson": lambda path: pl.scan_ndjson(path, infer_schema_length=1000)}}["{kind}"]
like = {{"tier": "B", "evidence": "enough", "model_id": "shipped-0123456789ab", "flags": None, "problem": None,
    "reasons": "last wrote 3 days ago (+0.81); wrote 14 times in 30 days (+0.44); no meetings so far (-0.20)",
    "as_of": "2026-01-01T00:00:00Z" if "{kind}" != "parquet" else datetime(2026, 1, 1, tzinfo=UTC)}}
value = lambda name: like.get(name, 0.123456789)
constants = [pl.lit(value(name), None if value(name) else pl.String).alias(name) for name in {columns!r}]
getattr(scan("{source}").with_columns(constants), "sink_{kind}")("{target}")
"""
SCORING = 'import scoring; scoring.score_file("{source}", "{target}")'
ONE = """
import time, scoring
record = {record!r}
context = scoring.build_context([record], as_of="2026-01-05")
for scorer in (scoring.Scorer(as_of="2026-01-05"), scoring.Scorer(context=context)):
    least = 1e9
    for _ in range(2000):
        began = time.perf_counter()
        scorer.score(record)
        least = min(least, time.perf_counter() - began)
    print(least * 1e3)
"""
RECORD = {
    "crm_id": "1", "email": "ann@buyer.example", "source_email": "rep@our.example", "account_domain": "buyer.example",
    "total_inbound": 3, "total_inbound_30d": 1, "total_outbound": 4, "total_outbound_30d": 1,
    "first_inbound_time": "2025-06-01T09:00:00Z", "last_inbound_time": "2026-01-01T09:00:00Z",
    "first_outbound_time": "2025-05-30T09:00:00Z", "last_outbound_time": "2026-01-02T09:00:00Z",
    "first_engaged_time": "2025-05-30T09:00:00Z", "last_engaged_time": "2026-01-02T09:00:00Z",
}  # fmt: skip
FIRST = f"import scoring; scoring.score({RECORD!r}, as_of='2026-01-05')"


@dataclass(frozen=True)
class Cost:
    """What a process took: wall and CPU seconds, and at most so many bytes."""

    wall: float
    cpu: float
    peak: float

    def least(self, other: Cost | None) -> Cost:
        if other is None:
            return self
        return Cost(min(self.wall, other.wall), min(self.cpu, other.cpu), min(self.peak, other.peak))


def run(*command: str | Path) -> Cost:
    """Run a process of its own and measure it."""
    began = time.perf_counter()
    child = subprocess.Popen([sys.executable, *command], stdout=subprocess.DEVNULL)
    peak, status, usage = 0, 0, None
    while usage is None:
        peak = max(peak, own_memory(child.pid))
        done, status, spent = os.wait4(child.pid, os.WNOHANG)
        usage = spent if done else time.sleep(0.02)
    wall = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(map(str, command))[:200]} ended with {child.returncode}")
    whole = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return Cost(wall, usage.ru_utime + usage.ru_stime, peak or whole)


def own_memory(process: int) -> int:
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("RssAnon")), 0)


def make(rows: int, folder: Path, formats: list[str]) -> None:
    """Write an export of so many rows, part after part."""
    whole = pl.scan_parquet(list(parts(rows, folder)))
    for kind in formats:
        target = folder / f"export.{kind}"
        if kind == "csv":
            whole.sink_csv(target, datetime_format="%Y-%m-%dT%H:%M:%SZ")
        elif kind == "parquet":
            whole.sink_parquet(target, row_group_size=65_536)
        else:
            whole.with_columns(pl.col(pl.Datetime).dt.strftime("%Y-%m-%dT%H:%M:%SZ")).sink_ndjson(target)
    for part in folder.glob("part-*"):
        part.unlink()


def parts(rows: int, folder: Path) -> Iterator[Path]:
    organisation = draw_organisation(3, Settings(rows=40_000, closed=False, one_row_a_contact=False, days=700))
    export = organisation.export(organisation.dates(3)[-1])
    copy = 0
    for start in range(0, rows, PART_ROWS):
        wanted, copies = min(PART_ROWS, rows - start), []
        while sum(one.height for one in copies) < wanted:
            copies.append(renamed(export, copy))
            copy += 1
        path = folder / f"part-{start:012}.parquet"
        pl.concat(copies).head(wanted).write_parquet(path)
        yield path


def renamed(export: pl.DataFrame, copy: int) -> pl.DataFrame:
    """Give everybody in it keys of their own."""
    keys = ("crm_id", "email", "source_email", "account_domain", "account_crm_id")
    return export.with_columns(pl.format("{}{}", pl.lit(f"{copy}."), key).alias(key) for key in keys)


def compare(kind: str, folder: Path, which: list[str], repeats: int) -> dict[str, Cost]:
    """Measure all that read and write a file, in turns."""
    source, target, models = folder / f"export.{kind}", folder / f"out.{kind}", folder / "models.joblib"
    names = {"source": source, "target": target, "kind": kind, "columns": COLUMNS}
    commands: dict[str, tuple[str | Path, ...]] = {
        "floor": ("-c", FLOOR.format(**names)),
        "scoring": ("-c", SCORING.format(**names)),
    }
    if "usual" in which and kind != "ndjson":
        if not models.exists():
            run(USUAL, "fit", models)
        commands["usual"] = (USUAL, "score", source, target, models)
    costs: dict[str, Cost] = {}
    for name, command in chain.from_iterable(repeat(commands.items(), repeats)):
        costs[name] = run(*command).least(costs.get(name))
        target.unlink()
    return costs


def shap_seconds(kind: str, folder: Path, rows: int) -> float:
    """CPU seconds that SHAP takes for a row."""
    command = [sys.executable, USUAL, "explain", folder / f"export.{kind}", folder / "models.joblib", str(rows)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def tell(rows: int, kind: str, costs: dict[str, Cost], a_row: float | None, sample: int) -> None:
    floor = costs["floor"]
    called = {
        "floor": "reading and writing the same columns, nothing else",
        "scoring": "**scoring**: four chances, totals, tiers, reasons",
        "usual": "pandas and scikit-learn: four chances, totals, tiers",
    }
    print(f"\n| {rows:,} rows of {kind} | wall s | CPU s | CPU against reading and writing | memory GB |")
    print("|---|---|---|---|---|")
    for name, cost in costs.items():
        ratio = f"{cost.cpu / floor.cpu:.2f}"
        print(f"| {called[name]} | {cost.wall:.1f} | {cost.cpu:.1f} | {ratio} | {cost.peak / 1e9:.2f} |")
    if a_row is not None:
        cpu = costs["usual"].cpu + rows * a_row
        print(f"| the same with SHAP reasons, from {sample:,} rows | | {cpu:,.0f} | {cpu / floor.cpu:,.0f} | |")
    sys.stdout.flush()


def tell_growth(measured: dict[tuple[str, int], dict[str, Cost]]) -> None:
    print("\n| scoring | rows | wall s | CPU s | CPU against reading and writing | memory GB |")
    print("|---|---|---|---|---|---|")
    for (kind, rows), costs in sorted(measured.items()):
        cost, ratio = costs["scoring"], costs["scoring"].cpu / costs["floor"].cpu
        print(f"| {kind} | {rows:,} | {cost.wall:.1f} | {cost.cpu:.1f} | {ratio:.2f} | {cost.peak / 1e9:.2f} |")


def tell_start(repeats: int) -> None:
    one = subprocess.run([sys.executable, "-c", ONE.format(record=RECORD)], check=True, capture_output=True, text=True)
    alone, beside = map(float, one.stdout.split())
    costs: dict[str, Cost] = {}
    for name, code in chain.from_iterable(repeat((("base", "import polars, numpy"), ("first", FIRST)), repeats + 2)):
        costs[name] = run("-c", code).least(costs.get(name))
    print("\n| | |\n|---|---|")
    print(f"| one record, warm, alone | {alone:.3f} ms |\n| one record, warm, with a context | {beside:.3f} ms |")
    ratio = costs["first"].cpu / costs["base"].cpu
    print(f"| first score from process start, CPU | {ratio:.2f} times `import polars, numpy` |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rows", nargs="*", type=int, default=[100_000], help="sizes of the export (default: 100,000)")
    parser.add_argument("--formats", nargs="*", default=["csv", "parquet"], choices=FORMATS)
    parser.add_argument("--repeats", type=int, default=2, help="of each process (default: 2)")
    parser.add_argument("--explain", type=int, default=500, help="rows of the sample for SHAP (default: 500)")
    parser.add_argument("--without", nargs="*", default=[], choices=("usual", "shap", "start"), help="leave out")
    parser.add_argument("--folder", type=Path, help="where to write the exports (default: a temporary folder)")
    args = parser.parse_args()
    which = [name for name in ("usual", "shap", "start") if name not in args.without]
    explains = {"usual", "shap"} <= set(which) and importlib.util.find_spec("shap") is not None
    measured: dict[tuple[str, int], dict[str, Cost]] = {}
    for rows in args.rows:
        with tempfile.TemporaryDirectory(dir=args.folder) as name:
            folder = Path(name)
            # in a process of its own: what it holds must not lie in memory while others are measured
            code = f"import speed, pathlib; speed.make({rows}, pathlib.Path({name!r}), {args.formats!r})"
            subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parent)
            for kind in args.formats:
                costs = measured[kind, rows] = compare(kind, folder, which, args.repeats)
                explained = explains and "usual" in costs
                tell(rows, kind, costs, shap_seconds(kind, folder, args.explain) if explained else None, args.explain)
    if len(args.rows) > 1:
        tell_growth(measured)
    if "start" in which:
        tell_start(args.repeats)


if __name__ == "__main__":
    main()
