"""CSV and its relatives: text with a separator to a table of text, and the lines that are no row.

polars fills short rows with nulls and gives up at long ones, at a quote that is not closed and at quotes inside a
cell. So the fields of each row are counted first, which costs a fraction of the reading:

- The separators of each line are counted; a file without quotes is then judged.
- With quotes, lines are joined to rows where a quote is open at the end of the line, and quoted cells are cut out
  before counting.
- Only where that does not come out even, lines are walked one by one. A line that is no row by itself and opens no
  quoted cell that a later line closes is put aside; the rows after it are read.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from scoring.errors import InputError
from scoring.reading.columns import match, recognised, unrepeated

__all__ = ["Delimited", "finish", "header", "parse", "quoted_rows", "read_delimited", "unquoted_rows"]

SEPARATORS = (",", ";", "\t", "|")
LONGEST_ROW = 1000
"""Lines that one row may span in a file that does not come out even."""


@dataclass(frozen=True, slots=True)
class Delimited:
    """A file of rows as text.

    Attributes
    ----------
    source : polars.DataFrame
        All cells as text; a row of nulls where a line could not be read.
    lines : polars.Series
        Line on which each row starts, from 1.
    broken : polars.DataFrame
        ``row`` and ``line`` (its text) of what could not be read.
    separator : str
        What stands between cells.
    """

    source: pl.DataFrame
    lines: pl.Series
    broken: pl.DataFrame
    separator: str


def read_delimited(data: bytes) -> Delimited:
    r"""Read text with a separator.

    Parameters
    ----------
    data : bytes
        UTF-8 without a byte order mark.

    Returns
    -------
    Delimited

    Raises
    ------
    InputError
        If there is no header, or a name stands in it twice.

    Examples
    --------
    >>> table = read_delimited(b"email;total_inbound\na@b.example;3\ntorn\n")
    >>> table.source.rows(), table.separator, table.broken.rows()
    ([('a@b.example', '3'), (None, None)], ';', [(1, 'torn')])
    """
    if b"\n" not in data and b"\r" in data:
        data = data.replace(b"\r", b"\n")  # the line ends of old Macs
    lines = pl.read_lines(data, name="text")["text"]
    names, separator, skipped = header(lines)
    body = lines[skipped:]
    read_rows = _quoted_rows if b'"' in data else unquoted_rows
    rows = read_rows(body, separator, len(names))
    if rows.height and not rows["good"].any() and rows["text"].str.ends_with(separator).all():
        rows = read_rows(body, separator, len(names) + 1)  # each row ends with a separator, the header does not
        return finish(data, [*names, f"unnamed_{len(names) + 1}"], separator, skipped, rows, len(body))
    return finish(data, names, separator, skipped, rows, len(body))


def finish(data: bytes, names: list[str], separator: str, skipped: int, rows: pl.DataFrame, body: int) -> Delimited:
    """Read the rows that are good, and put nulls where the others stand.

    Parameters
    ----------
    data : bytes
        The text that was judged.
    names : list of str
        Of the columns.
    separator : str
        What stands between cells.
    skipped : int
        Lines before the first row.
    rows : polars.DataFrame
        What is said of them, see `unquoted_rows`.
    body : int
        Lines from the first row on.

    Returns
    -------
    Delimited
    """
    kept = rows.filter("good")
    table = None if kept.height else _no_rows(names)
    if table is None and kept.height == rows.height and rows["span"].sum() == body:
        table = parse(data, names, separator, skipped)  # nothing to leave out: without a copy
    if table is None or table.height != kept.height:
        text = kept.select(pl.col("text").str.join("\n")).item()
        table = parse(f"{text}\n".encode(), names, separator, 0)
    if table.height != kept.height:
        raise InputError(f"{kept.height} rows were counted and {table.height} read", hint="export the file again")
    if kept.height != rows.height:
        place = pl.when("good").then(pl.col("good").cum_sum().cast(pl.Int64) - 1)
        places = rows.select(place.alias("place"))["place"]
        table = table.select(pl.all().gather(places)) if table.height else table.clear(rows.height)
    broken = rows.with_row_index("row").filter(~pl.col("good")).select("row", line="text")
    return Delimited(table, (rows["line"] + (skipped + 1)).cast(pl.UInt32).alias("line"), broken, separator)


def _no_rows(names: Sequence[str]) -> pl.DataFrame:
    """Make a table of text without rows."""
    return pl.DataFrame(schema=dict.fromkeys(names, pl.String()))


def header(lines: pl.Series) -> tuple[list[str], str, int]:
    """Find the names, the separator, and how many lines stand before the first row.

    Parameters
    ----------
    lines : polars.Series
        The file, or its beginning.

    Returns
    -------
    tuple of (list of str, str, int)

    Raises
    ------
    InputError
        If there is no header, or a name stands in it twice.
    """
    skipped, fixed = 0, None
    for place, line in enumerate(lines[:20].to_list()):
        if place == 0 and (said := re.fullmatch(r'"?sep=(.)"?\s*', line, re.IGNORECASE)):
            fixed = said[1]  # what Excel writes and reads
        elif line.strip():
            break
        skipped = place + 1
    if skipped >= len(lines):
        raise InputError("the file is empty", expected="a line with the names of the columns")
    line = lines[skipped]
    skipped += 1
    while line.count('"') % 2 and skipped < min(len(lines), 100):  # a line break within a name
        line = f"{line}\n{lines[skipped]}"
        skipped += 1
    headers = [(_cells(line, one), one) for one in ((fixed,) if fixed else SEPARATORS)]
    names, separator = max(headers, key=lambda header: (recognised(header[0]), len(header[0])))
    names = [name if name.strip() else f"unnamed_{place}" for place, name in enumerate(names, 1)]
    unrepeated(names)
    match(tuple(names))  # a file of something else is told so before its rows are judged
    return names, separator, skipped


def _cells(row: str, separator: str) -> list[str]:
    """Cut one row into cells, as forgiving as spreadsheets are; nothing where even this fails."""
    try:
        return next(csv.reader([row], delimiter=separator), [])
    except csv.Error:
        return []


def unquoted_rows(lines: pl.Series, separator: str, width: int) -> pl.DataFrame:
    """Judge lines without quotes: each is a row, good if it has as many separators as the header.

    Parameters
    ----------
    lines : polars.Series
        Texts.
    separator : str
        What stands between cells.
    width : int
        Cells in a row.

    Returns
    -------
    polars.DataFrame
        Rows that are not blank: ``line`` (from 0), ``text``, ``good``, and ``span``, the number of lines.
    """
    rows = pl.DataFrame({"line": pl.int_range(len(lines), dtype=pl.UInt32, eager=True), "text": lines}).with_columns(
        good=pl.col("text").str.count_matches(separator, literal=True) == width - 1, span=pl.lit(1, dtype=pl.UInt32)
    )
    return _without_blanks(rows)


def _without_blanks(rows: pl.DataFrame) -> pl.DataFrame:
    """Leave out rows that are blank lines."""
    if rows["good"].all():
        return rows
    return rows.filter(pl.col("good") | (pl.col("text").str.strip_chars(" ") != ""))


def _quoted_rows(lines: pl.Series, separator: str, width: int) -> pl.DataFrame:
    """Judge lines with quotes, one by one where they do not come out even."""
    rows = quoted_rows(lines, separator, width)
    return _walked_rows(lines.to_list(), separator, width) if rows is None else rows


def quoted_rows(lines: pl.Series, separator: str, width: int) -> pl.DataFrame | None:
    """Judge lines with quotes, joined to rows where one is open at the end of the line.

    Parameters
    ----------
    lines : polars.Series
        Texts.
    separator : str
        What stands between cells.
    width : int
        Cells in a row.

    Returns
    -------
    polars.DataFrame or None
        As of `unquoted_rows`; None where the quotes do not come out even.
    """
    rows = pl.DataFrame({"line": pl.int_range(len(lines), dtype=pl.UInt32, eager=True), "text": lines}).with_columns(
        quotes=pl.col("text").str.count_matches('"', literal=True), span=pl.lit(1, dtype=pl.UInt32)
    )
    opened = (pl.col("quotes").cum_sum() - pl.col("quotes")) % 2 == 1
    if rows.select(opened.any()).item():
        rows = rows.group_by((~opened).cum_sum().alias("number"), maintain_order=True).agg(
            pl.col("line").first(),
            pl.col("text").str.join("\n"),
            pl.col("quotes").sum(),
            pl.len().cast(pl.UInt32).alias("span"),
        )
    comma = re.escape(separator)
    cell = f'(?:"(?:[^"]|"")*"|[^"{comma}]*)'
    whole = f"^{cell}(?:{comma}{cell}){{{width - 1}}}$"
    try:
        quoted = rows.filter(pl.col("quotes") > 0).select("line", good=pl.col("text").str.contains(whole))
    except pl.exceptions.ComputeError:  # more columns than a pattern can count
        return None
    plain = rows.filter(pl.col("quotes") == 0).select(
        "line", good=pl.col("text").str.count_matches(separator, literal=True) == width - 1
    )
    judged = pl.concat([quoted, plain]).sort("line")["good"]
    rows = _without_blanks(rows.select("line", "text", judged, "span"))
    return rows if rows["good"].all() else None


def _walked_rows(lines: list[str], separator: str, width: int) -> pl.DataFrame:
    """Judge lines one after the other."""
    comma = re.escape(separator)
    quoted = '"[^"]*+(?:""[^"]*+)*+"'
    cell = f'(?:{quoted}|[^"{comma}]*+)'
    closed = re.compile(f"{cell}(?:{comma}{cell})*+\\Z")
    opened = re.compile(f'(?:{cell}{comma})*+"[^"]*+(?:""[^"]*+)*+\\Z')
    inside = re.compile(quoted)
    rows: list[tuple[int, str, bool, int]] = []
    place = 0
    while place < len(lines):
        text = lines[place]
        span, good = 1, False
        if '"' not in text:
            good = text.count(separator) == width - 1
        elif closed.match(text):
            good = inside.sub("", text).count(separator) == width - 1
        elif opened.match(text):
            end = _end_of_row(lines, place, opened)
            longer = "\n".join(lines[place:end])
            if closed.match(longer) and inside.sub("", longer).count(separator) == width - 1:
                text, span, good = longer, end - place, True
        else:  # quotes within a cell that is not quoted, as spreadsheets take them
            cells = _cells(text, separator)
            if len(cells) == width:
                text, good = _written(cells, separator), True
        if good or text.strip(" "):
            rows.append((place, text, good, span))
        place += span
    schema = {"line": pl.UInt32, "text": pl.String, "good": pl.Boolean, "span": pl.UInt32}
    # A span of 0 says that the text is not the file's: polars would not take the original.
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(span=pl.lit(0, dtype=pl.UInt32))


def _end_of_row(lines: list[str], start: int, opened: re.Pattern[str]) -> int:
    """Find the line after the one that closes the quote opened on the line `start`."""
    text = lines[start]
    for place in range(start + 1, min(len(lines), start + LONGEST_ROW)):
        text = f"{text}\n{lines[place]}"
        if '"' in lines[place] and not opened.match(text):
            return place + 1
    return start + 1


def _written(cells: list[str], separator: str) -> str:
    """Write cells so that every reader takes them the same."""
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=separator, lineterminator="").writerow(cells)
    return out.getvalue()


def parse(
    data: bytes,
    names: Sequence[str],
    separator: str,
    skipped: int,
    only: Sequence[str] | None = None,
    types: Mapping[str, pl.DataType] | None = None,
) -> pl.DataFrame:
    """Read rows that are known to be good.

    Parameters
    ----------
    data : bytes
        Lines.
    names : list of str
        Of the columns.
    separator : str
        What stands between cells.
    skipped : int
        Lines before the first row.
    only : sequence of str, optional
        The columns wanted, in their order; by default all.
    types : mapping of str to polars.DataType, optional
        Of columns whose cells are not to be text.

    Returns
    -------
    polars.DataFrame
        All other cells as text.

    Raises
    ------
    InputError
        If a row has more cells than there are names, a quote is not closed, or a cell is not of its type.
    """
    try:
        return pl.read_csv(
            data,
            has_header=False,
            skip_lines=skipped,
            separator=separator,
            quote_char='"' if b'"' in data else None,
            schema=dict.fromkeys(names, pl.String()) | dict(types or {}),
            columns=None if only is None else [names.index(name) for name in only],
        )
    except pl.exceptions.NoDataError:
        return _no_rows(names if only is None else only)
    except pl.exceptions.PolarsError as error:
        raise InputError("the rows of the CSV file cannot be read", hint="export the file again") from error
