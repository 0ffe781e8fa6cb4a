"""``scoring simulate``: write the export of a simulated organisation, and what happened next."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from scoring.cli.terminal import plain

__all__ = ["register", "write_simulated"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("simulate", help="write an export that is made up", description=__doc__)
    parser.add_argument("output", type=Path, metavar="OUT", help="the export; its ending says the format")
    parser.add_argument("--seed", type=int, default=1, help="another seed is another organisation (default: 1)")
    parser.add_argument("--rows", type=int, default=3000, help="contacts of reps over the whole time (default: 3000)")
    parser.add_argument("--outcomes", type=Path, metavar="OUT", help="also write what happened in the 30 days after")
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    path = write_simulated(options.output, options.seed, options.rows, options.outcomes)
    print(f"The simulated export: {plain(path)}")
    return 0


def write_simulated(output: Path, seed: int = 1, rows: int = 3000, outcomes: Path | None = None) -> Path:
    """Write the last sensible export of a simulated organisation.

    Parameters
    ----------
    output : Path
        Where to; the ending says the format.
    seed : int
        Which organisation.
    rows : int
        Contacts of reps over the whole life of the organisation.
    outcomes : Path, optional
        Where to write what happened next, one row for each row of the export.

    Returns
    -------
    Path
        `output`.
    """
    import polars as pl

    from scoring.errors import InputError
    from scoring.simulation import Settings, draw_organisation
    from scoring.writing import check_target, write_frame

    if rows < 1:
        raise InputError(f"{rows} rows", expected="a whole number from 1 on")
    target = check_target(output)
    also = None if outcomes is None else check_target(outcomes)
    if also is not None and also.resolve() == target.resolve():
        raise InputError("the export and its outcomes are one file", hint="give two names")
    # contacts are outside people here, as they are for most who would try it
    organisation = draw_organisation(seed, Settings(rows=rows, closed=False, one_row_a_contact=False))
    when = organisation.dates(3)[-1]
    export = organisation.export(when)
    write_frame(export, target)
    if also is not None:
        keys = export.select("source_email", "crm_id", "email")
        write_frame(pl.concat([keys, organisation.outcomes(when)], how="horizontal"), also)
    return target
