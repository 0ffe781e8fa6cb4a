"""What is put back is what was there, and nothing of what has happened since is in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import polars as pl
import pytest
from polars.testing import assert_frame_equal, assert_series_equal

from scoring.config import TARGETS
from scoring.context import Context
from scoring.features import compute, observe
from scoring.labels import RESTORED, step_back
from scoring.simulation import Settings, draw_organisation

from .histories import CASES, DAY, MONTH, START, altered, assert_true, date_of, drawn, frame, known_at, mails, truths


@pytest.mark.parametrize(("seed", "one_row"), CASES)
def test_what_is_put_back_is_what_the_past_export_said(seed: int, one_row: bool) -> None:
    organisation = drawn(seed, one_row)
    as_of = date_of(organisation)
    cut = as_of - MONTH
    past, labels, kept = step_back(organisation.export(as_of), as_of)
    rows = [row for row, keep in zip(known_at(organisation, as_of), kept, strict=True) if keep]
    export, known = organisation.export(cut), known_at(organisation, cut)
    touched = export.select(pl.sum_horizontal("total_inbound", "total_outbound", "total_meetings") > 0).to_series()
    assert rows == [row for row, touch in zip(known, touched, strict=True) if touch]
    # counts and first times are put back; keys, identity and profile the simulator never changes, so they say little
    assert_frame_equal(past.select(RESTORED), export.filter(touched).select(RESTORED))
    assert past.schema == export.schema
    assert past.drop(RESTORED).null_count().row(0) == (past.height,) * (past.width - len(RESTORED))
    assert labels.columns == list(TARGETS)
    assert labels.select("reply", "meeting", "engaged").null_count().row(0) == (0, 0, 0)
    true = truths(organisation, cut, as_of).filter(touched)
    assert_true(labels, true)
    assert true["reply"].filter(labels["answer"].is_null() & true["answer"].is_not_null()).all()


def stepped(row: dict[str, Any]) -> tuple[bool, bool | None]:
    """Put one row back: whether it is kept, and its reply."""
    _, labels, kept = step_back(frame([{"crm_id": "1"} | row]), START + MONTH)
    return kept.item(), labels["reply"].item() if kept.item() else None


@pytest.mark.parametrize(
    ("row", "kept", "reply"),
    [
        pytest.param(mails("inbound", 3, 1, -9, 4), True, True, id="sound"),
        pytest.param(mails("inbound", 3, 0, -9, -9), True, False, id="nothing came"),
        pytest.param(mails("inbound", 1, 1, 4, 4), False, None, id="new"),
        pytest.param(mails("inbound", 3, 1, 4, 9), False, None, id="history without a time"),
        pytest.param(mails("inbound", 2, 2, -9, 9) | mails("outbound", 3, 0), False, None, id="a time without history"),
        pytest.param(mails("inbound", 3, 4) | mails("outbound", 3, 0), False, None, id="fewer than none"),
        pytest.param(mails("inbound", 3, 0, -9, 4), True, None, id="a last time that no count knows"),
        pytest.param(mails("inbound", 3, 1, -9, -9), True, None, id="a count that no last time knows"),
        pytest.param(mails("inbound", None) | mails("outbound", 3, 0), True, None, id="a column that is not there"),
    ],
)
def test_single_rows_put_back(row: dict[str, Any], kept: bool, reply: bool | None) -> None:
    assert stepped(row) == (kept, reply)


def test_a_first_time_at_the_cut_is_not_yet_known() -> None:
    row = mails("inbound", 1, 1, 0, 0) | mails("outbound", 2, 1, -1, 0)
    past, labels, _ = step_back(frame([row]), START + MONTH)
    assert past["first_inbound_time"].item() is None
    assert past["first_outbound_time"].item() == START - DAY
    assert labels.row(0)[:3] == (True, None, False)


def test_a_cell_left_empty_where_nothing_happened_tells_nothing() -> None:
    organisation = drawn(1)
    as_of = date_of(organisation)
    blank = organisation.export(as_of).with_columns(
        pl.when(pl.col("total_inbound_30d") > 0).then(pl.col("total_inbound_30d")).alias("total_inbound_30d")
    )
    past, _, kept = step_back(blank, as_of)
    assert 0 < kept.sum()
    assert past["total_inbound"].null_count() == 0


@pytest.mark.parametrize("noise", [1, 2])
@pytest.mark.parametrize(("seed", "one_row"), CASES)
def test_noise_after_the_cut_changes_nothing_that_is_put_back(seed: int, one_row: bool, noise: int) -> None:
    organisation = drawn(seed, one_row)
    as_of, cut = date_of(organisation), date_of(organisation) - MONTH
    past, labels, _ = step_back(organisation.export(as_of), as_of)
    other, others, _ = step_back(altered(organisation, cut, noise).export(as_of), as_of)
    assert_frame_equal(past, other, check_exact=True)
    features, same = (compute(observe(table, cut, Context.of(table, cut))) for table in (past, other))
    assert_frame_equal(features, same, check_exact=True)
    assert labels["reply"].mean() < others["reply"].mean()  # the noise is there


def test_putting_back_does_not_depend_on_order_or_the_calendar() -> None:
    organisation = drawn(4, True)
    as_of, shift = date_of(organisation), -400 * DAY
    export = organisation.export(as_of)
    order = export.select(pl.int_range(pl.len()).shuffle(5)).to_series()
    past, labels, kept = step_back(export, as_of)
    numbered = pl.DataFrame({"number": range(export.height)}).filter(kept)["number"]
    place = {number: at for at, number in enumerate(numbered)}
    shuffled = step_back(export[order], as_of)
    wanted = [place[number] for number in order if number in place]
    assert_frame_equal(shuffled[0], past[wanted])
    assert_frame_equal(shuffled[1], labels[wanted])
    moved = step_back(export.with_columns(pl.col(pl.Datetime) + shift), as_of + shift)
    assert_frame_equal(moved[0], past.with_columns(pl.col(pl.Datetime) + shift))
    assert_frame_equal(moved[1], labels)
    assert_series_equal(moved[2], kept)


@pytest.mark.parametrize("seed", [1, 2, 5, 8])
def test_rows_without_history_would_raise_the_rate(seed: int) -> None:
    # contacts come, have one exchange, and are not heard of again: those of the last 30 days all have a recent mail
    passing = Settings(rows=600, days=420, closed=False, lasting=False, revivals=False, follow_ups=False, moods=False)
    organisation = draw_organisation(seed, replace(passing, untouched=False, one_row_a_contact=False))
    as_of = date_of(organisation)
    export = organisation.export(as_of)
    _, labels, kept = step_back(export, as_of)
    rate = truths(organisation, as_of - MONTH, as_of)["reply"].mean()
    assert labels["reply"].mean() == pytest.approx(rate, rel=0.15)
    assert (export["total_inbound_30d"] > 0).mean() > 1.5 * rate
    assert not kept.all()
