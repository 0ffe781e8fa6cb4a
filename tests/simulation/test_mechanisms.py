"""A mechanism that is switched off does not act, and leaves what other mechanisms drew as it was."""

import dataclasses

import numpy as np
import polars as pl
import pytest

from scoring.simulation import Settings, draw_organisation
from scoring.simulation.clock import draw_clock
from scoring.simulation.draws import sampled_wait, stream, survival
from scoring.simulation.people import draw_people
from scoring.simulation.ties import draw_ties
from scoring.simulation.traits import draw_traits

SWITCHES = [field.name for field in dataclasses.fields(Settings) if field.default is True]
SEEDS = range(40, 52)


def totals(**switches):
    """What all organisations of some seeds have together."""
    organisations = [draw_organisation(seed, Settings(rows=200, days=400, **switches)) for seed in SEEDS]
    kinds = pl.concat([organisation.events for organisation in organisations])["kind"].value_counts()
    return {**dict(kinds.iter_rows()), "all": kinds["count"].sum()}


@pytest.mark.parametrize("name", SWITCHES)
def test_every_switch_changes_some_organisation(name):
    on, off = Settings(rows=100, days=300), Settings(rows=100, days=300, **{name: False})

    def facts(seed, settings):
        organisation = draw_organisation(seed, settings)
        return organisation.events.hash_rows().sum(), organisation.profiles["in_crm_before"].sum()

    assert any(facts(seed, on) != facts(seed, off) for seed in range(60, 72))


def test_no_meetings_means_no_meetings():
    assert totals(meetings=False).get(2, 0) == 0
    assert totals()[2] > 0


@pytest.mark.parametrize("name", ["follow_ups", "nudges", "revivals"])
def test_less_happens_without(name):
    assert totals(**{name: False})["all"] < totals()["all"]


def test_broadcasts_come_on_top_of_other_conversations():
    for seed in SEEDS:
        quiet = Settings(rows=200, follow_ups=False, meetings=False)
        on, off = (
            draw_organisation(seed, dataclasses.replace(quiet, broadcasts=switch))._course.conversations
            for switch in (True, False)
        )
        assert len(on) >= len(off)
        assert set(off.time) <= set(on.time)


def test_lasting_ties_live_longer():
    for seed in SEEDS:
        lived = []
        for on in (True, False):
            episodes = draw_organisation(seed, Settings(rows=200, revivals=False, lasting=on))._course.episodes
            lived.append((episodes.end - episodes.start).sum())
        assert lived[0] > lived[1]


def test_more_happens_without_one_touch_contacts():
    assert totals(one_touch=False)["all"] > totals()["all"]


def test_a_switch_leaves_the_other_traits_alone():
    with_all = dataclasses.asdict(draw_traits(9, Settings()))
    without = dataclasses.asdict(draw_traits(9, Settings(broadcasts=False)))
    assert {name for name in with_all if with_all[name] != without[name]} <= {
        "broadcast_rate",
        "contact_broadcast_rate",
    }


def test_a_switch_leaves_who_knows_whom_alone():
    pairs = []
    for settings in (Settings(), Settings(one_touch=False)):
        traits = draw_traits(9, settings)
        pairs.append(draw_ties(9, traits, *draw_people(9, traits, 200)))
    assert (pairs[0].contact == pairs[1].contact).all()
    assert (pairs[0].pace == pairs[1].pace).all()
    assert not pairs[1].one_touch.any()


def test_without_untouched_contacts_every_row_has_an_event():
    for seed in SEEDS:
        organisation = draw_organisation(seed, Settings(rows=100, untouched=False))
        assert organisation.export(organisation.dates(1)[0])["first_engaged_time"].null_count() == 0


def test_an_even_clock_is_the_calendar():
    traits = draw_traits(3, Settings())
    clock = draw_clock(3, traits, even=True)
    days = np.array([0.0, 1.0, 33.5])
    assert np.allclose(clock.seconds(days), clock.start + 86_400 * days, atol=1)


def test_a_clock_sleeps_on_weekends():
    traits = dataclasses.replace(draw_traits(3, Settings()), weekend=0.0, holidays=0.0, growth=0.0)
    clock = draw_clock(3, traits)
    moments = clock.seconds(stream(0, "test").uniform(0, 100, 4000))
    weekday = (moments // 86_400 + 3) % 7
    assert np.mean(weekday >= 5) < 0.05


def test_a_wait_that_goes_on_is_drawn_as_if_it_had_been_waited_for():
    rng = stream(1, "test")
    fresh = sampled_wait(rng, np.zeros(200_000), 3.0, 1.3)
    late = fresh[fresh > 4.0]
    resumed = sampled_wait(rng, np.full(len(late), 4.0), 3.0, 1.3)
    assert np.allclose(np.quantile(late, [0.1, 0.5, 0.9]), np.quantile(resumed, [0.1, 0.5, 0.9]), rtol=0.05)
    assert np.isclose(np.mean(fresh > 4.0), survival(np.array([4.0]), 3.0, 1.3)[0], atol=0.005)
