"""``scoring score``: what it writes, what it shows, and how it ends when it cannot."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import scoring
from scoring.cli import main, table
from scoring.cli.terminal import plain
from scoring.model import find_quantiles
from scoring.own_card import tell_blend
from scoring.prediction import COLUMNS
from scoring.rates import tell_rates
from scoring.reading import streams
from scoring.writing import write_frame

Run = Callable[..., tuple[int, str, str]]


def one_line(err: str) -> str:
    """The message, which must be all there is."""
    assert err.count("\n") == 1, err
    assert err.startswith("scoring: ")
    return err


def test_the_list_of_a_large_file_is_that_of_a_small_one(
    run: Run, contacts: pl.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where chances are equal, cells are quoted, and columns bear other names."""
    twice = pl.concat([contacts, contacts.with_columns(crm_id="2" + pl.col("crm_id"))])
    odd = twice.with_columns(account_name=pl.lit('A "B", C')).rename({"email": "E-Mail"})
    for frame, name in ((twice, "a.csv"), (odd, "b.csv"), (odd, "c.parquet"), (odd, "d.ndjson"), (odd, "e.json")):
        write_frame(frame, Path(name))
        shown = []
        for least in (2**40, 0):
            with monkeypatch.context() as patch:
                patch.setattr(streams, "LEAST_BYTES", least)
                patch.setattr(streams, "BLOCK_BYTES", 9000)
                patch.setattr(streams, "PART_ROWS", 50)
                if not least:
                    patch.setattr(table, "read", lambda *_: pytest.fail("it was read whole"))
                _, out, _ = run("score", name, "-o", f"out.{name}", "--top", 30)
            shown.append(out.partition("contacts scored")[0])
        assert shown[0] == shown[1]
        assert shown[0].count("(rep ") == 30


def test_a_file_is_scored_into_this_folder(run: Run, export_csv: Path, contacts: pl.DataFrame) -> None:
    code, out, err = run("score", export_csv)
    assert (code, err) == (0, "")
    scored = pl.read_csv("contacts.scored.csv", infer_schema_length=None)
    assert scored.height == contacts.height
    assert out.rstrip().endswith("The scored file: contacts.scored.csv")
    assert f"{contacts.height:,} of {contacts.height:,} contacts scored" in out
    assert out.count("(rep ") == 10
    assert [path.name for path in Path().iterdir()] == ["contacts.scored.csv"]


def test_the_list_is_the_top_of_the_file(run: Run, export_csv: Path) -> None:
    _, out, _ = run("score", export_csv, "--top", 3)
    best = scoring.score(export_csv).sort("priority", descending=True, maintain_order=True).head(4)
    names = [" ".join(row) for row in best.select(pl.col("first_name", "last_name").fill_null("")).iter_rows()]
    places = [out.index(name.strip()) for name in names[:3]]
    assert places == sorted(places)
    assert out.count("(rep ") == 3
    for reasons in best["reasons"].head(3):
        assert reasons.split(";")[0] in " ".join(out.split())
    assert run("score", export_csv, "--top", 0)[1].count("(rep ") == 0


@pytest.mark.parametrize("output", ["scored.parquet", "scored.ndjson.gz", "scored.json"])
def test_the_ending_says_the_format(output: str, run: Run, export_csv: Path) -> None:
    code, out, _ = run("score", export_csv, "-o", output)
    assert code == 0
    assert f"The scored file: {output}" in out
    expected = scoring.score(export_csv)
    with_scores = scoring.score(output, overwrite=True)
    assert with_scores["priority"].to_list() == expected["priority"].to_list()


def test_a_folder_takes_the_name_of_the_input(run: Run, export_csv: Path) -> None:
    assert run("score", export_csv, "-o", "made/out")[0] == 0
    assert Path("made/out/contacts.scored.csv").exists()


def test_a_simulated_export_is_scored(run: Run) -> None:
    code, out, err = run("score", "--simulated", "-o", "out", "--top", 2)
    assert (code, err) == (0, "")
    assert sorted(path.name for path in Path("out").iterdir()) == ["simulated.csv", "simulated.scored.csv"]
    assert os.fspath(Path("out/simulated.scored.csv")) in out


def test_the_summary_as_json(run: Run, messy_csv: Path, suppressed: str) -> None:
    Path("objected.txt").write_text(f"# who objected\n\n{suppressed} # by phone\n")
    code, out, err = run("score", messy_csv, "--as-of", "2020-01-01", "--suppress", "objected.txt", "--json")
    assert (code, err) == (0, "")
    summary = json.loads(out)
    assert summary["rows"] == summary["scored"] + summary["rejected"] + summary["suppressed"] == 20
    assert summary["suppressed"] == 2
    assert Path(summary["output"]).exists()
    assert Path(summary["rejected_output"]).exists()
    for path in Path().glob("messy*"):
        assert suppressed not in path.read_text().lower()


def test_what_the_figures_behind_reasons_are_is_said(
    run: Run, export_csv: Path, small_model: scoring.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    replace(small_model, rates=None).save("bare")
    for columns in ("70", "110"):
        monkeypatch.setenv("COLUMNS", columns)
        _, out, _ = run("score", export_csv)
        shipped = scoring.load_model().rates
        assert shipped
        assert tell_rates(shipped) in " ".join(out.split())
        told = out[out.index("The figure in") :].split("\n\n")[0]
        assert max(map(len, told.splitlines())) <= int(columns)
    assert "The figure in" not in run("score", export_csv, "--top", 0)[1]
    assert "The figure in" not in run("score", export_csv, "--model", "bare")[1]


def test_a_swollen_tier_is_said(run: Run, export_csv: Path, small_model: scoring.Model) -> None:
    """A model that in its reference had nobody in tier A, where nearly everybody is now."""
    low = find_quantiles(np.full(10, 0.001))
    replace(small_model, quantiles=low, tier_cuts=(0.01, 0.005, 0.002)).save("low")
    code, out, _ = run("score", export_csv, "--model", "low")
    assert code == 0
    assert "Mind: tier A holds " in out
    warning = json.loads(run("score", export_csv, "--model", "low", "--overwrite", "--json")[1])["warning"]
    assert f"Mind: {warning}.\n" in out
    assert "Mind: " not in run("score", export_csv)[1]
    assert json.loads(run("score", export_csv, "--json")[1])["warning"] is None


def test_what_could_not_be_used_is_said(run: Run, messy_csv: Path) -> None:
    code, out, err = run("score", messy_csv, "--as-of", "2020-01-01")
    assert code == 0
    assert "messy.scored.csv.rejected.ndjson" in out
    assert "unreadable number" in err


def test_parts_are_scored_with_the_context(run: Run, contacts: pl.DataFrame, export_csv: Path) -> None:
    scoring.build_context(export_csv).save("context")
    contacts.head(20).write_csv("part.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    assert run("score", "part.csv", "-o", "part.parquet", "--context", "context")[0] == 0
    expected = scoring.score(export_csv).head(20)["priority"].to_list()
    assert pl.read_parquet("part.parquet")["priority"].to_list() == expected


def test_several_files_are_one_export(run: Run, contacts: pl.DataFrame, export_csv: Path) -> None:
    contacts.head(100).write_csv("a.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    contacts.tail(-100).write_csv("b.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    assert run("score", "a.csv", "b.csv", "-o", "both.parquet")[0] == 0
    assert pl.read_parquet("both.parquet")["priority"].equals(scoring.score(export_csv)["priority"])


def test_own_models_are_used(run: Run, export_csv: Path, small_model: scoring.Model) -> None:
    small_model.save("mine")
    code, out, _ = run("score", export_csv, "--model", "mine")
    assert code == 0
    assert small_model.id in out


def test_missing_fields_are_said_once_in_one_line(run: Run, contacts: pl.DataFrame) -> None:
    contacts.drop("phone").write_csv("few.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    code, _, err = run("score", "few.csv")
    assert code == 0
    assert "phone" in one_line(err)


# ---- learning from the export first ---------------------------------------------------------------------------------


def assert_scored(path: str, expected: pl.DataFrame) -> None:
    assert_frame_equal(
        pl.read_parquet(path).select(COLUMNS), expected.select(COLUMNS), check_exact=True, categorical_as_str=True
    )


def test_adapting_is_training_on_the_export_and_scoring_it(run: Run, export_csv: Path) -> None:
    code, out, err = run("score", export_csv, "--adapt", "-o", "out.parquet")
    assert (code, err) == (0, "")
    model = scoring.train(export_csv)
    assert_scored("out.parquet", scoring.score(export_csv, model=model))
    assert scoring.load_model("out.model").document == model.document
    assert model.id in Path("out.model/CARD.md").read_text()
    for line in (*tell_blend(model), "The adapted model: out.model", f"by model {model.id}"):
        assert line in out


def test_learning_and_scoring_are_of_one_date(
    run: Run, contacts: pl.DataFrame, export_csv: Path, when: datetime
) -> None:
    named = Path(f"contacts-{when:%Y-%m-%d}.csv")
    named.write_bytes(export_csv.read_bytes())
    assert scoring.build_context(export_csv).as_of < when  # nothing in it says that it is as late as that
    code, out, _ = run("score", named, "--adapt", "-o", "out.parquet")
    assert code == 0
    assert "(in the file's name)" in out
    assert_scored("out.parquet", scoring.score(named, model=scoring.train([named])))
    assert_scored("out.parquet", scoring.score(named, model=scoring.train([named]), as_of=when))
    later = when + timedelta(days=1)
    assert run("score", named, "--adapt", "-o", "later.parquet", "--as-of", f"{later:%F}")[0] == 0
    assert_scored("later.parquet", scoring.score(named, model=scoring.train({later: named}), as_of=later))


def test_adapting_to_several_files_is_to_one_export(run: Run, contacts: pl.DataFrame, export_csv: Path) -> None:
    contacts.head(150).write_csv("a.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    contacts.tail(-150).write_csv("b.csv", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    code, out, _ = run("score", "a.csv", "b.csv", "--adapt", "-o", "both.parquet")
    assert code == 0
    assert "(inferred from" in out
    assert_scored("both.parquet", scoring.score(export_csv, model=scoring.train(export_csv)))


def test_adapting_starts_from_the_model_and_without_the_suppressed(
    run: Run, contacts: pl.DataFrame, export_csv: Path, small_model: scoring.Model
) -> None:
    small_model.save("mine")
    left_out = contacts["email"].drop_nulls().unique(maintain_order=True).head(5).to_list()
    Path("objected.txt").write_text("\n".join(left_out))
    options = ["--adapt", "--model", "mine", "--suppress", "objected.txt", "--json"]
    code, out, err = run("score", export_csv, "-o", "out.csv", *options)
    assert (code, err) == (0, "")
    model = scoring.train(export_csv, prior=small_model, suppress=left_out)
    assert scoring.load_model("out.model").document == model.document
    told = json.loads(out)
    assert told["suppressed"] == model.provenance["exports"][0]["suppressed"] >= 5
    assert told["model_id"] == model.id
    assert told["adapted"] == {"model": "out.model", "prior": small_model.id, "blend": model.provenance["blend"]}
    for path in (Path("out.csv"), *Path("out.model").iterdir()):
        assert not [address for address in left_out if address in path.read_text()]


def test_adapting_a_model_of_one_s_own_keeps_its_tiers(run: Run, export_csv: Path, own_model: scoring.Model) -> None:
    own_model.save("mine")
    assert run("score", export_csv, "--adapt", "--model", "mine", "-o", "out.csv")[0] == 0
    adapted = scoring.load_model("out.model")
    assert adapted.id != own_model.id
    assert adapted.tier_cuts == own_model.tier_cuts
    assert adapted.rates == own_model.rates


def test_the_model_lies_beside_the_output(run: Run, export_csv: Path, contacts: pl.DataFrame) -> None:
    assert run("score", "--simulated", "--adapt", "-o", "out", "--top", 0)[0] == 0
    assert sorted(path.name for path in Path("out").iterdir()) == [
        "simulated.csv",
        "simulated.scored.csv",
        "simulated.scored.model",
    ]
    contacts.drop("phone").write_csv("few.CSV", datetime_format="%Y-%m-%dT%H:%M:%SZ")
    code, _, err = run("score", "few.CSV", "--adapt")
    assert code == 0
    assert "phone" in one_line(err)
    assert Path("few.scored.model/model.json").exists()


def test_adapting_that_fails_writes_nothing(
    run: Run, messy_csv: Path, export_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("score", messy_csv, "--as-of", "2020-01-01", "--adapt", "--strict")[0] == 3
    with monkeypatch.context() as patched:  # what can be known before is not learned for
        patched.setattr("scoring.training.train", None)
        assert run("score", export_csv, "--adapt", "-o", "out.xlsx")[0] == 3
    assert run("score", export_csv, "--adapt", "--model", "nowhere")[0] == 4
    code, _, err = run("score", export_csv, "--adapt", "--context", "totals")
    assert code == 2
    assert "--context is for a part of one" in err
    assert list(Path().iterdir()) == []


def test_a_model_goes_over_no_file_and_not_over_the_one_it_starts_from(run: Run, export_csv: Path) -> None:
    Path("out.model").write_text("mine")
    code, _, err = run("score", export_csv, "--adapt", "-o", "out.csv")
    assert code == 3
    assert "'out.model' is a file" in one_line(err)
    assert run("score", export_csv, "--adapt", "-o", "one.csv")[0] == 0
    code, _, err = run("score", export_csv, "--adapt", "-o", "one.csv", "--model", "./one.model")
    assert code == 3
    assert "'one.model' is the model to start from" in one_line(err)
    assert run("score", export_csv, "--adapt", "-o", "two.csv", "--model", "one.model")[0] == 0


# ---- what goes wrong ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["score"],
        ["score", "x.csv", "--simulated"],
        ["score", "x.csv", "--top", "many"],
        ["score", "x.csv", "--no-such-option"],
        ["scores", "x.csv"],
    ],
)
def test_a_command_that_is_not_understood(arguments: list[str], run: Run) -> None:
    code, out, err = run(*arguments)
    assert (code, out) == (2, "")
    assert "usage: scoring" in err


def test_inputs_that_cannot_be_used(run: Run, export_csv: Path) -> None:
    Path("empty.csv").write_text("")
    Path("binary.csv").write_bytes(bytes(range(256)) * 40)
    Path("other.csv").write_text("a,b\n1,2\n")
    Path("half.parquet").write_bytes(b"PAR1 and then nothing")
    Path("folder").mkdir()
    for name in (
        "nowhere.csv",
        "empty.csv",
        "binary.csv",
        "other.csv",
        "half.parquet",
        "folder",
        "https://a.example/b.csv",
    ):
        code, out, err = run("score", name, "-o", "out.csv")
        assert (code, out) == (3, ""), name
        assert Path(name).name in one_line(err)
    for options in (["--as-of", "soon"], ["--suppress", "nowhere.txt"], ["--context", "nowhere"]):
        code, out, err = run("score", export_csv, *options)
        assert (code, out) == (3, ""), options
        one_line(err)
    assert not Path("out.csv").exists()


def test_outputs_that_cannot_be_written(run: Run, export_csv: Path) -> None:
    Path("in.csv").write_bytes(export_csv.read_bytes())
    Path("file").write_text("")
    for output in ("in.csv", "out.xlsx", "nowhere/out.csv", "file", "file/below"):
        code, out, err = run("score", "in.csv", "-o", output)
        assert (code, out) == (3, ""), output
        one_line(err)
    assert Path("in.csv").read_bytes() == export_csv.read_bytes()


def test_what_is_read_beside_the_input_is_not_written_over(run: Run, export_csv: Path) -> None:
    Path("list.csv").write_text("objector@left-out.example\n")
    code, _, err = run("score", export_csv, "--suppress", "list.csv", "-o", "list.csv")
    assert code == 3
    assert "is the input" in one_line(err)
    assert Path("list.csv").read_text() == "objector@left-out.example\n"


def test_models_that_cannot_be_used(run: Run, export_csv: Path, small_model: scoring.Model) -> None:
    small_model.save("damaged")
    Path("damaged/model.json").write_text("{}")
    for model in ("nowhere", "damaged"):
        code, out, err = run("score", export_csv, "--model", model)
        assert (code, out) == (4, "")
        assert model in one_line(err)


def test_strict_fails(run: Run, messy_csv: Path) -> None:
    code, out, err = run("score", messy_csv, "--as-of", "2020-01-01", "--strict")
    assert (code, out) == (3, "")
    assert "no_key" in one_line(err)
    assert list(Path().iterdir()) == []


def test_a_scored_file_is_scored_again_only_on_request(run: Run, export_csv: Path) -> None:
    run("score", export_csv, "-o", "one.csv")
    assert run("score", "one.csv", "-o", "two.csv")[0] == 3
    assert run("score", "one.csv", "-o", "two.csv", "--overwrite")[0] == 0
    assert Path("two.csv").read_bytes() == Path("one.csv").read_bytes()


def test_a_stop_and_a_fault_have_their_own_codes(
    export_csv: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    for error, code, word in ((KeyboardInterrupt(), 130, "stopped"), (ZeroDivisionError(), 5, "please report")):

        def fail(*_: object, error: BaseException = error, **__: object) -> None:
            raise error

        monkeypatch.setattr("scoring.batch.score_file", fail)
        assert main(["score", str(export_csv)]) == code
        assert word in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.skipif(sys.platform == "win32", reason="it has no such signals")
@pytest.mark.parametrize("target", ["out.csv", "out.parquet"])
@pytest.mark.parametrize(
    ("sent", "code", "ignored"),
    [(signal.SIGINT, 130, False), (signal.SIGTERM, 143, False), (signal.SIGTERM, 143, True)],
    ids=["Ctrl-C", "SIGTERM", "SIGTERM in the background"],
)
def test_a_run_that_is_stopped_leaves_nothing(
    sent: signal.Signals, code: int, ignored: bool, target: str, contacts: pl.DataFrame, tmp_path: Path
) -> None:
    many = [contacts.with_columns(crm_id=pl.format("{}-{}", pl.lit(n), "crm_id")) for n in range(300)]
    pl.concat(many).write_csv(tmp_path / "in.csv")
    (tmp_path / target).write_text("older")
    command = [sys.executable, "-m", "scoring.cli", "score", "in.csv", "-o", target]
    if ignored:  # what a shell does to a command that it starts with &
        command = ["sh", "-c", f"trap '' INT; exec {shlex.join(command)}"]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        while process.poll() is None and not list(tmp_path.glob(f".{target}.part*")):
            time.sleep(0.01)
        process.send_signal(sent)
        _, err = process.communicate()
    assert process.returncode == code
    # once in forty times a thread of polars that writes Parquet tells of its own end first, and of nothing else
    of_polars = (
        r"(\nthread 'async-executor-\d+' [^\n]*panicked[^\n]*\n[^\n]*__POLARS_ABORT_KEYBOARD_INTERRUPT(?s:.*)\n)?"
    )
    assert re.fullmatch(f"{of_polars if target == 'out.parquet' else ''}scoring: stopped\n", err)
    assert (tmp_path / target).read_text() == "older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", target]


# ---- names of others in the terminal --------------------------------------------------------------------------------

NASTY = "Ann\x1b[2J\x1b]0;owned\x07\r\n\u202eeel\u2028\x9b31m"


def test_names_cannot_steer_the_terminal(run: Run, contacts: pl.DataFrame) -> None:
    named = contacts.with_columns(
        pl.lit(NASTY).alias("first_name"), pl.lit(NASTY).alias("account_name"), pl.lit(1).alias(f"shoe{NASTY}")
    ).with_columns(crm_id=pl.when(pl.int_range(pl.len()) > 0).then("crm_id"), total_inbound=pl.lit(f"many{NASTY}"))
    named.write_parquet(f"x{chr(27)}.parquet")
    for arguments in (
        ["score", f"x{chr(27)}.parquet"],
        ["check", f"x{chr(27)}.parquet"],
        ["score", f"nowhere{NASTY}.csv"],
        ["score", f"x{chr(27)}.parquet", "--strict", "-o", "a.csv"],
        ["score", f"x{chr(27)}.parquet", "--as-of", NASTY],
        ["score", f"x{chr(27)}.parquet", "--model", NASTY],
        ["check", f"x{chr(27)}.parquet", "--json"],
    ):
        _, out, err = run(*arguments)
        for line in (out + err).splitlines():
            assert line == plain(line), arguments


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Zoë Ünal 李 ½", "Zoë Ünal 李 ½"),
        ("a\x1b[31mb", "a [31mb"),
        ("a\nb\tc", "a b c"),
        ("\u202eabc\u2066\u200b\ufeff", " abc   "),
        ("\ud800\ue000", "  "),
        (None, ""),
        (0, "0"),
    ],
)
def test_plain_text(text: object, shown: str) -> None:
    assert plain(text) == shown


# ---- as a process ---------------------------------------------------------------------------------------------------


def start(*arguments: object, **surroundings: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "scoring.cli", *map(str, arguments)],
        env={**os.environ, **surroundings},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_a_terminal_without_these_letters_is_no_fault(export_csv: Path, tmp_path: Path) -> None:
    with start("score", export_csv, "-o", tmp_path / "a.csv", PYTHONIOENCODING="ascii", PYTHONUTF8="0") as process:
        out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (0, b"")
    assert out.isascii()


def test_a_reader_that_has_read_enough_is_no_fault(export_csv: Path) -> None:
    with start("check", export_csv) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 0
