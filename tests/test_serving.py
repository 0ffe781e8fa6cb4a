"""The model as mlflow serves it: frames of any types, records over HTTP, the same scores as everywhere."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import scoring
from scoring.prediction import COLUMNS

pytest.importorskip("mlflow")
pytest.importorskip("alembic")
pd = pytest.importorskip("pandas")

SECONDS = 60


@pytest.fixture(scope="module")
def store(small_model: scoring.Model, tmp_path_factory: pytest.TempPathFactory) -> str:
    uri = f"sqlite:///{tmp_path_factory.mktemp('served') / 'mlflow.db'}"
    scoring.promote(small_model, force=True, tracking_uri=uri)
    return uri


@pytest.fixture(scope="module")
def served(store: str) -> Any:
    """What a client of mlflow loads."""
    import mlflow

    before = mlflow.get_tracking_uri()
    mlflow.set_tracking_uri(store)
    try:
        return mlflow.pyfunc.load_model("models:/scoring@champion")
    finally:
        mlflow.set_tracking_uri(before)


@pytest.fixture(scope="module")
def records(contacts: pl.DataFrame) -> list[dict[str, Any]]:
    """Contacts as JSON holds them."""
    times = pl.col(pl.Datetime).dt.strftime("%FT%TZ")
    return contacts.head(40).with_columns(times).to_dicts()


@pytest.fixture(scope="module")
def expected(records: list[dict[str, Any]], when: datetime, small_model: scoring.Model) -> list[dict[str, Any]]:
    """Their scores, as JSON holds them."""
    scored = scoring.score(records, as_of=when, model=small_model)
    return [{name: row[name] for name in COLUMNS} | {"as_of": f"{when:%Y-%m-%dT%H:%M:%SZ}"} for row in scored]


def rows_of(frame: Any) -> list[dict[str, Any]]:
    return json.loads(json.dumps(frame.to_dict("records"), allow_nan=False))  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    "change",
    [
        lambda frame: frame,
        lambda frame: frame.astype({name: "float64" for name in frame if name.startswith("total_")}),
        lambda frame: frame.astype({name: "Int64" for name in frame if name.startswith("total_")}),
        lambda frame: frame.astype({name: str for name in frame if name.startswith("total_")}),
        lambda frame: frame.assign(
            **{name: pd.to_datetime(frame[name], utc=True) for name in frame if name.endswith("_time")}
        ),
        lambda frame: frame.assign(colour="red"),
        lambda frame: frame[frame.columns[::-1]],
        lambda frame: frame.astype(object).where(frame.notna(), None),
    ],
    ids=["plain", "fractions", "nullable", "text", "times", "more columns", "other order", "objects"],
)
def test_frames_of_all_types_get_the_same_scores(
    change: Any, served: Any, records: list[dict[str, Any]], expected: list[dict[str, Any]], when: datetime
) -> None:
    frame = change(pd.DataFrame(records))
    found = served.predict(frame, params={"as_of": f"{when:%Y-%m-%dT%H:%M:%SZ}"})
    assert list(found.columns) == list(COLUMNS)
    assert rows_of(found) == expected


def test_the_date_may_be_a_column(
    served: Any, records: list[dict[str, Any]], expected: list[dict[str, Any]], when: datetime
) -> None:
    found = served.predict(pd.DataFrame(records).assign(as_of=f"{when:%Y-%m-%dT%H:%M:%SZ}"))
    assert rows_of(found) == expected


def test_without_a_date_or_with_two_it_is_refused(served: Any, records: list[dict[str, Any]]) -> None:
    frame = pd.DataFrame(records)
    with pytest.raises(scoring.InputError, match="as_of"):
        served.predict(frame)
    with pytest.raises(scoring.InputError, match="2 dates for one request"):
        served.predict(frame.assign(as_of="2026-01-01"), params={"as_of": "2026-01-02"})
    with pytest.raises(scoring.InputError, match="2 dates for one request"):
        served.predict(frame.assign(as_of=["2026-01-01", "2026-01-02"] * 20))


def test_a_whole_export_is_scored_with_its_totals(
    served: Any, contacts: pl.DataFrame, when: datetime, small_model: scoring.Model
) -> None:
    frame = pd.DataFrame(contacts.to_dict(as_series=False))
    params = {"as_of": f"{when:%Y-%m-%dT%H:%M:%SZ}", "whole_export": True}
    found = served.predict(frame, params=params)
    whole = scoring.score(contacts, as_of=when, model=small_model)
    assert found["priority"].tolist() == whole["priority"].to_list()
    assert found["reasons"].tolist() == whole["reasons"].to_list()
    alone = served.predict(frame, params={"as_of": params["as_of"]})
    assert alone["priority"].tolist() != whole["priority"].to_list()


def test_a_row_that_cannot_be_used_is_null_and_says_why(served: Any, records: list[dict[str, Any]]) -> None:
    broken = [records[0] | {"total_inbound": "many"}, records[1]]
    bad, good = rows_of(served.predict(pd.DataFrame(broken), params={"as_of": "2026-01-01"}))
    assert bad["priority"] is None
    assert bad["problem"]
    assert 0 <= good["priority"] <= 1


def test_what_is_logged_can_be_met(served: Any) -> None:
    """Every field may be missing and none has a type, so that nothing is refused, and shown, before it is read."""
    signature = served.metadata.signature
    assert all(not column.required for column in signature.inputs.inputs)
    assert {str(column.type) for column in signature.inputs.inputs} == {"Any"}
    assert served.metadata.flavors["python_function"]["loader_module"] == "scoring.tracking.pyfunc"
    assert served.metadata.saved_input_example_info is None


@pytest.fixture
def server(store: str, tmp_path: Path) -> Iterator[str]:
    """The real server, on a free port of this machine."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    beside = os.fspath(Path(sys.executable).parent)  # mlflow starts uvicorn by its name
    program = shutil.which("mlflow", path=beside)
    assert program is not None
    environment = os.environ | {
        "PATH": beside + os.pathsep + os.environ.get("PATH", ""),
        "MLFLOW_TRACKING_URI": store,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
    }
    what = ["models", "serve", "-m", "models:/scoring@champion", "--env-manager", "local"]
    with (tmp_path / "server.log").open("wb") as log:
        child = subprocess.Popen(
            [program, *what, "-h", "127.0.0.1", "-p", str(port)],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,  # it starts a child of its own: both are ended as one group
        )
    try:
        until = time.monotonic() + SECONDS
        while not answers(f"http://127.0.0.1:{port}/ping"):
            assert child.poll() is None, (tmp_path / "server.log").read_text("utf-8")
            assert time.monotonic() < until, "the server is not there"
            time.sleep(0.2)
        yield f"http://127.0.0.1:{port}/invocations"
    finally:
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def answers(address: str) -> bool:
    try:
        with opener().open(address, timeout=5) as reply:
            return bool(reply.status == 200)
    except OSError:
        return False


def opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def post(address: str, body: bytes, kind: str = "application/json") -> tuple[int, Any]:
    request = urllib.request.Request(address, data=body, headers={"Content-Type": kind})
    try:
        with opener().open(request, timeout=30) as reply:
            return reply.status, json.loads(reply.read(), parse_constant=pytest.fail)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


@pytest.mark.skipif(os.name == "nt", reason="ends the server as a group of processes")
def test_the_real_server_answers(
    server: str, records: list[dict[str, Any]], expected: list[dict[str, Any]], when: datetime, tmp_path: Path
) -> None:
    params = {"as_of": f"{when:%Y-%m-%dT%H:%M:%SZ}"}
    status, found = post(server, json.dumps({"dataframe_records": records, "params": params}).encode())
    assert (status, found["predictions"]) == (200, expected)

    split = {"columns": list(records[0]), "data": [list(row.values()) for row in records]}
    status, found = post(server, json.dumps({"dataframe_split": split, "params": params}).encode())
    assert (status, found["predictions"]) == (200, expected)

    few = {"email": "ann@buyer.example", "total_inbound": 3, "last_inbound_time": "2025-12-30T08:00:00Z"}
    unusable = few | {"total_inbound": "many"}
    body = {"dataframe_records": [few, unusable], "params": {"as_of": "2026-01-01"}}
    status, found = post(server, json.dumps(body).encode())
    assert status == 200
    assert [row["priority"] is None for row in found["predictions"]] == [False, True]

    for body, kind, why in (
        (json.dumps({"dataframe_records": [few]}), "application/json", "as_of"),
        (pl.DataFrame([few]).write_csv(), "text/csv", "types"),  # mlflow reads CSV only for columns of one type
    ):
        status, told = post(server, body.encode(), kind)
        assert status == 400
        assert why in told
        assert "ann@buyer.example" not in told
    assert "ann@buyer.example" not in (tmp_path / "server.log").read_text("utf-8")
