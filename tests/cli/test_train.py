"""``scoring train``: the model that the function gives, what is said of it, and how it ends when it cannot."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

import scoring
from scoring.config import TrainingConfig
from scoring.own_card import describe, write_own_card

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def files(run: Run, exports: dict[datetime, pl.DataFrame], quick: TrainingConfig) -> dict[datetime, Path]:
    """Two exports without a date in their names, and settings, in the folder in which commands run."""
    Path("quick.toml").write_text(quick.to_toml())
    named = {when: Path(f"{number}.parquet") for number, when in enumerate(list(exports)[-2:])}
    for when, path in named.items():
        exports[when].write_parquet(path)
    return named


def dates(files: dict[datetime, Path]) -> list[str]:
    return [text for when in files for text in ("--as-of", f"{when:%FT%TZ}")]


def test_the_command_and_the_function_give_the_same_bytes(
    run: Run, files: dict[datetime, Path], exports: dict[datetime, pl.DataFrame], quick: TrainingConfig
) -> None:
    code, out, err = run("train", *files.values(), *dates(files), "--config", "quick.toml", "-o", "made/mine")
    assert (code, err) == (0, "")
    model = scoring.train({when: exports[when] for when in files}, config=quick)
    assert Path("made/mine/model.json").read_bytes() == model.document
    assert Path("made/mine/CARD.md").read_text() == write_own_card(model)
    assert out == f"{describe(model)}\n\nThe model {model.id}: made/mine\n"
    assert scoring.load_model("made/mine").id == model.id


def test_every_option_arrives(
    run: Run, files: dict[datetime, Path], quick: TrainingConfig, small_model: scoring.Model, own_model: scoring.Model
) -> None:
    small_model.save("small")
    own_model.save("old")
    newest, path = list(files.items())[-1]
    left_out = pl.read_parquet(path)["email"].drop_nulls().unique(maintain_order=True).head(3).to_list()
    Path("objected.txt").write_text("\n".join(left_out))
    options = ["--prior", "small", "--previous", "old", "--suppress", "objected.txt", "--name", "acme"]
    done = run("train", path, *dates({newest: path}), "--config", "quick.toml", "-o", "new", *options)
    assert done[0] == 0
    model = scoring.train(
        {newest: path}, config=quick, prior=small_model, previous=own_model, suppress=left_out, name="acme"
    )
    assert Path("new/model.json").read_bytes() == model.document
    assert model.id.startswith("acme-")
    assert f"as in {own_model.id}" in done[1]
    assert "3 suppressed" in done[1]


def test_processes_are_as_many_as_asked_for(
    run: Run, files: dict[datetime, Path], own_model: scoring.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def train(*_: object, jobs: int, **__: object) -> scoring.Model:
        asked.append(jobs)
        return own_model

    monkeypatch.setattr("scoring.training.train", train)
    (one, *_) = files.values()
    assert run("train", one, "-o", "mine")[0] == run("train", one, "-o", "mine", "--jobs", 3)[0] == 0
    assert asked == [1, 3]


def test_dates_are_those_in_the_names_or_inferred(run: Run, files: dict[datetime, Path]) -> None:
    (earlier, one), (_, other) = files.items()
    one.rename(f"contacts-{earlier:%Y-%m-%d}.parquet")
    code, out, _ = run("train", other, f"contacts-{earlier:%Y-%m-%d}.parquet", "--config", "quick.toml", "-o", "mine")
    assert code == 0
    assert f"- {earlier:%Y-%m-%d} (in the file's name)" in out
    assert "(inferred from" in out
    assert "from 1 pair" in out


def test_what_it_was_made_of_as_json(run: Run, files: dict[datetime, Path]) -> None:
    code, out, err = run("train", *files.values(), *dates(files), "--config", "quick.toml", "-o", "mine", "--json")
    assert (code, err) == (0, "")
    told, model = json.loads(out), scoring.load_model("mine")
    assert told.pop("model_id") == model.id
    assert told.pop("model") == "mine"
    assert told.pop("tier_cuts") == list(model.tier_cuts)
    assert told == {name: model.provenance[name] for name in ("prior", "exports", "labels", "blend", "config")}


def test_an_older_model_is_replaced_and_may_be_the_one_in_use(run: Run, files: dict[datetime, Path]) -> None:
    (earlier, one), (later, other) = files.items()
    assert run("train", one, "--as-of", earlier, "--config", "quick.toml", "-o", "mine")[0] == 0
    old = scoring.load_model("mine")
    options = ["--config", "quick.toml", "--previous", "mine", "-o", "mine"]
    assert run("train", other, "--as-of", later, *options)[0] == 0
    new = scoring.load_model("mine")
    assert new.id != old.id
    assert new.tier_cuts == old.tier_cuts
    assert new.id in Path("mine/CARD.md").read_text()
    assert sorted(path.name for path in Path("mine").iterdir()) == ["CARD.md", "SHA256SUMS", "model.json"]


def test_tiers_are_kept_where_a_model_is_trained_again(run: Run, files: dict[datetime, Path]) -> None:
    """And a third run, on the same as the second, changes no byte."""
    (earlier, one), (later, other) = files.items()
    assert run("train", one, "--as-of", earlier, "--config", "quick.toml", "-o", "mine")[0] == 0
    old = scoring.load_model("mine")
    command = ("train", other, "--as-of", later, "--config", "quick.toml", "-o", "mine")
    code, out, _ = run(*command)
    kept = scoring.load_model("mine")
    assert code == 0
    assert (kept.tier_cuts, kept.provenance["tiers_of"]) == (old.tier_cuts, old.id)
    assert f"as in {old.id}" in out
    assert run(*command)[0] == 0
    assert scoring.load_model("mine").document == kept.document
    assert run(*command, "--new-tiers")[0] == 0
    new = scoring.load_model("mine")
    assert new.tier_cuts != old.tier_cuts
    assert "tiers_of" not in new.provenance


def test_tiers_that_cannot_be_kept_are_not_lost_in_silence(run: Run, files: dict[datetime, Path]) -> None:
    newest, path = list(files.items())[-1]
    command = ("train", path, "--as-of", newest, "--config", "quick.toml", "-o", "mine")
    assert run(*command)[0] == 0
    document = Path("mine/model.json").read_bytes()
    Path("mine/model.json").write_bytes(document + b" ")
    code, out, err = run(*command)
    assert (code, out) == (4, "")
    assert "cannot be kept" in err
    assert "--new-tiers" in err
    assert run(*command, "--new-tiers")[0] == 0
    assert Path("mine/model.json").read_bytes() == document


def test_missing_fields_are_said_once(run: Run, files: dict[datetime, Path]) -> None:
    for path in files.values():
        pl.read_parquet(path).drop("phone").write_parquet(path)
    code, _, err = run("train", *files.values(), *dates(files), "--config", "quick.toml", "-o", "mine")
    assert code == 0
    assert err.count("phone") == err.count("\n") == 1


@pytest.mark.parametrize("terminal", [True, False])
def test_progress_is_shown_on_a_terminal_only(
    terminal: bool, run: Run, files: dict[datetime, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = io.StringIO()
    monkeypatch.setattr(shown, "isatty", lambda: terminal)
    monkeypatch.setattr(sys, "stderr", shown)
    newest, path = list(files.items())[-1]
    assert run("train", path, "--as-of", newest, "--config", "quick.toml", "-o", "mine")[0] == 0
    lines = shown.getvalue().splitlines()
    assert bool(lines) == terminal
    assert all(line.startswith("scoring: ") for line in lines)


# ---- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        ["-o", "mine"],
        ["a.csv"],
        ["a.csv", "-o", "mine", "--jobs", "0"],
        ["a.csv", "-o", "mine", "--previous", "mine", "--new-tiers"],
        ["a.csv", "-o", "mine", "--as-of", "2026-01-01", "--as-of", "2026-02-01"],
        ["a.csv", "b.csv", "-o", "mine", "--as-of", "2026-01-01"],
    ],
)
def test_a_command_that_is_not_understood(arguments: list[str], run: Run) -> None:
    code, out, err = run("train", *arguments)
    assert (code, out) == (2, "")
    assert "usage: scoring train" in err


def test_what_cannot_be_used_is_said_and_nothing_written(run: Run, files: dict[datetime, Path]) -> None:
    one, other = files.values()
    Path("file").write_text("")
    Path("bad.toml").write_text("trees = 7")
    before = sorted(Path().iterdir())
    for arguments, code, said in (
        (["nowhere.csv", "-o", "mine"], 3, "nowhere.csv"),
        ([one, "-o", "file"], 3, "'file' is a file"),
        ([one, "-o", "file/below"], 3, "'file' is a file"),
        ([one, "-o", "mine", "--config", "bad.toml"], 3, "trees"),
        ([one, "-o", "mine", "--config", "nowhere.toml"], 3, "settings cannot be read"),
        ([one, "-o", "mine", "--as-of", "soon"], 3, "soon"),
        ([one, other, "-o", "mine", "--as-of", "2026-01-01", "--as-of", "2026-01-01T00:00Z"], 3, "2 exports of 1"),
        ([one, "-o", "mine", "--suppress", "nowhere.txt"], 3, "nowhere.txt"),
        ([one, "-o", "mine", "--prior", "nowhere"], 4, "nowhere"),
        ([one, "-o", "mine", "--previous", "nowhere"], 4, "nowhere"),
    ):
        found, out, err = run("train", *arguments)
        assert (found, out) == (code, ""), arguments
        assert said in err
        assert err.count("\n") == 1
    assert sorted(Path().iterdir()) == before


def test_exports_that_prove_nothing_are_refused_with_numbers(run: Run, files: dict[datetime, Path]) -> None:
    (earlier, one), (later, other) = files.items()
    strangers = pl.col("crm_id", "email") + "x"
    rows = pl.read_parquet(one).height
    pl.read_parquet(other).with_columns(strangers).write_parquet(other)
    code, _, err = run("train", one, other, "--as-of", earlier, "--as-of", later, "-o", "mine")
    assert code == 3
    assert f"of {rows} rows {rows} are in none of them" in err


def test_a_date_that_the_content_contradicts_does_not_count(run: Run, files: dict[datetime, Path]) -> None:
    (earlier, one), _ = files.items()
    named = Path(f"contacts-{earlier - timedelta(days=40):%Y-%m-%d}.parquet")
    one.rename(named)
    code, out, _ = run("train", named, "-o", "mine")
    assert code == 0
    assert "the date in the file's name does not fit" in out
