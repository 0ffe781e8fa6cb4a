"""Arguments that several verbs share."""

from __future__ import annotations

import argparse
from pathlib import Path

from scoring.errors import InputError

__all__ = ["add_input", "read_suppressed"]


def add_input(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that say which export is meant, of what date, and without whom.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Parser of a verb.
    """
    kinds = "CSV, JSON, NDJSON or Parquet, also .gz or .zst"
    parser.add_argument("files", nargs="*", metavar="FILE", help=f"the export: {kinds}; several are one")
    parser.add_argument("--as-of", metavar="DATE", help="date of the export; inferred if not given")
    parser.add_argument(
        "--suppress",
        type=Path,
        metavar="LIST",
        help="text file of addresses and domains, one a line, that must not be scored",
    )


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
