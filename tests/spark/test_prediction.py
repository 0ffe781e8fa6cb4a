"""Scoring on Spark: the very bits of `scoring.score`, however the rows lie."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

import scoring
from scoring import spark as on_spark
from scoring.simulation import Settings, draw_organisation
from scoring.spark import totals

from .conftest import cached, same, told

KEYS = ("email", "source_email", "account_domain", "account_crm_id", "crm_id")
MANY = 100_000


def numbered(table: pl.DataFrame) -> pl.DataFrame:
    return table.with_columns(n=pl.int_range(table.height, dtype=pl.Int64))


def spoiled(table: pl.DataFrame) -> pl.DataFrame:
    """Put unusable rows in, equal and unequal duplicates, and a column that is no field."""
    table = numbered(table).with_columns(
        total_outbound=pl.when(pl.col("n") % 97 == 5).then(-1).otherwise("total_outbound"),
        crm_id=pl.when(pl.col("n") % 89 == 7).then(None).otherwise("crm_id"),
        email=pl.when(pl.col("n") % 89 == 7).then(None).otherwise("email"),
    )
    some = table.gather_every(31)
    other = some.with_columns(pl.col("total_inbound") + 1, pl.col("source_email").str.to_uppercase())
    return numbered(pl.concat([table, some, other]).sample(fraction=1, shuffle=True, seed=3)).with_columns(
        pl.format("{} | ä", "n").alias("a note, of `ours`.")
    )


def objectors(table: pl.DataFrame) -> list[str]:
    mails = table["email"].drop_nulls().sort()
    return [mails[3].upper(), "@" + mails[-1].split("@")[1]]


@pytest.fixture(scope="module")
def rows(contacts: pl.DataFrame) -> pl.DataFrame:
    return spoiled(contacts)


@pytest.fixture(scope="module")
def frame(spark: Any, rows: pl.DataFrame) -> Any:
    return spark.createDataFrame(rows.to_arrow(compat_level=pl.CompatLevel.oldest())).repartition(3).cache()


def test_a_hundred_thousand_rows_are_scored_as_one_frame_is(spark: Any, tmp_path: Any) -> None:
    organisations = [draw_organisation(seed, Settings(rows=3000, days=200)) for seed in (1, 2, 3)]
    table = pl.concat(organisation.export(organisations[0].dates(1)[0]) for organisation in organisations)
    copies = -(-MANY // table.height)
    whole = spoiled(pl.concat(table.with_columns(pl.col(KEYS) + f".{copy}") for copy in range(copies)).head(MANY))
    whole.write_parquet(tmp_path / "export.parquet", row_group_size=20_000)
    names = objectors(whole)
    expected = scoring.score(whole, suppress=names)
    problems = set(expected["problem"].drop_nulls().str.split(":").list.first())
    assert problems == {"negative_count", "no_key", "unequal_duplicate"}
    assert MANY < expected.height < whole.height
    before = cached(spark)
    same(on_spark.score(spark.read.parquet(str(tmp_path / "export.parquet")), suppress=names), expected)
    assert cached(spark) == before  # nothing stays behind


def test_too_much_for_every_task_is_joined(frame: Any, rows: pl.DataFrame, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(totals, "MOST_KEYS", 1)
    same(on_spark.score(frame, suppress=objectors(rows)), scoring.score(rows, suppress=objectors(rows)))


def test_text_is_read_as_everywhere(spark: Any, messy_csv: Any, suppressed: str) -> None:
    text = numbered(pl.read_csv(messy_csv, infer_schema=False)).rename(
        {"crm_id": "crmId", "total_inbound": "Total Inbound"}
    )
    found = on_spark.score(spark.createDataFrame(text.to_arrow()), suppress=[suppressed])
    expected = scoring.score(text, suppress=[suppressed])
    assert {"unreadable_number: Total Inbound", "negative_count: total_outbound"} <= set(expected["problem"])
    assert expected["flags"].count()
    same(found, expected)


@pytest.mark.parametrize("zone", ["America/St_Johns", "+05:30", "UTC"])
def test_the_time_zone_of_the_session_does_not_matter(
    spark: Any, frame: Any, rows: pl.DataFrame, when: datetime, zone: str
) -> None:
    before = spark.conf.get("spark.sql.session.timeZone")
    spark.conf.set("spark.sql.session.timeZone", zone)
    try:
        found = on_spark.score(frame.coalesce(1), as_of=when.isoformat(), context=scoring.build_context(rows))
        same(found, scoring.score(rows, as_of=when, context=scoring.build_context(rows)))
    finally:
        spark.conf.set("spark.sql.session.timeZone", before)


def test_a_saved_context_and_another_model(
    frame: Any, rows: pl.DataFrame, own_model: scoring.Model, tmp_path: Any
) -> None:
    scoring.build_context(rows).save(tmp_path / "context.parquet")
    scoring.score(rows.head(5), context=tmp_path / "context.parquet")
    options: dict[str, Any] = {"model": own_model, "context": tmp_path / "context.parquet"}
    same(on_spark.score(frame, **options), scoring.score(rows, **options))


def test_columns_come_back_as_they_were(spark: Any, contacts: pl.DataFrame) -> None:
    sql = (
        "select n, total_inbound, crm_id, array(n, 2) as nested, map('k', n) as mapped, cast(n as decimal(9, 2)) as "
        "price, to_date('2026-01-01') as day, cast(last_inbound_time as timestamp_ntz) as last_inbound_time, "
        "'mine' as Tier, encode(crm_id, 'utf-8') as bytes from export"
    )
    rows = numbered(contacts.head(40))
    spark.createDataFrame(rows.to_arrow()).createOrReplaceTempView("export")
    spark.conf.set("spark.sql.session.timeZone", "UTC")
    before = spark.sql(sql)
    with pytest.warns(scoring.SchemaWarning), pytest.raises(scoring.InputError, match="result already: tier"):
        on_spark.score(before)
    with pytest.warns(scoring.SchemaWarning, match="37 of 40 fields"):
        after = on_spark.score(before, as_of="2026-01-01", overwrite=True)
    assert after.columns[: len(before.columns)] == [name.replace("Tier", "tier") for name in before.columns]
    assert [field for field in after.schema if field.name in before.columns] == [
        field for field in before.schema if field.name != "Tier"
    ]
    assert after.drop("tier").orderBy("n").select(*(name for name in before.columns if name != "Tier")).toArrow() == (
        before.drop("Tier").orderBy("n").toArrow()
    )
    assert set(told(after)["tier"]) <= {"A", "B", "C", "D", None}


def test_without_rows_or_usable_rows(spark: Any, contacts: pl.DataFrame) -> None:
    rows = numbered(contacts.head(3)).with_columns(crm_id=pl.lit(None, pl.String), email=pl.lit(None, pl.String))
    for table in (rows, rows.clear()):
        same(on_spark.score(spark.createDataFrame(table.to_arrow())), scoring.score(table))


def test_what_cannot_be_scored_is_refused_before_anything_runs(spark: Any, contacts: pl.DataFrame) -> None:
    with pytest.raises(scoring.InputError, match="expected a Spark DataFrame"):
        on_spark.score(contacts)  # type: ignore[arg-type]
    with pytest.raises(scoring.InputError, match="is a stream"):
        on_spark.score(spark.readStream.format("rate").load())
    with pytest.raises(scoring.InputError, match="no column says what happened"):
        on_spark.score(spark.range(3))
    with pytest.raises(scoring.InputError, match="more than once"):
        on_spark.score(spark.sql("select 1 as total_inbound, 2 as total_inbound"))
    counted = spark.sql("select '1' as crm_id, 2 as total_inbound")
    with pytest.warns(scoring.SchemaWarning), pytest.raises(scoring.InputError, match="neither an address nor"):
        on_spark.score(counted, suppress=["a b"])
    with pytest.warns(scoring.SchemaWarning), pytest.raises(scoring.InputError, match="no row has a time"):
        on_spark.score(counted)
    with pytest.warns(scoring.SchemaWarning), pytest.raises(scoring.ModelError):
        on_spark.score(counted, model="no/such/folder")
