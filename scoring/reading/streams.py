"""Large files part after part, in memory that does not grow with the file.

What is here gives the very rows that `files` gives. Where that would need the whole file (text that is not UTF-8,
quotes that do not come out even), it says so, and the file is read whole.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import InputError, heed_interrupt
from scoring.paths import local_path
from scoring.reading.columns import match, unrepeated
from scoring.reading.delimited import finish, header, parse, quoted_rows, unquoted_rows
from scoring.reading.files import PADDING, Contents, Irregular, naming, refuse_binary, refuse_foreign
from scoring.reading.objects import ObjectStream, open_objects
from scoring.reading.packed import is_packed, unpacked
from scoring.schema import field

__all__ = ["EVEN", "LEAST_BYTES", "TEXT", "AnyStream", "Irregular", "Stream", "open_stream", "swelling"]

LEAST_BYTES: Final = 2**22
"""Smaller text is read whole, which takes less time."""
EVEN: Final = "even csv"
TEXT: Final = "text"
"""Kinds of parts."""
BLOCK_BYTES: Final = 2**24
START_BYTES: Final = 2**20
PART_ROWS: Final = 65_536
_MARK: Final = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Stream:
    """A file that can be read in parts, any number of times.

    Attributes
    ----------
    path : Path
        The file.
    kind : str
        ``csv`` or ``parquet``.
    names : list of str
        Its columns.
    separator : str
        Between cells of a CSV.
    skipped : int
        Lines before the first row of a CSV.
    begin : int
        Bytes before the first row.
    """

    path: Path
    kind: str
    names: list[str]
    separator: str = ","
    skipped: int = 0
    begin: int = 0

    @property
    def paths(self) -> list[Path]:
        """The file alone."""
        return [self.path]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The types of its columns."""
        if self.kind == "parquet":
            return dict(pl.scan_parquet(self.path, glob=False).collect_schema())
        return dict.fromkeys(self.names, pl.String())

    @property
    def missing(self) -> tuple[str, ...]:
        """Fields without a column."""
        return match(tuple(self.names)).missing

    def parts(self, only: Collection[str] | None = None) -> Iterator[Contents]:
        """Read the file, and find out what its rows are.

        Parameters
        ----------
        only : collection of str, optional
            Columns that will do; others are left out where that saves work, and cells may be typed already.

        Yields
        ------
        Contents
            Some rows, in order; numbers of rows count from the first of the part, lines from that of the file. Its
            kind is `EVEN` where each line is a row, without quotes, and has as many cells as there are names.

        Raises
        ------
        Irregular
            If what follows cannot be told from the part alone.
        """
        kept = self.names if only is None else [name for name in self.names if name in only]
        with self._read():
            if self.kind == "parquet":
                yield from self._tables(kept)
                return
            line, types = self.skipped, {} if only is None else self._types(kept)
            for block in _blocks(self.path, self.begin):
                lines = self._even_lines(block)
                part = self._even(block, kept, lines, types) if lines else None
                if part is None and lines and types:
                    types = {}  # written in another way here, and so most likely in what follows
                    part = self._even(block, kept, lines, types)
                if part is None:
                    part, lines = self._judged(block)
                yield _numbered(part, line)
                line += lines

    def again(self, kinds: Sequence[str], as_text: bool) -> Iterator[Contents]:
        """Read the file once more.

        Parameters
        ----------
        kinds : sequence of str
            The kinds of its parts, as the first reading found them.
        as_text : bool
            Whether rows of even parts may be given as they stand in the file, in a single column.

        Yields
        ------
        Contents
            The same parts with all columns; its kind is `TEXT` where the rows are given as they stand.

        Raises
        ------
        Irregular
            If the file is no longer what it was; whether it is has to be seen from the rows, too.
        """
        with self._read():
            if self.kind == "parquet":
                yield from self._tables(self.names)
                return
            line = self.skipped
            for kind, block in zip(kinds, _blocks(self.path, self.begin), strict=False):
                if kind != EVEN:
                    part, lines = self._judged(block)
                else:
                    bare = as_text and b"\r" not in block
                    source = pl.read_lines(block) if bare else parse(block, self.names, self.separator, 0)
                    part, lines = Contents(source, TEXT if bare else EVEN), source.height
                yield _numbered(part, line)
                line += lines

    def read_text(self, rows: pl.Series) -> pl.DataFrame:
        """Read rows of an even part that were given as they stand.

        Parameters
        ----------
        rows : polars.Series
            Texts, at least one.

        Returns
        -------
        polars.DataFrame
            All cells as text.
        """
        return parse(f"{rows.str.join(chr(10)).item()}\n".encode(), self.names, self.separator, 0)

    @contextmanager
    def _read(self) -> Iterator[None]:
        try:
            with naming(self.path):
                yield
        except (OSError, EOFError, zlib.error, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
            heed_interrupt(error)
            raise Irregular from error  # read whole, it is told what is the matter

    def _tables(self, columns: Sequence[str]) -> Iterator[Contents]:
        scan = pl.scan_parquet(self.path, glob=False).select(columns)
        # slice after slice: polars' own batches run ahead of whoever takes them, and pile up
        for start in range(0, scan.select(pl.len()).collect().item(), PART_ROWS):
            yield Contents(scan.slice(start, PART_ROWS).collect(), "parquet")

    def _types(self, columns: Sequence[str]) -> dict[str, pl.DataType]:
        """Give the types of columns that can be read at once: cells without a second meaning, such as counts."""
        found = {column: field(name) for name, column in match(tuple(self.names)).found.items() if column in columns}
        return {column: of.dtype for column, of in found.items() if of.kind in ("count", "flag")}

    def _even_lines(self, block: bytes) -> int:
        """Count lines without quotes that have as many cells on the whole as the header says; 0 if they have not."""
        signs = np.frombuffer(block, dtype=np.uint8)
        lines = _count(signs, "\n") + (not block.endswith(b"\n"))
        # polars refuses longer rows, so where the separators are as many as they should be, none is shorter either
        even = b'"' not in block and _count(signs, self.separator) == (len(self.names) - 1) * lines
        return lines if even else 0

    def _even(
        self, block: bytes, columns: Sequence[str], lines: int, types: Mapping[str, pl.DataType]
    ) -> Contents | None:
        """Read lines that are even; None if they are not, or a cell is not of its column's type."""
        try:
            table = parse(block, self.names, self.separator, 0, columns, types)
        except InputError:
            return None
        return Contents(table, EVEN) if table.height == lines else None

    def _judged(self, block: bytes) -> tuple[Contents, int]:
        """Read rows of which each has to be looked at."""
        body = pl.read_lines(block, name="text")["text"]
        rows = (quoted_rows if b'"' in block else unquoted_rows)(body, self.separator, len(self.names))
        if rows is None:
            raise Irregular
        read = finish(block, self.names, self.separator, 0, rows, len(body))
        return Contents(read.source, "csv", read.lines, read.broken), len(body)


def _numbered(part: Contents, before: int) -> Contents:
    """Count lines from the first of the file."""
    lines = pl.int_range(1, part.source.height + 1, dtype=pl.UInt32, eager=True) if part.lines is None else part.lines
    return replace(part, lines=(lines + before).cast(pl.UInt32))


def _count(signs: NDArray[np.uint8], sign: str) -> int:
    """Count a sign that is frequent, for which `bytes.count` takes ten times as long."""
    return int(np.count_nonzero(signs == ord(sign)))


def _blocks(path: Path, begin: int) -> Iterator[bytes]:
    """Cut a file behind rows: at the ends of lines at which no quote is open."""
    last = b""
    with unpacked(path, begin) as file:
        while block := file.read(BLOCK_BYTES):
            block += file.readline()
            opened, length = block.count(b'"') % 2 if b'"' in block else 0, len(block)
            more = [block]
            while opened and (line := file.readline()):
                more.append(line)
                opened ^= line.count(b'"') % 2
                length += len(line)
                if length > BLOCK_BYTES + START_BYTES:
                    raise Irregular  # a quote that nothing closes
            block = b"".join(more) if len(more) > 1 else block
            if not block.isascii():
                try:
                    block.decode()
                except UnicodeDecodeError as error:
                    raise Irregular from error
            yield block
            last = block[-1:]
    if last in PADDING:
        raise Irregular  # the file does not end there


AnyStream = Stream | ObjectStream


def open_stream(path: str | os.PathLike[str], *, large: bool = False) -> AnyStream | None:
    """Look whether a file is large, and can be read in parts.

    Parameters
    ----------
    path : str or path-like
        Any file.
    large : bool
        Whether it is taken for large whatever its size.

    Returns
    -------
    Stream or ObjectStream or None
        None if it is to be read whole.

    Raises
    ------
    InputError
        If it is no export.

    Examples
    --------
    >>> open_stream("no-such-file.csv") is None
    True
    """
    try:
        local = local_path(path)
        with local.open("rb") as file:
            start = file.read(4)
            if local.stat().st_size * swelling(start) < LEAST_BYTES and not large:
                return None
            start += file.read(START_BYTES)
        if packed := is_packed(start):
            with unpacked(local) as file:
                start = file.read(START_BYTES)
    except (OSError, EOFError, zlib.error, ValueError, pl.exceptions.PolarsError):
        return None
    with naming(path):
        if start.startswith(b"PAR1"):
            return None if packed else _open_parquet(local)
        return _open_text(local, start)


def swelling(start: bytes) -> int:
    """Say about how many bytes of text there are in a byte of a file.

    Parameters
    ----------
    start : bytes
        Its first bytes.

    Returns
    -------
    int

    Examples
    --------
    >>> swelling(b"PAR1"), swelling(b"crm_")
    (16, 1)
    """
    return 16 if start.startswith(b"PAR1") else 8 if is_packed(start) else 1


def _open_parquet(path: Path) -> Stream | None:
    try:
        names = pl.scan_parquet(path, glob=False).collect_schema().names()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError):
        return None
    unrepeated(names)
    match(tuple(names))
    return Stream(path, "parquet", names)


def _open_text(path: Path, start: bytes) -> AnyStream | None:
    refuse_foreign(start)
    text = start.removeprefix(_MARK)
    beginning = text[:2000].lstrip(b" \t\r\n")
    if b"\x00" in text[:2000] or beginning[:1] in (b"", b"<"):
        return None
    if beginning[:1] in (b"[", b"{"):
        refuse_binary(text)
        return open_objects(path, text, len(start) - len(text), BLOCK_BYTES)
    if b"\n" not in text:
        return None
    try:
        text[: text.rindex(b"\n")].decode()
    except UnicodeDecodeError:
        return None
    refuse_binary(text)
    text = text[: text.rindex(b"\n") + 1]
    names, separator, skipped = header(pl.read_lines(text, name="text")["text"])
    begin = 0
    for _ in range(skipped):
        begin = text.index(b"\n", begin) + 1
    stream = Stream(path, "csv", names, separator, skipped, begin + len(_MARK) * start.startswith(_MARK))
    body = pl.read_lines(text[begin:], name="text")["text"].head(100)
    # rows of another width than the header: how to take them is decided by all of them
    between = body.str.replace_all('"[^"]*"', "").str.count_matches(separator, literal=True)
    short = between != len(names) - 1
    return None if short.all() else stream
