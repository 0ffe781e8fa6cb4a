"""The policy of worklists: how many, whom to spare, what to learn about, and what an outcome is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from scoring.config import EVIDENCE
from scoring.errors import InputError

__all__ = ["CHANCES", "LEVELS", "Policy", "hold"]

LEVELS: Final = ("none", *EVIDENCE)
"""Of evidence, ascending."""
CHANCES: Final = {
    "reply": "reply_probability",
    "meeting": "meeting_probability",
    "answer": "answer_probability",
    "engaged": "priority",
}
"""Outcomes that can be given a weight, each with the column that holds its chance."""


@dataclass(frozen=True)
class Policy:
    """How lists are made; see `worklists.prioritise`.

    Attributes
    ----------
    per_rep : int or mapping of str to int
        Places of each rep; in a mapping, an empty name stands for contacts without a rep.
    per_account : int or None
        Places of each account on each list; None for no limit.
    account_total : int or None
        Places of each account on all lists together.
    cooldown_days : float
        Days for which a contact rests after the rep's last mail.
    prepare_days : float
        Days ahead within which a planned meeting is listed.
    evidence : {"none", "thin", "enough"}
        Least evidence for an ordinary place.
    explore : float
        Share of the places for contacts below that, in [0, 1].
    weights : mapping of str to float
        What an outcome is worth; ``{"engaged": 1}`` is the priority.
    value : str or None
        Column that the score is multiplied with.

    Raises
    ------
    InputError
        If one of them cannot be.
    """

    per_rep: int | Mapping[str, int] = 20
    per_account: int | None = 3
    account_total: int | None = None
    cooldown_days: float = 3
    prepare_days: float = 14
    evidence: str = "thin"
    explore: float = 0.1
    weights: Mapping[str, float] = field(default_factory=lambda: {"engaged": 1.0})
    value: str | None = None

    def __post_init__(self) -> None:
        """Check every number."""
        places = self.per_rep.values() if isinstance(self.per_rep, Mapping) else [self.per_rep]
        hold("per_rep", all(map(_is_count, places)), self.per_rep, "a whole number from 0 on, or one for each rep")
        for name in ("per_account", "account_total"):
            limit = getattr(self, name)
            hold(name, limit is None or _is_count(limit), limit, "a whole number from 0 on, or None")
        for name in ("cooldown_days", "prepare_days"):
            hold(name, _is_within(getattr(self, name), 36_500), getattr(self, name), "a number of days from 0 on")
        hold("evidence", self.evidence in LEVELS, self.evidence, ", ".join(LEVELS))
        hold("explore", _is_within(self.explore, 1), self.explore, "a share from 0 to 1")
        known = all(name in CHANCES for name in self.weights)
        hold("weights", known, self.weights, f"weights for {', '.join(CHANCES)}")
        weighed = all(_is_within(weight, 1e12) for weight in self.weights.values()) and any(self.weights.values())
        hold("weights", weighed, self.weights, "numbers from 0 on, not all of them 0")

    def places(self, rep: str | None) -> int:
        """Say how many contacts a rep can work.

        Parameters
        ----------
        rep : str or None
            The rep's address in lower case; None for contacts without a rep.

        Returns
        -------
        int
            0 for a rep that a mapping does not name.
        """
        if not isinstance(self.per_rep, Mapping):
            return self.per_rep
        return self.named.get(rep or "", 0)

    @cached_property
    def named(self) -> dict[str, int]:
        """Places of the reps that a mapping names, in lower case; none if all have the same."""
        named = self.per_rep if isinstance(self.per_rep, Mapping) else {}
        return {name.strip().lower(): places for name, places in named.items()}


def hold(name: str, holds: bool, found: object, expected: str) -> None:
    """Refuse an option that does not hold.

    Parameters
    ----------
    name : str
        Of the option, or of the column that it names.
    holds : bool
        Whether it can be.
    found : object
        What it is.
    expected : str
        What would have been right.

    Raises
    ------
    InputError
        If it does not hold.

    Examples
    --------
    >>> hold("explore", True, 0.1, "a share from 0 to 1")
    """
    if not holds:
        raise InputError(f"`{name}` is {str(found)[:60]!r}", expected=expected)


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_within(value: object, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= most
