from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.errors import InputError, SchemaWarning
from scoring.reading import read
from scoring.schema import FIELDS, NAMES, empty
from scoring.validation import RULES, validate

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
GOOD = {
    "email": "ann@acme.example",
    "crm_id": "7",
    "source_email": "rep@us.example",
    "total_inbound": 3,
    "total_inbound_30d": 1,
    "total_outbound": 2,
    "total_outbound_30d": 0,
    "total_emails": 5,
    "total_emails_30d": 1,
    "first_inbound_time": AS_OF - 200 * DAY,
    "last_inbound_time": AS_OF - 10 * DAY,
    "first_outbound_time": AS_OF - 190 * DAY,
    "last_outbound_time": AS_OF - 90 * DAY,
    "received_reply": True,
    "upcoming_meeting": True,
    "first_upcoming_meeting_time": AS_OF + 3 * DAY,
}


def frame(*rows):
    """Make an export of rows that differ from a good one; each is a contact of its own unless it says otherwise."""
    whole = [dict.fromkeys(NAMES) | GOOD | {"crm_id": f"row {number}"} | row for number, row in enumerate(rows)]
    return read(whole)


def check(*rows, as_of=AS_OF):
    return validate(frame(*rows), as_of)


def counted(checked):
    return dict(checked.counts.filter(pl.col("rows") > 0).select("rule", "rows").iter_rows())


def test_a_good_row_has_nothing():
    checked = check({})
    assert checked.problem.to_list() == checked.flags.to_list() == [None]
    assert checked.accepted.to_list() == [True]
    assert counted(checked) == {}


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"total_inbound": "many"}, "unreadable_number: total_inbound"),
        ({"last_inbound_time": "02/03/2026"}, "unreadable_time: last_inbound_time"),
        ({"first_upcoming_meeting_time": "soon"}, "unreadable_time: first_upcoming_meeting_time"),
        ({"from_cc": "perhaps"}, "unreadable_flag: from_cc"),
        ({"from_cc": "perhaps", "total_meetings": "x"}, "unreadable_flag: from_cc"),
        ({"total_time_spent": -1}, "negative_count: total_time_spent"),
        ({"total_time_spent": -1, "total_meetings": -1}, "negative_count: total_meetings"),
        ({"crm_id": None, "email": " "}, "no_key"),
        ({"crm_id": "null", "email": None}, "no_key"),
        ({"crm_id": None, "email": None, "total_inbound": -1, "from_cc": "x"}, "unreadable_flag: from_cc"),
    ],
)
def test_rows_that_cannot_be_scored(cells, problem):
    for checked in (check({}, cells), check(cells, {})):
        assert sorted(checked.problem.to_list(), key=str) == [None, problem]
        assert checked.accepted.sum() == 1
        assert counted(checked) == {problem.partition(":")[0]: 1}
    alone = validate(read(dict.fromkeys(NAMES) | GOOD | cells), AS_OF)
    assert alone.problem.to_list() == [problem]


@pytest.mark.parametrize("cells", [{"crm_id": None}, {"email": None}, {"source_email": None}])
def test_one_key_is_enough(cells):
    assert check({}, cells).accepted.all()


@pytest.mark.parametrize(
    "cells", [{"engagement_level": "high"}, {"received_reply": "maybe"}, {"is_sourced_by_people_ai": "x"}]
)
def test_cells_that_no_score_needs_cost_no_row_its_score(cells):
    for checked in (check({}, cells), validate(read(dict.fromkeys(NAMES) | GOOD | cells), AS_OF)):
        assert checked.accepted.all()
        assert counted(checked) == {"unreadable_unused": 1}


def test_the_problem_names_the_column_as_it_was_found():
    with pytest.warns(SchemaWarning):
        export = read([{"E-Mail": "a", "Total Inbound": "x"}, {"E-Mail": "b", "Total Inbound": -1}])
    assert validate(export, AS_OF).problem.to_list() == [
        "unreadable_number: Total Inbound",
        "negative_count: Total Inbound",
    ]


def test_lines_that_are_no_record(tmp_path):
    (tmp_path / "a.csv").write_text("crm_id,total_inbound\n1,2\ntorn\n2,3\n")
    with pytest.warns(SchemaWarning):
        export = read(tmp_path / "a.csv")
    checked = validate(export, AS_OF)
    assert checked.problem.to_list() == [None, "unreadable_line", None]
    assert counted(checked) == {"unreadable_line": 1}


@pytest.mark.parametrize(
    ("cells", "flags"),
    [
        ({"total_inbound_30d": 4}, "recent_above_total"),
        ({"first_outbound_time": AS_OF - 80 * DAY}, "last_before_first"),
        ({"last_engaged_time": AS_OF + DAY}, "time_after_as_of"),
        ({"first_engaged_time": datetime(1970, 1, 1, tzinfo=UTC)}, "time_before_1990"),
        ({"first_outbound_time": None, "last_outbound_time": None}, "count_without_time"),
        ({"total_outbound": 0, "total_emails": 3}, "time_without_count"),
        ({"total_outbound_30d": 1}, "recent_against_last"),
        ({"total_inbound_30d": 0}, "recent_against_last"),
        ({"total_emails": 9}, "mails_not_the_sum"),
        ({"first_upcoming_meeting_time": AS_OF - DAY}, "upcoming_in_the_past"),
        ({"upcoming_meeting": False}, "upcoming_without_flag"),
        ({"total_inbound": 0, "total_emails": 9}, "recent_above_total;time_without_count;mails_not_the_sum"),
    ],
)
def test_rows_that_contradict_themselves_are_scored_and_marked(cells, flags):
    for checked in (check({}, cells), validate(read(dict.fromkeys(NAMES) | GOOD | cells), AS_OF)):
        assert checked.accepted.all()
        assert checked.flags.to_list()[-1] == flags
        assert counted(checked).keys() - {"reply_without_inbound"} == set(flags.split(";"))


@pytest.mark.parametrize(
    "cells",
    [
        {"last_inbound_time": AS_OF, "last_engaged_time": AS_OF},
        {"total_inbound_30d": 3},
        {"first_inbound_time": AS_OF - 10 * DAY},
        {"total_inbound_30d": 1, "last_inbound_time": AS_OF - 31 * DAY},
        {"total_inbound_30d": 0, "last_inbound_time": AS_OF - 29 * DAY},
        {"first_upcoming_meeting_time": None},
        {"first_upcoming_meeting_time": AS_OF},
        {"first_inbound_time": None},
        {"total_outbound": None, "total_emails": 3},
    ],
)
def test_borders_do_not_contradict(cells):
    for checked in (check({}, cells), validate(read(dict.fromkeys(NAMES) | GOOD | cells), AS_OF)):
        assert checked.flags.to_list()[-1] is None


def test_what_has_no_column_cannot_contradict():
    with pytest.warns(SchemaWarning):
        export = read([{"crm_id": "1", "total_inbound": 3}, {"crm_id": "2", "total_inbound": 0}])
    assert validate(export, AS_OF).flags.to_list() == [None, None]
    assert validate(read({"crm_id": "1", "total_inbound": 3}), AS_OF).flags.to_list() == [None]


@pytest.mark.parametrize(
    ("cells", "note"),
    [({"received_reply": False}, "inbound_without_reply"), ({"total_inbound": 0}, "reply_without_inbound")],
)
def test_a_reply_that_contradicts_the_count_is_only_counted(cells, note):
    checked = check({}, cells)
    assert counted(checked)[note] == 1
    assert note not in (checked.flags.to_list()[1] or "")


def test_rows_that_are_not_scored_have_no_flags():
    checked = check({}, {"total_inbound": -1, "total_inbound_30d": 4})
    assert checked.flags.to_list() == [None, None]


def test_every_rule_is_counted_once_and_named_once():
    checked = check({})
    assert checked.counts["rule"].to_list() == [rule.name for rule in RULES]
    assert checked.counts["rule"].is_unique().all()
    assert set(checked.counts["kind"]) == {"reject", "flag", "note"}
    assert all(rule.meaning for rule in RULES)


def test_the_date_may_be_given_in_any_form():
    export = frame({})
    for when in ("2026-03-01", AS_OF, AS_OF.date(), AS_OF.replace(tzinfo=None)):
        assert validate(export, when).flags.to_list() == [None]
    with pytest.raises(InputError, match="as_of"):
        validate(export, "today")


def test_an_empty_export():
    checked = validate(read([]), AS_OF)
    assert checked.problem.len() == checked.flags.len() == checked.repeat.len() == 0
    assert checked.counts["rows"].sum() == 0


cells = {
    "text": st.sampled_from(["a", "b", "a@x.example", "c@Y.example"]),
    "flag": st.booleans(),
    "count": st.integers(-1, 4),
    "number": st.floats(0, 10),
    "time": st.integers(-130, 40).map(lambda days: AS_OF + timedelta(days=days / 2))
    | st.just(datetime(1980, 1, 1, tzinfo=UTC)),
}
rows = st.fixed_dictionaries({one.name: st.none() | cells[one.kind] for one in FIELDS})


@settings(max_examples=150, deadline=None)
@given(
    st.lists(rows, min_size=2, max_size=12),
    st.sets(st.sampled_from(NAMES[16:39])),
)
def test_a_row_alone_is_judged_as_in_its_export(found, absent):
    names = [name for name in NAMES if name not in absent or name == "total_inbound"]
    table = pl.DataFrame(found, schema=empty().schema).select(names)
    # Each row a contact of its own, so that none is the duplicate of another; the first few with no key at all.
    table = table.with_columns(source_email=pl.int_range(pl.len()).cast(pl.String))
    whole = validate(_read(table), AS_OF)
    total = dict.fromkeys((rule.name for rule in RULES), 0)
    for place in range(table.height):
        alone = validate(_read(table[place]), AS_OF)
        assert alone.problem.item() == whole.problem[place]
        assert alone.flags.item() == whole.flags[place]
        for rule, count in alone.counts.select("rule", "rows").iter_rows():
            total[rule] += count
    assert total == dict(whole.counts.select("rule", "rows").iter_rows())


def _read(table):
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SchemaWarning)
        return read(table)


@settings(max_examples=100, deadline=None)
@given(st.lists(rows, min_size=1, max_size=12))
def test_every_row_is_scored_or_kept_aside(found):
    export = _read(pl.DataFrame(found, schema=empty().schema))
    checked = validate(export, AS_OF)
    kept_aside = checked.problem.is_not_null()
    assert (checked.accepted != kept_aside).all()
    assert not (checked.repeat & ~checked.accepted).any()
    rejected = checked.counts.filter(kind="reject")["rows"].sum()
    assert rejected == kept_aside.sum()
    known = {rule.name for rule in RULES}
    assert {name.partition(":")[0] for name in checked.problem.drop_nulls()} <= known
    assert {name for flags in checked.flags.drop_nulls() for name in flags.split(";")} <= known
