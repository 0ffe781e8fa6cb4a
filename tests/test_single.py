"""One record: the same bits, errors, flags and problems as by frames, whatever the record."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import numpy as np
import polars as pl
import pytest

import scoring
from scoring import prediction
from scoring.intake import take_in
from scoring.prediction import COLUMNS
from scoring.schema import FIELDS, NAMES

WHEN = datetime(2026, 1, 5, 12, 30, tzinfo=UTC)
KINDS = {field.name: field.kind for field in FIELDS}


@pytest.fixture(scope="module")
def records(contacts: pl.DataFrame) -> list[dict[str, Any]]:
    """Contacts as JSON holds them."""
    return contacts.with_columns(pl.col(pl.Datetime).dt.strftime("%FT%TZ")).to_dicts()


@contextmanager
def frames_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "score_record", lambda *_: None)
        yield


def answer(record: dict[Any, Any], **how: Any) -> Any:
    """What scoring says of a record, or what it raises."""
    try:
        return scoring.score(record, **how)
    except scoring.ScoringError as error:
        return type(error), str(error)


def same(record: dict[Any, Any], **how: Any) -> Any:
    """Score both ways and hold them together, to the types of the values and the order of the keys."""
    quick = answer(record, **how)
    with frames_only():
        framed = answer(record, **how)
    assert repr(quick) == repr(framed)
    return quick


def is_quick(record: dict[Any, Any], **how: Any) -> bool:
    """Whether a record is scored without frames."""
    framed: list[Any] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(prediction, "take_in", lambda *given, **more: framed.append(given) or take_in(*given, **more))
        scoring.score(record, **how)
    return not framed


@pytest.fixture(scope="module")
def saved(context: scoring.Context, tmp_path_factory: pytest.TempPathFactory) -> scoring.Context:
    path = tmp_path_factory.mktemp("context") / "context.parquet"
    context.save(path)
    return scoring.Context.load(path)


def test_records_have_the_bits_of_their_rows(
    scored: pl.DataFrame, records: list[dict[str, Any]], context: scoring.Context, saved: scoring.Context
) -> None:
    for record, expected in zip(records, scored.select(COLUMNS).to_dicts(), strict=True):
        for totals in (context, saved):
            found = scoring.score(record, context=totals)
            assert {name: found[name] for name in COLUMNS} == expected
            assert list(found) == [*record, *COLUMNS]


def test_records_alone_have_the_bits_that_they_have_in_a_list(records: list[dict[str, Any]], when: datetime) -> None:
    assert [scoring.score(record, as_of=when) for record in records] == scoring.score(records, as_of=when)


def test_ordinary_records_need_no_frames(
    records: list[dict[str, Any]], contacts: pl.DataFrame, saved: scoring.Context, when: datetime
) -> None:
    for record in (*records[:50], *contacts.head(50).to_dicts()):
        assert is_quick(record, context=saved)
        assert is_quick(record, as_of=when, suppress=["nobody@nowhere.example", "nowhere.example"])


ODD: dict[str, list[Any]] = {
    "any": [
        None, "", " ", "null", "NaN", "n/a", math.nan, math.inf, -math.inf, True, False, 0, 1, -1, 2**40, 10**12,
        10**13, 2**63, 2**64, 10**400, -0.0, 0.5, 3.0, 1e300, 1e308, "3", "3.0", "1e3", "1,000", " 7 ", "many",
        "\ud800", "é", b"x", [1], {"a": 1}, {(1, 2): 3}, [{}, []], object, np.float64(2), np.int64(3), np.str_("x"),
        date(2025, 12, 1), WHEN, Decimal("3"), Decimal("NaN"), Decimal("1e400"),
    ],
    "count": [0, 1, 2, 3, 5, 8, 40, 1000, 10**9, 10**12, "4", "4.0", 4.0, "+4", "٣", -2],
    "time": [
        "2025-12-31T10:00:00Z", "2026-01-05T12:30:00Z", "2026-01-05T12:30:01Z", "2025-12-06T12:30:00Z",
        "1989-01-01T00:00:00Z", "1899-12-31T23:59:59Z", "9999-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
        "2025-02-30T00:00:00Z", "2025-12-31T24:00:00Z", "2025-12-31T23:59:60Z", "2025-12-31T23:59:61Z", "2025-12-31",
        "2025-12-31 10:00", "2025-12-31T10:00:00+05:30", "2025-12-31T10:00:00.123456Z", "2025-12-31t10:00:00z",
        "20251231T100000Z", "2025-W52-1", "1767225600", 1767225600, 1767225600000, 1.7672256e9,
        "2025-12-31T10:00:00Z\n", " 2025-12-31T10:00:00Z", "yesterday", WHEN.replace(month=2, tzinfo=None),
        WHEN.replace(year=2024, microsecond=7, tzinfo=timezone(timedelta(hours=-5))), date(2025, 11, 30),
    ],
    "text": [
        "ann@buyer.example", "ANN@buyer.example ", "rep@our.example", "bücher.example", "İ.example", "ΑΣ", "x\x1c",
        "\x1cx", "vice president", "Geschäftsführung", "VP\ud800", "Sales", "IT", 12, 12.0, 1.5, "\u2003a\u2003",
        "none", "None",
    ],
    "flag": [True, False, "yes", "No", "TRUE", 1, 0, 1.0, "1.0", "maybe", 2],
    "number": [0.5, "1e5", math.nan, "x"],
}  # fmt: skip
NAMED_ODDLY: tuple[Any, ...] = ("priority", "tier", "Total-Inbound", "totalInbound", 7, np.str_("email"), "a\ud800", "")


def hostile(rng: random.Random, records: list[dict[str, Any]]) -> dict[Any, Any]:
    """A record made to hurt: a plain one with some cells, keys and columns that are not."""
    record: dict[Any, Any] = dict(rng.choice(records))
    for name in rng.sample(NAMES, rng.choice([0, 1, 1, 2, 3, 6, 12])):
        record[name] = rng.choice(ODD[KINDS[name]] if rng.random() < 0.8 else ODD["any"])
    if rng.random() < 0.3:
        for name in rng.sample(sorted(record), rng.randrange(len(record))):
            del record[name]
    if rng.random() < 0.2:
        record = {rng.choice([str.upper, str.title, str])(name): cell for name, cell in record.items()}
    if rng.random() < 0.2:
        record["shoe size"] = rng.choice(ODD["any"])
    if rng.random() < 0.05:
        record[
            rng.choice(["priority", "tier", "Total-Inbound", "totalInbound", 7, np.str_("email"), "a\ud800", ""])
        ] = 1
    if rng.random() < 0.2:
        items = list(record.items())
        rng.shuffle(items)
        record = dict(items)
    return record


@pytest.mark.parametrize("seed", range(3))
def test_records_made_to_hurt_get_the_same_answer(
    seed: int, records: list[dict[str, Any]], context: scoring.Context, saved: scoring.Context, when: datetime
) -> None:
    rng = random.Random(seed)
    dates = [{"as_of": WHEN}, {"context": context}, {"context": saved}, {"as_of": when, "context": saved}, {}]
    wishes = [{}, {}, {}, {"overwrite": True}, {"suppress": ["buyer.example"]}, {"suppress": ["no entry"]}]
    quick = 0
    for _ in range(150):
        record, how = hostile(rng, records), rng.choice(dates) | rng.choice(wishes)
        if isinstance(same(record, **how), dict):
            quick += is_quick(record, **how)
    assert quick > 30, "many are not so odd that frames must look"


@pytest.mark.parametrize(
    ("record", "problem"),
    [
        ({"crm_id": "1", "total_inbound": -1}, "negative_count: total_inbound"),
        ({"crm_id": "1", "Total Inbound": "many"}, "unreadable_number: Total Inbound"),
        ({"crm_id": "1", "total_inbound": "\ud800"}, "unreadable_number: total_inbound"),
        ({"total_inbound": 1}, "no_key"),
    ],
)
def test_a_problem_is_told_as_in_a_file(record: dict[str, Any], problem: str) -> None:
    found = same(record, as_of=WHEN)
    assert (found["problem"], found["priority"]) == (problem, None)


def test_what_a_crm_sends_beside_is_ordinary(records: list[dict[str, Any]], when: datetime) -> None:
    beside = {"attributes": {"type": "Lead", "url": "/services/1"}, "tags": ["a", 1], "amount": Decimal("3.5")}
    nested = beside | records[0]
    assert is_quick(nested, as_of=when)
    same(nested, as_of=when)


def test_a_cell_that_no_score_needs_does_not_matter() -> None:
    plain = {"crm_id": "1", "total_inbound": 3}
    odd = plain | {"engagement_level": "high", "first_name": "\ud800", "shoe size": [1], "received_reply": "perhaps"}
    assert same(odd, as_of=WHEN)["priority"] == same(plain, as_of=WHEN)["priority"]


@pytest.mark.parametrize("entry", ["ann@buyer.example", "BUYER.example", "@example", "buyer", "other.example"])
def test_who_is_left_out_is_left_out(entry: str) -> None:
    for email in ("Ann@buyer.example", "Ann <ann@mail.buyer.example>", "ann@buyer.example.", "a@b@buyer.example", None):
        for account in ("buyer", "@Buyer.example", "bücher", None):
            same({"crm_id": "1", "email": email, "account_domain": account, "total_inbound": 1}, as_of=WHEN,
                 suppress=[entry])  # fmt: skip
