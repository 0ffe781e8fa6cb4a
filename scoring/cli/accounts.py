"""``scoring accounts``: scored contacts rolled up to one row an account, with the best way in."""

from __future__ import annotations

import argparse
import json
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.cli.arguments import read_suppressed
from scoring.cli.terminal import plain
from scoring.percentages import in_percent

if TYPE_CHECKING:
    import polars as pl

__all__ = ["register"]

_HEAD = (
    f"{'':>3}  {'either':>11}  {'reply':>11}  {'meeting':>11}  {'people':>6}  {'engaged':>7}  {'active':>6}  account"
)


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("accounts", help="roll scored contacts up to accounts", description=__doc__)
    parser.add_argument("scored", nargs="+", metavar="SCORED", help="what `scoring score` wrote; several are one")
    parser.add_argument("-o", "--output", type=Path, metavar="OUT", help="write all accounts and columns to a file")
    parser.add_argument(
        "--suppress", type=Path, metavar="LIST", help="text file of addresses and domains that must be left out"
    )
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many accounts to show (default: 10)")
    parser.add_argument("--json", action="store_true", help="print all accounts as JSON and nothing else")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.accounts import roll_up
    from scoring.scored import read_scored
    from scoring.spreadsheet import write_list
    from scoring.writing import check_target

    aside = [] if options.suppress is None else [options.suppress]
    target = None if options.output is None else check_target(options.output, [*options.scored, *aside])
    scored = read_scored(options.scored)
    accounts = roll_up(scored, suppress=read_suppressed(options.suppress))
    if target is not None:
        write_list(accounts, target)
    if options.json:
        import polars as pl

        dated = accounts.with_columns(pl.col(pl.Datetime("us", "UTC")).dt.strftime("%FT%TZ"))
        print(json.dumps(dated.to_dicts(), indent=2))
        return 0
    _show(accounts, options.top)
    _sum_up(accounts, scored.table.height)
    if target is not None:
        print(f"The accounts: {plain(target)}")
    return 0


def _show(accounts: pl.DataFrame, top: int) -> None:
    """Print the first accounts, each with its risk and its best way in."""
    width = max(60, min(shutil.get_terminal_size((110, 24)).columns, 140))
    best = accounts.drop_nulls("account").head(max(top, 0))
    if best.height:
        print(_HEAD)
    for place, row in enumerate(best.iter_rows(named=True), start=1):
        chances = "  ".join(f"{_between(row, kind):>11}" for kind in ("engages", "replies", "meets"))
        counts = f"{row['contacts']:>6,}  {row['engaged_contacts']:>7,}  {row['active_contacts']:>6,}"
        print(f"{place:>3}  {chances}  {counts}  {_named(row)}: {_risk(row)}")
        for told in (_engaged(row), _way_in(row)):
            for line in textwrap.wrap(told, width - 9):
                print(f"{'':>9}{line}")
    if best.height:
        print()


def _between(row: dict[str, Any], kind: str) -> str:
    """Say how likely it is for anyone: at least, and as if contacts were independent."""
    least, most = in_percent(row[f"anyone_{kind}_at_least"]), in_percent(row[f"anyone_{kind}"])
    return most if least == most else f"{least.removesuffix('%')} to {most}"


def _named(row: dict[str, Any]) -> str:
    account, name = plain(row["account"]), plain(row["account_name"])
    return f"{name} ({account})" if name and name.lower() != account else account


def _risk(row: dict[str, Any]) -> str:
    """Say on how few people the account hangs."""
    return {
        "none": "nobody has ever written or met",
        "silent": "silent for three months",
        "one contact and rep": "hangs on one contact and one rep",
        "one contact": "hangs on one contact",
        "one rep": "hangs on one rep",
        "several": f"{row['active_contacts']:,} active contacts, {row['active_reps']:,} active reps",
    }[row["threads"]]


def _engaged(row: dict[str, Any]) -> str:
    """Say who of the account is engaged: the highest first, and where they work."""
    from scoring.accounts import DEPARTMENT, SENIORITY

    groups = []
    for names in ((*SENIORITY[::-1], "seniority_unknown"), (*DEPARTMENT[::-1], "department_unknown")):
        counted = [(row[f"engaged_{name}"], name.replace("_", " ")) for name in names]
        groups.append(", ".join(f"{name} {count:,}" for count, name in counted if count))
    return f"engaged: {'; '.join(groups)}" if any(groups) else ""


def _way_in(row: dict[str, Any]) -> str:
    by = f" by {plain(row['best_rep'])}" if row["best_rep"] else ""
    who = f"{plain(row['best_contact'])}{by} ({in_percent(row['best_priority'])})"
    return f"best way in: {who}: {plain(row['best_reasons'])}"


def _sum_up(accounts: pl.DataFrame, rows: int) -> None:
    """Say where all rows went, and how many accounts hang on one person."""
    known = accounts.drop_nulls("account")
    without = int(accounts["rows"].sum()) - int(known["rows"].sum())
    left_out = rows - without - int(known["rows"].sum())
    print(f"{known.height:,} accounts of {int(known['rows'].sum()):,} rows", end="")
    print(f"; {without:,} rows have no account" if without else "", end="")
    print(f"; {left_out:,} rows left out (a problem, repeated, or suppressed)" if left_out else "")
    threads = known["threads"].cast(str).to_list()
    hang = sum(threads.count(each) for each in ("one contact and rep", "one contact", "one rep"))
    told = {
        f"{hang:,} {'hangs' if hang == 1 else 'hang'} on one contact or one rep": hang,
        f"{(silent := threads.count('silent')):,} {'is' if silent == 1 else 'are'} silent": silent,
        f"at {(none := threads.count('none')):,} nobody has ever written or met": none,
    }
    print(f"{', '.join(words for words, count in told.items() if count) or 'none hangs on one person or is silent'}.")
    print(
        "Chances are for anyone at the account: from the best row's alone to that of all as if they were independent."
    )
