"""The review: what came of the older list, by tier, list, rep and chance, in plain Python.

Of numpy only the draws of the reps are taken: which reps are in which draw is a matter of its generator.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from datetime import timedelta
from typing import Any

import numpy as np
import pytest

from .plain import CHANCES, TIERS, Cells, Chain, key_of, outcomes

TARGETS = ("reply", "meeting", "engaged")
SHARES = (0.1, 0.2, 0.3)
DRAWS = 200


@pytest.fixture(scope="module")
def told(chain: Chain) -> Cells:
    figures: Cells = chain.figures("review.json")
    return figures


@pytest.fixture(scope="module")
def rows(chain: Chain) -> list[Cells]:
    """The scored rows, each with what came of it, its part of the list, and how often it is in each draw."""
    parts = {key_of(row): row["part"] for row in chain.rows("lists-before.csv")}
    reps = sorted({rep for rep, _ in chain.old})
    assert len(reps) >= 10
    draws = np.random.default_rng(1).multinomial(len(reps), np.full(len(reps), 1 / len(reps)), DRAWS).tolist()
    found = []
    for key, row in chain.old.items():
        later = chain.later.get(key)
        came = outcomes(row, later, chain.then, chain.now)
        times = [draw[reps.index(key[0])] for draw in draws]
        more = {"rep": key[0], "part": parts.get(key, "not listed"), "found": later is not None, "times": times}
        found.append({**row, **more, "came": came, "key": key})
    return found


def known(rows: list[Cells], target: str) -> list[Cells]:
    return [row for row in rows if row["came"][target] is not None]


def quantile(numbers: list[float], share: float) -> float:
    ordered = sorted(numbers)
    place = share * (len(ordered) - 1)
    below = ordered[int(place)]
    return below + (place - int(place)) * (ordered[math.ceil(place)] - below)


def interval(drawn: list[float | None]) -> tuple[float | None, float | None]:
    usable = [each for each in drawn if each is not None]
    return (quantile(usable, 0.025), quantile(usable, 0.975)) if 2 * len(usable) >= DRAWS else (None, None)


def interval_of_mean(off: list[float], rows: list[Cells]) -> tuple[float | None, float | None]:
    means = []
    for draw in range(DRAWS):
        size = sum(row["times"][draw] for row in rows)
        total = math.fsum(each * row["times"][draw] for each, row in zip(off, rows, strict=True))
        means.append(total / size if size else None)
    return interval(means)


def close(found: Any, expected: Any) -> bool:
    return found is expected if None in (found, expected) else found == pytest.approx(expected, abs=1e-9)


def test_what_is_known_is_what_really_happened(rows: list[Cells], chain: Chain) -> None:
    names = {"reply": "replied", "meeting": "met", "engaged": "engaged"}
    for row in rows:
        for target, came in row["came"].items():
            assert came is None or came == chain.truth[row["key"]][names[target]]
    assert {row["came"]["reply"] for row in rows} == {True, False, None}


def test_what_is_known_open_and_missing(told: Cells, rows: list[Cells], chain: Chain) -> None:
    assert told["as_of"] == f"{chain.then:%Y-%m-%dT%H:%M:%SZ}"
    assert told["until"] == f"{chain.then + timedelta(days=30):%Y-%m-%dT%H:%M:%SZ}"
    assert told["strangers"] == 0
    for row in told["labels"]:
        came = [each["came"][row["target"]] for each in rows]
        assert [row["happened"], row["did_not"], row["open"]] == [came.count(each) for each in (True, False, None)]
        assert row["missing"] == sum(not each["found"] for each in rows) > 0
        still_open = row["open"] - row["missing"]
        assert row["settled"] == (still_open <= 0.05 * (row["happened"] + still_open))
    assert [row["target"] for row in told["labels"]] == list(TARGETS)
    assert any(row["open"] > row["missing"] for row in told["labels"])


def test_levels(told: Cells, rows: list[Cells]) -> None:
    for row in told["levels"]:
        target, chance = row["target"], CHANCES[row["target"]]
        found = [each for each in rows if each["found"]]
        came = [each["came"][target] for each in found]
        expected = math.fsum(each[chance] for each in found)
        assert (row["rows"], row["open"], row["observed"]) == (len(found), came.count(None), came.count(True))
        assert close(row["expected"], expected)
        assert close(row["gap"], (expected - came.count(True) - came.count(None) / 2) / len(found))
        most = [each[chance] - (c is not False) for each, c in zip(found, came, strict=True)]
        least = [each[chance] - (c is True) for each, c in zip(found, came, strict=True)]
        assert close(row["low"], interval_of_mean(most, found)[0])
        assert close(row["high"], interval_of_mean(least, found)[1])


@pytest.mark.parametrize(("frame", "column"), [("tiers", "tier"), ("lists", "part")])
def test_tiers_and_lists(frame: str, column: str, told: Cells, rows: list[Cells]) -> None:
    parts = [part for part in ("work", "explore", "prepare", "not listed") if any(r["part"] == part for r in rows)]
    names = list(TIERS) if column == "tier" else parts
    assert [(row["target"], row[column]) for row in told[frame]] == [(t, name) for t in TARGETS for name in names]
    for row in told[frame]:
        target, chance = row["target"], CHANCES[row["target"]]
        inside = [each for each in rows if each[column] == row[column]]
        own, every = known(inside, target), known(rows, target)
        came = sum(each["came"][target] for each in own)
        assert (row["rows"], row["open"], row["observed"]) == (len(own), len(inside) - len(own), came)
        assert close(row["expected"], math.fsum(each[chance] for each in own))
        if not own:
            assert row["rate"] is None
            continue
        assert close(row["rate"], came / len(own))
        assert close(row["lift"], came / len(own) / (sum(each["came"][target] for each in every) / len(every)))
        off = [each[chance] - each["came"][target] for each in own]
        assert close(row["gap"], math.fsum(off) / len(own))
        low, high = interval_of_mean(off, own)
        assert close(row["low"], low)
        assert close(row["high"], high)


def found_by(rows: list[Cells], target: str, weights: list[int]) -> dict[float, float | None]:
    """The rate among the first rows of the list, for each share; rows of one chance count with their mean."""
    steps: dict[float, list[float]] = defaultdict(lambda: [0, 0])
    for row, weight in zip(rows, weights, strict=True):
        step = steps[row[CHANCES[target]]]
        step[0] += weight
        step[1] += weight * row["came"][target]
    size, happened = (sum(step[place] for step in steps.values()) for place in (0, 1))
    if happened in (0, size):
        return dict.fromkeys(SHARES)
    rates = {}
    for share in SHARES:
        left, hits = share * size, 0.0
        for chance in sorted(steps, reverse=True):
            here, of_them = steps[chance]
            part = min(1.0, left / here) if here else 0.0
            left, hits = left - part * here, hits + part * of_them
        rates[share] = hits / (share * size)
    return rates


def test_the_top_of_the_list(told: Cells, rows: list[Cells]) -> None:
    assert [(row["target"], row["share"]) for row in told["top"]] == [(t, share) for t in TARGETS for share in SHARES]
    for target in TARGETS:
        own = known(rows, target)
        base = sum(each["came"][target] for each in own) / len(own)
        rates = found_by(own, target, [1] * len(own))
        drawn = [found_by(own, target, [each["times"][draw] for each in own]) for draw in range(DRAWS)]
        for row in (row for row in told["top"] if row["target"] == target):
            rate = rates[row["share"]]
            assert rate is not None
            assert close(row["rate"], rate)
            assert close(row["lift"], rate / base)
            assert close(row["captured"], row["share"] * rate / base)
            low, high = interval([each[row["share"]] for each in drawn])
            assert close(row["low"], low)
            assert close(row["high"], high)


def test_calibration(told: Cells, rows: list[Cells]) -> None:
    for target in TARGETS:
        own = sorted(known(rows, target), key=lambda row: row[CHANCES[target]])
        chances = Counter(row[CHANCES[target]] for row in own)
        bins: dict[int, list[Cells]] = defaultdict(list)
        below = 0
        for chance, size in sorted(chances.items()):
            place = math.floor((below + size / 2) * 10 / len(own))
            bins[place] += [row for row in own if row[CHANCES[target]] == chance]
            below += size
        told_bins = [row for row in told["reliability"] if row["target"] == target]
        assert len(told_bins) == len(bins)
        for row, inside in zip(told_bins, bins.values(), strict=True):
            own_chances = [each[CHANCES[target]] for each in inside]
            assert (row["lowest"], row["highest"], row["rows"]) == (own_chances[0], own_chances[-1], len(inside))
            assert close(row["expected"], math.fsum(own_chances) / len(inside))
            assert close(row["observed"], sum(each["came"][target] for each in inside) / len(inside))


def at_level(chances: list[float], level: float) -> list[float]:
    """Move all chances alike in log-odds, so that as many are expected as came."""
    low, high = -30.0, 30.0
    moved = chances
    for _ in range(200):
        middle = (low + high) / 2
        moved = [1 / (1 + (1 - p) / p * math.exp(-middle)) for p in chances]
        low, high = (low, middle) if math.fsum(moved) / len(moved) > level else (middle, high)
    return moved


def test_reps(told: Cells, rows: list[Cells]) -> None:
    for target in TARGETS:
        own = known(rows, target)
        usual = at_level([r[CHANCES[target]] for r in own], sum(r["came"][target] for r in own) / len(own))
        reps: dict[str, Counter[str]] = defaultdict(Counter)
        for row, one in zip(own, usual, strict=True):
            came = row["came"][target]
            reps[row["rep"]].update(
                {"rows": 1, "expected": row[CHANCES[target]], "came": came, "usual": one, "spread": one * (1 - one)}
            )
        found = [row for row in told["reps"] if row["target"] == target]
        assert [row["rep"] for row in found] == sorted(reps)
        for row in found:
            rep, others = reps[row["rep"]], [each for name, each in reps.items() if name != row["rep"]]
            scatter = sum((each["came"] - each["usual"]) ** 2 for each in others) / sum(r["spread"] for r in others)
            half = 1.96 * math.sqrt(max(1.0, scatter) * rep["spread"]) + 0.5
            low, high = max(0, math.ceil(rep["usual"] - half)), min(rep["rows"], math.floor(rep["usual"] + half))
            assert [row[name] for name in ("rows", "observed", "low", "high")] == [rep["rows"], rep["came"], low, high]
            assert close(row["expected"], rep["expected"])
            assert row["usual"] == pytest.approx(rep["usual"], abs=1e-6)
            assert row["open"] == sum(r["rep"] == row["rep"] and r["came"][target] is None for r in rows)
            verdict = "fewer" if row["observed"] < low else "more" if row["observed"] > high else "as usual"
            assert row["verdict"] == verdict


def test_the_first_sentence_says_the_figures(told: Cells, chain: Chain) -> None:
    level = next(row for row in told["levels"] if row["target"] == "engaged")
    sentence = told["verdict"][0]
    numbers = [int(text.replace(",", "")) for text in re.findall(r"[\d,]*\d(?![\d.]*%)(?=[ ;])", sentence)]
    most = level["observed"] + level["open"]
    assert numbers[:4] == [level["observed"], most, level["rows"], level["open"]]
    assert numbers[4] == round(level["expected"])
    assert f"- {sentence}" in (chain.folder / "review.txt").read_text("utf-8")
