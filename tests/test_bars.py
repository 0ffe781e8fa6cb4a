"""Bars: to one scale, each from where the one above it ends."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.bars import ASCII, BLOCKS, Marks, draw_steps

STEPS = st.lists(st.floats(-30, 30), max_size=8)


def span(bar: str) -> tuple[int, int]:
    """First and last cell that is drawn; nothing is left out between them."""
    drawn = [place for place, letter in enumerate(bar) if letter != " "]
    assert drawn == list(range(drawn[0], drawn[-1] + 1))
    return drawn[0], drawn[-1]


@given(start=st.floats(-30, 30), steps=STEPS, width=st.integers(2, 80), marks=st.sampled_from([ASCII, BLOCKS]))
def test_bars_are_to_scale_and_join(start: float, steps: list[float], width: int, marks: Marks) -> None:
    bars = draw_steps(start, steps, width, marks)
    assert len(bars) == len(steps) + 2
    assert {len(bar) for bar in bars} == {width}
    totals = list(itertools.accumulate([start, *steps]))
    low, high = min(totals), max(totals)

    def place(total: float) -> float:
        return (total - low) / (high - low) * (width - 1) if high > low else 0.0

    for bar, total in ((bars[0], start), (bars[-1], totals[-1])):
        assert set(bar) <= {" ", marks.point}
        assert span(bar)[0] == span(bar)[1]
        assert abs(span(bar)[0] - place(total)) <= 0.5001
    for bar, step, before, after in zip(bars[1:-1], steps, totals[:-1], totals[1:], strict=True):
        assert set(bar) <= {" ", marks.up if step >= 0 else marks.down}
        first, last = span(bar)
        assert abs(first - place(min(before, after))) <= 0.5001
        assert abs(last - place(max(before, after))) <= 0.5001


@pytest.mark.parametrize("steps", [[], [0.0], [0.0, 0.0]])
def test_no_step_at_all_is_a_point(steps: list[float]) -> None:
    assert draw_steps(-1.0, steps, 5, ASCII)[0] == draw_steps(-1.0, steps, 5, ASCII)[-1] == "|    "


def test_ascii_is_ascii() -> None:
    assert "".join(draw_steps(0.0, [1.0, -2.0], 30, ASCII)).isascii()
    assert len(set(vars(ASCII).values())) == len(set(vars(BLOCKS).values())) == 3
