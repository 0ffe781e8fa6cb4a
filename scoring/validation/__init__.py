"""Which rows can be scored, and which contradict themselves.

Every rule has a name. A row that breaks a *reject* rule is not scored and carries the rule as its problem; a row that
breaks a *flag* rule contradicts itself, and is scored and marked; a *note* is only counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import polars as pl

from scoring.dating import parse_as_of
from scoring.reading import Export
from scoring.validation import single
from scoring.validation.duplicates import find_duplicates, key_hashes, key_of
from scoring.validation.rules import NEGATIVE, NOTES, RULES, USED, Rule, contradictions
from scoring.validation.suppression import find_suppressed

__all__ = [
    "RULES",
    "Checked",
    "Rule",
    "find_duplicates",
    "find_suppressed",
    "find_unusable",
    "key_hashes",
    "key_of",
    "validate",
]


@dataclass(frozen=True)
class Checked:
    """What validation found, row by row.

    Attributes
    ----------
    problem : polars.Series
        Text: null, or the rule for which the row is not scored, with the column where there is one
        (``unreadable_time: last_inbound_time``).
    flags : polars.Series
        Text: null, or the names of the contradictions, joined by ``;``. Such a row is scored.
    repeat : polars.Series
        Whether an equal row of the same key stands above it. Such a row is scored, and counts once in totals.
    counts : polars.DataFrame
        ``rule``, ``kind`` and ``rows`` that broke it: all rules, also those that no row broke. A row counts for one
        reject rule, its problem, and for each flag.
    """

    problem: pl.Series
    flags: pl.Series
    repeat: pl.Series
    counts: pl.DataFrame

    @property
    def accepted(self) -> pl.Series:
        """Whether each row is scored."""
        return self.problem.is_null().alias("accepted")

    @property
    def counted(self) -> pl.Series:
        """Whether each row counts in totals: those that are scored, and of equal ones the first."""
        return (self.accepted & ~self.repeat).alias("counted")


def validate(
    export: Export, as_of: datetime | date | str, known: tuple[pl.Series, pl.Series, pl.Series] | None = None
) -> Checked:
    """Hold every row against the rules.

    Parameters
    ----------
    export : Export
        What was read.
    as_of : datetime, date or str
        The date of the export; without a zone it is UTC.
    known : tuple of polars.Series, optional
        What `find_unusable` and `find_duplicates` say of these rows, where they are a part of an export; by default
        they are all of it.

    Returns
    -------
    Checked
        Rows of the export = rows accepted + rows with a problem.

    Raises
    ------
    InputError
        If `as_of` is no date.

    Notes
    -----
    Rows are duplicates if they share `source_email` and `crm_id`, or `source_email` and `email` where `crm_id` is
    missing; a missing `source_email` is a rep of its own. Equal ones (in all 40 fields) are all accepted. Of unequal
    ones that with the newest activity is; where this is the same, the one that is first when rows are ordered by all
    their fields, from the largest: never the one that happens to stand first.

    Examples
    --------
    >>> from scoring.reading import read
    >>> export = read({"email": "a@b.example", "total_inbound": 3, "total_inbound_30d": 4})
    >>> validate(export, "2026-03-01").flags.item()
    'recent_above_total'
    """
    when = parse_as_of(as_of)
    table = export.table
    if table.height == 1 and known is None:
        return _validate_one(export, when)
    if known is None:
        problem = find_unusable(export)
        unequal, repeat = find_duplicates(table, problem.is_null())
    else:
        problem, unequal, repeat = known
    problem = _first(problem, _where(unequal, "unequal_duplicate"))
    accepted = problem.is_null()
    flags, broken = _flags(export, when, accepted)
    notes = table.filter(accepted).select(condition.sum().alias(name) for name, (_, condition) in NOTES.items())
    broken |= notes.row(0, named=True)
    if problem.null_count() < len(problem):
        broken |= dict(problem.drop_nulls().str.split(":").list.first().value_counts().iter_rows())
    broken |= {"equal_duplicate": int(repeat.sum()), "unreadable_unused": _unused(export)}
    return Checked(problem.alias("problem"), flags.alias("flags"), repeat, _counts(broken))


def find_unusable(export: Export) -> pl.Series:
    """Find the rows that cannot be scored, whatever the other rows are.

    Parameters
    ----------
    export : Export
        What was read.

    Returns
    -------
    polars.Series
        Text: null, or the rule with its column.

    Examples
    --------
    >>> from scoring.reading import read
    >>> find_unusable(read({"email": "a@b.example", "total_inbound": -3})).item()
    'negative_count: total_inbound'
    """
    problem = _first(_unreadable(export), _negative(export))
    return _first(problem, _where(export.table.select(_NO_KEY).to_series(), "no_key"))


_NO_KEY = pl.col("crm_id").is_null() & pl.col("email").is_null()


def _validate_one(export: Export, as_of: datetime) -> Checked:
    """Hold the one row of a table against the rules."""
    row = export.table.row(0, named=True)
    broken: dict[str, int] = {}
    problem = flags = None
    if export.faults.height:
        problem = _unreadable(export).item()
        broken["unreadable_unused"] = _unused(export)
    if problem is None and (count := single.negative(row)) is not None:
        problem = f"negative_count: {_column(export, count)}"
    if problem is None and row["crm_id"] is None and row["email"] is None:
        problem = "no_key"
    if problem is not None:
        broken[problem.partition(":")[0]] = 1
    else:
        found = single.contradicted(row, as_of, export.missing)
        broken |= dict.fromkeys(found, 1)
        flags = ";".join(found) or None
        if (note := single.noted(row)) is not None:
            broken[note] = 1
    return Checked(
        pl.Series("problem", [problem], dtype=pl.String),
        pl.Series("flags", [flags], dtype=pl.String),
        pl.Series("repeat", [False], dtype=pl.Boolean),
        _counts(broken),
    )


def _none(rows: int) -> pl.Series:
    """Make a column of text without any."""
    return pl.Series([None], dtype=pl.String).new_from_index(0, rows)


def _where(hit: pl.Series, name: str) -> pl.Series | None:
    """Write a rule's name where it is broken; None if nowhere."""
    return pl.select(pl.when(hit).then(pl.lit(name))).to_series() if hit.any() else None


def _first(one: pl.Series, other: pl.Series | None) -> pl.Series:
    """Take the other where the one is null."""
    return one if other is None else one.zip_with(one.is_not_null(), other)


def _column(export: Export, name: str) -> str:
    """Name the column of a field as it was found."""
    return next((column for column, field_ in export.renamed.items() if field_ == name), name)


def _needed(export: Export) -> pl.Expr:
    """Hold for the faults that cost a row its score."""
    unused = [name for name in export.faults["column"].unique().drop_nulls() if _field(export, name) not in USED]
    return pl.col("column").is_null() | ~pl.col("column").is_in(unused)


def _field(export: Export, column: str) -> str:
    """Name the field of a column."""
    return export.renamed.get(column, column)


def _unreadable(export: Export) -> pl.Series:
    """Write the first unreadable cell of each row that a score needs."""
    problem = _none(export.table.height)
    if not export.faults.height:
        return problem
    cells = export.faults.filter(_needed(export)).unique("row", keep="first", maintain_order=True)
    named = pl.concat_str("rule", pl.lit(": ") + pl.col("column"), ignore_nulls=True)
    return problem.scatter(cells["row"], cells.select(named).to_series())


def _unused(export: Export) -> int:
    """Count the rows with an unreadable cell that no score needs."""
    return export.faults.filter(~_needed(export))["row"].n_unique() if export.faults.height else 0


def _negative(export: Export) -> pl.Series | None:
    """Write the first count of each row that is below 0; None if there is none."""
    some = [name for name, hit in export.table.select(NEGATIVE).row(0, named=True).items() if hit]
    if not some:
        return None
    said = [pl.when(pl.col(name) < 0).then(pl.lit(f"negative_count: {_column(export, name)}")) for name in some]
    return export.table.select(pl.coalesce(said)).to_series()


def _flags(export: Export, as_of: datetime, accepted: pl.Series) -> tuple[pl.Series, dict[str, int]]:
    """Write the contradictions of each accepted row, and count each of them."""
    rules = contradictions(export.missing)
    table = export.table.with_columns(as_of=pl.lit(as_of, dtype=pl.Datetime("us", "UTC")))
    hits = table.select(rules.values()).select(pl.all() & accepted)
    counts = hits.sum().row(0, named=True) if rules else {}
    broken = [name for name, rows in counts.items() if rows]
    if not broken:
        return _none(table.height), counts
    said = pl.concat_str((pl.when(name).then(pl.lit(name)) for name in broken), separator=";", ignore_nulls=True)
    some = hits.select(pl.any_horizontal(broken)).to_series()
    return _none(table.height).scatter(some.arg_true(), hits.filter(some).select(said).to_series()), counts


def _counts(broken: dict[str, int]) -> pl.DataFrame:
    """List all rules with the number of rows that broke each."""
    if not any(broken.values()):
        return _UNBROKEN
    return _UNBROKEN.with_columns(rows=pl.Series([broken.get(rule.name, 0) for rule in RULES], dtype=pl.UInt32))


_UNBROKEN = pl.DataFrame(
    [(rule.name, rule.kind, 0) for rule in RULES],
    schema={"rule": pl.String, "kind": pl.String, "rows": pl.UInt32},
    orient="row",
)
