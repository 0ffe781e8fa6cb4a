"""Why: the strongest contributions to a chance, up and down, in words.

A scorecard's contributions are exact, so a reason is not an estimate of what the model did: it is what it did.
Features that tell of one fact are added up and make one reason. The fact's plain number, not the model's threshold, is
put into words, so the sentence is true of the row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import ModelError
from scoring.features import Columns, Fact, Feature
from scoring.rates import Rates
from scoring.scorecard import Floats
from scoring.scorecard.search import Search
from scoring.wording import LADDERS, percent

__all__ = ["EACH_WAY", "LEAST", "NOTHING_STANDS_OUT", "Explainer"]

EACH_WAY: Final = 3
LEAST: Final = 0.1
"""A reason moves the log-odds by at least this: at one half, the chance by two and a half percentage points."""
NOTHING_STANDS_OUT: Final = "much like the average contact"

_CENTS: Final = 100
_MOST: Final = 20 * _CENTS


class Explainer:
    """Sentences for contributions to log-odds.

    Parameters
    ----------
    features : sequence of Feature
        The columns of the contributions, in their order.
    rates : Rates, optional
        How many wrote or met by what the facts said of them; what is known of it stands behind a sentence.

    Examples
    --------
    >>> from scoring.features import OWN_FEATURES
    >>> explainer = Explainer([feature for feature in OWN_FEATURES if feature.name == "inbound_by_silence"])
    >>> facts = pl.DataFrame({"last mail from the contact": [3.5, 400.0, None]})
    >>> explainer.reasons(np.array([[1.0], [-1.0], [-2.0]]), facts).to_list()
    ['last wrote 3 days ago (+1.00)', 'last wrote 1 to 1½ years ago (-1.00)', 'never wrote (-2.00)']
    """

    def __init__(self, features: list[Feature], rates: Rates | None = None) -> None:
        wordless = sorted({feature.fact.unit for feature in features} - set(LADDERS))
        if wordless:
            raise ModelError(f"no words for values in {', '.join(wordless)}", expected=", ".join(LADDERS))
        self.facts = list(dict.fromkeys(feature.fact for feature in features))
        self._members = [[i for i, feature in enumerate(features) if feature.fact is fact] for fact in self.facts]
        self._searches, self._offsets = [], []
        raising: list[str] = []
        lowering: list[str] = []
        for fact in self.facts:
            ladder = LADDERS[fact.unit]
            self._searches.append(Search(ladder.thresholds))  # a missing value gets a bin of its own
            self._offsets.append(len(raising))
            said = [*(fact.phrase.format(name) for _, name in ladder.steps), fact.absent]
            raising += _beside(said, fact, rates, upward=True)
            lowering += _beside(said, fact, rates, upward=False)
        self._edges = [search.edges.tolist() for search in self._searches]
        self._each_way = min(EACH_WAY, len(self.facts))
        self._silent = len(raising)
        # Texts are gathered out of tables: all sentences, no sentence, all of them as they follow upon another, and
        # what is said where there is none.
        self._following = len(raising) + 1
        self._nothing = 2 * len(raising) + 1
        self._words = [[*said, "", *(f"; {each}" for each in said), NOTHING_STANDS_OUT] for said in (raising, lowering)]
        self._amounts = [*(f" ({cents / _CENTS:+.2f})" for cents in range(-_MOST, _MOST + 1)), ""]
        up, down, amounts = (pl.lit(pl.Series(texts, dtype=pl.String)) for texts in (*self._words, self._amounts))
        words = [*[up] * max(self._each_way, 1), *[down] * self._each_way]
        slots = range(max(2 * self._each_way, 1))
        each = [
            part for slot in slots for part in (words[slot].gather(f"word_{slot}"), amounts.gather(f"cents_{slot}"))
        ]
        self._text = pl.concat_str(each).alias("reasons")

    def reasons(self, contributions: Floats, facts: Columns) -> pl.Series:
        """Put the strongest contributions of each row into words.

        Parameters
        ----------
        contributions : numpy.ndarray
            Log-odds against the average contact, shape (rows, features).
        facts : frame or mapping
            The same rows; float32 columns for each fact, by its name, null (NaN) where there is no such history.

        Returns
        -------
        polars.Series
            One text a row, named `reasons`: up to three facts that raise the chance, strongest first, then up to three
            that lower it, each with its log-odds.
        """
        rows = np.arange(len(contributions))
        strength = self.strengths(contributions)
        order = np.argsort(strength, axis=1, kind="stable")
        spoken = self._spoken(facts, len(rows))
        chosen: dict[str, NDArray[Any]] = {}
        silent = np.ones(len(rows), dtype=bool)
        for slot in range(2 * self._each_way):
            upward = slot < self._each_way
            pick = order[:, -1 - slot] if upward else order[:, slot - self._each_way]
            amount = strength[rows, pick]
            shown = amount >= LEAST if upward else amount <= -LEAST
            word = spoken[rows, pick] + np.where(silent, 0, self._following)
            cents = np.clip(np.rint(amount * _CENTS), -_MOST, _MOST).astype(np.int64) + _MOST
            chosen[f"word_{slot}"] = np.where(shown, word, self._silent)
            chosen[f"cents_{slot}"] = np.where(shown, cents, 2 * _MOST + 1)
            silent &= ~shown
        if not chosen:
            chosen = {"word_0": np.full(len(rows), self._silent), "cents_0": np.full(len(rows), 2 * _MOST + 1)}
        chosen["word_0"][silent] = self._nothing
        return pl.DataFrame(chosen).select(self._text)["reasons"]

    def reasons_of_one(self, contributions: Sequence[float], facts: Mapping[str, float]) -> str:
        """Put the strongest contributions of one row into words, as `reasons` does: frames cost more than one row.

        Parameters
        ----------
        contributions : sequence of float
            Log-odds against the average contact, in the order of the features.
        facts : mapping of str to float
            Numbers that float32 holds exactly, by the name of the fact; NaN where there is no such history.

        Returns
        -------
        str
        """
        strength = []
        for members in self._members:
            added = 0.0
            for member in members:
                added += contributions[member]
            strength.append(added)
        order = sorted(range(len(strength)), key=strength.__getitem__)
        told = [place for place in order[::-1][: self._each_way] if strength[place] >= LEAST]
        told += [place for place in order[: self._each_way] if strength[place] <= -LEAST]
        text = ""
        for place in told:
            value, edges = facts[self.facts[place].name], self._edges[place]
            step = bisect_left(edges, value) if value == value else len(edges)
            word = self._offsets[place] + step + (self._following if text else 0)
            cents = min(max(round(strength[place] * _CENTS), -_MOST), _MOST) + _MOST
            text += self._words[strength[place] < 0][word] + self._amounts[cents]
        return text or NOTHING_STANDS_OUT

    def strengths(self, contributions: Floats) -> Floats:
        """Add up the contributions of each fact.

        Parameters
        ----------
        contributions : numpy.ndarray
            Shape (rows, features).

        Returns
        -------
        numpy.ndarray
            Shape (rows, facts), in the order of `facts`.
        """
        added = np.zeros((len(contributions), len(self.facts)), order="F")
        for place, members in enumerate(self._members):
            for member in members:
                added[:, place] += contributions[:, member]
        return added

    def _spoken(self, facts: Columns, rows: int) -> NDArray[np.intp]:
        """Find the number of the sentence that is true of each row and fact."""
        spoken = np.empty((rows, len(self.facts)), dtype=np.intp, order="F")
        for place, (fact, search, offset) in enumerate(zip(self.facts, self._searches, self._offsets, strict=True)):
            column = facts[fact.name]
            values = column.to_numpy() if isinstance(column, pl.Series) else column
            spoken[:, place] = search.locate(np.asarray(values, dtype=np.float32)) + offset
        return spoken


def _beside(said: list[str], fact: Fact, rates: Rates | None, *, upward: bool) -> list[str]:
    """Put the rates of a fact behind its sentences, in brackets: a comma would have every cell of a CSV file quoted.

    A rate is of all such contacts, a reason of what the fact does where all else is equal. Where the one says more than
    usual and the other less, a number without a word of explanation would look like a mistake, so it is left out here;
    `scoring explain` tells both.
    """
    if rates is None:
        return said
    pairs, usual = zip(said, rates.of(fact), strict=True), rates.overall
    return [
        sentence if rate is None or (rate <= usual if upward else rate >= usual) else f"{sentence} [{percent(rate)}]"
        for sentence, rate in pairs
    ]
