"""An export, scored or not, ready to be scored anew: to be compared, or to have a score of it explained."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import polars as pl

from scoring.context import Context
from scoring.errors import InputError, ModelError, SchemaWarning, warn
from scoring.intake import Intake, take_in
from scoring.model import Model
from scoring.moves import Stand
from scoring.prediction import COLUMNS, score_intake
from scoring.reading import Export, read
from scoring.scored import read_scored

__all__ = ["Standing", "read_standing"]

_SAME: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Standing:
    """A whole export, and the scores that came with it.

    Attributes
    ----------
    which : str
        What messages call it.
    taken : Intake
        Its rows; where it was scored, those that have scores.
    context : Context
        Its totals.
    scores : polars.DataFrame or None
        The columns of scoring as they came, row by row of `taken`; None if it was not scored.
    model_id : str or None
        By which model; None if it was not scored, or has no row.
    """

    which: str
    taken: Intake
    context: Context
    scores: pl.DataFrame | None
    model_id: str | None

    @property
    def as_of(self) -> datetime:
        """The date of the export, in UTC."""
        return self.taken.as_of.when

    @property
    def table(self) -> pl.DataFrame:
        """The typed rows that count in totals: each contact of a rep once."""
        return self.taken.export.table.filter(self.taken.checked.counted)

    def stand(self, rows: pl.Series) -> Stand:
        """Pick rows to be looked at among all of the export.

        Parameters
        ----------
        rows : polars.Series
            Their places in `table`.

        Returns
        -------
        Stand
        """
        table = self.table
        return Stand(table[rows], table, self.context, self.as_of)

    def require(self, model: Model, hint: str) -> None:
        """Refuse a model that is not the one by which the rows were scored.

        Parameters
        ----------
        model : Model
            What is to be scored with.
        hint : str
            What to do where it is another one.

        Raises
        ------
        ModelError
            If the rows were scored by another model.
        """
        if self.model_id is not None and self.model_id != model.id:
            raise ModelError(
                f"the {self.which} was scored by {self.model_id}, and the model given is {model.id}",
                expected="the model that it was scored by",
                hint=f"{hint}, or score the export again",
            )

    def score(self, model: Model, hint: str) -> tuple[pl.DataFrame, str | None]:
        """Score the rows, and hold the scores against those that came with them.

        Parameters
        ----------
        model : Model
            What to score with: where the rows were scored, the one that they were scored by.
        hint : str
            What to do where that is another one.

        Returns
        -------
        scores : polars.DataFrame
            As `prediction.score_intake` gives them.
        note : str or None
            What is to be said where scores in the file are others.

        Raises
        ------
        ModelError
            If the rows were scored by another model.
        """
        self.require(model, hint)
        scored = score_intake(self.taken, model)
        if self.scores is None:
            return scored, None
        apart = (scored["priority"] - self.scores["priority"]).abs().fill_null(1.0).to_numpy()
        if not (others := int((apart > _SAME).sum())):
            return scored, None
        if self.taken.suppressed:
            why = f"they are without the {self.taken.suppressed:,} suppressed rows in the totals"
        else:
            why = "were rows taken out or changed since, or scored with the totals of another export?"
        return scored, (
            f"{others:,} of {scored.height:,} scores in the {self.which} are not those computed anew (by up to "
            f"{apart.max():.3f}), and the latter count here: {why}"
        )


def read_standing(
    which: str, source: Any, as_of: datetime | date | str | None = None, suppress: Sequence[str] = ()
) -> Standing:
    """Read a whole export, scored or not.

    Parameters
    ----------
    which : str
        What messages call it, as in ``"old export"``.
    source : frame or path
        Anything that `scoring.score` takes or gives; records only where they were scored.
    as_of : datetime, date or str, optional
        Its date; by default what its scores say, else as for `scoring.score`.
    suppress : sequence of str
        Addresses and domains whose contacts are left out.

    Returns
    -------
    Standing

    Raises
    ------
    InputError
        If it cannot be read, is no whole export, or was scored by several models or at another date than `as_of`.
    """
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", SchemaWarning)
        export = read(source)
    if set(COLUMNS) <= set(export.source.columns):  # what is to be said was said when it was scored
        return _scored(which, export, as_of, suppress)
    for each in said:
        warn(str(each.message))
    if export.kind in ("dict", "dicts"):
        raise InputError(f"the {which} is given as records", expected="a frame or a file that is a whole export")
    return _standing(which, take_in(source, as_of=as_of, suppress=suppress, read_as=export), None, None)


def _scored(which: str, export: Export, as_of: datetime | date | str | None, suppress: Sequence[str]) -> Standing:
    scored = read_scored(export)
    ids = scored.scores["model_id"].unique().drop_nulls()
    if len(ids) > 1:
        raise InputError(f"the {which} was scored by {len(ids)} models", expected="one", hint="score it again")
    usable = scored.usable
    with warnings.catch_warnings():  # it was said when it was scored
        warnings.simplefilter("ignore", SchemaWarning)
        taken = take_in(scored.table.filter(usable), as_of=scored.as_of if as_of is None else as_of, suppress=suppress)
    if taken.as_of.when != scored.as_of:
        raise InputError(
            f"the {which} was scored as of {scored.as_of:%Y-%m-%d %H:%M}, not {taken.as_of.when:%Y-%m-%d %H:%M}",
            hint="leave the date out, or score the export again",
        )
    return _standing(which, taken, scored.scores.filter(usable)[taken.places], ids.item() if len(ids) else None)


def _standing(which: str, taken: Intake, scores: pl.DataFrame | None, model_id: str | None) -> Standing:
    if taken.context is None:
        raise InputError(f"the {which} has no totals", expected="a frame or a file that is a whole export")
    return Standing(which, taken, taken.context, scores, model_id)
