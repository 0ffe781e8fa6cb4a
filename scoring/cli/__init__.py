"""The command line: one thin file a verb; here the verbs meet, and errors become exit codes."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Final

from scoring import __version__
from scoring.cli import check, score, simulate
from scoring.errors import InputError, ModelError, ScoringError

__all__ = ["EXIT_CODES", "main"]

VERBS: Final = (score, check, simulate)

EXIT_CODES: Final = {
    0: "all went well",
    1: "`check` found rows that cannot be used",
    2: "the command was not understood",
    3: "the input or output cannot be used",
    4: "the model cannot be used",
    5: "something else failed: a fault of this program",
    130: "stopped by Ctrl-C",
}


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
    options = _parser().parse_args(arguments)
    import warnings

    warnings.showwarning = _say
    try:
        code: int = options.run(options)
    except ModelError as error:
        return _fail(error, 4)
    except InputError as error:
        return _fail(error, 3)
    except ScoringError as error:
        return _fail(error, 5)
    except KeyboardInterrupt:
        print("scoring: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:
        sys.stderr.close()
        return 0
    return code


def _fail(error: Exception, code: int) -> int:
    print(f"scoring: {error}", file=sys.stderr)
    return code


def _say(message: Warning | str, *_: object, **__: object) -> None:
    print(f"scoring: {message}", file=sys.stderr)
