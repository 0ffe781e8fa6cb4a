"""Writing files whole or not at all: beside the target first, then renamed over it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final, Literal

import polars as pl
from polars.io.plugins import register_io_source

from scoring.errors import InputError, heed_interrupt
from scoring.paths import local_path
from scoring.splicing import LEVEL, splice

__all__ = [
    "FORMATS",
    "Part",
    "beside",
    "check_place",
    "check_target",
    "ending_of",
    "refuse_input",
    "remove",
    "write_frame",
    "write_parts",
    "write_with_lines",
]

_GROUP_ROWS: Final = 65_536  # of Parquet; larger groups take more memory to write
_TIME: Final = "%Y-%m-%dT%H:%M:%S%.fZ"


def _as_text(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Put cells as text can hold them: times as the vendor writes them, with fractions only where there are any."""
    schema = frame.collect_schema()
    times = [name for name, dtype in schema.items() if isinstance(dtype, pl.Datetime)]
    zoned = [name for name in times if getattr(schema[name], "time_zone", None)]
    spans = [name for name, dtype in schema.items() if dtype == pl.Duration]
    bytes_ = [name for name, dtype in schema.items() if dtype == pl.Binary]
    in_utc = frame.with_columns(pl.col(zoned).dt.convert_time_zone("UTC")) if zoned else frame
    cells = [pl.col(times).dt.to_string(_TIME)] if times else []
    cells += [pl.col(spans).dt.to_string("iso")] if spans else []
    cells += [pl.col(bytes_).bin.encode("hex")] if bytes_ else []
    return in_utc.with_columns(cells) if cells else frame


def _as_cells(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Put lists and records as JSON, as they have no place in a cell of a CSV file."""
    nested = [name for name, dtype in frame.collect_schema().items() if dtype.is_nested()]
    if not nested:
        return frame
    # only a struct can be encoded, so each becomes one of a single member, whose brackets and name are cut off
    encoded = {name: pl.struct(pl.col(name).alias("")).struct.json_encode().str.slice(4) for name in nested}
    return frame.with_columns(
        pl.when(pl.col(name).is_not_null()).then(text.str.head(-1)).alias(name) for name, text in encoded.items()
    )


def _write(frame: pl.LazyFrame, path: Path, ending: str) -> None:
    compression: Literal["uncompressed", "gzip", "zstd"] = _COMPRESSIONS.get(path.suffix, "uncompressed")
    match ending.split(".")[1]:
        case "parquet":
            frame.sink_parquet(path, compression="zstd", compression_level=LEVEL, row_group_size=_GROUP_ROWS)
        case "csv":
            _as_text(_as_cells(frame)).sink_csv(path, compression=compression)
        case "json":
            _as_text(frame).collect().write_json(path)
        case _:
            _as_text(frame).sink_ndjson(path, compression=compression)


_COMPRESSIONS: Final[dict[str, Literal["gzip", "zstd"]]] = {".gz": "gzip", ".zst": "zstd"}
_TEXT: Final = tuple(f".{kind}{packed}" for kind in ("csv", "ndjson", "jsonl") for packed in ("", *_COMPRESSIONS))
FORMATS: Final = (*_TEXT, ".json", ".parquet")
"""Endings of file names that can be written."""


def check_target(output: str | Path, source: str | Path | Sequence[str | Path] = ()) -> Path:
    """Check, before any work is done, that a file can be written.

    Parameters
    ----------
    output : str or Path
        Where to write.
    source : str, Path or sequence of them
        What is read, and so must not be written.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the ending is unknown, the folder is not there or cannot be written to, or the output is the input.
    """
    target = local_path(output)
    if ending_of(target) is None:
        raise InputError(f"{target.name!r} has no ending that says a format", expected=", ".join(FORMATS))
    return check_place(target, source)


def check_place(target: Path, source: str | Path | Sequence[str | Path] = ()) -> Path:
    """Check, before any work is done, that a file of any format can be written.

    Parameters
    ----------
    target : Path
        Where to write.
    source : str, Path or sequence of them
        What is read, and so must not be written.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the folder is not there or cannot be written to, or the output is the input.
    """
    if not target.parent.is_dir():
        raise InputError(f"there is no folder {target.parent.name!r} to write {target.name!r} to", hint="make it first")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"{target.name!r} cannot be written there", hint="choose another place")
    refuse_input(target, source)
    return target


def refuse_input(target: Path, source: str | Path | Sequence[str | Path]) -> None:
    """Refuse to write over what is read, and over a folder.

    Parameters
    ----------
    target : Path
        What is to be written.
    source : str, Path or sequence of them
        What is read.

    Raises
    ------
    InputError
        If the one is the other, also by another name, or the target is a folder.
    """
    if target.is_dir():
        raise InputError(f"{target.name!r} is a folder", expected="the name of a file", hint="choose another name")
    for each in map(local_path, [source] if isinstance(source, str | Path) else source):
        if target.exists() and each.exists() and target.samefile(each):
            raise InputError(f"{target.name!r} is the input", hint="write to another file")


def write_frame(frame: pl.DataFrame, target: Path) -> None:
    """Write a frame in the format that the target's ending says.

    Parameters
    ----------
    frame : polars.DataFrame
        What to write.
    target : Path
        A path that `check_target` gave.

    Raises
    ------
    InputError
        If the disk is full or the file cannot be written; the target is then as it was.
    """
    ending = ending_of(target) or ".parquet"
    with beside(target, ending) as part:
        _write(frame.lazy(), part, ending)


def write_with_lines(frame: pl.DataFrame, target: Path, lines: Iterable[str], aside: Path) -> None:
    """Write a frame, and lines of text that belong to it beside it: both or neither.

    Parameters
    ----------
    frame : polars.DataFrame
        What to write.
    target : Path
        A path that `check_target` gave.
    lines : iterable of str
        Without their newlines; they are written as UTF-8, each ended by a newline.
    aside : Path
        Where the lines go.

    Raises
    ------
    InputError
        As for `write_frame`; both files are then as they were.
    """
    ending = ending_of(target) or ".parquet"
    with beside(target, ending) as part, beside(aside, "") as also:
        with also.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(f"{line}\n" for line in lines)
        _write(frame.lazy(), part, ending)


@dataclass(frozen=True, eq=False)
class Part:
    """Some rows to be written.

    Attributes
    ----------
    frame : polars.DataFrame
        Columns; behind those of `text` where there is one.
    lines : list of str
        Text that belongs to them, to be written beside.
    text : polars.Series or None
        For CSV: the first cells of each row, as they are to stand there, separators between them.
    """

    frame: pl.DataFrame
    lines: list[str]
    text: pl.Series | None = None


def write_parts(
    parts: Iterable[Part], names: Sequence[str], target: Path, aside: Path | None, onto: Path | None = None
) -> None:
    """Write what comes in parts, each with the lines of text that belong to it: all of it or nothing.

    Parameters
    ----------
    parts : iterable of Part
        At least one. A part is asked for when the one before it is on its way.
    names : sequence of str
        All columns, in order.
    target : Path
        A path that `check_target` gave.
    aside : Path or None
        Where the lines go; None if there are none.
    onto : Path, optional
        The Parquet file that has all columns but those of the parts, where the target is one, too.

    Raises
    ------
    InputError
        As for `write_frame`; both files are then as they were.
    Unfit
        If columns cannot be added to `onto`; both files are then as they were.
    """
    ending = ending_of(target) or ".parquet"
    with beside(target, ending) as written, ExitStack() as stack:
        file = None
        if aside is not None:
            also = stack.enter_context(beside(aside, ""))
            file = stack.enter_context(also.open("w", encoding="utf-8", newline="\n"))

        def told() -> Iterator[Part]:
            for part in parts:
                if file is not None:
                    file.writelines(f"{line}\n" for line in part.lines)
                yield part

        coming = told()
        if ending == ".csv":
            _write_rows(coming, names, written)
        elif onto is not None:
            splice(onto, (part.frame for part in coming), written)
        else:
            first = next(coming)
            frames = (part.frame for part in chain([first], coming))
            _write(register_io_source(lambda *_: frames, schema=first.frame.schema), written, ending)


def _write_rows(parts: Iterable[Part], names: Sequence[str], path: Path) -> None:
    """Write CSV as `_write` does, with rows that are text already as they are."""
    with path.open("wb", buffering=0) as file:
        pl.DataFrame(schema=dict.fromkeys(names, pl.String())).write_csv(file)
        for part in parts:
            frame = _as_text(_as_cells(_one_time(part.frame).lazy())).collect()
            if part.text is None:
                frame.write_csv(file, include_header=False)
            else:
                cells = frame.with_columns(_quoted(column) for column in frame if column.dtype == pl.String)
                cells.insert_column(0, part.text.alias("")).write_csv(file, include_header=False, quote_style="never")


def _quoted(cells: pl.Series) -> pl.Series:
    """Put quotes around the cells of a column that need them."""
    need = cells.str.contains('[",\\r\\n]')
    if not need.any():
        return cells
    inner = cells.str.replace_all('"', '""', literal=True) if cells.str.contains('"', literal=True).any() else cells
    return inner.to_frame().select(pl.when(need).then(pl.format('"{}"', cells.name)).otherwise(cells.name)).to_series()


def _one_time(frame: pl.DataFrame) -> pl.DataFrame:
    """Write out a time that all rows share once: forming it again for each row costs as much as a score."""
    times = [name for name, dtype in frame.schema.items() if isinstance(dtype, pl.Datetime)]
    same = [name for name in times if not frame[name].null_count() and frame[name].min() == frame[name].max()]
    written = _as_text(frame[:1].select(same).lazy()).collect()
    return frame.with_columns(written[name].new_from_index(0, frame.height) for name in same) if frame.height else frame


@contextmanager
def beside(target: Path, ending: str = "") -> Iterator[Path]:
    """Give a name beside the target; rename it over the target if all went well, else remove it.

    The name depends on the target alone, so what a killed run leaves is overwritten by the next.

    Parameters
    ----------
    target : Path
        What is to be written, whole or not at all.
    ending : str
        Ending of the name to write to, where the writer looks at it.

    Yields
    ------
    Path
        Where to write.

    Raises
    ------
    InputError
        If it cannot be written; the target is then as it was.
    """
    part = _part_of(target, ending)
    try:
        yield part
        os.replace(part, target)
    except (OSError, pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        heed_interrupt(error)
        reason = getattr(error, "strerror", None) or str(error).partition("\n")[0]
        raise InputError(
            f"{target.name!r} could not be written ({type(error).__name__}: {reason})",
            hint="is the disk full, or the folder read-only?",
        ) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def remove(target: Path) -> None:
    """Remove what an older run wrote beside its output, and what a killed one left of it.

    Parameters
    ----------
    target : Path
        A file, if it is there.
    """
    for path in (target, _part_of(target, "")):
        path.unlink(missing_ok=True)


def _part_of(target: Path, ending: str) -> Path:
    return target.with_name(f".{target.name}.part{ending}")


def ending_of(path: Path) -> str | None:
    """Find the ending of a file's name that says its format.

    Parameters
    ----------
    path : Path
        With any name.

    Returns
    -------
    str or None
        One of `FORMATS`, or None.

    Examples
    --------
    >>> ending_of(Path("export.CSV.gz"))
    '.csv.gz'
    """
    return next((ending for ending in FORMATS[::-1] if path.name.lower().endswith(ending)), None)
