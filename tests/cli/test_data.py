"""`gradalign data`: what it prints, its exit codes, and real files over loopback."""

import csv
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from tests.benchmarks.server import Reply, serve
from tests.benchmarks.toy import CONTENT, SHA256, TABLES, toy

from gradalign.benchmarks import _download
from gradalign.benchmarks._cache import load_table, table_path
from gradalign.benchmarks._published import PUBLISHED

COMMAND = [sys.executable, "-c", "from gradalign.cli import main; main()"]


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setattr(_download, "PAUSE", 0.01)
    monkeypatch.setattr(_download, "TIMEOUT", 2.0)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def server(monkeypatch):
    """A server, and the toy published there."""
    with serve(CONTENT) as running:
        len(PUBLISHED)  # discover first, so that the toy is taken out again
        monkeypatch.setitem(PUBLISHED._entries, "toy", toy((running.url,)))
        yield running


def test_fetch_shows_what_is_stored(gradalign, server):
    expected = [{"name": name, "rows": 20_000, "path": str(table_path(name))} for name in TABLES]
    done = gradalign("data", "fetch", "toy", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert done.document == {"tables": expected}
    done = gradalign("data", "fetch", "toy", "--format", "csv")
    assert done.err == "toy is at hand already\n"
    rows = list(csv.DictReader(io.StringIO(done.out)))
    assert rows == [{**entry, "rows": "20000"} for entry in expected]
    done = gradalign("data", "fetch", "toy", "--quiet")
    assert done.err == ""
    assert all(f"{name} " in done.out for name in TABLES)
    assert "20,000" in done.out


def test_a_fetch_that_fails(gradalign, server):
    server.content += b"x"
    found = hashlib.sha256(server.content).hexdigest()
    done = gradalign("data", "fetch", "toy")
    assert (done.code, done.out) == (2, "")
    assert f"its SHA-256 is {found}, expected {SHA256}" in done.complaint
    server.replies = [Reply(status=404)]
    done = gradalign("data", "fetch", "toy", "--url", f"{server.url}?other")
    assert done.code == 2
    assert "HTTP 404 Not Found" in done.complaint


def test_another_url_and_checksum(gradalign, server):
    server.content = b"arch,toy_loss\nabc,1\n"
    own = hashlib.sha256(server.content).hexdigest()
    options = ("--url", "http://127.0.0.1:1/", "--url", server.url, "--sha256", own)
    done = gradalign("data", "fetch", "toy", *options, "--keep")
    assert done.code == 0
    assert done.err.count("\n") == 1  # that the first did not give it
    assert "127.0.0.1:1: Connection refused; trying" in done.err
    assert len(load_table("toy_loss")) == 1
    assert list(table_path("x").parent.parent.rglob("toy.csv"))


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("fetch", "toys"), "unknown published file 'toys': did you mean 'toy'"),
        (("fetch",), "missing argument 'NAME'; see gradalign data fetch --help"),
        (("fetch", "toy", "--sha256", "12"), "'12': 64 hexadecimal digits are needed"),
        (("fetch", "toy", "--url", "toy.csv"), "a URL begins with https:// or http://"),
        (("import", "toy", "none.csv"), "'none.csv' does not exist: give the file toy.csv"),
        (("verify", "toy"), "'toy' is not at hand: gradalign data fetch toy"),
        (("path", "toy_loss"), "'toy_loss' is not at hand: gradalign data fetch toy"),
        (("path", "none"), "no published file gives a table 'none'"),
        ((), "missing command; see gradalign data --help"),
    ],
)
def test_mistakes(gradalign, server, arguments, told):
    done = gradalign("data", *arguments)
    assert (done.code, done.out) == (2, "")
    assert told in done.complaint


def test_import(gradalign, server, tmp_path):
    file = tmp_path / "mine.csv"
    file.write_bytes(CONTENT)
    done = gradalign("data", "import", "toy", str(file), "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert [entry["name"] for entry in done.document["tables"]] == [*TABLES]
    file.write_bytes(b"arch,toy_loss\nabc,1\n")
    done = gradalign("data", "import", "toy", str(file), "--quiet")
    assert done.code == 0
    assert "not the published file" in done.complaint  # which is no progress
    file.write_bytes(b"\x80\x04.")
    assert gradalign("data", "import", "toy", str(file), "--quiet").code == 2
    assert len(load_table("toy_loss")) == 1  # what was there still is


def test_list(gradalign, server):
    def listed():
        document = gradalign("data", "list", "--format", "json").document
        assert [entry["name"] for entry in document["published"]] == [*PUBLISHED]
        return next(entry for entry in document["published"] if entry["name"] == "toy")

    before = listed()
    assert before["tables"] == [{"name": name, "rows": None} for name in TABLES]
    assert before["at_hand"] is False
    assert (before["licence"], before["source"]) == ("CC0-1.0", "nobody, nowhere")
    assert (before["urls"], before["sha256"]) == ([server.url], SHA256)
    gradalign("data", "fetch", "toy")
    after = listed()
    assert after["tables"] == [{"name": name, "rows": 20_000} for name in TABLES]
    assert after["at_hand"] is True
    assert "toy_accuracy 20,000, toy_loss 20,000" in gradalign("data", "list").out
    rows = list(csv.DictReader(io.StringIO(gradalign("data", "list", "--format", "csv").out)))
    assert [row["name"] for row in rows] == [*PUBLISHED]


def test_a_long_list_of_tables_is_cut_only_for_the_eye(gradalign, server, monkeypatch):
    names = tuple(f"toy_{k}" for k in range(9))
    many = type(toy())(**{**vars(toy()), "benchmarks": names})
    monkeypatch.setitem(PUBLISHED._entries, "toy", many)
    assert "toy_0, toy_1, toy_2, toy_3, and 5 more" in gradalign("data", "list").out
    assert ", ".join(names) in gradalign("data", "list", "--format", "csv").out


def test_verify(gradalign, server):
    assert gradalign("data", "verify", "--format", "json").document == {"tables": []}
    gradalign("data", "fetch", "toy")
    for names in ((), ("toy",), ("toy_loss", "toy_accuracy", "toy")):
        done = gradalign("data", "verify", *names, "--format", "json")
        assert done.code == 0
        assert {entry["name"] for entry in done.document["tables"]} == {*TABLES}
        assert all(entry["status"] == "ok" for entry in done.document["tables"])
        assert all(entry["origin"] == server.url for entry in done.document["tables"])
    path = table_path("toy_loss")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    done = gradalign("data", "verify", "--format", "json")
    assert done.code == 1
    states = {entry["name"]: entry["status"] for entry in done.document["tables"]}
    assert states == {"toy_accuracy": "ok", "toy_loss": "damaged"}
    assert gradalign("data", "verify", "toy_accuracy").code == 0
    assert gradalign("data", "verify", "toy_loss").code == 1


def test_path(gradalign, server, cache):
    assert gradalign("data", "path").out == f"{cache}\n"
    gradalign("data", "fetch", "toy")
    assert gradalign("data", "path", "toy_loss").out == f"{table_path('toy_loss')}\n"
    assert gradalign("data", "path", "toy").out.split() == [str(table_path(t)) for t in TABLES]
    document = gradalign("data", "path", "toy_loss", "--format", "json").document
    assert document == {"paths": [{"name": "toy_loss", "path": str(table_path("toy_loss"))}]}


@pytest.mark.parametrize("name", ["fetch", "import", "list", "verify", "path"])
def test_every_command_shows_results_in_three_formats(gradalign, name):
    shown = gradalign("data", name, "--help").out
    assert "table|json|csv" in shown
    assert "--quiet" in shown


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a terminal")
def test_a_terminal_sees_a_bar_that_is_wiped(server, cache):
    """Escape codes go to stderr alone, and only to a terminal."""
    main, side = os.openpty()
    try:
        done = subprocess.run(
            [*COMMAND, "data", "fetch", "darts1000", "--url", f"{server.url}?x", "--format", "csv"],
            stdout=subprocess.PIPE,
            stderr=side,
            stdin=subprocess.DEVNULL,
            timeout=120,
            env=os.environ | {"TERM": "xterm", "COLUMNS": "100"},
        )
        shown = os.read(main, 100_000).decode()
    finally:
        os.close(main)
        os.close(side)
    assert done.returncode == 2
    assert done.stdout == b""
    assert "DARTS_archs_CIFAR10.csv" in shown  # the bar
    assert "\x1b" in shown
    assert f"its SHA-256 is {SHA256}" in shown.rsplit("\x1b", 1)[1]


RAW = Path(os.environ.get("GRADALIGN_DATA", "")).parent / "raw"


@pytest.mark.data
@pytest.mark.skipif(
    "GRADALIGN_DATA" not in os.environ or not RAW.is_dir(),
    reason="GRADALIGN_DATA has no folder raw of published files beside it",
)
@pytest.mark.parametrize(
    ("name", "file", "rows"),
    [("darts1000", "darts_archs_cifar10_head.csv", 200), ("nb201", "nats_bench_head.csv", 400)],
)
def test_the_beginning_of_a_real_file(gradalign, name, file, rows):
    """Interrupted, gone on with, refused for its checksum, and taken once that is given."""
    if name not in PUBLISHED:
        pytest.skip(f"{name} is not among the published files")
    content = (RAW / file).read_bytes()
    own = hashlib.sha256(content).hexdigest()
    with serve(content) as server:
        server.replies = [Reply(cut=len(content) // 2)]
        done = gradalign("data", "fetch", name, "--url", server.url)
        assert done.code == 2
        assert f"its SHA-256 is {own}, expected {PUBLISHED[name].sha256}" in done.complaint
        assert sum(server.sent) == len(content)
        done = gradalign(
            "data", "fetch", name, "--url", server.url, "--sha256", own, "--format", "json"
        )
    assert done.code == 0, done.err
    assert sum(entry["rows"] for entry in done.document["tables"]) == rows
    table = load_table(done.document["tables"][0]["name"])
    assert isinstance(table, pd.DataFrame)
    assert table["arch"].is_unique
