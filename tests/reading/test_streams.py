"""CSV in parts: what is typed while it is read is what text is typed to."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from scoring.reading import export_part, streams
from scoring.reading.streams import EVEN, Stream, open_stream

COUNTS = st.sampled_from(
    [*"0123", "", " 4", "5 ", "+6", "-7", "8.0", "1e3", "007", "-0", "0x9", "many", "null", "9" * 19]
)
FLAGS = st.sampled_from(["true", "false", "", "True", "FALSE", "1", "0", "yes", " true", "maybe"])
ROWS = st.lists(st.tuples(COUNTS, FLAGS, COUNTS), min_size=1, max_size=12)
HEADER = "crm_id,total_inbound,from_cc,size"


@given(ROWS, st.sampled_from([1, 40, 10_000]))
@settings(max_examples=150, deadline=None)
def test_cells_typed_while_they_are_read_are_those_typed_from_text(rows: list[tuple[str, str, str]], size: int) -> None:
    text = "\n".join([HEADER, *(f"{number},{','.join(row)}" for number, row in enumerate(rows))]) + "\n"
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(streams, "BLOCK_BYTES", size)
        path = Path(folder) / "export.csv"
        path.write_text(text)
        stream = open_stream(path, large=True)
        assert isinstance(stream, Stream)
        for typed, plain in zip(stream.parts(set(stream.names)), stream.parts(), strict=True):
            ours, theirs = export_part(typed, path), export_part(plain, path)
            assert_frame_equal(ours.table, theirs.table)
            assert_frame_equal(ours.faults, theirs.faults)
            assert typed.kind == plain.kind == EVEN


def test_counts_are_numbers_once_read_until_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "BLOCK_BYTES", 1)
    path = tmp_path / "export.csv"
    path.write_text(f"{HEADER}\n1,2,true,3\n2,4,false,many\n3,5.0,true,6\n4,7,true,8\n")
    stream = open_stream(path, large=True)
    assert stream is not None
    kinds = [str(part.source["total_inbound"].dtype) for part in stream.parts(stream.names)]
    assert kinds == ["Int64", "Int64", "String", "String"]
    assert {str(part.source["total_inbound"].dtype) for part in stream.parts()} == {"String"}
