import gzip
import io
import os

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scoring.errors import InputError, SchemaWarning
from scoring.reading import read
from scoring.reading.files import read_file

TEXT = "email,crm_id,total_inbound,last_inbound_time,first_name\na@b.example,1,3,2026-01-02T03:04:05Z,Zoë\n"
JSON = '[{"email": "a@b.example", "total_inbound": 3, "first_name": "Zoë"}]'


@pytest.fixture
def write(tmp_path):
    def write_bytes(data, name="export.csv"):
        path = tmp_path / name
        path.write_bytes(data if isinstance(data, bytes) else data.encode())
        return path

    return write_bytes


def parquet():
    out = io.BytesIO()
    pl.DataFrame({"email": ["a@b.example"], "total_inbound": [3], "first_name": ["Zoë"]}).write_parquet(out)
    return out.getvalue()


def packed(data):
    return gzip.compress(data, mtime=0)  # without the time, the same bytes in every process that collects the tests


def zstd(text, folder):
    path = folder / "packed.csv.zst"
    pl.DataFrame({"line": text.splitlines()}).lazy().sink_csv(
        path, include_header=False, compression="zstd", quote_style="never"
    )
    return path.read_bytes()


@pytest.mark.parametrize(
    ("data", "details"),
    [
        (TEXT.encode(), {"encoding": "utf-8"}),
        (TEXT.encode("utf-8-sig"), {"encoding": "utf-8"}),
        (TEXT.encode("utf-16"), {"encoding": "utf-16"}),
        (TEXT.encode("utf-16-le"), {"encoding": "utf-16-le"}),
        (TEXT.encode("utf-16-be"), {"encoding": "utf-16-be"}),
        (TEXT.encode("utf-32"), {"encoding": "utf-32"}),
        (packed(TEXT.encode()), {"compression": "gzip", "encoding": "utf-8"}),
        (packed(TEXT.encode("utf-16")), {"compression": "gzip", "encoding": "utf-16"}),
        (TEXT.encode() + b"\x1a", {"encoding": "utf-8"}),
        (JSON.encode(), {"encoding": "utf-8"}),
        (JSON.encode("utf-16"), {"encoding": "utf-16"}),
        (packed(JSON.encode()), {"compression": "gzip"}),
        (parquet(), {}),
    ],
)
@pytest.mark.parametrize("name", ["export.csv", "export.parquet", "export.json", "export"])
def test_what_a_file_is_is_told_from_its_bytes(write, data, details, name):
    found = read_file(write(data, name))
    assert found.source["first_name"].to_list() == ["Zoë"]
    assert found.source.cast(pl.String)["total_inbound"].to_list() == ["3"]
    assert details.items() <= found.details.items()


def test_zstd(write, tmp_path):
    found = read_file(write(zstd(TEXT, tmp_path), "export.csv.zst"))
    assert found.source["first_name"].to_list() == ["Zoë"]
    assert found.details["compression"] == "zstd"


def test_windows_text_is_read_and_said(write):
    with pytest.warns(SchemaWarning, match="Windows-1252"):
        found = read_file(write(TEXT.encode("cp1252")))
    assert found.source["first_name"].to_list() == ["Zoë"]
    assert found.details["encoding"] == "cp1252"


def test_a_damaged_character_does_not_turn_the_others_into_another_encoding(write):
    with pytest.warns(SchemaWarning, match="1 characters are damaged, the first on line 3"):
        found = read_file(write(TEXT.encode() + b"b@b.example,2,1,,Bj\xc3rn\n"))
    assert found.source["first_name"][0] == "Zoë"


def test_a_file_cut_within_a_character(write):
    with pytest.warns(SchemaWarning, match="damaged"):
        found = read_file(write(TEXT.encode()[:-2]))
    assert found.source["email"].to_list() == ["a@b.example"]


def test_nothing_but_zeros_is_an_empty_file(write):
    with pytest.raises(InputError, match="the file is empty"):
        read_file(write(bytes(5000)))


def test_zeros_at_the_end_are_said(write):
    with pytest.warns(SchemaWarning, match="4,096 zero bytes"):
        found = read_file(write(TEXT.encode() + bytes(4096)))
    assert found.source.height == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "empty"),
        (b" \n\n ", "empty"),
        (b"\xef\xbb\xbf", "empty"),
        (packed(b""), "empty"),
        (b"PK\x03\x04 [Content_Types].xml xl/", "Excel workbook.*save the sheet as CSV"),
        (b"PK\x03\x04 other", "zip archive"),
        (b"\x89PNG\r\n\x1a\n and so on", "PNG"),
        (b"%PDF-1.7 and so on", "PDF"),
        (b"<!DOCTYPE html><html>", "web page"),
        (b"<?xml version='1.0'?>", "XML"),
        (bytes(range(256)) * 20, "binary"),
        (bytes(100), "empty|binary"),
        (packed(TEXT.encode())[:-5], "cut off or damaged"),
        (packed(TEXT.encode())[:11], "cut off or damaged"),
        (packed(TEXT.encode())[:20] + b"xx" + packed(TEXT.encode())[22:], "cut off or damaged"),
        (b"\x28\xb5\x2f\xfd and so on", "cut off or damaged"),
        (parquet()[:-3], "cut off"),
        (parquet()[:60], "cut off"),
        (parquet()[:4] + b"\xff" * (len(parquet()) - 8) + parquet()[-4:], "damaged"),
        (b"PAR1PAR1", "damaged|cut"),
        (TEXT.encode("utf-16")[:-1], "breaks off"),
        (b"email,total_inbound\n\x81\xfe,1\n", "neither UTF-8"),
        (b"email,name\na,b\n", "no column says what happened"),
        (b"email,total_inbound,email\na,1,b\n", '"email" is a column more than once'),
        (b'{"email": "a", "total_inb', "breaks off or is damaged"),
        (b"just a line of text", "no column says what happened"),
    ],
)
@pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning")
def test_what_cannot_be_read_is_refused_in_one_line_with_the_name_of_the_file(write, data, message):
    with pytest.raises(InputError, match=message) as caught:
        read(write(data, "may.csv"))
    assert str(caught.value).startswith('"may.csv": ')
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("cut", range(0, len(parquet()), 37))
def test_parquet_cut_anywhere_is_refused(write, cut):
    with pytest.raises(InputError):
        read(write(parquet()[:cut], "cut.parquet"))


def test_what_is_not_a_file_is_refused(tmp_path, write):
    for path, message in [
        (tmp_path / "none.csv", "no such file"),
        (tmp_path, "folder"),
        ("", "empty"),
        ("a\x00b", "not valid"),
        (write(TEXT) / "below.csv", "cannot be opened|no such file"),
    ]:
        with pytest.raises(InputError, match=message):
            read_file(path)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="everything is readable to root")
def test_a_file_that_may_not_be_read_is_refused(write):
    path = write(TEXT)
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be opened"):
        read_file(path)


@pytest.mark.parametrize("address", ["http://acme.example/a.csv", "https://acme.example/a.csv", "ftp://acme.example/a"])
def test_web_addresses_are_not_opened(address):
    with pytest.raises(InputError, match="web address"):
        read_file(address)


def test_a_file_address_is_a_path(write):
    assert read_file(f"file://{write(TEXT)}").source.height == 1


fragments = st.one_of(
    st.binary(max_size=60),
    st.text(st.sampled_from('email,total_inbound\n"{}[]:;\t\r\x00é0 '), max_size=80).map(str.encode),
    st.sampled_from([TEXT.encode(), JSON.encode(), parquet(), packed(TEXT.encode()), TEXT.encode("utf-16")]),
)


@st.composite
def damaged(draw):
    data = b"".join(draw(st.lists(fragments, min_size=1, max_size=3)))
    for _ in range(draw(st.integers(0, 3))):
        place = draw(st.integers(0, max(len(data) - 1, 0)))
        match draw(st.sampled_from(["cut", "flip", "drop"])):
            case "cut":
                data = data[:place]
            case "flip":
                data = data[:place] + bytes([draw(st.integers(0, 255))]) + data[place + 1 :]
            case "drop":
                data = data[:place] + data[place + 7 :]
    return data


@pytest.mark.filterwarnings("ignore::scoring.errors.SchemaWarning")
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.one_of(damaged(), damaged().map(lambda rest: b"email,crm_id,total_inbound,from_cc\n" + rest)))
def test_any_bytes_are_read_or_refused_and_nothing_else(tmp_path, data):
    path = tmp_path / "any"
    path.write_bytes(data)
    try:
        export = read(path)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017
        return
    assert export.table.height == export.source.height
    assert export.lines is None or len(export.lines) == export.table.height
