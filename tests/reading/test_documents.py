import json

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import InputError
from scoring.reading import blocks, documents
from scoring.reading.documents import read_documents

ROWS = [{"id": 1, "total_inbound": 3}, {"id": "x", "total_inbound": None, "deep": {"a": [1, 2]}}]
quick = settings(max_examples=150, deadline=None)


def lines(rows):
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (json.dumps(ROWS), "json"),
        (json.dumps(ROWS, indent=2), "json"),
        ("\n " + json.dumps(ROWS), "json"),
        (json.dumps({"contacts": ROWS}), "json"),
        (json.dumps({"total": 2, "page": {"n": 1}, "data": ROWS, "next": None}, indent=1), "json"),
        (json.dumps({"data": {"contacts": ROWS}}), "json"),
        ("\n".join(json.dumps(row, indent=1) for row in ROWS), "json"),
        (lines(ROWS), "ndjson"),
        (lines(ROWS).replace("\n", "\r\n\r\n"), "ndjson"),
    ],
)
def test_records_are_found_however_they_are_wrapped(text, kind):
    found = read_documents(text)
    assert found.kind == kind
    assert found.source["id"].to_list() == ["1", "x"]
    assert found.source["total_inbound"].to_list() == [3, None]
    assert found.source["deep"].to_list() == [None, {"a": [1, 2]}]
    assert found.broken.is_empty()


def test_one_record_is_a_table_of_one_row():
    assert read_documents(json.dumps(ROWS[0], indent=1)).source.rows() == [(1, 3)]


def test_a_record_with_a_list_of_records_in_it_is_still_the_record():
    found = read_documents(json.dumps({"email": "a", "total_inbound": 1, "calls": [{"n": 1}, {"n": 2}]}))
    assert found.source.height == 1
    assert found.source["calls"].to_list() == [[{"n": 1}, {"n": 2}]]


def test_lines_are_those_of_the_file():
    assert read_documents("[\n{},\n\n{},{}\n]".replace("{}", '{"a": 1}')).lines.to_list() == [2, 4, 4]
    assert read_documents('{"a": 1}\n\n{"a": 2}\n').lines.to_list() == [1, 3]


@pytest.mark.parametrize("cut", [5, 20, 25, 33, 45])
def test_an_array_cut_off_gives_the_whole_records_and_one_torn(cut):
    text = json.dumps(ROWS)
    found = read_documents(text[:-cut])
    assert found.source["id"].to_list() == [1, None]
    assert found.broken["row"].to_list() == [1]


def test_an_array_cut_between_two_records_is_not_taken_for_whole():
    found = read_documents(json.dumps(ROWS[:1])[:-1])
    assert found.source.height == 2
    assert found.broken["row"].to_list() == [1]


def test_a_wrapped_array_cut_off():
    found = read_documents(json.dumps({"n": 2, "contacts": ROWS}, indent=1)[:-30])
    assert found.source["total_inbound"].to_list() == [3, None]
    assert found.broken["row"].to_list() == [1]


def test_damage_in_the_middle_costs_one_record():
    text = json.dumps([{"id": str(number)} for number in range(9)]).replace('"4"', '"4')
    found = read_documents(text)
    assert found.source["id"].to_list() == ["0", "1", "2", "3", None, "5", "6", "7", "8"]
    assert '"4}' in found.broken["line"].item()


@pytest.mark.parametrize("bad", ["{bad}", "[1]", "3", '{"a": 1} {"a": 2}', '{"a":'])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_bad_line_keeps_its_place(bad, place):
    good = ['{"a": 1}', '{"a": 2}']
    good.insert(place, bad)
    if place == 0 and not bad.startswith("{"):
        return  # a file that begins so is something else
    found = read_documents("\n".join(good))
    assert found.source["a"].to_list() == [1, 2][:place] + [None] + [1, 2][place:]
    assert found.broken.rows() == [(place, bad)]


@pytest.mark.parametrize(
    "text", ["[1, 2]", "[abc", '["a"]', "{}", '{"a": ', '{"meta": {"n": 1}}', "[" * 100_000, "{" * 5]
)
def test_what_holds_no_record_is_refused_in_one_line(text):
    with pytest.raises(InputError) as caught:
        read_documents(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("text", ["[]", '{"contacts": []}', "[ ]"])
def test_no_records_are_an_empty_table(text):
    assert read_documents(text).source.height == 0


def test_a_record_with_a_key_twice_is_put_aside():
    found = read_documents('[{"a": 1}, {"a": 1, "b": {}, "a": 2}, {"a": 3}]')
    assert found.source["a"].to_list() == [1, None, 3]
    assert found.broken.rows() == [(1, '{"a": 1, "b": {}, "a": 2}')]
    assert read_documents('{"a": 1}\n{"a": 1, "a": 2}\n').broken["row"].to_list() == [1]


@pytest.mark.parametrize("text", ['[{"a": 1, "a": 2}]', '{"a": 1, "a": 2}\n{"a": 1, "a": 2}\n'])
def test_a_key_twice_in_each_record_is_refused(text):
    with pytest.raises(InputError, match='"a" more than once'):
        read_documents(text)


def test_keys_that_come_late_are_columns_too():
    rows = [{"a": 1}] * 25_000 + [{"b": 2}]
    found = read_documents(json.dumps(rows)).source
    assert found.columns == ["a", "b"]
    assert found["b"].drop_nulls().to_list() == [2]
    assert found["a"].null_count() == 1


def test_mixed_cells_become_text_and_nested_ones_json():
    found = read_documents('[{"a": 1, "b": {"x": 1}}, {"a": "two", "b": {"y": 2}}, {"a": true, "b": 3}]').source
    assert found["a"].to_list() == ["1", "two", "true"]
    assert [json.loads(cell) for cell in found["b"].to_list()] == [{"x": 1}, {"y": 2}, 3]


def test_numbers_too_big_and_half_characters_are_kept_as_text():
    found = read_documents('[{"a": 123456789012345678901234567890, "b": "\\ud800"}]').source
    assert found.rows() == [("123456789012345678901234567890", "?")]


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
records = st.lists(
    st.dictionaries(st.sampled_from(["total_inbound", "b", "c"]), values, min_size=1), min_size=1, max_size=4
)


@quick
@given(records, st.sampled_from([None, 1]))
def test_any_json_is_read_with_a_row_for_each_record(rows, indent):
    array = read_documents(json.dumps(rows, indent=indent))
    assert array.source.height == len(rows)
    assert array.broken.is_empty()
    if len(rows) > 1:
        ndjson = read_documents(lines(rows))
        assert ndjson.source.equals(array.source)
        assert ndjson.lines.to_list() == list(range(1, len(rows) + 1))


@quick
@given(records, st.data())
def test_cut_anywhere_no_whole_record_is_lost(rows, data):
    text = json.dumps(rows)
    end = data.draw(st.integers(1, len(text) - 1))
    decoder = json.JSONDecoder()
    whole, place = 0, 1
    while place < end:
        try:
            place = decoder.raw_decode(text[:end], place)[1] + 2
        except ValueError:
            break
        whole += 1
    try:
        found = read_documents(text[:end])
    except InputError:
        assert whole == 0
        return
    assert found.source.height - found.broken.height == whole
    assert isinstance(found.source, pl.DataFrame)


def both_ways(text):
    """Read with runs as short as can be, and one record at a time."""
    found = []
    for size in (1, 2**40):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(blocks, "SIZE", size)
            patch.setattr(documents, "SIZE", size)
            try:
                found.append(read_documents(text))
            except InputError as error:
                found.append(str(error))
    return found


@quick
@given(records, st.sampled_from(["array", "indent", "lines", "wrapped"]), st.data())
def test_runs_are_read_as_their_records_one_at_a_time(rows, form, data):
    text = {
        "array": json.dumps(rows),
        "indent": json.dumps(rows, indent=1),
        "lines": lines(rows),
        "wrapped": json.dumps({"data": rows}),
    }[form]
    if data.draw(st.booleans()):
        place = data.draw(st.integers(1, len(text) - 1))
        text = text[:place] + data.draw(st.sampled_from(['"', "}", "{", "\n", ",", "]", "x", ""])) + text[place + 1 :]
    one, other = both_ways(text)
    if isinstance(one, str) or isinstance(other, str):
        assert one == other
        return
    assert one.source.equals(other.source)
    assert one.lines.to_list() == other.lines.to_list()
    assert one.broken.rows() == other.broken.rows()


@pytest.mark.parametrize("indent", [None, 1])
def test_a_long_file_with_damage_in_the_middle(indent):
    rows = [{"crm_id": str(number), "name": "x" * 50, "deep": [{"n": number}]} for number in range(9000)]
    text = json.dumps(rows, indent=indent).replace('"4444"', '"4444')
    found = read_documents(text)
    ids = [str(number) for number in range(9000)]
    ids[4444] = None
    assert found.source["crm_id"].to_list() == ids
    assert found.broken["row"].to_list() == [4444]
    if indent:
        assert found.lines.to_list() == [2 + 9 * number for number in range(9000)]
    bad = lines(rows).replace('"4444"', '"4444')
    assert read_documents(bad).source["crm_id"].to_list() == ids
    assert read_documents(bad).lines.to_list() == list(range(1, 9001))
