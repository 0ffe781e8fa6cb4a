"""Review: last month's scores held against what happened since, so that a manager can judge them.

What happened is what later exports prove, by the rules by which models learn and are judged (`labels.label`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from functools import partial
from os import PathLike
from pathlib import Path
from typing import Any, Final

import polars as pl

from scoring.config import HORIZON, Target
from scoring.errors import InputError
from scoring.hindsight import judge, tell
from scoring.intervals import draw_resamples
from scoring.labels import label
from scoring.levels import JUDGED
from scoring.lines import plain
from scoring.paths import local_path
from scoring.reading.frames import kind_of, table_of
from scoring.schema import NAMES
from scoring.scored import Scored, read_scored
from scoring.snapshots import Exports, Labelled, Snapshot, take_snapshots
from scoring.sources import settled
from scoring.tallies import PARTS, Promise, tally
from scoring.validation import find_suppressed, key_of
from scoring.writing import ending_of

__all__ = ["Review", "review_scores"]

_CHANCES: Final[dict[Target, str]] = {
    "reply": "reply_probability",
    "meeting": "meeting_probability",
    "engaged": "priority",
}
_KEY: Final = ("rep", "who")


@dataclass(frozen=True, eq=False)
class Review:
    """What was promised, and what came. Nobody but reps is named.

    Targets are ``reply`` and ``meeting`` within 30 days, and ``engaged``, which is either. Rows whose later is open are
    counted; but for the levels, they are left out of what was expected, too. Intervals hold 95 of 100 draws of the reps
    (of the contacts, where there are fewer than ten reps).

    Attributes
    ----------
    as_of, until : datetime
        What happened from the one (inclusive) to the other (exclusive), in UTC: 30 days if later exports reach so far.
    model_ids : tuple of str
        Models by which the rows were scored.
    labels : polars.DataFrame
        One row for each ``target``: rows that ``happened``, ``did_not``, are ``open`` and of them ``missing`` in the
        later exports; ``settled``: whether the rate of the known is that of 30 days, since hardly any is open.
    levels : polars.DataFrame
        One row for each ``target``: ``rows`` that a later export has, ``open`` ones among them, how many were
        ``expected`` of all of them (sum of the chances) and ``observed`` (proved), and the ``gap``: expected less
        observed, a row, half of the open ones counted, with ``low`` (all of them counted) and ``high`` (none).
    tiers : polars.DataFrame
        One row for each ``target`` and ``tier``: known ``rows``, ``open`` ones, ``expected`` and ``observed`` of the
        known, the ``rate``, the ``lift`` (rate over that of all known rows), the ``gap`` with ``low`` and ``high``.
    top : polars.DataFrame
        What the first ``share`` of the list of each ``target`` found: ``captured``, ``rate`` with ``low`` and ``high``,
        ``lift``, as in `metrics.top_shares`.
    reliability : polars.DataFrame
        Bins of chances for each ``target``, as in `metrics.reliability`.
    reps : polars.DataFrame
        One row for each ``target`` and ``rep``: known ``rows``, ``open`` ones, ``expected``, ``observed``, ``usual``
        (what such contacts brought on the whole: all chances moved alike in log-odds so that as many are expected as
        came), ``low`` and ``high`` (inclusive), ``verdict``: ``fewer``, ``as usual`` or ``more`` than that.
    lists : polars.DataFrame
        As `tiers`, by the ``part`` of the worklist and for rows that were ``not listed``; empty without a worklist.
    strangers : int
        Rows of the worklist that are not among the scored.

    Notes
    -----
    A rep's interval is that of independent contacts, as much wider as the other reps' figures scatter beyond that: of
    753 reps of 48 simulated organisations, with 3 replies or more to expect, 98 of 100 lay inside
    (`benchmarks/reviews.py`). Chances hold how the rep has worked so far, so the verdict is on the month.
    """

    as_of: datetime
    until: datetime
    model_ids: tuple[str, ...]
    labels: pl.DataFrame
    levels: pl.DataFrame
    tiers: pl.DataFrame
    top: pl.DataFrame
    reliability: pl.DataFrame
    reps: pl.DataFrame
    lists: pl.DataFrame
    strangers: int

    @property
    def verdict(self) -> list[str]:
        """Say in sentences whether the scores held: how many came, in what order, by whom, and what to do."""
        whole = self.until - self.as_of >= HORIZON
        return judge(self.levels, self.tiers, self.top, self.reps, self.lists, whole)

    def to_text(self) -> str:
        """Return what was found as lines for a terminal."""
        head = [
            f"Scored as of {self.as_of:%Y-%m-%d} by {plain(', '.join(self.model_ids))}; what later exports prove of "
            f"the {(self.until - self.as_of) / timedelta(days=1):.0f} days until {self.until:%Y-%m-%d}."
        ]
        if self.strangers:
            head.append(f"{self.strangers:,} row(s) of the worklist are not among the scored.")
        frames = ("labels", "tiers", "top", "reliability", "reps", "lists")
        return "\n".join([*head, *tell(self.verdict, {name: getattr(self, name) for name in frames})])

    def to_dict(self) -> dict[str, Any]:
        """Return all of it as plain values, ready for JSON."""
        told: dict[str, Any] = {"verdict": self.verdict}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, pl.DataFrame):
                value = value.with_columns(pl.col(pl.Float64).fill_nan(None)).to_dicts()
            told[field.name] = f"{value:%FT%TZ}" if isinstance(value, datetime) else value
        return {**told, "model_ids": list(self.model_ids)}


def review_scores(scored: Any, later: Exports, *, worklist: Any = None, suppress: Sequence[str] = ()) -> Review:
    """Hold scores against what happened since.

    Parameters
    ----------
    scored : frame, records or path
        What `scoring.score` gave at an earlier date, or a file of it, with the columns that were scored. Rows with a
        `problem` are left out, equal rows count once.
    later : mapping, sequence, or one export
        Exports made after it, as for `scoring.train`; best 30 days after, or a little more.
    worklist : frame or path, optional
        The list that was worked (`scoring.prioritise(...).rows`, or its file): `rep`, `crm_id`, `email`, and its
        `part`. What came of the rows on it is then held against that of the others.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    Review
        The same rows give the same figures, in whatever order they come.

    Raises
    ------
    InputError
        If something cannot be read, no row was scored, an export is not later, or nothing is proved of any row.

    Examples
    --------
    >>> import scoring
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=300))
    >>> when = organisation.dates()[0]
    >>> after = when + timedelta(days=30)
    >>> scored = scoring.score(organisation.export(when), as_of=when)
    >>> review = review_scores(scored, {after: organisation.export(after)})
    >>> review.levels["target"].to_list()
    ['reply', 'meeting', 'engaged']
    """
    found = read_scored(scored)
    rows = _rows(found, suppress)
    snapshots = take_snapshots(later, suppress=suppress)
    _refuse_early(found.as_of, snapshots)
    rows, strangers = _put_parts(rows, worklist)
    labels, until = label(rows.select(NAMES), found.as_of, [(each.as_of, each.table) for each in snapshots])
    missing = int((~labels["found"]).sum())
    lesson = Labelled(found.as_of, until, rows, pl.DataFrame(), labels.drop("found"), missing)
    promises = _promise(rows, labels)
    if not promises:
        raise InputError(
            f"of {rows.height:,} scored rows nothing is proved; {missing:,} of them are not in the later export(s)",
            expected="later exports of the same contacts",
            hint="give the export of about 30 days after the scores",
        )
    return Review(
        as_of=found.as_of,
        until=until,
        model_ids=tuple(rows["model_id"].unique().drop_nulls().sort()),
        labels=_count(lesson),
        **tally(promises),
        strangers=strangers,
    )


def _rows(scored: Scored, suppress: Sequence[str]) -> pl.DataFrame:
    """Keep each scored key once, in an order of its own."""
    scores = scored.scores.select(*_CHANCES.values(), pl.col("tier").cast(pl.String), "model_id")
    wanted = scored.usable & ~find_suppressed(scored.table, suppress)
    rows = pl.concat([scored.table, scores, scored.keys.select(_KEY)], how="horizontal").filter(wanted)
    if rows.is_empty():
        raise InputError(
            f"none of {scored.table.height:,} row(s) was scored", expected="scored contacts that are not suppressed"
        )
    return rows.sort(_KEY, nulls_last=True).unique(_KEY, keep="first", maintain_order=True)


def _refuse_early(as_of: datetime, snapshots: Sequence[Snapshot]) -> None:
    early = [f"{each.as_of:%Y-%m-%d %H:%M}" for each in snapshots if each.as_of <= as_of]
    if early:
        raise InputError(
            f"of {len(snapshots)} export(s) {len(early)} are not later than the scores of {as_of:%Y-%m-%d %H:%M}: "
            f"{', '.join(early[:3])}",
            expected="exports made after the scores",
        )


def _put_parts(rows: pl.DataFrame, worklist: Any) -> tuple[pl.DataFrame, int]:
    """Say of each row where on the worklist it stood; count the rows of the list that are none of them."""
    if worklist is None:
        return rows.with_columns(part=pl.lit(None, pl.String)), 0
    listed = _read_list(worklist)
    beside = rows.join(listed, on=_KEY, how="left", nulls_equal=True, maintain_order="left")
    known = beside["part"].count()
    if not known:
        raise InputError(
            f"none of the {listed.height:,} row(s) of the worklist is among the scored",
            expected="the list that was made of these scores",
        )
    return beside.with_columns(pl.col("part").fill_null("not listed")), listed.height - known


def _read_list(worklist: Any) -> pl.DataFrame:
    """Read the keys and parts of a worklist."""
    kind = kind_of(worklist)
    if isinstance(worklist, str | PathLike):
        source: pl.DataFrame | None = _read_table(local_path(worklist))
    else:
        source = table_of(worklist, kind) if kind else None
    if source is None or not {"rep", "crm_id", "email"} <= set(source.columns):
        raise InputError(
            "the worklist lacks one of the columns rep, crm_id and email",
            expected="what scoring.prioritise(...).rows holds, or the file that `scoring worklist` wrote",
        )
    cells = [pl.col(name).cast(pl.String).str.strip_chars() for name in ("rep", "crm_id", "email")]
    text = source.select(
        # without the quote that a list for a spreadsheet has before what could run as a formula
        *(cell.str.replace(r"^'([=+\-@])", "${1}").replace("", None) for cell in cells),
        part=pl.col("part").cast(pl.String) if "part" in source.columns else pl.lit(None, pl.String),
    )
    part = pl.when(pl.col("part").is_in(PARTS)).then(pl.col("part")).otherwise(pl.lit("listed")).alias("part")
    keyed = text.rename({"rep": "source_email"}).select(*key_of(*_KEY), part)
    return keyed.sort(*_KEY, "part").unique(_KEY, keep="first", maintain_order=True)


def _read_table(path: Path) -> pl.DataFrame:
    """Read a file of any columns; an export would be refused for want of activity."""
    readers: dict[str, Callable[..., pl.DataFrame]] = {
        "parquet": pl.read_parquet,
        "json": pl.read_json,
        "csv": partial(pl.read_csv, infer_schema=False),
    }
    kind = (ending_of(path) or ".").split(".")[1]
    try:
        return readers.get(kind, pl.read_ndjson)(path)
    except (OSError, pl.exceptions.PolarsError) as error:
        raise InputError(
            f"the worklist {path.name!r} cannot be read ({type(error).__name__})",
            expected="a CSV, JSON or Parquet file",
        ) from error


def _promise(rows: pl.DataFrame, labels: pl.DataFrame) -> list[Promise]:
    """Put chances and outcomes of each target together; leave out a target of which nothing is known."""
    drawn = draw_resamples([rows])
    return [
        Promise(
            target=target,
            rows=rows.select("rep", "tier", "part"),
            chances=rows[_CHANCES[target]].to_numpy(),
            label=labels[target],
            found=labels["found"],
            groups=drawn.groups[0],
            counts=drawn.counts,
        )
        for target in JUDGED
        if labels[target].count()
    ]


def _count(lesson: Labelled) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "target": target,
            "happened": int(lesson.labels[target].sum()),
            "did_not": lesson.labels[target].count() - int(lesson.labels[target].sum()),
            "open": lesson.labels[target].null_count(),
            "missing": lesson.missing,
            "settled": settled(lesson, target),
        }
        for target in JUDGED
    )
