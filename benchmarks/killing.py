"""Scoring a large file is killed at random moments: is the older output whole, and a rerun right?

    python benchmarks/killing.py                           a million rows of CSV, Parquet and NDJSON, ten times each
    python benchmarks/killing.py --rows 200000 --times 3

Each time the process is killed without warning (SIGKILL) somewhere between its start and what a whole run takes; one
that was through by then does not count. Then the older output has to be there, byte for byte, or all of the new one. In
the end a run that is not disturbed has to give the bytes that scoring gave in the first place, with nothing else left
in the folder. It ends with 1 if any of that is not so.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from hashlib import sha256
from pathlib import Path

from speed import SCORING, make

OLDER = b"what was there before\n"


def start(source: Path, target: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", SCORING.format(source=source, target=target)])


def digest(path: Path) -> str:
    with path.open("rb") as file:
        state = sha256()
        while block := file.read(2**22):
            state.update(block)
    return state.hexdigest()


def trial(kind: str, folder: Path, times: int, moments: random.Random) -> bool:
    source, target = folder / f"export.{kind}", folder / f"out.{kind}"
    began = time.perf_counter()
    if start(source, target).wait():
        return False
    whole = time.perf_counter() - began
    expected, fine, hit = digest(target), 0, 0
    while hit < times:
        target.write_bytes(OLDER)
        process = start(source, target)
        moment = moments.uniform(0.02, 0.98) * whole
        time.sleep(moment)
        process.kill()
        if process.wait() == 0:  # it was through before its time, and so are the others
            whole = moment
            continue
        hit += 1
        # between the new output and the end of the process only what it needed for a while is removed
        found = "older" if target.read_bytes() == OLDER else "new" if digest(target) == expected else "neither"
        fine += found != "neither"
        left = len(others(folder, source, target))
        print(f"{kind}: killed after {moment:.1f} of {whole:.1f} s: {found} output whole, {left} left", flush=True)
    again = start(source, target).wait() == 0 and digest(target) == expected
    left_over = others(folder, source, target)
    print(f"{kind}: {fine} of {times} whole; the rerun is {'the same' if again else 'another'}; "
          f"left: {left_over or 'nothing'}", flush=True)  # fmt: skip
    return fine == times and again and not left_over


def others(folder: Path, *known: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path not in known)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    moments = random.Random(options.seed)
    fine = True
    for kind in ("csv", "parquet", "ndjson"):
        with tempfile.TemporaryDirectory() as name:
            make(options.rows, Path(name), [kind])
            fine &= trial(kind, Path(name), options.times, moments)
    sys.exit(not fine)


if __name__ == "__main__":
    main()
