import gzip
import json
import warnings
from datetime import UTC, datetime

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from polars.testing import assert_frame_equal

from scoring.errors import InputError, SchemaWarning
from scoring.reading import read, restore
from scoring.schema import NAMES

from .tables import VENDOR, as_json, as_text, one, tables

slow = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def written(table, folder):
    """Write a table in every way in which an export may come; return what to read."""
    text = as_text(table)
    paths = {
        name: folder / name for name in ("a.csv", "b.csv", "c.csv", "d.json", "e.json", "f.ndjson", "g.parquet", "h.gz")
    }
    text.write_csv(paths["a.csv"])
    text.write_csv(paths["b.csv"], separator=";", quote_style="always", include_bom=True, line_terminator="\r\n")
    titled = text.rename(lambda name: name.replace("_", " ").title())
    paths["c.csv"].write_bytes(titled.write_csv(separator="\t").encode("utf-16"))
    paths["d.json"].write_text(as_json(table), encoding="utf-8")
    paths["e.json"].write_text(json.dumps({"contacts": text.to_dicts()}, indent=1), encoding="utf-8")
    text.write_ndjson(paths["f.ndjson"])
    table.write_parquet(paths["g.parquet"])
    paths["h.gz"].write_bytes(gzip.compress(as_json(table).encode()))
    spaced = table.with_columns(pl.col(pl.Datetime).dt.to_string("%Y-%m-%d %H:%M:%S+00:00"))
    return {
        **paths,
        "polars": table,
        "typed otherwise": table.with_columns(
            pl.col(pl.Datetime).dt.replace_time_zone(None).dt.cast_time_unit("ms"), pl.col(pl.Int64).cast(pl.UInt32)
        ),
        "floats": table.with_columns(pl.col(pl.Int64).cast(pl.Float64), pl.col(pl.Boolean).cast(pl.Int8)),
        "text": text.cast(pl.String),
        "spaced": spaced,
        "lazy": table.lazy(),
        "dicts": table.to_dicts(),
        "text dicts": text.to_dicts(),
        "stream": Stream(table),
    }


class Stream:
    """Something that is known only by its Arrow stream."""

    def __init__(self, table):
        self.table = table

    def __arrow_c_stream__(self, requested_schema=None):
        return self.table.__arrow_c_stream__(requested_schema)


@pytest.mark.filterwarnings("error")
@slow
@given(table=tables())
def test_the_same_table_by_every_way_in(tmp_path, table):
    for name, contacts in written(table, tmp_path).items():
        export = read(contacts)
        assert export.faults.is_empty(), name
        assert export.missing == export.extra == (), name
        assert_frame_equal(export.table, table)


@slow
@given(table=tables())
def test_a_record_alone_is_read_as_in_its_table(table):
    for place, row in enumerate(table.to_dicts()):
        assert_frame_equal(read(row).table, table[place])
    for place, row in enumerate(as_text(table).to_dicts()):
        assert_frame_equal(read(row).table, table[place])


def test_the_source_is_untouched(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Shoe Size,E-Mail,Total Inbound,Last Inbound Time\n 041 , A@b.example ,03, 2026-01-02\n")
    with pytest.warns(SchemaWarning, match="37 of 40 fields have no column"):
        export = read(path)
    assert export.source.rows() == [(" 041 ", " A@b.example ", "03", " 2026-01-02")]
    assert export.source.columns == ["Shoe Size", "E-Mail", "Total Inbound", "Last Inbound Time"]
    assert export.table.row(0, named=True)["email"] == "A@b.example"
    assert export.table["last_inbound_time"].item() == datetime(2026, 1, 2, tzinfo=UTC)
    assert export.renamed == {
        "E-Mail": "email",
        "Total Inbound": "total_inbound",
        "Last Inbound Time": "last_inbound_time",
    }
    assert export.extra == ("Shoe Size",)


def test_faults_say_row_rule_column_and_cell(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("email,Total Inbound,from_cc\na,many,perhaps\nb\nc,1,yes\n")
    with pytest.warns(SchemaWarning):
        export = read(path)
    assert export.faults.rows() == [
        (0, "unreadable_flag", "from_cc", "perhaps"),
        (0, "unreadable_number", "Total Inbound", "many"),
        (1, "unreadable_line", None, "b"),
    ]
    assert export.lines.to_list() == [2, 3, 4]


def test_several_files_are_put_one_after_the_other(tmp_path):
    (tmp_path / "a.csv").write_text("email,crm_id,total_inbound\na,1,x\nb,2,2\n")
    (tmp_path / "b.json").write_text('[\n{"Email": "c", "crm_id": 3, "total_outbound": 5, "shoe": 41}]')
    with pytest.warns(SchemaWarning, match="36 of 40"):
        export = read([tmp_path / "a.csv", str(tmp_path / "b.json")])
    assert export.table.select("email", "crm_id", "total_inbound", "total_outbound").rows() == [
        ("a", "1", None, None),
        ("b", "2", 2, None),
        ("c", "3", None, 5),
    ]
    assert export.faults.rows() == [(0, "unreadable_number", "total_inbound", "x")]
    assert export.lines.to_list() == [2, 3, 2]
    assert [(one["rows"], one["kind"]) for one in export.details["files"]] == [(2, "csv"), (1, "json")]
    assert export.source.height == 3
    assert export.extra == ("shoe",)


def test_a_fault_in_the_second_file_is_at_its_row_of_the_whole(tmp_path):
    (tmp_path / "a.csv").write_text("email,total_inbound\na,1\nb,2\n")
    (tmp_path / "b.csv").write_text("email,total_inbound\nc,x\n")
    with pytest.warns(SchemaWarning):
        assert read([tmp_path / "a.csv", tmp_path / "b.csv"]).faults["row"].to_list() == [2]


def test_the_second_file_is_named_when_it_is_at_fault(tmp_path):
    (tmp_path / "a.csv").write_text("email,total_inbound\na,1\n")
    (tmp_path / "b.json").write_text('[{"email": "x"}]')
    with pytest.raises(InputError, match='^"b.json": no column'):
        read([tmp_path / "a.csv", tmp_path / "b.json"])


def test_missing_fields_are_named_once_and_not_for_a_record():
    with pytest.warns(SchemaWarning) as caught:
        read([one("phone", "1")])
    assert len(caught) == 1
    assert "job_title" in str(caught[0].message)
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(one("phone", "1"))


@pytest.mark.parametrize(
    "contacts",
    [
        3,
        None,
        [1],
        ["a.csv", 3],
        pl.Series([1]),
        b"abc",
        [pl.DataFrame()],
        pl.DataFrame(),
        {},
        [{}],
        {1: 2},
        {"email": "a"},
    ],
)
def test_what_is_no_export_is_refused(contacts):
    with pytest.raises(InputError) as caught:
        read(contacts)
    assert "\n" not in str(caught.value)


def test_a_lazy_frame_that_fails_is_refused():
    with pytest.raises(InputError, match="lazyframe"):
        read(pl.LazyFrame({"total_inbound": [1]}).select("no such column"))


def test_no_records_are_an_empty_export():
    export = read([])
    assert export.table.shape == (0, 40)
    assert export.kind == "dicts"


def test_an_empty_frame_has_an_empty_table():
    export = read(pl.DataFrame(schema=dict.fromkeys(NAMES, pl.String)))
    assert export.table.shape == (0, 40)
    assert export.faults.is_empty()


def test_long_files_keep_every_row_in_place(tmp_path):
    rows = [f"{number},{number},{number % 7}" for number in range(20_000)]
    rows[15_000] = "torn"
    (tmp_path / "a.csv").write_text("\n".join(["crm_id,total_outbound,total_inbound", *rows]))
    with pytest.warns(SchemaWarning):
        export = read(tmp_path / "a.csv")
    counts = export.table["total_outbound"]
    assert counts[15_000] is None
    assert counts.drop_nulls().to_list() == [number for number in range(20_000) if number != 15_000]
    assert export.lines.to_list() == list(range(2, 20_002))


def test_what_comes_in_goes_out(tmp_path):
    table = pl.DataFrame([one("phone", "7") | {"extra": [1, 2]}] * 2).with_columns(pl.Series("total_inbound", [1, 2]))
    path = tmp_path / "a.parquet"
    table.write_parquet(path)
    score = pl.Series("score", [0.5, None])
    for contacts, kind in [(table, pl.DataFrame), (table.lazy(), pl.LazyFrame), (path, pl.DataFrame)]:
        with pytest.warns(SchemaWarning):
            export = read(contacts)
        out = restore(export.source.with_columns(score), export, contacts)
        assert isinstance(out, kind)
        assert_frame_equal(out.lazy().collect(), table.with_columns(score))
    rows = table.to_dicts()
    with pytest.warns(SchemaWarning):
        export = read(rows)
    out = restore(export.source.with_columns(score), export, rows)
    assert out == [rows[0] | {"score": 0.5}, rows[1] | {"score": None}]
    assert "score" not in rows[0]
    record = rows[0]
    export = read(record)
    assert restore(export.source.with_columns(score[:1]), export, record) == record | {"score": 0.5}


def test_a_column_that_is_overwritten_comes_out_new():
    rows = [one("score", 1.0)]
    with pytest.warns(SchemaWarning):
        export = read(rows)
    frame = export.source.with_columns(score=pl.lit(0.25))
    assert restore(frame, export, rows)[0]["score"] == 0.25


def test_times_are_not_shifted_by_the_zone_of_the_machine(monkeypatch):
    import time

    monkeypatch.setenv("TZ", "Asia/Kolkata")
    if hasattr(time, "tzset"):
        time.tzset()
    try:
        naive = datetime(2026, 1, 2, 3, 4, 5)  # noqa: DTZ001
        when = naive.replace(tzinfo=UTC)
        for cell in (naive, when, when.strftime(VENDOR), when.astimezone()):
            assert read(one("last_inbound_time", cell)).table["last_inbound_time"].item() == when
            with pytest.warns(SchemaWarning):
                assert read([one("last_inbound_time", cell)]).table["last_inbound_time"].item() == when
    finally:
        monkeypatch.undo()
        if hasattr(time, "tzset"):
            time.tzset()


@pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning")
@pytest.mark.parametrize("name", ["last_inbound_time", "total_outbound", "from_cc", "crm_id", "shoe size"])
@pytest.mark.parametrize("number", [10**5000, -(10**5000), "1" * 5000], ids=["large", "below zero", "text"])
def test_a_number_too_long_to_be_written_fails_no_program(name, number):
    record = {"total_inbound": 1, name: number}
    for export in (read(record), read([record, {"total_inbound": 2}])):
        assert export.table["total_inbound"][0] == 1
        assert export.faults.height == (0 if name in ("crm_id", "shoe size") else 1)


@pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning")
@pytest.mark.parametrize("cell", ["ü" * 150, "ü" * 200, "ü" * 201])
def test_a_long_cell_is_shortened_alike_alone_and_in_a_table(cell):
    expected = cell if len(cell) <= 200 else f"{cell[:200]}..."
    record = {"total_inbound": cell}
    for export in (read(record), read([record, {"total_inbound": "2"}])):
        assert export.faults["cell"].to_list() == [expected]
