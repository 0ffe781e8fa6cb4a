"""Paths as users write them."""

from __future__ import annotations

import os
from glob import glob, has_magic
from pathlib import Path

__all__ = ["local_path", "matching"]


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


def matching(path: str | Path) -> list[str | Path]:
    """List the files that a pattern such as ``exports/part-*.csv`` fits.

    Parameters
    ----------
    path : str or Path
        A path, or a pattern with ``*``, ``?`` or ``[...]``.

    Returns
    -------
    list of str or Path
        In order of their names. The path itself if it is no pattern, if a file has this very name, or if no file fits.

    Examples
    --------
    >>> matching("export.csv")
    ['export.csv']
    """
    name = os.fspath(path)
    if "://" not in name:
        name = os.fspath(local_path(name))
    if not has_magic(name) or os.path.lexists(name):
        return [path]
    return [*sorted(glob(name))] or [path]
