"""The page as such: it needs nothing from elsewhere, harms nobody, and can be read in every way."""

from __future__ import annotations

import re
from datetime import datetime
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.report.style import read_style

from .pages import Page

EVIL = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</style></svg></table>",
    "\u202eevil\u202c\u2066",
    "&lt;b&gt; & Ben's",
    "\x1b[2J\x00",
    "javascript:alert(1)",
    "{0} %s ${x}",
)
PAGES = ("scores", "review", "model", "proved", "evil", "one")


@pytest.fixture(scope="module")
def htmls(exports: dict[datetime, pl.DataFrame]) -> dict[str, str]:
    """Every kind of page, one of them with evil in every text."""
    (when, export), (later, after) = list(exports.items())[-2:]
    scored = scoring.score(export, as_of=when)
    texts = [name for name, dtype in export.schema.items() if dtype == pl.String]
    spoiled = export.with_columns(
        pl.concat_str(pl.lit(EVIL[place % len(EVIL)]), pl.col(name)).alias(name) for place, name in enumerate(texts)
    )
    evil = scoring.score(spoiled, as_of=when).with_columns(model_id=pl.lit(EVIL[0]), reasons=pl.lit(EVIL[1]))
    return {
        "scores": scoring.report_scores(scored),
        "review": scoring.report_scores(scored, later={later: after}),
        "model": scoring.report_model("shipped"),
        "proved": scoring.report_model("shipped", exports=dict(list(exports.items())[-2:])),
        "evil": scoring.report_scores(evil),
        "one": scoring.report_scores(scoring.score({"crm_id": "1", "total_inbound": 0}, as_of="2026-01-05")),
    }


@pytest.fixture(params=PAGES)
def html(request: pytest.FixtureRequest, htmls: dict[str, str]) -> str:
    return htmls[request.param]


@pytest.fixture
def page(html: str) -> Page:
    return Page(html)


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    for element in page.root.all():
        assert element.tag not in ("script", "link", "iframe", "object", "embed", "img", "form", "base", "use", "image")
        for name, value in element.attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href", "action", "poster", "data", "srcset", "style", "background"):
                assert value.startswith("#")
    style = page.root.all("style")[0].text
    assert "url(" not in style
    assert "@import" not in style
    assert "://" not in page.html


def test_a_browser_would_run_nothing_anyway(page: Page) -> None:
    policy = next(
        each.attributes["content"]
        for each in page.root.all("meta")
        if each.attributes.get("http-equiv") == "Content-Security-Policy"
    )
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'")


def test_text_of_others_is_text(htmls: dict[str, str]) -> None:
    html = htmls["evil"]
    page = Page(html)
    assert not page.root.all("script", "img", "b0")
    assert "<script" not in html
    assert "onerror=alert(1)&gt;" in html
    assert not [char for char in html if char in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\x00\x1b"]
    foreign = [each for each in page.root.all() if "alert(1)" in each.text and not each.children]
    assert foreign
    assert {each.tag for each in foreign} <= {"bdi", "p", "li", "text", "desc"}


@pytest.mark.parametrize("name", [name for name in PAGES if name != "evil"])
def test_every_figure_is_filled_in(name: str, htmls: dict[str, str]) -> None:
    body = htmls[name].partition("</head>")[2]
    assert not re.search(r"[{}]|\bNone\b|\bnan\b|\binf\b|[^.]\.\.[^.]|  \.", body)


def test_headings_are_in_order(page: Page) -> None:
    levels = [int(each.tag[1]) for each in page.root.all("h1", "h2", "h3", "h4", "h5", "h6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_the_page_has_landmarks_and_a_way_past_the_links(page: Page) -> None:
    html = page.root.all("html")[0]
    assert html.attributes["lang"] == "en-GB"
    assert [len(page.root.all(tag)) for tag in ("main", "header", "footer", "nav", "title")] == [
        1,
        1,
        1,
        1,
        1 + len(page.root.all("svg")),
    ]
    first = next(each for each in page.root.all("body")[0].all("a"))
    assert (first.attributes["class"], first.attributes["href"]) == ("skip", "#main")
    viewport = next(each for each in page.root.all("meta") if each.attributes.get("name") == "viewport")
    assert "user-scalable" not in viewport.attributes["content"]


def test_regions_are_told_apart(page: Page) -> None:
    named = {each.attributes["id"]: " ".join(each.text.split()) for each in page.root.all() if "id" in each.attributes}
    regions = [each.attributes.get("aria-labelledby") for each in page.root.all("section", "div")]
    names = [named[name] for name in regions if name]
    assert names
    assert len(set(names)) == len(names)


def test_what_is_pointed_to_is_there_once(page: Page) -> None:
    names = [each.attributes["id"] for each in page.root.all() if "id" in each.attributes]
    assert len(set(names)) == len(names)
    for element in page.root.all():
        for name in ("aria-labelledby", "aria-describedby"):
            for target in element.attributes.get(name, "").split():
                assert target in names
        if element.attributes.get("href", "").startswith("#"):
            assert element.attributes["href"][1:] in names


def test_each_picture_is_told_and_has_its_numbers(page: Page) -> None:
    for picture in page.root.all("svg"):
        assert picture.attributes["role"] == "img"
        title, told = picture.all("title")[0].text, picture.all("desc")[0].text
        assert title
        assert re.search(r"\d|evil", told) or not told
        figure = picture.parent
        assert figure is not None
        assert figure.tag == "figure"
        assert figure.all("figcaption")
        assert figure.all("details")[0].all("table")[0].all("td")


def test_tables_have_heads_and_can_be_scrolled_by_keyboard(page: Page) -> None:
    for table in page.root.all("table"):
        heads = table.all("thead")[0].all("th")
        assert {each.attributes["scope"] for each in heads} == {"col"}
        for row in table.all("tbody")[0].all("tr"):
            assert len(row.children) == len(heads)
        region = table.parent
        assert region is not None
        assert (region.attributes["role"], region.attributes["tabindex"]) == ("region", "0")
        assert "aria-labelledby" in region.attributes or "aria-label" in region.attributes


def test_every_colour_has_contrast_by_day_by_night_and_on_paper() -> None:
    schemes = re.findall(r":root\{([^}]*)\}", read_style())
    assert len(schemes) == 3
    for scheme in schemes:
        colours = dict(re.findall(r"--(\w+):(#[0-9a-f]{3,6})\b", scheme))
        for text in ("ink", "soft", "accent", "warn"):
            assert contrast(colours[text], colours["paper"]) >= 4.5
        assert contrast(colours["ink"], colours["sheet"]) >= 4.5
        for shape in ("a", "b", "c", "d", "up", "down", "rule", "rest"):
            assert contrast(colours[shape], colours["paper"]) >= 3
        for shape in ("a", "b", "c", "d", "up", "down", "rest"):
            assert contrast(colours[shape], colours["sheet"]) >= 2.7  # the empty part of a bar


def contrast(one: str, other: str) -> float:
    """As WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    digits = colour[1:] if len(colour) == 7 else "".join(2 * digit for digit in colour[1:])
    shares = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_the_same_rows_in_any_order_give_the_same_page(
    htmls: dict[str, str], exports: dict[datetime, pl.DataFrame], tmp_path: Path
) -> None:
    (when, export), (later, after) = list(exports.items())[-2:]
    scored = scoring.score(export, as_of=when)
    moved = scored.sample(fraction=1, shuffle=True, seed=3)
    again = scoring.report_scores(moved, later={later: after.reverse()})
    assert again == htmls["review"]
    scored.write_parquet(tmp_path / "scored.parquet")
    assert scoring.report_scores(tmp_path / "scored.parquet") == htmls["scores"]
    shuffled = {date: each.sample(fraction=1, shuffle=True, seed=4) for date, each in list(exports.items())[-2:]}
    assert scoring.report_model("shipped", exports=shuffled) == htmls["proved"]


def test_who_is_suppressed_is_only_counted(exports: dict[datetime, pl.DataFrame], htmls: dict[str, str]) -> None:
    when, export = list(exports.items())[-2]
    scored = scoring.score(export, as_of=when)
    best = scored.sort("priority", descending=True).row(0, named=True)
    domain = best["account_domain"]
    assert domain in htmls["scores"]
    html = scoring.report_scores(scored, suppress=[domain])
    page = Page(html)
    assert domain not in html
    left = [
        row for row in scored.to_dicts() if domain not in (row["account_domain"], (row["email"] or "").split("@")[-1])
    ]
    assert page.figures["contacts"] == f"{len(left):,}"
    assert f"{scored.height - len(left)} rows were left out as asked" in page.section("quality")


def test_a_single_contact_has_a_page(htmls: dict[str, str]) -> None:
    page = Page(htmls["one"])
    assert page.figures["contacts"] == "1"
    assert "none of them in tier A" in page.root.text
    assert not re.search(r"\b1 (contact|rep|row|account|field)s\b", page.root.text)


def test_nobody_scored_is_refused() -> None:
    scored = scoring.score({"crm_id": "1", "total_inbound": -1}, as_of="2026-01-05")
    with pytest.raises(scoring.InputError, match="none of 1 row"):
        scoring.report_scores(scored)
    with pytest.raises(scoring.InputError, match="no scores"):
        scoring.report_scores({"crm_id": "1", "total_inbound": 1})
