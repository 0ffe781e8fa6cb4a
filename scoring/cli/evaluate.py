"""``scoring evaluate``: how good training on your exports would have been on past dates, and if it beats sorting."""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.cli.arguments import add_exports, exports_of, read_suppressed
from scoring.cli.terminal import plain, progress
from scoring.errors import SchemaWarning

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

__all__ = ["register"]

_DATES = 6  # of a simulated organisation: five to predict, and one more to prove what followed
_DAYS = 400
_FUTURES = 200  # of fewer, the share is too coarse for what is rare


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("evaluate", help="predict past dates, and say how good that was", description=__doc__)
    add_exports(parser, least=0)
    parser.add_argument(
        "--simulated", action="store_true", help="of an organisation that is made up, with the best that is possible"
    )
    parser.add_argument("--seed", type=int, default=1, help="which made-up organisation (default: 1)")
    parser.add_argument("--rows", type=int, default=3000, help="contacts of reps of a made-up one (default: 3000)")
    parser.add_argument("--prior", default="shipped", help="folder of the model to start from (default: the shipped)")
    parser.add_argument("--config", type=Path, metavar="TOML", help="settings, see help(scoring.TrainingConfig)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to use (default: 1)")
    parser.add_argument("--json", action="store_true", help="print all figures as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.config import TrainingConfig
    from scoring.evaluation import evaluate

    if options.jobs < 1:
        options.parser.error(f"--jobs is {options.jobs}: give 1 or more")
    if bool(options.files) == options.simulated:
        options.parser.error("give two EXPORTs or more, or --simulated to try it on an organisation that is made up")
    # the same columns are missing in every export, mostly: once is enough
    warnings.simplefilter("default", SchemaWarning)
    with progress():
        exports, truth = _simulate(options.seed, options.rows) if options.simulated else (exports_of(options), None)
        found = evaluate(
            exports,
            config=None if options.config is None else TrainingConfig.from_toml(options.config),
            prior=options.prior,
            suppress=read_suppressed(options.suppress),
            truth=truth,
            jobs=options.jobs,
        )
    if options.json:
        print(json.dumps(found.to_dict(), indent=2, allow_nan=False))
    else:
        print("\n".join(plain(line) for line in found.to_text().splitlines()))
    return 0


def _simulate(seed: int, rows: int) -> tuple[dict[datetime, pl.DataFrame], dict[datetime, pl.DataFrame]]:
    """Draw an organisation; give its exports and its true chances by date."""
    from scoring.simulation import Settings, draw_organisation
    from scoring.truth import export_dates, true_chances

    organisation = draw_organisation(seed, Settings(rows=rows, closed=False, one_row_a_contact=False, days=_DAYS))
    dates = export_dates(organisation, _DATES)
    return {when: organisation.export(when) for when in dates}, true_chances(organisation, dates[:-1], _FUTURES)
