"""Arguments that several verbs share."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any, Final

from scoring.errors import InputError
from scoring.paths import local_path

__all__ = ["add_exports", "add_input", "check_folder", "exports_of", "read_suppressed"]

_KINDS: Final = "CSV, JSON, NDJSON or Parquet, also .gz or .zst"


def add_input(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which export is meant, of what date, and without whom.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Parser of a verb.
    """
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"the export: {_KINDS}; several are one")
    parser.add_argument("--as-of", metavar="DATE", help="date of the export; inferred if not given")
    _add_suppress(parser, "must not be scored")


def add_exports(parser: argparse.ArgumentParser, least: int = 1) -> None:
    """Add the arguments that say which exports are meant, of what dates, and without whom.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Parser of a verb; `exports_of` reads what it parsed.
    least : int
        How many exports there have to be: 0 for a verb that can do without, or 1.
    """
    number = "+" if least else "*"
    parser.add_argument("files", nargs=number, metavar="EXPORT", help=f"one file an export: {_KINDS}")
    parser.add_argument(
        "--as-of",
        action="append",
        default=[],
        metavar="DATE",
        help="date of an export: once for each, in their order (default: that in the file's name, else inferred)",
    )
    _add_suppress(parser, "must be left out")


def _add_suppress(parser: argparse.ArgumentParser, why: str) -> None:
    parser.add_argument(
        "--suppress", type=Path, metavar="LIST", help=f"text file of addresses and domains, one a line, that {why}"
    )


def exports_of(options: argparse.Namespace) -> Any:
    """Put exports and their dates together.

    Parameters
    ----------
    options : argparse.Namespace
        What a parser with `add_exports` parsed, with `parser` itself.

    Returns
    -------
    mapping or list
        Files by date where dates were given, else files: what `scoring.train` takes.

    Raises
    ------
    InputError
        If a date is none, or two are the same.
    SystemExit
        If there are more or fewer dates than files.
    """
    from scoring.dating import parse_as_of

    if not options.as_of:
        return options.files
    if len(options.as_of) != len(options.files):
        options.parser.error(f"{len(options.files)} exports, and --as-of {len(options.as_of)} times: give it for each")
    dated = dict(zip(map(parse_as_of, options.as_of), options.files, strict=True))
    if len(dated) < len(options.files):
        raise InputError(f"{len(options.files)} exports of {len(dated)} dates", expected="one export a date")
    return dated


def check_folder(folder: Path) -> Path:
    """Check, before any work is done, that a folder is there or can be made.

    Parameters
    ----------
    folder : Path
        Where a model is to go.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If it or what it lies in is a file, or cannot be written to.
    """
    folder = local_path(folder)
    nearest = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    if not nearest.is_dir():
        raise InputError(f"{nearest.name!r} is a file", expected="a folder", hint="choose another place")
    if not os.access(nearest, os.W_OK):
        raise InputError(f"{folder.name!r} cannot be written there", hint="choose another place")
    return folder


def read_suppressed(path: Path | None) -> list[str]:
    """Read a suppression list: one address or domain a line, blank lines and ``#`` comments aside.

    Parameters
    ----------
    path : Path or None
        The list; None gives an empty one.

    Returns
    -------
    list of str
    """
    if path is None:
        return []
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(
            f"the suppression list {path.name!r} cannot be read ({type(error).__name__})",
            expected="a UTF-8 text file, one address or domain a line",
        ) from error
    return [text for line in lines if (text := line.split("#")[0].strip())]
