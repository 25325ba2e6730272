"""`python -m bench.cluster`: what a Ray cluster of this machine costs beside its local pool.

The same small networks of NAS-Bench-201 are measured by `RayCluster` and by `LocalPool` with as
many workers, in turns, both started before. Small networks are the hard case: what a message costs
is large beside them. The start of each is given apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

from gradalign.cli.sweep import sampled
from gradalign.spaces import SPACES
from gradalign.sweep import LocalPool, Plan
from gradalign.sweep.cluster import RayCluster
from gradalign.sweep.executor import Executor
from gradalign.sweep.worker import Task

PLAN = Plan(
    proxies=("gradalign_i", "gradalign_ii", "gradalign_plus", "params", "macs"),
    input_size=(16,),
    build=(("channels", "4"), ("cells", "1")),
    device="cpu",
)


def started(make: Callable[[], Executor], tasks: list[Task]) -> tuple[Executor, float]:
    """An executor, and the seconds until it has answered the first tasks."""
    begun = time.perf_counter()
    executor = make()
    for _ in executor.run(tasks):
        pass
    return executor, time.perf_counter() - begun


def rate(executor: Executor, tasks: list[Task]) -> float:
    """Networks a second."""
    begun = time.perf_counter()
    answered = sum(1 for _ in executor.run(tasks))
    assert answered == len(tasks)
    return answered / (time.perf_counter() - begun)


def main() -> None:
    """Print the rates of each turn, and the median of their ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.cluster", description=__doc__)
    parser.add_argument("--networks", type=int, default=1000)
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--address", help="of a cluster; default: one of this machine")
    parser.add_argument("--workers", type=int, help="of the local pool; default: the cluster's")
    options = parser.parse_args()
    tasks = [Task(model) for model in sampled(SPACES["nb201"], options.networks, seed=0)]
    few = tasks[:20]
    cluster, cluster_start = started(lambda: RayCluster(PLAN, address=options.address), few)
    assert isinstance(cluster, RayCluster)
    workers = options.workers or cluster.workers
    local, local_start = started(lambda: LocalPool(PLAN, workers=workers), few)
    print(
        {
            "workers": workers,
            "start": {"ray": round(cluster_start, 1), "local": round(local_start, 1)},
        }
    )
    ratios = []
    with cluster, local:
        for turn in range(options.turns):
            order = [("local", local), ("ray", cluster)]
            rates = {name: rate(each, tasks) for name, each in order[:: 1 if turn % 2 else -1]}
            ratios.append(rates["ray"] / rates["local"])
            print({name: round(found, 1) for name, found in rates.items()}, flush=True)
    print(
        json.dumps(
            {
                "ray / local": round(statistics.median(ratios), 3),
                "from": round(min(ratios), 3),
                "to": round(max(ratios), 3),
            }
        )
    )


if __name__ == "__main__":
    main()
