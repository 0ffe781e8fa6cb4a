"""``scoring compare``: who rose and who fell between two exports, who is new or gone, and why."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path
from typing import Any

from scoring.cli.arguments import add_exports, read_suppressed
from scoring.cli.terminal import plain

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser(
        "compare",
        help="say who rose and fell between two exports, and why",
        description=f"{__doc__} Give the older export first; they may be scored or not.",
    )
    add_exports(parser)
    parser.add_argument("--model", default="shipped", help="folder of the model of the new scores (default: shipped)")
    parser.add_argument(
        "--old-model", metavar="MODEL", help="folder of the model of the old scores (default: the same)"
    )
    parser.add_argument(
        "-o", "--output", type=Path, metavar="OUT", help="file for all moves; its ending says the format"
    )
    parser.add_argument("--top", type=int, default=5, metavar="N", help="how many of each to show (default: 5)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON and nothing else")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.comparison import compare
    from scoring.spreadsheet import write_list
    from scoring.writing import check_target

    if len(options.files) != 2:
        options.parser.error(f"{len(options.files)} export(s): give two, the older one first")
    if len(options.as_of) not in (0, 2):
        options.parser.error("--as-of once: give it for each of the two exports, or not at all")
    if options.top < 0:
        options.parser.error(f"--top is {options.top}: give 0 or more")
    target = None if options.output is None else check_target(options.output, options.files)
    old, new = options.files
    then, now = options.as_of or (None, None)
    comparison = compare(
        old,
        new,
        model=options.model,
        old_model=options.old_model,
        old_as_of=then,
        new_as_of=now,
        suppress=read_suppressed(options.suppress),
    )
    if target is not None:
        write_list(comparison.moves, target)
    if options.json:
        print(json.dumps(comparison.to_dict(), indent=2))
        return 0
    width = max(60, min(shutil.get_terminal_size((110, 24)).columns, 140))
    for line in comparison.to_text(options.top).splitlines():
        print("\n".join(_wrap(plain(line), width)))
    if target is not None:
        print(f"\nAll moves: {plain(target)}")
    return 0


def _wrap(line: str, width: int) -> list[str]:
    """Break a line, and keep what follows as far in as it is."""
    import textwrap

    far = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, width, subsequent_indent=far, break_on_hyphens=False) or [""]
