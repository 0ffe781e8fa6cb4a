"""Truth: chances of every row of every export, near to what happens, and never quite 0 where others are not."""

from __future__ import annotations

from datetime import timedelta

import polars as pl
import pytest

from scoring.config import TARGETS
from scoring.simulation import Organisation
from scoring.truth import export_dates, true_chances


def test_dates_are_30_days_apart_and_inside_the_record(organisation: Organisation) -> None:
    dates = export_dates(organisation, 4)
    assert {later - earlier for earlier, later in zip(dates, dates[1:], strict=False)} == {timedelta(days=30)}
    assert all(when.hour == when.minute == when.second == 0 for when in dates)
    assert organisation.start < dates[0] < dates[-1] < organisation.end


def test_chances_are_those_of_the_simulation_for_each_row(organisation: Organisation) -> None:
    when = export_dates(organisation, 2)[0]
    found = true_chances(organisation, [when], 60)[when]
    drawn, export = organisation.chances(when, 60), organisation.export(when)
    assert found.select("source_email", "crm_id", "email").equals(export.select("source_email", "crm_id", "email"))
    for target in ("reply", "meeting", "engaged"):
        assert found[target].mean() == pytest.approx(drawn[target].mean())
        assert (found[target] - drawn[target]).abs().max() <= 1 / 61
    often = (drawn["contacted"] > 0.5).to_numpy()
    assert (found["answer"] - drawn["answer"]).filter(pl.Series(often)).abs().max() <= 1 / 31
    assert found.select(pl.col(TARGETS).is_between(0, 1, closed="right").all()).row(0) == (True,) * 4
