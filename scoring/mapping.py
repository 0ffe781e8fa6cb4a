"""Which column of scored contacts goes into which field of a CRM, and how a cell is put there."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final

import polars as pl

from scoring import schema
from scoring.errors import InputError
from scoring.prediction import COLUMNS
from scoring.scored import Scored

__all__ = ["DYNAMICS", "SALESFORCE", "TREND", "FieldMapping", "cells_of", "shorten"]

TREND: Final = "trend"
"""Improving, steady, declining or not enough: no column of scored contacts, but known where there are earlier ones."""

_TEXT_LENGTH: Final = 255
_MOST_LENGTH: Final = 32_000
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_TAKEN: Final = ("id", "msdyn_entityid", "msdyn_entitytype")
_ENTITIES: Final = ("lead", "contact")
_CHANCES: Final = ("reply_probability", "meeting_probability", "answer_probability", "priority")
_TIME: Final = "%Y-%m-%dT%H:%M:%S%.3fZ"
_CONTROLS: Final = r"[\p{Cc}\x{2028}\x{2029}]+"
_WIDE: Final = r"[\x{10000}-\x{10FFFF}]"
_SHOWN: Final = 5


@dataclass(frozen=True)
class FieldMapping:
    """Which column goes into which field.

    Attributes
    ----------
    fields : dict of str to str
        The column for each field's API name: one of the scores, of the 40 fields, any other column of the scored
        contacts, or ``"trend"``.
    lengths : dict of str to int
        Most characters of fields that hold more text than 255, or less; at most 32,000.
    entity : {"lead", "contact"}
        What the ids in `crm_id` are ids of; for Dynamics only, as Salesforce's ids say it themselves.
    """

    fields: dict[str, str]
    lengths: dict[str, int] = field(default_factory=dict)
    entity: str = "lead"

    def __post_init__(self) -> None:
        """Check what may have been written by hand."""
        if not isinstance(self.fields, dict) or not self.fields:
            raise InputError(
                "the mapping has no fields", expected='a table, [fields], of lines such as Score__c = "tier"'
            )
        wrong = [name for name in self.fields if not _FIELD.fullmatch(name) or name.lower() in _TAKEN]
        if wrong:
            raise InputError(
                f"{len(wrong)} field(s) of the mapping cannot be: {', '.join(map(repr, wrong[:_SHOWN]))}",
                expected="API names of fields; the id of the record is written anyway",
            )
        if len({name.lower() for name in self.fields}) < len(self.fields):
            raise InputError("the mapping names a field twice", expected="each field once, whatever its capitals")
        if bad := [name for name, column in self.fields.items() if not isinstance(column, str)]:
            raise InputError(f"the mapping gives no column for {bad[0]}", expected="the name of a column, in quotes")
        lengths = self.lengths if isinstance(self.lengths, dict) else {"lengths": None}
        for name, most in lengths.items():
            whole = isinstance(most, int) and not isinstance(most, bool)
            if name not in self.fields or not whole or not 1 <= most <= _MOST_LENGTH:
                raise InputError(
                    f"the mapping gives {name!r} the length {most!r}",
                    expected=f"one of its fields, and 1 to {_MOST_LENGTH:,} characters",
                )
        if self.entity not in _ENTITIES:
            raise InputError(f"the mapping's entity is {self.entity!r}", expected=" or ".join(_ENTITIES))

    @classmethod
    def from_toml(cls, source: str | Path) -> FieldMapping:
        r"""Read a mapping.

        Parameters
        ----------
        source : str or Path
            TOML text, or the path of a TOML file: the tables ``[fields]`` and ``[lengths]``, and ``entity``.

        Returns
        -------
        FieldMapping

        Raises
        ------
        InputError
            If it is no TOML, or holds what a mapping has not.

        Examples
        --------
        >>> FieldMapping.from_toml('[fields]\nScore__c = "priority"').fields
        {'Score__c': 'priority'}
        """
        try:
            content: dict[str, Any] = tomllib.loads(source.read_text("utf-8") if isinstance(source, Path) else source)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error  # an OSError's own text holds the whole path
            raise InputError(
                f"the mapping cannot be read: {why}", expected="TOML; a file is given as a Path"
            ) from error
        known = [each.name for each in fields(cls)]
        if unknown := sorted(set(content) - set(known)):
            raise InputError(
                f"{len(unknown)} unknown part(s) of the mapping: {', '.join(unknown[:_SHOWN])}",
                expected=", ".join(known),
            )
        return cls(**{"fields": {}} | content)

    def length(self, name: str) -> int:
        """Return the most characters that a field holds."""
        return self.lengths.get(name, _TEXT_LENGTH)


SALESFORCE: Final = FieldMapping(
    {
        "Scoring_Priority__c": "priority",
        "Scoring_Reply__c": "reply_probability",
        "Scoring_Meeting__c": "meeting_probability",
        "Scoring_Answer__c": "answer_probability",
        "Scoring_Percentile__c": "percentile",
        "Scoring_Tier__c": "tier",
        "Scoring_Evidence__c": "evidence",
        "Scoring_Reasons__c": "reasons",
        "Scoring_As_Of__c": "as_of",
        "Scoring_Model__c": "model_id",
    }
)
"""Custom fields of the contact and the lead, to be made once in the CRM's setup."""

DYNAMICS: Final = FieldMapping(
    {"msdyn_score": "priority", "msdyn_grade": "tier", "msdyn_scoretrend": TREND, "msdyn_scoredon": "as_of"},
    {},
)
"""Columns of the table `msdyn_predictivescore`."""


def cells_of(scored: Scored, mapping: FieldMapping, decimals: int) -> pl.DataFrame:
    """Take the columns that a mapping names, as a CRM's field holds them.

    Parameters
    ----------
    scored : Scored
        Scored contacts.
    mapping : FieldMapping
        Which column for which field.
    decimals : int
        How many decimals a chance in percent and a percentile keep; with 0 they are whole numbers.

    Returns
    -------
    polars.DataFrame
        A column for each field, except those of the trend: chances in percent, times as ISO 8601 text in UTC, text in
        one line, null where there is none. Text is not shortened yet.

    Raises
    ------
    InputError
        If there is no such column, or it holds what no field can.
    """
    columns = {name: column for name, column in mapping.fields.items() if column != TREND}
    known = {*COLUMNS, *schema.NAMES, *scored.source.columns}
    if unknown := sorted({column for column in columns.values() if column not in known}):
        raise InputError(
            f"{len(unknown)} column(s) of the mapping are not in the scored contacts: {', '.join(unknown[:_SHOWN])}",
            expected=f"a column of them, as {', '.join(COLUMNS[:4])}",
        )
    return pl.DataFrame([_cells(_column(scored, column), decimals).alias(name) for name, column in columns.items()])


def _column(scored: Scored, name: str) -> pl.Series:
    for frame in (scored.scores, scored.table):  # typed, as the source need not be
        if name in frame.columns:
            return frame[name]
    return scored.source[name]


def _cells(column: pl.Series, decimals: int) -> pl.Series:
    """Put a column's values as a field of a CRM takes them."""
    name, dtype = column.name, column.dtype
    if name in (*_CHANCES, "percentile"):
        percent = (column * (100 if name in _CHANCES else 1)).round(decimals)
        return percent if decimals else percent.cast(pl.Int64)
    if dtype.is_nested() or dtype in (pl.Binary, pl.Object):
        raise InputError(f"the column {name!r} holds {dtype}", expected="numbers, text, times or flags")
    if dtype.is_float() or dtype.is_decimal():
        number = column.cast(pl.Float64)
        return number.to_frame().select(pl.when(pl.col(name).is_finite()).then(pl.col(name))).to_series()
    if isinstance(dtype, pl.Datetime):
        in_utc = column.dt.convert_time_zone("UTC") if dtype.time_zone else column
        return in_utc.dt.to_string(_TIME)
    if dtype.is_numeric() or dtype == pl.Boolean:
        return column
    text = column.dt.to_string("iso") if dtype == pl.Duration else column.cast(pl.String)
    one_line = text.str.replace_all(_CONTROLS, " ").str.strip_chars()
    return one_line.set(one_line == "", None)


def shorten(text: pl.Series, most: int) -> tuple[pl.Series, int]:
    """Cut text that a field does not hold, where a sentence ends, and put an ellipsis there.

    Parameters
    ----------
    text : polars.Series
        Text; what is none is given back.
    most : int
        Most characters, counted as CRMs do: what lies outside the first 65,536 letters, as most emoji, counts twice.

    Returns
    -------
    tuple of polars.Series and int
        The text, and how many cells were cut.

    Examples
    --------
    >>> reasons = pl.Series(["last wrote 3 days ago (+0.26); never met (-0.20); long known (+0.11)"])
    >>> shorten(reasons, 60)[0].item()
    'last wrote 3 days ago (+0.26); never met (-0.20); …'
    """
    if text.dtype != pl.String:
        return text, 0
    long = ((text.str.len_chars() + text.str.count_matches(_WIDE)) > most).fill_null(False)
    if not long.any():
        return text, 0
    return text.scatter(long.arg_true(), [_cut(each, most) for each in text.filter(long)]), int(long.sum())


def _cut(text: str, most: int) -> str:
    """Cut behind the last sentence that has room, else behind the last word, else anywhere."""
    kept = text[: most - 1]
    while len(kept) + sum(char > "\uffff" for char in kept) > most - 1:
        kept = kept[:-1]
    if (end := kept.rfind("; ")) > 0:
        return f"{kept[: end + 2]}…"
    space = kept.rfind(" ")
    return f"{kept[:space] if space > 0 else kept}…"
