"""Whatever dies during a sweep on a cluster: the records are those of an undisturbed one here."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sweep.clusters import actors, cluster_of, pool_processes

from gradalign.cli.sweep import sampled
from gradalign.spaces import SPACES
from gradalign.store import Store
from gradalign.sweep import Plan, sweep

PLAN = Plan(
    proxies=("gradalign_i", "gradalign_ii", "params"),
    batch_size=8,
    input_size=(16,),
    build=(("channels", "4"), ("cells", "1")),
    device="cpu",
)
NETWORKS = 300
RECORDS = len(PLAN.proxies) * NETWORKS
TIMES = ["seconds", "pass_seconds"]

OWNER = """
import sys
from pathlib import Path
from gradalign.store import Store
from gradalign.sweep import sweep
from gradalign.sweep.cluster import RayCluster
from tests.sweep.test_cluster_kills import PLAN

if __name__ == "__main__":
    models, db, address = sys.argv[1:]
    names = Path(models).read_text().splitlines()
    with Store.open(db) as store, RayCluster(PLAN, address=address) as cluster:
        sweep(names, PLAN, store, executor=cluster)
"""


def owner(folder: Path, address: str) -> subprocess.Popen:
    script = folder / "owner.py"
    script.write_text(OWNER)
    return subprocess.Popen(
        [sys.executable, str(script), str(folder / "models.txt"), str(folder / "a.db"), address],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        stderr=subprocess.PIPE,
        text=True,
    )


def recorded(path: Path) -> int:
    if not path.exists() or path.stat().st_size == 0:
        return 0
    with Store.read(path) as store:
        return len(store)


def reach(goal: int, path: Path, running: subprocess.Popen) -> None:
    """Wait until so many records are there, while the owner is at work."""
    while recorded(path) < goal:
        assert running.poll() is None, running.communicate()
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_node_a_worker_a_process_and_the_owner_are_killed(tmp_path):
    names = sampled(SPACES["nb201"], NETWORKS, seed=0)
    (tmp_path / "models.txt").write_text("\n".join(names))
    with Store.open(tmp_path / "calm.db") as store:
        sweep(names, PLAN, store, workers=1)
        calm = store.frame().drop(columns=TIMES)
    path = tmp_path / "a.db"
    with cluster_of(3) as cluster:

        def kill_a_node() -> None:
            cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)

        def kill_a_worker() -> None:
            actors()[0].kill()

        def kill_a_pool_process() -> None:
            pool_processes()[0].kill()

        running = owner(tmp_path, cluster.address)
        disturbances: list[Callable[[], None]] = [kill_a_node, kill_a_worker, kill_a_pool_process]
        for order, kill in enumerate(disturbances, start=1):
            reach(RECORDS * order // 6, path, running)
            kill()
        reach(RECORDS * 4 // 6, path, running)
        running.kill()
        running.communicate()
        assert recorded(path) < RECORDS
        running = owner(tmp_path, cluster.address)
        _, complaints = running.communicate()
        assert running.returncode == 0, complaints
    with Store.read(path) as store:
        disturbed = store.frame().drop(columns=TIMES)
    assert len(calm) == RECORDS
    assert disturbed.equals(calm)
