"""What the rep, the account, the contact's other reps and the whole organisation add."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.features.feature import Feature, share

__all__ = ["CONTEXT"]

CONTEXT: Final[tuple[Feature, ...]] = (
    Feature(
        name="rep_active_share",
        unit="share",
        fact="the rep's contacts",
        formula="(rep_rows_inbound_30d + 0.5) / (rep_rows + 1)",
        phrase="{} of the rep's contacts wrote in 30 days",
        absent="nothing known of the rep's contacts",
        expression=share(pl.col("rep_rows_inbound_30d"), pl.col("rep_rows")),
    ),
)
