"""Places: who gets one, where a list is only so long and an account may be on it, and on all lists, only so often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from math import inf

__all__ = ["Places", "draw_order"]

Pair = tuple[str | None, str | None]


class Places:
    """Places that are left, of reps and of accounts.

    Parameters
    ----------
    per_account : int or None
        Places of each account on each list; None for no limit. A contact of no account (None) has none.
    in_total : int or None
        Places of each account on all lists together.
    """

    def __init__(self, per_account: int | None, in_total: int | None = None) -> None:
        self._per_account, self._in_total = (inf if limit is None else limit for limit in (per_account, in_total))
        self._reps: Counter[str | None] = Counter()
        self._accounts: Counter[str] = Counter()
        self._pairs: Counter[Pair] = Counter()

    def used(self, rep: str | None) -> int:
        """Count the places that a rep's contacts have been given.

        Parameters
        ----------
        rep : str or None
            The rep.

        Returns
        -------
        int
        """
        return self._reps[rep]

    def fill(self, pairs: Iterable[Pair], limits: Mapping[str | None, int]) -> list[str | None]:
        """Give contacts places in their turn, while there are any.

        Parameters
        ----------
        pairs : iterable of (str or None, str or None)
            Rep and account of each contact, the first to be served first.
        limits : mapping of str or None to int
            Places of each rep, those that were given before included.

        Returns
        -------
        list of str or None
            None for a contact that got a place, else why not: ``account_full`` (also where the rep's list is full too)
            or ``rep_full``.

        Examples
        --------
        >>> Places(per_account=1).fill([("ann", "acme"), ("ann", "acme"), ("ann", None), ("ann", None)], {"ann": 2})
        [None, 'account_full', None, 'rep_full']
        """
        refused: list[str | None] = []
        for rep, account in pairs:
            if account is not None and self._is_full(rep, account):
                refused.append("account_full")
            elif self._reps[rep] >= limits[rep]:
                refused.append("rep_full")
            else:
                self._reps[rep] += 1
                if account is not None:
                    self._accounts[account] += 1
                    self._pairs[rep, account] += 1
                refused.append(None)
        return refused

    def _is_full(self, rep: str | None, account: str) -> bool:
        return self._pairs[rep, account] >= self._per_account or self._accounts[account] >= self._in_total


def draw_order(keys: Iterable[tuple[str | None, ...]], salt: str) -> list[str]:
    """Make for each key a text by which to sort: an even draw that is the same on every machine.

    Parameters
    ----------
    keys : iterable of tuple of str or None
        What is drawn.
    salt : str
        Another salt is another draw.

    Returns
    -------
    list of str
        32 hexadecimal digits a key.

    Examples
    --------
    >>> one, other = draw_order([("ann", "#1"), ("ann", "#2")], "2026-01-05")
    >>> one < other
    False
    """
    return [blake2b(repr((salt, *key)).encode("utf-8", "replace"), digest_size=16).hexdigest() for key in keys]
