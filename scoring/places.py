"""Places: who gets one, where a rep can work only so many contacts and an account may be worked only so often."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from hashlib import blake2b

__all__ = ["Places", "draw_order"]

Pair = tuple[str | None, str | None]


class Places:
    """Places that are left, of reps and of accounts.

    Parameters
    ----------
    per_account : int or None
        Places of each account, all reps together; None for no limit. A contact of no account (None) has none.
    """

    def __init__(self, per_account: int | None) -> None:
        self._per_account = per_account
        self._reps: Counter[str | None] = Counter()
        self._accounts: Counter[str | None] = Counter()

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
            if account is not None and self._per_account is not None and self._accounts[account] >= self._per_account:
                refused.append("account_full")
            elif self._reps[rep] >= limits[rep]:
                refused.append("rep_full")
            else:
                self._reps[rep] += 1
                self._accounts[account] += 1
                refused.append(None)
        return refused


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
