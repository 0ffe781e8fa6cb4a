"""A service's way to score: the model, the totals and the date held, one record after the other."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from scoring.context import Context
from scoring.errors import InputError
from scoring.intake import date_given, load_context
from scoring.model import SHIPPED, Model, load_model
from scoring.prediction import score

__all__ = ["Scorer"]


class Scorer:
    """Scores records as `scoring.score` does, with everything else loaded once.

    Parameters
    ----------
    model : Model, str or Path
        A model, the folder of one, or ``"shipped"``.
    context : Context, str or Path, optional
        Totals of the last whole export, or the file that they were saved in.
    as_of : datetime, date or str, optional
        The date from which (inclusive) the 30 days are counted; naive means UTC. By default the context's. It is never
        the clock's, so a service that runs for days makes a new scorer each day, out of the model and the context that
        it has: that costs nothing.
    suppress : sequence of str
        Addresses and domains whose contacts must not be scored.
    overwrite : bool
        Whether what is scored may replace keys of a record.

    Attributes
    ----------
    model : Model
        What it scores with.
    context : Context or None
        What it puts beside each record.
    as_of : datetime
        In UTC.

    Raises
    ------
    InputError
        If there is neither a date nor a context, or `as_of` lies before the context's date.
    ModelError
        If the model is damaged or does not fit this version.

    Examples
    --------
    >>> scorer = Scorer(as_of="2026-01-05")
    >>> scored = scorer.score({"crm_id": "003", "total_inbound": 5, "last_inbound_time": "2026-01-03T09:00:00Z"})
    >>> scored["evidence"], scored["as_of"].isoformat()
    ('enough', '2026-01-05T00:00:00+00:00')
    """

    def __init__(
        self,
        model: Model | str | Path = SHIPPED,
        context: Context | str | Path | None = None,
        as_of: datetime | date | str | None = None,
        *,
        suppress: Sequence[str] = (),
        overwrite: bool = False,
    ) -> None:
        self.model = load_model(model)
        self.context = load_context(context)
        dated = date_given(as_of, self.context)
        if dated is None:
            raise InputError(
                "a scorer without a date",
                expected="as_of=, or a context, which carries one",
                hint="pass as_of='2026-01-31', or context=scoring.build_context(last_export)",
            )
        self.as_of = dated.when
        self._suppress = suppress if isinstance(suppress, str) else tuple(suppress)
        self._overwrite = overwrite

    def score(self, records: Any) -> Any:
        """Score one record, or a list of them.

        Parameters
        ----------
        records : dict or list of dict
            Names of fields to cells, one record for each contact of a rep.

        Returns
        -------
        dict or list of dict
            What `scoring.score` gives, to the last bit: the records with chances, priority, tier and reasons; None for
            one record that `suppress` names.

        Raises
        ------
        InputError
            If a record has no activity field, or has a key of the result already.
        """
        return score(
            records,
            model=self.model,
            context=self.context,
            as_of=self.as_of,
            suppress=self._suppress,
            overwrite=self._overwrite,
        )
