"""Whatever kills a sweep, going on gives the records of one that nothing disturbed."""

import os
import random
import signal
import subprocess
import sys
import time

import psutil
import pytest
from tests.cli.commands import SMALL

from gradalign.cli.sweep import sampled
from gradalign.spaces import SPACES
from gradalign.store import Store

NETWORKS = 400
KILLS = 10
MEASURED = ["model", "proxy", "protocol", "seed", "value", "stderr", "status", "canonical"]


def sweep(folder, db: str) -> subprocess.Popen:
    command = "from gradalign.cli import main; main()"
    options = [*SMALL, "--proxies", "gradalign_i,gradalign_ii,params", "--workers", "2"]
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            command,
            "sweep",
            "nb201",
            "--archs",
            "archs.txt",
            "--db",
            db,
            *options,
            "--resume",
            "--quiet",
            "--format",
            "json",
        ],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def recorded(path) -> int:
    if not path.exists() or path.stat().st_size == 0:
        return 0
    with Store.read(path) as store:
        return len(store)


def worker_of(owner: psutil.Process) -> psutil.Process | None:
    """A process that measures: a child of the fork server."""
    found = [child for child in owner.children(recursive=True) if child.ppid() != owner.pid]
    return random.choice(found) if found else None


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_kills_at_random_moments_lose_and_double_nothing(tmp_path):
    archs = sampled(SPACES["nb201"], NETWORKS, seed=0)
    (tmp_path / "archs.txt").write_text("\n".join(archs))
    assert sweep(tmp_path, "calm.db").wait() in (0, 1)
    path = tmp_path / "killed.db"
    rng = random.Random(os.getpid())
    running = sweep(tmp_path, "killed.db")
    killed = {"owner": 0, "worker": 0}
    while sum(killed.values()) < KILLS:
        # a share of the way to the next kill, so that all of them fall within the sweep
        goal = (sum(killed.values()) + rng.random()) * 3 * NETWORKS / (KILLS + 1)
        while running.poll() is None and recorded(path) < goal:
            time.sleep(0.02)
        assert running.poll() is None, running.communicate()
        if rng.random() < 0.5:
            running.kill()
            running.wait()
            killed["owner"] += 1
            running = sweep(tmp_path, "killed.db")
        elif (victim := worker_of(psutil.Process(running.pid))) is not None:
            os.kill(victim.pid, signal.SIGKILL)
            killed["worker"] += 1
    assert running.wait() in (0, 1)
    frames = []
    for name in ("calm.db", "killed.db"):
        with Store.read(tmp_path / name) as store:
            frames.append(store.frame()[MEASURED])
    calm, disturbed = frames
    assert len(calm) == 3 * NETWORKS
    assert disturbed.equals(calm), killed
