"""Charts: what is drawn is what was given."""

from __future__ import annotations

import pytest

from scoring.report.charts import (
    Bar,
    Dot,
    Line,
    draw_balance,
    draw_bars,
    draw_calibration,
    draw_curves,
    draw_stack,
    draw_steps,
)

from .pages import Element, Page


def drawn(chart: str, *kinds: str) -> list[Element]:
    return [
        each for each in Page(chart).root.all("rect", "path", "circle", "line") if each.attributes["class"] in kinds
    ]


def width(element: Element) -> float:
    return float(element.attributes["width"].rstrip("%"))


def test_bars_are_as_wide_as_their_share() -> None:
    bars = [Bar("A", "1", ((0.25, "a"), (0.5, "rest"))), Bar("B", "0", ((0.0, "b"), (1.0, "rest")))]
    chart = draw_bars("x", "Title", "told", bars)
    assert [width(each) for each in drawn(chart, "a")] == [25]
    assert [width(each) for each in drawn(chart, "rest")] == [50, 100]
    assert drawn(chart, "b") == []  # nothing is no bar
    assert [each.text for each in Page(chart).root.all("text")] == ["A", "1", "B", "0"]


def test_a_small_share_can_be_seen_and_a_large_one_stays_inside() -> None:
    chart = draw_bars("x", "Title", "told", [Bar("A", "", ((1e-6, "a"),)), Bar("B", "", ((1.5, "b"),))])
    assert width(drawn(chart, "a")[0]) > 0
    assert width(drawn(chart, "b")[0]) == 100


def test_a_stack_fills_the_line_without_gaps() -> None:
    pieces = list(Page(draw_stack("x", "T", "t", [(0.5, "a"), (0.0, "b"), (0.3, "c"), (0.2, "d")])).root.all("rect"))
    assert [each.attributes["class"] for each in pieces] == ["a piece", "c piece", "d piece"]
    at = 0.0
    for piece in pieces:
        assert float(piece.attributes["x"].rstrip("%")) == pytest.approx(at, abs=0.011)
        at += width(piece)
    assert at == pytest.approx(100, abs=0.03)


def test_a_balance_leans_to_either_side_of_the_middle() -> None:
    chart = draw_balance("x", "T", "t", [("fact", "shown", 1.0, 0.5)])
    (down,), (up,) = drawn(chart, "down"), drawn(chart, "up")
    assert (down.attributes["x"], width(down)) == ("0%", 50)
    assert (up.attributes["x"], width(up)) == ("50%", 25)


def test_curves_start_and_end_in_the_corners() -> None:
    chart = draw_curves("x", "T", "t", "across", [Line("own", "own", [(0, 0), (0.5, 1), (1, 1)])])
    (path,) = drawn(chart, "line own")
    points = [tuple(map(float, each.split())) for each in path.attributes["d"][1:].split("L")]
    (left, bottom), (middle, top), (right, _) = points
    assert middle == (left + right) / 2
    assert top < bottom
    grid = [float(each.attributes["y1"]) for each in drawn(chart, "grid")]
    assert (max(grid), min(grid)) == (bottom, top)


def test_dots_on_the_line_are_on_the_line() -> None:
    chart = draw_calibration("x", "T", "t", "across", [Dot(0.1, 0.1, 1.0), Dot(0.4, 0.4, 0.2)], 0.5)
    (line,) = drawn(chart, "line even")
    (x0, y0), (x1, y1) = (tuple(map(float, each.split())) for each in line.attributes["d"][1:].split("L"))
    for dot in drawn(chart, "dot"):
        x, y = float(dot.attributes["cx"]), float(dot.attributes["cy"])
        assert (x - x0) / (x1 - x0) == pytest.approx((y - y0) / (y1 - y0), abs=1e-3)


def test_steps_are_level_within_and_upright_between() -> None:
    chart = draw_steps("x", "T", "t", "across", [], [], [(0, 0.4, 0.2), (0.4, 1, 0.8)], 0.5, aside=0.3)
    (path,) = drawn(chart, "line own")
    points = [tuple(map(float, each.split())) for each in path.attributes["d"][1:].split("L")]
    assert points[0][1] == points[1][1]
    assert points[1][0] == points[2][0]
    assert points[2][1] == points[3][1] < points[0][1]
    assert len(drawn(chart, "dot hollow")) == 1


@pytest.mark.parametrize("text", ["<b>", '"', "&", "\u202e"])
def test_text_is_escaped(text: str) -> None:
    charts = [
        draw_bars("x", text, text, [Bar(text, text, ((0.5, "a"),))]),
        draw_balance("x", text, text, [(text, text, 0.1, 0.2)]),
        draw_curves("x", text, text, text, [Line(text, "own", [(0, 0), (1, 1)])]),
    ]
    for chart in charts:
        page = Page(chart)
        assert not page.root.all("b")
        assert page.root.all("title")[0].text == text.replace("\u202e", " ")


def test_charts_of_nothing_are_empty() -> None:
    for chart in (
        draw_bars("x", "T", "t", []),
        draw_balance("x", "T", "t", []),
        draw_calibration("x", "T", "t", "a", [Dot(0, 0, 1)]),
    ):
        assert Page(chart).root.all("title")
