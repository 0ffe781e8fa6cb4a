"""``scoring recalibrate``: new levels for a model on what later exports prove; the order of contacts stays."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from scoring.cli.arguments import add_exports, check_folder, exports_of, read_suppressed
from scoring.cli.terminal import plain

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("recalibrate", help="fit the level of a model's chances anew", description=__doc__)
    parser.add_argument("model", metavar="MODEL", help="folder of the model, or 'shipped'")
    add_exports(parser)
    parser.add_argument(
        "-o",
        "--output",
        type=Path,
        required=True,
        metavar="NEWMODEL",
        help="folder for the new model",
    )
    parser.add_argument("--name", help="what to call the model (default: as the old one)")
    parser.add_argument("--json", action="store_true", help="print the lines and how they did as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.recalibration import describe_recalibration, recalibrate

    exports, folder = exports_of(options), check_folder(options.output)
    model = recalibrate(options.model, exports, suppress=read_suppressed(options.suppress), name=options.name)
    model.save(folder)
    if options.json:
        print(json.dumps({"model_id": model.id, "model": str(folder), **model.provenance["recalibration"]}, indent=2))
        return 0
    print("\n".join(plain(line) for line in describe_recalibration(model).splitlines()))
    print(f"The model {plain(model.id)}: {plain(folder)}")
    return 0
