"""Blending: weights that add up and grow with the data, a line that goes up, and no more than was asked for."""

from __future__ import annotations

from dataclasses import astuple
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from scoring.blending import Blend, Period, choose_blend, fit_line, fit_offset, start_blend
from scoring.config import TARGETS, Target, TrainingConfig
from scoring.scorecard import Scorecard, Table, logistic, weighted_sum

CONFIG = TrainingConfig()
SHARES = st.floats(0, 1)
COUNTS = st.integers(0, 10**7)


def drawn(
    rows: int = 400, seed: int = 1, told_by: str = "history", *, offset: float = 0.0, settled: bool = True
) -> Period:
    """Draw a date whose outcomes follow one source; the other two are noise."""
    random = np.random.default_rng(seed)
    sources = {name: random.normal(size=rows) for name in ("prior", "step_back", "history")}
    outcome = random.random(rows) < logistic(2 * sources[told_by] + offset)
    return Period(sources, outcome.astype(np.float64), settled)


# ---- weights by the amount of data ----------------------------------------------------------------------------------


@given(st.sampled_from(TARGETS), COUNTS, COUNTS, SHARES, SHARES, st.integers(1, 10**5))
def test_weights_are_shares_and_add_up(
    target: Target, history: int, step_back: int, most: float, of_the_rest: float, half: int
) -> None:
    config = TrainingConfig(history_weight=most, step_back_weight=of_the_rest, half_outcomes=half)
    blend = start_blend(target, history, step_back, config)
    assert all(0 <= weight <= 1 for weight in astuple(blend))
    assert sum(astuple(blend)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("target", TARGETS)
def test_more_outcomes_leave_less_to_the_prior(target: Target) -> None:
    by_history = [start_blend(target, count, 100, CONFIG) for count in (0, 20, 100, 1000, 10**6)]
    by_step_back = [start_blend(target, 0, count, CONFIG) for count in (0, 20, 100, 1000, 10**6)]
    for few, many in [*pairwise(by_history), *pairwise(by_step_back)]:
        assert many.prior < few.prior
    assert all(many.history > few.history for few, many in pairwise(by_history))
    assert all(many.step_back > few.step_back for few, many in pairwise(by_step_back))
    assert all(many.step_back < few.step_back for few, many in pairwise(by_history))


def test_without_data_there_is_the_prior_alone() -> None:
    for target in TARGETS:
        assert start_blend(target, 0, 0, CONFIG) == Blend(1.0, 0.0, 0.0)


def test_the_settings_mean_what_they_say() -> None:
    config = TrainingConfig(history_weight=0.8, step_back_weight=0.4, half_outcomes=50)
    assert start_blend("reply", 50, 0, config).history == pytest.approx(0.4)
    assert start_blend("reply", 0, 50, config).step_back == pytest.approx(0.2)
    assert start_blend("reply", 10**9, 0, config).history == pytest.approx(0.8, abs=1e-6)


def test_answers_are_believed_less() -> None:
    assert start_blend("answer", 1000, 0, CONFIG).history < start_blend("reply", 1000, 0, CONFIG).history


# ---- weights by the past --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told_by", ["history", "prior"])
def test_what_told_the_past_best_gets_more(told_by: str) -> None:
    start = Blend(0.6, 0.1, 0.3)
    chosen = choose_blend(start, [drawn(told_by=told_by, seed=seed) for seed in (1, 2)])
    assert getattr(chosen, told_by) > getattr(start, told_by)
    assert sum(astuple(chosen)) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("told_by", ["history", "prior", "step_back"])
@pytest.mark.parametrize("start", [Blend(0.6, 0.1, 0.3), Blend(0.2, 0.2, 0.6), Blend(0.9, 0.05, 0.05)])
def test_weights_stay_shares_and_half_of_what_they_were(told_by: str, start: Blend) -> None:
    chosen = choose_blend(start, [drawn(told_by=told_by)])
    for now, before in zip(astuple(chosen), astuple(start), strict=True):
        assert 0 <= now <= 1
        assert before / 2 - 1e-12 <= now <= (before + 1) / 2 + 1e-12


@pytest.mark.parametrize("told_by", ["history", "step_back"])
def test_a_source_without_weight_gets_none(told_by: str) -> None:
    start = Blend(0.7, 0.0, 0.3) if told_by == "step_back" else Blend(0.7, 0.3, 0.0)
    assert getattr(choose_blend(start, [drawn(told_by=told_by)]), told_by) == 0
    alone = Blend(1.0, 0.0, 0.0)
    assert choose_blend(alone, [drawn(told_by=told_by)]) == alone


def test_dates_without_an_outcome_or_a_row_say_nothing() -> None:
    start = Blend(0.6, 0.1, 0.3)
    sources = drawn().sources
    nobody, everybody = (Period(sources, np.full(400, outcome), True) for outcome in (0.0, 1.0))
    no_row = Period({name: np.empty(0) for name in sources}, np.empty(0), True)
    assert choose_blend(start, []) == start
    assert choose_blend(start, [nobody, everybody, no_row]) == start
    assert choose_blend(start, [drawn(), nobody, no_row]) == choose_blend(start, [drawn()]) != start


def test_the_level_of_a_date_is_no_matter_to_the_weights() -> None:
    period = drawn(offset=0.5)
    moved = Period({name: log_odds - 1.5 for name, log_odds in period.sources.items()}, period.outcome, True)
    start = Blend(0.6, 0.1, 0.3)
    assert choose_blend(start, [moved]) == choose_blend(start, [period])


def test_what_could_not_be_learned_then_leaves_its_weight_to_the_prior() -> None:
    period = drawn()
    less = Period({"prior": period.sources["prior"], "history": period.sources["history"]}, period.outcome, True)
    found = less.blended(Blend(0.5, 0.2, 0.3))
    assert_allclose(found, 0.7 * period.sources["prior"] + 0.3 * period.sources["history"], atol=1e-12)


def test_a_blend_of_numbers_is_the_blend_of_scorecards() -> None:
    column = {"mails": np.array([0, 1, 5, np.nan], dtype=np.float32)}
    cards = {
        "prior": Scorecard(0.3, (Table("mails", [0], [-1, 1, 0.2]),)),
        "step_back": Scorecard(-0.7, (Table("mails", [2], [0.4, 2, 0]),)),
        "history": Scorecard(0.1, (Table("mails", [0, 4], [-3, 1, 2, 0.5]),)),
    }
    blend = Blend(0.55, 0.15, 0.3)
    period = Period({name: card.log_odds(column) for name, card in cards.items()}, np.zeros(4), True)
    whole = weighted_sum(list(cards.values()), [getattr(blend, name) for name in cards])
    assert_allclose(period.blended(blend), whole.log_odds(column), rtol=0, atol=1e-9)


# ---- the line -------------------------------------------------------------------------------------------------------

WHOLE = Blend(0.0, 0.0, 1.0)


def test_nothing_settled_leaves_the_blend_as_it_is() -> None:
    assert fit_line(WHOLE, []) == (0.0, 1.0)
    assert fit_line(WHOLE, [drawn(settled=False)]) == (0.0, 1.0)


@pytest.mark.parametrize("told_by", ["history", "prior", "step_back"])
@pytest.mark.parametrize("sign", [1, -1])
def test_the_slope_is_above_nought(told_by: str, sign: int) -> None:
    period = drawn(told_by=told_by, rows=2000)
    turned = Period({name: sign * log_odds for name, log_odds in period.sources.items()}, period.outcome, True)
    offset, slope = fit_line(WHOLE, [turned] * 5)
    assert slope > 0
    assert np.isfinite(offset)


@pytest.mark.parametrize("outcome", [0.0, 1.0])
def test_a_date_on_which_all_or_nobody_did_moves_the_level_a_finite_way(outcome: float) -> None:
    period = Period(drawn().sources, np.full(400, outcome), True)
    offset, slope = fit_line(WHOLE, [period])
    assert -5 < offset < 5
    assert slope > 0
    assert np.sign(offset) == (1 if outcome else -1)


def test_dates_pull_the_level_towards_theirs_and_more_of_them_more() -> None:
    high = [drawn(seed=seed, offset=2.0) for seed in range(6)]
    one, many = (fit_line(WHOLE, high[:count])[0] for count in (1, 6))
    assert 0 < one < many < 2.2


def test_a_date_does_not_count_by_its_rows() -> None:
    """Ten times the rows of one month are not ten months."""
    few = fit_line(WHOLE, [drawn(rows=400, offset=2.0)])[0]
    many = fit_line(WHOLE, [drawn(rows=4000, offset=2.0)])[0]
    assert many == pytest.approx(few, abs=0.25)
    assert many < 1.5


# ---- the level ------------------------------------------------------------------------------------------------------


@given(
    st.lists(st.floats(-8, 8), min_size=1, max_size=30).map(np.array),
    st.floats(0.001, 0.999),
)
def test_an_offset_gives_the_level_that_was_asked_for(log_odds: np.ndarray, level: float) -> None:
    offset = fit_offset(log_odds, level)
    assert float(logistic(log_odds + offset).mean()) == pytest.approx(level, abs=1e-9)


@given(st.lists(st.floats(-8, 8), min_size=1, max_size=30).map(np.array), st.floats(-5, 5))
def test_an_offset_is_found_again(log_odds: np.ndarray, offset: float) -> None:
    level = float(logistic(log_odds + offset).mean())
    assert fit_offset(log_odds, level) == pytest.approx(offset, abs=1e-6)
