"""The command line: one thin file a verb; here the verbs meet, and errors become exit codes."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Final

from scoring import __version__
from scoring.cli import (
    accounts,
    audit,
    check,
    compare,
    drift,
    evaluate,
    explain,
    models,
    recalibrate,
    report,
    review,
    score,
    simulate,
    train,
    worklist,
    write_back,
)
from scoring.cli.stopping import heeding
from scoring.cli.terminal import tolerate, warn
from scoring.errors import LeakageWarning, ModelError, SchemaWarning, ScoringError

__all__ = ["EXIT_CODES", "main", "run"]

VERBS: Final = (
    score,
    worklist,
    accounts,
    compare,
    review,
    report,
    explain,
    train,
    evaluate,
    models,
    check,
    audit,
    drift,
    recalibrate,
    simulate,
    write_back,
)

EXIT_CODES: Final = {
    0: "all went well",
    1: "`check` found rows that cannot be used",
    2: "the command was not understood",
    3: "the input or output cannot be used",
    4: "the model cannot be used",
    5: "something else failed: a fault of this program",
    130: "stopped by Ctrl-C",
    143: "stopped by SIGTERM",
}
_STOPPED: Final = (130, 143)


def _parser() -> argparse.ArgumentParser:
    codes = "\n".join(f"  {code:>3}  {meaning}" for code, meaning in EXIT_CODES.items())
    parser = argparse.ArgumentParser(
        prog="scoring",
        description="Whom to write to or meet next, how likely it is to work, and why.",
        epilog=f"exit codes:\n{codes}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"scoring {__version__}")
    verbs = parser.add_subparsers(metavar="VERB", required=True)
    for verb in VERBS:
        verb.register(verbs)
    for one in verbs.choices.values():  # the docstring of the verb, in which code is marked as it is in docstrings
        one.description = (one.description or "").replace("``", "`")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after the program's name; by default what the process was started with.

    Returns
    -------
    int
        The exit code, see `EXIT_CODES`.
    """
    import warnings

    options = _parser().parse_args(arguments)
    tolerate()
    with warnings.catch_warnings():
        for category in (SchemaWarning, LeakageWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = warn
        return _run(options)


def run() -> None:
    """Run the verb that the process was started with, and end the process.

    A stop may find threads of polars at work, which end in a crash where Python takes itself apart under them: so it
    does not, as nothing is left to be done.
    """
    # Threads of OpenBLAS wait by turning round, for a tenth of a second of CPU at every start, and no verb needs them.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    code = main()
    if code in _STOPPED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


def _run(options: argparse.Namespace) -> int:
    with heeding() as stop:
        try:
            code: int = options.run(options)
            sys.stdout.flush()
        except ModelError as error:
            return _fail(error, 4)
        except ScoringError as error:
            return _fail(error, 3)
        except KeyboardInterrupt:
            return _fail("stopped", 143 if stop.terminated else 130)
        except BrokenPipeError:  # whoever read the output has read enough; nothing may be flushed into it at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        except Exception as error:
            import traceback

            traceback.print_exc()
            return _fail(f"a fault of this program ({type(error).__name__}): please report what stands above", 5)
    return code


def _fail(error: object, code: int) -> int:
    warn(error)
    return code
