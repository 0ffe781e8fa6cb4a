"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["local_path"]


def local_path(path: str | os.PathLike[str]) -> Path:
    """Return the path that is meant: ``~`` is the home folder, and an address that starts with ``file://`` is a path.

    Parameters
    ----------
    path : str or path-like
        As given; reading and writing must take it for the same file.

    Returns
    -------
    Path

    Examples
    --------
    >>> local_path("file:///exports/may%202026.csv").name
    'may 2026.csv'
    """
    name = os.fspath(path)
    if name.startswith("file://"):
        from urllib.request import url2pathname  # loads a lot, so only where it is needed

        return Path(url2pathname(name.removeprefix("file://")))
    try:
        return Path(name).expanduser()
    except RuntimeError:  # nobody has that name: then it is a folder's, and mostly one that is not there
        return Path(name)
