"""Frames that are kept for later: the same whether in memory or on disk."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from scoring import InputError, shelf
from scoring.shelf import Shelf

FRAMES = [
    pl.DataFrame({"a": [start, None], "b": ["x" * start, "ü"], "c": [True, None]}, schema_overrides={"a": pl.Int64})
    for start in range(5)
]


@pytest.mark.parametrize("held", range(6))
def test_frames_come_back_as_they_were(held: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "ROOM", int(sum(frame.estimated_size() for frame in FRAMES[:held])))
    kept = Shelf(tmp_path / "parts")
    for frame in FRAMES:
        kept.put(frame)
    assert len(kept) == len(FRAMES)
    assert len(list(tmp_path.glob("parts/*"))) == len(FRAMES) - held
    for place, frame in enumerate(FRAMES):
        assert_frame_equal(kept[place], frame)
    assert_frame_equal(kept.scan().collect(), pl.concat(FRAMES))
    assert_frame_equal(kept.scan().with_row_index().collect(engine="streaming"), pl.concat(FRAMES).with_row_index())


def test_a_disk_that_holds_no_more_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "ROOM", 0)
    (tmp_path / "parts").write_text("no folder")
    with pytest.raises(InputError, match="cannot hold the rows"):
        Shelf(tmp_path / "parts").put(FRAMES[0])
