"""The pages in a real browser: on a phone, on a desk, by night, on paper, by keyboard. Skipped where there is none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.features import FEATURES
from scoring.report.axes import AXES
from scoring.report.charts import draw_balance, draw_steps
from scoring.report.markup import Section
from scoring.report.page import lay_out

from .browser import CHROMIUM, DRIVER, Browser, open_browser

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not (CHROMIUM and DRIVER), reason="no chromium here"),
]

_OVERLAPS = """
const found = [];
for (const svg of document.querySelectorAll('svg')) {
    const boxes = [...svg.querySelectorAll('text')].map(each => [each.textContent, each.getBoundingClientRect()]);
    for (const [i, [one, a]] of boxes.entries())
        for (const [other, b] of boxes.slice(i + 1)) {
            const across = a.left < b.right - 1 && b.left < a.right - 1;
            if (across && a.top < b.bottom - 3 && b.top < a.bottom - 3) found.push(one + ' / ' + other);
        }
}
return found;
"""
PHONE, DESK = (375, 812, 2), (1280, 900, 1)


@pytest.fixture(scope="module")
def pages(exports: dict[datetime, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    (when, export), (later, after) = list(exports.items())[-2:]
    long = export.with_columns(account_name=pl.lit("Unbreakable" * 30), first_name=pl.lit("<b>\u202eReversed" * 9))
    written = {
        "scores": scoring.report_scores(scoring.score(export, as_of=when), later={later: after}),
        "long": scoring.report_scores(scoring.score(long, as_of=when)),
        "model": scoring.report_model("shipped", exports={when: export, later: after}),
        "shipped": scoring.report_model("shipped"),
    }
    paths = {name: folder / f"{name}.html" for name in written}
    for name, html in written.items():
        paths[name].write_text(html, "utf-8")
    return paths


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser


@pytest.mark.parametrize("name", ["scores", "long", "model", "shipped"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
def test_the_page_renders(name: str, size: tuple[int, int, float], browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages[name], *size)
    assert browser.messages() == []
    assert browser.requests() == [pages[name].as_uri()]  # the page itself, and nothing else
    sizes = "const root = document.documentElement; return [root.scrollWidth, root.scrollHeight]"
    for script in ("", "document.querySelectorAll('details').forEach(each => each.open = true);"):
        wide, high = browser.run(script + sizes)
        assert wide == size[0]  # what is wider scrolls by itself
        assert high > size[1]
    boxes = "[...document.querySelectorAll('svg text')].map(each => each.getBoundingClientRect())"
    assert browser.run(f"return {boxes}.filter(each => each.height < 11).length") == 0
    assert browser.run(f"return {boxes}.filter(each => each.right > innerWidth || each.left < 0).length") == 0


@pytest.mark.parametrize("name", ["scores", "model"])
def test_labels_of_a_chart_do_not_lie_on_each_other(name: str, browser: Browser, pages: dict[str, Path]) -> None:
    for size in (PHONE, DESK):
        browser.show(pages[name], *size)
        told = browser.run(_OVERLAPS)
        assert told == []


def test_the_longest_labels_have_room_on_a_small_phone(browser: Browser, tmp_path: Path) -> None:
    rows = [(fact.capitalize(), "99% \u2193   99% \u2191", 1.0, 1.0) for fact in {each.fact.name for each in FEATURES}]
    chart = draw_balance("facts", "Facts", "told", rows)
    shapes = [draw_steps(name, "T", "t", words, [], [], [(0, 1, 0)], 0.5) for name, words in AXES.items()]
    page = tmp_path / "page.html"
    page.write_text(
        lay_out("T", "E", "s", "", [Section("one", "One", "", f"{chart}<div>{''.join(shapes)}</div>")], ""), "utf-8"
    )
    browser.show(page, 360, 740, 2)
    assert browser.run(_OVERLAPS) == []
    boxes = "[...document.querySelectorAll('svg text')].map(each => each.getBoundingClientRect())"
    assert browser.run(f"return {boxes}.filter(each => each.right > innerWidth || each.left < 0).length") == 0


@pytest.mark.parametrize("name", ["scores", "model"])
def test_the_page_prints(name: str, browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages[name], *DESK)
    printed = browser.print()
    assert printed.startswith(b"%PDF")
    assert printed.count(b"/Type /Page\n") >= 3
    browser.show(pages[name], 680, 900, paper=True)
    shown = browser.run("return getComputedStyle(document.querySelector('nav')).display")
    assert shown == "none"
    assert browser.run("return getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert browser.run("return document.documentElement.scrollWidth") == 680


def test_by_night_it_is_dark(browser: Browser, pages: dict[str, Path]) -> None:
    colours = []
    for dark in (False, True):
        browser.show(pages["scores"], *DESK, dark=dark)
        colours.append(browser.run("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]"))
    (paper, ink), (night, light) = colours
    assert paper != night
    assert ink != light


def test_a_screen_reader_is_told_of_pictures_tables_and_headings(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["scores"], *DESK)
    tree = [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in browser.tree()]
    pictures = [name for role, name in tree if role == "image"]
    assert any("Contacts and expected replies by tier" in name for name in pictures)
    assert all(pictures)
    headings = [name for role, name in tree if role == "heading"]
    assert "Whom to start with" in headings
    regions = [name for role, name in tree if role == "region"]
    assert any("One row a rep" in name for name in regions)


def test_everything_is_reached_by_keyboard(browser: Browser, pages: dict[str, Path]) -> None:
    browser.show(pages["scores"], *DESK)
    reached = [browser.press_tab() for _ in range(60)]
    assert reached[0] == "A skip"
    assert "SUMMARY " in reached
    assert "DIV scroll" in reached
    assert len(set(reached)) > 2
    assert browser.run("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
