"""What chances are made of: the reasons of all rows, counted by the fact that they tell of."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import polars as pl

from scoring.features import FEATURES
from scoring.reasons import NOTHING_STANDS_OUT
from scoring.wording import LADDERS

__all__ = ["Cause", "Reason", "count_causes", "split_reasons"]

_REASON: Final = re.compile(r"(?:^|; )(.+?)(?: \[([^\]]*)\])? \(([+-]\d+\.\d+)\)")


@dataclass(frozen=True)
class Reason:
    """One reason of one contact.

    Attributes
    ----------
    sentence : str
        What is said of the contact.
    rate : str or None
        How many of all of whom that is said replied or met, as a percentage; None where that is not told.
    log_odds : float
        What it adds to the chance.
    """

    sentence: str
    rate: str | None
    log_odds: float


@dataclass(frozen=True)
class Cause:
    """A fact, and how often it is among the reasons.

    Attributes
    ----------
    fact : str
        What it is called.
    up, down : int
        Rows whose chance it raises, and rows whose chance it lowers.
    example : str
        The sentence that is most often said of it.
    example_rows : int
        Of how many rows it is said.
    """

    fact: str
    up: int
    down: int
    example: str
    example_rows: int


def split_reasons(text: str | None) -> list[Reason]:
    """Take the reasons of a row apart.

    Parameters
    ----------
    text : str or None
        The column `reasons`.

    Returns
    -------
    list of Reason
        In their order; none where nothing stands out.

    Examples
    --------
    >>> split_reasons("last wrote 3 days ago [71 %] (+1.00)")
    [Reason(sentence='last wrote 3 days ago', rate='71 %', log_odds=1.0)]
    """
    return [Reason(said, rate or None, float(amount)) for said, rate, amount in _REASON.findall(text or "")]


def count_causes(reasons: pl.Series) -> list[Cause]:
    """Count the facts among the reasons of all rows.

    Parameters
    ----------
    reasons : polars.Series
        The column `reasons` of the rows.

    Returns
    -------
    list of Cause
        The most frequent first. What no known fact says stands under its own sentence.
    """
    up: Counter[str] = Counter()
    down: Counter[str] = Counter()
    said: dict[str, Counter[str]] = defaultdict(Counter)
    for text, rows in reasons.value_counts().iter_rows():
        if text == NOTHING_STANDS_OUT:
            continue
        for reason in split_reasons(text):
            fact = _fact(reason.sentence)
            (up if reason.log_odds > 0 else down)[fact] += rows
            said[fact][reason.sentence] += rows
    causes = []
    for fact, sentences in said.items():
        example, most = min(sentences.items(), key=lambda pair: (-pair[1], pair[0]))
        causes.append(Cause(fact, up[fact], down[fact], example, most))
    return sorted(causes, key=lambda cause: (-cause.up - cause.down, cause.fact))


@cache
def _fact(sentence: str) -> str:
    """Name the fact that a sentence tells of."""
    absent, patterns = _words()
    return absent.get(sentence) or next((name for name, said in patterns if said.match(sentence)), sentence)


@cache
def _words() -> tuple[dict[str, str], Sequence[tuple[str, re.Pattern[str]]]]:
    """Say what stands where a fact is absent, and what its sentences look like, those with most words first."""
    facts = list(dict.fromkeys(feature.fact for feature in FEATURES))
    absent = {fact.absent: fact.name for fact in reversed(facts)}  # two facts may share it: it is told of the first
    found = []
    for fact in facts:
        before, _, after = fact.phrase.partition("{}")
        said = f"{re.escape(before)}.+{re.escape(after)}" if before or after else _free(fact.unit)
        found.append((len(before + after), fact.name, re.compile(said)))
    return absent, [(name, said) for _, name, said in sorted(found, key=lambda each: (-each[0], each[1]))]


def _free(unit: str) -> str:
    """Say what a fact looks like whose sentence is nothing but its value in words."""
    return "|".join(re.escape(name) for _, name in LADDERS[unit].steps)
