"""The worklists: each list, each count, each number expected and each number in a sentence, in plain Python."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import pytest

from .plain import CHANCES, Cells, Chain, Key, borders, key_of

CAPACITY, PER_ACCOUNT, EXPLORE, REST_DAYS, PREPARE_DAYS = 20, 3, 0.1, 3, 14
EXPECTED = {"replies": "reply", "meetings": "meeting", "answers": "answer"}


def lists_by_hand(chain: Chain) -> tuple[dict[str, list[tuple[str, Key]]], dict[Key, str]]:
    """Make the lists: of each rep part and contact in order; and why the others are on none."""
    ordinary, unknown, prepare = [], [], defaultdict(list)
    why: dict[Key, str] = {}
    for key, row in chain.new.items():
        now, wrote, mailed = row["as_of"], row["last_inbound_time"], row["last_outbound_time"]
        meeting = row["first_upcoming_meeting_time"]
        if row["upcoming_meeting"] and meeting - now <= timedelta(days=PREPARE_DAYS):
            prepare[key[0]].append((meeting, -row["priority"], key))
        elif row["upcoming_meeting"]:
            why[key] = "meeting_later"
        elif mailed and now - mailed < timedelta(days=REST_DAYS) and not (wrote and wrote > mailed):
            why[key] = "cooldown"
        elif row["evidence"] == "none":
            salted = repr((now.isoformat(), *key)).encode()
            unknown.append((blake2b(salted, digest_size=16).hexdigest(), key))
        else:
            ordinary.append((-row["priority"], key))
    waiting = Counter(rep for _, (rep, _) in unknown)
    kept = {rep: min(int(CAPACITY * EXPLORE), waiting[rep]) for rep, _ in chain.new}
    taken: dict[str, list[tuple[str, Any, Key]]] = defaultdict(list)
    accounts: Counter[tuple[str, str]] = Counter()

    def serve(turn: list[tuple[Any, Key]], part: str, free: dict[str, int]) -> None:
        for first, key in sorted(turn):
            account = chain.new[key]["account_domain"] or chain.new[key]["account_crm_id"]
            full = account and accounts[key[0], account] >= PER_ACCOUNT
            if full or free[key[0]] <= 0:
                why[key] = "evidence" if part == "explore" else "account_full" if full else "rep_full"
            else:
                free[key[0]] -= 1
                accounts[key[0], account] += 1
                taken[key[0]].append((part, first, key))

    serve(ordinary, "work", {rep: CAPACITY - count for rep, count in kept.items()})
    serve(unknown, "explore", dict(kept))
    # what exploring left free goes to the others
    again = [one for one in ordinary if len(taken[one[1][0]]) < CAPACITY and one[1] in why and kept[one[1][0]]]
    for _, key in again:
        del why[key]
    serve(again, "work", {rep: CAPACITY - len(taken[rep]) for rep in kept})
    lists = {
        rep: [(part, key) for part, _, key in sorted(taken[rep], key=lambda one: (one[0] != "work", one[1], one[2]))]
        + [("prepare", key) for *_, key in sorted(prepare[rep])]
        for rep in kept
    }
    return lists, why


def test_the_lists_are_those_made_by_hand(chain: Chain) -> None:
    lists, _ = lists_by_hand(chain)
    found: dict[str, list[tuple[str, Key]]] = defaultdict(list)
    for row in chain.rows("lists.csv"):
        found[row["rep"]].append((row["part"], key_of(row)))
    assert found == {rep: listed for rep, listed in lists.items() if listed}
    assert list(found) == sorted(found)
    assert {part for listed in found.values() for part, _ in listed} == {"work", "explore", "prepare"}


def test_a_listed_row_says_what_the_scored_file_says(chain: Chain) -> None:
    same = ["email", "job_title", "account_name", "tier", "evidence", "reasons", *CHANCES.values()]
    ranks: Counter[tuple[str, bool]] = Counter()
    for row in chain.rows("lists.csv"):
        scored = chain.new[key_of(row)]
        assert [row[name] for name in same] == [scored[name] for name in same]
        assert row["score"] == scored["priority"]
        assert row["name"] == f"{scored['first_name']} {scored['last_name']}"
        assert row["account"] == (scored["account_domain"] or scored["account_crm_id"])
        ranks[row["rep"], row["part"] == "prepare"] += 1
        assert row["rank"] == ranks[row["rep"], row["part"] == "prepare"]


def test_the_figures_of_each_list_and_of_all(chain: Chain) -> None:
    lists, why = lists_by_hand(chain)
    told = chain.figures("lists.json")
    assert told["as_of"] == f"{chain.now:%Y-%m-%dT%H:%M:%SZ}"
    assert [one["rep"] for one in told["reps"]] == sorted(lists)
    rules = Counter((rep, rule) for (rep, _), rule in why.items())
    twice = Counter(key_of(row)[0] for row in chain.rows("now.csv")[-2:])
    for one in told["reps"]:
        listed = lists[one["rep"]]
        parts = Counter(part for part, _ in listed)
        assert (one["places"], one["listed"]) == (CAPACITY, parts["work"] + parts["explore"])
        assert [one[part] for part in ("work", "explore", "prepare")] == [
            parts[part] for part in ("work", "explore", "prepare")
        ]
        assert one["repeated"] == twice[one["rep"]]
        for rule in ("suppressed", "problem", "meeting_later", "cooldown", "evidence", "account_full", "rep_full"):
            assert one[rule] == rules[one["rep"], rule], rule
        worked = [chain.new[key] for part, key in listed if part != "prepare"]
        for name, target in EXPECTED.items():
            chances = [row[CHANCES[target]] for row in worked]
            assert one[name] == pytest.approx(sum(chances), abs=1e-9)
            assert (one[f"{name}_low"], one[f"{name}_high"]) == borders(chances)
    for name, total in told["total"].items():
        assert total == pytest.approx(sum(one[name] for one in told["reps"]), abs=1e-9)
    assert set(why.values()) == {"meeting_later", "cooldown", "evidence", "account_full", "rep_full"}


SAID = {
    r"their mail of (.+?) is": "last_inbound_time",
    r"they wrote (.+?) ago": "last_inbound_time",
    r"(?:silent|no mail from them) for ([^,]+)": "last_inbound_time",
    r"your mail of (.+?) is": "last_outbound_time",
    r"your only mail, (.+?) ago": "last_outbound_time",
    r"(?:, the last|your last mail was) (.+?) ago": "last_outbound_time",
    r"last contact (.+?) ago": "last_engaged_time",
    r"last in touch (.+?) ago": "last_engaged_time",
    r"meeting in (.+?)(?:,|$)": "first_upcoming_meeting_time",
}


def in_words(length: timedelta) -> str:
    days = length / timedelta(days=1)
    if days < 1:
        return "less than a day"
    if days < 60:
        return f"{int(days)} day{'s' if days >= 2 else ''}"
    return f"{round(days / 30.44)} months" if days < 2 * 365.25 else f"{int(days / 365.25)} years"


def test_each_length_of_time_in_a_sentence_is_that_of_its_row(chain: Chain) -> None:
    seen: Counter[str] = Counter()
    for row in chain.rows("lists.csv"):
        scored, sentence = chain.new[key_of(row)], row["next_step"]
        assert sentence.startswith(f"{row['action']}: ")
        for pattern, field in SAID.items():
            if match := re.search(pattern, sentence):
                length = in_words(abs(chain.now - scored[field]))
                words = "the last 24 hours" if length == "less than a day" and "mail of" in pattern else length
                assert match[1].removesuffix(" ago") == words, sentence
                seen[pattern] += 1
        if match := re.search(r"used to write every (\d+) days", sentence):
            assert int(match[1]) == int(gap_days(scored) + 0.5)
            seen["rhythm"] += 1
        if match := re.search(r"(\d+) mails of yours", sentence):
            assert int(match[1]) == scored["total_outbound"]
        if re.search(r"unanswered|without an answer|never answered", sentence):
            assert_nothing_followed(sentence, scored)
        seen["none"] += "too little" in sentence
    assert seen["none"] == 0
    assert len([pattern for pattern in SAID if seen[pattern]]) >= 6
    assert seen["rhythm"]


def gap_days(row: Cells) -> float:
    return (row["last_inbound_time"] - row["first_inbound_time"]) / timedelta(days=1) / (row["total_inbound"] - 1)


def assert_nothing_followed(sentence: str, row: Cells) -> None:
    """A mail is unanswered if none went the other way since."""
    wrote, mailed = (row[name] or datetime.min.replace(tzinfo=row["as_of"].tzinfo) for name in TIMES)
    assert (wrote > mailed) == ("their mail" in sentence), sentence


TIMES = ("last_inbound_time", "last_outbound_time")
