"""Arrays of one length side by side: the form in which all that is drawn is kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np

from scoring.simulation.draws import Flags, Ints

__all__ = ["Columns"]


@dataclass(frozen=True, slots=True)
class Columns:
    """Base of the frozen dataclasses whose fields are arrays of one length.

    Examples
    --------
    >>> @dataclass(frozen=True, slots=True)
    ... class Points(Columns):
    ...     x: Ints
    >>> Points.joined([Points(np.array([1, 2])), Points(np.array([3]))]).take(np.array([2, 0])).x.tolist()
    [3, 1]
    """

    def take(self, which: Flags | Ints) -> Self:
        """Return some of them: where a flag is set, or at these positions."""
        return type(self)(*(getattr(self, field.name)[which] for field in fields(self)))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return all of them in one, in this order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))
