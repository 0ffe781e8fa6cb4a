"""How much was written and met, over all time and in the last 30 days."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.features.feature import Feature

__all__ = ["VOLUME"]


def _count(column: str, unit: str, fact: str, phrase: str) -> Feature:
    return Feature(
        name=column,
        unit=unit,
        fact=fact,
        formula=column,
        phrase=phrase,
        absent=f"no figure for {fact}",
        expression=pl.col(column),
    )


VOLUME: Final[tuple[Feature, ...]] = (
    _count("total_inbound", "mails", "mails from the contact", "wrote {} so far"),
    _count("total_inbound_30d", "mails", "mails from the contact in 30 days", "wrote {} in 30 days"),
    _count("total_outbound", "mails", "mails to the contact", "{} to the contact so far"),
    _count("total_outbound_30d", "mails", "mails to the contact in 30 days", "{} to the contact in 30 days"),
    _count("total_meetings", "meetings", "meetings", "{} so far"),
    _count("total_meetings_30d", "meetings", "meetings in 30 days", "{} in 30 days"),
)
