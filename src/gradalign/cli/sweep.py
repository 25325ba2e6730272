"""`gradalign sweep`: measure many networks of a space into a store."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from gradalign.benchmarks import get_benchmark
from gradalign.cli._app import command
from gradalign.cli._options import Conditions, Display, Format
from gradalign.cli._output import note, write_csv, write_json, write_table
from gradalign.cli._sweep import Resources, duration, opened, run_sweep, seeds_of
from gradalign.errors import InputError
from gradalign.models import read_models
from gradalign.spaces import Space, get_space
from gradalign.sweep import Plan, Summary

TABLES = (".parquet", ".csv")

_FACTORY = re.compile(r"(.+\.py|[A-Za-z_][\w.]*):[A-Za-z_][\w.]*")
"""A model that is made by a function: it stands among architectures as it is."""


@command
def sweep(
    conditions: Conditions,
    resources: Resources,
    display: Display,
    *,
    space: Annotated[
        str | None,
        typer.Argument(
            metavar="SPACE", show_default=False, help="A search space; see gradalign list spaces."
        ),
    ] = None,
    archs: Annotated[
        Path | None,
        typer.Option(
            "--archs",
            metavar="FILE",
            help="Its architectures, one a line; or a .parquet or .csv file with them.",
        ),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option("--models", metavar="FILE", help="Any models, one a line, without SPACE."),
    ] = None,
    sample: Annotated[
        int | None,
        typer.Option("--sample", min=1, metavar="N", help="N networks drawn by --seed."),
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every network of the space.")] = False,
    db: Annotated[
        Path, typer.Option("--db", metavar="FILE", help="The store that the records go to.")
    ] = Path("sweep.db"),
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with a store that holds records.")
    ] = False,
    retry: Annotated[
        bool, typer.Option("--retry", help="Measure again what failed; implies --resume.")
    ] = False,
    repeats: Annotated[
        int, typer.Option("--repeats", min=1, help="Batches and initialisations of each network.")
    ] = 1,
) -> int:
    """Measure many networks into a store, from which it can go on at any time."""
    plan = _plan(conditions)
    plan.scorer()
    _ = resources.limits  # what is wrong with it is said before the networks are drawn
    names = _names(space, archs, models, sample, every=all_, seed=conditions.seed)
    with opened(db, resume=resume or retry) as store:
        found = run_sweep(
            names,
            plan,
            store,
            resources,
            seeds=seeds_of(conditions.seed, repeats),
            retry=retry,
            quiet=display.quiet,
            again="--resume",
        )
    _SHOW[display.format](found, db)
    return 1 if found.failed else 0


def _plan(conditions: Conditions) -> Plan:
    """The default scores come with what they have to beat, which costs nothing."""
    plan = conditions.plan
    return plan.with_ablations() if conditions.proxies == Conditions().proxies else plan


def _names(
    space: str | None,
    archs: Path | None,
    models: Path | None,
    sample: int | None,
    *,
    every: bool,
    seed: int,
) -> list[str]:
    """The models that are asked for."""
    if models is not None:
        if space is not None or archs is not None or every:
            raise InputError("--models names whole models: leave out SPACE, --archs and --all")
        return _drawn(read_models(models), sample, seed)
    if space is None:
        raise InputError("no search space is given: name one, or give --models FILE")
    found = get_space(space)
    if archs is not None:
        if every:
            raise InputError("--archs and --all exclude each other: give one of them")
        return _drawn(read_architectures(archs, found), sample, seed)
    if every == (sample is not None):
        raise InputError(f"say which networks of {space}: --archs FILE, --sample N or --all")
    if every:
        return [f"{space}:{found.format(arch)}" for arch in found.enumerate()]
    return sampled(found, sample or 0, seed)


def sampled(space: Space[object], count: int, seed: int) -> list[str]:
    """Different architectures of a space, drawn uniformly, with its prefix.

    Raises:
        InputError: More than the space has.
    """
    if space.size is not None and count > space.size:
        raise InputError(f"{count:,} networks: the space {space.name!r} has {space.size:,}")
    rng = random.Random(seed)
    found: dict[str, None] = {}
    while len(found) < count:
        found[f"{space.name}:{space.format(space.sample(rng))}"] = None
    return list(found)


def read_architectures(path: Path, space: Space[object]) -> list[str]:
    """The architectures of a file, with the prefix of their space.

    Raises:
        InputError: The file cannot be read, or a line is malformed; the message says which.
    """
    if path.suffix.lower() in TABLES:
        lines = [str(text) for text in get_benchmark(path, space.name).frame["arch"]]
    else:
        lines = read_models(path)
    return [_named(text, place, path, space) for place, text in enumerate(lines, start=1)]


def _named(text: str, place: int, path: Path, space: Space[object]) -> str:
    prefix = f"{space.name}:"
    bare = text.removeprefix(prefix).strip()
    try:
        if space.reference is None or not space.reference.fullmatch(bare):
            space.parse(bare)
    except InputError as error:
        if _FACTORY.fullmatch(text):
            return text
        raise InputError(f"entry {place} of {str(path)!r}: {error}") from None
    return f"{prefix}{bare}"


def _drawn(names: list[str], count: int | None, seed: int) -> list[str]:
    if count is None:
        return names
    if count > len(names):
        raise InputError(f"{count:,} networks: the file holds {len(names):,}")
    return random.Random(seed).sample(names, count)


def _show_table(found: Summary, db: Path) -> None:
    rows = [
        ["networks asked for", f"{found.asked:,}"],
        ["in the store already", f"{found.already:,}"],
        ["measured", f"{found.measured:,}"],
        ["given the records of an isomorphic one", f"{found.shared:,}"],
        *([f"failed: {status}", f"{count:,}"] for status, count in found.failures.items()),
        ["time", duration(found.seconds)],
        ["measured a second", f"{found.rate:.3g}"],
    ]
    write_table(["", "sweep"], rows)
    note(f"Store: {db}; gradalign report {db} shows it.")


_SHOW: dict[Format, Callable[[Summary, Path], None]] = {
    Format.json: lambda found, db: write_json({"db": str(db), **found.to_dict()}),
    Format.csv: lambda found, db: write_csv(pd.DataFrame([{"db": str(db), **_flat(found)}])),
    Format.table: _show_table,
}


def _flat(found: Summary) -> dict[str, object]:
    return {**found.to_dict(), "failures": found.failed}
