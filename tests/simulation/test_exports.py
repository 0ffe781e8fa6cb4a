"""An export says what the events before its date say, and an outcome what those after it say."""

from datetime import timedelta, timezone

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scoring.errors import InputError
from scoring.simulation import Settings, draw_organisation

SETTINGS = [
    Settings(rows=250, closed=False, one_row_a_contact=False),
    Settings(rows=250, closed=True, one_row_a_contact=False),
    Settings(rows=250, closed=False, one_row_a_contact=True),
    Settings(rows=250, closed=True, one_row_a_contact=True),
]
CASES = [(seed, settings) for seed in (1, 2, 3) for settings in SETTINGS]
NAMES = {0: "inbound", 1: "outbound", 2: "meetings"}


def recount(organisation, as_of):
    """Counts and times of each row with an event before the date, in plain Python."""
    found = {}
    for event in organisation.events.iter_rows(named=True):
        if event["time"] >= as_of:
            continue
        row = found.setdefault(
            event["row"], dict.fromkeys(("spent", "spent_30d"), 0) | {"times": {0: [], 1: [], 2: []}}
        )
        row["times"][event["kind"]].append(event["time"])
        row["spent"] += event["seconds_spent"]
        if event["time"] >= as_of - timedelta(days=30):
            row["spent_30d"] += event["seconds_spent"]
    return found


@pytest.mark.parametrize(("seed", "settings"), CASES)
def test_an_export_equals_a_plain_recount(seed, settings):
    organisation = draw_organisation(seed, settings)
    as_of = organisation.dates(1)[0]
    export, expected = organisation.export(as_of), recount(organisation, as_of)
    active = export.filter(pl.col("first_engaged_time").is_not_null())
    assert active.height == len(expected)
    for record, row in zip(active.iter_rows(named=True), sorted(expected), strict=True):
        times = expected[row]["times"]
        for kind, name in NAMES.items():
            assert record[f"total_{name}"] == len(times[kind])
            assert record[f"total_{name}_30d"] == sum(time >= as_of - timedelta(days=30) for time in times[kind])
            if kind < 2:
                assert record[f"first_{name}_time"] == min(times[kind], default=None)
                assert record[f"last_{name}_time"] == max(times[kind], default=None)
        everything = sum(times.values(), [])
        assert (record["first_engaged_time"], record["last_engaged_time"]) == (min(everything), max(everything))
        assert (record["total_time_spent"], record["total_time_spent_30d"]) == (
            expected[row]["spent"],
            expected[row]["spent_30d"],
        )


@pytest.mark.parametrize(("seed", "settings"), CASES)
def test_an_export_does_not_contradict_itself(seed, settings):
    organisation = draw_organisation(seed, settings)
    as_of = organisation.dates(1)[0]
    export = organisation.export(as_of)
    for name in ("inbound", "outbound", "meetings", "emails", "time_spent"):
        assert (export[f"total_{name}"] >= export[f"total_{name}_30d"]).all()
    for name in ("inbound", "outbound", "engaged"):
        times = export.drop_nulls(f"first_{name}_time")
        assert (times[f"first_{name}_time"] <= times[f"last_{name}_time"]).all()
        assert (times[f"last_{name}_time"] < as_of).all()
    inbound, outbound = pl.col("total_inbound"), pl.col("total_outbound")
    checks = export.select(
        emails=(pl.col("total_emails") == inbound + outbound).all(),
        reply=(pl.col("received_reply") == (inbound > 0)).all(),
        reply_id=(pl.col("received_reply") == pl.col("response_activity_id").is_not_null()).all(),
        no_ratio=(pl.col("inbound_outbound_ratio").is_null() == (outbound == 0)).all(),
        upcoming=(pl.col("upcoming_meeting") == pl.col("first_upcoming_meeting_time").is_not_null()).all(),
        later=(pl.col("first_upcoming_meeting_time") >= as_of).all(),
        level=pl.col("engagement_level").is_between(0, 100).all(),
    )
    assert all(checks.row(0))


def test_a_row_is_one_contact_of_one_rep_or_one_contact():
    for settings in SETTINGS:
        organisation = draw_organisation(8, settings)
        export = organisation.export(organisation.dates(1)[0])
        key = ["email"] if settings.one_row_a_contact else ["source_email", "email"]
        assert export.select(key).is_unique().all()


def test_a_closed_organisation_has_every_pair_from_both_sides():
    organisation = draw_organisation(5, Settings(rows=300, closed=True, one_row_a_contact=False))
    export = organisation.export(organisation.dates(1)[0])
    seen = export.select("source_email", "email", "total_inbound", "total_outbound", "total_meetings")
    mirrored = seen.select(
        source_email="email",
        email="source_email",
        total_inbound="total_outbound",
        total_outbound="total_inbound",
        total_meetings="total_meetings",
    )
    assert_frame_equal(seen.sort("source_email", "email"), mirrored.sort("source_email", "email"))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_later_export_holds_the_outcome_of_the_earlier(seed):
    organisation = draw_organisation(seed, Settings(rows=300, closed=False, one_row_a_contact=False))
    as_of = organisation.dates(1)[0]
    now = organisation.export(as_of).with_columns(organisation.outcomes(as_of))
    later = organisation.export(as_of + timedelta(days=30)).select(
        "source_email",
        "email",
        mails=pl.col("total_inbound_30d"),
        written=pl.col("total_outbound_30d"),
        meetings=pl.col("total_meetings_30d"),
    )
    both = now.join(later, on=["source_email", "email"], how="left")
    assert both["mails"].null_count() == 0
    assert (both["replied"] == (both["mails"] > 0)).all()
    assert (both["contacted"] == (both["written"] > 0)).all()
    assert (both["met"] == (both["meetings"] > 0)).all()
    assert (both["engaged"] == (both["replied"] | both["met"])).all()
    assert (both["replied"] | ~both["answered"]).all()


def test_what_happens_from_the_date_on_does_not_change_the_export():
    organisation = draw_organisation(3, Settings(rows=200))
    as_of = organisation.dates(1)[0]
    first = organisation.events["time"].min()
    assert organisation.export(first).filter(pl.col("first_engaged_time").is_not_null()).is_empty()
    one_second_later = organisation.export(first + timedelta(seconds=1))
    assert one_second_later["total_emails"].sum() + one_second_later["total_meetings"].sum() >= 1
    assert organisation.export(as_of).height <= organisation.export(as_of + timedelta(days=1)).height


def test_a_date_without_time_zone_is_refused():
    organisation = draw_organisation(1, Settings(rows=50))
    with pytest.raises(InputError, match="time zone"):
        organisation.export(organisation.start.replace(tzinfo=None))


def test_the_same_moment_in_another_zone_gives_the_same_export():
    organisation = draw_organisation(1, Settings(rows=100))
    as_of = organisation.dates(1)[0]
    elsewhere = as_of.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert_frame_equal(organisation.export(as_of), organisation.export(elsewhere), check_exact=True)
    assert_frame_equal(organisation.outcomes(as_of), organisation.outcomes(elsewhere), check_exact=True)


def test_missing_cells_and_candidates_follow_the_settings():
    full = draw_organisation(2, Settings(rows=300, missing=0, candidates=0, closed=False))
    thin = draw_organisation(2, Settings(rows=300, missing=1, candidates=1, closed=False, untouched=False))
    when = full.dates(1)[0]
    assert full.export(when).select("seniority", "department", "phone", "crm_id").null_count().sum_horizontal()[0] == 0
    nulls = thin.export(when).select("seniority", "department", "phone", "crm_id", "account_domain")
    assert nulls.null_count().row(0) == (nulls.height,) * 5


def test_some_organisations_do_not_show_upcoming_meetings():
    shown = {}
    for seed in range(20, 50):
        organisation = draw_organisation(seed, Settings(rows=400, closed=False, one_row_a_contact=False))
        upcoming = organisation.export(organisation.dates(1)[0])["upcoming_meeting"].sum()
        key = organisation.traits.shows_upcoming
        shown[key] = shown.get(key, 0) + upcoming
    assert shown[False] == 0
    assert shown[True] > 0
