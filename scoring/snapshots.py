"""Snapshots: a customer's exports in the order of their dates, ready to learn from and to be judged on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from hashlib import sha256
from typing import Any, Final, TypeAlias

import polars as pl

from scoring import schema
from scoring.context import Context
from scoring.dating import parse_as_of
from scoring.errors import InputError
from scoring.features import compute, observe
from scoring.intake import take_in
from scoring.labels import label, step_back
from scoring.validation import key_of

__all__ = ["Exports", "Labelled", "Snapshot", "label_snapshots", "put_back", "take_snapshots"]

Exports: TypeAlias = Mapping[Any, object] | Sequence[object] | object
"""Contacts by date, a list of exports or paths, or one export."""

_LEFT_OUT: Final = (
    *(field.name for field in schema.FIELDS if field.role == "identity" and field.name != "account_type"),
    "response_activity_id",
)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """One export: what was known on a date.

    Attributes
    ----------
    as_of : datetime
        Its date, in UTC.
    dated : str
        Where the date comes from.
    table : polars.DataFrame
        Rows that count (accepted, each of equal ones once), in an order that does not depend on the input's. The fields
        that labels, baselines and segments need; no names, titles or phone numbers.
    context : Context
        The export's own totals.
    rows, rejected, repeated, suppressed : int
        Rows that came in; and of them those that were not used, and why.
    fingerprint : str
        SHA-256 of the rows that count, whatever their order was.
    """

    as_of: datetime
    dated: str
    table: pl.DataFrame
    context: Context
    rows: int
    rejected: int
    repeated: int
    suppressed: int
    fingerprint: str

    @cached_property
    def features(self) -> pl.DataFrame:
        """All features of the rows of `table`; computed when they are asked for, as labels alone need none."""
        return compute(observe(_whole(self.table), self.as_of, self.context))


@dataclass(frozen=True, eq=False)
class Labelled:
    """Rows whose later is known: one date's features and what happened after it.

    Attributes
    ----------
    as_of : datetime
        The date, in UTC.
    until : datetime
        Labels are for ``as_of <= t < until``.
    rows : polars.DataFrame
        The table of the date, as in `Snapshot`.
    features : polars.DataFrame
        The same rows.
    labels : polars.DataFrame
        The same rows: Boolean for each target, null where open.
    missing : int
        Rows that no later export has; all their labels are open.
    """

    as_of: datetime
    until: datetime
    rows: pl.DataFrame
    features: pl.DataFrame
    labels: pl.DataFrame
    missing: int


def take_snapshots(exports: Exports, *, suppress: Sequence[str] = ()) -> list[Snapshot]:
    """Read exports, date them, and keep of each what can be learned from.

    Parameters
    ----------
    exports : mapping, sequence, or one export
        Contacts by their date (naive means UTC), or a list of exports, or one export; each anything that
        `scoring.score` takes. A date that is not given is that in the file's name, else inferred.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    list of Snapshot
        Ascending by date.

    Raises
    ------
    InputError
        If there is no export, two have the same date or hold the same, or one has no row that counts.
    """
    taken = [_take(contacts, when, suppress) for when, contacts in _list(exports)]
    taken.sort(key=lambda snapshot: snapshot.as_of)
    for one, other in zip(taken, taken[1:], strict=False):
        if one.as_of == other.as_of:
            raise InputError(
                f"two exports of {one.as_of:%Y-%m-%d %H:%M}",
                expected="one export a date",
                hint="leave one out, or give a whole export in one frame",
            )
        if one.table.equals(other.table):  # every contact of it would seem to have fallen silent
            raise InputError(
                f"the exports of {one.as_of:%Y-%m-%d} and {other.as_of:%Y-%m-%d} hold the same",
                expected="an export made anew on each date",
                hint="leave the later one out",
            )
    return taken


def _list(exports: Exports) -> list[tuple[datetime | None, object]]:
    listed: list[tuple[datetime | None, object]]
    first = exports[0] if isinstance(exports, list | tuple) and exports else exports
    if isinstance(first, Mapping) and any(name in schema.NAMES for name in first):
        raise InputError(
            "records in the place of exports",
            expected="one export or several: {date: export, ...}, or a list of files or frames",
            hint="a frame of the records is one export",
        )
    if isinstance(exports, Mapping):
        listed = [(parse_as_of(when), contacts) for when, contacts in exports.items()]
    elif isinstance(exports, list | tuple):
        listed = [(None, contacts) for contacts in exports]
    else:
        listed = [(None, exports)]
    if not listed:
        raise InputError("no export", expected="one export or several, by date or as a list of files")
    return listed


def _take(contacts: object, when: datetime | None, suppress: Sequence[str]) -> Snapshot:
    intake = take_in(contacts, as_of=when, suppress=suppress)
    counted = intake.checked.counted
    if not counted.any():
        raise InputError(
            f"no row of the export of {intake.as_of.when:%Y-%m-%d} counts: {intake.rows} rows, "
            f"{intake.checked.problem.count()} with a problem, {intake.suppressed} suppressed",
            expected="at least one usable row",
            hint="look at it with `scoring check`",
        )
    table = _in_order(intake.export.table.filter(counted))
    context = Context.of(table, intake.as_of.when) if intake.context is None else intake.context
    return Snapshot(
        as_of=intake.as_of.when,
        dated=intake.as_of.how,
        table=table.drop(_LEFT_OUT),
        context=context,
        rows=intake.rows,
        rejected=int((~intake.checked.accepted).sum()),
        repeated=int(intake.checked.repeat.sum()),
        suppressed=intake.suppressed,
        fingerprint=_fingerprint(table, intake.as_of.when),
    )


def _in_order(table: pl.DataFrame) -> pl.DataFrame:
    """Put rows in an order of their own: by key, and where that is the same by all they hold."""
    keyed = table.with_columns(*key_of("_rep", "_who"))
    by = ["_rep", "_who", *table.columns] if keyed.select("_rep", "_who").is_duplicated().any() else ["_rep", "_who"]
    return keyed.sort(by, nulls_last=True).select(table.columns)


def _fingerprint(table: pl.DataFrame, as_of: datetime) -> str:
    digest = sha256(as_of.isoformat().encode())
    digest.update(table.write_csv(datetime_format="%Y-%m-%dT%H:%M:%S%.6fZ", float_precision=9).encode())
    return digest.hexdigest()


def label_snapshots(snapshots: Sequence[Snapshot]) -> list[Labelled]:
    """Say for every date but the last what happened after it, as the later exports prove it.

    Parameters
    ----------
    snapshots : sequence of Snapshot
        Ascending by date.

    Returns
    -------
    list of Labelled
        One for each but the last.
    """
    found = []
    for position, one in enumerate(snapshots[:-1]):
        later = [(other.as_of, other.table) for other in snapshots[position + 1 :]]
        labels, until = label(one.table, one.as_of, later)
        missing = int((~labels["found"]).sum())
        found.append(Labelled(one.as_of, until, one.table, one.features, labels.drop("found"), missing))
    return found


def put_back(snapshot: Snapshot) -> Labelled:
    """Put an export back by 30 days and label it by what has happened since.

    Parameters
    ----------
    snapshot : Snapshot
        The export.

    Returns
    -------
    Labelled
        Rows that had history then. Of the features only those hold that are computed from `labels.RESTORED` alone.
    """
    past, labels, _ = step_back(_whole(snapshot.table), snapshot.as_of)
    start = snapshot.as_of - timedelta(days=30)
    features = compute(observe(past, start, Context.of(past, start)))
    return Labelled(start, snapshot.as_of, past, features, labels, 0)


def _whole(table: pl.DataFrame) -> pl.DataFrame:
    """Put the fields that were left out back as nulls: no feature looks at them."""
    gone = {name: pl.lit(None, schema.field(name).dtype) for name in schema.NAMES if name not in table.columns}
    return table.with_columns(**gone).select(schema.NAMES)
