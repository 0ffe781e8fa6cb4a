"""Large files of JSON records part after part: one a line, or in an array.

What is here gives the very rows that `documents` gives, or says that it would take the whole file to.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO, Final

import polars as pl

from scoring.errors import InputError
from scoring.reading.arrays import cut_array
from scoring.reading.blocks import DECODER
from scoring.reading.columns import match, recognised
from scoring.reading.documents import read_lines
from scoring.reading.files import PADDING, Contents, Irregular, naming
from scoring.reading.kinds import Kinds, count_lines, dtype_of, kinds_of, read_even, table_of
from scoring.reading.layout import BLANK, after, is_ndjson, wrapped_array
from scoring.reading.packed import unpacked
from scoring.reading.scalars import encodable

__all__ = ["ObjectStream", "open_objects"]

_EVEN: Final = "even records"
_START_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class _Block:
    """Records on a line each, the line of the file for each where they did not stand so, and lines they took."""

    text: bytes
    places: pl.Series | None
    lines: int


@dataclass(frozen=True)
class ObjectStream:
    """A file of records that can be read in parts, any number of times, as `Stream` can.

    Attributes
    ----------
    path : Path
        The file.
    kind : str
        ``json`` or ``ndjson``.
    kinds : Kinds
        What its columns hold, as far as that is known.
    begin : int
        Bytes before the first line, or the bracket that opens the array.
    before : str
        The text in them.
    block_bytes : int
        How much to read at once.
    """

    path: Path
    kind: str
    kinds: Kinds
    begin: int
    before: str
    block_bytes: int

    @property
    def names(self) -> list[str]:
        """Its columns."""
        return list(self.kinds)

    @property
    def paths(self) -> list[Path]:
        """The file alone."""
        return [self.path]

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """The types of its columns."""
        return dict(_schema(self.kinds))

    @property
    def missing(self) -> tuple[str, ...]:
        """Fields without a column."""
        return match(tuple(self.kinds)).missing

    def parts(self, only: Collection[str] | None = None) -> Iterator[Contents]:
        """Read the file, and find out what its rows are.

        Parameters
        ----------
        only : collection of str, optional
            Columns that will do; others may be left out.

        Yields
        ------
        Contents
            Some rows, in order, as `Stream.parts` gives them.

        Raises
        ------
        Irregular
            If what follows cannot be told from the part alone; with a better stream, if the columns hold other than
            was known.
        """
        kept = self.names if only is None else [name for name in self.names if name in only]
        kinds = dict(self.kinds)
        with self._read():
            blocks = self._blocks()
            line = 0
            for block in blocks:
                part = self._even(block, kinds, kept)
                if part is None:
                    kinds, part = self._judged(block, kinds)
                    if part is None:
                        raise Irregular(self._settled(kinds, blocks))
                yield _numbered(part, block, line)
                line += block.lines

    def again(self, kinds: Sequence[str], as_text: bool) -> Iterator[Contents]:
        """Read the file once more.

        Parameters
        ----------
        kinds : sequence of str
            The kinds of its parts, as the first reading found them.
        as_text : bool
            Not used: records are no rows of a CSV.

        Yields
        ------
        Contents
            The same parts with all columns.

        Raises
        ------
        Irregular
            If the file is no longer what it was.
        """
        with self._read():
            line = 0
            for kind, block in zip(kinds, self._blocks(), strict=False):
                checked = self._even(block, self.kinds, self.names, checked=True) if kind == _EVEN else None
                part = checked or self._judged(block, self.kinds)[1]
                if part is None:
                    raise Irregular
                yield _numbered(part, block, line)
                line += block.lines

    @contextmanager
    def _read(self) -> Iterator[None]:
        try:
            with naming(self.path):
                yield
        except (
            OSError,
            EOFError,
            zlib.error,
            RecursionError,
            UnicodeDecodeError,
            pl.exceptions.PolarsError,
            pl.exceptions.PanicException,
        ) as error:
            raise Irregular from error  # read whole, it is told what is the matter

    def _even(self, block: _Block, kinds: Kinds, columns: Sequence[str], checked: bool = False) -> Contents | None:
        found = read_even(block.text, kinds, columns, checked)
        return None if found is None else Contents(found[0], _EVEN, found[1])

    def _judged(self, block: _Block, kinds: Kinds) -> tuple[dict[str, frozenset[str]], Contents | None]:
        """Decode a block record by record; None if its columns are other than those of the stream."""
        found = read_lines(block.text.decode())
        if self.kind == "json" and found.broken.height:
            raise Irregular  # where to go on in a damaged array is found by looking at what follows
        seen = _joined(kinds, found.columns)
        if _schema(seen) != _schema(self.kinds):
            return seen, None
        table = table_of(found.columns, seen, len(found.lines))
        return seen, Contents(table, self.kind, found.lines, found.broken)

    def _settled(self, kinds: Mapping[str, frozenset[str]], blocks: Iterator[_Block]) -> ObjectStream:
        """Look at all that follows, and say how to begin again."""
        for block in blocks:
            if read_even(block.text, kinds, ()) is None:
                kinds = _joined(kinds, read_lines(block.text.decode()).columns)
        return replace(self, kinds=dict(kinds))

    def _blocks(self) -> Iterator[_Block]:
        with unpacked(self.path, self.begin) as file:
            yield from self._lines(file) if self.kind == "ndjson" else self._pieces(file)

    def _lines(self, file: BinaryIO) -> Iterator[_Block]:
        last = b"\n"
        while block := file.read(self.block_bytes):
            block += file.readline(self.block_bytes + _START_BYTES)
            if len(block) > 2 * self.block_bytes + _START_BYTES:
                raise Irregular  # no lines to speak of
            yield _Block(_utf8(block), None, count_lines(block))
            last = block[-1:]
        if last in PADDING:
            raise Irregular  # the file does not end there

    def _pieces(self, file: BinaryIO) -> Iterator[_Block]:
        """Cut an array into lines."""
        piece, closed, first = b"", False, True
        lines = self.before.count("\n")
        # an object on a line of its own may be the first of many, which is seen at the end of the line
        single = self.before.strip() != "" and lines == 0
        size = self.block_bytes
        while not closed and (more := file.read(size)):
            piece += more
            if not first and piece.startswith(b"["):
                raise Irregular
            cut = cut_array(piece)
            closed = cut.closed
            if cut.end:
                if single and cut.breaks:
                    raise Irregular
                yield _Block(_utf8(cut.lines), pl.Series(cut.places + lines, dtype=pl.UInt32), cut.breaks)
                lines, first = lines + cut.breaks, False
            piece, size = piece[cut.end :], self.block_bytes if cut.end else 2 * size
            if len(piece) > self.block_bytes + _START_BYTES:
                raise Irregular  # a text that nothing closes, or no array of flat records
        self._close(piece + file.read(_START_BYTES))
        if file.read(1):
            raise Irregular

    def _close(self, rest: bytes) -> None:
        """Look at what follows the array, as `documents` does."""
        text = rest.decode().lstrip(" \t\r\n")
        if not text.startswith("]") or rest[-1:] in PADDING:
            raise Irregular
        if self.before.strip():
            whole = f"{self.before}[{text}"
            try:
                value, end = DECODER.raw_decode(whole, after(BLANK, whole, 0))
            except ValueError:
                return
            if whole[end:].strip() or recognised(value):
                raise Irregular


def _utf8(text: bytes) -> bytes:
    """Make sure that text is UTF-8."""
    if not text.isascii():
        text.decode()
    return text


def _numbered(part: Contents, block: _Block, before: int) -> Contents:
    """Count lines from the first of the file."""
    if block.places is not None:
        return replace(part, lines=block.places)
    return replace(part, lines=None if part.lines is None else (part.lines + before).cast(pl.UInt32))


def _joined(kinds: Kinds, cells: Mapping[str, Sequence[Any]]) -> dict[str, frozenset[str]]:
    """Add what is in some records to what is known."""
    joined = dict(kinds)
    for name, column in cells.items():
        kind = joined.get(name, frozenset()) | kinds_of(column)
        # nested cells take a type that holds all of them, and NaN in text is nothing: both need the whole column
        if "nested" in kind or ("nan" in kind and dtype_of(kind) == pl.String) or encodable(name) != name:
            raise Irregular
        joined[name] = kind
    return joined


def _schema(kinds: Kinds) -> list[tuple[str, pl.DataType]]:
    return [(name, dtype_of(kind)) for name, kind in kinds.items()]


def open_objects(path: Path, start: bytes, mark: int, block_bytes: int) -> ObjectStream | None:
    """Look whether records can be read in parts.

    Parameters
    ----------
    path : Path
        A large file.
    start : bytes
        Its beginning, a million bytes, without a byte order mark.
    mark : int
        Bytes of that mark.
    block_bytes : int
        How much to read at once.

    Returns
    -------
    ObjectStream or None
        None if it is to be read whole.
    """
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return None
    place = after(BLANK, text, 0)
    before = ""
    kind = "json"
    if text[place] == "{":
        _, _, second = text[place:].partition("\n")
        if second.strip() and "\n" not in second:
            return None  # whether the second line is a record cannot be seen
        if is_ndjson(text, place):
            kind = "ndjson"
        elif (bracket := wrapped_array(text, place)) is not None:
            before = text[:bracket]
        else:
            return None
    else:
        before = text[:place]
    begin = mark + len(before.encode())
    stream = ObjectStream(path, kind, {}, begin, before, block_bytes)
    try:
        with stream._read():
            blocks = replace(stream, block_bytes=_START_BYTES)._blocks()
            block = next(blocks, None)
            kinds = {} if block is None else _joined({}, read_lines(block.text.decode()).columns)
        match(tuple(kinds))
    except (Irregular, InputError):
        return None
    return replace(stream, kinds=kinds)
