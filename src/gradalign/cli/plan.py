"""`gradalign plan`: what a sweep will take, before it is begun."""

from __future__ import annotations

import os
from typing import Annotated, Any

import pandas as pd
import typer

from gradalign.cli._app import command
from gradalign.cli._options import Conditions, Display, Format
from gradalign.cli._output import note, number, write_csv, write_json, write_table
from gradalign.cli._sweep import Resources, duration, swept
from gradalign.errors import InputError
from gradalign.spaces import Space, get_space
from gradalign.sweep.draw import drawn
from gradalign.sweep.forecast import Estimate, Forecast, forecast
from gradalign.sweep.named import named
from gradalign.sweep.rehearsal import MOST, NETWORKS, rehearse

COUNTED = 20_000
"""Of so many networks at most it is found out how many are twins."""


@command
def plan(
    space: Annotated[
        str, typer.Argument(metavar="SPACE", show_default=False, help="A search space.")
    ],
    conditions: Conditions,
    resources: Resources,
    display: Display,
    *,
    networks: Annotated[
        int,
        typer.Option(
            "--networks", min=1, metavar="N", show_default=False, help="How many to measure."
        ),
    ],
    cores: Annotated[
        int | None,
        typer.Option(
            "--cores",
            min=1,
            metavar="C",
            show_default="those of this machine",
            help="Of all machines of the sweep: more workers than cores do not go faster.",
        ),
    ] = None,
    price: Annotated[
        float | None,
        typer.Option("--price", min=0, metavar="P", help="Of a worker for an hour."),
    ] = None,
) -> int:
    """Measure a few networks here, and predict time, cost and store of a sweep."""
    found = get_space(space)
    if found.size is not None and networks > found.size:
        raise InputError(f"{networks:,} networks: the space {space!r} has {found.size:,}")
    here = _cores()
    measured = _different(found, networks, conditions.seed)
    together = min(resources.workers, here)
    most = together + NETWORKS + MOST
    names = drawn(found, min(most, found.size or most), conditions.seed)
    sample = rehearse(names, swept(conditions), workers=together, limits=resources.limits)
    predicted = forecast(
        sample,
        networks=networks,
        measured=measured,
        workers=resources.workers,
        cores=cores or here,
    )
    cost = None if price is None else predicted.worker_hours * price
    document = {"space": space, **predicted.to_dict(), "cost": cost and cost._asdict()}
    if display.format is Format.json:
        write_json(document)
    elif display.format is Format.csv:
        write_csv(pd.json_normalize(document, sep="_"))
    else:
        _show_table(predicted, cost)
    return 0


def _different(space: Space[Any], networks: int, seed: int) -> int | None:
    """How many of the networks that a sweep would draw are no twins; None: too many to say."""
    if networks > COUNTED:
        return None
    return len({own.network for own in named(drawn(space, networks, seed), shard=None)})


def _cores() -> int:
    """Those that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _show_table(found: Forecast, cost: Estimate | None) -> None:
    sample = found.sample
    rows = [
        ["time", duration(found.seconds.value), *map(duration, found.seconds[1:])],
        ["worker hours", *_numbers(found.worker_hours)],
        *([["cost", *_numbers(cost)]] if cost else []),
        ["seconds a network and worker", *_numbers(found.network_seconds)],
        ["size of the store", f"{number(found.store_bytes / 1e6, 3)} MB", "", ""],
    ]
    write_table([f"{found.networks:,} networks", "about", "from", "to"], rows)
    note(
        f"From {len(sample.seconds)} networks measured here, {sample.workers} at a time, after "
        f"{number(sample.start_seconds, 2)} s to start; the interval holds with 95 % confidence if "
        "the machines are like this one and as busy."
    )
    twins = found.networks - found.measured
    if twins:
        note(f"{twins:,} networks are isomorphic to others, and not measured for themselves.")
    elif found.networks > COUNTED:
        note("Isomorphic networks are measured once; with so many it is not known how many are.")
    if found.workers > found.cores:
        note(f"{found.workers} workers on {found.cores} cores go no faster than {found.cores}.")
    if found.owner_bound:
        note("The process that hands out and records is the limit: more workers do not help.")
    if sample.failed:
        note(f"{sample.failed} of the measured networks failed in at least one score.")


def _numbers(found: Estimate) -> list[str]:
    return [number(each, 3) for each in found]
