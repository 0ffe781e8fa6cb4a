"""Inspecting an export before it is scored: what it is, what is missing, what is wrong, what a model can use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from scoring import schema
from scoring.features import FEATURES, compute, observe
from scoring.intake import Intake, take_in
from scoring.lines import plain
from scoring.percentages import in_percent
from scoring.validation import RULES

__all__ = ["Findings", "inspect_export"]


@dataclass(frozen=True)
class Findings:
    """What an export holds.

    Attributes
    ----------
    kind : str
        How it was read: ``csv``, ``parquet``, ``polars``, ...
    details : dict
        Separator, encoding, compression and the like, for files.
    rows, usable, rejected, suppressed, flagged : int
        ``rows = usable + rejected + suppressed``; flagged rows contradict themselves and are usable.
    renamed : dict of str to str
        Columns found under another spelling, and the field that each is.
    missing, extra : list of str
        Fields without a column; columns that are no field and travel through untouched.
    as_of, dated : str
        The date that would count, and where it comes from.
    rules : list of dict
        For each rule that rows meet: its name, kind (reject, flag, note), rows and meaning.
    nulls : dict of str to float
        Share of null cells for each field that has a column, among the rows that are not suppressed.
    used, unused : list of str
        Facts that the features know of at least one row, and facts that they know of none.
    """

    kind: str
    details: dict[str, Any]
    rows: int
    usable: int
    rejected: int
    suppressed: int
    flagged: int
    renamed: dict[str, str]
    missing: list[str]
    extra: list[str]
    as_of: str
    dated: str
    rules: list[dict[str, Any]]
    nulls: dict[str, float]
    used: list[str]
    unused: list[str]

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain values, ready for JSON."""
        return asdict(self)

    def to_text(self) -> str:
        """Return the findings as lines for a terminal."""
        files = self.details.get("files", [])
        about = ", ".join(f"{name} {plain(value)}" for name, value in self.details.items() if name != "files")
        about = about or ", ".join(f"{plain(Path(file['path']).name)} {file['rows']:,} rows" for file in files)
        found = len(schema.FIELDS) - len(self.missing)
        lines = [
            f"{self.kind}{f' ({about})' if about else ''}: {self.rows:,} rows, {found} of {len(schema.FIELDS)} fields",
            f"as of {self.as_of}: {self.dated}",
            f"{self.usable:,} rows can be scored, {self.rejected:,} cannot, {self.suppressed:,} are suppressed, "
            f"{self.flagged:,} contradict themselves",
        ]
        if self.renamed:
            lines.append("renamed: " + ", ".join(f"{plain(old)} -> {new}" for old, new in self.renamed.items()))
        if self.missing:
            lines.append("missing: " + ", ".join(self.missing))
        if self.extra:
            lines.append("extra, kept as they are: " + ", ".join(map(plain, self.extra)))
        if self.rules:
            lines.append("rules:")
            lines += [f"  {r['rows']:>10,}  {r['kind']:<6}  {r['rule']}: {r['meaning']}" for r in self.rules]
        empty = [name for name, part in self.nulls.items() if part == 1]
        partly = [f"{plain(name)} {in_percent(part)}" for name, part in self.nulls.items() if 0 < part < 1]
        if empty:
            lines.append("empty columns: " + ", ".join(map(plain, empty)))
        if partly:
            lines.append("null shares: " + ", ".join(partly))
        lines.append("the model can use: " + (", ".join(self.used) or "nothing"))
        if self.unused:
            lines.append("the model cannot use: " + ", ".join(self.unused))
        return "\n".join(lines)


def inspect_export(
    contacts: object,
    *,
    as_of: datetime | date | str | None = None,
    suppress: Sequence[str] = (),
) -> Findings:
    """Find out what an export holds, without scoring it.

    Parameters
    ----------
    contacts, as_of, suppress
        As for `scoring.score`.

    Returns
    -------
    Findings

    Raises
    ------
    InputError
        If it cannot be read at all.

    Examples
    --------
    >>> findings = inspect_export({"crm_id": "1", "total_inbound": -2}, as_of="2026-01-01")
    >>> findings.rejected, findings.rules[0]["rule"]
    (1, 'negative_count')
    """
    taken = take_in(contacts, as_of=as_of, suppress=suppress)
    export, checked = taken.export, taken.checked
    present = [field.name for field in schema.FIELDS if field.name not in export.missing]
    nulls = export.table.select(present).null_count().row(0) if present else ()
    known = _facts(taken)
    rejected = export.table.height - checked.problem.null_count()
    return Findings(
        kind=export.kind,
        details=dict(export.details),
        rows=taken.rows,
        usable=export.table.height - rejected,
        rejected=rejected,
        suppressed=taken.suppressed,
        flagged=export.table.height - checked.flags.null_count(),
        renamed=dict(export.renamed),
        missing=list(export.missing),
        extra=list(export.extra),
        as_of=f"{taken.as_of.when:%Y-%m-%dT%H:%M:%SZ}",
        dated=taken.as_of.how,
        rules=_rules(taken),
        nulls={name: count / max(1, export.table.height) for name, count in zip(present, nulls, strict=True)},
        used=[fact for fact, some in known.items() if some],
        unused=[fact for fact, some in known.items() if not some],
    )


def _rules(taken: Intake) -> list[dict[str, Any]]:
    meanings = {rule.name: rule.meaning for rule in RULES}
    met = taken.checked.counts.filter(pl.col("rows") > 0)
    return [{**row, "meaning": meanings[row["rule"]]} for row in met.iter_rows(named=True)]


def _facts(taken: Intake) -> dict[str, bool]:
    """For each fact, whether any usable row has a feature that tells of it."""
    usable = taken.export.table.filter(taken.checked.accepted)
    features = compute(observe(usable, taken.as_of.when, taken.context))
    known: dict[str, bool] = {}
    for feature in FEATURES:
        some = feature.name in features.columns and features[feature.name].null_count() < features.height
        known[feature.fact.name] = known.get(feature.fact.name, False) or some
    return known
