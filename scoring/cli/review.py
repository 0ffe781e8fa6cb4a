"""``scoring review``: last month's scores, or worklist, held against what later exports prove."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
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
    parser = verbs.add_parser("review", help="hold last month's scores against what happened", description=__doc__)
    parser.add_argument("scored", metavar="SCORED", help="what `scoring score` wrote then")
    add_exports(parser)
    parser.add_argument(
        "--worklist", type=Path, metavar="LIST", help="the list that was worked: its rows against the others"
    )
    parser.add_argument("--json", action="store_true", help="print every figure as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.review import review_scores

    review = review_scores(
        options.scored,
        exports_of(options),
        worklist=options.worklist,
        suppress=read_suppressed(options.suppress),
    )
    if options.json:
        print(json.dumps(review.to_dict(), indent=2, allow_nan=False))
    else:
        print("\n".join(plain(line) for line in review.to_text().splitlines()))
    return 0
