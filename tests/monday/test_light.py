"""What the team opens on Monday needs no learning library: every verb of the chain runs without one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .plain import Chain

VERBS = """
import sys
from scoring.cli import main

later, contact, out = sys.argv[1:]
for arguments in (
    ["worklist", "now.csv", "--top", "1"],
    ["accounts", "now.csv", "--top", "1"],
    ["compare", "before.csv", "now.csv", "--top", "1"],
    ["review", "before.csv", later],
    ["explain", "now.csv", "--contact", contact],
    ["write-back", "now.csv", "--to", "salesforce", "-o", out],
):
    assert main(arguments) == 0, arguments
heavy = {"sklearn", "joblib", "scipy", "mlflow", "pandas", "pyarrow", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""


def test_no_verb_loads_what_learning_needs(chain: Chain, tmp_path: Path) -> None:
    contact = next(row["crm_id"] for row in chain.new.values() if row["crm_id"])
    arguments = [f"contacts-{chain.now:%Y-%m-%d}.csv", contact, str(tmp_path / "crm")]
    run = [sys.executable, "-W", "ignore", "-c", VERBS, *arguments]
    found = subprocess.run(run, cwd=chain.folder, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr[-2000:]
