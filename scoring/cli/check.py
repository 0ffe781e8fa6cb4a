"""``scoring check``: what a file is, what can be used of it, and what is wrong with it."""

from __future__ import annotations

import argparse
import json
from typing import Any

from scoring.cli.arguments import add_input, read_suppressed
from scoring.cli.terminal import plain

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("check", help="say what a file holds and what is wrong with it", description=__doc__)
    add_input(parser)
    parser.add_argument("--json", action="store_true", help="print the findings as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.inspection import inspect_export

    if not options.files:
        options.parser.error("give a FILE")
    findings = inspect_export(options.files, as_of=options.as_of, suppress=read_suppressed(options.suppress))
    if options.json:
        print(json.dumps(findings.to_dict(), indent=2))
    else:
        print("\n".join(plain(line) for line in findings.to_text().splitlines()))
    return 1 if findings.rejected else 0
