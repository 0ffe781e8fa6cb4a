"""Values in words: no gaps, no overlaps, and the words say what the number is."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scoring.features import FEATURES, Fact
from scoring.wording import LADDERS

BELOW = np.float32(-np.inf)
FLOATS = st.floats(width=32, allow_nan=False)
DURATION = re.compile(r"([\d½]+)(?: to ([\d½]+))? (day|week|month|year)s?")
DAYS = {"day": 1, "week": 7, "month": 365 / 12, "year": 365}


@pytest.mark.parametrize("unit", LADDERS)
def test_each_step_begins_at_its_least_value(unit: str) -> None:
    ladder = LADDERS[unit]
    least = [value for value, _ in ladder.steps]
    assert sorted(set(least)) == least
    for place, (value, name) in enumerate(ladder.steps):
        if np.isfinite(value):
            assert ladder.name(value) == name
        if place:
            assert ladder.name(np.nextafter(np.float32(value), BELOW)) == ladder.steps[place - 1][1]
    assert ladder.name(float("inf")) == ladder.steps[-1][1]
    assert ladder.name(float("-inf")) == ladder.steps[0][1]


@pytest.mark.parametrize("unit", LADDERS)
def test_no_two_steps_have_one_name(unit: str) -> None:
    names = [name for _, name in LADDERS[unit].steps]
    assert len(set(names)) == len(names)
    assert not any("{" in name or ";" in name or not name for name in names)


@given(unit=st.sampled_from(sorted(LADDERS)), value=FLOATS)
def test_a_table_split_at_the_thresholds_has_the_step_s_name(unit: str, value: float) -> None:
    ladder = LADDERS[unit]
    place = int(np.searchsorted(ladder.thresholds, np.float32(value), side="left"))
    assert ladder.steps[place][1] == ladder.name(value)
    assert ladder.thresholds.dtype == np.float32
    assert (np.diff(ladder.thresholds) > 0).all()


def number(text: str) -> float:
    return float(text.removesuffix("½") or 0) + 0.5 * text.endswith("½")


def meant(name: str) -> tuple[float, float]:
    """What a person takes a duration to be, in days."""
    if "less than a day" in name:
        return 0, 1
    found = DURATION.search(name)
    assert found, name
    low, high, unit = number(found[1]), found[2], DAYS[found[3]]
    if "over" in name:
        return low * unit, float("inf")
    # "3 days" goes on until there are 4, and so does "7 to 9 days" until there are 10
    upper = number(high) + (unit == 1) if high else low + 1
    return low * unit, upper * unit


@given(days=st.floats(0, 20_000, width=32))
def test_durations_are_what_they_say(days: float) -> None:
    low, high = meant(LADDERS["days"].name(days))
    assert low * 0.97 <= days < high * 1.08


@given(days=st.floats(0, 20_000, width=32))
def test_who_spoke_last_has_the_same_steps_both_ways(days: float) -> None:
    ours, theirs = LADDERS["signed days"].name(days), LADDERS["signed days"].name(-days)
    duration = LADDERS["days"].name(days)
    assert duration in ours
    assert duration in theirs
    if days > 0:
        assert ours.startswith("last mail to them")
        assert theirs.startswith("their mail")


@pytest.mark.parametrize(("unit", "one", "many"), [("mails", "mail", "mails"), ("meetings", "meeting", "meetings")])
def test_counts_are_what_they_say(unit: str, one: str, many: str) -> None:
    for count in [*range(1200), 10**6]:
        words = LADDERS[unit].name(count).split()
        numbers = [int(word) for word in words if word.isdigit()]
        if count == 0:
            assert words == ["no", one]
        elif "more" in words:
            assert numbers[0] <= count
        else:
            assert numbers[0] <= count <= numbers[-1]
        assert words[-1] == one if count < 2 else many in words


def test_shares_are_what_they_say() -> None:
    for share in np.linspace(0, 1, 1001, dtype=np.float32):
        name = LADDERS["share"].name(float(share))
        numbers = [int(word) for word in name.split() if word.isdigit()]
        low, high = (0, numbers[0]) if "under" in name else (numbers[0], 100 if "over" in name else numbers[1])
        assert low <= 100 * float(share) + 1e-4
        assert 100 * float(share) <= high + 1e-4


@pytest.mark.parametrize("fact", dict.fromkeys(feature.fact for feature in FEATURES), ids=lambda fact: fact.name)
def test_every_fact_can_be_said(fact: Fact) -> None:
    said = {fact.phrase.format(name) for _, name in LADDERS[fact.unit].steps} | {fact.absent}
    assert len(said) == len(LADDERS[fact.unit].steps) + 1
    assert all(text and text.strip() == text for text in said)
    # nothing by which reasons are parted, and nothing that has to be quoted in a CSV file, which costs whoever reads it
    assert not any(mark in text for text in said for mark in (";", "(", "[", "{", "}", "\n", ",", '"'))


def test_facts_have_names_of_their_own() -> None:
    facts = dict.fromkeys(feature.fact for feature in FEATURES)
    assert len({fact.name for fact in facts}) == len(facts)
