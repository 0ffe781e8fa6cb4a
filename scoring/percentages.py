"""Percentages: a chance as people read it, in which nothing is certain that is not."""

from __future__ import annotations

__all__ = ["in_percent"]


def in_percent(chance: float) -> str:
    """Write a chance in whole percent; what is neither 0 nor 1 is told as neither 0 % nor 100 %.

    Parameters
    ----------
    chance : float
        0 to 1, both inclusive.

    Returns
    -------
    str

    Examples
    --------
    >>> in_percent(0.254), in_percent(0.996), in_percent(0.004), in_percent(1), in_percent(0)
    ('25%', '>99%', '<1%', '100%', '0%')
    """
    if 0.995 <= chance < 1:
        return ">99%"
    return "<1%" if 0 < chance <= 0.005 else f"{chance:.0%}"
