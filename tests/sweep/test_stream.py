"""Sweeps of streams, whose slices know of each other."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from tests.sweep.instant import Instant
from tests.sweep.nets import CONV, DEAD, LARGER, OTHER, PLAN, SAME

from gradalign.errors import InputError
from gradalign.store import Store
from gradalign.sweep import run, sweep

MODELS = [CONV, OTHER, CONV, SAME, DEAD, f" {OTHER} ", SAME, LARGER]
"""With doubles, and a twin."""


@pytest.fixture
def store(tmp_path):
    with Store.open(tmp_path / "sweep.db") as opened:
        yield opened


def counts(summary) -> tuple[int, ...]:
    return (summary.asked, summary.already, summary.to_measure, summary.measured, summary.shared)


@pytest.mark.parametrize("behind", [0, 1, 5])
@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_slices_of_any_size_come_to_the_same(store, monkeypatch, size, behind):
    """Also where a twin comes while the first of its network is being measured, or before."""
    monkeypatch.setattr(run, "SLICE", size)
    executor = Instant(PLAN, behind)
    summary = sweep(iter(MODELS), PLAN, store, seeds=(0, 1), executor=executor)
    assert counts(summary) == (10, 0, 8, 8, 2)
    assert summary.total is None
    assert {(task.model, task.seed) for task in executor.tasks} == {
        (model, seed) for model in (CONV, OTHER, DEAD, LARGER) for seed in (0, 1)
    }
    frame = store.frame().set_index(["model", "proxy", "seed"])
    assert len(frame) == 5 * 2 * len(PLAN.proxies)
    assert (frame.loc[SAME, "value"] == frame.loc[CONV, "value"]).all()
    assert (frame.loc[SAME, "canonical"] == frame.loc[CONV, "canonical"]).all()


@pytest.mark.parametrize("size", [1, 100])
def test_going_on_in_other_slices_measures_what_lacks(store, monkeypatch, size):
    monkeypatch.setattr(run, "SLICE", size)
    less = replace(PLAN, proxies=("params",))
    sweep(iter([SAME]), less, store, executor=Instant(less))
    sweep(iter([CONV]), PLAN, store, executor=Instant(PLAN))
    executor = Instant(PLAN, behind=3)
    summary = sweep(iter([SAME, DEAD, CONV]), PLAN, store, executor=executor)
    frame = store.frame()
    assert set(frame.groupby("model")["proxy"].nunique()) == {3}
    assert summary.done == summary.asked == 3
    asked = {(task.model, task.proxies) for task in executor.tasks} - {(DEAD, PLAN.proxies)}
    # a slice that knows of `CONV` has what `SAME` lacks, one that does not measures that alone
    assert asked == ({(SAME, PLAN.proxies[:2])} if size == 1 else set())


def test_a_twin_gets_at_once_what_is_not_being_measured(store, monkeypatch):
    """`CONV` has one score and two are under way when `SAME` comes, which has none."""
    monkeypatch.setattr(run, "SLICE", 1)
    less = replace(PLAN, proxies=("params",))
    sweep(iter([CONV]), less, store, executor=Instant(less))
    executor = Instant(PLAN, behind=5)
    sweep(iter([CONV, SAME]), PLAN, store, executor=executor)
    assert [(task.model, task.proxies) for task in executor.tasks] == [(CONV, PLAN.proxies[:2])]
    frame = store.frame().set_index(["model", "proxy"])
    assert len(frame) == 6
    assert (frame.loc[SAME, "value"] == frame.loc[CONV, "value"]).all()


@pytest.mark.parametrize("behind", [0, 5])
def test_what_failed_again_is_not_measured_once_more_under_a_twin(store, monkeypatch, behind):
    monkeypatch.setattr(run, "SLICE", 1)
    sweep(iter([CONV]), PLAN, store, executor=Instant(PLAN, fails=True))
    executor = Instant(PLAN, behind, fails=True)
    summary = sweep(iter([CONV, SAME]), PLAN, store, retry=True, executor=executor)
    assert counts(summary) == (2, 0, 1, 1, 1)
    assert dict(summary.failures) == {"error": 1}
    assert [task.model for task in executor.tasks] == [CONV]
    assert len(store) == 6
    sweep(iter([CONV, SAME]), PLAN, store, retry=True, executor=Instant(PLAN))
    assert set(store.frame()["status"]) == {"ok"}


def test_a_malformed_architecture_of_a_stream_is_told_in_its_turn(store, monkeypatch):
    monkeypatch.setattr(run, "SLICE", 1)
    with pytest.raises(InputError, match="malformed nb201 architecture"):
        sweep(iter([CONV, "nb201:|oops|"]), PLAN, store, executor=Instant(PLAN))
    assert len(store) == len(PLAN.proxies)


def test_the_length_of_a_stream_is_the_total(store):
    summary = sweep(iter([CONV, OTHER]), PLAN, store, seeds=(0, 1), total=2, executor=Instant(PLAN))
    assert summary.total == summary.done == 4


def test_networks_are_pulled_slice_by_slice(store, monkeypatch):
    monkeypatch.setattr(run, "SLICE", 2)
    pulled = []

    def models():
        for model in (CONV, OTHER, DEAD, LARGER):
            pulled.append(model)
            yield model

    seen = []
    sweep(
        models(),
        PLAN,
        store,
        executor=Instant(PLAN),
        progress=lambda now: seen.append((now.measured, len(pulled))),
    )
    assert seen == [(1, 2), (2, 2), (3, 4), (4, 4)]


def streamed(*options: str) -> dict[str, object]:
    command = [sys.executable, "-m", "bench.stream", *options]
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.parametrize("owner", [("--owner",), ()])
def test_memory_does_not_grow_with_the_number_of_networks(owner):
    found = streamed("--networks", "20000" if owner else "8000", *owner)
    assert found["measured"] == found["asked"] * 9 // 10
    assert found["owner_peak_megabytes"] < 500
    # after the first slices all buffers are there: what grows by 100 bytes a network is seen
    memory = found["owner_megabytes"]
    assert memory[-1] - memory[4] <= 2 + (4 if owner else 0)
