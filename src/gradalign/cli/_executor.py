"""Where networks are measured: the options `--executor` and `--address`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Annotated

import typer

from gradalign.cli._sweep import Resources
from gradalign.errors import InputError
from gradalign.sweep import Plan
from gradalign.sweep.cluster import RayCluster
from gradalign.sweep.executor import Executor
from gradalign.sweep.pool import LocalPool


class Place(StrEnum):
    """What measures the networks."""

    local = "local"
    ray = "ray"


@dataclass(frozen=True, kw_only=True)
class Execution:
    """On which machines."""

    executor: Annotated[
        Place,
        typer.Option(
            "--executor",
            help="local: --workers processes here; ray: every CPU of a Ray cluster, or every GPU "
            "with --workers networks at once.",
        ),
    ] = Place.local
    address: Annotated[
        str | None,
        typer.Option(
            "--address",
            metavar="HOST:PORT|auto",
            show_default="RAY_ADDRESS, else a cluster of this machine alone",
            help="Of the Ray cluster; auto: the one that this machine is part of.",
        ),
    ] = None

    def start(self, plan: Plan, resources: Resources) -> Executor:
        """The executor, to be used in a `with` block.

        Raises:
            InputError: An address without a cluster, or what the executor refuses.
        """
        if self.executor is Place.local:
            if self.address is not None:
                raise InputError("--address is that of a Ray cluster: give --executor ray too")
            return LocalPool(plan, workers=resources.workers, limits=resources.limits)
        limits = resources.limits
        if resources.max_memory is None:  # this machine's free memory says nothing about others
            limits = replace(limits, max_memory=None)
        return RayCluster(
            plan,
            address=self.address,
            limits=limits,
            networks_in_flight=resources.workers,
        )
