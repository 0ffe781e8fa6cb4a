"""Who must not be scored is in no output of any verb: not on the terminal, not in a file, not among the rejected."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from scoring.cli import VERBS, main
from scoring.config import Boosting, TrainingConfig
from scoring.writing import write_frame

Run = Callable[..., tuple[int, str, str]]

PERSON = {
    "first_name": "Zebulonia",
    "last_name": "Quillfeather",
    "email": "zq@objected.example",
    "crm_id": "003zzzzzzzzzzzzzzz",
    "phone": "+1 555 0199 7733",
    "job_title": "Objector in Chief",
    "account_name": "Objected Holdings",
    "account_domain": "objected.example",
    "account_crm_id": "001zzzzzzzzzzzzzzz",
}
NONE = ("models", "simulate")  # `models` trains and logs as `train` does; the tests of tracking look into its runs
LIST = ("--suppress", "{list}")
ARGUMENTS = {
    "score": ["score", "{new}", "-o", "out.csv", *LIST],
    "check": ["check", "{new}", *LIST],
    "audit": ["audit", "{old}", "{new}", *LIST],
    "drift": ["drift", "shipped", "{old}", "{new}", *LIST],
    "train": ["train", "{old}", "{new}", "--config", "{config}", "-o", "model", *LIST],
    "evaluate": ["evaluate", "{old}", "{new}", "--config", "{config}", *LIST],
    "recalibrate": ["recalibrate", "shipped", "{old}", "{new}", "-o", "model", *LIST],
    "worklist": ["worklist", "{scored}", "-o", "lists.csv", *LIST],
    "accounts": ["accounts", "{scored}", "-o", "accounts.csv", *LIST],
    "compare": ["compare", "{old}", "{new}", "-o", "moves.csv", *LIST],
    "review": ["review", "{scored_old}", "{new}", *LIST],
    "explain": ["explain", "{new}", "--contact", "{contact}", *LIST],
    "report": ["report", "{scored}", "-o", "report.html", *LIST],
    "write-back": ["write-back", "{scored}", "--to", "salesforce", "-o", "upload", *LIST],
}
SHOWS = ("score", "worklist", "accounts", "compare", "write-back")  # they do show whoever is not suppressed


def name_of(verb: object) -> str:
    return str(getattr(verb, "__name__", "")).rsplit(".", 1)[-1].replace("_", "-")


@pytest.fixture(scope="module")
def files(exports: dict[datetime, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two exports, both scored, in which the best contact, a copy and an unreadable row are of one person."""
    folder = tmp_path_factory.mktemp("objected")
    (folder / "quick.toml").write_text(TrainingConfig(boosting=Boosting(iterations=3)).to_toml())
    (folder / "objected.txt").write_text(PERSON["email"].upper() + "\n")
    found = {"config": str(folder / "quick.toml"), "list": str(folder / "objected.txt")}
    for name, when in zip(("old", "new"), list(exports)[-2:], strict=True):
        export = exports[when]
        best = export.sort("total_inbound", "crm_id", descending=True).head(1)
        person = best.with_columns(pl.lit(value).alias(column) for column, value in PERSON.items())
        copy = person.with_columns(source_email=pl.lit("second@our.example"), email=pl.lit("other@elsewhere.example"))
        path = folder / f"contacts-{when:%Y-%m-%d}.csv"
        write_frame(pl.concat([export, person, copy]), path)
        found |= {name: str(path), f"scored_{name}": str(folder / f"scored-{name}.csv")}
        assert main(["score", found[name], "-o", found[f"scored_{name}"], "--top", "0"]) == 0
        with path.open("a", encoding="utf-8") as file:
            file.write(person.write_csv(include_header=False).replace(f",{best['total_inbound'].item()},", ",many,", 1))
        found["contact"] = export["crm_id"].drop_nulls()[0]
    return found | {"scored": found["scored_new"]}


def said(out: str, err: str) -> str:
    """Everything that a command showed or wrote into its folder."""
    written = [path.read_bytes().decode("utf-8", "replace") for path in sorted(Path().rglob("*")) if path.is_file()]
    return "\n".join([out, err, *written]).lower()


def traces(text: str) -> list[str]:
    return [value for value in PERSON.values() if value.lower() in text]


def test_every_verb_is_in_the_table() -> None:
    assert {name_of(verb) for verb in VERBS} <= {*ARGUMENTS, *NONE}


@pytest.mark.parametrize("verb", [name for name in map(name_of, VERBS) if name not in NONE])
def test_no_output_names_who_objected(verb: str, files: dict[str, str], run: Run) -> None:
    for more in ([], ["--json"] if verb != "report" else []):
        code, out, err = run(*(argument.format(**files) for argument in ARGUMENTS[verb]), *more)
        assert code in (0, 1), err
        assert traces(said(out, err)) == []


@pytest.mark.parametrize("verb", [name for name in map(name_of, VERBS) if name in SHOWS])
def test_without_the_list_the_person_is_there(verb: str, files: dict[str, str], run: Run) -> None:
    arguments = [argument for argument in ARGUMENTS[verb] if argument not in LIST]
    _, out, err = run(*(argument.format(**files) for argument in arguments))
    assert traces(said(out, err))
