"""A seed determines everything, in any process and with any number of threads."""

import os
import subprocess
import sys
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scoring import schema
from scoring.errors import InputError
from scoring.simulation import Settings, draw_organisation

SMALL = Settings(rows=300)


@pytest.mark.parametrize("seed", range(6))
def test_the_same_seed_gives_the_same_organisation(seed):
    one, other = draw_organisation(seed, SMALL), draw_organisation(seed, SMALL)
    when = one.dates(1)[0]
    assert_frame_equal(one.events, other.events, check_exact=True)
    assert_frame_equal(one.appointments, other.appointments, check_exact=True)
    assert_frame_equal(one.export(when), other.export(when), check_exact=True)
    assert_frame_equal(one.chances(when, 3), other.chances(when, 3), check_exact=True)


def test_another_process_with_other_threads_gives_the_same_bytes():
    code = (
        "import hashlib; from scoring.simulation import Settings, draw_organisation\n"
        "o = draw_organisation(4, Settings(rows=300)); d = o.dates(1)[0]\n"
        "text = ''.join(frame.write_csv() for frame in (o.export(d), o.outcomes(d), o.chances(d, 3)))\n"
        "print(hashlib.sha256(text.encode()).hexdigest())"
    )
    digests = set()
    for threads in ("1", "2"):
        env = {**os.environ, "POLARS_MAX_THREADS": threads, "PYTHONHASHSEED": threads}
        run = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=True)
        digests.add(run.stdout)
    assert len(digests) == 1


def test_seeds_give_different_organisations():
    rates = [organisation.events.height for organisation in (draw_organisation(seed, SMALL) for seed in range(8))]
    assert len(set(rates)) == 8


def test_a_seed_below_zero_is_refused():
    with pytest.raises(InputError, match="seed -1"):
        draw_organisation(-1)


def test_dates_leave_room_for_history_and_outcomes():
    organisation = draw_organisation(2, SMALL)
    dates = organisation.dates(5)
    assert dates == sorted(dates)
    assert dates[0] >= organisation.start + timedelta(days=35)
    assert dates[-1] + timedelta(days=30) <= organisation.end


def test_an_export_has_the_schema_of_the_contract():
    organisation = draw_organisation(1, SMALL)
    export = organisation.export(organisation.dates(1)[0])
    assert export.schema == pl.Schema({field.name: field.dtype for field in schema.FIELDS})
    assert np.all([address.endswith(".example") for address in export["email"]])


@pytest.mark.parametrize("rows", [1, 2, 7])
@pytest.mark.parametrize("seed", range(12))
def test_tiny_organisations_can_be_drawn(seed, rows):
    organisation = draw_organisation(seed, Settings(rows=rows, days=70))
    as_of = organisation.dates(1)[0]
    export = organisation.export(as_of)
    assert export.height <= rows + 1
    assert organisation.outcomes(as_of).height == organisation.chances(as_of, 2).height == export.height


@pytest.mark.parametrize("wrong", [{"rows": 0}, {"days": 30}, {"missing": 1.5}, {"candidates": -0.1}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Settings(**wrong)
