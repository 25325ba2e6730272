"""The tables of the cache: where they are, what is kept of them, and how damage shows."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.benchmarks.toy import CONTENT, TABLES, toy

from gradalign.benchmarks import _cache, _table_file
from gradalign.benchmarks._cache import (
    Origin,
    at_hand,
    cache_dir,
    load_table,
    publisher,
    read_published,
    store_tables,
    table_path,
    table_rows,
)
from gradalign.benchmarks._lock import lock
from gradalign.benchmarks._published import PUBLISHED
from gradalign.benchmarks._table_file import (
    DamagedTableError,
    Record,
    read_record,
    read_table_file,
    write_table_file,
)
from gradalign.errors import InputError, UnknownNameError

FRAME = pd.DataFrame({"arch": ["00120", "10000"], "accuracy": [71.5, np.nan], "runs": [3, 1]})
RECORD = Record(
    published="toy",
    tables=("toy_loss",),
    origin="https://host/toy.csv",
    sha256="0" * 64,
    rows=2,
    licence="CC0-1.0",
    source="nobody",
    version="1",
)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    len(PUBLISHED)  # discover first, so that the toy is taken out again
    monkeypatch.setitem(PUBLISHED._entries, "toy", toy())
    return tmp_path / "cache"


def one_line(caught) -> str:
    line = str(caught.value)
    assert "\n" not in line
    return line


@pytest.mark.parametrize(
    ("own", "shared", "expected"),
    [
        ("/own", "/shared", "/own"),
        ("~/own", None, "/home/me/own"),
        (None, "/shared", "/shared/gradalign"),
        ("", "/shared", "/shared/gradalign"),
        (None, None, "/home/me/.cache/gradalign"),
        (None, "", "/home/me/.cache/gradalign"),
        (None, "relative", "/home/me/.cache/gradalign"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="paths and HOME of POSIX")
def test_where_the_cache_is(monkeypatch, own, shared, expected):
    monkeypatch.setenv("HOME", "/home/me")
    for name, value in (("GRADALIGN_CACHE", own), ("XDG_CACHE_HOME", shared)):
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)
    assert cache_dir() == Path(expected)


def test_a_table_comes_back_as_it_went_in(tmp_path):
    path = tmp_path / "t.parquet"
    write_table_file(path, FRAME, RECORD)
    frame, record = read_table_file(path)
    pd.testing.assert_frame_equal(frame, FRAME)
    assert record == read_record(path) == RECORD
    assert list(tmp_path.iterdir()) == [path]
    pd.testing.assert_frame_equal(pd.read_parquet(path), FRAME)  # plain Parquet to others


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damage_anywhere_is_seen_or_harmless(tmp_path, data):
    path = tmp_path / "t.parquet"
    if not path.exists():
        write_table_file(path, FRAME, RECORD)
    content = bytearray(path.read_bytes())
    position = data.draw(st.integers(0, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    other = tmp_path / "other.parquet"
    other.write_bytes(content)
    try:
        frame, record = read_table_file(other)
    except DamagedTableError:
        return
    pd.testing.assert_frame_equal(frame, FRAME)
    assert record == RECORD


@pytest.mark.parametrize("change", ["a value", "a text", "a name", "the order", "the record"])
def test_another_table_under_the_old_checksum_is_damage(tmp_path, monkeypatch, change):
    path = tmp_path / "t.parquet"
    write_table_file(path, FRAME, RECORD)
    old = _table_file.parquet.read_schema(path).metadata[_table_file.DIGEST]
    frame, record = FRAME.copy(), RECORD
    if change == "a value":
        frame.loc[0, "accuracy"] += 1e-12
    elif change == "a text":
        frame.loc[0, "arch"] = "00121"
    elif change == "a name":
        frame = frame.rename(columns={"runs": "seeds"})
    elif change == "the order":
        frame = frame[::-1]
    else:
        record = Record(**{**vars(RECORD), "origin": "elsewhere"})
    with monkeypatch.context() as patch:
        patch.setattr(_table_file, "_digest", lambda table, told: old)
        write_table_file(path, frame, record)
    with pytest.raises(DamagedTableError, match="checksum"):
        read_table_file(path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"arch,accuracy\n", b"PAR1" * 100])
def test_a_file_that_is_no_table(tmp_path, content):
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    for read in (read_table_file, read_record):
        with pytest.raises(DamagedTableError):
            read(path)


def test_a_foreign_table_is_no_table_of_the_cache(tmp_path):
    FRAME.to_parquet(tmp_path / "t.parquet")
    with pytest.raises(DamagedTableError):
        read_table_file(tmp_path / "t.parquet")
    with pytest.raises(DamagedTableError):
        read_record(tmp_path / "t.parquet")


@pytest.mark.parametrize("step", ["write", "replace"])
def test_a_failed_write_leaves_what_was_there(tmp_path, monkeypatch, step):
    path = tmp_path / "t.parquet"
    write_table_file(path, FRAME, RECORD)

    def fail(*_arguments):
        raise OSError(28, "No space left on device")

    if step == "write":
        monkeypatch.setattr(_table_file.os, "fsync", fail)
    else:
        monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="No space left"):
        write_table_file(path, FRAME[:1], RECORD)
    assert list(tmp_path.iterdir()) == [path]
    assert len(read_table_file(path)[0]) == 2


def stored(tmp_path) -> None:
    file = tmp_path / "toy.csv"
    file.write_bytes(CONTENT)
    store_tables(toy(), read_published(toy(), file), Origin(place=str(file), sha256="1" * 64))


def test_stored_tables_are_at_hand(tmp_path):
    assert not any(map(at_hand, TABLES))
    assert table_rows("toy_loss") is None
    stored(tmp_path)
    assert all(map(at_hand, TABLES))
    assert table_rows("toy_loss") == 20_000
    frame = load_table("toy_loss")
    assert list(frame.columns) == ["arch", "toy_loss"]
    assert frame["arch"].iloc[7] == "00007"
    assert frame["toy_loss"].tolist() == [*range(20_000)]
    record = read_record(table_path("toy_loss"))
    assert (record.published, record.tables) == ("toy", TABLES)
    assert (record.licence, record.source) == ("CC0-1.0", "nobody, nowhere")


def test_a_table_that_is_missing_says_how_to_get_it():
    with pytest.raises(InputError) as caught:
        load_table("toy_loss")
    assert one_line(caught) == (
        "the table 'toy_loss' is not at hand: gradalign data fetch toy (about 0.3 MB), "
        "or gradalign data import toy FILE"
    )


def test_a_table_that_is_damaged_says_how_to_get_it_anew(tmp_path):
    stored(tmp_path)
    path = table_path("toy_loss")
    path.write_bytes(path.read_bytes()[:-100])
    assert at_hand("toy_loss")
    assert table_rows("toy_loss") is None
    with pytest.raises(InputError, match=r"is damaged .*: gradalign data fetch toy"):
        load_table("toy_loss")


def test_an_unknown_table():
    with pytest.raises(UnknownNameError, match=r"no published file gives a table '\.\./toy'"):
        load_table("../toy")
    assert publisher("toy_accuracy").name == "toy"


def test_a_cache_that_cannot_be(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"cannot make the cache folder .*GRADALIGN_CACHE"):
        stored(tmp_path)


def test_a_table_that_cannot_be_written(tmp_path):
    table_path("toy_loss").mkdir(parents=True)
    with pytest.raises(InputError, match=r"cannot write .*: Is a directory; make room"):
        stored(tmp_path)


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda path: {}, "it holds none of toy_accuracy, toy_loss"),
        (lambda path: {"toy_loss": FRAME[:0]}, "its table 'toy_loss' has no rows"),
        (lambda path: {"toy_loss": FRAME[["runs"]]}, "its table 'toy_loss' has no column 'arch'"),
        (lambda path: {"toy_loss": pd.read_json(path)}, "cannot be read as toy.csv of toy"),
        (lambda path: {"toy_loss": pd.read_parquet(path)}, "cannot be read as toy.csv of toy"),
        (lambda path: path.read_bytes()[10**9], "index out of range"),
        (lambda path: Path("/nowhere/at/all").read_bytes(), "No such file"),
    ],
)
def test_what_a_reader_cannot_read_is_one_line(tmp_path, monkeypatch, read, told):
    published = type(toy())(**{**vars(toy()), "read": read})
    file = tmp_path / "toy.csv"
    file.write_bytes(b"<html>\n</html>\n")
    with pytest.raises(InputError) as caught:
        read_published(published, file)
    assert told in one_line(caught)


HOLD = """
import fcntl, sys
with open(sys.argv[1], "w") as file:
    fcntl.flock(file, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="another process locks as on POSIX")
@pytest.mark.parametrize("end", ["lets go", "is killed"])
def test_a_lock_ends_with_its_holder(tmp_path, end):
    path = tmp_path / "lock"
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    waits = []

    def waiting():
        waits.append(holder.poll())
        holder.stdin.close() if end == "lets go" else holder.kill()

    try:
        assert holder.stdout.readline() == "held\n"
        with lock(path, waiting):
            assert waits == [None]  # told once, while the other still ran
    finally:
        holder.kill()
        holder.wait(timeout=30)
        holder.stdout.close()
        holder.stdin.close()
    with lock(path, lambda: pytest.fail("nobody holds it")):
        pass


def test_a_lock_that_cannot_be(tmp_path):
    with pytest.raises(InputError, match="cannot lock"), lock(tmp_path, lambda: None):
        pass


def test_nothing_of_the_cache_is_read_at_import():
    assert not _cache.cache_dir().exists()
