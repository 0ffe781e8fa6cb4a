import csv
import io

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import InputError
from scoring.reading.delimited import read_delimited

HEADER = "email,total_inbound,note\n"
quick = settings(max_examples=150, deadline=None)


def read(text):
    return read_delimited(text.encode())


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_the_separator_is_found(separator):
    found = read(
        "email,total_inbound,note\na,1,x;y|z\n".replace(",", separator)
        if separator not in ";|"
        else "email,total_inbound,note\na,1,x\n".replace(",", separator)
    )
    assert found.separator == separator
    assert found.source.columns == ["email", "total_inbound", "note"]


def test_excels_first_line_is_no_header():
    found = read("sep=;\nemail;total_inbound\na;1\n")
    assert found.source.rows() == [("a", "1")]
    assert found.lines.to_list() == [3]


def test_cells_stay_the_text_they_were():
    found = read(HEADER + ' a ,01,"x ""y"", z"\nb,,""\n')
    assert found.source.rows() == [(" a ", "01", 'x "y", z'), ("b", None, "")]


def test_a_quoted_line_break_is_part_of_a_cell_and_counts_as_a_line():
    found = read(HEADER + 'a,1,"x\ny\nz"\nb,2,w\n')
    assert found.source["note"].to_list() == ["x\ny\nz", "w"]
    assert found.lines.to_list() == [2, 5]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_any_line_end(end):
    assert read((HEADER + "a,1,x\nb,2,y").replace("\n", end)).source.rows() == [("a", "1", "x"), ("b", "2", "y")]


def test_blank_lines_are_no_rows_and_keep_the_count_of_lines():
    found = read(f"\n\n{HEADER}\na,1,x\n\n \nb,2,y\n\n")
    assert found.source["email"].to_list() == ["a", "b"]
    assert found.lines.to_list() == [5, 8]


@pytest.mark.parametrize("line", ["a,1", "a,1,x,y", "a", ",,,,,,", 'a,1,"x'])
@pytest.mark.parametrize("around", ["b,2,y", 'b,2,"y,\nz"', 'b,2,5" pipe'])
def test_a_line_of_another_width_keeps_its_place_and_harms_no_other(line, around):
    found = read(f"{HEADER}{around}\n{line}\n{around}\n")
    assert found.source.height == 3
    assert found.source.row(1) == (None, None, None)
    assert found.broken.rows() == [(1, line)]
    assert found.source["email"].to_list() == ["b", None, "b"]
    assert found.source.row(0) == found.source.row(2)
    assert found.source.row(0)[2] is not None


def test_a_cut_last_line_is_put_aside():
    whole = HEADER + "a,1,x\nb,2,y\n"
    found = read(whole[:-4])
    assert found.broken.rows() == [(1, "b,")]


def test_a_quote_that_is_not_closed_costs_one_line():
    rows = "".join(f"r{number},1,x\n" for number in range(3000))
    found = read(f'{HEADER}{rows}"torn,1,x\n{rows}')
    assert found.broken["row"].to_list() == [3000]
    assert found.source.height == 6001
    assert found.source["email"][-1] == "r2999"
    assert found.lines.to_list() == list(range(2, 6003))


def test_quotes_within_a_cell_are_part_of_it():
    found = read(HEADER + 'a,1,5" pipe\nb,2,"fine"\nc,3,6" and 7" pipes\n')
    assert found.source["note"].to_list() == ['5" pipe', "fine", '6" and 7" pipes']
    assert found.broken.is_empty()


def test_a_separator_at_the_end_of_each_row_only_adds_an_empty_column():
    found = read(HEADER + "a,1,x,\nb,2,y,\n")
    assert found.source.rows() == [("a", "1", "x", None), ("b", "2", "y", None)]
    assert found.broken.is_empty()


def test_a_separator_too_many_in_one_row_is_not_guessed_away():
    assert read(HEADER + "a,1,x,\nb,2,y\n").broken["row"].to_list() == [0]


def test_columns_without_a_name_get_one():
    assert read("email,total_inbound,,\na,1,,\n").source.columns == ["email", "total_inbound", "unnamed_3", "unnamed_4"]


@pytest.mark.parametrize("text", [HEADER, HEADER[:-1], HEADER + "\n\n"])
def test_a_header_alone_is_an_empty_table(text):
    found = read(text)
    assert found.source.shape == (0, 3)
    assert set(found.source.dtypes) == {pl.String}
    assert found.lines.to_list() == []


def test_a_name_that_stands_twice_is_refused():
    with pytest.raises(InputError, match="more than once"):
        read("email,note,note,total_inbound\n")


def test_a_header_may_hold_a_line_break():
    found = read('email,total_inbound,"no\nte"\na,1,x\n')
    assert found.source.columns == ["email", "total_inbound", "no\nte"]
    assert found.lines.to_list() == [3]


def test_zero_bytes_within_a_cell_stay():
    assert read(HEADER + "a,1\x00,x\n").source["total_inbound"].to_list() == ["1\x00"]


cell = st.text(st.sampled_from('ab ,;"\n|\t1é\x00'), max_size=6)


@quick
@given(st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=6), st.sampled_from([",", ";", "\t"]), st.booleans())
def test_what_python_writes_is_read_cell_for_cell(rows, separator, all_quoted):
    out = io.StringIO(newline="")
    writer = csv.writer(
        out, delimiter=separator, lineterminator="\n", quoting=csv.QUOTE_ALL if all_quoted else csv.QUOTE_MINIMAL
    )
    writer.writerow(["email", "total_inbound", "note"])
    writer.writerows(rows)
    found = read(out.getvalue())
    assert found.separator == separator
    assert [tuple(one or "" for one in row) for row in found.source.rows()] == rows
    assert found.broken.is_empty()


@quick
@given(st.text(st.sampled_from('ab,"\n\r'), max_size=60))
def test_no_text_is_lost(text):
    found = read(HEADER + text)
    lines = text.replace("\r\n", "\n").split("\n")
    kept = sum(letter in "ab" for row in found.source.rows() for one in row if one for letter in one)
    put_aside = sum(letter in "ab" for line in found.broken["line"].to_list() for letter in line)
    assert kept + put_aside == sum(letter in "ab" for letter in text)
    assert found.source.height <= len(lines)
    assert found.lines.is_sorted()
