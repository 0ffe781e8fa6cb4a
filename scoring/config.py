"""Numbers that the whole product agrees on."""

from __future__ import annotations

from datetime import timedelta
from typing import Final, Literal

__all__ = ["EVIDENCE", "HORIZON", "HORIZON_DAYS", "SHIPPED_TIER_CUTS", "TARGETS", "TIERS", "Target"]

HORIZON_DAYS: Final = 30
"""Every chance is for the days ``as_of <= t < as_of + 30``, as wide as the export's own `_30d` counts."""
HORIZON: Final = timedelta(days=HORIZON_DAYS)

Target = Literal["reply", "meeting", "answer", "engaged"]
TARGETS: Final[tuple[Target, ...]] = ("reply", "meeting", "answer", "engaged")
"""What is predicted; `engaged` is a reply or a meeting and gives the priority."""

TIERS: Final = ("A", "B", "C", "D")
SHIPPED_TIER_CUTS: Final = (0.50, 0.20, 0.05)
"""Least priority for A, B and C in a model that has seen no data of the customer's."""

EVIDENCE: Final = {"thin": 1, "enough": 3}
"""Least number of touches (mails both ways and meetings) for each level of evidence; below the first there is none."""
