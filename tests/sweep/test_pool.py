"""Scores from several processes."""

import multiprocessing
import os
import signal
import threading
import time

import psutil
import pytest
from tests.sweep.nets import PLAN

from gradalign.errors import InputError
from gradalign.record import Scores
from gradalign.sweep import LocalPool, Plan, score_in_processes
from gradalign.sweep.process import _interrupts_held
from gradalign.sweep.worker import Task

ARCHS = (
    "nb201:|nor_conv_1x1~0|+|none~0|skip_connect~1|+|none~0|none~1|avg_pool_3x3~2|",
    "nb201:|nor_conv_1x1~0|+|nor_conv_1x1~0|none~1|+|skip_connect~0|none~1|none~2|",
    "nb201:|none~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
)
KILLER = """
import os
from torch import nn

def dying():
    os._exit(9)

def raising():
    raise RuntimeError("no such layer")

def small():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 10))
"""


def collected(models, plan, **options) -> list[Scores]:
    found = dict(score_in_processes(models, plan, **options))
    assert sorted(found) == list(range(len(models)))
    return [found[place] for place in range(len(models))]


def test_equals_scoring_in_this_process():
    here = [PLAN.scorer().attempt(PLAN.candidate(arch), seed=3) for arch in ARCHS]
    there = collected(ARCHS, PLAN, seed=3, workers=2)
    for ours, theirs in zip(here, there, strict=True):
        assert [r.value for r in ours] == [r.value for r in theirs]
        assert [(r.model, r.proxy, r.protocol, r.status) for r in ours] == [
            (r.model, r.proxy, r.protocol, r.status) for r in theirs
        ]
        assert ours.protocols == theirs.protocols


def test_a_process_that_dies_is_a_record_and_the_rest_go_on(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(KILLER)
    models = [f"{path}:{name}" for name in ("small", "dying", "raising", "small")]
    plan = Plan(proxies=("params",), batch_size=2, input_size=(3, 8, 8), device="cpu")
    good, dead, raised, again = (scores["params"] for scores in collected(models, plan, workers=1))
    assert (good.status, again.status) == ("ok", "ok")
    assert good.value == again.value == 1930
    assert dead.status == "error"
    assert dead.model == models[1]
    assert "the worker process exited with code 9" in (dead.reason or "")
    assert dead.protocol == good.protocol
    assert raised.status == "error"
    assert "RuntimeError: no such layer" in (raised.reason or "")


def test_stopping_early_ends_the_processes():
    results = score_in_processes(ARCHS * 20, PLAN, workers=2)
    next(results)
    assert multiprocessing.active_children()
    results.close()
    assert not multiprocessing.active_children()


def test_more_workers_than_networks_start_no_more_than_needed():
    results = score_in_processes(ARCHS[:1], PLAN, workers=8)
    next(results)
    assert len(multiprocessing.active_children()) == 1
    assert list(results) == []


@pytest.mark.parametrize(
    ("plan", "workers", "said"),
    [
        (PLAN, 0, "0 workers"),
        (Plan(proxies=("gradalign_iii",)), 1, "did you mean"),
        (Plan(device="tpu9"), 1, "device 'tpu9'"),
        (Plan(data="npz:/nowhere.npz"), 1, "no file '/nowhere.npz'"),
    ],
)
def test_an_error_in_the_plan_is_told_at_once(plan, workers, said):
    with pytest.raises(InputError, match=said):
        next(score_in_processes(ARCHS, plan, workers=workers))
    assert not multiprocessing.active_children()


def test_a_malformed_network_is_a_record():
    (scores,) = collected(["nb201:|oops|"], PLAN, workers=1)
    assert {record.status for record in scores} == {"error"}
    assert "malformed nb201 architecture" in (scores["params"].reason or "")


def test_processes_stay_between_two_runs():
    with LocalPool(PLAN, workers=1) as pool:
        first = dict(pool.run([Task(ARCHS[0], 3)]))
        (process,) = multiprocessing.active_children()
        again = dict(pool.run([Task(ARCHS[1], 3), Task(ARCHS[0], 3)]))
        assert multiprocessing.active_children() == [process]
        assert [r.value for r in again[1]] == [r.value for r in first[0]]
    assert not multiprocessing.active_children()


def test_a_process_that_died_while_idle_costs_no_network_anything(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(KILLER)
    plan = Plan(proxies=("params",), batch_size=2, input_size=(3, 8, 8), device="cpu")
    with LocalPool(plan, workers=1) as pool:
        assert len(list(pool.run([Task(f"{path}:small")]))) == 1
        (process,) = multiprocessing.active_children()
        process.terminate()
        process.join()
        assert [found["params"].status for _, found in pool.run([Task(f"{path}:small")])] == ["ok"]


def test_tasks_are_pulled_no_more_than_a_bounded_number_ahead():
    pulled = []

    def tasks():
        for seed in range(400):
            pulled.append(seed)
            yield Task(ARCHS[2], seed, ("params",))

    ahead = []
    for done, _ in enumerate(LocalPool(PLAN, workers=2).run(tasks())):
        ahead.append(len(pulled) - done)
    assert len(ahead) == 400
    assert max(ahead) <= 2 * (1 + 64) + 64  # in both pipes, and what has arrived together


def test_what_waits_behind_a_network_that_dies_is_done_by_others(tmp_path):
    """Short ones fill the pipe of each process before the bad one comes."""
    path = tmp_path / "nets.py"
    path.write_text(KILLER)
    plan = Plan(proxies=("params",), batch_size=2, input_size=(3, 8, 8), device="cpu")
    names = ["small"] * 150 + ["dying"] + ["small"] * 150
    found = collected([f"{path}:{name}" for name in names], plan, workers=2)
    assert [k for k, scores in enumerate(found) if scores["params"].status != "ok"] == [150]
    assert "exited with code 9" in (found[150]["params"].reason or "")


def test_an_interrupt_while_a_process_starts_is_not_lost():
    """Whichever thread takes it: there is one here that blocks nothing."""
    over = threading.Event()
    threading.Thread(target=over.wait, daemon=True).start()
    reached = []

    def start():
        with _interrupts_held():
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(0.1)
            reached.append(True)

    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        start()
    over.set()
    assert reached
    assert signal.getsignal(signal.SIGINT) is before
    with _interrupts_held():
        pass  # and nothing is raised where none came


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="needs POSIX")
def test_interrupts_that_reach_the_processes_stop_none_of_them():
    with LocalPool(PLAN, workers=2) as pool:
        statuses = []
        for _, scores in pool.run([Task(ARCHS[0], seed) for seed in range(12)]):
            statuses += [record.status for record in scores]
            for child in psutil.Process().children(recursive=True):
                child.send_signal(signal.SIGINT)
        assert set(statuses) == {"ok"}
        assert len(statuses) == 36
