"""What runs on a machine of a cluster: a local pool that measures one chunk after the other."""

from __future__ import annotations

import os
import pickle
import platform
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib import metadata
from typing import Literal

import torch

from gradalign.failure import one_line
from gradalign.record import Scores
from gradalign.sweep._cluster_actor import Introduction
from gradalign.sweep._cluster_address import library
from gradalign.sweep.plan import Plan
from gradalign.sweep.pool import LocalPool
from gradalign.sweep.process import Limits
from gradalign.sweep.worker import Task


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a worker is to do.

    Args:
        plan: What it measures.
        limits: What one network may take; no limit of memory: its share of what is free there.
        processes: How many networks it measures at once.
        resource: What each worker of a machine has one of.
        folder: The owner's working directory, where models and data files are looked for. A
            machine without it finds what is installed, and files by absolute paths.
    """

    plan: Plan
    limits: Limits
    processes: int
    resource: Literal["CPU", "GPU"]
    folder: str


def versions() -> dict[str, str]:
    """What must be the same wherever values are measured that are compared."""
    return {
        "gradalign": metadata.version("gradalign"),
        "Python": ".".join(platform.python_version_tuple()[:2]),
        "torch": torch.__version__.partition("+")[0],  # builds for CPU and CUDA are one version
    }


class ChunkWorker:
    """One worker of a cluster.

    Args:
        settings: `Settings`, pickled, so that one of another version can still say which it is.
    """

    def __init__(self, settings: bytes) -> None:
        self.introduction = Introduction(node=platform.node(), versions=versions())
        try:
            self._settle(pickle.loads(settings))
        except Exception as error:  # noqa: BLE001 - the owner tells it, in one line
            self.introduction["error"] = one_line(error)

    def measure(self, tasks: Sequence[Task]) -> tuple[float, list[tuple[int, Scores]]]:
        """Seconds that it took, and the place of each task with its records."""
        started = time.perf_counter()
        found = list(self._pool.run(tasks))
        return time.perf_counter() - started, found

    def _settle(self, settings: Settings) -> None:
        with suppress(OSError):
            os.chdir(settings.folder)
        self.introduction["protocols"] = settings.plan.scorer().protocol_of
        limits = settings.limits
        if limits.max_memory is None:  # Ray ends any worker of a machine that runs out of it
            networks = settings.processes * _workers_here(settings.resource)
            limits = replace(limits, max_memory=Limits.fair_share(networks))
        self._pool = LocalPool(settings.plan, workers=settings.processes, limits=limits)


def _workers_here(resource: str) -> int:
    ray = library()
    here = ray.get_runtime_context().get_node_id()
    (node,) = (node for node in ray.nodes() if node["NodeID"] == here)
    return int(node["Resources"][resource])
