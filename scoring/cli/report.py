"""``scoring report``: a page about scored contacts, or about a model, that works offline and prints well."""

from __future__ import annotations

import argparse
import warnings
from pathlib import Path
from typing import Any, Final

from scoring.cli.arguments import read_suppressed
from scoring.cli.terminal import plain
from scoring.errors import InputError, SchemaWarning

__all__ = ["register"]

_ENDINGS: Final = (".html", ".htm")


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("report", help="write a page about scores or a model", description=__doc__)
    parser.add_argument(
        "subject",
        nargs="+",
        metavar="SCORED_OR_MODEL",
        help="what `scoring score` wrote (several are one), or the folder of a model, or 'shipped'",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="PAGE", help="where to write: a .html file")
    parser.add_argument(
        "--later", nargs="+", metavar="EXPORT", help="of scores: later exports, which say whether the chances held"
    )
    parser.add_argument(
        "--exports", nargs="+", metavar="EXPORT", help="of a model: two exports or more, which say how good it is"
    )
    parser.add_argument(
        "--suppress", type=Path, metavar="LIST", help="text file of addresses and domains that must be left out"
    )
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.report import report_model, report_scores
    from scoring.writing import beside

    is_model = len(options.subject) == 1 and _is_model(options.subject[0])
    if is_model and options.later:
        options.parser.error("--later is for scores; a model is judged by --exports")
    if not is_model and options.exports:
        options.parser.error("--exports is for a model; scores are judged by --later")
    target = _check(options)
    suppressed = read_suppressed(options.suppress)
    # the same columns are missing in every export, mostly: once is enough
    warnings.simplefilter("default", SchemaWarning)
    if is_model:
        page = report_model(options.subject[0], exports=options.exports, suppress=suppressed)
    else:
        page = report_scores(options.subject, later=options.later, suppress=suppressed)
    with beside(target) as part:
        part.write_text(page, "utf-8", newline="\n")
    print(f"The report: {plain(target)}")
    return 0


def _is_model(subject: str) -> bool:
    from scoring.model import SHIPPED
    from scoring.paths import local_path

    return subject == SHIPPED or subject.startswith("models:/") or local_path(subject).is_dir()


def _check(options: argparse.Namespace) -> Path:
    """Check, before any work is done, that the page can be written."""
    from scoring.paths import local_path
    from scoring.writing import check_place

    target = local_path(options.output)
    if target.suffix.lower() not in _ENDINGS:
        raise InputError(f"{target.name!r} is no page", expected=f"a name that ends in {' or '.join(_ENDINGS)}")
    aside = [] if options.suppress is None else [options.suppress]
    read = [*options.subject, *(options.later or ()), *(options.exports or ()), *aside]
    return check_place(target, [each for each in read if not str(each).startswith("models:/")])
