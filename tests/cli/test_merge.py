"""`gradalign merge`."""

import csv
import io

import pytest
from tests.store.records import CONDITIONS, failure, many, record, scores, snapshot

from gradalign.store import Store


@pytest.fixture
def stores(tmp_path):
    """Three stores: `b.db` mends one record of `a.db`, `other.db` has other conditions."""
    contents = {
        "a.db": scores(*many(3).records, failure("broken")),
        "b.db": scores(*many(5, 1).records, record("broken")),
        "other.db": scores(record(), conditions={"h": CONDITIONS | {"norm": "sample"}}),
    }
    for name, own in contents.items():
        with Store.open(tmp_path / name) as store:
            store.add(own)
    return tmp_path


SOURCES = [
    {"path": "a.db", "records": 4, "taken_over": 4},
    {"path": "b.db", "records": 6, "taken_over": 4},
]


def test_json_and_the_new_store(gradalign, stores):
    before = snapshot(stores)
    done = gradalign("merge", "a.db", "b.db", "--into", "c.db", "--format", "json")
    assert (done.code, done.err) == (0, "")
    assert done.document == {"into": "c.db", "records": 7, "sources": SOURCES}
    assert {name: snapshot(stores)[name] for name in before} == before
    with Store.read(stores / "c.db") as store:
        assert store.recorded()["broken", 0] == {("p", "h"): "ok"}


def test_csv_and_an_old_store(gradalign, stores):
    gradalign("merge", "a.db", "--into", "c.db")
    done = gradalign("merge", "a.db", "b.db", "--into", "c.db", "--format", "csv")
    rows = [{name: str(value) for name, value in row.items()} for row in SOURCES]
    rows[0]["taken_over"] = "0"
    assert list(csv.DictReader(io.StringIO(done.out))) == rows


def test_the_table(gradalign, stores):
    done = gradalign("merge", "a.db", "b.db", "--into", "c.db")
    header, _, first, second, *_ = done.out.splitlines()
    assert header.split() == ["path", "records", "taken", "over"]
    assert (first.split(), second.split()) == (["a.db", "4", "4"], ["b.db", "6", "4"])
    assert "'c.db' holds 7 records." in done.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.db", "absent.db", "--into", "c.db"), "no store 'absent.db'"),
        (("a.db", "text.db", "--into", "c.db"), "nor any SQLite file"),
        (("a.db", "--into", "text.db"), "nor any SQLite file"),
        (("a.db", "--into", "nowhere/c.db"), "no folder 'nowhere'"),
        (("a.db", "other.db", "--into", "b.db"), "those in 'other.db' differ"),
        (("a.db",), "--into"),
        (("--into", "c.db"), "missing argument"),
    ],
)
def test_bad_input_is_one_line(gradalign, stores, arguments, said):
    (stores / "text.db").write_text("model,proxy\n" * 99)
    done = gradalign("merge", *arguments)
    assert (done.code, done.out) == (2, "")
    assert said in done.complaint
    assert not (stores / "c.db").exists()
    assert (stores / "text.db").read_text() == "model,proxy\n" * 99
