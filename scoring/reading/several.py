"""Several files as one export, part after part."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import polars as pl

from scoring.errors import InputError
from scoring.paths import local_path
from scoring.reading import streams
from scoring.reading.columns import match
from scoring.reading.files import Contents, Irregular
from scoring.reading.objects import ObjectStream
from scoring.reading.streams import AnyStream, Stream, open_stream

__all__ = ["Several", "Source", "open_several"]


@dataclass(frozen=True)
class Several:
    """Files that can be read in parts one after the other, any number of times, as a `Stream` can.

    Attributes
    ----------
    streams : tuple of Stream or ObjectStream
        One for each file.
    """

    streams: tuple[AnyStream, ...]

    @property
    def paths(self) -> list[Path]:
        """The files."""
        return [stream.path for stream in self.streams]

    @property
    def path(self) -> Path:
        """The first file."""
        return self.streams[0].path

    @property
    def kind(self) -> str:
        """The kind of the first file."""
        return self.streams[0].kind

    @property
    def names(self) -> list[str]:
        """All their columns."""
        return list(dict.fromkeys(name for stream in self.streams for name in stream.names))

    @property
    def missing(self) -> tuple[str, ...]:
        """Fields without a column in any file."""
        return match(tuple(self.names)).missing

    def parts(self, only: Collection[str] | None = None) -> Iterator[Contents]:
        """Read the files, and find out what their rows are.

        Parameters
        ----------
        only : collection of str, optional
            Columns that will do.

        Yields
        ------
        Contents
            As `Stream.parts`, with the columns of its file; its kind begins with the number of that.

        Raises
        ------
        Irregular
            As `Stream.parts`.
        """
        for number, stream in enumerate(self.streams):
            try:
                for part in stream.parts(only):
                    yield self._lined(replace(part, kind=f"{number}:{part.kind}"))
            except Irregular as error:
                if error.better is None:
                    raise
                others = [*self.streams]
                others[number] = error.better
                raise Irregular(replace(self, streams=tuple(others))) from error

    def again(self, kinds: Sequence[str], as_text: bool) -> Iterator[Contents]:
        """Read the files once more.

        Parameters
        ----------
        kinds : sequence of str
            The kinds of the parts, as the first reading found them.
        as_text : bool
            Not used: all rows get the same columns.

        Yields
        ------
        Contents
            The same parts with the columns of all files, of types that hold the cells of each.

        Raises
        ------
        Irregular
            If a file is no longer what it was.
        """
        told = [kind.partition(":") for kind in kinds]
        try:
            empty = pl.concat([pl.DataFrame(schema=stream.schema) for stream in self.streams], how="diagonal_relaxed")
        except pl.exceptions.PolarsError as error:
            raise Irregular from error  # nested cells in one file, and none in another
        for number, stream in enumerate(self.streams):
            for part in stream.again([kind for file, _, kind in told if file == str(number)], False):
                yield self._lined(replace(part, source=pl.concat([empty, part.source], how="diagonal_relaxed")))

    def _lined(self, part: Contents) -> Contents:
        """Tell lines only where each file has them."""
        return replace(part, lines=None) if any(stream.kind == "parquet" for stream in self.streams) else part


Source = Stream | ObjectStream | Several


def open_several(paths: Sequence[str | os.PathLike[str]]) -> Several | None:
    """Look whether files are large together, and can all be read in parts.

    Parameters
    ----------
    paths : sequence of str or path-like
        Any files.

    Returns
    -------
    Several or None
        None if they are to be read whole.

    Examples
    --------
    >>> open_several(["no-such-file.csv"]) is None
    True
    """
    try:
        if sum(map(_weight, paths)) < streams.LEAST_BYTES:
            return None
        opened = [open_stream(path, large=True) for path in paths]
        found = [stream for stream in opened if stream is not None]
        if len(found) < len(opened):
            return None
        several = Several(tuple(found))
        for each in (*found, several):
            match(tuple(each.names))
        pl.concat([pl.DataFrame(schema=stream.schema) for stream in found], how="diagonal_relaxed")
    except (InputError, OSError, ValueError, pl.exceptions.PolarsError):
        return None  # read whole, it is told what is the matter
    return several


def _weight(path: str | os.PathLike[str]) -> int:
    """How large a file is as text, by and large."""
    local: Any = local_path(path)
    with local.open("rb") as file:
        return int(local.stat().st_size * streams.swelling(file.read(4)))
