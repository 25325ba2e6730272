"""A store holds what was added, by one rule."""

import json
import math
import sqlite3
from dataclasses import fields, replace
from typing import get_args

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.store.records import (
    CONDITIONS,
    check_holds,
    failure,
    kept,
    key,
    many,
    record,
    scores,
    snapshot,
    spawn,
)

from gradalign.errors import InputError, Status
from gradalign.record import Score, Scores
from gradalign.store import Store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "a.db"


texts = st.text(max_size=6)
few = st.sampled_from(["a", "B", "é", "nb201:|x|", "", "\0", "'; DROP TABLE records"])
floats = st.floats(allow_nan=False)
seconds = st.floats(0, allow_nan=False)
shared = {
    "model": few,
    "proxy": st.sampled_from(["p", "q"]),
    "seed": st.sampled_from([0, 1, 2**63 - 1]),
    "protocol": st.sampled_from(["h", "g"]),
    "seconds": seconds,
    "pass_seconds": seconds,
    "peak_bytes": st.none() | st.integers(0, 2**53),
    "device": texts,
    "backend": st.none() | texts,
    "canonical": st.none() | texts,
}
values = st.builds(Score, value=floats, stderr=st.none() | floats, **shared)
failures = st.builds(
    Score,
    value=st.none(),
    status=st.sampled_from([status for status in get_args(Status) if status != "ok"]),
    reason=texts,
    **shared,
)
batches = st.lists(st.lists(values | failures, max_size=8), max_size=4)


def flat(lists):
    return [one for own in lists for one in own]


@settings(max_examples=40, deadline=None)
@given(first=batches, second=batches)
def test_it_holds_what_a_dict_by_the_rule_holds(tmp_path_factory, first, second):
    folder = tmp_path_factory.mktemp("store")
    with Store.open(folder / "a.db") as store, Store.open(folder / "b.db") as other:
        for batch in first:
            store.add(scores(*batch))
        check_holds(store, kept(flat(first)))
        for batch in second:
            other.add(scores(*batch))
        before, theirs = kept(flat(first)), kept(flat(second))
        after = kept(before + theirs)
        assert store.merge(folder / "b.db") == sum(one not in before for one in after)
        check_holds(store, after)
        assert store.merge(folder / "b.db") == 0
        check_holds(store, after)
    with Store.read(folder / "a.db") as again:
        check_holds(again, after)


@pytest.mark.parametrize(
    ("added", "stays"),
    [
        ([record(value=1.0), record(value=2.0)], record(value=1.0)),
        ([record(value=1.0), failure()], record(value=1.0)),
        ([failure(), record(value=2.0)], record(value=2.0)),
        ([failure(status="timeout"), failure(status="nan")], failure(status="nan")),
    ],
)
@pytest.mark.parametrize("at_once", [False, True])
def test_the_first_value_stays_and_a_failure_gives_way(path, added, stays, at_once):
    with Store.open(path) as store:
        for batch in [added] if at_once else [[one] for one in added]:
            store.add(scores(*batch))
        check_holds(store, [stays])


@pytest.mark.parametrize("different", ["model", "proxy", "protocol", "seed"])
def test_each_part_of_the_key_counts(path, different):
    other = replace(record(), **{different: 7 if different == "seed" else "other"})
    with Store.open(path) as store:
        store.add(scores(record(), other))
        assert len(store) == 2


@pytest.mark.parametrize("value", [-0.0, 5e-324, 1.7976931348623157e308, 0.1, math.inf])
def test_floats_are_kept_bit_for_bit(path, value):
    with Store.open(path) as store:
        store.add(scores(record(value=value, stderr=value, seconds=value)))
        check_holds(store, [record(value=value, stderr=value, seconds=value)])


@pytest.mark.parametrize(
    "peaks", [(None, None), (None, 3), (2**53 + 1, 2**62)], ids=["none", "some", "all"]
)
def test_peak_bytes_are_as_in_a_frame_of_scores(path, peaks):
    records = [record(f"m{k}", peak_bytes=peak) for k, peak in enumerate(peaks)]
    with Store.open(path) as store:
        store.add(scores(*records))
        check_holds(store, records)


def test_a_failed_add_leaves_nothing_behind(path):
    with Store.open(path) as store:
        store.add(many(3))
        with pytest.raises(InputError, match="seed 9223372036854775808 does not fit"):
            store.add(scores(record("new model"), record("other", seed=2**63)))
        check_holds(store, many(3).records)
        store.add(scores(record("new model")))  # whose id was given before and is not known now
        assert ("new model", 0) in store.recorded()


def test_half_a_surrogate_pair_is_spelled_out(path):
    with Store.open(path) as store:
        store.add(scores(failure(reason="no file '\udcff'")))
        assert store.frame()["reason"].item() == r"no file '\udcff'"


def test_some_models_can_be_asked_for(path):
    records = [
        record("a", stderr=0.1),
        failure("a", "q", canonical="c"),
        record('it\'s "b"', value=-0.0, seed=1, peak_bytes=7, backend="hooks"),
        record("c", value=float("inf")),
    ]
    with Store.open(path) as store:
        store.add(scores(*records))
        for chosen in (
            {"a"},
            {'it\'s "b"', "c"},
            {"none"},
            set(),
            {f"m{k}" for k in range(40_000)},
        ):
            found = store.scores(chosen)
            assert sorted(found.records, key=key) == sorted(
                (each for each in records if each.model in chosen), key=key
            )
            assert found.protocols == store.protocols
            assert store.recorded(chosen) == {
                network: own for network, own in store.recorded().items() if network[0] in chosen
            }


def test_texts_are_found_again_however_many_there_were(path, monkeypatch):
    monkeypatch.setattr("gradalign.store.writer._MOST_TEXTS", 3)
    with Store.open(path) as store:
        for start in (0, 2, 4):
            store.add(many(6, start))
        check_holds(store, many(10).records)


def test_recorded_tells_every_status(path):
    with Store.open(path) as store:
        store.add(scores(record("a"), failure("a", "q"), record("a", seed=1), record("b")))
        assert store.recorded() == {
            ("a", 0): {("p", "h"): "ok", ("q", "h"): "error"},
            ("a", 1): {("p", "h"): "ok"},
            ("b", 0): {("p", "h"): "ok"},
        }


def test_the_frame_of_some_protocols_and_proxies(path):
    records = [record(proxy=p, protocol=h) for h in "gh" for p in ("p", "q")]
    with Store.open(path) as store:
        store.add(scores(*records))
        for protocols in (None, [], ["g"], ["g", "h", "unknown"]):
            for proxies in (None, [], ["q"], ["p", "q"]):
                wanted = [
                    one
                    for one in sorted(records, key=lambda one: (one.proxy, one.protocol))
                    if (protocols is None or one.protocol in protocols)
                    and (proxies is None or one.proxy in proxies)
                ]
                frame = store.frame(protocols=protocols, proxies=proxies)
                pd.testing.assert_frame_equal(frame, Scores(wanted, {}).to_frame())


def test_conditions_come_back_and_must_stay_the_same(path):
    with Store.open(path) as store:
        store.add(scores(record(), conditions={"h": {"a": (1, 2), "b": None}}))
        store.add(scores(record(), conditions={"h": {"b": None, "a": [1, 2]}}))
        assert store.protocols == {"h": {"a": [1, 2], "b": None}}
        with pytest.raises(InputError, match="'h' in the store and those given now differ"):
            store.add(scores(record("n"), conditions={"h": {"a": [1, 3], "b": None}}))
        with pytest.raises(InputError, match="conditions of protocol 'k' are not given"):
            store.add(scores(record(protocol="k"), conditions={"h": {"a": [1, 2], "b": None}}))
        assert len(store) == 1


def test_merge_refuses_other_conditions_and_changes_nothing(tmp_path):
    with Store.open(tmp_path / "a.db") as store:
        store.add(many(2))
        with Store.open(tmp_path / "b.db") as other:
            other.add(scores(record("new"), conditions={"h": {"norm": "sample"}}))
        with pytest.raises(InputError, match=r"those in '.*b\.db' differ"):
            store.merge(tmp_path / "b.db")
        check_holds(store, many(2).records)


def test_merge_leaves_the_other_alone(tmp_path):
    for name, start in (("a", 0), ("b", 3)):
        with Store.open(tmp_path / f"{name}.db") as store:
            store.add(many(5, start))
    before = snapshot(tmp_path)
    with Store.open(tmp_path / "c.db") as store:
        assert [store.merge(tmp_path / f"{name}.db") for name in "aba"] == [5, 3, 0]
        assert store.merge(tmp_path / "c.db") == 0
        assert len(store) == 8
    assert {name: snapshot(tmp_path)[name] for name in before} == before


def test_reading_sees_what_a_writer_adds_and_adds_nothing(path):
    with Store.open(path) as store, Store.read(path) as reader:
        store.add(many(3))
        check_holds(reader, many(3).records)
        with pytest.raises(InputError, match="was opened to read"):
            reader.add(many(1))


OPEN_AND_CLOSE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT * FROM texts").fetchall()
connection.close()
"""


def test_a_second_reader_here_does_not_open_the_file_to_other_processes(path):
    """A file closed here would drop all locks on it; the next process to close deletes the log."""
    with Store.open(path) as store:
        store.add(many(2))
        Store.read(path).close()
        Store.open(path).close()
        process = spawn(OPEN_AND_CLOSE, path)
        assert process.communicate(timeout=60) == ("", "")
        store.add(many(4))
    with Store.read(path) as again:
        check_holds(again, many(4).records)


WRITE = """
import sys
from tests.store.records import many, failure, scores
from gradalign.store import Store
path, start = sys.argv[1], int(sys.argv[2])
with Store.open(path) as store:
    for k in range(60):
        store.add(scores(failure(f"model {k + start}", reason="first")))
        store.add(many(1, start + k))
"""


def test_two_processes_make_and_fill_one_store(path):
    processes = [spawn(WRITE, path, start) for start in (0, 30)]
    for process in processes:
        out, error = process.communicate(timeout=120)
        assert (process.returncode, out, error) == (0, "", "")
    with Store.read(path) as store:
        expected = sorted(many(90).records, key=lambda one: one.model)
        check_holds(store, expected)


def test_people_can_read_it_with_sql(path):
    with Store.open(path) as store:
        store.add(scores(record(canonical="c", backend="hooks"), failure(proxy="q", seed=3)))
        frame = store.frame()
    with sqlite3.connect(path) as connection:
        view = pd.read_sql("SELECT * FROM scores ORDER BY model, proxy", connection)
        (conditions,) = connection.execute("SELECT conditions FROM protocols").fetchone()
    connection.close()
    assert list(view) == [field.name for field in fields(Score)]
    pd.testing.assert_frame_equal(view.astype({"stderr": float}), frame, check_dtype=False)
    assert json.loads(conditions) == CONDITIONS
