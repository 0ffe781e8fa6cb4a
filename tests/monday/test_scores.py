"""The scored files: every chance, tier and percentile once more from the model's JSON, in plain Python."""

from __future__ import annotations

from pathlib import Path

import pytest

from ..features import oracle
from .plain import CHANCES, Card, Cells, Chain, evidence, logistic

CARD = Card(Path(__file__).parents[2] / "models" / "shipped" / "model.json")


@pytest.mark.parametrize("which", ["old", "new"])
def test_scores_are_look_ups_and_a_sum(which: str, chain: Chain) -> None:
    rows: list[Cells] = list(getattr(chain, which).values())
    when = chain.then if which == "old" else chain.now
    totals = oracle.add_up(rows, when)
    for cells in rows[::4]:
        row = oracle.Row(cells, when, totals)
        for target, column in CHANCES.items():
            assert cells[column] == pytest.approx(logistic(CARD.log_odds(row, target)), abs=1e-12)
        assert cells["tier"] == CARD.tier(cells["priority"])
        assert cells["percentile"] == pytest.approx(CARD.percentile(cells["priority"]), abs=1e-9)
        assert (cells["evidence"], cells["as_of"], cells["problem"]) == (evidence(cells), when, None)


def test_rows_that_stand_there_twice_are_scored_alike(chain: Chain) -> None:
    rows = chain.rows("now.csv")
    assert len(rows) == len(chain.new) + 2
    assert rows[-2] == rows[2]
    assert rows[-1] == chain.new[next(key for key, row in chain.new.items() if row["crm_id"] == rows[-1]["crm_id"])]
