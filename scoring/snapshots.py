"""Snapshots: a customer's exports in the order of their dates, ready to learn from and to be judged on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from hashlib import sha256
from typing import Any, Final, TypeAlias

import polars as pl

from scoring import schema
from scoring.config import HORIZON, TrainingConfig
from scoring.context import Context
from scoring.dating import parse_as_of
from scoring.errors import InputError
from scoring.features import compute, compute_facts, observe
from scoring.labels import label, step_back
from scoring.sampling import Sample
from scoring.sifting import Sifted, rows_ahead, sift
from scoring.sums import Past
from scoring.validation import key_of

__all__ = [
    "Exports",
    "Labelled",
    "Sift",
    "Snapshot",
    "in_order",
    "label_snapshots",
    "put_back",
    "sift_exports",
    "snapshot_of",
    "take_snapshots",
]

Exports: TypeAlias = Mapping[Any, object] | Sequence[object] | object
"""Contacts by date, a list of exports or paths, or one export."""

Sift: TypeAlias = Callable[[Any, datetime | None, Sequence[str], Callable[[int], Sample] | None], Sifted]
"""What takes the rows of a sample from an export, as `sifting.sift` does."""

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
        The export's own totals: of all rows that count, those too that the sample leaves out.
    rows, rejected, repeated, suppressed : int
        Rows that came in; and of them those that were not used, and why.
    fingerprint : str
        SHA-256 of the date and of the rows of `table` with all their fields, whatever their order was.
    sample : Sample
        Which contacts `table` holds.
    past : Past or None
        What all rows say of the 30 days before; None where `table` holds all.
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
    sample: Sample = Sample()
    past: Past | None = None

    @cached_property
    def features(self) -> pl.DataFrame:
        """All features of the rows of `table`; computed when they are asked for, as labels alone need none."""
        return compute(observe(_whole(self.table), self.as_of, self.context))

    @property
    def facts(self) -> pl.DataFrame:
        """The plain numbers of the rows of `table` that reasons are told by; computed each time."""
        return compute_facts(observe(_whole(self.table), self.as_of, self.context))


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


def take_snapshots(
    exports: Exports, *, suppress: Sequence[str] = (), config: TrainingConfig | None = None, by: Sift = sift
) -> list[Snapshot]:
    """Read exports, date them, and keep of each what can be learned from.

    Parameters
    ----------
    exports : mapping, sequence, or one export
        Contacts by their date (naive means UTC), or a list of exports, or one export; each anything that
        `scoring.score` takes. A date that is not given is that in the file's name, else inferred.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.
    config : TrainingConfig, optional
        Says how many rows are kept (`most_rows`) and which (`seed`): of exports that hold more, one in so many
        contacts, by `sampling.Sample`. By default all are.
    by : callable
        What takes the rows from an export: `sifting.sift`, or one like it for exports of another kind.

    Returns
    -------
    list of Snapshot
        Ascending by date.

    Raises
    ------
    InputError
        If there is no export, two have the same date or hold the same, or one has no row that counts.
    """
    taken = [snapshot_of(sifted) for sifted in sift_exports(exports, suppress=suppress, config=config, by=by)]
    for one, other in zip(taken, taken[1:], strict=False):
        if one.table.equals(other.table):  # every contact of it would seem to have fallen silent
            raise InputError(
                f"the exports of {one.as_of:%Y-%m-%d} and {other.as_of:%Y-%m-%d} hold the same",
                expected="an export made anew on each date",
                hint="leave the later one out",
            )
    return taken


def sift_exports(
    exports: Exports, *, suppress: Sequence[str] = (), config: TrainingConfig | None = None, by: Sift = sift
) -> list[Sifted]:
    """Read and date exports, and keep of each the rows that are learned from, with all their fields.

    Parameters
    ----------
    exports, suppress, config, by
        As for `take_snapshots`.

    Returns
    -------
    list of Sifted
        Ascending by date, all of one sample.

    Raises
    ------
    InputError
        If there is no export, two have the same date, or one has no row that counts.
    """
    taken: list[Sifted] = []
    listed = _list(exports)
    ahead = [0 if config is None else rows_ahead(contacts) for _, contacts in listed]
    for number, (when, contacts) in enumerate(listed, start=1):
        others = sum(one.rows for one in taken) + sum(ahead[number:])
        choose = None if config is None else partial(_choose, config, others)
        taken.append(by(contacts, when, suppress, choose))
        # the more rows there are, the fewer contacts: those that are in then were in before
        taken = [one.thinned(taken[-1].sample) for one in taken]
    taken.sort(key=lambda one: one.as_of.when)
    for one, other in zip(taken, taken[1:], strict=False):
        if one.as_of.when == other.as_of.when:
            raise InputError(
                f"two exports of {one.as_of.when:%Y-%m-%d %H:%M}",
                expected="one export a date",
                hint="leave one out, or give a whole export in one frame",
            )
    return taken


def _choose(config: TrainingConfig, others: int, rows: int) -> Sample:
    """Choose the sample for some rows beside others."""
    return Sample.of(others + rows, config.most_rows, config.seed)


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


def snapshot_of(sifted: Sifted) -> Snapshot:
    """Keep of an export what can be learned from.

    Parameters
    ----------
    sifted : Sifted
        Its rows.

    Returns
    -------
    Snapshot
    """
    table = in_order(sifted.table)
    return Snapshot(
        as_of=sifted.as_of.when,
        dated=sifted.as_of.how,
        table=table.drop(_LEFT_OUT),
        context=sifted.context,
        rows=sifted.rows,
        rejected=sifted.rejected,
        repeated=sifted.repeated,
        suppressed=sifted.suppressed,
        fingerprint=_fingerprint(table, sifted.as_of.when),
        sample=sifted.sample,
        past=sifted.past,
    )


def in_order(table: pl.DataFrame) -> pl.DataFrame:
    """Put rows in an order of their own: by key, and where that is the same by all they hold.

    Parameters
    ----------
    table : polars.DataFrame
        Typed contacts.

    Returns
    -------
    polars.DataFrame
        The same rows, in the same order however they came.
    """
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
    whole, start = snapshot.past, snapshot.as_of - HORIZON
    past, labels, _ = step_back(_whole(snapshot.table), snapshot.as_of, None if whole is None else whole.filled)
    features = compute(observe(past, start, Context.of(past, start) if whole is None else whole.context))
    return Labelled(start, snapshot.as_of, past, features, labels, 0)


def _whole(table: pl.DataFrame) -> pl.DataFrame:
    """Put the fields that were left out back as nulls: no feature looks at them."""
    gone = {name: pl.lit(None, schema.field(name).dtype) for name in schema.NAMES if name not in table.columns}
    return table.with_columns(**gone).select(schema.NAMES)
