"""Tracking with mlflow: what is written, what is not, which model is in use, and the way back."""

from __future__ import annotations

import ast
import getpass
import json
import logging
import os
import shutil
import socket
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import scoring
from scoring.config import TrainingConfig
from scoring.tracking import Version, fetch_model

pytest.importorskip("mlflow")
pytest.importorskip("alembic")

OPERATOR = "jo.operator"


@dataclass(frozen=True)
class Published:
    """A store into which a model was published, with what it was published from."""

    folder: Path
    decision: scoring.Decision
    evaluation: scoring.Evaluation
    reached: list[str]

    @property
    def uri(self) -> str:
        return f"sqlite:///{self.folder / 'mlflow.db'}"

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(self.folder / "mlflow.db")
        try:
            return connection.execute(sql, values).fetchall()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def newest(exports: dict[datetime, pl.DataFrame]) -> dict[datetime, pl.DataFrame]:
    """The last two exports: enough to learn from a pair, and to judge."""
    return dict(sorted(exports.items())[2:])


@pytest.fixture(scope="module")
def published(
    newest: dict[datetime, pl.DataFrame],
    quick: TrainingConfig,
    empty_store: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Published]:
    """Published as a user would, on a machine whose user has a name, and which reaches no other."""
    reached: list[str] = []

    def refuse(*where: object, **_: object) -> None:
        reached.append(str(where))
        raise OSError("nothing may be reached")

    folder = tmp_path_factory.mktemp("store")
    shutil.copy(empty_store, folder)
    files = []
    for when, contacts in newest.items():
        files.append(folder / f"{OPERATOR}-{when:%Y-%m-%d}.csv")
        contacts.write_csv(files[-1], datetime_format="%Y-%m-%dT%H:%M:%SZ")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
            patch.setenv(name, OPERATOR)
        assert getpass.getuser() == OPERATOR
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        patch.setattr(sys, "argv", [f"/home/{OPERATOR}/train.py"])
        patch.setattr(socket.socket, "connect", refuse)
        patch.setattr(socket, "getaddrinfo", refuse)
        for name in ("MLFLOW_DISABLE_TELEMETRY", "DO_NOT_TRACK", "CI"):
            patch.delenv(name, raising=False)
        patch.chdir(folder)
        evaluation = scoring.evaluate(files, config=quick)
        decision = scoring.publish(files, config=quick, evaluation=evaluation, suppress=["nobody.example"])
        for file in files:
            file.unlink()
        yield Published(folder, decision, evaluation, reached)


@pytest.fixture
def uri(empty_store: Path, tmp_path: Path) -> str:
    """An empty store."""
    shutil.copy(empty_store, tmp_path)
    return f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.fixture(scope="module")
def models() -> list[scoring.Model]:
    """Some models to put into use one after another."""
    return [replace(scoring.load_model(), name=name) for name in ("one", "two", "three")]


@pytest.fixture(scope="module")
def other(models: list[scoring.Model]) -> scoring.Model:
    """A model that is not trained on these exports."""
    return models[0]


def in_use(uri: str, name: str = "scoring") -> list[int]:
    return scoring.list_models(name, tracking_uri=uri).filter(pl.col("alias") == "champion")["version"].to_list()


def test_publishing_trains_registers_judges_and_puts_into_use(
    published: Published, newest: dict[datetime, pl.DataFrame], quick: TrainingConfig
) -> None:
    decision, dates = published.decision, sorted(newest)
    assert decision.action == "promoted"
    assert decision.champion == scoring.load_model().id
    assert decision.version == Version("scoring", 1, decision.version.model_id, decision.version.run_id)
    assert decision.judgement is not None
    assert (decision.judgement.as_of, decision.judgement.until) == (dates[-2], dates[-1])
    assert decision.judgement.challenger != decision.version.model_id
    found = fetch_model("models:/scoring@champion", tracking_uri=published.uri)
    assert found.id == decision.version.model_id
    assert found.learned_until == dates[-1]
    # the same as from frames; only where the date comes from is told in other words
    trained = scoring.train(newest, config=quick, name="scoring")
    assert found.with_context == trained.with_context
    assert found.provenance["fingerprint"] == trained.provenance["fingerprint"]


def test_a_run_holds_settings_figures_by_date_and_files(published: Published) -> None:
    run, decision = published.decision.version.run_id, published.decision
    model = fetch_model(decision.version.uri, tracking_uri=published.uri)
    params = dict(published.query("select key, value from params where run_uuid = ?", run))
    for name, value in {
        "model_id": model.id,
        "prior": scoring.load_model().id,
        "fingerprint": model.provenance["fingerprint"],
        "config.seed": "1",
        "config.boosting.iterations": "20",
        "exports": "2",
        "versions.polars": pl.__version__,
        "blend.engaged.slope": str(model.provenance["blend"]["engaged"]["slope"]),
    }.items():
        assert params[name] == value
    metrics = {
        (name, step): value
        for name, step, value in published.query("select key, step, value from metrics where run_uuid = ?", run)
    }
    for export in model.provenance["exports"]:
        assert metrics["export.rows", int(export["as_of"][:10].replace("-", ""))] == export["rows"]
    for label in model.provenance["labels"]:
        name = f"labels.{label['source']}.{label['target']}.happened"
        assert metrics[name, int(label["as_of"][:10].replace("-", ""))] == label["happened"]
    measured = published.evaluation.measures.drop_nulls("as_of").filter(pl.col("value").is_finite())
    assert measured.height > 100
    for target, when, model_name, measure, value in measured.select(
        "target", "as_of", "model", "measure", "value"
    ).iter_rows():
        assert metrics[f"{target}.{model_name}.{measure}", int(f"{when:%Y%m%d}")] == pytest.approx(value)
    [(status, who)] = published.query("select status, user_id from runs where run_uuid = ?", run)
    assert (status, who) == ("FINISHED", "unknown")
    files = published.folder / "mlruns" / run / "artifacts"
    assert (files / "evaluation" / "report.txt").read_text("utf-8") == published.evaluation.to_text()
    assert json.loads((files / "provenance.json").read_text("utf-8")) == model.provenance
    assert scoring.load_model(files / "model" / "data" / "model").id == model.id
    assert model.id in (files / "model" / "data" / "model" / "CARD.md").read_text("utf-8")
    assert scoring.load_model(files / "earlier").id == decision.judgement.challenger  # type: ignore[union-attr]


def test_a_decision_is_recorded_with_its_figures(published: Published) -> None:
    found = scoring.list_models(tracking_uri=published.uri).row(0, named=True)
    judgement = published.decision.judgement
    assert judgement is not None
    assert judgement.comparison is not None
    assert (found["version"], found["alias"], found["decision"]) == (1, "champion", "promoted")
    assert found["reason"] == judgement.reason
    assert found["order_low"] == judgement.comparison.order.low
    assert found["calibration"] == judgement.comparison.calibration.estimate
    assert (found["rows"], found["outcomes"]) == (judgement.comparison.rows, judgement.comparison.outcomes)
    [(run,)] = published.query("select run_uuid from tags where key = 'kind' and value = 'promoted'")
    record = published.folder / "mlruns" / run / "artifacts" / "decision.json"
    assert json.loads(record.read_text("utf-8")) == published.decision.to_dict()
    figures = dict(published.query("select key, value from metrics where run_uuid = ?", run))
    assert figures["order.high"] == judgement.comparison.order.high


def test_nothing_about_a_person_is_written(published: Published, newest: dict[datetime, pl.DataFrame]) -> None:
    """No cell that names or addresses anyone, whole or as a word, in any file; nor who ran it and from which files."""
    written = {path: path.read_bytes().lower() for path in published.folder.rglob("*") if path.is_file()}
    assert len(written) > 15
    rows = pl.concat(list(newest.values()), how="vertical_relaxed")
    fields = (
        "email", "source_email", "crm_id", "account_crm_id", "account_domain", "account_name", "source_peopleai_id",
        "phone", "response_activity_id", "first_name", "last_name",
    )  # fmt: skip
    cells = {str(cell).lower().encode() for name in fields for cell in rows[name].drop_nulls().unique()}
    cells |= {cell.partition(b"@")[0] for cell in cells if b"@" in cell}
    assert len(cells) > 500
    for path, content in written.items():
        words = set(content.replace(b'"', b" ").replace(b",", b" ").split())
        for cell in cells:
            assert cell not in (content if len(cell) > 6 else words), f"{cell!r} is in {path.name}"
        assert OPERATOR.encode() not in content, path.name


def test_nothing_leaves_the_machine(published: Published) -> None:
    assert published.reached == []


def test_load_model_takes_what_the_registry_has(
    published: Published, contacts: pl.DataFrame, when: datetime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", published.uri)
    model = scoring.load_model("models:/scoring@champion")
    assert model.id == scoring.load_model("models:/scoring/1").id == published.decision.version.model_id
    scored = scoring.score(contacts, as_of=when, model="models:/scoring@champion")
    assert scored.equals(scoring.score(contacts, as_of=when, model=model))
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.chdir(published.folder)  # the database of the current folder is the default
    assert scoring.load_model("models:/scoring@champion").id == model.id


@pytest.mark.parametrize("address", ["models:/", "models:/scoring", "models:/scoring/latest", "models:/scoring/0"])
def test_addresses_of_no_model_are_refused(address: str, published: Published) -> None:
    with pytest.raises(scoring.ModelError, match=r"models:/NAME@champion or models:/NAME/3"):
        fetch_model(address, tracking_uri=published.uri)


@pytest.mark.parametrize(
    ("address", "found"),
    [
        ("models:/scoring/9", "there is no version 9 of scoring; see"),
        ("models:/scoring@nobody", "no version of scoring has the alias 'nobody'; see"),
        ("models:/other/1", "no model is registered as 'other'; expected scoring; train and register one"),
        ("models:/other@champion", "no model is registered as 'other'; expected scoring; train and register one"),
    ],
)
def test_models_that_are_not_there_are_refused(
    address: str, found: str, published: Published, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", published.uri)
    for look_up in (fetch_model, scoring.load_model, scoring.promote):
        with pytest.raises(scoring.ModelError) as told:
            look_up(address)
        assert str(told.value).startswith(found)
        assert "\n" not in str(told.value)


def test_names_and_versions_that_are_not_there_are_said_by_all(uri: str, other: scoring.Model) -> None:
    for call in (scoring.list_models, scoring.revert):
        with pytest.raises(scoring.ModelError, match=r"no model is registered as 'other'.*scoring models promote"):
            call("other", tracking_uri=uri)
    scoring.log_training(other, tracking_uri=uri)
    with pytest.raises(scoring.ModelError, match=r"there is no version 2 of scoring"):
        scoring.promote(2, tracking_uri=uri)
    with pytest.raises(scoring.ModelError, match=r"no version of scoring has the alias 'champion': none was promoted"):
        fetch_model("models:/scoring@champion", tracking_uri=uri)


def test_a_changed_file_is_refused(uri: str, other: scoring.Model, tmp_path: Path) -> None:
    version = scoring.log_training(other, tracking_uri=uri)
    [document] = (tmp_path / "mlruns" / version.run_id).rglob("model.json")
    document.write_bytes(document.read_bytes().replace(b"0", b"1", 1))
    with pytest.raises(scoring.ModelError, match="its SHA-256 differs"):
        fetch_model(version.uri, tracking_uri=uri)


def test_refused_and_forced_are_recorded_and_the_way_back_is_one_call(uri: str, models: list[scoring.Model]) -> None:
    versions = [scoring.log_training(model, tracking_uri=uri) for model in models]
    assert [version.version for version in versions] == [1, 2, 3]
    assert in_use(uri) == []
    refused = scoring.promote(2, tracking_uri=uri)
    assert (refused.action, refused.promoted, in_use(uri)) == ("refused", False, [])
    with pytest.raises(scoring.ModelError, match="no version of scoring was in use before"):
        scoring.revert(tracking_uri=uri)
    for version in (2, 1, 3):
        forced = scoring.promote(version, force=True, tracking_uri=uri)
        assert (forced.action, forced.promoted, in_use(uri)) == ("forced", True, [version])
    kept = scoring.promote(3, force=True, tracking_uri=uri)
    assert (kept.action, kept.promoted, in_use(uri)) == ("kept", True, [3])
    back = scoring.revert(tracking_uri=uri)
    assert (back.action, back.version.version, back.champion) == ("reverted", 1, models[2].id)
    assert in_use(uri) == [1]
    assert scoring.revert(tracking_uri=uri).version.version == 2
    with pytest.raises(scoring.ModelError, match="no version of scoring was in use before version 2"):
        scoring.revert(tracking_uri=uri)
    assert in_use(uri) == [2]
    assert fetch_model("models:/scoring@champion", tracking_uri=uri).id == models[1].id
    listed = scoring.list_models(tracking_uri=uri)
    assert listed["version"].to_list() == [3, 2, 1]
    assert listed["decision"].to_list() == ["reverted", "forced", "reverted"]
    database = sqlite3.connect(uri.removeprefix("sqlite:///"))
    kinds = [kind for (kind,) in database.execute("select value from tags where key = 'kind'")]
    database.close()
    assert sorted(kinds) == sorted(["training"] * 3 + ["refused"] + ["forced"] * 3 + ["reverted"] * 2)


def test_an_alias_set_by_hand_is_a_way_back_too(uri: str, models: list[scoring.Model]) -> None:
    from mlflow import MlflowClient

    for model in models:
        scoring.log_training(model, tracking_uri=uri)
    scoring.promote(1, force=True, tracking_uri=uri)
    MlflowClient(tracking_uri=uri).set_registered_model_alias("scoring", "champion", "3")
    scoring.promote(2, force=True, tracking_uri=uri)
    assert scoring.revert(tracking_uri=uri).version.version == 3
    assert scoring.revert(tracking_uri=uri).version.version == 1


def test_a_model_of_ones_own_is_registered_and_judged(
    uri: str, newest: dict[datetime, pl.DataFrame], quick: TrainingConfig, other: scoring.Model
) -> None:
    before = scoring.train(dict(sorted(newest.items())[:-1]), config=quick)
    first = scoring.promote(before, newest, tracking_uri=uri)
    assert (first.action, first.version.model_id) == ("promoted", before.id)
    same = scoring.log_training(before, tracking_uri=uri)
    again = scoring.promote(same, newest, tracking_uri=uri)
    assert again.action == "refused"
    assert again.judgement is not None
    assert "in use already" in again.judgement.reason
    worse = scoring.promote(other, newest, tracking_uri=uri, name="scoring")
    assert worse.judgement is not None
    assert worse.judgement.champion == before.id
    assert worse.promoted == worse.judgement.better
    assert in_use(uri) == [3 if worse.promoted else 1]
    number = 3 if worse.promoted else 1
    kept = scoring.promote(other if worse.promoted else before, newest, tracking_uri=uri)
    assert (kept.action, kept.version.version) == ("kept", number)
    scoring.promote(other, force=True, tracking_uri=uri)
    assert scoring.list_models(tracking_uri=uri).height == 3  # the same model is the same version


def test_publishing_again_judges_what_was_before_the_period(
    uri: str, newest: dict[datetime, pl.DataFrame], quick: TrainingConfig, published: Published
) -> None:
    """Both models know all exports; what they were before the newest is compared. Tiers stay; twice is once."""
    evaluation = published.evaluation
    first = scoring.publish(newest, config=quick, evaluation=evaluation, tracking_uri=uri)
    again = scoring.publish(newest, config=quick, evaluation=evaluation, tracking_uri=uri)
    assert (again.action, again.version) == ("kept", first.version)
    other = TrainingConfig(step_back_weight=0.9, boosting=quick.boosting)
    second = scoring.publish(newest, config=other, evaluation=evaluation, tracking_uri=uri)
    listed = scoring.list_models(tracking_uri=uri)
    assert listed.select("version", "decision").rows() == [(2, second.action), (1, "promoted")]
    assert listed["judged_on"].to_list() == [min(newest)] * 2
    assert listed["learned_until"].to_list() == [max(newest)] * 2
    one, two = (fetch_model(f"models:/scoring/{number}", tracking_uri=uri) for number in (1, 2))
    assert (two.tier_cuts, two.provenance["tiers_of"]) == (one.tier_cuts, one.id)
    assert (two.quantiles == one.quantiles).all()
    assert two.with_context != one.with_context
    both = scoring.publish(newest, config=other, evaluation=evaluation, tracking_uri=uri)
    assert both.version == second.version
    assert scoring.list_models(tracking_uri=uri).height == 2
    when = f"{min(newest):%Y-%m-%d}"
    assert first.judgement is not None
    assert f"judged: the new model, as trained on the exports until {when}" in first.judgement.reason
    assert second.judgement is not None
    assert f"judged: both models, as trained on the exports until {when}" in second.judgement.reason
    assert second.champion == first.version.model_id
    assert second.judgement.champion == first.judgement.challenger
    assert second.judgement.comparison is not None


def test_a_champion_that_cannot_be_loaded_is_replaced(
    uri: str,
    newest: dict[datetime, pl.DataFrame],
    quick: TrainingConfig,
    other: scoring.Model,
    published: Published,
    tmp_path: Path,
) -> None:
    evaluation = published.evaluation
    first = scoring.promote(other, force=True, tracking_uri=uri)
    [document] = (tmp_path / "mlruns" / first.version.run_id).rglob("model.json")
    document.write_bytes(b"{}")
    decision = scoring.publish(newest, config=quick, evaluation=evaluation, tracking_uri=uri)
    assert decision.champion == scoring.load_model().id
    assert decision.judgement is not None
    assert decision.judgement.reason.startswith("version 1 in use cannot be loaded (model.json of 'model' is not what")
    assert in_use(uri) == [2]
    [document] = (tmp_path / "mlruns" / decision.version.run_id / "artifacts" / "model").rglob("model.json")
    document.write_bytes(b"{}")
    assert (
        scoring.publish(newest, config=quick, evaluation=evaluation, tracking_uri=uri).version.version == 3
    )  # the same, but whole


def test_one_export_is_registered_but_not_judged(
    uri: str, exports: dict[datetime, pl.DataFrame], quick: TrainingConfig
) -> None:
    when, contacts = max(exports.items())
    decision = scoring.publish({when: contacts}, config=quick, tracking_uri=uri)
    assert decision.action == "refused"
    assert scoring.list_models(tracking_uri=uri)["reason"].to_list() == [decision.judgement.reason]  # type: ignore[union-attr]
    forced = scoring.promote(decision.version, {when: contacts}, force=True, tracking_uri=uri)
    assert forced.action == "forced"
    assert in_use(uri) == [1]


def test_what_is_not_there_is_said_and_nothing_is_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exports: dict[datetime, pl.DataFrame]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for call in (scoring.list_models, scoring.revert, lambda: scoring.load_model("models:/scoring@champion")):
        with pytest.raises(scoring.ModelError, match=r"there is no mlflow\.db"):
            call()
    with pytest.raises(scoring.ModelError, match=r"there is no mlflow\.db in the folder 'nowhere'"):
        scoring.publish(exports, tracking_uri="sqlite:///nowhere/mlflow.db")
    assert list(tmp_path.iterdir()) == []


def test_without_mlflow_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch, published: Published) -> None:
    for missing in ("mlflow", "mlflow.pyfunc", "alembic"):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, missing, None)
            with pytest.raises(scoring.ModelError, match=r'pip install "contact-scoring\[mlflow\]"'):
                fetch_model("models:/scoring@champion", tracking_uri=published.uri)


def test_it_is_quiet_and_leaves_mlflow_as_it_was(
    uri: str, other: scoring.Model, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    levels = {name: logging.getLogger(name).level for name in ("mlflow", "alembic")}
    scoring.log_training(other, tracking_uri=uri)
    scoring.list_models(tracking_uri=uri)
    assert capfd.readouterr() == ("", "")
    assert caplog.records == []
    assert {name: logging.getLogger(name).level for name in levels} == levels
    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_only_tracking_knows_mlflow() -> None:
    package = Path(scoring.__file__).parent
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "mlflow" for name in names):
                assert path.parent.name == "tracking", path
