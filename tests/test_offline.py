"""No network: scoring opens no socket, whatever goes in and comes out, in Python or in polars."""

from __future__ import annotations

import platform
import subprocess
import sys
from pathlib import Path

import pytest

PYTHONS = """
import socket, sys

def refuse(event, found):
    if event.startswith("socket."):
        raise AssertionError(f"{event} {found}")

sys.addaudithook(refuse)
"""
# The kernel ends a process that asks it for a socket: polars, which does not ask through Python, is caught, too.
KERNELS = """
import ctypes, struct

SOCKET = {"x86_64": 41, "aarch64": 198}[MACHINE]
LOAD, EQUAL, RETURN = 0x20, 0x15, 0x06  # of the number of the system call
KILL, ALLOW = 0x80000000, 0x7FFF0000
NO_NEW_PRIVILEGES, SECCOMP, FILTER = 38, 22, 2
rules = [(LOAD, 0, 0, 0), (EQUAL, 0, 1, SOCKET), (RETURN, 0, 0, KILL), (RETURN, 0, 0, ALLOW)]
program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *rule) for rule in rules))
pointer = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(rules), ctypes.addressof(program)))
libc = ctypes.CDLL(None, use_errno=True)
long = ctypes.c_ulong
assert libc.prctl(NO_NEW_PRIVILEGES, long(1), long(0), long(0), long(0)) == 0
if libc.prctl(SECCOMP, long(FILTER), pointer, long(0), long(0)):
    print("no filter"), sys.exit()
"""
RECORDS = """
import polars as pl, scoring
frame = pl.read_parquet("export.parquet")
context = scoring.build_context("export.csv")
scoring.Scorer(context=context).score(frame.row(0, named=True))
for contacts in (frame, frame.lazy(), "export.ndjson"):
    scoring.score(contacts)
scoring.score(frame.head(3).to_dicts(), context=context)
"""
FILES = """
import scoring
for source in ("csv", "json", "ndjson", "parquet", "csv.gz"):
    for target in ("csv", "json", "ndjson", "parquet"):
        assert scoring.score_file(f"export.{source}", f"{source}-scored.{target}").rows, (source, target)
"""
COMMANDS = """
from scoring.cli import main
for line in (
    "score export.csv -o scored.parquet",
    "check export.csv",
    "worklist scored.parquet -o lists.csv",
    "score export.csv --adapt -o adapted.csv",
):
    assert main(line.split()) == 0, line
"""
MACHINE = platform.machine()
FILTERED = sys.platform == "linux" and MACHINE in ("x86_64", "aarch64")


@pytest.fixture(scope="module")
def exports(export_csv: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    import gzip

    import polars as pl

    folder = tmp_path_factory.mktemp("offline")
    text = export_csv.read_bytes()
    frame = pl.read_csv(text, infer_schema=False)
    (folder / "export.csv").write_bytes(text)
    (folder / "export.csv.gz").write_bytes(gzip.compress(text))
    frame.write_json(folder / "export.json")
    frame.write_ndjson(folder / "export.ndjson")
    frame.write_parquet(folder / "export.parquet")
    return folder


def run(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    guard = PYTHONS + (KERNELS.replace("MACHINE", repr(MACHINE)) if FILTERED else "")
    done = subprocess.run(
        [sys.executable, "-c", guard + code + "\nprint('through')"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.stdout.startswith("no filter"):
        pytest.skip("this kernel takes no filter")
    return done


@pytest.mark.parametrize("code", [RECORDS, FILES, COMMANDS], ids=["records", "files", "commands"])
def test_scoring_opens_no_socket(code: str, exports: Path) -> None:
    done = run(code, exports)
    assert done.returncode == 0, f"{done.returncode}: {done.stderr[-2000:]}"
    assert done.stdout.endswith("through\n")


@pytest.mark.parametrize(
    "code",
    [
        "import socket; socket.socket()",
        "import urllib.request; urllib.request.urlopen('http://127.0.0.1:9')",
        pytest.param(
            "import polars; polars.read_parquet('s3://bucket/key.parquet', storage_options={'aws_endpoint_url': "
            "'http://127.0.0.1:9', 'aws_allow_http': 'true', 'aws_access_key_id': 'a', 'aws_secret_access_key': 'a',"
            "'aws_region': 'a', 'max_retries': 0})",
            marks=pytest.mark.skipif(not FILTERED, reason="polars asks the kernel, and here nobody is between"),
        ),
    ],
    ids=["socket", "http", "polars"],
)
def test_what_opens_one_is_caught(code: str, exports: Path) -> None:
    done = run(code, exports)
    assert done.returncode != 0
    assert "through" not in done.stdout
    assert done.returncode < 0 or "AssertionError: socket." in done.stderr
