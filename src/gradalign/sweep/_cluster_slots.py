"""The workers of a cluster as their owner sees them: begun, checked, replaced where they die."""

from __future__ import annotations

import pickle
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, Literal

from gradalign.errors import GradalignError, InputError
from gradalign.failure import one_line
from gradalign.sweep import _cluster_actor
from gradalign.sweep._cluster_actor import Actor, Introduction
from gradalign.sweep._cluster_work import Chunk
from gradalign.sweep._cluster_worker import Settings, versions
from gradalign.sweep.plan import Plan
from gradalign.sweep.process import ATTEMPTS, Limits

Reference = Any
"""Ray's `ObjectRef`: what a call will have returned."""


@dataclass(eq=False)
class Slot:
    """One worker, and what it is at.

    Args:
        actor: Ray's handle.
        introduction: What it will say of itself; None once it has.
        chunks: Its chunks by the reference of their answers, in the order in which it does them.
    """

    actor: Any
    introduction: Reference | None
    chunks: dict[Reference, Chunk] = field(default_factory=dict)

    def give(self, chunk: Chunk) -> None:
        """Let it measure these tasks after those that it has."""
        self.chunks[self.actor.measure.remote([task for _, task in chunk])] = chunk


class Slots:
    """All workers of a cluster.

    Args:
        ray: The library, connected.
        plan: What they measure.
        limits: What one network may take.
        per_gpu: Networks that one GPU measures at once.

    Raises:
        InputError: An error in `plan`, or a cluster that has no place for a worker.
    """

    def __init__(self, ray: ModuleType, plan: Plan, limits: Limits, per_gpu: int) -> None:
        self._ray = ray
        self._protocols = plan.scorer().protocol_of
        resources = ray.cluster_resources()
        gpus = 0 if plan.device == "cpu" else int(resources.get("GPU", 0))
        resource: Literal["CPU", "GPU"] = "GPU" if gpus else "CPU"
        count = int(resources.get(resource, 0))
        if count < 1:
            raise InputError("the cluster has neither CPUs nor GPUs for workers: add a node")
        self.processes = per_gpu if gpus else 1
        settings = Settings(
            plan=plan,
            limits=limits,
            processes=self.processes,
            resource=resource,
            folder=str(Path.cwd()),
        )
        self._settings = pickle.dumps(settings)
        ray.cloudpickle.register_pickle_by_value(_cluster_actor)
        self._actor = ray.remote(num_cpus=1, num_gpus=1 if gpus else 0)(Actor)
        self._stillborn = 0
        self.all = [self._begun() for _ in range(count)]

    @property
    def ready(self) -> list[Slot]:
        """Those that can be given work."""
        return [slot for slot in self.all if slot.introduction is None]

    def event(self, timeout: float | None) -> tuple[Slot, Reference] | None:
        """The next worker that has answered or is lost, and the reference; None: nobody in time."""
        owners = {
            reference: slot
            for slot in self.all
            for reference in (slot.introduction, *slot.chunks)
            if reference is not None
        }
        told, _ = self._ray.wait(list(owners), num_returns=1, timeout=timeout)
        return (owners[told[0]], told[0]) if told else None

    def welcome(self, slot: Slot) -> None:
        """Let a worker that has introduced itself have work, if it measures what the owner would.

        Raises:
            InputError: It would measure something else, or cannot measure.
            GradalignError: Workers die as soon as they are begun.
        """
        try:
            said = self._ray.get(slot.introduction)
        except self._ray.exceptions.RayError as error:
            self._stillborn += 1
            if self._stillborn >= ATTEMPTS * len(self.all):
                raise GradalignError(f"no worker can start: {one_line(error)}") from None
            self.replace(slot)
            return
        self._check(said)
        self._stillborn = 0
        slot.introduction = None

    def replace(self, slot: Slot) -> None:
        """Begin another worker in place of one that is lost; it starts where there is room."""
        self._ray.kill(slot.actor)
        self.all[self.all.index(slot)] = self._begun()

    def end(self) -> None:
        """End all workers, whatever they are at."""
        for slot in self.all:
            self._ray.kill(slot.actor)
        self.all.clear()

    def _begun(self) -> Slot:
        actor = self._actor.remote()
        return Slot(actor, actor.introduce.remote(self._settings))

    def _check(self, said: Introduction) -> None:
        """An error for a worker whose values could not stand beside the owner's."""
        for name, here in versions().items():
            there = said.get("versions", {}).get(name, here)
            if there != here:
                raise _refused(said, f"{name} {there}, here it is {here}: install the same")
        if "error" in said:
            raise _refused(said, said["error"])
        differing = [n for n, own in self._protocols.items() if said["protocols"].get(n) != own]
        if differing:
            raise _refused(
                said,
                f"other protocol hashes for {', '.join(differing)}: install the same gradalign "
                "there, or copy it anew",
            )


def _refused(said: Introduction, why: str) -> InputError:
    return InputError(f"a worker on the node {said['node']!r} cannot be used: {why}")
