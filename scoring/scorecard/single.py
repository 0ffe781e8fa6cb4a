"""One row looked up in scorecards, in plain Python: the same additions in the same order, so the same bits."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from scoring.scorecard.table import unite

if TYPE_CHECKING:
    from scoring.scorecard.card import Scorecard

__all__ = ["SingleLookup"]


class SingleLookup:
    """Several scorecards over shared features, for one row at a time.

    Parameters
    ----------
    scorecards : sequence of Scorecard
        As for `Lookup`.

    Attributes
    ----------
    features : tuple of str
        All features that any of them looks at, by name: the order in which contributions are added.

    Examples
    --------
    >>> from scoring.scorecard import Scorecard, Table
    >>> one = Scorecard(0.0, (Table("mails", [0], [-1, 1, 0]),))
    >>> two = Scorecard(1.0, (Table("mails", [4], [0, 2, 0]), Table("age_days", [30], [1, 0, 0])))
    >>> SingleLookup([one, two]).explain({"mails": 5.0, "age_days": math.nan}, 1)
    ([1.0, 3.0], [0.0, 2.0])
    """

    def __init__(self, scorecards: Sequence[Scorecard]) -> None:
        self.features = tuple(sorted({name for card in scorecards for name in card.features}))
        self._edges: list[list[float]] = []
        self._first: list[int] = []
        # a row for each bin of each feature, a column for each scorecard; in front the intercepts
        values = [np.array([[card.intercept for card in scorecards]]) + 0.0]
        for feature in self.features:
            thresholds, added = unite([card.table(feature) for card in scorecards])
            self._edges.append([*thresholds.tolist(), math.inf])
            self._first.append(sum(map(len, values)))
            values.append(added.T)
        self._values = np.concatenate(values)

    def explain(self, row: Mapping[str, float], scorecard: int) -> tuple[list[float], list[float]]:
        """Log-odds by each scorecard, and one scorecard's contributions.

        Parameters
        ----------
        row : mapping of str to float
            By feature: numbers that float32 holds exactly, NaN where there is none.
        scorecard : int
            Position of the scorecard whose contributions are wanted.

        Returns
        -------
        log_odds : list of float
            One for each scorecard.
        contributions : list of float
            One for each of `features`.
        """
        places = [0]
        for feature, edges, first in zip(self.features, self._edges, self._first, strict=True):
            value = row[feature]
            places.append(first + (bisect_left(edges, value) if value == value else len(edges)))
        added = self._values.take(places, axis=0)
        log_odds: list[float] = np.add.accumulate(added)[-1].tolist()  # one after the other, as nothing else promises
        contributions: list[float] = added[1:, scorecard].tolist()
        return log_odds, contributions
