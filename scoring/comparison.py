"""Two exports compared: who rose, who fell, who is new or gone, and why, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl

from scoring.errors import InputError, warn
from scoring.lines import plain
from scoring.model import SHIPPED, Model, load_model
from scoring.moves import PARTS, split_moves
from scoring.percentages import in_percent
from scoring.scorecard import Floats, logistic
from scoring.standing import Standing, read_standing
from scoring.trends import TRENDS, name_trends
from scoring.validation import key_of

__all__ = ["Comparison", "Side", "compare"]

_WHO: Final = ("source_email", "crm_id", "email", "first_name", "last_name", "account_name")
_STATUSES: Final = ("both", "new", "gone")
_BEYOND: Final = 700.0
_AS_IT_STANDS: Final = "the old scores are taken as they stand in the file: they are by"


@dataclass(frozen=True)
class Side:
    """One of the two exports.

    Attributes
    ----------
    as_of : datetime
        Its date, in UTC.
    dated : str
        Where the date comes from.
    model_id : str
        By which model its scores are.
    rows, scored, suppressed : int
        Rows that came in; those that can be scored, of equal ones one; those that `suppress` names.
    """

    as_of: datetime
    dated: str
    model_id: str
    rows: int
    scored: int
    suppressed: int


@dataclass(frozen=True, eq=False)
class Comparison:
    """What changed between two exports.

    Attributes
    ----------
    old, new : Side
        The exports.
    moves : polars.DataFrame
        One row for each contact of a rep in either export: those in both by `chance`, the risers first, then the new
        ones, then those that are gone. `status` (both, new, gone); `trend` (improving, steady, declining, not enough);
        who it is; priority and tier then and now; `chance`, what the priority moved by, and its parts `chance_model`,
        `chance_time`, `chance_activity` and `chance_context`; `move` and its parts `move_model` and so on, the same in
        log-odds; `why`, in words. Null for whatever is in one export only; `why` are the reasons then.
    notes : tuple of str
        What has to be known to read it.
    """

    old: Side
    new: Side
    moves: pl.DataFrame
    notes: tuple[str, ...]

    @property
    def parts(self) -> pl.DataFrame:
        """Mean and mean size of each part over contacts in both, in log-odds; in how many it is the largest."""
        both = self.moves.filter(status="both")
        sizes = both.select(pl.col(f"move_{part}").abs().alias(part) for part in PARTS).to_numpy()
        most = np.bincount(sizes.argmax(axis=1)[sizes.max(axis=1) > 0] if len(sizes) else [], minlength=len(PARTS))
        means = [both[f"move_{part}"].sort().mean() for part in PARTS]
        large = [both[f"move_{part}"].abs().sort().mean() for part in PARTS]
        return pl.DataFrame(
            {"part": PARTS, "mean": means, "mean_size": large, "largest": most.tolist()},
            schema={"part": pl.String, "mean": pl.Float64, "mean_size": pl.Float64, "largest": pl.Int64},
        )

    @property
    def tiers(self) -> pl.DataFrame:
        """How many contacts in both went from which tier to which: `old_tier`, `new_tier`, `contacts`."""
        both = self.moves.filter(status="both").group_by("old_tier", "new_tier").agg(contacts=pl.len())
        return both.sort("old_tier", "new_tier")

    def to_dict(self) -> dict[str, Any]:
        """Return the figures as plain values, ready for JSON: counts and means, nobody's row."""
        return {
            "old": _plain_side(self.old),
            "new": _plain_side(self.new),
            "status": {name: self.moves.filter(status=name).height for name in _STATUSES},
            "trend": {name: self.moves.filter(status="both", trend=name).height for name in TRENDS},
            "parts": self.parts.to_dicts(),
            "tiers": self.tiers.to_dicts(),
            "notes": list(self.notes),
        }

    def to_text(self, top: int = 5) -> str:
        """Return the comparison as lines for a terminal: figures, then the contacts that rose and fell most.

        Parameters
        ----------
        top : int
            How many of each.

        Returns
        -------
        str
        """
        figures = self.to_dict()
        counted, trends = figures["status"], figures["trend"]
        lines = [
            f"From {_named(self.old)} to {_named(self.new)}",
            f"{counted['both']:,} in both, {counted['new']:,} new, {counted['gone']:,} gone",
            f"of those in both: {', '.join(f'{trends[name]:,} {name}' for name in TRENDS if trends[name])}"
            if counted["both"]
            else "no contact is in both",
            *self.notes,
        ]
        if counted["both"]:
            shown = [
                f"{row['part']} {row['mean']:+.2f} ({row['mean_size']:.2f})"
                for row in figures["parts"]
                if row["mean_size"]
            ]
            lines.append(f"parts of a move in log-odds, mean (mean size): {', '.join(shown) or 'all 0'}")
        both = self.moves.filter(status="both")
        risers, fallers = both.filter(pl.col("chance") > 0), both.filter(pl.col("chance") < 0)
        for title, rows in (
            ("rose most", risers.head(top)),
            ("fell most", fallers.reverse().head(top)),
            ("new, highest priority first", self.moves.filter(status="new").head(top)),
            ("gone, highest priority first", self.moves.filter(status="gone").head(top)),
        ):
            if rows.height:
                lines += ["", f"{title}:", *(line for row in rows.iter_rows(named=True) for line in _in_words(row))]
        return "\n".join(lines)


def compare(
    old: Any,
    new: Any,
    *,
    model: Model | str | Path = SHIPPED,
    old_model: Model | str | Path | None = None,
    old_as_of: datetime | date | str | None = None,
    new_as_of: datetime | date | str | None = None,
    suppress: Sequence[str] = (),
) -> Comparison:
    """Say how each contact's priority moved between two exports, and split each move exactly.

    Parameters
    ----------
    old, new : frame or path
        Whole exports, scored or not; anything of the kinds that `scoring.score` takes, save records.
    model : Model, str or Path
        The model of the new scores; where `new` is scored, the one that it was scored by.
    old_model : Model, str or Path, optional
        The model of the old scores; by default the same. Where `old` was scored by another model, its scores are taken
        as they stand, so the old model is not needed.
    old_as_of, new_as_of : datetime, date or str, optional
        Dates of the exports; naive means UTC. By default what scored rows say, or the file's name, else inferred.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    Comparison

    Raises
    ------
    InputError
        If an export cannot be used, or `old` is the newer one.
    ModelError
        If scored rows were scored by another model than the one given.

    Warns
    -----
    SchemaWarning
        If scores computed anew are not those in the file, as where it is only a part of the export.

    Notes
    -----
    What a score depends on is replaced in a fixed order, see `scoring.moves`: first the *model*, then *time* passes and
    nothing happens to the contact, then its own new *activity*, then the *context*, the rest of the export. Each part
    is the difference between two scores, so the parts add up to the move, to rounding.

    Rows are the same contact if they share `source_email` and `crm_id`, or `email` where one of them has no `crm_id`.
    A contact is *improving* if its odds grew by half or more and its chance by a point or more, the new model's part
    aside, *declining* if both shrank as much, else *steady*; *not enough* if there is no mail or meeting with it at
    all, or it is in one export only.

    Examples
    --------
    >>> import polars as pl
    >>> from scoring.simulation import Settings, draw_organisation
    >>> organisation = draw_organisation(3, Settings(rows=60))
    >>> then, now = organisation.dates(2)
    >>> moves = compare(organisation.export(then), organisation.export(now), old_as_of=then, new_as_of=now).moves
    >>> moves.select((pl.sum_horizontal("^move_.*$") - pl.col("move")).abs().max() < 1e-9).item()
    True
    """
    loaded, before = load_model(model), None if old_model is None else load_model(old_model)
    then, now = (
        read_standing("old export", old, old_as_of, suppress),
        read_standing("new export", new, new_as_of, suppress),
    )
    if then.as_of > now.as_of:
        raise InputError(
            f"the old export is of {then.as_of:%Y-%m-%d}, the new one of {now.as_of:%Y-%m-%d}",
            expected="the older one first",
            hint="swap them, or give their dates",
        )
    scored_now, note_now = now.score(loaded, "pass its folder as model= (--model)")
    scored_then, old_id, note_then = _score_old(then, before, loaded)
    for standing, note in ((then, note_then), (now, note_now)):
        if note and not standing.taken.suppressed:
            warn(note)
    as_it_stands = None if old_id in (loaded.id, getattr(before, "id", None)) else f"{_AS_IT_STANDS} {old_id}"
    moves = _join(_keys(then, scored_then), _keys(now, scored_now), then, now, loaded, old_id)
    sides = (_side(then, old_id), _side(now, loaded.id))
    return Comparison(*sides, moves, tuple(note for note in (as_it_stands, note_then, note_now) if note))


def _score_old(then: Standing, before: Model | None, model: Model) -> tuple[pl.DataFrame, str, str | None]:
    """Score the old export, or take its scores as they stand where they are by a model that is not at hand."""
    if before is None and then.scores is not None and then.model_id is not None and then.model_id != model.id:
        return then.scores, then.model_id, None
    scored, note = then.score(before or model, "pass its folder as old_model= (--old-model)")
    return scored, (before or model).id, note


def _side(standing: Standing, model_id: str) -> Side:
    taken = standing.taken
    return Side(taken.as_of.when, taken.as_of.how, model_id, taken.rows, standing.table.height, taken.suppressed)


def _plain_side(side: Side) -> dict[str, Any]:
    return {**vars(side), "as_of": f"{side.as_of:%Y-%m-%dT%H:%M:%SZ}"}


def _keys(standing: Standing, scored: pl.DataFrame) -> pl.DataFrame:
    """Key, number among the counted rows, names and scores of each contact."""
    scores = scored.select("priority", "tier", "evidence", "reasons").filter(standing.taken.checked.counted)
    return standing.table.select(*key_of("rep", "who"), *_WHO).with_row_index("row").hstack(scores)


def _join(
    old: pl.DataFrame, new: pl.DataFrame, then: Standing, now: Standing, model: Model, old_id: str
) -> pl.DataFrame:
    """Match the contacts of both exports and put the moves beside them."""
    on = ["rep", "who"]
    both, came, went = _match(old, new)
    stayed = _moved(both, then, now, model, both["priority_old"] if old_id != model.id else None)
    lone = [_alone(came, "new", "new"), _alone(went, "gone", "old")]
    parts = [stayed.sort("chance", "move", *on, descending=[True, True, False, False], nulls_last=True), *lone]
    whole = pl.concat(parts, how="diagonal_relaxed").drop(on)
    return whole.with_columns(pl.col("status").cast(pl.Enum(_STATUSES)), pl.col("trend").cast(pl.Enum(TRENDS)))


def _match(old: pl.DataFrame, new: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]:
    """Find the contacts that are in both, in the new and in the old only; some may have got a `crm_id` since."""
    by_key, by_address = ["rep", "who"], ["rep", "address"]
    both = new.join(old, on=by_key, how="inner", nulls_equal=True, suffix="_old", maintain_order="left")
    came = new.join(old, on=by_key, how="anti", nulls_equal=True, maintain_order="left")
    went = old.join(new, on=by_key, how="anti", nulls_equal=True, maintain_order="left")
    address = pl.col("email").str.to_lowercase().alias("address")
    lone = [
        rows.with_columns(address).filter(pl.col("address").is_not_null() & ~pl.struct(by_address).is_duplicated())
        for rows in (came, went)
    ]
    again = lone[0].join(lone[1], on=by_address, how="inner", nulls_equal=True, suffix="_old", maintain_order="left")
    again = again.filter(pl.col("crm_id").is_null() | pl.col("crm_id_old").is_null())
    came = came.filter(~pl.col("row").is_in(again["row"].implode()))
    went = went.filter(~pl.col("row").is_in(again["row_old"].implode()))
    return pl.concat([both, again.select(both.columns)]), came, went


def _alone(rows: pl.DataFrame, status: str, which: str) -> pl.DataFrame:
    """Rows that are in one export only, the highest priority first."""
    ordered = rows.sort("priority", "rep", "who", descending=[True, False, False], nulls_last=True)
    known = {"priority": f"{which}_priority", "tier": f"{which}_tier", "reasons": "why"}
    labels = [pl.lit(status).alias("status"), pl.lit("not enough").alias("trend")]
    return ordered.rename(known).select(*_WHO, "rep", "who", *known.values(), *labels)


def _moved(both: pl.DataFrame, then: Standing, now: Standing, model: Model, before: pl.Series | None) -> pl.DataFrame:
    """Split the moves of the contacts that are in both exports."""
    as_read = None if before is None else _log_odds(before.to_numpy())
    moves = split_moves(then.stand(both["row_old"]), now.stand(both["row"]), model, as_read)
    path, chances = moves.log_odds, logistic(moves.log_odds)
    return pl.DataFrame(
        {
            "status": pl.Series(["both"]).new_from_index(0, both.height),
            "trend": _trend(path, chances, both["evidence"]),
            **{name: both[name] for name in (*_WHO, "rep", "who")},
            "old_priority": both["priority_old"],
            "new_priority": both["priority"],
            "old_tier": both["tier_old"],
            "new_tier": both["tier"],
            "chance": chances[:, -1] - chances[:, 0],
            **{f"chance_{part}": step for part, step in zip(PARTS, np.diff(chances).T, strict=True)},
            "move": path[:, -1] - path[:, 0],
            **{f"move_{part}": step for part, step in zip(PARTS, np.diff(path).T, strict=True)},
            "why": moves.why,
        }
    )


def _log_odds(chance: Floats) -> Floats:
    with np.errstate(divide="ignore"):
        found: Floats = np.clip(np.log(chance) - np.log1p(-chance), -_BEYOND, _BEYOND)
    return found


def _trend(path: Floats, chances: Floats, evidence: pl.Series) -> pl.Series:
    """Trend of each contact: from the old export, read by the new model, on."""
    known = evidence.cast(pl.String).to_numpy() != "none"
    return name_trends(path[:, -1] - path[:, 1], chances[:, -1] - chances[:, 1], known)


def _named(side: Side) -> str:
    """Name an export by its date; one without rows has none."""
    if not side.rows:
        return "an export without rows"
    return f"{side.as_of:%Y-%m-%d} ({side.scored:,} contacts, {side.model_id})"


def _in_words(row: dict[str, Any]) -> list[str]:
    name = " ".join(row[part] for part in ("first_name", "last_name") if row[part]) or row["email"] or row["crm_id"]
    name = plain(name)
    at = f", {plain(row['account_name'])}" if row["account_name"] else ""
    by = f" (rep {plain(row['source_email'])})" if row["source_email"] else ""
    chances = [row["old_priority"], row["new_priority"]]
    then, now = ("" if chance is None else in_percent(chance) for chance in chances)
    lines = [f"  {then:>4} {'->' if then and now else '  '} {now:>4}  {name}{at}{by}"]
    if row["move"] is not None:
        points = {part: row[f"chance_{part}"] * 100 for part in PARTS}
        parts = [f"{part} {amount:+.1f}" for part, amount in points.items() if abs(amount) >= 0.05]
        lines.append(f"{'':>16}{row['trend']}; points: {', '.join(parts) or 'none'}")
    return [*lines, f"{'':>16}{row['why']}"]
