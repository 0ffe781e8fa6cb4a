"""Large files as streams of bytes, unpacked as they are read."""

from __future__ import annotations

import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, cast

import polars as pl

__all__ = ["is_packed", "unpacked"]

_LINES: Final = 8192


def is_packed(start: bytes) -> bool:
    r"""Say whether a file is packed with gzip or zstd.

    Parameters
    ----------
    start : bytes
        Its first bytes.

    Returns
    -------
    bool

    Examples
    --------
    >>> is_packed(b"\x1f\x8b\x08"), is_packed(b"crm_id")
    (True, False)
    """
    return start.startswith((b"\x1f\x8b", b"\x28\xb5\x2f\xfd"))


def unpacked(path: Path, begin: int = 0) -> BinaryIO:
    """Open a file, packed or not.

    Parameters
    ----------
    path : Path
        The file.
    begin : int
        How many bytes to leave out, of what was packed.

    Returns
    -------
    file
        Its bytes, to be read once and closed. What is packed with zstd has to be UTF-8, and comes without line breaks
        at its end.

    Raises
    ------
    OSError, EOFError, zlib.error, polars.exceptions.PolarsError
        Here or later, if the file cannot be read, or what is packed is damaged.
    """
    file = path.open("rb")
    start = file.read(4)
    if not is_packed(start):
        file.seek(begin)
        return file
    file.close()
    if start.startswith(b"\x1f\x8b"):
        opened = cast(BinaryIO, gzip.open(path))
    else:
        opened = cast(BinaryIO, io.BufferedReader(_Lines(path)))
    opened.read(begin)
    return opened


class _Lines(io.RawIOBase):
    """Text packed with zstd, which Python reads from 3.14 on, and polars as lines."""

    def __init__(self, path: Path) -> None:
        self._coming = self._joined(path)
        self._rest = b""

    @staticmethod
    def _joined(path: Path) -> Iterator[bytes]:
        lines = pl.scan_lines(path, name="text", glob=False)
        for number, batch in enumerate(lines.collect_batches(chunk_size=_LINES, maintain_order=True, lazy=True)):
            text = batch["text"].str.join("\n").item().encode()
            yield b"\n" + text if number else text

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        while not self._rest and (more := next(self._coming, None)) is not None:
            self._rest = more
        taken = self._rest[: len(buffer)]
        buffer[: len(taken)] = taken
        self._rest = self._rest[len(taken) :]
        return len(taken)
