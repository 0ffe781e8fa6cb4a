"""The way back: what a CRM's interface is given, read back by nothing but Python's own csv and json."""

from __future__ import annotations

import csv
import json
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scoring
from scoring import writeback
from scoring.errors import InputError
from scoring.mapping import SALESFORCE, FieldMapping
from scoring.simulation import Organisation
from scoring.writeback import WriteBack, write_dynamics, write_salesforce

GUID = "{}-1111-2222-3333-444444444444"
FEW = FieldMapping({"Score__c": "priority", "Tier__c": "tier"})


@pytest.fixture(scope="module")
def earlier(organisation: Organisation) -> pl.DataFrame:
    when = organisation.dates(3)[-1] - timedelta(days=30)
    return scoring.score(organisation.export(when), as_of=when)


def records(folder: Path, name: str = "Contact") -> list[dict[str, str]]:
    """Read the parts for an object, by the rules of CSV alone."""
    found = []
    for path in sorted(folder.glob(f"{name}-*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found += list(csv.DictReader(file, strict=True))
    return found


def targets(folder: Path) -> list[dict[str, Any]]:
    bodies = [json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("predictivescores-*.json"))]
    assert all(list(body) == ["Targets"] for body in bodies)
    return [record for body in bodies for record in body["Targets"]]


def with_guids(scored: pl.DataFrame) -> pl.DataFrame:
    short = pl.col("crm_id").str.tail(8)
    return scored.with_columns(pl.when(pl.col("crm_id").is_not_null()).then(pl.format(GUID, short)).alias("crm_id"))


def adds_up(told: WriteBack) -> bool:
    left_out = told.suppressed + told.unscored + told.without_id + told.foreign + told.repeated + told.unchanged
    return told.rows == told.written + left_out


def test_salesforce_is_given_what_the_rows_say(scored: pl.DataFrame, tmp_path: Path) -> None:
    told = write_salesforce(scored, tmp_path / "out")
    rows = records(tmp_path / "out")
    assert list(rows[0]) == ["Id", *SALESFORCE.fields]
    expected = {row["crm_id"]: row for row in scored.iter_rows(named=True) if row["crm_id"] is not None}
    assert [row["Id"] for row in rows] == sorted(expected)
    assert (told.written, told.without_id, told.rows) == (len(rows), scored["crm_id"].null_count(), scored.height)
    assert adds_up(told)
    for row in rows:
        whole = expected[row["Id"]]
        assert float(row["Scoring_Priority__c"]) == pytest.approx(100 * whole["priority"], abs=0.051)
        assert float(row["Scoring_Percentile__c"]) == pytest.approx(whole["percentile"], abs=0.051)
        assert row["Scoring_Tier__c"] == whole["tier"]
        assert row["Scoring_As_Of__c"] == f"{whole['as_of']:%Y-%m-%dT%H:%M:%S}.000Z"
        assert row["Scoring_Reasons__c"].removesuffix("…").strip() in whole["reasons"]
        assert len(row["Scoring_Reasons__c"]) <= 255
    assert told.shortened == sum(len(row["reasons"]) > 255 for row in expected.values()) > 0
    assert sum(row["Scoring_Reasons__c"].endswith("; …") for row in rows) == told.shortened


def test_the_bytes_are_as_salesforce_wants_them(scored: pl.DataFrame, tmp_path: Path) -> None:
    mapping = FieldMapping({"Name__c": "first_name", "Flag__c": "from_cc", "Last__c": "last_inbound_time"})
    odd = scored.head(3).with_columns(
        pl.Series("first_name", ['Ann "A", Lee', "Zoë\r\nÇ 😀", None]),
        pl.Series("from_cc", [True, False, None]),
        pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("last_inbound_time"),
    )
    write_salesforce(odd, tmp_path / "out", mapping=mapping)
    content = (tmp_path / "out" / "Contact-0001.csv").read_bytes()
    ids = sorted(odd["crm_id"])
    assert content.decode("utf-8").split("\n") == [
        "Id,Name__c,Flag__c,Last__c",
        f'{ids[0]},"Ann ""A"", Lee",true,#N/A',
        f"{ids[1]},Zoë Ç 😀,false,#N/A",
        f"{ids[2]},#N/A,#N/A,#N/A",
        "",
    ]


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=12), min_size=1, max_size=6))
def test_whatever_text_is_mapped_comes_back_in_one_line(names: list[str], scored: pl.DataFrame, tmp_path: Path) -> None:
    ids = [f"003{number:012d}" for number in range(len(names))]
    guids = [GUID.format(f"{number:08d}") for number in range(len(names))]
    spoken = scored.head(len(names)).with_columns(pl.Series("nickname", names, dtype=pl.String))
    mapping = FieldMapping({"nick": "nickname"})
    write_salesforce(spoken.with_columns(pl.Series("crm_id", ids)), tmp_path / "one", mapping=mapping)
    write_dynamics(spoken.with_columns(pl.Series("crm_id", guids)), tmp_path / "two", mapping=mapping)
    controls = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]+")
    expected = [controls.sub(" ", name).strip() or None for name in names]
    assert [row["nick"] for row in records(tmp_path / "one")] == [text or "#N/A" for text in expected]
    assert [record["nick"] for record in targets(tmp_path / "two")] == expected
    assert (tmp_path / "one" / "Contact-0001.csv").read_bytes().count(b"\n") == len(names) + 1


def test_contacts_and_leads_are_apart_and_others_left_out(scored: pl.DataFrame, tmp_path: Path) -> None:
    ids = ["00Q000000000001AAA", "003000000000002AAA", "001000000000003AAA", "=1+1", "003 x", None]
    told = write_salesforce(scored.head(6).with_columns(pl.Series("crm_id", ids)), tmp_path / "out", mapping=FEW)
    assert told.files == ("Contact-0001.csv", "Lead-0001.csv")
    assert [row["Id"] for row in records(tmp_path / "out", "Contact")] == [ids[1]]
    assert [row["Id"] for row in records(tmp_path / "out", "Lead")] == [ids[0]]
    assert (told.written, told.foreign, told.without_id) == (2, 3, 1)
    assert adds_up(told)
    assert "3 rows left out whose crm_id is none of" in told.to_text()


def test_of_rows_of_one_contact_the_best_is_taken(scored: pl.DataFrame, tmp_path: Path) -> None:
    first = "003000000000001"
    shared = scored.head(4).with_columns(
        pl.Series("crm_id", [first, f"{first}AAA", first, "003000000000009"]),
        pl.Series("priority", [0.2, 0.7, 0.4, 0.1]),
        pl.Series("tier", ["B", "A", "B", "C"], dtype=scored.schema["tier"]),
    )
    told = write_salesforce(shared, tmp_path / "out", mapping=FEW)
    assert records(tmp_path / "out") == [
        {"Id": f"{first}AAA", "Score__c": "70.0", "Tier__c": "A"},
        {"Id": "003000000000009", "Score__c": "10.0", "Tier__c": "C"},
    ]
    assert (told.written, told.repeated) == (2, 2)
    assert adds_up(told)
    assert "2 further rows of a contact that reps share" in told.to_text()


def test_a_person_who_is_suppressed_is_found_by_no_form_of_the_id(scored: pl.DataFrame, tmp_path: Path) -> None:
    first = "003000000000001"
    shared = scored.head(4).with_columns(
        pl.Series("crm_id", [first, f"{first}AAA", "003000000000009", None]),
        pl.Series("email", ["a@left-out.example", "other@there.example", "c@there.example", "d@left-out.example"]),
        account_domain=pl.lit("there.example"),
    )
    told = write_salesforce(shared, tmp_path / "out", mapping=FEW, suppress=["left-out.example"])
    assert [row["Id"] for row in records(tmp_path / "out")] == ["003000000000009"]
    assert (told.suppressed, told.written, told.without_id) == (3, 1, 0)
    assert adds_up(told)
    guids = with_guids(scored)
    one = guids.filter(pl.col("crm_id").is_not_null(), pl.col("email").is_not_null()).row(0, named=True)
    assert write_dynamics(guids, tmp_path / "dynamics", suppress=[one["email"]]).suppressed >= 1
    assert one["crm_id"] not in str(targets(tmp_path / "dynamics"))


def test_rows_without_scores_are_left_out(contacts: pl.DataFrame, when: Any, tmp_path: Path) -> None:
    text = contacts.with_columns(pl.col("total_inbound").cast(pl.String))
    bad = text.with_columns(
        pl.when(pl.int_range(pl.len()) < 3).then(pl.lit("many")).otherwise("total_inbound").alias("total_inbound")
    )
    told = write_salesforce(scoring.score(bad, as_of=when), tmp_path / "out")
    assert told.unscored == 3
    assert adds_up(told)


def test_the_order_of_rows_changes_no_byte(scored: pl.DataFrame, tmp_path: Path) -> None:
    shared = pl.concat([scored, scored.head(50).with_columns(source_email=pl.lit("other@our.example"))])
    for name, frame in (
        ("one", shared),
        ("two", shared.sample(fraction=1, shuffle=True, seed=3)),
        ("three", shared.reverse()),
    ):
        write_salesforce(frame, tmp_path / name)
        write_dynamics(with_guids(frame), tmp_path / f"{name}-dynamics")
    for other in ("two", "three"):
        for kind in ("", "-dynamics"):
            one, two = (sorted((tmp_path / f"{name}{kind}").iterdir()) for name in ("one", other))
            assert [path.read_bytes() for path in one] == [path.read_bytes() for path in two]


@pytest.mark.parametrize("ending", ["csv", "parquet", "ndjson.gz", "json"])
def test_a_scored_file_gives_the_same_as_its_frame(ending: str, export_csv: Path, tmp_path: Path) -> None:
    scoring.score_file(export_csv, tmp_path / f"scored.{ending}")
    told = write_salesforce(tmp_path / f"scored.{ending}", tmp_path / "file")
    again = write_salesforce(scoring.score(export_csv), tmp_path / "frame")
    assert (told.written, told.files) == (again.written, again.files)
    assert records(tmp_path / "file") == records(tmp_path / "frame")


def test_parts_have_room_and_each_its_header(
    scored: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_salesforce(scored, tmp_path / "whole")
    monkeypatch.setattr(writeback, "PART_BYTES", 5_000)
    monkeypatch.setattr(writeback, "_ROWS_AT_ONCE", 37)
    told = write_salesforce(scored, tmp_path / "parts")
    contents = [(tmp_path / "parts" / name).read_bytes() for name in told.files]
    assert len(contents) > 5
    header = contents[0].split(b"\n")[0]
    assert all(len(content) <= 5_000 and content.startswith(header + b"\n") for content in contents)
    # no part could have held the first row of the next
    for one, two in zip(contents, contents[1:], strict=False):
        assert len(one) + len(two.split(b"\n")[1]) + 1 > 5_000
    assert records(tmp_path / "parts") == records(tmp_path / "whole")


def test_nothing_to_write_gives_an_empty_folder(scored: pl.DataFrame, tmp_path: Path) -> None:
    for write in (write_salesforce, write_dynamics):
        told = write(scored.head(0), tmp_path / "out")
        assert (told.files, told.written, told.rows) == ((), 0, 0)
        assert list((tmp_path / "out").iterdir()) == []


def test_dynamics_is_given_what_the_rows_say(
    scored: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writeback, "PART_RECORDS", 100)
    frame = with_guids(scored)
    told = write_dynamics(frame, tmp_path / "out")
    expected = {row["crm_id"]: row for row in frame.iter_rows(named=True) if row["crm_id"] is not None}
    found = targets(tmp_path / "out")
    assert told.files == tuple(f"predictivescores-{part:04d}.json" for part in range(1, -(-len(expected) // 100) + 1))
    assert len(found) == len(expected) == told.written
    for record, (key, row) in zip(found, sorted(expected.items()), strict=True):
        assert record == {
            "@odata.type": "Microsoft.Dynamics.CRM.msdyn_predictivescore",
            "@odata.id": f"msdyn_predictivescores(msdyn_entityid='{key}',msdyn_entitytype='lead')",
            "msdyn_score": round(100 * row["priority"]),
            "msdyn_grade": "ABCD".index(row["tier"]),
            "msdyn_scoretrend": 3,
            "msdyn_scoredon": f"{row['as_of']:%Y-%m-%dT%H:%M:%S}.000Z",
        }


def test_dynamics_takes_ids_that_are_guids(scored: pl.DataFrame, tmp_path: Path) -> None:
    guid = GUID.format("abcdef01")
    ids = [f"{{{guid.upper()}}}", guid, "0030000000000001", f"{guid}' or 1 eq 1", None]
    mapping = FieldMapping({"new_why": "reasons", "new_trend": "trend"}, {"new_why": 60}, "contact")
    told = write_dynamics(scored.head(5).with_columns(pl.Series("crm_id", ids)), tmp_path / "out", mapping=mapping)
    (record,) = targets(tmp_path / "out")
    assert record["@odata.id"] == f"msdyn_predictivescores(msdyn_entityid='{guid}',msdyn_entitytype='contact')"
    assert len(record["new_why"]) <= 60
    assert record["new_trend"] == "not enough"
    assert (told.repeated, told.foreign, told.without_id, told.shortened) == (1, 2, 1, 1)


def test_only_what_changed_is_written_on_request(scored: pl.DataFrame, earlier: pl.DataFrame, tmp_path: Path) -> None:
    told = write_salesforce(scored, tmp_path / "changed", mapping=FEW, changed_since=earlier)
    then, now = (
        {row["Id"]: row for row in records(write_all(frame, tmp_path / name))}
        for name, frame in (("then", earlier), ("now", scored))
    )
    expected = [row for key, row in now.items() if then.get(key) != row]
    assert records(tmp_path / "changed") == expected
    assert told.unchanged == len(now) - len(expected) > 0
    assert told.gone == len(set(then) - set(now))
    assert set(now) - set(then)
    assert adds_up(told)


def write_all(scored: pl.DataFrame, folder: Path) -> Path:
    write_salesforce(scored, folder, mapping=FEW)
    return folder


def test_what_passes_by_itself_is_no_change(scored: pl.DataFrame, tmp_path: Path) -> None:
    later = scored.with_columns(
        pl.col("as_of") + timedelta(days=1),
        reasons=pl.lit("something else"),
        model_id=pl.lit("another"),
        priority=pl.col("priority") + 1e-9 * (1 - pl.col("priority")),
    )
    same = write_salesforce(later, tmp_path / "same", changed_since=scored)
    assert (same.files, same.written, same.gone) == ((), 0, 0)
    tier = later.with_columns(pl.lit("A").cast(later.schema["tier"]).alias("tier"))
    told = write_salesforce(tier, tmp_path / "tier", changed_since=scored, mapping=FieldMapping({"Why__c": "reasons"}))
    assert told.written == scored.filter(pl.col("crm_id").is_not_null(), pl.col("tier") != "A").height


def test_the_trend_is_that_of_the_comparison(scored: pl.DataFrame, tmp_path: Path) -> None:
    moves = [(0.10, 0.15), (0.10, 0.12), (0.50, 0.30), (0.002, 0.009), (0.10, 0.30), (0.0, 0.5), (0.2, 1.0)]
    ids = [GUID.format(f"{number:08d}") for number in range(len(moves))]
    evidence = ["enough"] * 4 + ["none"] + ["enough"] * 2
    then, now = (
        scored.head(len(moves)).with_columns(
            pl.Series("crm_id", ids),
            pl.Series("priority", [move[side] for move in moves]),
            pl.Series("evidence", evidence, dtype=scored.schema["evidence"]),
        )
        for side in (0, 1)
    )
    write_dynamics(now, tmp_path / "out", changed_since=then)
    assert [record["msdyn_scoretrend"] for record in targets(tmp_path / "out")] == [0, 1, 2, 1, 3, 0, 0]
    other = now.with_columns(model_id=pl.lit("another"))
    write_dynamics(other, tmp_path / "out", changed_since=then)
    assert {record["msdyn_scoretrend"] for record in targets(tmp_path / "out")} == {3}


def test_files_that_are_mixed_up_are_refused(scored: pl.DataFrame, earlier: pl.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="mixed up"):
        write_salesforce(earlier, tmp_path / "out", changed_since=scored)
    with pytest.raises(InputError, match="no scores"):
        write_salesforce(scored.select("crm_id", "total_inbound"), tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_file_of_text_is_compared_by_what_it_says(scored: pl.DataFrame, tmp_path: Path) -> None:
    sized = scored.with_columns(size=pl.int_range(pl.len()))
    sized.write_csv(tmp_path / "old.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    mapping = FieldMapping({"Size__c": "size"})
    assert write_salesforce(sized, tmp_path / "out", mapping=mapping, changed_since=tmp_path / "old.csv").written == 0


def test_parts_of_an_earlier_run_go(scored: pl.DataFrame, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "Contact-0007.csv").write_text("old")
    write_salesforce(scored, folder)
    assert [path.name for path in folder.iterdir()] == ["Contact-0001.csv"]
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_other_files_is_left_alone(scored: pl.DataFrame, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(InputError, match="holds other files"):
        write_salesforce(scored, tmp_path)
    with pytest.raises(InputError, match="is a file"):
        write_dynamics(scored, tmp_path / "notes.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_a_failed_run_leaves_the_folder_as_it_was(
    scored: pl.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "out"
    write_salesforce(scored, folder, mapping=FEW)
    before = (folder / "Contact-0001.csv").read_bytes()

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writeback, "_write_parts", fail)
    with pytest.raises(InputError, match="No space left on device"):
        write_salesforce(scored, folder)
    assert (folder / "Contact-0001.csv").read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_nothing_of_a_person_is_written_but_what_is_mapped(scored: pl.DataFrame, tmp_path: Path) -> None:
    write_salesforce(scored, tmp_path / "out")
    write_dynamics(with_guids(scored), tmp_path / "dynamics")
    content = "".join(path.read_text("utf-8") for path in tmp_path.rglob("*-0001.*"))
    for name in ("email", "last_name", "account_name", "account_domain", "job_title", "source_email", "phone"):
        assert not [value for value in scored[name].drop_nulls().unique() if value in content], name
