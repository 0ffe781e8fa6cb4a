"""What rows say of the date, counted part after part: the same as all of it held against each other, plainly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from scoring import InputError, dating, schema
from scoring.bounds import WINDOW, Choice, add_up, bounds_in, choose, count_spans, possible_spans
from scoring.dating import Bounds, conclude, infer_as_of

NEWEST = datetime(2026, 3, 1, tzinfo=UTC)
CHANNELS = {
    "last_inbound_time": ["total_inbound_30d"],
    "last_outbound_time": ["total_outbound_30d"],
    "last_engaged_time": ["total_emails_30d", "total_meetings_30d"],
}
FIRST = ["first_inbound_time", "first_outbound_time", "first_engaged_time"]


def table(seed: int, rows: int, *, wrong: int = 0, counts: float = 1.0, hours: int = 9000) -> pl.DataFrame:
    """Rows with times and 30-day counts that mostly fit a date; some of them lie, or have years mistyped."""
    rng = np.random.default_rng(seed)
    ages = rng.integers(0, hours * 60, size=(rows, 3)) * rng.integers(0, 2, size=(rows, 3))
    late = np.arange(rows) < wrong
    ages[late] -= 525_600 * rng.integers(1, 40, size=(wrong, 1))
    there = rng.random((rows, 3)) < 0.8
    names = ("last_inbound_time", "last_outbound_time", "first_engaged_time")
    times = {
        name: pl.Series(
            [
                NEWEST - timedelta(minutes=int(age)) if known else None
                for age, known in zip(ages[:, at], there[:, at], strict=True)
            ],
            dtype=schema.DTYPES["time"],
        )
        for at, name in enumerate(names)
    }
    recent = (ages < 43_200).astype(np.int64)
    lies = rng.random((rows, 3)) < 0.02
    known = rng.random((rows, 3)) < counts
    cells = np.where(lies, 1 - recent, recent)
    counted = {
        f"total_{kind}_30d": pl.Series(
            [int(cell) if ok else None for cell, ok in zip(cells[:, at], known[:, at], strict=True)], dtype=pl.Int64
        )
        for at, kind in enumerate(("inbound", "outbound"))
    }
    return schema.empty(rows).with_columns(**times, **counted)


def chosen(table: pl.DataFrame) -> Choice:
    """Choose as `infer_as_of` says, one bound after the other, in plain Python."""
    newest, lower, upper = [], [], []
    for row in table.with_columns(pl.col(pl.Datetime).to_physical()).iter_rows(named=True):
        times = [row[name] for name in (*CHANNELS, *FIRST) if row[name] is not None]
        newest += [max(times)] if times else []
        lower += [row[name] for name in FIRST if row[name] is not None]
        for name, counts in CHANNELS.items():
            if row[name] is not None:
                later = row[name] + WINDOW // timedelta(microseconds=1)
                lower.append(later if all(row[count] == 0 for count in counts) else row[name])
                upper += [later] if any((row[count] or 0) > 0 for count in counts) else []
    against = {date: sum(one > date for one in lower) + sum(one < date for one in upper) for date in sorted({*lower})}
    best = min(against, key=lambda date: against[date])
    contradicted, beyond = against[best], [one for one in upper if one >= best]
    if not beyond:
        newest.sort()
        gap, left = max(45, 3650 / len(newest)) * 86_400_000_000, max(1, len(newest) // 100)
        lone = None
        while left and len(newest) > 1 and newest[-1] - newest[-2] > gap:
            lone, left = newest.pop(), left - 1
        if lone is not None:
            best = max(one for one in lower if one < lone)
            contradicted += sum(one >= lone for one in lower)
    return Choice(best, len(lower), len(upper), contradicted, min(beyond, default=None))


def decided(parts: list[pl.DataFrame]) -> Choice:
    """Choose from parts, adding up as a cluster does."""
    spans = add_up(count_spans(part) for part in parts)
    possible = possible_spans(spans)
    return choose(spans, add_up(bounds_in(part, possible) for part in parts))


@pytest.mark.parametrize("counts", [1.0, 0.3, 0.0], ids=["all counts", "some counts", "no counts"])
@pytest.mark.parametrize("wrong", [0, 1, 3])
@pytest.mark.parametrize(("rows", "hours"), [(1, 9000), (7, 90_000), (300, 9000), (400, 30), (600, 1)])
def test_the_choice_is_that_among_all_bounds(rows: int, hours: int, wrong: int, counts: float) -> None:
    for seed in range(4):
        whole = table(seed, rows, wrong=min(wrong, rows), counts=counts, hours=hours)
        if all(column.null_count() == rows for column in whole.select(*CHANNELS, *FIRST)):
            continue  # no row has a time
        expected = chosen(whole)
        cuts = [0, rows // 3, rows // 2, rows]
        parts = [whole.slice(start, end - start) for start, end in zip(cuts, cuts[1:], strict=False)]
        assert decided(parts) == expected
        assert decided([whole.sample(fraction=1, shuffle=True, seed=seed)]) == expected
        assert infer_as_of(whole) == conclude(expected)


@pytest.mark.parametrize("ages", [[0, 50, 100, 101], [0, 45, 90], [0, 46, 91.99], [0, 1, 400], [0, 400], [0, 0, 300]])
@pytest.mark.parametrize("many", [1, 300])
def test_rows_that_stand_alone_are_told_by_their_very_times(ages: list[float], many: int) -> None:
    days = [*ages, *(ages[-1] + 200 + at / 100 for at in range(many))]
    times = pl.Series([NEWEST - timedelta(days=age) for age in days], dtype=schema.DTYPES["time"])
    whole = schema.empty(len(days)).with_columns(last_inbound_time=times)
    for shift in range(0, 24, 5):  # spans begin elsewhere then
        moved = whole.with_columns(pl.col("last_inbound_time") + timedelta(hours=shift))
        assert decided([moved[:1], moved[1:]]) == chosen(moved)


def test_two_exports_in_one_contradict_each_other() -> None:
    for days in (1, 20, 400):
        whole = pl.concat([one := table(3, 300), one.with_columns(pl.col(pl.Datetime).dt.offset_by(f"{days}d"))])
        assert decided([whole[::2], whole[1::2]]) == chosen(whole)


def test_few_spans_are_possible() -> None:
    whole = table(1, 5000)
    spans = count_spans(whole)
    possible = possible_spans(spans)
    assert 0 < len(possible) < spans.filter(kind="lower").height / 10
    assert any(abs(span * 2**36 / 1e6 - NEWEST.timestamp()) < 86_400 for span in possible)


def test_very_many_rows_are_counted_in_the_same_way() -> None:
    """Places for all spans, or those alone that there are: which is quicker depends on the rows."""
    whole = table(1, 300, wrong=3)
    many = pl.concat([whole] * 100)
    assert count_spans(many).equals(count_spans(whole).with_columns(pl.col("rows") * 100))


def test_what_is_held_of_many_parts_is_added_up(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = table(1, 300, wrong=3)
    parts = [whole[start : start + 7] for start in range(0, 300, 7)]
    bounds = Bounds()
    for most in (0, 10, 100):
        monkeypatch.setattr(dating, "_MOST_COUNTED", most)
        bounds = Bounds()
        for part in parts:
            bounds.add(count_spans(part))
            assert sum(counted.height for counted in bounds._counted) <= max(most, count_spans(whole).height)
        assert bounds.infer(parts) == infer_as_of(whole)


def test_without_a_time_there_is_no_date() -> None:
    bounds = Bounds()
    bounds.add(count_spans(schema.empty(3)))
    with pytest.raises(InputError, match="no row has a time"):
        bounds.infer([schema.empty(3)])
