"""Ray clusters of several nodes on this machine, by Ray's own test utility."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # nodes on loopback
ray = pytest.importorskip("ray")

from ray.cluster_utils import Cluster  # noqa: E402 - where Ray is installed

import gradalign  # noqa: E402

QUIET = {"include_dashboard": False, "object_store_memory": 100 * 2**20}


@contextmanager
def cluster_of(nodes: int) -> Iterator[Cluster]:
    """A cluster whose head measures nothing, and nodes of one CPU."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 0, **QUIET})
    try:
        for _ in range(nodes):
            cluster.add_node(num_cpus=1, object_store_memory=QUIET["object_store_memory"])
        yield cluster
    finally:
        cluster.shutdown()


def add_node_with(cluster: Cluster, package: Path):
    """A node on which `import gradalign` finds `package`."""
    return cluster.add_node(
        num_cpus=1,
        object_store_memory=QUIET["object_store_memory"],
        env_vars={"PYTHONPATH": str(package.parent)},
    )


def actors() -> list[psutil.Process]:
    """Ray's processes that measure, on the nodes that this process has started."""
    return [
        child
        for child in psutil.Process().children(recursive=True)
        if child.name().startswith("ray::Actor")
    ]


def pool_processes() -> list[psutil.Process]:
    """The processes that the actors have for the networks: children of their fork servers."""
    return [
        child
        for actor in actors()
        for child in actor.children(recursive=True)
        if child.ppid() != actor.pid
    ]


def changed_copy(folder: Path, file: str, old: str, new: str) -> Path:
    """A copy of the package in which one text is another."""
    package = folder / "gradalign"
    shutil.copytree(
        Path(gradalign.__file__).parent,
        package,
        ignore=shutil.ignore_patterns("__pycache__", "tables"),
    )
    path = package / file
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")
    return package
