"""A chance in whole percent."""

from __future__ import annotations

import pytest

from scoring.percentages import in_percent


@pytest.mark.parametrize("thousandths", range(1001))
def test_nothing_is_certain_that_is_not(thousandths: int) -> None:
    chance = thousandths / 1000
    told = in_percent(chance)
    assert (told == "0%") == (chance == 0)
    assert (told == "100%") == (chance == 1)
    assert len(told) <= 4
    assert abs(float(told.strip("<>%")) - 100 * chance) <= 1
