from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.schema import NAMES, empty
from scoring.validation.duplicates import find_duplicates

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def table(*rows):
    return pl.DataFrame([dict.fromkeys(NAMES) | row for row in rows], schema=empty().schema)


def find(*rows, taking_part=None):
    found = table(*rows)
    part = pl.Series([True] * found.height) if taking_part is None else pl.Series(taking_part)
    unequal, repeat = find_duplicates(found, part)
    return unequal.to_list(), repeat.to_list()


def row(crm_id="1", rep="r", **cells):
    return {"crm_id": crm_id, "source_email": rep, **cells}


def test_the_row_engaged_last_is_kept():
    old, new = row(last_inbound_time=NOW), row(last_engaged_time=NOW + timedelta(seconds=1))
    assert find(old, new) == ([True, False], [False, False])
    assert find(new, old) == ([False, True], [False, False])


def test_a_row_without_any_time_loses():
    assert find(row(total_inbound=9), row(last_outbound_time=NOW))[0] == [True, False]


def test_equal_rows_are_all_kept_and_repeat_the_first():
    assert find(row(), row(), row()) == ([False] * 3, [False, True, True])


def test_equal_copies_of_the_row_that_is_kept_are_kept():
    old, new = row(), row(last_inbound_time=NOW)
    assert find(new, old, new, old) == ([False, True, False, True], [False, False, True, False])


def test_other_reps_and_other_contacts_are_no_duplicates():
    assert find(row(), row(rep="s"), row(crm_id="2"), row(rep=None)) == ([False] * 4, [False] * 4)


def test_rows_without_a_rep_share_one():
    assert find(row(rep=None), row(rep=None, total_inbound=1))[0].count(True) == 1


def test_the_address_counts_where_the_id_is_missing_and_case_does_not():
    one, other = row(None, email="A@x.example"), row(None, "R", email="a@X.example", last_inbound_time=NOW)
    assert find(one, other)[0] == [True, False]
    assert find(row("1", email="a@x.example"), row(None, email="a@x.example"))[0] == [False, False]
    assert find(row("a@x.example"), row(None, email="a@x.example"))[0] == [False, False]
    assert find(row("aB"), row("Ab"))[0] == [False, False]


def test_rows_that_do_not_take_part_neither_win_nor_lose():
    old, new = row(), row(last_inbound_time=NOW)
    assert find(old, new, taking_part=[True, False]) == ([False, False], [False, False])
    assert find(old, old, taking_part=[False, True]) == ([False, False], [False, False])


def test_one_row_and_none():
    assert find(row()) == ([False], [False])
    assert find_duplicates(empty(), pl.Series([], dtype=pl.Boolean))[0].len() == 0


cells = st.fixed_dictionaries(
    {
        "crm_id": st.sampled_from(["1", "2"]),
        "source_email": st.sampled_from(["r", None]),
        "total_inbound": st.sampled_from([None, 1, 2]),
        "first_name": st.sampled_from([None, "a"]),
        "from_cc": st.sampled_from([None, True, False]),
        "last_inbound_time": st.sampled_from([None, NOW, NOW + timedelta(1)]),
    }
)


@settings(max_examples=150, deadline=None)
@given(st.lists(cells, min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_which_is_kept_does_not_depend_on_the_order(rows, random):
    order = list(range(len(rows)))
    random.shuffle(order)
    unequal, repeat = find(*rows)
    shuffled, repeat_shuffled = find(*(rows[place] for place in order))
    assert [unequal[place] for place in order] == shuffled
    assert sum(repeat) == sum(repeat_shuffled)
    groups = {}
    for one, lost, again in zip(rows, unequal, repeat, strict=True):
        groups.setdefault((one["crm_id"], one["source_email"]), []).append((one, lost, again))
    for group in groups.values():
        kept = [one for one, lost, _ in group if not lost]
        assert kept
        assert all(one == kept[0] for one in kept)
        assert all(one != kept[0] for one, lost, _ in group if lost)
        assert sum(not lost and not again for _, lost, again in group) == 1
