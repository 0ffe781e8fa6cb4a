"""Scored contacts read back: whatever starts from scores, a list, a roll-up, a comparison, starts here.

A scored frame has its types; a scored file that is text has none. Both are read by the rules by which exports are
read, and held against what scoring writes, so that nothing is made of a column that is no score.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import polars as pl

from scoring.config import EVIDENCE, TIERS
from scoring.errors import InputError, SchemaWarning
from scoring.prediction import COLUMNS
from scoring.reading import Export, read
from scoring.reading.cells import typed
from scoring.validation import key_of

__all__ = ["Scored", "read_scored"]

_CHANCES: Final = ("reply_probability", "meeting_probability", "answer_probability", "priority")
_MOST: Final = dict.fromkeys(_CHANCES, 1.0) | {"percentile": 100.0}
_NAMES: Final = {"tier": TIERS, "evidence": ("none", *EVIDENCE)}
_LIKE: Final = {"number": "engagement_level", "time": "last_engaged_time", "text": "job_title"}
"""A field of each kind, as which columns that are no field are read; in a title, "none" is a word."""
_SHOWN: Final = 3


@dataclass(frozen=True, eq=False)
class Scored:
    """Scored contacts, typed. Row i of each frame is row i of what came in.

    Attributes
    ----------
    table : polars.DataFrame
        The 40 fields in schema order, typed; null where a cell is blank or missing.
    scores : polars.DataFrame
        The columns that scoring adds (`prediction.COLUMNS`), typed: chances and `percentile` Float64, `tier` and
        `evidence` Enum, `as_of` in UTC, the others text. Scores are null where `problem` is not.
    keys : polars.DataFrame
        Text: `rep` and `who` as `validation.key_of` makes them, and `account`, the `account_domain` in lower case or
        else the `account_crm_id`. Null where there is none.
    source : polars.DataFrame
        What came in, its columns and values untouched.
    as_of : datetime
        The one date at which all rows were scored, in UTC; 1970 where there are no rows.
    """

    table: pl.DataFrame
    scores: pl.DataFrame
    keys: pl.DataFrame
    source: pl.DataFrame
    as_of: datetime

    @property
    def usable(self) -> pl.Series:
        """Whether each row has scores; of the others `problem` says why not."""
        return self.scores["problem"].is_null().alias("usable")

    def number(self, name: str) -> pl.Series:
        """Read a column of the input as numbers.

        Parameters
        ----------
        name : str
            As it stands in `source`.

        Returns
        -------
        polars.Series
            Float64, null where the cell is blank.

        Raises
        ------
        InputError
            If there is no such column, or a cell is no number.
        """
        if name not in self.source.columns:
            raise InputError(f"there is no column {name!r}", expected=f"one of {', '.join(self.source.columns[-20:])}")
        return _read(self.source[name], "number")


def read_scored(source: Any) -> Scored:
    """Read contacts that `scoring.score` or `scoring.score_file` scored.

    Parameters
    ----------
    source : frame, records, path or list of paths
        A polars DataFrame or LazyFrame, a pandas DataFrame, an Arrow table, a list of dicts, or CSV, JSON, NDJSON or
        Parquet files; the columns may be typed or text. What was read already, scores or not, is not read again.

    Returns
    -------
    Scored
        Rows in the order in which they came.

    Raises
    ------
    InputError
        If it cannot be read, a column of the scores is missing or holds what scoring does not write (a chance outside
        [0, 1], an unknown tier, a row with neither scores nor a problem), or rows were scored at different dates.

    Examples
    --------
    >>> import scoring
    >>> scored = read_scored(scoring.score({"crm_id": "1", "total_inbound": 3}, as_of="2026-01-05"))
    >>> scored.as_of.isoformat(), scored.usable.to_list(), scored.keys.row(0)
    ('2026-01-05T00:00:00+00:00', [True], (None, '#1', None))
    """
    if isinstance(source, Scored):
        return source
    with warnings.catch_warnings():  # what is missing was said when the contacts were scored
        warnings.filterwarnings("ignore", r"\d+ of \d+ fields have no column", SchemaWarning)
        export = source if isinstance(source, Export) else read(source)
    _refuse_unscored(export.source)
    scores = pl.DataFrame([_score(export.source[name]) for name in COLUMNS])
    _refuse_halves(scores)
    keys = export.table.select(
        *key_of("rep", "who"),
        pl.coalesce(pl.col("account_domain").str.to_lowercase(), "account_crm_id").alias("account"),
    )
    return Scored(export.table, scores, keys, export.source, _date(scores["as_of"]))


def _refuse_unscored(source: pl.DataFrame) -> None:
    missing = [name for name in COLUMNS if name not in source.columns]
    if not missing:
        return
    if len(missing) == len(COLUMNS):
        found = "these contacts have no scores"
    else:
        found = f"{len(missing)} of the {len(COLUMNS)} columns that scoring adds are missing: {', '.join(missing)}"
    raise InputError(
        found, expected="scored contacts", hint="score them first: `scoring score FILE`, or scoring.score(contacts)"
    )


def _score(column: pl.Series) -> pl.Series:
    """Read a column of the scores, and refuse what scoring never writes."""
    name = column.name
    if name in _MOST:
        number = _read(column, "number")
        wrong = ((number < 0) | (number > _MOST[name])).fill_null(False)
        if wrong.any():
            first = f"{number.filter(wrong).to_list()[0]:g}"
            raise InputError(
                f"`{name}` lies outside [0, {_MOST[name]:g}] in {int(wrong.sum()):,} row(s), as {first}",
                expected="what scoring wrote",
                hint="was the column changed, or is it of another tool?",
            )
        return number
    if name == "as_of":
        return _read(column, "time")
    text = _read(column, "text")
    if name not in _NAMES:
        return text
    unknown = text.filter(~text.is_in(_NAMES[name])).drop_nulls().unique().sort()
    if len(unknown):
        shown = ", ".join(repr(value[:20]) for value in unknown.head(_SHOWN))
        raise InputError(f"`{name}` holds {shown}", expected=", ".join(_NAMES[name]))
    return text.cast(pl.Enum(_NAMES[name]))


def _read(column: pl.Series, kind: str) -> pl.Series:
    """Read a column by the rules for fields of a kind; refuse it if a cell cannot be read."""
    like = _LIKE[kind]
    table, faults = typed(column.to_frame(), {like: column.name})
    if faults.height:
        rows = ", ".join(f"{row + 1:,}" for row in faults["row"].head(_SHOWN))
        raise InputError(
            f"`{column.name}` holds no {kind} in {faults.height:,} row(s), the first being {rows}",
            expected=f"a {kind}, or nothing",
        )
    return table[like].alias(column.name)


def _refuse_halves(scores: pl.DataFrame) -> None:
    """Refuse rows that have neither scores nor a problem: nobody could say what they are."""
    gaps = scores.select(pl.col("problem").is_null() & pl.any_horizontal(pl.col(*_CHANCES, "tier").is_null()))
    if rows := int(gaps.to_series().sum()):
        raise InputError(
            f"{rows:,} row(s) have no scores, and no `problem` that says why",
            expected="rows as scoring wrote them",
            hint="score the contacts again",
        )


def _date(as_of: pl.Series) -> datetime:
    """Find the one date at which all rows were scored."""
    found = as_of.drop_nulls().unique().sort()
    if as_of.null_count() or len(found) > 1:
        shown = ", ".join(f"{when:%Y-%m-%d %H:%M}" for when in found.head(_SHOWN))
        shown += ", ..." if len(found) > _SHOWN else ""
        without = f"; {as_of.null_count():,} row(s) have none" if as_of.null_count() else ""
        raise InputError(
            f"`as_of` holds {len(found)} dates{f' ({shown})' if shown else ''}{without}",
            expected="rows that were scored at one date",
            hint="give one scored export at a time",
        )
    return found.item() if len(found) else datetime(1970, 1, 1, tzinfo=UTC)
