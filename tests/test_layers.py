"""The one way that data takes: who may import whom, and what scoring may load."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "scoring"

# A module may import modules of lower layers and of its own package, nothing else.
LAYERS = [
    {"errors"},
    {
        "bars",
        "schema",
        "config",
        "paths",
        "lines",
        "letters",
        "cloud",
        "finder",
        "in_order",
        "pace",
        "pairs",
        "splicing",
        "thrift",
        "percentages",
        "shelf",
    },
    {"reading", "bounds", "dating", "validation", "writing", "workplace", "spreadsheet"},
    {"context", "intake", "sampling", "suppressing", "totals"},
    {"features", "simulation", "labels", "neighbours"},
    {
        "scorecard",
        "metrics",
        "intervals",
        "wording",
        "sums",
        "sifting",
        "snapshots",
        "rates",
        "reference",
        "evidence",
        "truth",
        "verdicts",
        "expectation",
        "next_steps",
        "places",
        "policy",
    },
    {"model", "reasons", "boosting", "blending", "baselines", "segments", "measuring", "hindsight", "trends"},
    {"single"},
    {
        "prediction",
        "inspection",
        "card",
        "shipped",
        "sources",
        "training",
        "evaluation",
        "contest",
        "audit",
        "levels",
        "moves",
    },
    {"scored", "standing", "tallies", "scorer"},
    {
        "rows",
        "streaming",
        "spark",
        "batch",
        "worklists",
        "estimator",
        "own_card",
        "tracking",
        "drift",
        "recalibration",
        "comparison",
        "explanation",
        "accounts",
        "review",
        "swelling",
    },
    {"mapping", "report", "updates", "writeback"},
    {"cli"},
]
WITHIN = {
    ("splicing", "thrift"),
    ("bounds", "reading"),
    ("dating", "bounds"),
    ("dating", "reading"),
    ("validation", "reading"),
    ("validation", "bounds"),
    ("validation", "dating"),
    ("spreadsheet", "writing"),
    ("intake", "context"),
    ("intake", "suppressing"),
    ("totals", "context"),
    ("streaming", "rows"),
    ("batch", "rows"),
    ("batch", "streaming"),
    ("sifting", "sums"),
    ("snapshots", "sifting"),
    ("snapshots", "sums"),
    ("rates", "scorecard"),
    ("rates", "wording"),
    ("reference", "scorecard"),
    ("measuring", "segments"),
    ("shipped", "card"),
    ("training", "sources"),
    ("training", "audit"),
    ("levels", "sources"),
    ("evaluation", "sources"),
    ("evaluation", "audit"),
    ("contest", "sources"),
    ("evaluation", "training"),
    ("tracking", "own_card"),
    ("standing", "scored"),
    ("updates", "mapping"),
    ("writeback", "mapping"),
    ("writeback", "updates"),
}  # the only imports inside one layer
UPWARD = {("model", "tracking")}  # the one look upward: `load_model("models:/...")`, when it is called
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}
HEAVY = ("sklearn", "mlflow", "pandas", "pyarrow", "pyspark", "matplotlib", "joblib")
AT_THE_TOP = {"estimator": {"sklearn"}}  # its class has to be one of scikit-learn's; nothing else imports it


def modules() -> list[Path]:
    return sorted(path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__")


def owner(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(tree: ast.AST) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names |= {node.module} if node.module != "scoring" else {f"scoring.{alias.name}" for alias in node.names}
    return names


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(path: Path) -> None:
    mine = owner(path)
    assert mine in LEVEL, f"{mine} is in no layer"
    for name in imported(ast.parse(path.read_text("utf-8"))):
        if not name.startswith("scoring.") or name == "scoring.__version__":
            continue
        other = name.split(".")[1]
        allowed = other == mine or LEVEL[other] < LEVEL[mine] or (mine, other) in WITHIN | UPWARD
        assert allowed, f"{mine} (layer {LEVEL[mine]}) imports {other} (layer {LEVEL[other]})"


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_packages_are_imported_inside_functions(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    top = ast.Module([node for node in tree.body if not is_typing_only(node)], [])
    for node in top.body:
        if isinstance(node, ast.Import | ast.ImportFrom | ast.Try | ast.If):
            found = {name.split(".")[0] for name in imported(node)} & set(HEAVY)
            assert found <= AT_THE_TOP.get(owner(path), set())


def is_typing_only(node: ast.stmt) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def test_features_know_no_outcome() -> None:
    for path in (PACKAGE / "features").glob("*.py"):
        assert not imported(ast.parse(path.read_text("utf-8"))) & {"scoring.simulation", "scoring.labels"}


VERBS = """
import os, tempfile
from scoring.cli import main
os.chdir(tempfile.mkdtemp())
for line in (
    "simulate export.csv --rows 300",
    "score export.csv -o scored.csv",
    "check export.csv",
    "worklist scored.csv -o lists.csv",
    "accounts scored.csv -o accounts.csv",
    "report scored.csv -o report.html",
    "report shipped -o model.html",
    "write-back scored.csv --to salesforce -o upload",
):
    assert main(line.split()) == 0, line
"""


@pytest.mark.parametrize(
    "code",
    [
        "import scoring",
        "from scoring.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit:\n    pass",
        "import scoring\nscoring.score({'crm_id': '1', 'total_inbound': 3}, as_of='2026-01-01')",
        VERBS,
    ],
    ids=["import", "help", "score", "verbs"],
)
def test_scoring_loads_nothing_heavy(code: str) -> None:
    check = f"\nimport sys\nfound = [name for name in {HEAVY!r} if name in sys.modules]\nassert not found, found"
    done = subprocess.run([sys.executable, "-c", code + check], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_import_and_help_load_no_polars() -> None:
    code = "import scoring, sys\nfrom scoring.cli import main\n"
    code += "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "assert 'polars' not in sys.modules"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
