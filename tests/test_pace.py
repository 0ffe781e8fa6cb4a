"""How far long work is."""

from __future__ import annotations

import logging

import pytest

from scoring import pace
from scoring.pace import Pace


def test_it_is_said_now_and_then(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 2.5, 3.0, 5.0])
    monkeypatch.setattr(pace, "monotonic", lambda: next(clock))
    with caplog.at_level(logging.INFO, logger="scoring"):
        through = Pace("scored", 1000)
        for _ in range(4):
            through.add(100)
    assert caplog.messages == [
        "200 of 1,000 rows scored, 80 a second, 10 s left",
        "400 of 1,000 rows scored, 80 a second, 8 s left",
    ]
