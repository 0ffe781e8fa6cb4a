"""The closed forms: known numbers, limits, and what more or less of something does."""

from __future__ import annotations

import math

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.features.rhythm import after_first, chance, still_alive, weeks
from scoring.features.volume import meeting_chance

days = st.integers(0, 4000).map(float)
repeats = st.integers(0, 300).map(float)
quick = settings(max_examples=50, deadline=None)


def computed(expression: pl.Expr) -> float:
    return pl.select(expression).item()


def lit(number: float | None) -> pl.Expr:
    return pl.lit(number, dtype=pl.Float64)


@pytest.mark.parametrize(
    ("x", "span", "age", "expected"),
    [
        (0, 0, 500, 1.0),
        (1, 0, 0, 1 / (1 + 0.5 / 2)),  # just repeated: it may have ended with that touch
        (1, 30, 90, 1 / (1 + 0.25 * 2**1.5)),
        (3, 60, 60, 1 / (1 + 0.5 / 4)),
        (4, 60, 150, 1 / (1 + 0.1 * 2**4.5)),
    ],
)
def test_alive_by_hand(x: float, span: float, age: float, expected: float) -> None:
    assert computed(still_alive(lit(x), lit(span), lit(age))) == pytest.approx(expected, rel=1e-12)


def test_chance_by_hand() -> None:
    assert computed(chance(lit(0), lit(0), lit(0))) == pytest.approx(1 - 0.5**0.5)
    assert computed(chance(lit(0), lit(0), lit(0), lit(90.0))) == pytest.approx(1 - 0.75**0.5)
    assert computed(chance(lit(1), lit(30), lit(90))) == pytest.approx((1 - 0.8**1.5) / (1 + 0.25 * 2**1.5))


@given(repeats, days, days, days)
@quick
def test_silence_lowers_it_and_stays_a_chance(x: float, span: float, silence: float, more: float) -> None:
    for form in (still_alive, chance):
        sooner, later = (computed(form(lit(x), lit(span), lit(span + s))) for s in (silence, silence + more))
        assert 0 <= later <= sooner * (1 + 1e-12) <= 1 + 1e-12


@given(repeats, days, days)
@quick
def test_a_quicker_prior_raises_the_chance_of_who_never_repeated(x: float, span: float, age: float) -> None:
    quick_, slow = (computed(chance(lit(0), lit(span), lit(age), lit(rate))) for rate in (10.0, 100.0))
    assert quick_ > slow
    assert computed(chance(lit(x), lit(span), lit(age), lit(30.0))) == computed(chance(lit(x), lit(span), lit(age)))


def test_a_time_after_as_of_is_no_silence() -> None:
    assert computed(still_alive(lit(2), lit(50), lit(10))) == computed(still_alive(lit(2), lit(50), lit(50)))


@pytest.mark.parametrize(
    ("x", "span", "age", "known"),
    [(None, 1, 1, False), (1, None, 1, False), (1, 1, None, False), (0, None, 1, True), (0, 1, None, False)],
)
def test_null_where_what_matters_is_null(x: float | None, span: float | None, age: float | None, known: bool) -> None:
    for form in (still_alive, chance):
        assert (computed(form(lit(x), lit(span), lit(age))) is not None) is known


@pytest.mark.parametrize("x", [1, 5, 10**6, 1e15, 2.0**63])
def test_absurd_numbers_stay_finite(x: float) -> None:
    for span, age in ((0, 3e6), (0, 0), (3e6, 0), (3e6, 3e6)):
        for rate in (None, lit(1e-16), lit(1e12)):
            assert 0 <= computed(chance(lit(x), lit(span), lit(age), rate)) <= 1


@given(st.integers(0, 10**6), st.integers(0, 10**8))
@quick
def test_weeks_are_between_one_and_the_touches(touches: int, seconds: int) -> None:
    found = computed(weeks(lit(touches), lit(seconds / 86_400)))
    assert min(touches, 1) - 1e-9 <= found <= min(touches, 1 + seconds / 86_400 / 7) + 1e-9


@pytest.mark.parametrize("touches", [0, 1])
def test_one_touch_has_no_repeats_however_long_the_span(touches: int) -> None:
    # as where one mail and one meeting lie days apart: rounding must not make a repeat of it
    spans = pl.DataFrame({"span": [n * 977 / 86_400 for n in range(40_000)]})
    alive = spans.select(still_alive(after_first(weeks(lit(touches), pl.col("span"))), pl.col("span"), lit(900.0)))
    assert alive.to_series().unique().to_list() == [1.0]


def test_two_touches_a_second_apart_are_a_repeat() -> None:
    assert computed(still_alive(after_first(weeks(lit(2), lit(1 / 86_400))), lit(1 / 86_400), lit(900.0))) < 0.5


def test_meetings_by_hand() -> None:
    row = pl.DataFrame(
        {"age_days": [None], "meetings": [7.0], "meetings_30d": [2.0]}, schema_overrides={"age_days": pl.Float64}
    )
    days_seen = 0.3 / 0.005 + 30
    expected = 1 - (days_seen / (days_seen + 30)) ** (0.3 + 2 + 0.2 * 5)
    assert row.select(meeting_chance(lit(0.005))).item() == pytest.approx(expected)
    assert math.isclose(expected, 1 - 0.75**3.3)
