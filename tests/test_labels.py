"""What labels prove is true, whatever the gap between two exports, and whatever is certain is proved."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import combinations_with_replacement, product
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring import schema
from scoring.config import TARGETS
from scoring.labels import label

from .histories import (
    CASES,
    DAY,
    HOUR,
    KINDS,
    MONTH,
    SECOND,
    START,
    Times,
    altered,
    assert_true,
    date_of,
    drawn,
    frame,
    mails,
    seen,
    truth,
    truths,
)

GAPS = (5, 17, 28, 29, 30, 31, 33, 45, 59, 60, 61, 75, 120)


def shouted(table: pl.DataFrame) -> pl.DataFrame:
    """Write addresses in capitals, as another system may."""
    return table.with_columns(pl.col("source_email", "email").str.to_uppercase())


# --- against the truth of simulated organisations -------------------------------------------------------------------


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize(("seed", "one_row"), CASES)
def test_a_pair_proves_nothing_false(seed: int, one_row: bool, gap: int) -> None:
    organisation = drawn(seed, one_row)
    start, end = date_of(organisation), date_of(organisation) + gap * DAY
    labels, until = label(organisation.export(start), start, [(end, shouted(organisation.export(end)))])
    true = truths(organisation, start, until)
    assert until == min(start + MONTH, end)
    assert labels["found"].all()
    assert_true(labels, true)
    assert labels["reply"].any()
    assert not labels["reply"].fill_null(True).all()
    if gap <= 30 or gap == 60:  # counts of the very end of the window
        assert labels.select("reply", "meeting", "engaged").null_count().row(0) == (0, 0, 0)
        # only where the contact wrote can order be open
        unsettled = true["answer"].is_not_null() & labels["answer"].is_null()
        assert true["reply"].filter(unsettled).all()


@pytest.mark.parametrize(("seed", "one_row"), CASES)
def test_a_day_more_leaves_little_open(seed: int, one_row: bool) -> None:
    organisation = drawn(seed, one_row)
    start = date_of(organisation)
    labels, _ = label(organisation.export(start), start, [(start + 31 * DAY, organisation.export(start + 31 * DAY))])
    assert labels["reply"].null_count() < 0.05 * labels.height
    assert labels["meeting"].null_count() < 0.1 * labels.height


@pytest.mark.parametrize("gaps", [(14, 35), (17, 45), (45, 60), (31, 59), (7, 14, 21, 28, 35, 42, 49, 56)])
@pytest.mark.parametrize(("seed", "one_row"), CASES)
def test_more_exports_prove_no_less_and_nothing_false(seed: int, one_row: bool, gaps: tuple[int, ...]) -> None:
    organisation = drawn(seed, one_row)
    start = date_of(organisation)
    earlier = organisation.export(start)
    later = [(start + gap * DAY, organisation.export(start + gap * DAY)) for gap in gaps]
    labels, until = label(earlier, start, later)
    assert until == start + MONTH
    assert_true(labels, truths(organisation, start, until))
    covering = next(pair for pair in later if pair[0] >= until)
    alone, _ = label(earlier, start, [covering])
    for target in TARGETS:
        assert labels[target].is_not_null().filter(alone[target].is_not_null()).all()
    if 60 in gaps:
        assert labels["meeting"].null_count() == 0 < alone["meeting"].null_count() + alone["reply"].null_count()


def test_exports_that_can_prove_nothing_more_are_not_looked_at() -> None:
    organisation = drawn(1)
    start = date_of(organisation)
    earlier = organisation.export(start)
    later = [(start + gap * DAY, organisation.export(start + gap * DAY)) for gap in (31, 61)]
    labels, _ = label(earlier, start, [later[0]])
    assert_frame_equal(label(earlier, start, later)[0], labels)
    assert not label(earlier, start, [(later[0][0], schema.empty(0)), later[1]])[0]["found"].any()


# --- against every history on a grid ---------------------------------------------------------------------------------


def export_of(histories: Sequence[Times], when: datetime) -> pl.DataFrame:
    return frame([seen(times, when, str(number)) for number, times in enumerate(histories)])


def grid(gaps: Sequence[int]) -> list[datetime]:
    """List all moments at which a rule could turn, and some inside each stretch between them."""
    dates = [START + gap * DAY for gap in gaps]
    turns = {START, min(START + MONTH, dates[-1]), *dates, *(date - MONTH for date in dates)}
    moments = {START - 50 * DAY, *turns, *(turn - SECOND for turn in turns), *(turn + 5 * HOUR for turn in turns)}
    return sorted(moment for moment in moments if moment < dates[-1])


def histories_of(gaps: Sequence[int], *, inbound: int = 0, outbound: int = 0, meetings: int = 0) -> list[Times]:
    """List all ways in which up to so many of each kind may have happened."""
    choices = []
    for most in (inbound, outbound, meetings):
        # one alone keeps off the last moments of a stretch, or all others there would seem certain to be before it
        moments = grid(gaps) if most > 1 else [moment for moment in grid(gaps) if moment.second == 0]
        choices.append([choice for size in range(most + 1) for choice in combinations_with_replacement(moments, size)])
    return [dict(zip(KINDS.values(), chosen, strict=True)) for chosen in product(*choices)]


def compare(histories: Sequence[Times], gaps: Sequence[int], target: str) -> tuple[int, int]:
    """Hold labels against all histories; say how many certain observations there are, and how many of them are open.

    What the exports show is certain of a target if all histories that look the same have it, or none has.
    """
    dates = [START + gap * DAY for gap in gaps]
    earlier, later = export_of(histories, START), [(date, export_of(histories, date)) for date in dates]
    labels, until = label(earlier, START, later)
    looks = zip(*(table.drop("crm_id").rows() for table in (earlier, *(table for _, table in later))), strict=True)
    groups: dict[object, set[tuple[bool | None, bool | None]]] = {}
    for times, look, said in zip(histories, looks, labels[target], strict=True):
        true = truth(times, START, until)[target]
        assert said is None or said == true, times
        groups.setdefault(look, set()).add((true, said))
    certain = [pair for group in groups.values() for pair in group if len(group) == 1 and pair[0] is not None]
    return len(certain), sum(said is None for _, said in certain)


@pytest.mark.parametrize("gaps", [(17,), (30,), (31,), (45,), (60,), (75,), (14, 35), (45, 60), (14, 45, 59)], ids=str)
def test_whatever_is_certain_of_mails_is_proved(gaps: tuple[int, ...]) -> None:
    certain, missed = compare(histories_of(gaps, inbound=3), gaps, "reply")
    assert certain > 40
    assert missed == 0


@pytest.mark.parametrize("gaps", [(17,), (30,), (60,), (45, 60), (14, 45, 59)], ids=str)
def test_meetings_are_proved_where_their_counts_are_enough(gaps: tuple[int, ...]) -> None:
    certain, missed = compare(histories_of(gaps, meetings=3), gaps, "meeting")
    assert certain > 40
    # a last touch of no known kind may be other than a meeting, so it alone proves none
    assert missed <= (0.1 * certain if 59 in gaps else 0)


@pytest.mark.parametrize(("inbound", "outbound"), [(1, 3), (3, 1)])
@pytest.mark.parametrize("gaps", [(17,), (30,), (31,), (45,), (60,), (75,), (14, 30)], ids=str)
def test_whatever_is_certain_of_answers_is_proved(gaps: tuple[int, ...], inbound: int, outbound: int) -> None:
    certain, missed = compare(histories_of(gaps, inbound=inbound, outbound=outbound), gaps, "answer")
    assert certain > 40
    assert missed == 0


# --- rows with gaps, rows that contradict themselves, and keys -------------------------------------------------------

MOMENTS = [START + days * DAY + hours * HOUR for days in (-40, -5, 0, 1, 10, 15, 29, 30, 31, 44) for hours in (0, 9)]
PROVING = [field.name for field in schema.FIELDS if field.role == "activity"]
histories = st.fixed_dictionaries({kind: st.lists(st.sampled_from(MOMENTS), max_size=4) for kind in KINDS.values()})
blanks = st.sets(st.tuples(st.booleans(), st.sampled_from(PROVING)), max_size=12)


@settings(max_examples=25, derandomize=True, deadline=None)
@given(st.lists(st.tuples(histories, blanks), min_size=20, max_size=40), st.sampled_from((14, 30, 31, 45, 60, 75)))
def test_cells_that_are_missing_make_no_label_false(drawn_rows: list[tuple[Times, set[Any]]], gap: int) -> None:
    end = START + gap * DAY
    was, now, true = [], [], []
    for number, (times, gone) in enumerate(drawn_rows):
        for rows, when, of_later in ((was, START, False), (now, end, True)):
            row = seen(times, when, str(number))
            rows.append({name: cell for name, cell in row.items() if (of_later, name) not in gone})
        true.append(truth(times, START, min(end, START + MONTH)))
    labels, _ = label(frame(was), START, [(end, frame(now))])
    assert_true(labels, pl.DataFrame(true, schema=dict.fromkeys(TARGETS, pl.Boolean)))


def outcome(was: dict[str, Any], now: dict[str, Any], gap: int) -> tuple[bool | None, ...]:
    """Label one row; cells that are not given stay null."""
    labels, _ = label(frame([{"crm_id": "1"} | was]), START, [(START + gap * DAY, frame([{"crm_id": "1"} | now]))])
    return labels.select("reply", "meeting", "answer").row(0)


@pytest.mark.parametrize(
    ("was", "now", "gap"),
    [
        pytest.param((2, 0, -90, -50), (1, 0, -90, -90), 30, id="the count shrank and no time is left of it"),
        pytest.param((2, 0, -90, -50), (4, 2, -90, -50), 30, id="the count grew and the last time stayed"),
        pytest.param((2, 0, -90, -50), (4, 2, -90, -50), 75, id="so after a long gap"),
        pytest.param((2, 0, -90, -50), (2, 0, -90, 12), 30, id="the last time moved and the count stayed"),
        pytest.param((2, 0, -90, -50), (9, 0, -900, -50), 30, id="history was added"),
        pytest.param((2, 0), (5, 1), 30, id="more came in all than in the last 30 days, which are all"),
        pytest.param((2, 0), (3, 4), 75, id="less came in all than in the last 30 days"),
        pytest.param((2, 1, -90, -5), (3, 1, -90, 30), 30, id="a time at the moment of the export"),
        pytest.param((2, 1, -90, -5), (3, 1, -90, 400), 31, id="a mistyped year"),
        pytest.param((0, 0), (1, 1, 12, 11), 30, id="the first after the last"),
        pytest.param((2, 1, -90, -5), (3, 1, 12, 20), 30, id="the first time moved on"),
        pytest.param((2, 0, -90, -50), (3, 4, -90, 30.5), 31, id="so with a time"),
        pytest.param((2, 1, -90, -5), (4, 2, -90, 30), 30, id="so with two"),
        pytest.param((2, 0, -90, -50), (9, 1, -900, 40), 45, id="history was added, and one came"),
        pytest.param((0, 0), (5, 1, -90, 40), 45, id="history was added where there was none"),
        pytest.param((2, 1, -90, 0.3), (4, 2, -90, 0.3), 30, id="the last time stayed on the morning of the export"),
        pytest.param((None, None, -90, -50), (None, None, 32, 40), 45, id="the first time moved beyond the end"),
        pytest.param((None, None), (3, 1), 30, id="no count before"),
        pytest.param((2, 0), (None, None), 30, id="no count later"),
        pytest.param((2, 0, -90, -50), (), 30, id="nothing later"),
    ],
)
def test_what_contradicts_itself_or_is_missing_proves_nothing(was: tuple[Any], now: tuple[Any], gap: int) -> None:
    written = mails("outbound", 1, 0, -9, -9), mails("outbound", 2, 1, -9, 3)
    of_mails = outcome(mails("inbound", *was) | written[0], mails("inbound", *(now or (None,))) | written[1], gap)
    assert of_mails[0] is None
    assert of_mails[2] is None


@pytest.mark.parametrize(
    ("was", "now", "gap", "reply"),
    [
        pytest.param((0, 0), (1, 1, 0, 0), 30, True, id="at the start"),
        pytest.param((0, 0), (1, 1, 30, 30), 31, False, id="at the end"),
        pytest.param((5, 0, -90, -50), (3, 1, -90, 4), 30, True, id="the count shrank, the time is new"),
        pytest.param((9, 4, -90, -5), (12, 3, -90, 40), 59, None, id="all may have come after"),
        pytest.param((9, 4, -90, -5), (12, 2, -90, 40), 59, True, id="not all came in the last 30 days"),
        pytest.param((9, 4, -90, -5), (12, 3, -90, 40), 60, False, id="all came in the last 30 days"),
        pytest.param((9, 4, -90, -5), (10, 0, -90, 32), 75, False, id="the only one came after"),
        pytest.param((9, 4, -90, -5), (11, 0, -90, 32), 75, None, id="the last one came after, not so the other"),
        pytest.param((9, 4, -90, 0.3), (9, 4, -90, 0.3), 30, False, id="counted before, on the morning of the export"),
        pytest.param((None, None), (None, None, -90, 4), 30, True, id="a time alone"),
        pytest.param((None, None), (None, None, -90, -4), 30, False, id="an old time alone"),
    ],
)
def test_single_rows(was: tuple[Any], now: tuple[Any], gap: int, reply: bool | None) -> None:
    assert outcome(mails("inbound", *was), mails("inbound", *now), gap)[0] is reply


@pytest.mark.parametrize(
    ("inbound", "outbound", "answer"),
    [
        pytest.param((3, 1, -9, 5), (3, 1, -9, 5), False, id="at the same second"),
        pytest.param((3, 1, -9, 5 + 1 / 86_400), (3, 1, -9, 5), True, id="a second later"),
        pytest.param((3, 1, -9, 5), (4, 2, -9, 8), None, id="between two that went out"),
        pytest.param((3, 1, -9, 5), (3, 1, -9, 8), False, id="before the only one that went out"),
        pytest.param((2, 0, -9, -9), (3, 1, -9, 8), False, id="nothing came in"),
        pytest.param((3, 1, -9, 5), (2, 0, -9, -9), None, id="nothing went out"),
        pytest.param((3, 1, -9, 5), (3, 1), None, id="it is not known when it went out"),
        pytest.param((1, 1, -9, 5), (3, 1, -9, 8), None, id="the count of those that came in shrank"),
    ],
)
def test_answers_of_single_rows(inbound: tuple[Any], outbound: tuple[Any], answer: bool | None) -> None:
    was = mails("inbound", 2, 2, -9, -9) | mails("outbound", 2, 2, -9, -9)
    assert outcome(was, mails("inbound", *inbound) | mails("outbound", *outbound), 30)[2] is answer


def test_times_that_contradict_do_not_settle_the_order() -> None:
    was = mails("inbound", 2, 2, -9, -9) | mails("outbound", 2, 2, -9, -9)
    early = mails("inbound", 3, 1, 8, 5) | mails("outbound", 4, 2, -9, 7)
    late = mails("inbound", 3, 1, -9, 5) | mails("outbound", 5, 3, -9, 9)
    earlier, *later = (frame([{"crm_id": "1"} | cells]) for cells in (was, early, late))
    labels, _ = label(earlier, START, list(zip((START + 10 * DAY, START + MONTH), later, strict=True)))
    assert labels.select("reply", "answer").row(0) == (True, None)


def test_meetings_are_dated_by_the_last_touch() -> None:
    was = {"total_meetings": 1, "last_engaged_time": START - DAY}
    for days, met in ((29, True), (30, None)):
        now = {"total_meetings": 2, "total_meetings_30d": 1, "last_engaged_time": START + days * DAY}
        assert outcome(was, now, 31)[1] is met


def test_rows_are_found_by_their_keys() -> None:
    keys = [
        {"source_email": "ann@our.example", "crm_id": "1", "email": "x@acme.example"},
        {"source_email": "ann@our.example", "email": "y@acme.example"},
        {"email": "y@acme.example"},
        {"source_email": "bo@our.example", "crm_id": "1"},
        {"source_email": "cy@our.example", "crm_id": "1"},
    ]
    later = [
        keys[2] | {"total_inbound": 4},
        {"source_email": "eve@our.example", "crm_id": "1", "total_inbound": 9},  # nobody's before
        {"source_email": "ANN@our.example", "email": "Y@ACME.example", "total_inbound": 3},
        {"source_email": "ann@our.example", "crm_id": "1", "email": "moved@acme.example", "total_inbound": 2},
        keys[3] | {"total_inbound": None},
    ]
    earlier = frame([key | {"total_inbound": number} for key, number in zip(keys, (2, 2, 4, 2, 2), strict=True)])
    labels, _ = label(earlier, START, [(START + MONTH, frame(later))])
    assert labels["found"].to_list() == [True, True, True, True, False]
    assert labels["reply"].to_list() == [False, True, False, None, None]
    nobody = frame([{"total_inbound": 1}])
    assert label(nobody, START, [(START + MONTH, nobody)])[0]["found"].to_list() == [False]


def test_a_row_missing_from_one_later_export_is_proved_by_another() -> None:
    earlier = frame([{"crm_id": "1", "total_inbound": 1, "total_meetings": 0}])
    early = frame([{"crm_id": "1", "total_inbound": 2, "total_meetings": 0}])
    labels, _ = label(earlier, START, [(START + 10 * DAY, early), (START + 31 * DAY, schema.empty(0))])
    assert labels.row(0, named=True) == dict.fromkeys(("reply", "engaged", "found"), True) | {
        "meeting": None,
        "answer": None,
    }


def test_one_export_says_when_it_went_out_and_others_that_it_came_in_later() -> None:
    sent = mails("outbound", 3, 0, -9, 7)
    came = ((2, 2, -9, -9), (4, 2, -9, 40), (4, 1, -9, 40))  # one of them before day 29
    exports = [
        (START + day * DAY, mails("inbound", *cells) | sent) for day, cells in zip((14, 45, 59), came, strict=True)
    ]
    was = frame([{"crm_id": "1"} | mails("inbound", 2, 2, -9, -9) | mails("outbound", 2, 2, -9, -9)])
    labels, _ = label(was, START, [(when, frame([{"crm_id": "1"} | cells])) for when, cells in exports])
    assert labels.select("reply", "answer").row(0) == (True, True)


def test_an_export_within_the_window_that_contradicts_itself_proves_nothing() -> None:
    was, now = (frame([{"crm_id": "1"} | mails("inbound", 2, 0, -90, last)]) for last in (-50, 5))
    labels, _ = label(was, START, [(START + 10 * DAY, now), (START + MONTH, schema.empty(0))])
    assert labels["reply"].to_list() == [None]


def test_exports_that_contradict_each_other_prove_nothing() -> None:
    earlier, early, late = (frame([{"crm_id": "1", "total_inbound": total}]) for total in (1, 2, 1))
    labels, _ = label(earlier, START, [(START + 10 * DAY, early), (START + 31 * DAY, late)])
    assert labels["reply"].to_list() == [None]


# --- nothing of the later is in the earlier --------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [17, 30, 45])
def test_what_happens_later_changes_labels_of_its_own_rows_only(gap: int) -> None:
    organisation = drawn(2)
    start, end = date_of(organisation), date_of(organisation) + gap * DAY
    noisy = altered(organisation, start, 1)
    earlier, later, other = organisation.export(start), organisation.export(end), noisy.export(end)
    assert_frame_equal(noisy.export(start), earlier, check_exact=True)
    labels, _ = label(earlier, start, [(end, later)])
    chosen = pl.col("email").hash(1) % 2 == 0
    mixed = pl.concat([later.filter(~chosen), other.filter(chosen)])
    changed, _ = label(earlier, start, [(end, mixed)])
    here = earlier.select(chosen).to_series()
    assert_frame_equal(changed.filter(~here), labels.filter(~here))
    assert not changed.filter(here).equals(labels.filter(here))


# --- what must not matter --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gap", [17, 31, 45, 75])
def test_neither_order_nor_parts_nor_the_calendar_matter(gap: int) -> None:
    organisation = drawn(3)
    start, end = date_of(organisation), date_of(organisation) + gap * DAY
    earlier, later = organisation.export(start), organisation.export(end)
    labels, _ = label(earlier, start, [(end, later)])
    order = earlier.select(pl.int_range(pl.len()).shuffle(5)).to_series()
    shuffled, _ = label(earlier[order], start, [(end, later.sample(fraction=1, shuffle=True, seed=2))])
    assert_frame_equal(shuffled, labels[order])
    parts = [label(part, start, [(end, later)])[0] for part in (earlier[:40], earlier[40:41], earlier[41:])]
    assert_frame_equal(pl.concat(parts), labels)
    shift = 777 * DAY
    moved, until = label(
        earlier.with_columns(pl.col(pl.Datetime) + shift),
        start + shift,
        [(end + shift, later.with_columns(pl.col(pl.Datetime) + shift))],
    )
    assert_frame_equal(moved, labels)
    assert until == min(start + MONTH, end) + shift


# --- rates -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", [1, 3])
@pytest.mark.parametrize("gap", [30, 31, 45])
def test_the_proved_rate_is_near_the_true_one(seed: int, gap: int) -> None:
    organisation = drawn(seed, rows=1500)
    start, end = date_of(organisation), date_of(organisation) + gap * DAY
    labels, until = label(organisation.export(start), start, [(end, organisation.export(end))])
    rate = truths(organisation, start, until)["reply"].mean()
    assert labels["reply"].mean() == pytest.approx(rate, rel=0 if gap == 30 else 0.15)
