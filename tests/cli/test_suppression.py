"""Who must not be scored is in no output of any verb: not on the terminal, not in a file, not among the rejected."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.cli import VERBS, main
from scoring.config import Boosting, TrainingConfig
from scoring.writing import write_frame

Run = Callable[..., tuple[int, str, str]]

PERSON = {
    "first_name": "Zebulonia",
    "last_name": "Quillfeather",
    "email": "zq@objected.example",
    "crm_id": "003zzzzzzzzzzzzzzz",
    "source_peopleai_id": "u-zzzzzzzz",
    "phone": "+1 555 0199 7733",
    "job_title": "Objector in Chief",
    "account_name": "Objected Holdings",
    "account_domain": "objected.example",
    "account_crm_id": "001zzzzzzzzzzzzzzz",
}
GUID = "0b0ec7ed-0000-4000-8000-{:012d}"  # of the person it is number 0
NONE = ("simulate", "models")  # the one reads no export, the other has a test of its own
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
    "write-back": ["write-back", "{scored}", "--to", "salesforce", "-o", "upload", "--mapping", "{names}", *LIST],
}
MORE = {
    "score, learning first": ["score", "{new}", "--adapt", "-o", "out.ndjson", *LIST],
    "score a part": ["score", "{new}", "--context", "{context}", "-o", "out.json", *LIST],
    "score anew": ["score", "{scored}", "--overwrite", "-o", "out.csv", *LIST],
    "worklist as data": ["worklist", "{scored}", "-o", "lists.ndjson", "--evidence", "none", *LIST],
    "compare what is scored": ["compare", "{scored_old}", "{scored}", "-o", "moves.ndjson", "--top", "500", *LIST],
    "review of a list": ["review", "{scored_old}", "{new}", "--worklist", "{lists_old}", *LIST],
    "report of what came": ["report", "{scored_old}", "--later", "{new}", "-o", "report.html", *LIST],
    "report of a model": ["report", "shipped", "--exports", "{old}", "{new}", "-o", "report.html", *LIST],
    "write-back to Dynamics": ["write-back", "{guids}", "--to", "dynamics", "-o", "up", "--mapping", "{texts}", *LIST],
    "write-back of changes": [
        *("write-back", "{scored}", "--to", "salesforce", "-o", "upload", "--mapping", "{names}"),
        *("--changed-since", "{scored_old}", *LIST),
    ],
}
CASES = ARGUMENTS | MORE
SHOWS = (  # they do show whoever is not suppressed
    *("score", "worklist", "accounts", "compare", "write-back", "score, learning first", "score a part", "score anew"),
    *("worklist as data", "compare what is scored", "write-back to Dynamics", "write-back of changes", "report"),
)


def name_of(verb: object) -> str:
    return str(getattr(verb, "__name__", "")).rsplit(".", 1)[-1].replace("_", "-")


@pytest.fixture(scope="module")
def files(exports: dict[datetime, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two exports, both scored, in which the best contact, a copy and an unreadable row are of one person."""
    folder = tmp_path_factory.mktemp("objected")
    (folder / "quick.toml").write_text(TrainingConfig(boosting=Boosting(iterations=3)).to_toml())
    (folder / "objected.txt").write_text(PERSON["email"].upper() + "\n")
    names = "".join(f'{name}__c = "{name}"\n' for name in PERSON if name != "crm_id")
    (folder / "names.toml").write_text(f"[fields]\n{names}")
    (folder / "texts.toml").write_text(f"[fields]\n{names}".replace("__c", ""))
    found = {
        "config": str(folder / "quick.toml"),
        "list": str(folder / "objected.txt"),
        "names": str(folder / "names.toml"),
        "texts": str(folder / "texts.toml"),
        "context": str(folder / "totals.parquet"),
        "lists_old": str(folder / "lists-old.csv"),
        "guids": str(folder / "guids.csv"),
    }
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
    scoring.build_context(found["old"], suppress=[PERSON["email"]]).save(found["context"])
    assert main(["worklist", found["scored_old"], "-o", found["lists_old"], "--top", "0"]) == 0
    scored = pl.read_csv(found["scored_new"], infer_schema=False)
    ids = [GUID.format(0 if crm_id == PERSON["crm_id"] else place) for place, crm_id in enumerate(scored["crm_id"], 1)]
    write_frame(scored.with_columns(pl.Series("crm_id", ids)), Path(found["guids"]))
    return found | {"scored": found["scored_new"]}


def said(out: str, err: str) -> str:
    """Everything that a command showed or wrote into its folder."""
    written = [path.read_bytes().decode("utf-8", "replace") for path in sorted(Path().rglob("*")) if path.is_file()]
    return "\n".join([out, err, *written]).lower()


def traces(text: str) -> list[str]:
    return [value for value in (*PERSON.values(), GUID.format(0)) if value.lower() in text]


def test_every_verb_is_in_the_table() -> None:
    assert {name_of(verb) for verb in VERBS} <= {*ARGUMENTS, *NONE}


@pytest.mark.parametrize("case", [*(name for name in map(name_of, VERBS) if name not in NONE), *MORE])
def test_no_output_names_who_objected(case: str, files: dict[str, str], run: Run) -> None:
    for more in ([], ["--json"] if not case.startswith("report") else []):
        code, out, err = run(*(argument.format(**files) for argument in CASES[case]), *more)
        assert code in (0, 1), err
        assert traces(said(out, err)) == []


@pytest.mark.parametrize("case", SHOWS)
def test_without_the_list_the_person_is_there(case: str, files: dict[str, str], run: Run) -> None:
    arguments = [argument for argument in CASES[case] if argument not in LIST]
    _, out, err = run(*(argument.format(**files) for argument in arguments))
    assert traces(said(out, err))


def test_no_run_of_mlflow_names_who_objected(
    files: dict[str, str], run: Run, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the person only the family name is there, which the model is given: so what is kept is looked at."""
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_store, ".")
    promote = ["models", "promote", files["old"], files["new"], "--config", files["config"]]
    code, out, err = run(*promote, "--name", PERSON["last_name"], "--suppress", files["list"])
    assert code == 0, err
    assert {path.name for path in Path().iterdir()} == {"mlflow.db", "mlruns"}
    assert traces(said(out, err)) == [PERSON["last_name"]]


def test_who_objected_cannot_be_explained(files: dict[str, str], run: Run) -> None:
    explain = ["explain", files["new"], "--contact", PERSON["crm_id"]]
    assert run(*explain)[0] == 0
    code, out, err = run(*explain, "--suppress", files["list"])
    assert code == 3
    assert traces(f"{out}{err}".lower()) == []


def test_totals_hold_nobody_who_objected(files: dict[str, str], tmp_path: Path) -> None:
    with_all = scoring.build_context(files["old"])
    without = pl.read_csv(files["old"], infer_schema=False).filter(
        pl.col("account_name").ne_missing(PERSON["account_name"])
    )
    assert 1 <= pl.read_csv(files["old"], infer_schema=False).height - without.height <= 3
    scoring.build_context(without, as_of=with_all.as_of).save(tmp_path / "never.parquet")
    with_all.save(tmp_path / "all.parquet")
    held = Path(files["context"]).read_bytes()
    assert held == (tmp_path / "never.parquet").read_bytes() != (tmp_path / "all.parquet").read_bytes()
