"""Text that a person opens in a spreadsheet: no cell of it may run as a formula.

Names, titles and accounts are written by others. A spreadsheet takes a cell that starts with ``=``, ``+``, ``-`` or
``@`` for a formula, which can send the sheet elsewhere or start a program. The rule is that of the page "CSV
Injection" of the OWASP Foundation, with the full-width forms beside it, and with white space and marks that cannot be
seen passed over. Data files are not for spreadsheets: they stay as they are, byte for byte.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import polars as pl

from scoring.writing import ending_of, write_frame

__all__ = ["neutralise", "write_list"]

_STARTS: Final = r";\t\r\n\x0b\x0c\x{85}\x{2028}\x{2029}"
"""Behind these a cell can start, too: lines are split there, and in many lands a semicolon is what separates cells."""
_UNSEEN: Final = rf"[[\s\p{{Cc}}\p{{Cf}}]--[{_STARTS}]]*"
_FORMULA: Final = rf"(^|[{_STARTS}])({_UNSEEN}[=+\-@＝＋－＠﹢﹣﹦﹫−])"
_BREAK: Final = r"^[\t\r\n]"
_QUOTED: Final = "'"
_TIMES: Final = pl.selectors.datetime(time_zone="*").dt.convert_time_zone("UTC").dt.to_string("%Y-%m-%d %H:%M")


def neutralise(frame: pl.DataFrame) -> pl.DataFrame:
    r"""Put a quote before each piece of text that a spreadsheet would take for a formula.

    Parameters
    ----------
    frame : polars.DataFrame
        Anything; it is changed in columns of text only, and in their names.

    Returns
    -------
    polars.DataFrame
        The same rows. Text that starts with ``=``, ``+``, ``-``, ``@``, a tab or a line break, or has one of the signs
        behind a semicolon or a line break within it, has a ``'`` before it. Numbers, times, flags and nulls are as
        they were. Doing it twice changes nothing more.

    Examples
    --------
    >>> neutralise(pl.DataFrame({"name": ["=1+1", "Ann", " @SUM(A1)"], "moved": [-1, 2, None]})).rows()
    [("'=1+1", -1), ('Ann', 2), ("' @SUM(A1)", None)]
    """
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String or isinstance(dtype, pl.Categorical)]
    safe = frame.with_columns(_safe(pl.col(name).cast(pl.String)).alias(name) for name in texts)
    renamed = pl.Series(frame.columns, dtype=pl.String).to_frame("name").select(_safe(pl.col("name"))).to_series()
    if renamed.n_unique() < frame.width:  # two columns would get one name
        return safe
    return safe.rename(dict(zip(frame.columns, renamed, strict=True)))


def write_list(rows: pl.DataFrame, target: Path) -> None:
    """Write rows that people read.

    A CSV file is for a spreadsheet: no cell of it runs, and times are such as one understands (2026-01-05 09:30), in
    UTC. Other files are for programs and hold the rows as they are.

    Parameters
    ----------
    rows : polars.DataFrame
        What to write.
    target : Path
        A path that `writing.check_target` gave; its ending says the format.

    Raises
    ------
    InputError
        As `writing.write_frame`.
    """
    for_people = (ending_of(target) or "").startswith(".csv")
    write_frame(neutralise(rows.with_columns(_TIMES)) if for_people else rows, target)


def _safe(text: pl.Expr) -> pl.Expr:
    quoted = text.str.replace_all(_FORMULA, "${1}'${2}")
    return pl.when(quoted.str.contains(_BREAK)).then(_QUOTED + quoted).otherwise(quoted)
