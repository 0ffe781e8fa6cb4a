"""Very many times in bounded memory."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring import times
from scoring.times import Counted, Latest

PARTS = st.lists(st.lists(st.integers(0, 60), max_size=40), min_size=1, max_size=6)


@given(PARTS, st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_times_are_counted_part_after_part(parts: list[list[int]], kept: int) -> None:
    counted = Counted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "KEPT", kept)
        for part in parts:
            counted.add(np.array(part, dtype=np.int64))
    expected = np.unique(np.concatenate([np.array(part, dtype=np.int64) for part in parts]), return_counts=True)
    for found, wanted in zip(counted.counted(), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@given(PARTS, st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_the_latest_are_kept(parts: list[list[int]], kept: int) -> None:
    latest = Latest()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(times, "KEPT", kept)
        for part in parts:
            latest.add(np.array(part, dtype=np.int64))
        every = sorted(sum(parts, []))
        assert latest.count == len(every)
        assert len(latest.times) + latest.left_out == len(every)
        assert sorted(latest.times.tolist()) == every[latest.left_out :]
        assert len(latest.times) >= min(kept, len(every))
