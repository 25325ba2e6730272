"""Networks that hang, take memory without end, or kill their process: each is one record."""

import os
import signal

import psutil
import pytest

from gradalign.errors import InputError
from gradalign.sweep import Limits, LocalPool, Plan, score_in_processes
from gradalign.sweep.process import ATTEMPTS
from gradalign.sweep.worker import Task

BAD = """
import os, signal, sys, time
import torch
from torch import nn

def small():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 10))

def sleeping():
    time.sleep(1000)

def spinning():
    while True:
        pass

def hoarding():
    held = []
    while True:
        held.append(torch.ones(4_000_000))

def too_large():
    return torch.empty(10**15)

def leaving():
    os._exit(7)

def quitting():
    sys.exit(3)

def stabbing():
    os.kill(os.getpid(), signal.SIGKILL)

def crashing():
    os.kill(os.getpid(), signal.SIGSEGV)

def once():
    with open(__file__ + ".count", "a") as file:
        file.write("x")
    if os.path.getsize(__file__ + ".count") == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return small()

def printing():
    print("on stdout")
    os.write(1, b"on descriptor 1")
    return small()
"""
PLAN = Plan(proxies=("params",), batch_size=2, input_size=(3, 8, 8), device="cpu")


@pytest.fixture
def nets(tmp_path):
    path = tmp_path / "nets.py"
    path.write_text(BAD)
    return path


def records(path, names, **options):
    """The one record of each factory of the file, in order."""
    models = [f"{path}:{name}" for name in names]
    found = dict(score_in_processes(models, PLAN, **options))
    scores = [found[place]["params"] for place in range(len(models))]
    assert [record.model for record in scores] == models
    assert {record.protocol for record in scores} == {PLAN.scorer().protocol_of["params"]}
    return scores


@pytest.mark.parametrize(
    ("name", "status", "reason"),
    [
        ("sleeping", "timeout", "took more than 4 s"),
        ("spinning", "timeout", "took more than 4 s"),
        ("hoarding", "out_of_memory", "took more than 0.3 GB of memory"),
        ("too_large", "out_of_memory", "memory"),
        ("leaving", "error", "exited with code 7"),
        ("quitting", "error", "exited with code 3"),
        ("stabbing", "error", f"was killed {ATTEMPTS} times (SIGKILL)"),
        ("crashing", "error", f"was killed {ATTEMPTS} times (SIGSEGV)"),
    ],
)
def test_a_bad_network_is_one_clear_record_and_the_next_is_scored(nets, name, status, reason):
    limits = Limits(timeout=4.0 if status == "timeout" else 60.0, max_memory=300_000_000)
    bad, good = records(nets, [name, "small"], workers=1, limits=limits)
    assert (bad.status, bad.value) == (status, None)
    assert reason in (bad.reason or "")
    assert "\n" not in (bad.reason or "")
    assert (good.status, good.value) == ("ok", 1930)


def test_a_network_whose_process_was_killed_once_is_tried_again(nets):
    (record,) = records(nets, ["once"], workers=1)
    assert (record.status, record.value) == ("ok", 1930)
    assert nets.with_name("nets.py.count").read_text() == "xx"


def test_the_time_of_starting_a_worker_is_not_the_network_s(nets):
    """A new process takes seconds to import torch where no fork server has done so yet."""
    (record,) = records(nets, ["small"], workers=1, limits=Limits(timeout=2))
    assert record.status == "ok"


def test_what_a_network_prints_is_not_among_the_results(nets, capfd):
    (record,) = records(nets, ["printing"], workers=1)
    assert record.status == "ok"
    assert capfd.readouterr().out == ""


def test_a_worker_killed_from_outside_loses_and_doubles_nothing(nets):
    tasks = [Task(f"{nets}:small", seed) for seed in range(40)]
    found = []
    for place, scores in LocalPool(PLAN, workers=2).run(tasks):
        found.append(place)
        assert scores["params"].status == "ok"
        if len(found) in (1, 5, 20):
            for child in psutil.Process().children(recursive=True):
                with_a_pipe = child.ppid() != os.getpid()  # a worker, not the fork server
                if with_a_pipe:
                    os.kill(child.pid, signal.SIGKILL)
                    break
    assert sorted(found) == list(range(40))


def test_limits_must_be_above_zero():
    with pytest.raises(InputError, match="time limit of 0 s"):
        Limits(timeout=0)
    with pytest.raises(InputError, match="memory limit of -1 bytes"):
        Limits(max_memory=-1)


def test_workers_share_the_free_memory():
    one, four = Limits.fair_share(1), Limits.fair_share(4)
    assert 0 < four < one <= psutil.virtual_memory().total


def test_a_hanging_worker_ends_with_its_owner(nets, tmp_path):
    """Also where the owner has no time to say goodbye."""
    script = tmp_path / "owner.py"
    script.write_text(
        "import sys\n"
        "from gradalign.sweep import Plan, score_in_processes\n"
        "if __name__ == '__main__':\n"
        "    plan = Plan(proxies=('params',), batch_size=2, input_size=(3, 8, 8), device='cpu')\n"
        "    models = [sys.argv[1] + ':small', sys.argv[1] + ':spinning']\n"
        "    for _ in score_in_processes(models, plan, workers=1):\n"
        "        print('one', flush=True)\n"
    )
    import subprocess
    import sys

    owner = subprocess.Popen([sys.executable, script, nets], stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    assert owner.stdout.readline() == "one\n"
    family = psutil.Process(owner.pid).children(recursive=True)
    assert family
    owner.kill()
    owner.wait()
    gone, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    assert len(gone) == len(family)
