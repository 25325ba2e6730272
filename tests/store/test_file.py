"""What is no sound store is told in one line, and neither it nor its folder is touched."""

import random
import sqlite3

import pytest
from tests.store.records import (
    check_holds,
    failure,
    make_read_only,
    many,
    small_disk,
    snapshot,
    spawn,
)

from gradalign.errors import GradalignError, InputError
from gradalign.store import Store, schema

WAYS = {
    "open": Store.open,
    "open_existing": lambda path: Store.open(path, create=False),
    "read": Store.read,
}


@pytest.fixture(params=WAYS)
def way(request):
    return WAYS[request.param]


@pytest.fixture
def path(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        store.add(many(200))
    return tmp_path / "a.db"


def refused(way, path, error=InputError):
    """The one line with which a store is refused; the folder is as it was."""
    before = snapshot(path.parent)
    with pytest.raises(error) as caught:
        way(path)
    assert snapshot(path.parent) == before
    line = str(caught.value)
    assert "\n" not in line
    return line


def test_version_and_owner_stand_in_the_header(path):
    header = path.read_bytes()[:100]
    assert int.from_bytes(header[60:64], "big") == len(schema.STEPS)
    assert int.from_bytes(header[68:72], "big") == schema.APPLICATION_ID
    assert header[68:72] == b"gAln"
    assert header[18:20] == b"\2\2"  # WAL


def test_only_the_store_is_left_in_the_folder(path):
    Store.read(path).close()
    assert [each.name for each in path.parent.iterdir()] == ["a.db"]


def other_program(path):
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE mine (a)")
    connection.commit()
    connection.close()


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.write_bytes(b""), "is empty and no store"),
        (lambda path: path.write_text("model,proxy,value\n" * 99), "nor any SQLite file"),
        (lambda path: path.write_bytes(b"SQLite format 3\0"), "nor any SQLite file"),
        (other_program, "of another program"),
        (lambda path: path.mkdir(), "is a folder"),
    ],
)
def test_what_is_no_store(tmp_path, way, make, said):
    make(tmp_path / "x.db")
    assert said in refused(way, tmp_path / "x.db")


def test_a_missing_store_is_made_only_where_that_was_asked_for(tmp_path):
    for name in ("open_existing", "read"):
        assert "no store" in refused(WAYS[name], tmp_path / "x.db")
    with pytest.raises(InputError, match=r"no folder .*nowhere' for the store 'x.db': make it"):
        Store.open(tmp_path / "nowhere" / "x.db")
    Store.open(tmp_path / "x.db").close()
    assert [each.name for each in tmp_path.iterdir()] == ["x.db"]


@pytest.mark.parametrize("where", ["file", "log"])
def test_a_newer_store_is_left_alone(path, way, where):
    connection = sqlite3.connect(path)
    if where == "log":  # a reader keeps the change from the file
        connection.execute("BEGIN")
        connection.execute("SELECT * FROM texts").fetchall()
    other = sqlite3.connect(path)
    other.execute("PRAGMA user_version = 99")
    other.close()
    if where == "file":
        connection.close()
    assert "is of version 99, and this gradalign knows up to 1" in refused(way, path)
    connection.close()


EXTRA = ("ALTER TABLE texts ADD COLUMN note TEXT", "UPDATE texts SET note = 'migrated'")


def notes(path):
    connection = sqlite3.connect(path)
    try:
        return {note for (note,) in connection.execute("SELECT note FROM texts")}
    finally:
        connection.close()


def test_an_older_store_is_read_and_merged_as_it_is_and_migrated_when_written(
    path, tmp_path, monkeypatch
):
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, EXTRA))
    before = snapshot(tmp_path)
    with Store.read(path) as store:
        assert len(store.frame()) == 200
        with pytest.raises(InputError, match="was opened to read"):
            store.add(many(1))
    (tmp_path / "new").mkdir()
    with Store.open(tmp_path / "new" / "b.db") as store:
        assert store.merge(path) == 200
        check_holds(store, sorted(many(200).records, key=lambda one: one.model))
    assert snapshot(tmp_path) == before | {"new": None}
    with Store.open(path) as store:
        store.add(many(201))
        assert int.from_bytes(path.read_bytes()[60:64], "big") == 2
        assert len(store) == 201
    assert notes(path) >= {"migrated"}


def test_a_migration_that_fails_leaves_the_old_store(path, monkeypatch):
    before = path.read_bytes()
    monkeypatch.setattr(schema, "STEPS", (*schema.STEPS, (*EXTRA, "NONSENSE")))
    with pytest.raises(GradalignError, match="NONSENSE"):
        Store.open(path)
    monkeypatch.undo()
    with Store.open(path) as store:
        assert len(store) == 200
    assert path.read_bytes() == before


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.999])
def test_a_truncated_store_is_damaged(path, way, share):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    line = refused(way, path)
    assert "is damaged" in line
    assert "restore a copy, or save what can be read with: sqlite3 a.db .recover" in line


@pytest.mark.parametrize("where", ["everywhere", "in the first page"])
def test_bytes_that_changed_are_told_in_one_line_if_at_all(path, where):
    """SQLite has no checksums: a number that is another one now cannot be told from a right one."""
    content, draw, told = path.read_bytes(), random.Random(3), 0
    for _ in range(150):
        damage = bytearray(content)
        for _ in range(draw.choice([1, 4, 40])):
            damage[draw.randrange(72, len(damage) if where == "everywhere" else 4096)] ^= (
                1 << draw.randrange(8)
            )
        path.write_bytes(damage)
        line = complaint(read_everything, path)
        assert line is None or ("is damaged" in line and "\n" not in line)
        assert snapshot(path.parent) == {"a.db": bytes(damage)}
        told += line is not None
    assert told > 50


def read_everything(path):
    with Store.read(path) as store:
        store.frame()
        store.recorded()
        assert store.protocols is not None


def complaint(function, path):
    """What it refuses a store with; None where it does not."""
    try:
        function(path)
    except InputError as error:
        return str(error)
    return None


def test_a_page_of_random_bytes_is_damage(path, way):
    content = bytearray(path.read_bytes())
    content[3 * 4096 : 4 * 4096] = random.Random(1).randbytes(4096)
    path.write_bytes(content)
    assert "is damaged" in refused(way, path)


LEAVE_A_LOG = """
import os, sys
from tests.store.records import many
from gradalign.store import Store
store = Store.open(sys.argv[1])
store.add(many(250))
os._exit(0)
"""


def test_what_a_dead_process_left_in_the_log_is_read_and_left_there(path):
    assert spawn(LEAVE_A_LOG, path).wait(60) == 0
    before = snapshot(path.parent)
    assert set(before) == {"a.db", "a.db-wal", "a.db-shm"}
    with Store.read(path) as store:
        assert len(store) == 250
    assert snapshot(path.parent) == before
    with Store.open(path) as store:
        assert len(store) == 250
    assert [each.name for each in path.parent.iterdir()] == ["a.db"]


@pytest.mark.parametrize("with_log", [False, True])
def test_a_read_only_file_system_is_read_and_not_written(tmp_path, with_log):
    with small_disk(tmp_path / "disk", "4m") as disk:
        path = disk / "a.db"
        with Store.open(path) as store:
            store.add(many(200))
        if with_log:
            assert spawn(LEAVE_A_LOG, path).wait(60) == 0
        make_read_only(disk)
        with Store.read(path) as store:
            assert len(store) == (250 if with_log else 200)
        assert "is read-only" in refused(Store.open, path)
        assert "is read-only" in refused(Store.open, disk / "new.db")


def test_a_file_that_must_not_be_read_or_written(path):
    path.chmod(0o400)
    try:
        with path.open("r+b"):
            pytest.skip("permission bits do not bind this user")
    except PermissionError:
        pass
    assert "is read-only" in refused(Store.open, path)
    with Store.read(path) as store:
        assert len(store) == 200
    path.chmod(0)
    with pytest.raises(InputError, match="cannot be read: change its permission"):
        Store.read(path)


def test_a_name_of_any_kind(tmp_path):
    path = tmp_path / "a ?mode=ro&x=1#%41 é.db"
    with Store.open(path) as store:
        store.add(many(1))
    with Store.read(path) as store:
        assert len(store) == 1
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_only_failures_then_a_value(tmp_path):
    """The id of `ok` is known to the rule before there is any value."""
    with Store.open(tmp_path / "a.db") as store:
        store.add(many(0))
        store.add(type(many(1))([failure("model 0")], many(1).protocols))
        store.add(many(1))
        check_holds(store, many(1).records)
