"""Leakage audit: does something that a model would learn from know the answer already.

Each field and each feature is held alone against the labels, as they would be used. On the labels that a naive user
would take (`received_reply` of the same export) it shows which fields restate it. On the product's own labels, which
are of later, nothing can know the answer, unless an export holds what came after its date.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring import schema
from scoring.boosting import boost
from scoring.config import Boosting, Target, TrainingConfig
from scoring.errors import LeakageWarning, warn
from scoring.features import FEATURES, computed_from
from scoring.labels import RESTORED
from scoring.metrics import auc
from scoring.sifting import Sifted
from scoring.snapshots import Exports, Labelled, in_order, label_snapshots, put_back, sift_exports, snapshot_of

__all__ = ["ALL_LIMIT", "ONE_LIMIT", "Audit", "audit_exports", "audit_labels", "warn_of_leaks"]

ONE_LIMIT: Final = 0.995
"""A single field or feature that orders later outcomes so well or better is taken for a leak."""
ALL_LIMIT: Final = 0.99
"""So are all features together. Of 320 clean simulated organisations, small ones among them, the best reached 0.992
alone and 0.978 together; the true chance, which knows what nobody does, up to 0.995."""

_RESTATES: Final = 0.999  # of the same export's own outcome
_TARGETS: Final[tuple[Target, ...]] = ("reply", "meeting", "engaged")  # answers are proved for a part of the rows
_LEAST_OUTCOMES: Final = 20  # below, chance alone orders rows well
_MOST_ROWS: Final = 10_000  # of one date: a leak shows in these as it would in all
_FEATURES: Final = tuple(feature.name for feature in FEATURES)
_QUICK: Final = Boosting(iterations=30)
_COLUMNS: Final = {
    "labels": pl.String(),
    "as_of": schema.DTYPES["time"],
    "target": pl.String(),
    "kind": pl.String(),
    "name": pl.String(),
    "rows": pl.Int64(),
    "outcomes": pl.Int64(),
    "auc": pl.Float64(),
    "finding": pl.String(),
}


@dataclass(frozen=True, eq=False)
class Audit:
    """What knows the answer.

    Attributes
    ----------
    table : polars.DataFrame
        One row for each set of labels and each thing held against it, best first: ``labels`` (``same_export`` for
        `received_reply`, ``history`` for what later exports prove, ``step_back`` for the newest one put back),
        ``as_of`` and ``target``; ``kind`` (``field``, ``feature``, or ``all`` features together) and ``name``;
        ``rows`` with a known outcome and ``outcomes`` (rows that did it or rows that did not, whichever are fewer);
        ``auc``, 0.5 to 1 whichever way it orders; ``finding``: ``restates``, ``too good``, or null.
    verdict : str
        What follows, in words.
    """

    table: pl.DataFrame
    verdict: str

    @property
    def leaks(self) -> pl.DataFrame:
        """Rows of `table` that are too good to be true."""
        return self.table.filter(pl.col("finding") == "too good")

    def to_dict(self) -> dict[str, Any]:
        """Return the audit as plain values, ready for JSON."""
        dated = self.table.with_columns(pl.col("as_of").dt.strftime("%FT%TZ"))
        return {"verdict": self.verdict, "table": dated.to_dicts()}

    def to_text(self, top: int = 5) -> str:
        """Return the audit as lines for a terminal: the best few for each set of labels, and the verdict."""
        lines = []
        for (labels, as_of, target), part in self.table.group_by(["labels", "as_of", "target"], maintain_order=True):
            rows, outcomes = part["rows"][0], part["outcomes"][0]
            shown = part.filter((pl.int_range(pl.len()) < top) | (pl.col("kind") == "all"))
            each = ", ".join(f"{name} {value:.3f}" for name, value in shown.select("name", "auc").iter_rows())
            lines.append(f"{labels} of {as_of:%Y-%m-%d}, {target} ({outcomes:,} of {rows:,} rows): {each}")
        return "\n".join([*lines, self.verdict])


def audit_exports(exports: Exports, *, suppress: Sequence[str] = (), config: TrainingConfig | None = None) -> Audit:
    """Find out whether something in exports knows the answer already.

    Parameters
    ----------
    exports : mapping, sequence, or one export
        As for `scoring.train`.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.
    config : TrainingConfig, optional
        Says how many rows are kept at most, as in training.

    Returns
    -------
    Audit

    Raises
    ------
    InputError
        If an export cannot be used, or two are of one date.

    Notes
    -----
    Numbers, flags and times count as they are, missing ones below all others, above all others, or left out where at
    most half are missing, whichever orders better. Text counts as "is there", and `department`, `seniority` and
    `account_type` also by the rate of their values among the other half of the rows, so that no row tells of itself.
    All 40 fields are held against `received_reply`; against later outcomes those that training can see: names, titles
    and the like are dropped on entry. All features together are held against the newest date of each kind, each half
    of the rows by what the other half teaches. Of more than 10,000 rows every second, third, ... one counts.

    Examples
    --------
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=300))
    >>> when, later = organisation.dates(2)
    >>> found = audit_exports({when: organisation.export(when), later: organisation.export(later)})
    >>> found.leaks.height
    0
    >>> "total_inbound" in found.table.filter(pl.col("finding") == "restates")["name"]
    True
    """
    taken = sift_exports(exports, suppress=suppress, config=TrainingConfig() if config is None else config)
    snapshots = [snapshot_of(sifted) for sifted in taken]
    parts = [_audit_received(taken[-1]), audit_labels(label_snapshots(snapshots), put_back(snapshots[-1]))]
    table = pl.concat(parts)
    return Audit(table, _verdict(table))


def audit_labels(lessons: Sequence[Labelled], past: Labelled) -> pl.DataFrame:
    """Hold everything that training could see against the labels that it would learn.

    Parameters
    ----------
    lessons : sequence of Labelled
        Dates whose later is known from other exports.
    past : Labelled
        The newest export put back.

    Returns
    -------
    polars.DataFrame
        As `Audit.table`. Nothing where fewer than 20 rows did it, or did not.
    """
    restored = computed_from(RESTORED)
    parts = [pl.DataFrame(schema=_COLUMNS)]
    newest = lessons[-1:]
    for labels, lesson, names in [*(("history", each, _FEATURES) for each in lessons), ("step_back", past, restored)]:
        together = lesson is past or lesson in newest
        thinned = lesson.rows.height // _MOST_ROWS + 1
        for target in _TARGETS:
            known = lesson.labels[target].is_not_null()
            outcome = lesson.labels[target].filter(known).gather_every(thinned)
            rows, features = (
                frame.filter(known).gather_every(thinned) for frame in (lesson.rows, lesson.features.select(names))
            )
            parts.append(_audit(labels, lesson.as_of, target, rows, features, outcome, together))
    return pl.concat(parts)


def warn_of_leaks(lessons: Sequence[Labelled], past: Labelled) -> None:
    """Warn if what is to be learned from looks too good to be true.

    Parameters
    ----------
    lessons, past
        As for `audit_labels`.

    Warns
    -----
    LeakageWarning
        With what knows the answer, and its AUC.
    """
    found = _say_leaks(audit_labels(lessons, past).filter(pl.col("finding") == "too good"))
    if found:
        warn(found, LeakageWarning)


def _audit_received(newest: Sifted) -> pl.DataFrame:
    """Hold all fields against `received_reply` of the same export."""
    table = in_order(newest.table.filter(pl.col("received_reply").is_not_null()))
    table = table.gather_every(table.height // _MOST_ROWS + 1)
    fields = table.drop("received_reply")
    found = _audit("same_export", newest.as_of.when, "received_reply", fields, pl.DataFrame(), table["received_reply"])
    restates = pl.when(pl.col("auc") >= _RESTATES).then(pl.lit("restates"))
    return found.with_columns(restates.alias("finding"))


def _audit(
    labels: str,
    as_of: datetime,
    target: str,
    rows: pl.DataFrame,
    features: pl.DataFrame,
    outcome: pl.Series,
    together: bool = False,
) -> pl.DataFrame:
    """Hold fields, features, and if wanted all features together against one outcome."""
    y = outcome.to_numpy().astype(bool)
    outcomes = int(min(y.sum(), (~y).sum()))
    if outcomes < _LEAST_OUTCOMES:
        return pl.DataFrame(schema=_COLUMNS)
    found = [("field", name, value) for name, value in _best(_encode(rows, y), y).items()]
    found += [("feature", name, value) for name, value in _best(features, y).items()]
    if together and (whole := _together(features, y)) is not None:
        found.append(("all", "all features", whole))
    about = {"labels": labels, "as_of": as_of, "target": target, "rows": len(y), "outcomes": outcomes}
    table = pl.DataFrame([{**about, "kind": kind, "name": name, "auc": value} for kind, name, value in found])
    limit = pl.when(pl.col("kind") == "all").then(ALL_LIMIT).otherwise(ONE_LIMIT)
    table = table.with_columns(finding=pl.when(pl.col("auc") >= limit).then(pl.lit("too good")))
    return table.select(pl.col(name).cast(dtype) for name, dtype in _COLUMNS.items()).sort(
        "auc", "kind", "name", descending=[True, False, False]
    )


def _encode(rows: pl.DataFrame, y: NDArray[np.bool_]) -> pl.DataFrame:
    """Make every field a number, as a model could; columns that end in a star are other ways to see a text."""
    columns: list[pl.Expr] = []
    rate = float(y.mean())
    for field in schema.FIELDS:
        if field.name not in rows.columns or rows[field.name].null_count() == rows.height:
            continue
        if field.kind != "text":
            value = pl.col(field.name).dt.timestamp("us") if field.kind == "time" else pl.col(field.name)
            columns.append(value.cast(pl.Float64))
            continue
        columns.append(pl.col(field.name).is_not_null().cast(pl.Float64))
        if field.name in ("department", "seniority", "account_type"):
            others, happened = (
                pl.col(one).sum().over(field.name) - pl.col(one).sum().over(field.name, "_half") for one in ("_n", "_y")
            )
            columns.append(((happened + rate) / (others + 1)).alias(f"{field.name}*"))
    halves = rows.with_columns(pl.Series("_y", y).cast(pl.Float64), _half=pl.int_range(pl.len()) % 2, _n=pl.lit(1.0))
    return halves.select(columns)


def _best(columns: pl.DataFrame, y: NDArray[np.bool_]) -> dict[str, float]:
    """AUC of each column that knows something, whichever way it orders and wherever what is missing stands."""
    missing = dict(zip(columns.columns, columns.null_count().row(0), strict=True)) if columns.width else {}
    whole = [pl.col(name) for name, nulls in missing.items() if not nulls]
    partly = [pl.col(name) for name, nulls in missing.items() if 0 < nulls < columns.height]
    ways = [whole, [each.fill_null(-np.inf) for each in partly], [each.fill_null(np.inf) for each in partly], partly]
    found: dict[str, float] = {}
    for way in filter(None, ways):
        for name, value in _aucs(columns.select(way), y).items():
            field = name.removesuffix("*")
            found[field] = max(found.get(field, 0.5), value, 1 - value)
    return found


def _aucs(columns: pl.DataFrame, y: NDArray[np.bool_]) -> dict[str, float]:
    """AUC of each column among the rows where it is known: at least half, and enough of both outcomes."""
    ranks = columns.select(pl.all().rank("average"))
    did = ranks.filter(pl.Series(y))
    found = {}
    for name in columns.columns:
        ones, known = did[name].count(), ranks[name].count()
        zeros = known - ones
        if min(ones, zeros) >= _LEAST_OUTCOMES and 2 * known >= len(y):
            found[name] = (float(did[name].sum()) - ones * (ones + 1) / 2) / (ones * zeros)
    return found


def _together(features: pl.DataFrame, y: NDArray[np.bool_]) -> float | None:
    """AUC of a quick scorecard of all features: each half of the rows by what the other half teaches."""
    half = np.arange(len(y)) % 2 == 0
    if not features.width or min(*(np.bincount(y[part], minlength=2).min() for part in (half, ~half)), 10**9) < 10:
        return None
    learned = np.empty(len(y))
    for part in (half, ~half):
        card = boost(features.filter(pl.Series(~part)), y[~part], features.columns, _QUICK, seed=1)
        learned[part] = card.probability(features.filter(pl.Series(part)))
    return auc(y, learned)


def _verdict(table: pl.DataFrame) -> str:
    restating = table.filter(pl.col("finding") == "restates")["name"].to_list()
    said = []
    if restating:
        said.append(
            f"{len(restating)} fields restate received_reply of the same export ({', '.join(sorted(restating))}): "
            "what is learned from that says who wrote, not who will write. The labels used here are of later."
        )
    later = table.filter(pl.col("labels") != "same_export")
    leaks = _say_leaks(later.filter(pl.col("finding") == "too good"))
    if leaks:
        said.append(leaks)
    elif later.is_empty():
        said.append(f"nothing could be held against later outcomes: fewer than {_LEAST_OUTCOMES} of a kind are known")
    else:
        alone = later.filter(pl.col("kind") != "all")
        best = alone.sort("auc", "kind", "name", descending=[True, False, False]).row(0, named=True)
        said.append(
            f"nothing knows what came later: the best alone is {best['name']} (AUC {best['auc']:.3f} for "
            f"{best['target']}), and {ONE_LIMIT} would be too good"
        )
    return "\n".join(said)


def _say_leaks(leaks: pl.DataFrame) -> str:
    """Name what is too good, the best first; nothing where nothing is."""
    if leaks.is_empty():
        return ""
    best = leaks.sort("auc", "kind", "name", descending=[True, False, False]).unique(
        "name", keep="first", maintain_order=True
    )
    each = [
        f"{row['name']} ({row['kind']}, AUC {row['auc']:.3f} for {row['target']} after {row['as_of']:%Y-%m-%d})"
        for row in best.head(5).iter_rows(named=True)
    ]
    more = f" and {best.height - 5} more" if best.height > 5 else ""
    return (
        f"too good to be true: {', '.join(each)}{more}; expected less than {ONE_LIMIT} of one alone and {ALL_LIMIT} of "
        "all; see whether the export holds what came after its date, and leave such a field out"
    )
