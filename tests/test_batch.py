"""Files in, files out: nothing lost, nobody suppressed in any of them."""

from __future__ import annotations

import json
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring import writing
from scoring.prediction import COLUMNS
from scoring.reading import read
from scoring.writing import FORMATS, write_frame

SCORES = ["reply_probability", "meeting_probability", "answer_probability", "priority", "percentile"]


def read_rejected(summary: scoring.Summary) -> list[dict[str, Any]]:
    assert summary.rejected_output is not None
    return [json.loads(line) for line in Path(summary.rejected_output).read_text("utf-8").splitlines()]


def files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("ending", FORMATS)
def test_a_file_holds_the_scores_of_the_frame(ending: str, export_csv: Path, tmp_path: Path) -> None:
    expected = scoring.score(export_csv)
    summary = scoring.score_file(export_csv, tmp_path / f"scored{ending}")
    back = read(tmp_path / f"scored{ending}")
    assert back.source.columns == expected.columns
    numbers = back.source.select(pl.col(SCORES).cast(pl.Float64))
    assert_frame_equal(numbers, expected.select(SCORES), check_exact=True)
    texts = ["tier", "evidence", "reasons", "model_id"]
    assert_frame_equal(
        back.source.select(pl.col(texts).cast(pl.String)), expected.select(pl.col(texts).cast(pl.String))
    )
    assert_frame_equal(back.table, read(export_csv).table)
    assert (summary.rows, summary.scored, summary.rejected, summary.suppressed) == (expected.height,) * 2 + (0, 0)
    assert summary.rejected_output is None
    assert list(files(tmp_path)) == [f"scored{ending}"]


def test_the_summary_adds_up(messy_csv: Path, suppressed: str, when: datetime, tmp_path: Path) -> None:
    summary = scoring.score_file(messy_csv, tmp_path / "out.parquet", as_of=when, suppress=[suppressed])
    scored = pl.read_parquet(tmp_path / "out.parquet")
    assert summary.rows == 20
    assert summary.scored == scored.height == sum(summary.tiers.values()) == sum(summary.evidence.values())
    assert summary.rejected == len(read_rejected(summary)) == 5
    assert summary.suppressed == 2
    assert summary.scored + summary.rejected + summary.suppressed == summary.rows
    assert summary.flagged == scored["flags"].count() >= 1
    assert summary.tiers == dict(scored["tier"].value_counts().cast({"tier": pl.String}).iter_rows())
    assert list(summary.tiers) == sorted(summary.tiers)
    assert summary.rules["unreadable_number"] == 1
    assert summary.rules["equal_duplicate"] == 1
    assert summary.as_of == f"{when:%Y-%m-%dT%H:%M:%SZ}"
    assert summary.model_id == scored["model_id"][0] == scoring.load_model().id
    assert set(json.loads(json.dumps(summary.to_dict()))) == {field.name for field in fields(summary)}


def test_rows_that_can_be_scored_keep_their_order_and_cells(messy_csv: Path, when: datetime, tmp_path: Path) -> None:
    scoring.score_file(messy_csv, tmp_path / "out.parquet", as_of=when)
    frame = scoring.score(messy_csv, as_of=when)
    expected = frame.filter(pl.col("problem").is_null())
    assert_frame_equal(pl.read_parquet(tmp_path / "out.parquet"), expected, check_exact=True)


@pytest.mark.parametrize("ending", ["csv", "json", "ndjson"])
def test_rejected_rows_say_line_rule_and_cell(ending: str, messy_csv: Path, when: datetime, tmp_path: Path) -> None:
    source = pl.read_csv(messy_csv, infer_schema=False)
    path = tmp_path / f"messy.{ending}"
    write_frame(source, path)
    summary = scoring.score_file(path, tmp_path / "out.csv", as_of=when)
    assert summary.rejected_output == str(tmp_path / "out.csv.rejected.ndjson")
    rejected = read_rejected(summary)
    assert [(row["row"], row["problem"]) for row in rejected] == [
        (0, "unreadable_number: total_inbound"),
        (2, "unreadable_number: total_inbound"),
        (3, "unreadable_time: last_inbound_time"),
        (4, "no_key"),
        (5, "negative_count: total_outbound"),
        (7, "unequal_duplicate"),
    ]
    if ending != "json":  # which is all on one line
        assert [row["line"] for row in rejected] == [row["row"] + 1 + (ending == "csv") for row in rejected]
    assert rejected[1]["cells"] == [{"rule": "unreadable_number", "column": "total_inbound", "cell": "many"}]
    for row in rejected:
        assert row["contact"] == source.row(row["row"], named=True)


@pytest.mark.parametrize("ending", FORMATS)
def test_nobody_suppressed_is_in_any_file(
    ending: str, messy_csv: Path, suppressed: str, when: datetime, tmp_path: Path
) -> None:
    write_frame(pl.read_csv(messy_csv, infer_schema=False), tmp_path / "in.parquet")
    out = tmp_path / "out"
    out.mkdir()
    summary = scoring.score_file(tmp_path / "in.parquet", out / f"out{ending}", as_of=when, suppress=[suppressed])
    assert summary.suppressed == 2
    assert len(files(out)) == 2
    for path in out.iterdir():
        cells = path.read_text() if path.name.endswith("rejected.ndjson") else read(path).source.write_json()
        assert suppressed not in cells.lower()
        assert "rep@our.example" in cells


def test_a_rejected_row_has_its_number_in_the_file(
    messy_csv: Path, suppressed: str, when: datetime, tmp_path: Path
) -> None:
    write_frame(pl.read_csv(messy_csv, infer_schema=False), tmp_path / "in.parquet")
    summary = scoring.score_file(tmp_path / "in.parquet", tmp_path / "out.csv", as_of=when, suppress=[suppressed])
    assert [row["row"] for row in read_rejected(summary)] == [2, 3, 4, 5, 7]


def test_lines_count_what_was_suppressed(messy_csv: Path, suppressed: str, when: datetime, tmp_path: Path) -> None:
    summary = scoring.score_file(messy_csv, tmp_path / "out.csv", as_of=when, suppress=[suppressed])
    assert [row["line"] for row in read_rejected(summary)] == [4, 5, 6, 7, 9]


@pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning")
def test_rejected_rows_of_any_type_are_json(when: datetime, tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "crm_id": [None, "1"],
            "total_inbound": [1, 1],
            "last_inbound_time": [when, when],
            "rates": [float("nan"), 1.0],
            "limit": [float("-inf"), 1.0],
            "bytes": [b"\xff", b"a"],
            "nested": [{"a": [1.0, float("nan")], "t": when}, None],
        }
    )
    frame.write_parquet(tmp_path / "in.parquet")
    summary = scoring.score_file(tmp_path / "in.parquet", tmp_path / "out.parquet", as_of=when)

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    assert summary.rejected_output is not None
    (line,) = Path(summary.rejected_output).read_text().splitlines()
    assert json.loads(line, parse_constant=refuse)["contact"] == {
        "crm_id": None,
        "total_inbound": 1,
        "last_inbound_time": when.isoformat(),
        "rates": None,
        "limit": "-inf",
        "bytes": "ff",
        "nested": {"a": [1.0, None], "t": when.isoformat()},
    }


def test_several_files_are_one_export(contacts: pl.DataFrame, export_csv: Path, tmp_path: Path) -> None:
    parts = [tmp_path / "a.csv", tmp_path / "b.csv"]
    write_frame(contacts.head(100), parts[0])
    write_frame(contacts.tail(-100), parts[1])
    summary = scoring.score_file(parts, tmp_path / "out.parquet")
    assert summary.rows == contacts.height
    scoring.score_file(export_csv, tmp_path / "whole.parquet")
    assert (tmp_path / "out.parquet").read_bytes() == (tmp_path / "whole.parquet").read_bytes()


def test_parts_with_the_context_are_the_whole(contacts: pl.DataFrame, tmp_path: Path) -> None:
    context = scoring.build_context(contacts)
    context.save(tmp_path / "context")
    write_frame(contacts, tmp_path / "whole.csv")
    scoring.score_file(tmp_path / "whole.csv", tmp_path / "whole.parquet")
    parts = []
    for number, part in enumerate(contacts.iter_slices(150)):
        write_frame(part, tmp_path / f"{number}.csv")
        out = tmp_path / f"{number}.parquet"
        scoring.score_file(tmp_path / f"{number}.csv", out, context=scoring.Context.load(tmp_path / "context"))
        parts.append(pl.read_parquet(out))
    assert_frame_equal(pl.concat(parts), pl.read_parquet(tmp_path / "whole.parquet"), check_exact=True)


def test_a_header_alone_gives_an_empty_file(contacts: pl.DataFrame, when: datetime, tmp_path: Path) -> None:
    contacts.head(0).write_csv(tmp_path / "in.csv")
    summary = scoring.score_file(tmp_path / "in.csv", tmp_path / "out.csv", as_of=when)
    assert (summary.rows, summary.scored, summary.tiers) == (0, 0, {})
    header = (tmp_path / "out.csv").read_text().strip()
    assert header == ",".join((*contacts.columns, *COLUMNS))


def test_a_later_run_without_faults_removes_what_an_older_one_put_aside(
    messy_csv: Path, export_csv: Path, when: datetime, tmp_path: Path
) -> None:
    scoring.score_file(messy_csv, tmp_path / "out.csv", as_of=when)
    assert len(files(tmp_path)) == 2
    scoring.score_file(export_csv, tmp_path / "out.csv", as_of=when)
    assert list(files(tmp_path)) == ["out.csv"]


# ---- what is refused, and leaves no trace ---------------------------------------------------------------------------


def test_strict_writes_nothing(messy_csv: Path, export_csv: Path, when: datetime, tmp_path: Path) -> None:
    with pytest.raises(scoring.InputError, match=r"6 of 20 rows.*negative_count.*unreadable_time"):
        scoring.score_file(messy_csv, tmp_path / "out.csv", as_of=when, strict=True)
    assert files(tmp_path) == {}
    assert scoring.score_file(export_csv, tmp_path / "out.csv", strict=True).rejected == 0


def test_scored_files_are_not_scored_again_by_mistake(export_csv: Path, tmp_path: Path) -> None:
    scoring.score_file(export_csv, tmp_path / "one.csv")
    before = files(tmp_path)
    with pytest.raises(scoring.InputError, match="overwrite"):
        scoring.score_file(tmp_path / "one.csv", tmp_path / "two.csv")
    assert files(tmp_path) == before
    scoring.score_file(tmp_path / "one.csv", tmp_path / "two.csv", overwrite=True)
    assert files(tmp_path)["two.csv"] == before["one.csv"]


@pytest.mark.parametrize("output", ["in.csv", "out.xlsx", "nowhere/out.csv", "out"])
def test_an_output_that_cannot_be_is_refused_before_any_work(
    output: str, export_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in.csv").write_bytes(export_csv.read_bytes())
    before = files(tmp_path)
    monkeypatch.setattr("scoring.batch.take_in", lambda *_, **__: pytest.fail("work was done"))
    for source in (tmp_path / "in.csv", [str(tmp_path / "in.csv")]):
        with pytest.raises(scoring.InputError):
            scoring.score_file(source, tmp_path / output)
    assert files(tmp_path) == before


def test_what_was_put_aside_is_not_written_over_while_it_is_read(messy_csv: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.csv.rejected.ndjson"
    path.write_bytes(messy_csv.read_bytes())
    with pytest.raises(scoring.InputError, match="is the input"):
        scoring.score_file(path, tmp_path / "out.csv")
    assert path.read_bytes() == messy_csv.read_bytes()


@pytest.mark.parametrize("source", ["messy_csv", "export_csv"])
def test_a_write_that_fails_leaves_the_older_files(
    source: str, when: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    path = request.getfixturevalue(source)
    (tmp_path / "out.csv").write_text("older")
    (tmp_path / "out.csv.rejected.ndjson").write_text("older too")
    before = files(tmp_path)

    def fail(_: pl.DataFrame, path: Path, __: str) -> None:
        path.write_text("half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing, "_write", fail)
    with pytest.raises(scoring.InputError, match="No space left"):
        scoring.score_file(path, tmp_path / "out.csv", as_of=when)
    assert files(tmp_path) == before


@pytest.mark.parametrize("name", ["~/in.csv", "file://{home}/in.csv", "{home}/../{folder}/in.csv"])
def test_the_input_is_not_written_over_by_any_name(
    name: str, export_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for home in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(home, str(tmp_path))
    (tmp_path / "in.csv").write_bytes(export_csv.read_bytes())
    source = name.format(home=tmp_path.as_posix(), folder=tmp_path.name)
    assert scoring.score_file(source, tmp_path / "out.csv").scored > 0
    with pytest.raises(scoring.InputError, match="is the input"):
        scoring.score_file(source, tmp_path / "in.csv")
    assert (tmp_path / "in.csv").read_bytes() == export_csv.read_bytes()


def test_a_folder_where_rows_would_be_put_aside_is_refused_before_any_work(export_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "out.csv.rejected.ndjson").mkdir()
    with pytest.raises(scoring.InputError, match="is a folder"):
        scoring.score_file(export_csv, tmp_path / "out.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv.rejected.ndjson"]


def test_a_pattern_is_the_files_that_fit_it(contacts: pl.DataFrame, when: datetime, tmp_path: Path) -> None:
    for number, part in enumerate((contacts[:100], contacts[100:150], contacts[150:])):
        part.write_csv(tmp_path / f"part-{number}.csv")
    files = [tmp_path / f"part-{number}.csv" for number in range(3)]
    listed = scoring.score_file(files, tmp_path / "listed.csv", as_of=when)
    found = scoring.score_file(tmp_path / "part-*.csv", tmp_path / "found.csv", as_of=when)
    assert (tmp_path / "found.csv").read_bytes() == (tmp_path / "listed.csv").read_bytes()
    assert found.rows == listed.rows == contacts.height
    one = scoring.score_file(str(tmp_path / "part-?.csv"), tmp_path / "one.csv", as_of=when)
    assert one.rows == contacts.height
    assert scoring.score(str(tmp_path / "part-*.csv"), as_of=when).height == contacts.height
    with pytest.raises(scoring.InputError, match="no such file"):
        scoring.score_file(tmp_path / "none-*.csv", tmp_path / "out.csv", as_of=when)
