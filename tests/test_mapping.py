"""Mappings: read, checked, and cells as a CRM's fields hold them."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import InputError
from scoring.mapping import DYNAMICS, SALESFORCE, FieldMapping, cells_of, shorten
from scoring.scored import read_scored


def test_a_mapping_is_read(tmp_path: Path) -> None:
    text = 'entity = "contact"\n[fields]\nScore__c = "priority"\nWhy__c = "reasons"\n[lengths]\nWhy__c = 4000\n'
    mapping = FieldMapping.from_toml(text)
    assert mapping == FieldMapping({"Score__c": "priority", "Why__c": "reasons"}, {"Why__c": 4000}, "contact")
    assert (mapping.length("Why__c"), mapping.length("Score__c")) == (4000, 255)
    path = tmp_path / "fields.toml"
    path.write_text(text, "utf-8")
    assert FieldMapping.from_toml(path) == mapping


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "has no fields"),
        ("fields = 3", "has no fields"),
        ("[fields", "cannot be read"),
        ('[fields]\nId = "priority"', "'Id'"),
        ('[fields]\nmsdyn_entityid = "crm_id"', "'msdyn_entityid'"),
        ('[fields]\n"Score,Tier" = "priority"', "'Score,Tier'"),
        ('[fields]\n"=1+1" = "priority"', "'=1\\+1'"),
        ('[fields]\nA__c = "priority"\na__C = "tier"', "twice"),
        ("[fields]\nA__c = 3", "no column for A__c"),
        ('[fields]\nA__c = "tier"\n[lengths]\nB__c = 30', "'B__c' the length 30"),
        ('[fields]\nA__c = "tier"\n[lengths]\nA__c = 0', "the length 0"),
        ('[fields]\nA__c = "tier"\n[lengths]\nA__c = 32001', "the length 32001"),
        ('[fields]\nA__c = "tier"\n[lengths]\nA__c = true', "the length True"),
        ('lengths = 3\n[fields]\nA__c = "tier"', "lengths"),
        ('entity = "opportunity"\n[fields]\nA__c = "tier"', "entity is 'opportunity'"),
        ('object = "Lead"\n[fields]\nA__c = "tier"', "object"),
    ],
)
def test_what_is_no_mapping_is_refused(text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        FieldMapping.from_toml(text)


def test_a_mapping_that_is_not_there_is_refused_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read") as caught:
        FieldMapping.from_toml(tmp_path / "none.toml")
    assert str(tmp_path) not in str(caught.value)


def test_columns_that_there_are_not_are_refused(scored: pl.DataFrame) -> None:
    with pytest.raises(InputError, match=r"2 column\(s\) of the mapping .*: mood, salary"):
        cells_of(read_scored(scored), FieldMapping({"A": "salary", "B": "mood", "C": "tier"}), 1)


def test_scores_are_put_in_percent(scored: pl.DataFrame) -> None:
    mapping = FieldMapping({"a": "priority", "b": "percentile", "c": "tier", "d": "reply_probability"})
    cells = cells_of(read_scored(scored), mapping, 1)
    for row, cell in zip(scored.iter_rows(named=True), cells.iter_rows(named=True), strict=True):
        assert cell["a"] == pytest.approx(100 * row["priority"], abs=0.05 + 1e-9)
        assert f"{cell['d']:.1f}" == repr(cell["d"])
        assert cell["b"] == pytest.approx(row["percentile"], abs=0.05 + 1e-9)
        assert cell["c"] == row["tier"]
    whole = cells_of(read_scored(scored), mapping, 0)
    assert whole.schema["a"] == whole.schema["b"] == pl.Int64
    assert whole["a"].is_between(0, 100).all()


def test_other_kinds_of_columns_are_put_as_fields_take_them(scored: pl.DataFrame) -> None:
    when = datetime(2026, 1, 5, 9, 30, 1, 250_000, tzinfo=UTC)
    two = scored.head(2).with_columns(
        pl.Series("number", [1.5, float("nan")]),
        pl.Series("endless", [float("inf"), None]),
        pl.Series("money", [Decimal("1.25"), None]),
        pl.Series("count", [7, None]),
        pl.Series("flag", [True, None]),
        pl.Series("when", [when, None], dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone("Asia/Kolkata"),
        pl.Series("local", [when.replace(tzinfo=None), None], dtype=pl.Datetime("ms")),
        pl.Series("day", [date(2026, 1, 5), None]),
        pl.Series("hour", [time(9, 30), None]),
        pl.Series("lasted", [timedelta(hours=1), None]),
        pl.Series("text", ["  Ann\r\n\x00Lee\u2028 ", " \t "]),
        pl.Series("kind", ["x", None], dtype=pl.Categorical),
        pl.Series("nothing", [None, None]),
    )
    names = two.columns[-13:]
    cells = cells_of(read_scored(two), FieldMapping({f"f{i}": name for i, name in enumerate(names)}), 1)
    time_, day = "2026-01-05T09:30:01.250Z", "2026-01-05"
    assert cells.row(0) == (1.5, None, 1.25, 7, True, time_, time_, day, "09:30:00", "PT1H", "Ann Lee", "x", None)
    assert cells.row(1) == (None,) * 13


@pytest.mark.parametrize("column", [pl.Series("odd", [[1], [2]]), pl.Series("odd", [b"a", b"b"])])
def test_what_no_field_holds_is_refused(column: pl.Series, scored: pl.DataFrame) -> None:
    with pytest.raises(InputError, match="'odd' holds"):
        cells_of(read_scored(scored.head(2).with_columns(column)), FieldMapping({"A": "odd"}), 1)


def test_the_defaults_name_columns_that_there_are(scored: pl.DataFrame) -> None:
    assert cells_of(read_scored(scored), SALESFORCE, 1).columns == list(SALESFORCE.fields)
    assert cells_of(read_scored(scored), DYNAMICS, 0).columns == ["msdyn_score", "msdyn_grade", "msdyn_scoredon"]


def units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def test_text_is_cut_where_a_sentence_ends() -> None:
    reasons = "last wrote 3 days ago (+0.26); never met (-0.20); long known (+0.11)"
    found, cut = shorten(pl.Series([reasons, "short", None, reasons[:50]]), 50)
    assert found.to_list() == ["last wrote 3 days ago (+0.26); …", "short", None, reasons[:50]]
    assert cut == 1
    assert shorten(pl.Series(["one two three"]), 9)[0].item() == "one two…"
    assert shorten(pl.Series(["abcdefgh"]), 4)[0].item() == "abc…"
    assert shorten(pl.Series(["😀😀😀"]), 5)[0].item() == "😀😀…"
    assert shorten(pl.Series(["😀😀😀"]), 6)[0].item() == "😀😀😀"
    assert shorten(pl.Series([1, 2]), 1)[0].to_list() == [1, 2]


@settings(deadline=None)
@given(st.lists(st.text(alphabet="ab; .😀é", max_size=30), max_size=10), st.integers(1, 20))
def test_cut_text_has_room_and_starts_as_it_did(texts: list[str], most: int) -> None:
    found, cut = shorten(pl.Series(texts, dtype=pl.String), most)
    assert cut == sum(units(text) > most for text in texts)
    for before, after in zip(texts, found, strict=True):
        assert units(after) <= most
        assert after == before if units(before) <= most else before.startswith(after.removesuffix("…"))
        assert units(before) <= most or after.endswith("…")
