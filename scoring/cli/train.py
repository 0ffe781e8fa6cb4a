"""``scoring train``: learn a model from exports of one's own, and say what it was made of."""

from __future__ import annotations

import argparse
import json
import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.cli.arguments import add_exports, check_folder, exports_of, read_suppressed
from scoring.cli.terminal import plain, progress
from scoring.errors import SchemaWarning

if TYPE_CHECKING:
    from scoring.model import Model

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("train", help="learn a model from exports of your own", description=__doc__)
    add_exports(parser)
    parser.add_argument(
        "-o", "--output", type=Path, required=True, metavar="MODEL", help="folder for the model; an older one goes"
    )
    parser.add_argument("--prior", default="shipped", help="folder of the model to start from (default: the shipped)")
    tiers = parser.add_mutually_exclusive_group()
    tiers.add_argument(
        "--previous", help="folder of the model in use: its tiers and percentiles are kept (default: what is in MODEL)"
    )
    tiers.add_argument("--new-tiers", action="store_true", help="cut the tiers anew, whatever is in MODEL")
    parser.add_argument("--config", type=Path, metavar="TOML", help="settings, see help(scoring.TrainingConfig)")
    parser.add_argument("--name", default="own", help="what to call the model (default: own)")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to use (default: 1)")
    parser.add_argument("--json", action="store_true", help="print what the model was made of as JSON")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.config import TrainingConfig
    from scoring.own_card import describe, write_own_card
    from scoring.training import train

    if options.jobs < 1:
        options.parser.error(f"--jobs is {options.jobs}: give 1 or more")
    exports = exports_of(options)
    folder = check_folder(options.output)
    # the same columns are missing in every export, mostly: once is enough
    warnings.simplefilter("default", SchemaWarning)
    with progress():
        model = train(
            exports,
            config=None if options.config is None else TrainingConfig.from_toml(options.config),
            prior=options.prior,
            previous=_previous(options, folder),
            suppress=read_suppressed(options.suppress),
            name=options.name,
            jobs=options.jobs,
        )
    model.save(folder, card=write_own_card(model))
    if options.json:
        print(json.dumps(_as_dict(model, folder), indent=2))
        return 0
    print("\n".join(plain(line) for line in describe(model).splitlines()))
    print(f"\nThe model {plain(model.id)}: {plain(folder)}")
    return 0


def _previous(options: argparse.Namespace, folder: Path) -> Any:
    """Find the model whose tiers are kept: an A is to stay an A where a model is trained again."""
    from scoring.errors import ModelError
    from scoring.model import load_model

    if options.previous or options.new_tiers or not (folder / "model.json").exists():
        return options.previous
    try:
        return load_model(folder)
    except ModelError as error:
        raise ModelError(
            f"the tiers of the older model in {folder.name!r} cannot be kept: {error.found}",
            expected=error.expected,
            hint="cut them anew with --new-tiers",
        ) from error


def _as_dict(model: Model, folder: Path) -> dict[str, Any]:
    told = ("prior", "tiers_of", "exports", "labels", "blend", "config")
    made_of = {name: model.provenance[name] for name in told if name in model.provenance}
    return {"model_id": model.id, "model": os.fspath(folder), **made_of, "tier_cuts": list(model.tier_cuts)}
