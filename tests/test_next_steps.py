"""Next steps: every rule by itself, and every sentence against the row in plain Python."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl
import pytest

from scoring.next_steps import STEPS, suggest
from scoring.schema import FIELDS, empty

AS_OF = datetime(2026, 3, 1, tzinfo=UTC)


def ago(days: float) -> datetime:
    return AS_OF - timedelta(days=days)


def contacts(*rows: dict[str, Any]) -> pl.DataFrame:
    """Typed contacts; what a row does not say is null."""
    table = empty(len(rows))
    return table.with_columns(
        pl.Series(field.name, [row.get(field.name) for row in rows], dtype=field.dtype) for field in FIELDS
    )


def step(**row: Any) -> str:
    return str(suggest(contacts(row), AS_OF)["next_step"].item())


def mails(inbound: int | None = None, outbound: int | None = None, **days: float) -> dict[str, Any]:
    """Counts, and times as days ago: `wrote`, `began` (first inbound), `mailed`, `engaged`."""
    names = {
        "wrote": "last_inbound_time",
        "began": "first_inbound_time",
        "mailed": "last_outbound_time",
        "engaged": "last_engaged_time",
    }
    return {"total_inbound": inbound, "total_outbound": outbound} | {names[k]: ago(v) for k, v in days.items()}


BOTH = {"first_upcoming_meeting_time": ago(-3.5)}
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "meeting and their mail": (
        mails(4, 2, wrote=2, mailed=5) | BOTH,
        "prepare: meeting in 3 days, and their mail of 2 days ago is unanswered",
    ),
    "meeting": (mails(4, 2, wrote=5, mailed=2) | BOTH, "prepare: meeting in 3 days"),
    "meeting without a time": ({"upcoming_meeting": True}, "prepare: a meeting is planned"),
    "their first mail": (mails(1, 0, wrote=9), "answer: they wrote 9 days ago, and you never wrote back"),
    "their old first mail": (mails(1, 0, wrote=90), "pick up: they wrote 3 months ago, and you never wrote back"),
    "their mail": (mails(4, 2, wrote=3.9, mailed=9), "answer: their mail of 3 days ago is unanswered"),
    "their old mail": (mails(4, 2, wrote=45, mailed=50), "pick up: their mail of 45 days ago is still unanswered"),
    "after a meeting": (
        mails(4, 2, wrote=20, mailed=9, engaged=4) | {"total_meetings_30d": 1},
        "follow up: you met in the last 30 days, and no mail has followed the last contact 4 days ago",
    ),
    "after another contact": (
        mails(4, 2, wrote=20, mailed=9, engaged=1) | {"total_meetings_30d": 0},
        "get in touch: you were last in touch 1 day ago, and no mail has followed",
    ),
    "your mail": (mails(4, 2, wrote=20, mailed=6), "follow up: your mail of 6 days ago is unanswered"),
    "silent after a rhythm": (
        mails(11, 2, wrote=150, began=220, mailed=140),
        "revive: no mail from them for 5 months, used to write every 7 days on average",
    ),
    "silent": (mails(2, 2, wrote=150, began=220, mailed=140), "revive: no mail from them for 5 months"),
    "met, yet never wrote": (
        mails(0, 2, mailed=6) | {"total_meetings": 2},
        "get in touch: you met twice, yet they never wrote; your last mail was 6 days ago",
    ),
    "one mail, no answer": (mails(0, 1, mailed=6), "follow up: your only mail, 6 days ago, is unanswered"),
    "one old mail, no answer": (mails(0, 1, mailed=150), "try again: your only mail, 5 months ago, was never answered"),
    "many mails, no answer": (
        mails(0, 5, mailed=60),
        "try another way: 5 mails of yours without an answer, the last 2 months ago",
    ),
    "met, no mail": (mails(0, 0) | {"total_meetings": 1}, "write: you met once, but there was never a mail"),
    "unknown": (mails(0, 0) | {"total_meetings": 0}, "introduce yourself: no mail and no meeting so far"),
    "nothing to go by": ({}, "get in touch: the export says too little of the last mails"),
}


def test_there_is_a_case_for_each_rule() -> None:
    assert list(CASES) == [step.name for step in STEPS]


@pytest.mark.parametrize("name", CASES)
def test_each_rule_speaks_of_its_case(name: str) -> None:
    row, sentence = CASES[name]
    assert step(**row) == sentence
    rule = next(step for step in STEPS if step.name == name)
    dated = contacts(row).with_columns(as_of=pl.lit(AS_OF).cast(pl.Datetime("us", "UTC")))
    assert dated.select(rule.condition).item() is True
    assert suggest(contacts(row), AS_OF)["action"].item() == rule.action


@pytest.mark.parametrize("field", [field.name for field in FIELDS])
def test_a_missing_cell_makes_no_sentence_empty(field: str) -> None:
    table = contacts(*(row for row, _ in CASES.values())).with_columns(pl.lit(None).cast(pl.Null).alias(field))
    found = suggest(table.cast({field: empty()[field].dtype}), AS_OF)
    assert found.null_count().sum_horizontal().item() == 0
    assert all(text.startswith(f"{action}: ") for action, text in found.iter_rows())


@pytest.mark.parametrize(
    ("row", "never"),
    [
        (mails(None, 3, mailed=6), "unanswered|no answer"),  # they may have written: nothing says how often
        (mails(3, None, wrote=6), "unanswered|never wrote"),
        (mails(3, 2, wrote=6), "unanswered"),  # when the rep wrote last is not known
        (mails(3, 2, wrote=6, mailed=6), "unanswered"),  # at the same time
        (mails(3, 2, wrote=-1, mailed=6), "unanswered"),  # after the date of the export
        (mails(None, 2, mailed=6, engaged=3) | {"total_meetings_30d": 1}, "no mail"),  # their mail may be the last
        (mails(4, 2, wrote=2, mailed=5) | {"first_upcoming_meeting_time": ago(1)}, "prepare"),  # it has been
        (mails(0, None), "no mail and no meeting|never a mail"),
        (mails(0, 0), "no meeting"),
    ],
)
def test_nothing_is_claimed_that_is_not_known(row: dict[str, Any], never: str) -> None:
    assert not re.search(never, step(**row))


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (0.0, "less than a day"),
        (0.999, "less than a day"),
        (1.0, "1 day"),
        (2.0, "2 days"),
        (29.9, "29 days"),
        (59.9, "59 days"),
        (60.0, "2 months"),
        (150.0, "5 months"),
        (729.0, "24 months"),
        (731.0, "2 years"),
        (1500.0, "4 years"),
    ],
)
def test_days_are_put_into_words(days: float, words: str) -> None:
    assert f" {words} ago" in step(**mails(2, 0, wrote=days))


def test_a_mail_of_today_is_one_of_the_last_24_hours() -> None:
    assert step(**mails(2, 1, wrote=0.9, mailed=3)) == "answer: their mail of the last 24 hours is unanswered"
    assert step(**mails(2, 1, wrote=1, mailed=3)) == "answer: their mail of 1 day ago is unanswered"


@pytest.mark.parametrize(("met", "words"), [(0, "silent"), (1, "no mail from them"), (None, "no mail from them")])
def test_only_who_never_met_is_called_silent(met: int | None, words: str) -> None:
    assert step(**mails(2, 2, wrote=150, began=220, mailed=140), total_meetings=met) == f"revive: {words} for 5 months"


@pytest.mark.parametrize(("met", "words"), [(1, "once"), (2, "twice"), (3, "3 times")])
def test_meetings_are_put_into_words(met: int, words: str) -> None:
    assert step(**mails(0, 0), total_meetings=met) == f"write: you met {words}, but there was never a mail"


@pytest.mark.parametrize(
    ("count", "span", "words"),
    [
        (3, 1.0, "more than once a day"),
        (11, 15.0, "every day or two"),
        (11, 30.0, "every 3 days on average"),
        (3, 130.0, "every 2 months on average"),
    ],
)
def test_a_rhythm_is_put_into_words(count: int, span: float, words: str) -> None:
    assert step(**mails(count, 1, wrote=400, began=400 + span, mailed=300)).endswith(f"used to write {words}")


def test_a_rhythm_is_not_told_of_who_is_on_time() -> None:
    assert "used to" not in step(**mails(4, 1, wrote=40, began=130, mailed=35))  # every 30 days, and 40 ago
    assert "used to" not in step(**mails(4, 1, wrote=40, began=40, mailed=35))  # all at once


def test_every_sentence_is_true_of_its_row(contacts: pl.DataFrame, when: datetime) -> None:
    found = suggest(contacts, when)["next_step"]
    checked = 0
    for row, sentence in zip(contacts.iter_rows(named=True), found, strict=True):
        wrote, mailed = row["last_inbound_time"], row["last_outbound_time"]
        if match := re.search(r"(?:their mail of|they wrote) (\d+) days? ago", sentence):
            assert (when - wrote).days == int(match[1])
            assert mailed is None or mailed < wrote
        if match := re.search(r"your mail of (\d+) days? ago is unanswered", sentence):
            assert (when - mailed).days == int(match[1])
            assert wrote is not None
            assert wrote < mailed
        if match := re.search(r"(\d+) mails of yours without an answer, the last (\d+) days? ago", sentence):
            assert (row["total_outbound"], (when - mailed).days) == (int(match[1]), int(match[2]))
            assert (row["total_inbound"], wrote) == (0, None)
        if "no mail and no meeting" in sentence:
            assert (row["total_inbound"], row["total_outbound"], row["total_meetings"]) == (0, 0, 0)
        if match := re.search(r"(silent|no mail from them) for (\d+) days", sentence):
            assert (when - wrote).days == int(match[2])
            assert (match[1] == "silent") == (row["total_meetings"] == 0)
        if sentence.startswith("prepare"):
            assert row["upcoming_meeting"]
        checked += "says too little" not in sentence
    assert checked > 0.95 * len(found)
