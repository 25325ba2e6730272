"""What Ray carries to a machine: it stands there even where gradalign does not.

It is sent by value, so it may import nothing of this package but when it is called.
"""

from __future__ import annotations

import importlib
import platform
from collections.abc import Sequence
from typing import Any, TypedDict


class Introduction(TypedDict, total=False):
    """What a worker says of itself, in types that every version can read.

    Args:
        node: Name of the machine.
        versions: Of what decides about values, by name.
        protocols: Protocol hash of each proxy.
        error: Why the worker cannot measure.
    """

    node: str
    versions: dict[str, str]
    protocols: dict[str, str]
    error: str


class Actor:
    """One worker of a cluster, before it is known what is installed where it runs."""

    _worker: Any

    def introduce(self, settings: bytes) -> Introduction:
        """Take on what is to be measured: the pickled arguments of `ChunkWorker`."""
        try:
            module = importlib.import_module("gradalign.sweep._cluster_worker")
        except Exception as error:  # noqa: BLE001 - whatever a broken installation raises
            found = f"gradalign cannot be imported: {type(error).__name__}: {error}"
            return Introduction(node=platform.node(), error=found)
        self._worker = module.ChunkWorker(settings)
        introduction: Introduction = self._worker.introduction
        return introduction

    def measure(self, tasks: Sequence[Any]) -> Any:
        """What `ChunkWorker.measure` says."""
        return self._worker.measure(tasks)
