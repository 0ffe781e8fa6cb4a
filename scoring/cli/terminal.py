"""Text for the terminal: what comes out of a file must not be able to steer it."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from scoring.lines import plain

__all__ = ["plain", "progress", "tolerate", "warn"]


def warn(message: object, *_: Any, **__: Any) -> None:
    """Say something on standard error, in one line.

    Parameters
    ----------
    message : object
        What to say; the rest of what `warnings.showwarning` is given is of no use to a user.
    """
    print(f"scoring: {plain(message)}", file=sys.stderr)


@contextmanager
def progress() -> Iterator[None]:
    """Show what long work logs, line by line on standard error; nothing where that is no terminal."""
    import logging

    if not sys.stderr.isatty():
        yield
        return
    logger, shown = logging.getLogger("scoring"), logging.StreamHandler(sys.stderr)
    shown.setFormatter(logging.Formatter("scoring: %(message)s"))
    level = logger.level
    logger.addHandler(shown)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(shown)


def tolerate() -> None:
    """Print a question mark where the terminal has no such letter, in place of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
