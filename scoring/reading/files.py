"""Files: their bytes to a table, whatever the suffix says.

What a file is, is told from its first bytes; what cannot be read is refused in one line that says what it is instead.
"""

from __future__ import annotations

import gzip
import io
import os
import re
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl

from scoring.cloud import fetched, is_cloud
from scoring.errors import InputError, warn
from scoring.paths import local_path
from scoring.reading.delimited import read_delimited
from scoring.reading.documents import read_documents

__all__ = ["PADDING", "Contents", "Irregular", "naming", "read_file", "refuse_binary", "refuse_foreign"]

_FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"PK\x03\x04", "a zip archive", "unpack it and give the file inside"),
    (b"\xd0\xcf\x11\xe0", "an old Excel or Office file", "save it as CSV"),
    (b"BZh", "compressed with bzip2", "unpack it, or use gzip or zstd"),
    (b"\xfd7zXZ", "compressed with xz", "unpack it, or use gzip or zstd"),
    (b"7z\xbc\xaf", "a 7z archive", "unpack it and give the file inside"),
    (b"Rar!", "a rar archive", "unpack it and give the file inside"),
    (b"%PDF", "a PDF", "export as CSV or JSON"),
    (b"\x89PNG", "a PNG image", "export as CSV or JSON"),
    (b"\xff\xd8\xff", "a JPEG image", "export as CSV or JSON"),
    (b"GIF8", "a GIF image", "export as CSV or JSON"),
    (b"SQLite format 3", "an SQLite database", "export the table as CSV"),
    (b"ARROW1", "an Arrow file", "save it as Parquet"),
    (b"Obj\x01", "an Avro file", "save it as Parquet"),
    (b"ORC", "an ORC file", "save it as Parquet"),
    (b"\x80\x04\x95", "a Python pickle", "save the table as Parquet; a pickle is never opened, as it can run code"),
    (b"\x80\x05\x95", "a Python pickle", "save the table as Parquet; a pickle is never opened, as it can run code"),
)
_BYTE_ORDER_MARKS: tuple[tuple[bytes, str], ...] = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_ADDRESS = re.compile(r"^[a-z][a-z0-9+.-]+://", re.IGNORECASE)
_BROKEN = {"row": pl.UInt32(), "line": pl.String()}
PADDING = (b"\x00", b"\x1a")
"""What a file may end in that is none of its text."""
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\r\f\x1a"))


@dataclass(frozen=True, slots=True)
class Contents:
    """What is in a file.

    Attributes
    ----------
    source : polars.DataFrame
        The table as it stands there.
    kind : str
        ``csv``, ``json``, ``ndjson`` or ``parquet``.
    lines : polars.Series or None
        Line on which each row starts, from 1.
    broken : polars.DataFrame
        ``row`` and ``line`` (its text) of what could not be read.
    details : dict of str to object
        ``bytes`` of the file, ``encoding``, ``compression``, ``separator``; what does not apply is not there.
    """

    source: pl.DataFrame
    kind: str
    lines: pl.Series | None = None
    broken: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=_BROKEN))
    details: dict[str, Any] = field(default_factory=dict)


class Irregular(Exception):  # noqa: N818 (it says what is the case)
    """A large file cannot be read in parts as it was begun.

    Parameters
    ----------
    better : object, optional
        The stream to begin again with; without one the file has to be read whole.
    """

    def __init__(self, better: Any = None) -> None:
        super().__init__()
        self.better = better


def read_file(path: str | os.PathLike[str]) -> Contents:
    """Read a file.

    Parameters
    ----------
    path : str or path-like
        CSV, JSON, NDJSON or Parquet, the first three also packed with gzip or zstd. An address of a cloud store
        (``s3://``, ``gs://``, ``abfs://``) is left to polars; no other network address is opened.

    Returns
    -------
    Contents

    Raises
    ------
    InputError
        If it is not there, cannot be opened or is none of these.

    Examples
    --------
    >>> read_file("no-such-file.csv")
    Traceback (most recent call last):
    scoring.errors.InputError: "no-such-file.csv": there is no such file; expected a CSV, JSON, NDJSON or Parquet file
    """
    with naming(path):
        return _contents(_stored(os.fspath(path)))


@contextmanager
def naming(path: str | os.PathLike[str] | None) -> Iterator[None]:
    """Put the name of the file before what is wrong with it.

    Parameters
    ----------
    path : str, path-like or None
        The file; None for a table in memory.

    Yields
    ------
    None

    Examples
    --------
    >>> with naming("exports/may.csv"):
    ...     raise InputError("the file is empty")
    Traceback (most recent call last):
    scoring.errors.InputError: "may.csv": the file is empty
    """
    try:
        yield
    except InputError as error:
        if path is None:
            raise
        name = os.fspath(path)
        shown = os.path.basename(name.rstrip("/")) or name
        shown = "".join(sign if sign.isprintable() else "?" for sign in shown[:80])
        raise InputError(f'"{shown}": {error.found}', expected=error.expected, hint=error.hint) from error


def _stored(name: str) -> bytes:
    """Read the bytes of a file."""
    if is_cloud(name):
        with TemporaryDirectory(prefix="scoring-") as folder, fetched(name, Path(folder)) as path:
            return path.read_bytes()
    if not name.strip():
        raise InputError("the path is empty", expected="the path of a file")
    if _ADDRESS.match(name) and not name.startswith("file://"):
        raise InputError("a web address is not opened", expected="a file", hint="download it first")
    try:
        return local_path(name).read_bytes()
    except FileNotFoundError as error:
        raise InputError("there is no such file", expected="a CSV, JSON, NDJSON or Parquet file") from error
    except IsADirectoryError as error:
        raise InputError("this is a folder", expected="a file", hint="give its files as a list of paths") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "the path is not valid"
        raise InputError(f"it cannot be opened ({reason.lower()})", expected="a readable file") from error


def _contents(data: bytes) -> Contents:
    """Read bytes as what they are."""
    details: dict[str, Any] = {"bytes": len(data)}
    data, packed = _unpacked(data)
    if packed is not None:
        details["compression"] = packed
    if data.startswith(b"PAR1"):
        return Contents(_parquet(data), "parquet", details=details)
    refuse_foreign(data)
    data, details["encoding"] = _as_utf8(data)
    data = data.rstrip(b"\x1a")  # how DOS ended a file
    beginning = data[:2000].lstrip(b" \t\r\n")
    if not beginning and not data.strip():
        raise InputError("the file is empty", expected="a header and rows, or records")
    if beginning[:1] in (b"[", b"{"):
        documents = read_documents(data.decode())
        return Contents(documents.source, documents.kind, documents.lines, documents.broken, details)
    if re.match(rb"<(!doctype|html|\?xml)", beginning, re.IGNORECASE):
        what = "XML" if beginning[:5].lower() == b"<?xml" else "a web page"
        raise InputError(
            f"this is {what}", expected="CSV or JSON", hint="a download that asks to log in gives a web page"
        )
    table = read_delimited(data)
    details["separator"] = table.separator
    return Contents(table.source, "csv", table.lines, table.broken, details)


def _unpacked(data: bytes) -> tuple[bytes, str | None]:
    """Unpack gzip and zstd."""
    try:
        if data.startswith(b"\x1f\x8b"):
            return gzip.decompress(data), "gzip"
        if data.startswith(b"\x28\xb5\x2f\xfd"):
            # Python reads zstd from 3.14 on; polars does as lines. UTF-16 in zstd is therefore refused.
            return "\n".join(pl.read_lines(data, name="text")["text"].to_list()).encode(), "zstd"
    except (EOFError, OSError, zlib.error, pl.exceptions.PolarsError) as error:
        raise InputError(
            "the compressed file is cut off or damaged", expected="a whole gzip or zstd file", hint="download it again"
        ) from error
    return data, None


def _parquet(data: bytes) -> pl.DataFrame:
    """Read Parquet."""
    try:
        if data[-4:] == b"PAR1":
            return pl.read_parquet(io.BytesIO(data))
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError, ValueError) as error:
        raise InputError(
            "the Parquet file is damaged", expected="a whole file", hint="write or download it again"
        ) from error
    raise InputError("the Parquet file is cut off", expected="a whole file", hint="write or download it again")


def refuse_foreign(data: bytes) -> None:
    """Refuse what is known and is no table of text.

    Parameters
    ----------
    data : bytes
        The file, or its beginning.

    Raises
    ------
    InputError
        Saying what it is.
    """
    for magic, what, hint in _FOREIGN:
        if data.startswith(magic):
            if magic == b"PK\x03\x04" and (b"xl/" in data or b"[Content_Types].xml" in data[:4000]):
                what, hint = "an Excel workbook", "save the sheet as CSV"
            raise InputError(f"this is {what}", expected="a CSV, JSON, NDJSON or Parquet file", hint=hint)


def _as_utf8(data: bytes) -> tuple[bytes, str]:
    """Return text as UTF-8 without a mark, and the encoding it had."""
    for mark, encoding in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            if encoding == "utf-8":
                data = data[len(mark) :]
                break
            return _decoded(data, encoding).lstrip("\ufeff").encode(), encoding
    else:
        guessed = _unmarked_utf16(data)
        if guessed is not None:
            return _decoded(data, guessed).encode(), guessed
    data = _without_zeros(data)
    refuse_binary(data)
    if data.isascii():
        return data, "utf-8"
    try:
        data.decode()
    except UnicodeDecodeError as error:
        return _repaired(data, error.start, error.reason)
    return data, "utf-8"


def _without_zeros(data: bytes) -> bytes:
    """Cut off zeros at the end, which is what a disk holds of a file that was not written to its end, and say so."""
    whole = data.rstrip(b"\x00")
    if whole and len(data) - len(whole) > 1:
        warn(f"the file ends in {len(data) - len(whole):,} zero bytes, as one does that was not written to its end")
    return whole if len(data) - len(whole) > 1 else data


def _unmarked_utf16(data: bytes) -> str | None:
    """Tell UTF-16 without a mark from its zeros: every second byte of Latin text."""
    start = data[:2000]
    if len(start) < 4 or b"\x00" not in start:
        return None
    odd, even = start[1::2], start[::2]
    if odd.count(0) > 0.8 * len(odd) and even.count(0) < 0.1 * len(even):
        return "utf-16-le"
    if even.count(0) > 0.8 * len(even) and odd.count(0) < 0.1 * len(odd):
        return "utf-16-be"
    return None


def _decoded(data: bytes, encoding: str) -> str:
    """Decode text that says or shows its encoding."""
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise InputError(
            f"the text is {encoding.upper()} and breaks off or is damaged at byte {error.start:,}",
            hint="export again, as UTF-8",
        ) from error


def refuse_binary(data: bytes) -> None:
    """Refuse what is no text: more than one control character in fifty.

    Parameters
    ----------
    data : bytes
        The file, or its beginning.

    Raises
    ------
    InputError
        If it is none.
    """
    start = data[:100_000]
    if len(start) - len(start.translate(None, _CONTROLS)) > 0.02 * len(start) + 8:
        raise InputError("the file is binary", expected="a CSV, JSON, NDJSON or Parquet file")


def _repaired(data: bytes, place: int, reason: str) -> tuple[bytes, str]:
    """Read bytes that are not all UTF-8, and say so: a damaged file, or Windows-1252, as Excel saves in the West."""
    line = data.count(10, 0, place) + 1
    text = data.decode("utf-8", "replace")
    damaged = text.count("\ufffd")
    # Text in another encoding hardly ever holds a valid sequence of UTF-8.
    cut = reason == "unexpected end of data"
    if cut or sum(1 for sign in re.findall(r"[^\x00-\x7f\ufffd]", text)) >= damaged:
        warn(f"{damaged:,} characters are damaged, the first on line {line}: they are read as question marks")
        return text.encode(), "utf-8"
    try:
        text = data.decode("cp1252")
    except UnicodeDecodeError as error:
        raise InputError(
            f"the text is neither UTF-8 (line {line}) nor Windows-1252 (line {data.count(10, 0, error.start) + 1})",
            expected="UTF-8",
            hint="save the file as UTF-8",
        ) from error
    warn(f"the text is not UTF-8 (line {line}) and is read as Windows-1252: names may be misspelt")
    return text.encode(), "cp1252"
