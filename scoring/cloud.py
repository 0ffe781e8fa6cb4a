"""Files in a cloud store: brought here before they are read, and sent there when they are whole.

polars speaks with the stores; credentials and end points are set up as it expects them (environment variables, files).
Nothing else of the product opens a connection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import polars as pl

from scoring.errors import InputError

__all__ = ["fetched", "is_cloud", "send"]

_CLOUD: Final = re.compile(r"^(s3|s3a|gs|gcs|az|azure|abfs|abfss|adl|hf)://", re.IGNORECASE)
_PACKED: Final[Mapping[str, Literal["gzip", "zstd"]]] = {".gz": "gzip", ".zst": "zstd"}
_OF_POLARS: Final = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


def is_cloud(path: str | os.PathLike[str]) -> bool:
    """Tell whether a path is an address in a cloud store.

    Parameters
    ----------
    path : str or path-like
        As a user gives it.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_cloud("s3://bucket/export.csv"), is_cloud("export.csv"), is_cloud("https://example.org/export.csv")
    (True, False, False)
    """
    return _CLOUD.match(os.fspath(path)) is not None


@contextmanager
def fetched(address: str, folder: Path) -> Iterator[Path]:
    """Bring a file here for a while.

    Parameters
    ----------
    address : str
        Where it is.
    folder : Path
        Where to put it, under its own name.

    Yields
    ------
    Path
        The file: a Parquet file with the same rows, or text with the same lines.

    Raises
    ------
    InputError
        If the store does not give it.
    """
    path = folder / address.rstrip("/").rsplit("/", 1)[-1]
    try:
        if path.suffix.lower() in (".parquet", ".pq"):
            pl.scan_parquet(address, glob=False).sink_parquet(path, compression="lz4")
        else:
            _copy_lines(address, path)
    except (OSError, *_OF_POLARS) as error:
        raise InputError(
            f'"{path.name}": it cannot be read from the store ({type(error).__name__})',
            hint="is it there, and are credentials set up? Else download it first",
        ) from error
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def send(path: Path, address: str) -> None:
    """Send a file to a store.

    Parameters
    ----------
    path : Path
        A Parquet file, or text.
    address : str
        Where to; what is there is replaced once all has arrived.

    Raises
    ------
    InputError
        If the store does not take it.
    """
    try:
        if path.suffix == ".parquet":
            pl.scan_parquet(path).sink_parquet(address, compression="zstd", compression_level=1)
        else:
            _copy_lines(os.fspath(path), address)
    except (OSError, *_OF_POLARS) as error:
        raise InputError(
            f"{path.name!r} could not be written to the store ({type(error).__name__})",
            hint="are credentials set up, and may they write there? Else write to a file and upload it",
        ) from error


def _copy_lines(source: str, target: str | Path) -> None:
    """Copy text line by line, packed anew where the name says so."""
    compression: Literal["uncompressed", "gzip", "zstd"] = "uncompressed"
    for ending, packed in _PACKED.items():
        compression = packed if os.fspath(target).lower().endswith(ending) else compression
    lines = pl.scan_lines(source, name="line", glob=False)
    lines.sink_csv(target, include_header=False, quote_style="never", compression=compression)
