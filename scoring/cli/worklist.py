"""``scoring worklist``: for each rep whom to work next, what to do, and what to expect of it."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scoring.cli.arguments import read_suppressed
from scoring.cli.terminal import plain
from scoring.percentages import in_percent

if TYPE_CHECKING:
    from scoring.scored import Scored
    from scoring.worklists import Worklist

__all__ = ["register"]

_LEFT_OUT: Final = {
    "suppressed": "suppressed",
    "problem": "have a problem and no scores",
    "repeated": "stand there more than once",
    "meeting_later": "have a meeting later, or at a time that is not said",
    "cooldown": "were written to lately and rest",
    "evidence": "have too little history",
    "account_full": "found their account full",
    "rep_full": "found the list full",
}
_REPS_SHOWN: Final = 10


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("worklist", help="list for each rep whom to work next, and how", description=__doc__)
    parser.add_argument("scored", nargs="+", metavar="SCORED", help="what `scoring score` wrote; several are one")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="write all lists to a file")
    parser.add_argument("--per-rep", type=int, default=20, metavar="N", help="places on each list (default: 20)")
    parser.add_argument(
        "--rep", action="append", default=[], metavar="ADDRESS=N", help="places of one rep, in place of --per-rep"
    )
    parser.add_argument(
        "--per-account",
        type=_limit,
        default=3,
        metavar="N",
        help="places of an account on each list, or 'all' (default: 3)",
    )
    parser.add_argument(
        "--account-total", type=int, metavar="N", help="places of an account on the lists of all reps together"
    )
    parser.add_argument(
        "--cooldown", type=float, default=3, metavar="DAYS", help="rest after the rep's last mail (default: 3)"
    )
    parser.add_argument(
        "--prepare", type=float, default=14, metavar="DAYS", help="list meetings so many days ahead (default: 14)"
    )
    parser.add_argument("--evidence", default="thin", metavar="LEVEL", help="none, thin (default) or enough")
    parser.add_argument(
        "--explore", type=float, default=0.1, metavar="SHARE", help="of the places, for less evidence (default: 0.1)"
    )
    parser.add_argument(
        "--weight",
        action="append",
        default=[],
        metavar="OUTCOME=WEIGHT",
        help="order by weights for reply, meeting, answer and engaged (default: engaged=1, which is the priority)",
    )
    parser.add_argument("--value", metavar="COLUMN", help="multiply with a column, as of deal sizes")
    parser.add_argument(
        "--suppress", type=Path, metavar="LIST", help="text file of addresses and domains that must be left out"
    )
    parser.add_argument("--top", type=int, default=5, metavar="N", help="how much of each list to show (default: 5)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON and nothing else")
    parser.set_defaults(run=_run, parser=parser)


def _limit(text: str) -> int | None:
    return None if text == "all" else int(text)


def _run(options: argparse.Namespace) -> int:
    from scoring.scored import read_scored
    from scoring.spreadsheet import write_list
    from scoring.worklists import prioritise
    from scoring.writing import check_target

    if options.top < 0:
        options.parser.error(f"--top is {options.top}: give 0 or more")
    weights = _pairs(options, "weight")
    aside = [] if options.suppress is None else [options.suppress]
    target = None if options.output is None else check_target(options.output, [*options.scored, *aside])
    suppressed = read_suppressed(options.suppress)
    scored = read_scored(options.scored)
    work = prioritise(
        scored,
        per_rep=_places(options, scored),
        per_account=options.per_account,
        account_total=options.account_total,
        cooldown_days=options.cooldown,
        prepare_days=options.prepare,
        evidence=options.evidence,
        explore=options.explore,
        weights=weights or None,
        value=options.value,
        suppress=suppressed,
    )
    if target is not None:
        write_list(work.rows, target)
    overflow = _overflow(scored, work, suppressed)
    if options.json:
        print(json.dumps(work.to_dict() | {"warning": overflow}, indent=2))
        return 0
    _show(work, options.top)
    _sum_up(work)
    if overflow:
        print(f"Mind: {overflow}.")
    if target is not None:
        print(f"The lists: {plain(target)}")
    return 0


def _pairs(options: argparse.Namespace, option: str) -> dict[str, float]:
    """Read what was given as NAME=NUMBER."""
    pairs = {}
    for given in getattr(options, option):
        name, _, number = given.rpartition("=")
        try:
            pairs[name.strip().lower()] = float(number)
        except ValueError:
            name = ""
        if not name:
            options.parser.error(f"--{option} is {plain(given)!r}: give a name, '=' and a number")
    return pairs


def _places(options: argparse.Namespace, scored: Scored) -> int | Mapping[str, int]:
    """Give each rep its number of places."""
    own = {}
    for rep, places in _pairs(options, "rep").items():
        if not places.is_integer():
            options.parser.error(f"--rep is for a whole number of places, not {places:g}")
        own[rep] = int(places)
    if not own:
        return int(options.per_rep)
    # contacts without a rep are nobody's: an empty name stands for that
    return {rep or "": options.per_rep for rep in scored.keys["rep"].unique()} | own


def _overflow(scored: Scored, work: Worklist, suppressed: Sequence[str]) -> str | None:
    """Say if reps have more contacts in tier A than they can work."""
    from scoring.swelling import tell_overflow
    from scoring.validation import find_suppressed

    rows = scored.keys.select("rep").with_columns(scored.scores["tier"])
    return tell_overflow(rows.filter(~find_suppressed(scored.table, suppressed)), work.summary)


def _show(work: Worklist, top: int) -> None:
    """Print the top of each list, of the first reps."""
    import polars as pl

    width = max(60, min(shutil.get_terminal_size((110, 24)).columns, 140))
    listed = work.summary.filter(pl.col("listed") + pl.col("prepare") > 0)
    for rep in listed.head(_REPS_SHOWN if top > 0 else 0).iter_rows(named=True):
        print(f"{plain(rep['rep'] or 'nobody')}: {rep['listed']:,} to work, {rep['prepare']:,} to prepare")
        print(f"  expected: {_expected(rep)}")
        rows = work.rows.filter(pl.col("rep").eq_missing(rep["rep"]))
        prepare = pl.col("part") == "prepare"
        for row in pl.concat([rows.filter(prepare).head(top), rows.filter(~prepare).head(top)]).iter_rows(named=True):
            _show_row(row, width)
        print()
    more = listed.height - _REPS_SHOWN
    if top > 0 and more > 0:
        print(f"... and the lists of {more:,} more reps; -o FILE writes all of them.\n")


def _show_row(row: dict[str, Any], width: int) -> None:
    place = "*" if row["part"] == "prepare" else f"{row['rank']}"
    mark = " (to learn more)" if row["part"] == "explore" else ""
    who = plain(row["name"] or row["email"] or row["crm_id"])
    at = plain(row["account_name"] or row["account"])
    print(f"{place:>4}  {row['tier']}  {in_percent(row['priority']):>4}  {who}{f', {at}' if at else ''}{mark}")
    for line in textwrap.wrap(plain(row["next_step"]), width - 15):
        print(f"{'':>15}{line}")


def _expected(figures: Mapping[str, Any]) -> str:
    """Say how many of each are expected, and for one list between which numbers."""
    told = {}
    for name, one in (("replies", "reply"), ("meetings", "meeting"), ("answers", "answers")):
        between = f" ({figures[f'{name}_low']:,} to {figures[f'{name}_high']:,})" if f"{name}_low" in figures else ""
        number = f"{figures[name]:,.1f}"
        told[name] = f"{number} {one if number == '1.0' else name}{between}"
    return f"{told['replies']}, {told['meetings']}; {told['answers']} if all are written to"


def _sum_up(work: Worklist) -> None:
    """Say what is on all lists, what is expected of it, and where the other rows went."""
    import polars as pl

    total = work.total()
    reps = work.summary.filter(pl.col("listed") > 0).height
    explored = f", {total['explore']:,} of them to learn more about" if total["explore"] else ""
    print(f"{total['listed']:,} contacts to work for {reps:,} reps{explored}; {total['prepare']:,} to prepare.")
    print(f"Expected of them in 30 days: {_expected(total)}.")
    print("Intervals are for one list, if its contacts are independent and their chances right.")
    told = [f"{total[rule]:,} {words}" for rule, words in _LEFT_OUT.items() if total[rule]]
    if told:
        print(f"On no list: {', '.join(told)}.")
    any_rows = work.rows.height + work.left_out.height + total["suppressed"]
    print(f"As of {work.as_of:%Y-%m-%dT%H:%M:%SZ}." if any_rows else "No rows, so no date.")
