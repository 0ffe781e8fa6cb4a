"""A service's way to score: everything held, one record after the other."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import scoring
from scoring import Scorer


@pytest.fixture(scope="module")
def records(contacts: pl.DataFrame) -> list[dict[str, Any]]:
    return contacts.head(60).to_dicts()


def test_it_scores_as_score_does(
    records: list[dict[str, Any]], context: scoring.Context, small_model: scoring.Model
) -> None:
    later = context.as_of + timedelta(days=3)
    for given in ({"as_of": later}, {"context": context}, {"context": context, "as_of": later, "model": small_model}):
        scorer = Scorer(**given)
        assert [scorer.score(record) for record in records] == [scoring.score(record, **given) for record in records]
        assert scorer.score(records) == scoring.score(records, **given)


def test_it_loads_files_once(
    records: list[dict[str, Any]], context: scoring.Context, small_model: scoring.Model, tmp_path: Path
) -> None:
    context.save(tmp_path / "context.parquet")
    small_model.save(tmp_path / "model")
    scorer = Scorer(tmp_path / "model", tmp_path / "context.parquet")
    (tmp_path / "context.parquet").unlink()
    (tmp_path / "model" / "model.json").unlink()
    assert scorer.model.id == small_model.id
    assert scorer.as_of == context.as_of
    assert scorer.score(records[0]) == scoring.score(records[0], model=small_model, context=context)


def test_the_date_is_given_or_the_contexts(context: scoring.Context) -> None:
    assert Scorer(context=context).as_of == context.as_of
    assert Scorer(as_of="2026-01-05").as_of == datetime(2026, 1, 5, tzinfo=UTC)
    with pytest.raises(scoring.InputError, match="a scorer without a date"):
        Scorer()
    with pytest.raises(scoring.InputError, match="before the context's date"):
        Scorer(context=context, as_of=context.as_of - timedelta(days=1))


def test_what_must_not_be_scored_is_none(records: list[dict[str, Any]], when: datetime) -> None:
    record = records[0] | {"email": "Ann@Objector.example"}
    assert Scorer(as_of=when, suppress=["objector.example"]).score(record) is None
    assert Scorer(as_of=when, suppress="objector.example").score([record, records[1]]) == [
        scoring.score(records[1], as_of=when)
    ]


def test_keys_of_the_result_are_replaced_only_on_request(records: list[dict[str, Any]], when: datetime) -> None:
    record = {"tier": "gold", **records[0]}
    with pytest.raises(scoring.InputError, match="tier"):
        Scorer(as_of=when).score(record)
    found = Scorer(as_of=when, overwrite=True).score(record)
    assert next(iter(found)) == "tier"
    assert found["tier"] == scoring.score(records[0], as_of=when)["tier"]


def test_the_record_stays_as_it_is(records: list[dict[str, Any]], when: datetime) -> None:
    before = dict(records[0])
    found = Scorer(as_of=when).score(records[0])
    assert records[0] == before
    assert found is not records[0]


def test_threads_may_share_it(records: list[dict[str, Any]], context: scoring.Context) -> None:
    expected = [scoring.score(record, context=context) for record in records]
    fresh = scoring.Context(context.as_of, context.totals)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(Scorer(context=fresh).score, records)) == expected
