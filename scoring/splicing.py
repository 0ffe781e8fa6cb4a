"""Adding columns to a Parquet file without touching those that it has.

Whoever reads a file and writes it again with more columns decodes and encodes every cell, which costs as much as
scoring it. No library at hand copies the encoded columns instead, so it is done here: the file is copied as it is, the
new columns are written behind its data, and a footer behind them tells of both. All that the old footer points to stays
where it was. The numbers of the fields of a footer are those of ``parquet.thrift`` in apache/parquet-format.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import SEEK_END, BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, Final

import polars as pl

from scoring.errors import heed_interrupt
from scoring.thrift import BINARY, STRUCT, Field, Fields, add, read_number, read_value, write_value

__all__ = ["LEVEL", "Unfit", "splice"]

LEVEL: Final = 1
"""Of zstd: it takes a quarter less time than the usual 3, for files that are a fortieth larger."""
MOST_ROWS: Final = 2**20
"""In a row group: the new columns of one are held in memory."""
_AT_ONCE: Final = 2**17
"""Rows of which all new columns are encoded at once: of more, one after the other, which takes a fifth less memory."""
MOST_FOOTER: Final = 2**20
"""Bytes of a footer that are never too many; a larger one must not be more than a 64th of the file."""

_MAGIC: Final = b"PAR1"
_SCHEMA, _ROWS, _GROUPS, _PAIRS, _ORDERS = 2, 3, 4, 5, 7  # fields of FileMetaData
_CHILDREN: Final = 5  # of SchemaElement
_COLUMNS, _BYTES, _HEIGHT, _PACKED = 1, 2, 3, 6  # of RowGroup
_PLACE, _ABOUT = 2, 3  # of ColumnChunk
_CHUNK_BYTES, _CHUNK_PACKED, _PAGES, _FILTER = 6, 7, (9, 10, 11), (14, 15)  # of ColumnMetaData


class Unfit(Exception):  # noqa: N818
    """A file to which columns cannot be added in this way."""


def splice(source: Path, frames: Iterator[pl.DataFrame], target: Path) -> None:
    """Write a Parquet file with more columns.

    Parameters
    ----------
    source : Path
        A Parquet file.
    frames : iterator of polars.DataFrame
        The new columns of all its rows, in order, in parts of any height.
    target : Path
        What to write.

    Raises
    ------
    Unfit
        If it takes another way: the file is encrypted, its row groups have more than `MOST_ROWS` rows or are very many
        and small, or it, or what came of it, is not understood.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as folder:
    ...     old, new = Path(folder, "old.parquet"), Path(folder, "new.parquet")
    ...     pl.DataFrame({"a": [1, 2, 3]}).write_parquet(old, row_group_size=2)
    ...     splice(old, iter([pl.DataFrame({"b": ["x", "y", "z"]})]), new)
    ...     pl.read_parquet(new).rows()
    [(1, 'x'), (2, 'y'), (3, 'z')]
    """
    with _understood():
        schema = _schema(source)
        with source.open("rb") as old:
            footer, end = _read(old, 4)
        groups = _groups(footer)
        _try_notes(footer, schema)
    with target.open("wb") as file:
        with _understood(), source.open("rb") as old:
            shutil.copyfileobj(old, file, 2**20)
        file.seek(end)
        file.truncate()
        joined: list[Fields] = []
        added: dict[str, pl.DataType] = {}
        for group, pieces in _regrouped(groups, frames):
            while pieces:
                with _understood():
                    added |= pieces[0].schema
                    data, more = _encoded(pieces.pop(0))
                    group = _joined(group, more, file.tell() - len(_MAGIC))
                file.write(data)
            joined.append(group)
        with _understood():
            schema |= added
            ending = _ending(_extended(footer, _encoded(pl.DataFrame(schema=added))[1], joined, schema))
        file.write(ending)
    with _understood():
        if _schema(target) != schema:
            raise Unfit


@contextmanager
def _understood() -> Iterator[None]:
    """Take whatever goes wrong for a file that is unlike what is known here."""
    try:
        yield
    except (
        OSError, LookupError, ValueError, TypeError, RecursionError, pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
    ) as error:  # fmt: skip
        heed_interrupt(error)
        raise Unfit from error


def _schema(source: Path | BytesIO) -> dict[str, pl.DataType]:
    return dict(pl.scan_parquet(source, glob=False).collect_schema())


def _groups(footer: Fields) -> list[Fields]:
    """List the row groups of a file that have rows."""
    groups = [group for group in footer[_GROUPS][1] if read_number(group[_HEIGHT])]
    chunks = (chunk for group in groups for chunk in group[_COLUMNS][1])
    heights = [read_number(group[_HEIGHT]) for group in groups]
    if (
        not groups
        or sum(heights) != read_number(footer[_ROWS])
        or max(heights) > MOST_ROWS
        or {8, 9} & footer.keys()  # encrypted or signed
        or any(chunk[0] % 16 == BINARY for chunk in chunks)  # its first field, a path: the data are in another file
    ):
        raise Unfit
    return groups


def _try_notes(footer: Fields, schema: dict[str, pl.DataType]) -> None:
    """See whether a file would be read as it is now if its types were noted as polars does it."""
    bare = footer | {_GROUPS: (footer[_GROUPS][0], []), _PAIRS: _notes(schema)}
    # that a span counts seconds is told in the notes alone, and polars, which has no such type, notes milliseconds
    if _schema(BytesIO(_MAGIC + _ending(bare))) != schema or "Duration(time_unit='ms')" in repr(schema):
        raise Unfit


def _regrouped(groups: Sequence[Fields], frames: Iterator[pl.DataFrame]) -> Iterator[tuple[Fields, list[pl.DataFrame]]]:
    """Cut rows that come in parts of any height as the row groups of a file are cut; give some columns after others."""
    held: list[pl.DataFrame] = []
    for group in groups:
        height = read_number(group[_HEIGHT])
        while sum(frame.height for frame in held) < height:
            if (frame := next(frames, None)) is None:
                raise Unfit
            held.append(frame)
        yield group, _cut(held, height)
    if any(frame.height for frame in chain(held, frames)):
        raise Unfit


def _cut(held: list[pl.DataFrame], height: int) -> list[pl.DataFrame]:
    """Take rows from the front: few with all columns, and of many each column by itself, as to write one takes memory.

    Whoever gets them has them alone, so what is written can go.
    """
    whole = pl.concat(held)
    held[:] = [whole[height:]]
    return [whole[:height]] if height <= _AT_ONCE else [column.to_frame() for column in whole[:height]]


def _encoded(frame: pl.DataFrame) -> tuple[bytes, Fields]:
    """Write a frame as a file of one row group: what is between its first bytes and its footer, and that."""
    file = BytesIO()
    frame.write_parquet(file, compression="zstd", compression_level=LEVEL, row_group_size=max(1, frame.height))
    footer, end = _read(file, 6)
    return file.getvalue()[len(_MAGIC) : end], footer


def _joined(group: Fields, more: Fields, shift: int) -> Fields:
    """Put the columns of a file of one row group, whose data were moved, behind those of a row group."""
    (added,) = more[_GROUPS][1]
    chunks = [_moved(chunk, shift) for chunk in added[_COLUMNS][1]]
    group = group | {_COLUMNS: _longer(group[_COLUMNS], chunks)}
    for whole, each in ((_BYTES, _CHUNK_BYTES), (_PACKED, _CHUNK_PACKED)):
        if whole in group:
            group[whole] = add(group[whole], sum(read_number(chunk[_ABOUT][1][each]) for chunk in chunks))
    return group


def _moved(chunk: Fields, shift: int) -> Fields:
    """Point to where the data of a column are now."""
    kind, about = chunk[_ABOUT]
    moved = {number: add(about[number], shift) for number in _PAGES if number in about}
    kept = {number: field for number, field in about.items() if number not in _FILTER}
    # its indexes go, as they hold places themselves; zero says that nothing about the column is told elsewhere
    return {_PLACE: (chunk[_PLACE][0], b"\0"), _ABOUT: (kind, kept | moved)}


def _extended(footer: Fields, more: Fields, groups: list[Fields], schema: dict[str, pl.DataType]) -> Fields:
    """Tell of more columns in a footer, in row groups that hold them already."""
    root, *elements = footer[_SCHEMA][1]
    added, *leaves = more[_SCHEMA][1]
    root = root | {_CHILDREN: add(root[_CHILDREN], read_number(added[_CHILDREN]))}
    footer = footer | {
        _SCHEMA: (footer[_SCHEMA][0], [root, *elements, *leaves]),
        _GROUPS: (footer[_GROUPS][0], groups),
        _PAIRS: _notes(schema),
    }
    if _ORDERS in footer:
        footer[_ORDERS] = _longer(footer[_ORDERS], more[_ORDERS][1])
    return footer


def _notes(schema: dict[str, pl.DataType]) -> Field:
    """Note the types that Parquet has no word for, as polars does.

    The notes of others go, as they do when polars writes the file: they don't know the new columns, and Spark, for one,
    would then not show them.
    """
    return _encoded(pl.DataFrame(schema=schema))[1][_PAIRS]


def _ending(footer: Fields) -> bytes:
    """Write what a file ends with."""
    raw = write_value(footer)
    return raw + len(raw).to_bytes(4, "little") + _MAGIC


def _longer(field: Field, more: list[Any]) -> Field:
    """Add to the list that a field holds."""
    return field[0], [*field[1], *more]


def _read(file: BinaryIO, depth: int) -> tuple[Fields, int]:
    """Read the footer of a Parquet file, opened so deep, and find where it begins."""
    file.seek(-8, SEEK_END)
    size = int.from_bytes(file.read(4), "little")
    begin = file.seek(-8 - size, SEEK_END)
    if size > max(MOST_FOOTER, begin // 64):
        raise Unfit  # row groups so small that to go through them takes longer than to write all rows anew
    raw = file.read()
    footer, end = read_value(raw, 0, STRUCT, depth)
    if end != size or raw[-4:] != _MAGIC:
        raise Unfit
    return footer, begin
