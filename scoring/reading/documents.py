"""JSON and NDJSON: documents to records, and the pieces of text that are no record.

Records are taken from the text one after the other, so each has a line, and a file cut in the middle gives the whole
records before the cut and one torn one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain
from operator import itemgetter
from typing import Any

import polars as pl

from scoring.errors import InputError
from scoring.reading.blocks import DECODER, SIZE, Block, RepeatedKey, array_block, line_block
from scoring.reading.columns import recognised, shown, unrepeated
from scoring.reading.frames import column_of
from scoring.reading.layout import BLANK, after, is_ndjson, wrapped_array
from scoring.reading.scalars import encodable

__all__ = ["Cells", "Documents", "Unclear", "read_array", "read_documents", "read_lines"]

_BETWEEN = re.compile(r"[ \t\r\n]*,?[ \t\r\n]*")
_NEXT_RECORD = re.compile(r"\}[ \t\r\n]*,?[ \t\r\n]*(?=\{)")
_BATCH = 10_000
_MARGIN = 2**20  # where more text follows, records that start in the last million characters wait for it,
_SIGHT = 1000  # and what reaches the last thousand all the same depends on it
_SCAN = DECODER.raw_decode
_PLAIN = json.JSONDecoder().raw_decode


class Unclear(Exception):  # noqa: N818 (it says what is the case)
    """What is in a text depends on what follows it."""


@dataclass(slots=True)
class _Records:
    """Records as columns, with the place of each in the text, which may be the beginning of one."""

    columns: dict[str, list[Any]] = field(default_factory=dict)
    places: list[int] = field(default_factory=list)
    torn: dict[int, tuple[int, int]] = field(default_factory=dict)
    last: dict[str, Any] = field(default_factory=dict)
    repeated: str | None = None
    more: bool = False
    closed: bool = False
    _batch: list[dict[str, Any]] = field(default_factory=list)

    def add(self, record: dict[str, Any], place: int) -> None:
        """Append a record that starts at a place."""
        self._append(record, place)
        self.last = record

    def add_block(self, block: Block) -> int:
        """Append records that were decoded at once; return the place after them."""
        found, places, end = block
        self._batch.extend(found)
        self.places.extend(places)
        self.last = found[-1] if found else self.last
        if len(self._batch) >= _BATCH:
            self.flush()
        return end

    def _append(self, record: dict[str, Any], place: int) -> None:
        self._batch.append(record)
        self.places.append(place)
        if len(self._batch) >= _BATCH:
            self.flush()

    def tear(self, start: int, end: int) -> None:
        """Append what is no record, as a row of nulls."""
        self.torn[len(self.places)] = (start, end)
        self._append({}, start)

    def is_like(self, record: object) -> bool:
        """Say whether something is a record as those before it, or one of contacts."""
        if not isinstance(record, dict):
            return False
        return any(name in self.last for name in record) or recognised(record) > 0

    def flush(self) -> None:
        """Move the records that wait into the columns: as dicts they would take several times the memory."""
        rows = len(self.places) - len(self._batch)
        for name, cells in _columns_of(self._batch).items():
            if name not in self.columns:
                self.columns[name] = [None] * rows
            self.columns[name].extend(cells)
        for column in self.columns.values():
            column.extend([None] * (len(self.places) - len(column)))
        self._batch.clear()


def _columns_of(batch: list[dict[str, Any]]) -> dict[str, Sequence[Any]]:
    """Turn records into columns."""
    names = list(dict.fromkeys(chain.from_iterable(batch)))
    if len(names) > 1 and all(len(record) == len(names) for record in batch):
        return dict(zip(names, zip(*map(itemgetter(*names), batch), strict=True), strict=True))
    return {name: [record.get(name) for record in batch] for name in names}


@dataclass(frozen=True, slots=True)
class Documents:
    """A file of records.

    Attributes
    ----------
    source : polars.DataFrame
        A column for each key; a row of nulls where a piece of text is no record.
    lines : polars.Series
        Line on which each record starts, from 1.
    broken : polars.DataFrame
        ``row`` and ``line`` (its text) of what could not be read.
    kind : str
        ``json`` or ``ndjson``.
    """

    source: pl.DataFrame
    lines: pl.Series
    broken: pl.DataFrame
    kind: str


def read_documents(text: str) -> Documents:
    """Read an array of records, also wrapped in an object, a single record, or one record a line.

    Parameters
    ----------
    text : str
        The file, beginning with ``[`` or ``{`` after white space.

    Returns
    -------
    Documents

    Raises
    ------
    InputError
        If there is no record in it.

    Examples
    --------
    >>> found = read_documents('{"contacts": [{"id": 1}, {"id": 2}, {"i')
    >>> found.kind, found.source["id"].to_list(), found.broken.rows()
    ('json', [1, 2, None], [(2, '{"i')])
    """
    start = after(BLANK, text, 0)
    records = _Records()
    kind = "json"
    try:
        if text[start] == "[":
            _scan_array(text, start, records)
        elif is_ndjson(text, start):
            kind = "ndjson"
            _scan_lines(text, start, records)
        else:
            _scan_object(text, start, records)
    except RecursionError as error:
        raise InputError("the JSON file is nested too deep", expected="flat records") from error
    records.flush()
    if records.places and not records.columns:
        line = 1 + text.count("\n", 0, records.places[0])
        if records.repeated is not None:
            raise _repeated(records.repeated)
        raise InputError(
            f"no record could be read from line {line} on", expected="JSON objects with keys", hint="export again"
        )
    columns = [column_of(encodable(name), values) for name, values in records.columns.items()]
    unrepeated([column.name for column in columns])
    return Documents(pl.DataFrame(columns), _lines_of(text, records.places), _broken(text, records), kind)


@dataclass(frozen=True, slots=True)
class Cells:
    """Records as they were decoded.

    Attributes
    ----------
    columns : dict of str to list
        The cells of each key, in the order in which keys first appear; None where a record is without it.
    lines : polars.Series
        Line on which each record starts, from 1.
    broken : polars.DataFrame
        As in `Documents`.
    """

    columns: dict[str, list[Any]]
    lines: pl.Series
    broken: pl.DataFrame


def read_lines(text: str) -> Cells:
    r"""Decode one record a line.

    Parameters
    ----------
    text : str
        Whole lines.

    Returns
    -------
    Cells
        What `read_documents` makes its columns of.

    Raises
    ------
    RecursionError
        If a record is nested too deep.

    Examples
    --------
    >>> found = read_lines('{"a": 1}\n\n{"a"\n')
    >>> found.columns, found.lines.to_list(), found.broken.rows()
    ({'a': [1, None]}, [1, 3], [(1, '{"a"')])
    """
    records = _Records()
    _scan_lines(text, 0, records)
    records.flush()
    return Cells(records.columns, _lines_of(text, records.places), _broken(text, records))


def read_array(text: str, place: int, last: dict[str, Any], more: bool) -> tuple[Cells, int, dict[str, Any], bool]:
    """Decode the records of an array that may be damaged, as `read_documents` does, of a part of the text.

    Parameters
    ----------
    text : str
        From the bracket that opens the array, or where the part before it ended.
    place : int
        1 behind that bracket, else 0.
    last : dict
        The last record of the part before.
    more : bool
        Whether the file goes on.

    Returns
    -------
    cells : Cells
        The records.
    end : int
        Where the next part begins.
    last : dict
        The last record so far.
    closed : bool
        Whether the array ended.

    Raises
    ------
    Unclear
        If what is there depends on what follows.
    RecursionError
        If a record is nested too deep.

    Examples
    --------
    >>> cells, end, last, closed = read_array('[{"a": 1} 7, {"a": 3}] ', 1, {}, False)
    >>> cells.columns, cells.broken.rows(), end, closed
    ({'a': [1, None, 3]}, [(1, '7')], 22, True)
    """
    records = _Records(last=last, more=more)
    end = _scan_records(text, after(BLANK, text, place) if place else 0, records)
    records.flush()
    cells = Cells(records.columns, _lines_of(text, records.places), _broken(text, records))
    return cells, end, records.last, records.closed


def _broken(text: str, records: _Records) -> pl.DataFrame:
    return pl.DataFrame(
        {"row": list(records.torn), "line": [text[a : min(b, a + 1000)] for a, b in records.torn.values()]},
        schema={"row": pl.UInt32, "line": pl.String},
    )


def _repeated(name: str) -> InputError:
    """Say that no record is without a key twice."""
    return InputError(f'each record has the key "{shown(name)}" more than once', expected="each key once")


def _take_record(text: str, place: int, records: _Records) -> int:
    """Take the record at a place, or note that there is none; return the place of what follows."""
    try:
        value, end = _SCAN(text, place)
    except ValueError as error:
        value, end = None, _end_of_damage(text, place, error, records)
    if isinstance(value, dict):
        records.add(value, place)
    else:
        records.tear(place, end)
    end = after(_BETWEEN, text, end)
    _refuse_end(text, end, records)
    return end


def _refuse_end(text: str, place: int, records: _Records) -> None:
    """Refuse to decide by text that lies at the end, where more follows."""
    if records.more and place > len(text) - _SIGHT:
        raise Unclear


def _place_of(text: str, error: ValueError, place: int, records: _Records) -> int:
    """Say how far a decoder came."""
    found: int = getattr(error, "pos", place)
    _refuse_end(text, len(text) if str(error).startswith("Unterminated") else found, records)
    return found


def _end_of_damage(text: str, place: int, error: ValueError, records: _Records) -> int:
    """Find where to go on after what is no record."""
    if isinstance(error, RepeatedKey):
        records.repeated = str(error)
        try:
            return _PLAIN(text, place)[1]
        except ValueError as worse:  # further on
            error = worse
    return _next_record(text, place, _place_of(text, error, place, records), records)


def _lines_of(text: str, places: list[int]) -> pl.Series:
    """Count the line of each place; places ascend."""
    lines, line, last = [], 1, 0
    for place in places:
        line += text.count("\n", last, place)
        last = place
        lines.append(line)
    return pl.Series("line", lines, dtype=pl.UInt32)


def _scan_lines(text: str, start: int, records: _Records) -> None:
    """Take one record from each line that is not blank."""
    place = start
    singly = place
    while place < len(text):
        if place >= singly:
            if (block := line_block(text, place)) is not None:
                place = records.add_block(block)
                continue
            singly = place + SIZE
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        begin = after(BLANK, text, place, end)
        if begin < end:
            _take_line(text, begin, end, records)
        place = end + 1


def _take_line(text: str, begin: int, end: int, records: _Records) -> None:
    """Take the record of a line, or note that it is none."""
    line = text[begin:end].strip()
    try:
        value, stop = _SCAN(line, 0)
    except ValueError as error:
        value, stop = None, -1
        records.repeated = str(error) if isinstance(error, RepeatedKey) else records.repeated
    if isinstance(value, dict) and stop == len(line):
        records.add(value, begin)
    else:
        records.tear(begin, end)


def _scan_array(text: str, start: int, records: _Records) -> int:
    """Take records from the array that opens at a place; return the place after it."""
    return _scan_records(text, after(BLANK, text, start + 1), records)


def _scan_records(text: str, place: int, records: _Records) -> int:
    """Take records of an array from a place on; return the place after it, or where to go on when there is more."""
    singly, end = place, len(text) - (_MARGIN if records.more else 0)
    while place < end:
        if text[place] == "]":
            records.closed = True
            return place + 1
        if place >= singly:
            if (block := array_block(text, place)) is not None:
                place = records.add_block(block)
                continue
            singly = place + SIZE
        place = _take_record(text, place, records)
    if records.more:
        return place
    if not records.torn or max(records.torn) != len(records.places) - 1:
        records.tear(len(text), len(text))  # cut between two records: that something is missing must be seen
    return place


def _scan_object(text: str, start: int, records: _Records) -> None:
    """Take the records of an object: itself, the objects that follow each other, or those of an array within."""
    try:
        value, end = _SCAN(text, start)
    except ValueError as error:
        wrapped = wrapped_array(text, start)
        if wrapped is None and isinstance(error, RepeatedKey):
            raise _repeated(str(error)) from error
        if wrapped is None:
            raise InputError(
                f"the JSON file breaks off or is damaged near character {getattr(error, 'pos', start):,}",
                expected="an array of records, or one record a line",
                hint="export again",
            ) from error
        _scan_array(text, wrapped, records)
        return
    if text[end:].strip() or recognised(value):
        _scan_objects(text, start, records)
        return
    wrapped = wrapped_array(text, start)
    if wrapped is None:
        raise InputError(
            f"the JSON object holds no array of records ({len(value)} keys)",
            expected='an array of records, or an object around one, as {"contacts": [...]}',
        )
    _scan_array(text, wrapped, records)


def _scan_objects(text: str, start: int, records: _Records) -> None:
    """Take objects that follow each other, each over as many lines as it likes."""
    place = start
    while place < len(text):
        place = _take_record(text, place, records)


def _next_record(text: str, place: int, damage: int, records: _Records) -> int:
    """Find where to go on after damage: the next object that is like a record, or any that begins after the damage."""
    for found in _NEXT_RECORD.finditer(text, place):
        if found.end() > damage:
            return found.end()
        try:
            value, _ = _PLAIN(text, found.end())
        except ValueError as error:
            _place_of(text, error, place, records)
            continue
        if records.is_like(value):
            return found.end()
    _refuse_end(text, len(text), records)
    return len(text)
