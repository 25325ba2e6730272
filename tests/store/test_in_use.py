"""What machines do to a store in use costs no record that was committed."""

import errno
import os
import random
import shutil
import signal
import sqlite3
import time
from itertools import count

import pytest
from tests.store.records import (
    check_holds,
    many,
    record,
    scores,
    small_disk,
    spawn,
)

from gradalign.errors import GradalignError
from gradalign.store import Store, file


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.db"


def expected(number):
    return sorted(many(number).records, key=lambda one: one.model)


def complaint(function, *arguments):
    with pytest.raises(GradalignError) as caught:
        function(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def fill(store):
    """Add a hundred records at a time, without end."""
    for k in count():
        store.add(many(100, 100 * k))


def test_a_full_disk_keeps_what_was_committed(tmp_path):
    with small_disk(tmp_path / "disk", "1m") as disk:
        path, ballast = disk / "a.db", disk / "ballast"
        ballast.write_bytes(bytes(400_000))
        with Store.open(path) as store:
            line = complaint(fill, store)
            done = len(store) // 100
            assert f"the store {str(path)!r} cannot be written to" in line
            assert "what it holds is kept: free space, then go on with --resume" in line
            assert done > 5
            check_holds(store, expected(100 * done))
        with Store.read(path) as store:
            check_holds(store, expected(100 * done))
        ballast.unlink()
        with Store.open(path) as store:
            store.add(many(100, 100 * done))
            check_holds(store, expected(100 * (done + 1)))
        assert [each.name for each in disk.iterdir()] == ["a.db"]


def test_no_room_for_a_new_store(tmp_path):
    with small_disk(tmp_path / "disk", "16k") as disk:
        assert "free space" in complaint(Store.open, disk / "a.db")
        assert list(disk.iterdir()) == []


def delete(path):
    path.unlink()


def delete_all(path):
    for suffix in ("", "-wal", "-shm"):
        path.with_name(f"a.db{suffix}").unlink()


def delete_log(path):
    path.with_name("a.db-wal").unlink()


def replace(path):
    Store.open(path.with_name("other")).close()
    path.with_name("other").replace(path)


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (delete, "a.db' was deleted while the store was open"),
        (delete_all, "a.db' was deleted while the store was open"),
        (delete_log, "a.db-wal' was deleted while the store was open"),
        (replace, "a.db' was replaced while the store was open"),
    ],
)
def test_a_store_that_lost_its_name_is_saved_beside_it(path, harm, said):
    taken = path.with_name("a.db.rescued")
    taken.write_text("of another day")
    with Store.open(path) as store:
        store.add(many(3))
        harm(path)
        there = path.exists()
        line = complaint(store.add, many(5))
        assert said in line
        saved = path.with_name("a.db.rescued2")
        assert f"all its records were saved to {str(saved)!r}" in line
        complaint(store.add, many(6))
    assert path.exists() == there
    assert taken.read_text() == "of another day"
    for name, number in (("a.db.rescued2", 5), ("a.db.rescued3", 6)):
        with Store.open(path.with_name(name)) as store:
            check_holds(store, expected(number))


def test_a_store_that_lost_its_folder(tmp_path):
    (tmp_path / "folder").mkdir()
    with Store.open(tmp_path / "folder" / "a.db") as store:
        shutil.rmtree(tmp_path / "folder")
        line = complaint(store.add, many(5))
    assert "was deleted while the store was open" in line
    assert "cannot be saved beside it either" in line
    assert os.strerror(errno.ENOENT) in line


def test_a_lost_store_that_there_is_no_room_to_save(tmp_path):
    with small_disk(tmp_path / "disk", "1m") as disk, Store.open(disk / "a.db") as store:
        store.add(many(3000))
        (disk / "ballast").write_bytes(bytes(shutil.disk_usage(disk).free - 60_000))
        (disk / "a.db").unlink()
        line = complaint(store.add, many(3001))
        assert "cannot be saved beside it either (database or disk is full)" in line
        assert {each.name for each in disk.iterdir()} == {"a.db-wal", "a.db-shm", "ballast"}


def test_a_store_under_another_name_is_the_same(path):
    link = path.with_name("link.db")
    Store.open(path).close()
    link.symlink_to(path)
    with Store.open(link) as store:
        store.add(many(3))
    with Store.read(path) as store:
        check_holds(store, expected(3))


def test_a_writer_that_does_not_end(path, monkeypatch):
    monkeypatch.setattr(file, "BUSY_SECONDS", 0.1)
    with Store.open(path) as store:
        store.add(many(1))
        connection = sqlite3.connect(path, isolation_level=None)
        connection.execute("BEGIN IMMEDIATE")
        line = complaint(store.add, many(3))
        assert "database is locked" in line
        assert "another process has been writing for long" in line
        with Store.read(path) as reader:
            check_holds(reader, expected(1))
        connection.close()
        store.add(many(3))
        check_holds(store, expected(3))


ADD = """
import sys
from tests.store.records import record, scores
from gradalign.store import Store
path, start = sys.argv[1], int(sys.argv[2])
with Store.open(path) as store:
    for k in range(start, 10**9):
        store.add(scores(*(record(f"model {k}", f"proxy {j}", k + j / 8) for j in range(8))))
        print(k + 1, flush=True)
"""


@pytest.mark.slow
def test_a_killed_process_loses_no_finished_add(path):
    draw, finished = random.Random(0), 0
    for _ in range(10):
        process = spawn(ADD, path, finished)
        process.stdout.readline()
        time.sleep(draw.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        out, error = process.communicate()
        assert error == ""
        finished = max([finished + 1, *map(int, out.split("\n")[:-1])])
        with Store.open(path) as store:
            adds = len(store) // 8
            assert finished <= adds <= finished + 1
            check_holds(store, adds_of_eight(adds))
        finished = adds


def adds_of_eight(number):
    batches = (
        scores(*(record(f"model {k}", f"proxy {j}", k + j / 8) for j in range(8)))
        for k in range(number)
    )
    return sorted((one for own in batches for one in own), key=lambda one: (one.model, one.proxy))
