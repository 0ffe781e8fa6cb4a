"""``scoring score``: score an export into a file and show the top of the list."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.cli.arguments import add_input, read_suppressed
from scoring.cli.terminal import plain

if TYPE_CHECKING:
    from scoring.batch import Summary

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("score", help="score an export and show whom to write to first", description=__doc__)
    add_input(parser)
    parser.add_argument("--simulated", action="store_true", help="score an export that is simulated for the purpose")
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        metavar="OUT",
        help="the scored file, or a folder for it; its ending says the format (default: "
        "NAME.scored.ENDING in this folder)",
    )
    parser.add_argument("--model", default="shipped", help="folder of a model (default: the shipped one)")
    parser.add_argument("--context", type=Path, help="totals of the last whole export, if FILE is only a part of one")
    parser.add_argument("--strict", action="store_true", help="fail if any row cannot be used")
    parser.add_argument("--overwrite", action="store_true", help="replace columns of an earlier scoring")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many contacts to show (default: 10)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.batch import score_file
    from scoring.writing import refuse_input

    if bool(options.files) == options.simulated:
        options.parser.error("give a FILE, or --simulated to try it on an export that is made up")
    files = options.files or [os.fspath(_simulate(options.output))]
    target = _target(options.output, Path(files[0]))
    refuse_input(target, [path for path in (options.context, options.suppress) if path])
    summary = score_file(
        files,
        target,
        model=options.model,
        context=options.context,
        as_of=options.as_of,
        suppress=read_suppressed(options.suppress),
        strict=options.strict,
        overwrite=options.overwrite,
    )
    if options.json:
        print(json.dumps(summary.to_dict(), indent=2))
        return 0
    _show(summary, options.top)
    return 0


def _target(output: Path | None, source: Path) -> Path:
    """Complete the output: a folder is given the name of the input."""
    from scoring.writing import ending_of

    if output is not None and not output.is_dir() and output.suffix:
        return output
    ending = ending_of(source) or ".csv"
    name = source.name[: -len(ending)] if source.name.lower().endswith(ending) else source.stem
    return _folder(output) / f"{name}.scored{ending}"


def _simulate(output: Path | None) -> Path:
    from scoring.cli.simulate import write_simulated

    beside = output.parent if output is not None and output.suffix and not output.is_dir() else output
    return write_simulated(_folder(beside) / "simulated.csv")


def _folder(folder: Path | None) -> Path:
    """Make the folder if it is not there."""
    from scoring.errors import InputError

    made = Path() if folder is None else folder
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {made.name!r} cannot be made ({error.strerror})", hint="choose another place with -o"
        ) from error
    return made


def _show(summary: Summary, top: int) -> None:
    from scoring.cli.table import print_top

    if top > 0 and summary.scored:
        print_top(Path(summary.output), top)
    tiers = ", ".join(f"{count:,} {tier}" for tier, count in summary.tiers.items())
    print(f"{summary.scored:,} of {summary.rows:,} contacts scored{': ' if tiers else ''}{tiers}", end="")
    print(f"; {summary.suppressed:,} suppressed" if summary.suppressed else "")
    for rule, count in summary.rules.items():
        print(f"  {count:,} rows: {rule.replace('_', ' ')}", file=sys.stderr)
    print(f"As of {summary.as_of} ({summary.dated}), by model {summary.model_id}.")
    if summary.rejected_output:
        print(f"{summary.rejected:,} rows could not be used; they are in {plain(summary.rejected_output)}")
    print(f"The scored file: {plain(summary.output)}")
