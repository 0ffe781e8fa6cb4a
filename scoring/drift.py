"""Drift: what has moved since a model was made, and whether its chances still hold.

How features lie is held against the model's reference by the population stability index. What the model promised at an
earlier date is held against what a later export proves. The verdict says what to do. It goes by what matters: levels,
the priority, and features that say nothing any more. Which feature lies otherwise is listed, and is no alarm alone:
organisations that nothing has happened to change so much in a month that it always would be.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.features import FEATURES
from scoring.levels import measure_levels
from scoring.model import Model, load_model
from scoring.reference import count_shares
from scoring.scorecard import Floats, Table
from scoring.snapshots import Exports, Snapshot, label_snapshots, take_snapshots

__all__ = ["PSI_ACT", "PSI_WATCH", "Drift", "compare_features", "drift_of_snapshots", "measure_drift"]

PSI_WATCH: Final = 0.1
PSI_ACT: Final = 0.5
"""Cuts of the priority's population stability index. The usual 0.25 is passed by some that nothing has happened to."""

# How far the odds of a level may be off beyond its interval, which knows nothing of how months differ. With these cuts
# and those above 80 % of 144 simulated organisations that nothing was done to were stable 30 days after training and
# 5 % to act on. Stable were 8 % of those whose replies were halved or doubled, 15 % of those half of whose reps had no
# inbound mail logged any more, and none of those with an empty column or with every second contact exchanged.
_ODDS_WATCH, _ODDS_ACT = 1.3, 1.75
_FAR: Final = 0.25  # PSI beyond which a feature lies otherwise,
_SHIFT: Final = 0.1  # and log-odds by which it must move the priority for that to matter
_GONE: Final = 0.3  # more of the rows without a value: a column is empty, or rows are of another kind
_TOLD_APART: Final = 0.8  # the share of the fullest bin up to which a feature told rows apart
_KEYS: Final = {
    "rep": pl.col("source_email"),
    "account": pl.coalesce("account_domain", "account_crm_id"),
    "contact": pl.col("email"),
    "org": pl.lit(""),
}
_AGES: Final = frozenset(feature.name for feature in FEATURES if feature.unit == "days")
_ACTIONS: Final = ("stable", "watch", "act")


@dataclass(frozen=True, eq=False)
class Drift:
    """What has moved.

    Attributes
    ----------
    model_id, as_of : str
        The model, and the date of the export.
    rows, reference_rows : int
        Of the export, and of the model's reference; 0 if it has none.
    features : polars.DataFrame
        One row for each feature of the model, those that move the priority most first: ``feature``; ``psi``;
        ``by_chance`` (what it would be between two exports that differ by chance alone); ``shift`` (what it adds now
        to the mean log-odds of the priority, against the reference); ``missing_then`` and ``missing_now`` (shares of
        rows); ``lost`` (whether it is missing in far more rows, or the same in all: as if a column were empty). Empty
        without a reference.
    priority_psi, priority_by_chance : float
        The same of the priority.
    levels : polars.DataFrame
        Expected against observed, by ``kind``, ``as_of`` and ``target``. ``chance``: mean chance in the reference, and
        in the export. ``past``: share that wrote or met in the 30 days before, of rows with history then, in the
        reference and in the export. ``proved``: mean chance at an earlier date, and the share that later exports prove
        of the same rows, with the ``auc`` there, and ``whole``: whether the 30 days were over. ``low`` and ``high``
        bound what is observed: at 95 %, over reps, and whichever way rows turned out that are open.
    action : str
        ``stable``, ``watch`` or ``act``.
    verdict : str
        What to do, and why.
    """

    model_id: str
    as_of: str
    rows: int
    reference_rows: int
    features: pl.DataFrame
    priority_psi: float
    priority_by_chance: float
    levels: pl.DataFrame
    action: str
    verdict: str

    def to_dict(self) -> dict[str, Any]:
        """Return the drift as plain values, ready for JSON."""
        dated = self.levels.with_columns(pl.col("as_of").dt.strftime("%FT%TZ"), pl.col("auc").fill_nan(None))
        return {**asdict(self), "features": self.features.to_dicts(), "levels": dated.to_dicts()}

    def to_text(self, top: int = 8) -> str:
        """Return the drift as lines for a terminal: the verdict, levels, and the features that moved most."""
        against = f"a reference of {self.reference_rows:,}" if self.reference_rows else "no reference"
        lines = [
            f"{self.model_id} at {self.as_of}: {self.rows:,} rows against {against}",
            f"{self.action}: {self.verdict}",
            f"priority: PSI {self.priority_psi:.3f} ({self.priority_by_chance:.3f} by chance)",
        ]
        lines += [_level_in_words(row) for row in self.levels.iter_rows(named=True)]
        for row in self.features.head(top).iter_rows(named=True):
            lines.append(
                f"{row['feature']}: PSI {row['psi']:.3f} ({row['by_chance']:.3f} by chance), "
                f"shifts the priority by {row['shift']:+.2f}"
            )
        return "\n".join(lines)


def measure_drift(
    model: Model | str | Path,
    exports: Exports,
    *,
    suppress: Sequence[str] = (),
) -> Drift:
    """Measure what has moved since a model was made, and say what to do.

    Parameters
    ----------
    model : Model, str or Path
        The model in use.
    exports : mapping, sequence, or one export
        As for `scoring.train`. The newest is what is measured. With earlier ones, what the model promises there is held
        against what later ones prove; at least 30 days earlier is best.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    Drift

    Raises
    ------
    InputError
        If an export cannot be used, or two are of one date.

    Notes
    -----
    The population stability index is ``sum (q - p) log(q / p)`` over bins, with shares ``p`` of the reference and ``q``
    of the export, half a row added to each bin. Between two samples of one population it is about ``(bins - 1) (1 / n
    + 1 / m)``, which is told beside it and taken off before it is held against a cut. For totals of reps, accounts and
    contacts, whose rows share one value, ``n`` is the effective number of those.

    ``act``: a feature is lost; the priority's index is 0.5 or more; or a level is off beyond its interval by a factor
    of 1.75 in the odds or more. ``watch``: the priority's index is 0.1 or more; a feature's is 0.25 or more and it
    moves the priority by 0.1 in log-odds or more; a level is off by a factor of 1.3 or more; or all of that for a model
    of simulated organisations, whose features say nothing of change. Else ``stable``.

    Examples
    --------
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=300))
    >>> exports = {each: organisation.export(each) for each in organisation.dates(2)}
    >>> drift = measure_drift("shipped", exports)
    >>> drift.levels.filter(kind="proved")["target"].to_list()
    ['reply', 'meeting', 'engaged']
    """
    return drift_of_snapshots(load_model(model), take_snapshots(exports, suppress=suppress))


def drift_of_snapshots(model: Model, snapshots: Sequence[Snapshot]) -> Drift:
    """Measure drift on exports that have been taken in.

    Parameters
    ----------
    model : Model
        The model in use.
    snapshots : sequence of Snapshot
        Ascending by date.

    Returns
    -------
    Drift
    """
    newest = snapshots[-1]
    levels = measure_levels(model, newest, label_snapshots(snapshots))
    features = compare_features(model, newest)
    priority, by_chance = _priority(model, newest)
    action, verdict = _decide(model, features, priority - by_chance, levels)
    return Drift(
        model_id=model.id,
        as_of=f"{newest.as_of:%Y-%m-%dT%H:%M:%SZ}",
        rows=newest.table.height,
        reference_rows=0 if model.reference is None else model.reference.rows,
        features=features,
        priority_psi=priority,
        priority_by_chance=by_chance,
        levels=levels,
        action=action,
        verdict=verdict,
    )


def compare_features(model: Model, snapshot: Snapshot) -> pl.DataFrame:
    """Hold how features lie in an export against a model's reference.

    Parameters
    ----------
    model : Model
        The model.
    snapshot : Snapshot
        The export.

    Returns
    -------
    polars.DataFrame
        As `Drift.features`.
    """
    kept = {"feature": pl.String(), "psi": pl.Float64(), "by_chance": pl.Float64(), "shift": pl.Float64()}
    missing = {"missing_then": pl.Float64(), "missing_now": pl.Float64()}
    shape = pl.Schema({**kept, **missing, "lost": pl.Boolean()})
    if model.reference is None:
        return pl.DataFrame(schema=shape)
    card = model.with_context["engaged"]
    moved = dict(zip(card.features, _mean(card.contributions(snapshot.features)), strict=True))
    rows = snapshot.table.height
    clumps = {level: _effective(snapshot.table, key) for level, key in _KEYS.items()}
    shares = count_shares(model.reference.features, snapshot.features)
    found = []
    for table in model.reference.features:
        now = shares[table.feature]
        alike = clumps.get(table.feature.split("_")[0], rows) / rows  # the reference is taken to be as clumped
        psi, by_chance = _psi(table.values, now, model.reference.rows, rows, alike)
        then_missing, now_missing = float(table.values[-1]), float(now[-1])
        lost = now_missing - then_missing >= _GONE or _same(table, snapshot.features[table.feature])
        shift = float(moved.get(table.feature, 0.0))
        found.append((table.feature, psi, by_chance, shift, then_missing, now_missing, lost))
    frame = pl.DataFrame(found, schema=shape, orient="row")
    order = [pl.col("shift").abs(), pl.col("psi"), pl.col("feature")]
    return frame.sort(order, descending=[True, True, False])


def _same(table: Table, now: pl.Series) -> bool:
    """Whether a feature that told rows apart is the same in all; ages may be, as for reps who all write daily."""
    return table.feature not in _AGES and float(table.values.max()) <= _TOLD_APART and now.drop_nulls().n_unique() <= 1


def _mean(matrix: Floats) -> list[float]:
    """Mean of each column, whatever the order of rows."""
    return [float(np.sort(column).mean()) for column in matrix.T]


def _effective(table: pl.DataFrame, key: pl.Expr) -> float:
    """Effective number of reps, accounts or contacts: that of equally large ones that clump rows as much."""
    sizes = table.select(key.str.to_lowercase().alias("key")).group_by("key").len()["len"].cast(pl.Float64)
    return float(sizes.sum()) ** 2 / float(sizes.pow(2).sum())


def _psi(then: Floats, now: Floats, rows_then: float, rows_now: float, alike: float = 1.0) -> tuple[float, float]:
    """Take the population stability index, and what it would be by chance; of bins that hold something."""
    some = (then > 0) | (now > 0)
    bins = int(some.sum())
    p, q = ((share[some] * rows + 0.5) / (rows + 0.5 * bins) for share, rows in ((then, rows_then), (now, rows_now)))
    return float(np.sum((q - p) * np.log(q / p))), (bins - 1) * (1 / rows_then + 1 / rows_now) / alike


def _priority(model: Model, snapshot: Snapshot) -> tuple[float, float]:
    """Take the index of the priority against the reference; of models of before against the quantiles."""
    priority = model.with_context["engaged"].probability(snapshot.features)
    if model.reference is not None and model.reference.priority is not None:
        table = model.reference.priority
        now = count_shares((table,), pl.DataFrame({table.feature: priority}))[table.feature]
        return _psi(table.values, now, model.reference.rows, len(priority))
    edges = np.unique(model.quantiles[99::100])
    below = np.searchsorted(model.quantiles, edges, side="right") / (len(model.quantiles) + 1)
    then = np.diff(below, prepend=0.0, append=1.0)
    counts = np.bincount(np.searchsorted(edges, priority, side="left"), minlength=len(then))
    rows = len(priority)
    rows_then = 10 * rows if model.reference is None else model.reference.rows  # unknown: taken to be many
    return _psi(then, counts / rows, rows_then, rows)


def _off(row: dict[str, Any], followed: float = 0.0) -> int:
    """How far a level is off what was expected, or what follows from that: 0, 1 to watch, 2 to act on."""
    low, expected, high = (_logit(row[part], row["rows"]) for part in ("low", "expected", "high"))
    beyond = max(low - expected - followed, expected + followed - high)
    return int(beyond >= math.log(_ODDS_WATCH)) + int(beyond >= math.log(_ODDS_ACT))


def _logit(share: float, rows: int) -> float:
    return math.log((share * rows + 0.5) / ((1 - share) * rows + 0.5))


def _decide(model: Model, features: pl.DataFrame, priority: float, levels: pl.DataFrame) -> tuple[str, str]:
    """Say what to do: 0, 1 or 2 for each sign, the worst counts."""
    level, said = _judge_levels(levels)
    feature, moved = _judge_features(features, priority)
    if model.reference is None:
        moved = f"the model has no reference of features, so it cannot be said which moved; {moved}"
    if model.provenance.get("learned_from") == "simulated organisations":
        feature = min(feature, 1)  # how unlike simulated organisations an export is, is no change
        moved = f"against simulated organisations, which this never was: {moved}"
    said.append(moved)
    if feature == 2 and features["lost"].any():
        said.append("look at the export first (`scoring check`)")
    elif feature == 2:
        said.append("train again with the newest exports")
    elif level == 2:
        said.append("recalibrate: that moves the chances and keeps the order")
    elif max(feature, level) == 1:
        said.append("nothing to do yet: measure again with the next export")
    return _ACTIONS[max(feature, level)], "; ".join(said)


def _judge_levels(levels: pl.DataFrame) -> tuple[int, list[str]]:
    """Judge by the newest date that proves the level; where none does, by whether chances moved with the past."""
    never = levels.filter(pl.col("expected") == 0, kind="past")["target"].to_list()
    # what never happened, as meetings where no calendar is connected, may go on not to happen
    proved = levels.filter(pl.col("whole"), ~(pl.col("target").is_in(never) & (pl.col("observed") == 0)), kind="proved")
    if proved.height:
        newest = proved.filter(pl.col("as_of") == proved["as_of"].max())
        each = {row["target"]: (_off(row), row) for row in newest.iter_rows(named=True)}
        worst = max(off for off, _ in each.values())
        shown = [
            f"{target} promised {row['expected']:.1%}, proved {row['observed']:.1%}"
            for target, (off, row) in each.items()
            if off == worst
        ]
        what = ("the chances held", "chances are somewhat off", "chances are off")[worst]
        rows = max(newest["rows"].to_list())
        return worst, [f"{what} after {newest['as_of'][0]:%Y-%m-%d}, as far as {rows:,} rows tell ({', '.join(shown)})"]
    worst, shown = 0, []
    chance = {row["target"]: row for row in levels.filter(kind="chance").iter_rows(named=True)}
    for row in levels.filter(kind="past").iter_rows(named=True):
        also = chance[row["target"]]
        followed = _logit(also["observed"], also["rows"]) - _logit(also["expected"], also["rows"])
        off = _off(row, followed)
        worst = max(worst, off)
        if off:
            shown.append(
                f"the share with {_PAST[row['target']]} in 30 days went from {row['expected']:.1%} to "
                f"{row['observed']:.1%}, the mean chance from {also['expected']:.1%} to {also['observed']:.1%}"
            )
    unproved = "no earlier export proves the level (give one of at least 30 days before, too)"
    if not chance:
        return 0, [unproved]
    if not shown:
        return 0, [f"mean chances moved with what happened in the last 30 days, as far as one export shows; {unproved}"]
    return min(worst, 1), [f"{', '.join(shown)}; {unproved}"]  # one export shows the past, not what was promised


_PAST: Final = {"reply": "a reply", "meeting": "a meeting", "engaged": "either"}


def _judge_features(features: pl.DataFrame, priority: float) -> tuple[int, str]:
    """Judge by features that are lost, the priority as a whole, and features that move it."""
    lost = features.filter("lost")["feature"]
    far = features.filter(pl.col("psi") - pl.col("by_chance") >= _FAR, pl.col("shift").abs() >= _SHIFT, ~pl.col("lost"))
    worst = max(int(priority >= PSI_WATCH) + int(priority >= PSI_ACT), int(far.height > 0), 2 * int(lost.len() > 0))
    said = []
    if lost.len():
        said.append(
            f"{lost.len()} of {features.height} features are missing in far more rows than they were, or the same in "
            f"all ({', '.join(lost.head(4))}): is a column empty or called otherwise, or are the contacts others?"
        )
    if far.height:
        worded = [f"{name} PSI {psi:.2f}" for name, psi in far.select("feature", "psi").head(4).iter_rows()]
        said.append(f"{far.height} of {features.height} features move the priority ({', '.join(worded)})")
    if priority >= PSI_WATCH:
        said.append(f"priorities are spread otherwise (PSI {priority:.2f}; {features['shift'].sum():+.2f} in log-odds)")
    return worst, "; ".join(said) or "priorities are spread about as they were"


def _level_in_words(row: dict[str, Any]) -> str:
    expected, observed = f"{row['expected']:.1%}", f"{row['observed']:.1%}"
    if row["kind"] == "chance":
        return f"{row['target']}: mean chance {expected} then, {observed} now"
    bounded = f"{observed} ({row['low']:.1%} to {row['high']:.1%})"
    if row["kind"] == "past":
        return f"{row['target']}: {_PAST[row['target']]} in the last 30 days for {expected} then, {bounded} now"
    order = "" if math.isnan(row["auc"]) else f", AUC {row['auc']:.3f}"
    part = "" if row["whole"] else " so far, before the 30 days were over"
    return f"{row['target']} after {row['as_of']:%Y-%m-%d}: {expected} promised, {bounded} proved{part}{order}"
