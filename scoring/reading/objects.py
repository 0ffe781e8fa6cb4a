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

from scoring.errors import InputError, heed_interrupt
from scoring.reading.arrays import cut_array
from scoring.reading.blocks import DECODER
from scoring.reading.columns import match, recognised
from scoring.reading.documents import Cells, Unclear, read_array, read_lines
from scoring.reading.files import PADDING, Contents, Irregular, naming
from scoring.reading.kinds import Kind, Kinds, count_lines, dtype_of, is_settled, kinds_of, read_even, table_of
from scoring.reading.layout import BLANK, after, is_ndjson, wrapped_array
from scoring.reading.packed import unpacked
from scoring.reading.scalars import encodable

__all__ = ["ObjectStream", "open_objects"]

_EVEN: Final = "even records"
_START_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class _Block:
    """Records on a line each, the line of the file for each where they did not stand so, and lines they took.

    Records of a damaged array are decoded already, and come without text.
    """

    text: bytes
    places: pl.Series | None
    lines: int
    decoded: Cells | None = None

    @property
    def cells(self) -> Cells:
        return read_lines(self.text.decode()) if self.decoded is None else self.decoded


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
    damaged : bool
        Whether an array is read record by record, and what is no record is put aside.
    """

    path: Path
    kind: str
    kinds: Kinds
    begin: int
    before: str
    block_bytes: int
    damaged: bool = False

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
            was known, or an array is damaged.
        """
        try:
            yield from self._parts(only)
        except Irregular as error:
            if error.better is not None or self.kind != "json" or self.damaged:
                raise
            raise Irregular(replace(self, damaged=True)) from error

    def _parts(self, only: Collection[str] | None) -> Iterator[Contents]:
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
            Unclear,
            RecursionError,
            UnicodeDecodeError,
            pl.exceptions.PolarsError,
            pl.exceptions.PanicException,
        ) as error:
            heed_interrupt(error)
            raise Irregular from error  # read whole, it is told what is the matter

    def _even(self, block: _Block, kinds: Kinds, columns: Sequence[str], checked: bool = False) -> Contents | None:
        found = None if self.damaged else read_even(block.text, kinds, columns, checked)
        return None if found is None else Contents(found[0], _EVEN, found[1])

    def _judged(self, block: _Block, kinds: Kinds) -> tuple[dict[str, Kind], Contents | None]:
        """Decode a block record by record; None if its columns are other than those of the stream."""
        found = block.cells
        if self.kind == "json" and found.broken.height and not self.damaged:
            raise Irregular  # where to go on in a damaged array is found by looking at what follows
        seen = _joined(kinds, found.columns)
        if _schema(seen) != _schema(self.kinds):
            return seen, None
        table = table_of(found.columns, seen, len(found.lines))
        return seen, Contents(table, self.kind, found.lines, found.broken)

    def _settled(self, kinds: Mapping[str, Kind], blocks: Iterator[_Block]) -> ObjectStream:
        """Look at all that follows, and say how to begin again."""
        for block in blocks:
            if self.damaged or read_even(block.text, kinds, ()) is None:
                kinds = _joined(kinds, block.cells.columns)
        return replace(self, kinds=dict(kinds))

    def _blocks(self) -> Iterator[_Block]:
        with unpacked(self.path, self.begin) as file:
            if self.kind == "ndjson":
                yield from self._lines(file)
            else:
                yield from self._torn_pieces(file) if self.damaged else self._pieces(file)

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

    def _torn_pieces(self, file: BinaryIO) -> Iterator[_Block]:
        """Decode an array record by record."""
        decode = codecs.getincrementaldecoder("utf-8")().decode
        text, place, closed, more, last = "", 1, False, True, b""
        record: dict[str, Any] = {}
        lines = self.before.count("\n")
        wrapped, single = self.before.strip() != "", lines == 0
        while more and not closed:
            data = file.read(self.block_bytes)
            more, last = len(data) > 0, data[-1:] or last
            text += decode(data, not more)
            if wrapped and single and "\n" in text:
                raise Irregular  # as for what is not damaged
            cells, end, record, closed = read_array(text, place, record, more)
            if len(cells.lines):
                breaks = text.count("\n", 0, end)
                yield _Block(b"", (cells.lines + lines).cast(pl.UInt32), breaks, cells)
                text, place, lines = text[end:], 0, lines + breaks
        while data := file.read(self.block_bytes):
            decode(data)
            last = data[-1:]
        if last in PADDING or (wrapped and closed):
            raise Irregular  # what is around it may be one that counts

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


def _joined(kinds: Kinds, cells: Mapping[str, Sequence[Any]]) -> dict[str, Kind]:
    """Add what is in some records to what is known."""
    joined = dict(kinds)
    for name, column in cells.items():
        kind = joined.get(name, frozenset()) | kinds_of(column)
        if not is_settled(kind) or encodable(name) != name:
            raise Irregular  # it takes the whole column
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
    for damaged in (False, True)[: 2 if kind == "json" else 1]:
        stream = ObjectStream(path, kind, {}, begin, before, block_bytes, damaged)
        try:
            with stream._read():
                blocks = replace(stream, block_bytes=_START_BYTES)._blocks()
                block = next(blocks, None)
                kinds = {} if block is None else _joined({}, block.cells.columns)
            match(tuple(kinds))
        except (Irregular, InputError):
            continue
        return replace(stream, kinds=kinds)
    return None
