"""Expectations: the exact distribution of how many do it, against counting all cases."""

from __future__ import annotations

from itertools import product
from math import prod

import numpy as np
import pytest

from scoring.expectation import expect


@pytest.mark.parametrize("seed", range(8))
def test_borders_are_those_of_all_cases_counted(seed: int) -> None:
    chances = np.random.default_rng(seed).random(seed + 1) ** (1 + seed % 3)
    mass = [0.0] * (len(chances) + 1)
    for case in product((0, 1), repeat=len(chances)):
        mass[sum(case)] += prod(p if did else 1 - p for p, did in zip(chances, case, strict=True))
    found = expect(chances)
    assert found.mean == pytest.approx(sum(number * weight for number, weight in enumerate(mass)))
    assert sum(mass[: found.low]) < 0.025 + 1e-9
    assert sum(mass[: found.low + 1]) >= 0.025 - 1e-9
    assert sum(mass[found.high + 1 :]) <= 0.025 + 1e-9
    assert sum(mass[found.high :]) > 0.025 - 1e-9


def test_what_is_certain_has_no_width() -> None:
    assert expect([]).to_dict() == {"mean": 0.0, "low": 0, "high": 0}
    assert expect([0.0] * 5 + [1.0] * 3).to_dict() == {"mean": 3.0, "low": 3, "high": 3}


def test_the_order_of_contacts_changes_no_digit() -> None:
    chances = np.random.default_rng(1).random(300)
    assert expect(chances) == expect(chances[::-1])


def test_many_are_as_the_normal_curve_has_them() -> None:
    chances = np.random.default_rng(2).random(2000)
    exact, normal = expect(chances), expect(np.append(chances, 0.0))
    assert normal.mean == pytest.approx(exact.mean)
    assert abs(normal.low - exact.low) <= 1
    assert abs(normal.high - exact.high) <= 1


def test_as_many_draws_lie_inside_as_is_said() -> None:
    rng = np.random.default_rng(3)
    chances = rng.random(40) * 0.5
    found = expect(chances)
    drawn = (rng.random((20_000, 40)) < chances).sum(axis=1)
    assert 0.95 <= ((drawn >= found.low) & (drawn <= found.high)).mean() <= 0.985
