"""A folder beside an output in which one run at a time keeps what it needs for a while."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from scoring.errors import InputError

if sys.platform != "win32":
    import fcntl

__all__ = ["workplace"]


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """Give an empty folder beside a target; it is gone afterwards.

    Its name depends on the target alone, so what a killed run leaves in it goes with the next. Two runs that write the
    same file at once would write into each other's: the second is refused (not on Windows, which has no such lock).

    Parameters
    ----------
    target : Path
        What is to be written.

    Yields
    ------
    Path
        The folder.

    Raises
    ------
    InputError
        If it cannot be made, or another run has it.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as name, workplace(Path(name) / "out.csv") as folder:
    ...     folder.name
    '.out.csv.rows'
    """
    folder = target.with_name(f".{target.name}.rows")
    with ExitStack() as stack:
        try:
            folder.mkdir(exist_ok=True)
            lock = stack.enter_context((folder / "lock").open("a")) if sys.platform != "win32" else None
        except OSError as error:
            raise InputError(
                f"{target.name!r} cannot be written there ({error.strerror})",
                hint="is the disk full, or the folder read-only?",
            ) from error
        if lock is not None and not _taken(lock, folder / "lock"):
            raise InputError(f"{target.name!r} is being written by another run", hint="wait for it, or stop it")
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        for left in folder.iterdir():
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
        yield folder


def _taken(lock: TextIO, path: Path) -> bool:
    """Take a lock that ends with the process, however that ends; False if another process has it."""
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a file system without locks
    # whoever had it may have removed it since it was opened
    return path.exists() and os.path.samestat(os.fstat(lock.fileno()), path.stat())
