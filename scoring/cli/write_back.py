"""``scoring write-back``: scores as files that a CRM's own interface takes."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any, Final

from scoring.cli.arguments import read_suppressed
from scoring.cli.terminal import plain

__all__ = ["register"]

_TARGETS: Final = ("salesforce", "dynamics")


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("write-back", help="write scores as files for the CRM", description=__doc__)
    parser.add_argument("scored", type=Path, metavar="SCORED", help="a scored file")
    parser.add_argument("--to", choices=_TARGETS, required=True, help="which CRM")
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="FOLDER", help="folder for the files; those of before go"
    )
    parser.add_argument("--mapping", type=Path, metavar="TOML", help="which column goes into which field of the CRM")
    parser.add_argument(
        "--changed-since", type=Path, metavar="OLD", help="the scored file written last: only what changed since then"
    )
    parser.add_argument(
        "--suppress", type=Path, metavar="LIST", help="text file of addresses and domains that must be left out"
    )
    parser.add_argument("--json", action="store_true", help="print what was written as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.writeback import write_dynamics, write_salesforce

    write = write_salesforce if options.to == "salesforce" else write_dynamics
    told = write(
        options.scored,
        options.output,
        mapping=options.mapping,
        changed_since=options.changed_since,
        suppress=read_suppressed(options.suppress),
    )
    if options.json:
        print(json.dumps(told.to_dict(), indent=2))
        return 0
    print("\n".join(plain(line) for line in told.to_text().splitlines()))
    for name in told.files:
        print(plain(Path(told.folder) / name))
    return 0
