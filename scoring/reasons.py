"""Why: the strongest contributions to a chance, up and down, in words.

A scorecard's contributions are exact, so a reason is not an estimate of what the model did: it is what it did.
Features that tell of one fact are added up and make one reason. The fact's plain number, not the model's threshold, is
put into words, so the sentence is true of the row.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import ModelError
from scoring.features import Columns, Fact, Feature
from scoring.rates import Rates
from scoring.scorecard import Floats
from scoring.scorecard.search import Search
from scoring.scorecard.table import gather
from scoring.wording import LADDERS, percent

__all__ = ["EACH_WAY", "LEAST", "NOTHING_STANDS_OUT", "Explainer"]

EACH_WAY: Final = 3
LEAST: Final = 0.1
"""A reason moves the log-odds by at least this: at one half, the chance by two and a half percentage points."""
NOTHING_STANDS_OUT: Final = "much like the average contact"

_CENTS: Final = 100
_MOST: Final = 20 * _CENTS
# A strength and its place fit in one whole number, in order of strength: sorting numbers is a matter of minima and
# maxima. Strengths are told apart by a millionth, ten thousand times what is shown of them.
_STEPS: Final = 2**20
_PLACE_BITS: Final = 5
_PLACES: Final = 2**_PLACE_BITS - 1
_FARTHEST: Final = 2.0**25
_LEAST_STEPS: Final = round(LEAST * _STEPS)


class Explainer:
    """Sentences for contributions to log-odds.

    Parameters
    ----------
    features : sequence of Feature
        The columns of the contributions, in their order.
    rates : Rates, optional
        How many wrote or met by what the facts said of them; what is known of it stands behind a sentence.

    Attributes
    ----------
    facts : list of Fact
        What the features tell of.
    places : list of int
        For each feature the place of its fact.

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
        self.places = [self.facts.index(feature.fact) for feature in features]
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
        if len(self.facts) > _PLACES:
            raise ModelError(f"{len(self.facts)} facts", expected=f"at most {_PLACES}")
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
        return self.tell(self.strengths(contributions), facts)

    def tell(self, strength: Floats, facts: Columns) -> pl.Series:
        """Put the strongest facts of each row into words.

        Parameters
        ----------
        strength : numpy.ndarray
            As `strengths` gives it.
        facts : frame or mapping
            As for `reasons`.

        Returns
        -------
        polars.Series
            As `reasons` gives it.
        """
        rows = len(strength)
        spoken, row = self._spoken(facts, rows).reshape(-1, order="F"), np.arange(rows)
        chosen: dict[str, NDArray[np.int32]] = {}
        silent = np.ones(rows, dtype=bool)
        for slot, packed in enumerate(_strongest(strength, self._each_way)):
            steps = packed >> _PLACE_BITS
            shown = steps >= _LEAST_STEPS if slot < self._each_way else steps <= -_LEAST_STEPS
            word = spoken.take((packed & _PLACES) * rows + row) + np.where(silent, 0, self._following)
            cents = np.rint(steps * (_CENTS / _STEPS)).clip(-_MOST, _MOST).astype(np.int32) + _MOST
            chosen[f"word_{slot}"] = np.where(shown, word, self._silent).astype(np.int32)
            chosen[f"cents_{slot}"] = np.where(shown, cents, 2 * _MOST + 1)
            silent &= ~shown
        if not chosen:
            chosen = {"word_0": np.full(rows, self._silent), "cents_0": np.full(rows, 2 * _MOST + 1)}
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
        packed = []
        strength = [0.0] * len(self.facts)
        for place, added in zip(self.places, contributions, strict=True):
            strength[place] += added
        for place, added in enumerate(strength):
            steps = round(min(max(added * _STEPS, -_FARTHEST), _FARTHEST - 1))
            packed.append(steps << _PLACE_BITS | place)
        packed.sort()
        told = [one for one in packed[: -self._each_way - 1 : -1] if one >> _PLACE_BITS >= _LEAST_STEPS]
        told += [one for one in packed[: self._each_way] if one >> _PLACE_BITS <= -_LEAST_STEPS]
        text = ""
        for one in told:
            steps, place = one >> _PLACE_BITS, one & _PLACES
            value, edges = facts[self.facts[place].name], self._edges[place]
            step = bisect_left(edges, value) if value == value else len(edges)
            word = self._offsets[place] + step + (self._following if text else 0)
            cents = min(max(round(steps * (_CENTS / _STEPS)), -_MOST), _MOST) + _MOST
            text += self._words[steps < 0][word] + self._amounts[cents]
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
        for member, place in enumerate(self.places):
            added[:, place] += contributions[:, member]
        return added

    def _spoken(self, facts: Columns, rows: int) -> NDArray[np.int32]:
        """Find the number of the sentence that is true of each row and fact."""
        spoken = np.empty((rows, len(self.facts)), dtype=np.int32, order="F")
        _, columns = gather(facts, [fact.name for fact in self.facts])
        for place, (column, search, offset) in enumerate(zip(columns, self._searches, self._offsets, strict=True)):
            np.add(search.locate(column), offset, out=spoken[:, place], dtype=np.int32, casting="unsafe")
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


def _strongest(strength: Floats, each_way: int) -> list[NDArray[np.int32]]:
    """Find the strongest of each row, from the highest down and then from the lowest up; strength and place as one."""
    rows, places = strength.shape
    ends = np.iinfo(np.int32)
    highest = [np.full(rows, ends.min, dtype=np.int32) for _ in range(each_way)]
    lowest = [np.full(rows, ends.max, dtype=np.int32) for _ in range(each_way)]
    spare, other = np.empty(rows, dtype=np.int32), np.empty(rows, dtype=np.int32)
    for place in range(places):
        packed = _packed(strength[:, place], np.int32(place))
        for found, further, nearer in ((highest, np.maximum, np.minimum), (lowest, np.minimum, np.maximum)):
            moved, free = packed, spare
            for each in found:  # what is pushed out of one rank goes for the next
                nearer(each, moved, out=free)
                further(each, moved, out=each)
                moved, free = free, other if free is spare else spare
    return [*highest, *lowest]


def _packed(strength: Floats, place: np.int32) -> NDArray[np.int32]:
    """Put strengths, in steps, above the bits of their place."""
    steps = np.rint((strength * _STEPS).clip(-_FARTHEST, _FARTHEST - 1)).astype(np.int32)
    packed: NDArray[np.int32] = (steps << _PLACE_BITS) | place
    return packed
