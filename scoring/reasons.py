"""Why: the strongest contributions to a chance, up and down, in words.

A scorecard's contributions are exact, so a reason is not an estimate of what the model did: it is what it did. Each
feature's table is split at the steps of its unit's ladder (which changes no value), and each of the resulting bins
has one sentence, made once. Features that tell of one fact are added up and make one reason, told by the strongest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from scoring.errors import ModelError
from scoring.features import Feature
from scoring.scorecard import Columns, Scorecard, Table
from scoring.wording import LADDERS

__all__ = ["NOTHING_STANDS_OUT", "Explainer"]

EACH_WAY: Final = 3
LEAST: Final = 0.05
"""A reason moves the log-odds by at least this: at one half, the chance by about one percentage point."""
NOTHING_STANDS_OUT: Final = "much like the average contact"

_CENTS: Final = 100
_MOST: Final = 20 * _CENTS


class Explainer:
    """Sentences for the contributions of one scorecard.

    Parameters
    ----------
    card : Scorecard
        Centred on the contacts that "average" means.
    features : mapping of str to Feature
        Every feature of the scorecard, by name.

    Examples
    --------
    >>> from scoring.features import OWN_FEATURES
    >>> card = Scorecard(0.0, (Table("days_since_inbound", [30.0], [1.0, -1.0, -2.0]),))
    >>> explainer = Explainer(card, {feature.name: feature for feature in OWN_FEATURES})
    >>> explainer.reasons({"days_since_inbound": [3.5, 400.0, float("nan")]}).to_list()
    ['last wrote 3 days ago (+1.00)', 'last wrote 1 to 1½ years ago (-1.00)', 'never wrote (-2.00)']
    """

    def __init__(self, card: Scorecard, features: Mapping[str, Feature]) -> None:
        unknown = sorted(set(card.features) - set(features))
        if unknown:
            raise ModelError(f"no words for {', '.join(unknown)}", expected="features of this version")
        self._tables: list[Table] = []
        self._offsets: list[int] = []
        sentences: list[str] = []
        for table in card.tables:
            feature = features[table.feature]
            split = _split(table, feature)
            self._offsets.append(len(sentences))
            self._tables.append(split)
            sentences += _sentences(split, feature)
        facts = [features[table.feature].fact for table in card.tables]
        self._facts = [[i for i, fact in enumerate(facts) if fact == each] for each in dict.fromkeys(facts)]
        self._each_way = min(EACH_WAY, len(self._facts))
        self._silent = len(sentences)
        # the texts are gathered in one expression, made once: a single record is then explained as fast as it is scored
        words = pl.lit(pl.Series("words", [*sentences, None], dtype=pl.String))
        amounts = pl.lit(pl.Series("amounts", [f" ({cents / _CENTS:+.2f})" for cents in range(-_MOST, _MOST + 1)]))
        slots = range(2 * self._each_way)
        each = [words.gather(f"sentence_{slot}") + amounts.gather(f"cents_{slot}") for slot in slots]
        whole = pl.concat_str(each, separator="; ", ignore_nulls=True) if each else pl.lit("")
        self._text = pl.when(whole == "").then(pl.lit(NOTHING_STANDS_OUT)).otherwise(whole).alias("reasons")

    def reasons(self, columns: Columns) -> pl.Series:
        """Put the strongest contributions of each row into words.

        Parameters
        ----------
        columns : mapping or sequence
            Float32 values by feature (a polars DataFrame is one such); NaN where there is none.

        Returns
        -------
        polars.Series
            One text a row, named `reasons`: up to three that raise the chance, strongest first, then up to three that
            lower it, each with its log-odds against the average contact.
        """
        strength, sentence = self._by_fact(columns)
        rows = np.arange(len(strength))
        order = np.argsort(strength, axis=1, kind="stable")
        chosen: dict[str, NDArray[Any]] = {}
        for slot in range(2 * self._each_way):
            upward = slot < self._each_way
            pick = order[:, -1 - slot] if upward else order[:, slot - self._each_way]
            amount = strength[rows, pick]
            shown = amount >= LEAST if upward else amount <= -LEAST
            chosen[f"sentence_{slot}"] = np.where(shown, sentence[rows, pick], self._silent)
            chosen[f"cents_{slot}"] = np.clip(np.rint(amount * _CENTS), -_MOST, _MOST).astype(np.int64) + _MOST
        frame = pl.DataFrame(chosen) if chosen else pl.DataFrame({"row": rows})
        return frame.select(self._text).to_series()

    def _by_fact(self, columns: Columns) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Strength of each fact and the sentence that tells it, both of shape (rows, facts)."""
        bins = Scorecard(0.0, tuple(self._tables)).bins(columns)
        rows = len(bins)
        strength = np.zeros((rows, len(self._facts)))
        sentence = np.zeros((rows, len(self._facts)), dtype=np.int64)
        for place, members in enumerate(self._facts):
            added = [self._tables[i].values[bins[:, i]] for i in members]
            strength[:, place] = sum(added)
            direction = np.where(strength[:, place] < 0, -1.0, 1.0)
            lead = np.argmax([direction * each for each in added], axis=0)
            spoken = np.stack([bins[:, i] + self._offsets[i] for i in members], axis=1)
            sentence[:, place] = spoken[np.arange(rows), lead]
        return strength, sentence


def _split(table: Table, feature: Feature) -> Table:
    """Add the ladder's steps to a table's thresholds; every value keeps its contribution."""
    thresholds = np.union1d(table.thresholds, LADDERS[feature.unit].thresholds).astype(np.float32)
    highest = np.append(thresholds, np.float32(np.inf))
    return Table(table.feature, thresholds, np.append(table.values[table.locate(highest)], table.values[-1]))


def _sentences(table: Table, feature: Feature) -> list[str]:
    ladder = LADDERS[feature.unit]
    highest = [*table.thresholds.tolist(), float("inf")]
    return [*(feature.phrase.format(ladder.name(value)) for value in highest), feature.absent]
