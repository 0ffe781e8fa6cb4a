"""Segments: every row in one of each, the large ones measured as if they stood alone."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import brier_score_loss, roc_auc_score

from scoring import schema
from scoring.intervals import draw_resamples
from scoring.segments import SEGMENTS, measure_segments, segment


def test_the_eight_largest_values_are_kept() -> None:
    titles = [f"level {number}" for number in range(12) for _ in range(20 - number)] + [None] * 3
    rows = schema.empty(len(titles)).with_columns(seniority=pl.Series(titles))
    found = segment(rows)
    assert found.columns == list(SEGMENTS)
    counts = dict(found["seniority"].value_counts().iter_rows())
    assert counts == {f"level {n}": 20 - n for n in range(8)} | {"other": 12 + 11 + 10 + 9, "unknown": 3}
    assert found["department"].unique().to_list() == ["unknown"]


def test_equal_sizes_are_cut_the_same_in_any_order() -> None:
    titles = pl.Series("seniority", [f"level {number}" for number in range(12)])
    kept = [
        set(segment(schema.empty(12).with_columns(seniority=each))["seniority"]) for each in (titles, titles.reverse())
    ]
    assert kept[0] == kept[1] == {f"level {n}" for n in (0, 1, 10, 11, 2, 3, 4, 5)} | {"other"}


def test_a_large_segment_is_measured_alone_and_a_small_one_only_counted() -> None:
    rng = np.random.default_rng(2)
    kinds = np.array(["large"] * 900 + ["small"] * 60 + ["idle"] * 240)
    chance = rng.random(1200)
    y = (rng.random(1200) < chance).astype(float)
    y[kinds == "idle"] = 0
    reps = pl.Series([f"rep{number % 30}@x.io" for number in range(1200)])
    drawn = draw_resamples([schema.empty(1200).with_columns(source_email=reps)])
    found = measure_segments(pl.DataFrame({"kind": kinds}), y, chance, drawn.groups[0], drawn.counts)
    assert found["value"].to_list() == ["large", "idle", "small"]
    assert found["rows"].to_list() == [900, 240, 60]
    assert found["outcomes"].to_list() == [int(y[kinds == kind].sum()) for kind in ("large", "idle", "small")]
    large, *others = found.iter_rows(named=True)
    inside = kinds == "large"
    assert large["auc"] == pytest.approx(roc_auc_score(y[inside], chance[inside]))
    assert large["brier"] == pytest.approx(brier_score_loss(y[inside], chance[inside]))
    assert large["gap"] == pytest.approx(large["expected"] - large["rate"])
    assert large["low"] < 0 < large["high"]
    assert all(other[name] is None for other in others for name in ("rate", "gap", "low", "auc", "brier"))


def test_a_wrong_level_is_told_from_chance() -> None:
    rng = np.random.default_rng(3)
    y = (rng.random(2000) < 0.2).astype(float)
    reps = pl.Series([f"rep{number % 40}@x.io" for number in range(2000)])
    drawn = draw_resamples([schema.empty(2000).with_columns(source_email=reps)])
    frame = pl.DataFrame({"kind": ["all"] * 2000})
    right, high = (
        measure_segments(frame, y, np.full(2000, chance), drawn.groups[0], drawn.counts).row(0, named=True)
        for chance in (0.2, 0.3)
    )
    assert right["low"] < 0 < right["high"]
    assert 0.05 < high["low"] < high["gap"] < high["high"] < 0.15
