"""``scoring models``: which models there are and which is in use; put a better one into use; go back."""

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
    from scoring.tracking import Decision

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("models", help="list models, put a better one into use, go back", description=__doc__)
    kinds = parser.add_subparsers(metavar="WHAT", required=True)

    listing = kinds.add_parser("list", help="list the versions, the newest first, and what was decided about them")
    _add_store(listing, _list)

    promote = kinds.add_parser(
        "promote",
        help="train on exports, and put the model into use if it is not worse than the one in use",
        description="Train on exports, log and register the model with mlflow, and put it into use if it is not worse "
        "than the one in use, on a period that neither has learned from. What is decided is recorded.",
    )
    add_exports(promote)
    promote.add_argument("--model", help="judge this one: a folder, or models:/NAME/3; nothing is trained then")
    promote.add_argument("--config", type=Path, metavar="TOML", help="settings, see help(scoring.TrainingConfig)")
    promote.add_argument("--jobs", type=int, default=1, metavar="N", help="processes to use (default: 1)")
    promote.add_argument("--force", action="store_true", help="put it into use whatever comes of judging")
    _add_store(promote, _promote)

    revert = kinds.add_parser("revert", help="put the version into use again that was in use before")
    _add_store(revert, _revert)


def _add_store(parser: argparse.ArgumentParser, run: Any) -> None:
    parser.add_argument("--name", default="scoring", help="what the models are registered under (default: scoring)")
    parser.add_argument(
        "--tracking-uri",
        metavar="URI",
        help="mlflow's (default: MLFLOW_TRACKING_URI, else sqlite:///mlflow.db: in this folder)",
    )
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    parser.set_defaults(run=run, parser=parser)


def _list(options: argparse.Namespace) -> int:
    import polars as pl

    from scoring.tracking import list_models

    found = list_models(options.name, tracking_uri=options.tracking_uri)
    if options.json:
        rows = found.with_columns(pl.col("learned_until", "judged_on", "logged").dt.strftime("%FT%TZ")).to_dicts()
        print(json.dumps(rows, indent=2))
        return 0
    for row in found.iter_rows(named=True):
        judged = f", judged on {row['judged_on']:%Y-%m-%d}" if row["judged_on"] else ""
        decided = f"{row['decision']}{judged}: {row['reason']}" if row["decision"] else "no decision"
        print(plain(f"{row['version']:>4}  {row['alias'] or '':<8}  {row['model_id']}  {decided}"))
    if found["alias"].null_count() == found.height:
        print("None of them is in use: the shipped model is.")
    return 0


def _promote(options: argparse.Namespace) -> int:
    from scoring.config import TrainingConfig
    from scoring.tracking import promote, publish

    if options.jobs < 1:
        options.parser.error(f"--jobs is {options.jobs}: give 1 or more")
    if options.model and options.config:
        options.parser.error("--config is for training, and with --model nothing is trained: give one of them")
    warnings.simplefilter("default", SchemaWarning)  # the same columns are missing in every export, mostly
    where = {"name": options.name, "force": options.force, "tracking_uri": options.tracking_uri}
    exports, suppressed = exports_of(options), read_suppressed(options.suppress)
    with progress():
        if options.model:
            decision = promote(options.model, exports, suppress=suppressed, **where)
        else:
            config = None if options.config is None else TrainingConfig.from_toml(options.config)
            decision = publish(exports, config=config, suppress=suppressed, jobs=options.jobs, **where)
    return _tell(decision, options.json)


def _revert(options: argparse.Namespace) -> int:
    from scoring.tracking import revert

    return _tell(revert(options.name, tracking_uri=options.tracking_uri), options.json)


def _tell(decision: Decision, as_json: bool) -> int:
    if as_json:
        print(json.dumps(decision.to_dict(), indent=2))
        return 0
    version, judgement = decision.version, decision.judgement
    if decision.action == "kept":
        print(plain(f"Version {version.version} of {version.name} ({version.model_id}) is in use already."))
        return 0
    print(plain(f"Version {version.version} of {version.name} ({version.model_id}) is {decision.action}."))
    if judgement is not None:
        when = "" if judgement.as_of is None else f" on {judgement.as_of:%Y-%m-%d}"
        print(plain(f"Judged against {decision.champion}{when}: {judgement.reason}."))
    if decision.promoted:
        print(plain(f"In use now: models:/{version.name}@champion"))
    return 0
