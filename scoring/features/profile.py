"""What is known of the person: how senior, in which department, first seen in copy."""

from __future__ import annotations

from typing import Final

import polars as pl

from scoring.features import measures as m
from scoring.features.feature import Fact, Feature

__all__ = ["PROFILE"]

SENIORITY = Fact(
    name="seniority",
    unit="seniority",
    phrase="{}",
    absent="seniority unknown",
    value=m.SENIORITY,
)
DEPARTMENT = Fact(
    name="department",
    unit="department",
    phrase="works in {}",
    absent="department unknown",
    value=m.DEPARTMENT,
)
ORIGIN = Fact(
    name="first seen in copy",
    unit="flag",
    phrase="first seen in copy: {}",
    absent="unknown whether first seen in copy",
    value=pl.col("from_cc").cast(pl.Float64),
)

PROFILE: Final[tuple[Feature, ...]] = (
    Feature(
        name="seniority_rank",
        unit="seniority",
        fact=SENIORITY,
        formula="1 entry level, 2 professional, 3 manager, 4 director, 5 vice president, 6 top; by words of seniority",
        expression=SENIORITY.value,
    ),
    Feature(
        name="department_group",
        unit="department",
        fact=DEPARTMENT,
        formula="1 support, 2 finance and operations, 3 technical, 4 commercial, 5 management; by words of department",
        expression=DEPARTMENT.value,
    ),
    Feature(
        name="from_cc",
        unit="flag",
        fact=ORIGIN,
        formula="from_cc",
        expression=ORIGIN.value,
    ),
)
