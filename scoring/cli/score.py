"""``scoring score``: score an export into a file and show the top of the list."""

from __future__ import annotations

import argparse
import json
import os
import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scoring.cli.arguments import add_input, check_folder, read_suppressed
from scoring.cli.terminal import plain, progress
from scoring.errors import InputError, SchemaWarning

if TYPE_CHECKING:
    from scoring.batch import Summary
    from scoring.model import Model

__all__ = ["register"]


def register(verbs: Any) -> None:
    """Add the verb.

    Parameters
    ----------
    verbs : argparse subparsers
        Where to.
    """
    parser = verbs.add_parser("score", help="score an export and show whom to write to first", description=__doc__)
    add_input(parser)
    parser.add_argument("--simulated", action="store_true", help="score an export that is simulated for the purpose")
    parser.add_argument(
        "-o",
        "--output",
        type=_place,
        metavar="OUT",
        help="the scored file, or a folder for it; its ending says the format (default: "
        "NAME.scored.ENDING in this folder)",
    )
    parser.add_argument("--model", default="shipped", help="folder of a model (default: the shipped one)")
    parser.add_argument(
        "--adapt",
        action="store_true",
        help="learn from the export first, starting from the model; what is learned is saved beside OUT, as a model",
    )
    parser.add_argument("--context", type=Path, help="totals of the last whole export, if FILE is only a part of one")
    parser.add_argument("--strict", action="store_true", help="fail if any row cannot be used")
    parser.add_argument("--overwrite", action="store_true", help="replace columns of an earlier scoring")
    parser.add_argument("--top", type=int, default=10, metavar="N", help="how many contacts to show (default: 10)")
    parser.add_argument("--json", action="store_true", help="print the summary as JSON and nothing else")
    parser.set_defaults(run=_run, parser=parser)


def _run(options: argparse.Namespace) -> int:
    from scoring.batch import score_file
    from scoring.model import load_model
    from scoring.swelling import tell_swelling
    from scoring.writing import refuse_input

    if bool(options.files) == options.simulated:
        options.parser.error("give a FILE, or --simulated to try it on an export that is made up")
    if options.adapt and options.context:
        options.parser.error("--adapt learns from a whole export, and --context is for a part of one: give one of them")
    files = options.files or [os.fspath(_simulate(options.output))]
    target = _target(options.output, Path(files[0]))
    if isinstance(target, Path):
        refuse_input(target, [path for path in (options.context, options.suppress) if path])
    elif options.adapt:
        options.parser.error("--adapt saves a model beside the output: give a file or folder of this machine with -o")
    suppressed = read_suppressed(options.suppress)
    adapted = _adapt(files, suppressed, Path(target), options) if options.adapt else None
    model = load_model(options.model) if adapted is None else adapted.model
    with progress():
        summary = score_file(
            files,
            target,
            model=model,
            context=options.context,
            as_of=options.as_of if adapted is None else adapted.as_of,
            suppress=suppressed,
            strict=options.strict,
            overwrite=options.overwrite,
        )
    if adapted is not None:
        summary = adapted.save(summary)
    if options.json:
        warning = {"warning": tell_swelling(summary.tiers, model)}
        learned = {} if adapted is None else {"adapted": adapted.to_dict()}
        print(json.dumps(summary.to_dict() | warning | learned, indent=2))
        return 0
    _show(summary, options.top, model, adapted)
    return 0


@dataclass(frozen=True)
class _Adapted:
    """A model that has learned from the export it is to score, and the folder for it."""

    model: Model
    folder: Path

    @property
    def as_of(self) -> str:
        """The date it learned from, which may be that in the file's name: scoring takes the same."""
        return str(self.model.provenance["exports"][-1]["as_of"])

    def save(self, summary: Summary) -> Summary:
        """Save the model, and say in the summary where the date came from when it learned."""
        from scoring.own_card import write_own_card

        self.model.save(self.folder, card=write_own_card(self.model))
        return replace(summary, dated=self.model.provenance["exports"][-1]["dated"])

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON says of it."""
        return {"model": os.fspath(self.folder), **{name: self.model.provenance[name] for name in ("prior", "blend")}}


def _adapt(files: Sequence[str], suppressed: Sequence[str], target: Path, options: argparse.Namespace) -> _Adapted:
    """Learn from the one export that is to be scored."""
    from scoring.model import load_model
    from scoring.training import train
    from scoring.writing import check_target, ending_of

    ending = ending_of(check_target(target, files)) or ""
    folder = check_folder(target.with_name(f"{target.name[: -len(ending)]}.model"))
    if folder.exists() and Path(options.model).exists() and folder.samefile(options.model):
        raise InputError(f"{folder.name!r} is the model to start from", hint="give another output with -o")
    one = files[0] if len(files) == 1 else files
    exports = [one] if options.as_of is None else {options.as_of: one}
    with warnings.catch_warnings(), progress():
        warnings.simplefilter("ignore", SchemaWarning)  # scoring reads the same files, and says so then
        prior = load_model(options.model)
        # what is adapted from a model of one's own is that model retrained: an A stays an A
        previous = prior if "exports" in prior.provenance else None
        model = train(exports, prior=prior, previous=previous, suppress=suppressed)
    return _Adapted(model, folder)


def _place(text: str) -> Path | str:
    """Read an output: a path, or an address of a cloud store, which a path would take apart."""
    from scoring.cloud import is_cloud

    return text if is_cloud(text) else Path(text)


def _target(output: Path | str | None, source: Path) -> Path | str:
    """Complete the output: a folder is given the name of the input."""
    from scoring.writing import ending_of

    if isinstance(output, str):
        return output
    if output is not None and not output.is_dir() and output.suffix:
        return output
    ending = ending_of(source) or ".csv"
    name = source.name[: -len(ending)] if source.name.lower().endswith(ending) else source.stem
    return _folder(output) / f"{name}.scored{ending}"


def _simulate(output: Path | str | None) -> Path:
    from scoring.cli.simulate import write_simulated

    output = None if isinstance(output, str) else output
    beside = output.parent if output is not None and output.suffix and not output.is_dir() else output
    return write_simulated(_folder(beside) / "simulated.csv")


def _folder(folder: Path | None) -> Path:
    """Make the folder if it is not there."""
    made = Path() if folder is None else folder
    try:
        made.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(
            f"the folder {made.name!r} cannot be made ({error.strerror})", hint="choose another place with -o"
        ) from error
    return made


def _show(summary: Summary, top: int, model: Model, adapted: _Adapted | None) -> None:
    from scoring.cli.table import print_top
    from scoring.cloud import is_cloud
    from scoring.rates import tell_rates
    from scoring.swelling import tell_swelling

    if top > 0 and summary.scored and not is_cloud(summary.output):
        print_top(Path(summary.output), top, "" if model.rates is None else tell_rates(model.rates))
    tiers = ", ".join(f"{count:,} {tier}" for tier, count in summary.tiers.items())
    print(f"{summary.scored:,} of {summary.rows:,} contacts scored{': ' if tiers else ''}{tiers}", end="")
    print(f"; {summary.suppressed:,} suppressed" if summary.suppressed else "", end="")
    evidence = ", ".join(f"{count:,} {level}" for level, count in summary.evidence.items())
    print(f"; evidence: {evidence}; in {summary.seconds:,.1f} s" if evidence else "")
    if swelling := tell_swelling(summary.tiers, model):
        print(f"Mind: {swelling}.")
    for rule, count in summary.rules.items():
        print(f"  {count:,} {'row' if count == 1 else 'rows'}: {rule.replace('_', ' ')}", file=sys.stderr)
    print(f"As of {summary.as_of} ({summary.dated}), by model {summary.model_id}.")
    if adapted is not None:
        from scoring.own_card import tell_blend

        print("It learned from this export first:")
        print("\n".join(f"  {plain(line)}" for line in tell_blend(adapted.model)))
        print(f"The adapted model: {plain(adapted.folder)}")
    if summary.rejected_output:
        print(f"{summary.rejected:,} rows could not be used; they are in {plain(summary.rejected_output)}")
    print(f"The scored file: {plain(summary.output)}")
