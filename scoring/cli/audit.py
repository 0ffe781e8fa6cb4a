"""``scoring audit``: does something in exports know the answer already, so that a model would learn to repeat it."""

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
    parser = verbs.add_parser("audit", help="look for fields that know the answer", description=__doc__)
    add_exports(parser)
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.audit import audit_exports

    audit = audit_exports(exports_of(options), suppress=read_suppressed(options.suppress))
    if options.json:
        print(json.dumps(audit.to_dict(), indent=2))
    else:
        print("\n".join(plain(line) for line in audit.to_text().splitlines()))
    return 0
