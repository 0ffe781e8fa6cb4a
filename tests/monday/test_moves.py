"""The comparison: every move and its parts, every trend, count and mean, in plain Python."""

from __future__ import annotations

import math
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from ..features import oracle
from .plain import Card, Cells, Chain, Key, key_of, logistic

CARD = Card(Path(__file__).parents[2] / "models" / "shipped" / "model.json")
PARTS = ("model", "time", "activity", "context")


@pytest.fixture(scope="module")
def moves(chain: Chain) -> dict[Key, Cells]:
    rows = chain.rows("moves.csv")
    found = {key_of(row): row for row in rows}
    assert len(found) == len(rows)
    return found


def both(moves: dict[Key, Cells]) -> dict[Key, Cells]:
    return {key: row for key, row in moves.items() if row["status"] == "both"}


def odds(chance: float) -> float:
    return math.log(chance / (1 - chance))


def aged(old: Cells, new: Cells) -> Cells:
    """The old row at the later date, had nothing happened: what is left of its counts of 30 days."""
    left = {}
    for name in (name for name in old if name.endswith("_30d")):
        total = name.removesuffix("_30d")
        left[name] = min(old[name], max(0, new[name] + old[total] - new[total]))
    return old | left


def test_every_contact_is_there_once(moves: dict[Key, Cells], chain: Chain) -> None:
    statuses = {
        "both": chain.old.keys() & chain.new.keys(),
        "new": chain.new.keys() - chain.old.keys(),
        "gone": chain.old.keys() - chain.new.keys(),
    }
    for status, keys in statuses.items():
        assert {key for key, row in moves.items() if row["status"] == status} == keys
        assert keys


def test_what_moved_is_the_difference_of_two_files(moves: dict[Key, Cells], chain: Chain) -> None:
    for key, row in moves.items():
        for which, rows in (("old", chain.old), ("new", chain.new)):
            scored = rows.get(key, {"priority": None, "tier": None})
            assert row[f"{which}_priority"] == pytest.approx(scored["priority"], abs=1e-12)
            assert row[f"{which}_tier"] == scored["tier"]
    for row in both(moves).values():
        assert row["chance"] == pytest.approx(row["new_priority"] - row["old_priority"], abs=1e-12)
        assert row["move"] == pytest.approx(odds(row["new_priority"]) - odds(row["old_priority"]), abs=1e-9)


def test_parts_add_up_to_the_move(moves: dict[Key, Cells]) -> None:
    for row in both(moves).values():
        for whole in ("move", "chance"):
            assert math.fsum(row[f"{whole}_{part}"] for part in PARTS) == pytest.approx(row[whole], abs=1e-12)
        assert (row["move_model"], row["chance_model"]) == (0, 0)


def test_each_part_is_the_difference_of_two_scores(moves: dict[Key, Cells], chain: Chain) -> None:
    """Of every twelfth contact: the score of each state in between, from totals to look-ups."""
    totals = {
        which: oracle.add_up(rows.values(), when)
        for which, rows, when in (("old", chain.old, chain.then), ("new", chain.new, chain.now))
    }
    for key, move in list(both(moves).items())[::12]:
        old, new = chain.old[key], chain.new[key]
        silent = aged(old, new)
        others = [row for other, row in chain.old.items() if other != key]
        path = [
            CARD.log_odds(oracle.Row(old, chain.then, totals["old"]), "engaged"),
            CARD.log_odds(oracle.Row(silent, chain.now, oracle.add_up([silent, *others], chain.now)), "engaged"),
            CARD.log_odds(oracle.Row(new, chain.now, oracle.add_up([new, *others], chain.now)), "engaged"),
            CARD.log_odds(oracle.Row(new, chain.now, totals["new"]), "engaged"),
        ]
        for part, before, after in zip(PARTS[1:], path, path[1:], strict=False):
            assert move[f"move_{part}"] == pytest.approx(after - before, abs=1e-11)
            assert move[f"chance_{part}"] == pytest.approx(logistic(after) - logistic(before), abs=1e-12)


def test_trends_are_what_they_are_said_to_be(moves: dict[Key, Cells], chain: Chain) -> None:
    for key, row in moves.items():
        trend = "not enough"
        if row["status"] == "both" and chain.new[key]["evidence"] != "none":
            grew, points = row["move"] - row["move_model"], row["chance"] - row["chance_model"]
            much = abs(grew) >= math.log(1.5) and abs(points) >= 0.01
            trend = "steady" if not much else "improving" if grew > 0 else "declining"
        assert row["trend"] == trend


def test_the_order_is_by_what_moved(moves: dict[Key, Cells], chain: Chain) -> None:
    listed = list(moves.values())
    statuses = [row["status"] for row in listed]
    assert statuses == sorted(statuses, key=("both", "new", "gone").index)
    for status, column in (("both", "chance"), ("new", "new_priority"), ("gone", "old_priority")):
        figures = [row[column] for row in listed if row["status"] == status]
        assert figures == sorted(figures, reverse=True)


def test_the_figures_are_counts_and_means_of_the_rows(moves: dict[Key, Cells], chain: Chain) -> None:
    told, stayed = chain.figures("moves.json"), list(both(moves).values())
    assert told["status"] == Counter(row["status"] for row in moves.values())
    assert {name: count for name, count in told["trend"].items() if count} == Counter(row["trend"] for row in stayed)
    assert {(row["old_tier"], row["new_tier"]): row["contacts"] for row in told["tiers"]} == Counter(
        (row["old_tier"], row["new_tier"]) for row in stayed
    )
    largest: Counter[str] = Counter()
    for row in stayed:
        sizes = [abs(row[f"move_{part}"]) for part in PARTS]
        largest[PARTS[sizes.index(max(sizes))]] += max(sizes) > 0
    for part in told["parts"]:
        moved = [row[f"move_{part['part']}"] for row in stayed]
        assert part["mean"] == pytest.approx(sum(moved) / len(moved), abs=1e-12)
        assert part["mean_size"] == pytest.approx(sum(map(abs, moved)) / len(moved), abs=1e-12)
        assert part["largest"] == largest[part["part"]]
    for which, rows, when in (("old", chain.old, chain.then), ("new", chain.new, chain.now)):
        assert told[which]["as_of"] == f"{when:%Y-%m-%dT%H:%M:%SZ}"
        assert told[which]["scored"] == len(rows)
    assert chain.now - chain.then > timedelta(days=30)
