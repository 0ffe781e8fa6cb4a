"""``scoring explain``: one contact whole, from the average contact to its chance, as a chart of bars."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from typing import TYPE_CHECKING, Any

from scoring.cli.arguments import add_input, read_suppressed
from scoring.cli.terminal import plain
from scoring.percentages import in_percent

if TYPE_CHECKING:
    from scoring.explanation import Explanation

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("explain", help="show what one contact's chances are made of", description=__doc__)
    add_input(parser)
    parser.add_argument("--contact", required=True, metavar="ID", help="its crm_id, or its address")
    parser.add_argument("--rep", metavar="ADDRESS", help="of which rep (default: the one with the highest priority)")
    parser.add_argument("--model", default="shipped", help="folder of a model (default: the shipped one)")
    parser.add_argument(
        "--target",
        choices=["priority", "reply", "meeting", "answer", "all"],
        default="priority",
        help="which chance (default: priority)",
    )
    parser.add_argument("--json", action="store_true", help="print every contribution as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.explanation import explain_contact

    if not options.files:
        options.parser.error("give a FILE")
    explanation = explain_contact(
        options.files if len(options.files) > 1 else options.files[0],
        options.contact,
        rep=options.rep,
        model=options.model,
        as_of=options.as_of,
        suppress=read_suppressed(options.suppress),
    )
    if options.json:
        print(json.dumps(explanation.to_dict(), indent=2))
    else:
        _show(explanation, options.target)
    return 0


def _show(explanation: Explanation, target: str) -> None:
    from scoring.explanation import QUESTIONS

    width = min(shutil.get_terminal_size((100, 24)).columns, 120)
    simple = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
    print(_who(explanation))
    if explanation.note:
        print(plain(explanation.note))
    for each in QUESTIONS if target == "all" else [target]:
        text = explanation.to_text(each, width, ascii_only=simple)
        print()
        for line in text.splitlines():
            print(plain(line.replace("½", ".5") if simple else line))
    if explanation.reps.height > 1:
        print(f"\n{explanation.reps.height} reps have this contact (--rep ADDRESS explains another one):")
        for row in explanation.reps.iter_rows(named=True):
            print(f"  {in_percent(row['priority']):>4}  {row['tier']}  {plain(row['source_email'] or 'no rep')}")


def _who(explanation: Explanation) -> str:
    who = {name: plain(value) for name, value in explanation.who.items()}
    name = " ".join(who[part] for part in ("first_name", "last_name") if who[part]) or who["email"] or who["crm_id"]
    at = f", {who['account_name']}" if who["account_name"] else ""
    by = f" (rep {who['source_email']})" if who["source_email"] else ""
    return f"{name}{at}{by}: tier {explanation.tier}, by {explanation.model_id}"
