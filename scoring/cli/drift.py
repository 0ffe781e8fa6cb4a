"""``scoring drift``: what has moved since a model was made, whether its chances still hold, and what to do."""

from __future__ import annotations

import argparse
import json
from typing import Any

from scoring.cli.arguments import add_exports, exports_of, read_suppressed
from scoring.cli.terminal import plain

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("drift", help="say what has moved since a model was made", description=__doc__)
    parser.add_argument("model", metavar="MODEL", help="folder of the model, or 'shipped'")
    add_exports(parser)
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.drift import measure_drift

    drift = measure_drift(options.model, exports_of(options), suppress=read_suppressed(options.suppress))
    if options.json:
        print(json.dumps(drift.to_dict(), indent=2))
    else:
        print("\n".join(plain(line) for line in drift.to_text().splitlines()))
    return 0
