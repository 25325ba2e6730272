"""Which networks a sweep is asked for."""

from __future__ import annotations

import random
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from gradalign.benchmarks import get_benchmark
from gradalign.errors import InputError
from gradalign.models import read_models
from gradalign.spaces import Space, get_space
from gradalign.sweep import Shard
from gradalign.sweep.draw import drawn

TABLES = (".parquet", ".csv")

_FACTORY = re.compile(r"(.+\.py|[A-Za-z_][\w.]*):[A-Za-z_][\w.]*")
"""A model that is made by a function: it stands among architectures as it is."""


@dataclass(frozen=True)
class Asked:
    """Names of models.

    Args:
        models: A sequence where they come from a file, a stream where a space makes them.
        total: How many; None: the space does not know its size.
    """

    models: Iterable[str]
    total: int | None

    @classmethod
    def of(cls, names: list[str]) -> Asked:
        """All of these."""
        return cls(names, len(names))


@dataclass(frozen=True, kw_only=True)
class Selection:
    """Which networks."""

    archs: Annotated[
        Path | None,
        typer.Option(
            "--archs",
            metavar="FILE",
            help="Its architectures, one a line; or a .parquet or .csv file with them.",
        ),
    ] = None
    models: Annotated[
        Path | None,
        typer.Option("--models", metavar="FILE", help="Any models, one a line, without SPACE."),
    ] = None
    sample: Annotated[
        int | None,
        typer.Option("--sample", min=1, metavar="N", help="N networks drawn by --seed."),
    ] = None
    all_: Annotated[bool, typer.Option("--all", help="Every network of the space.")] = False
    shard_text: Annotated[
        str | None,
        typer.Option(
            "--shard",
            metavar="I/K",
            show_default=False,
            help="One of K parts of them, I from 0 to K - 1; gradalign merge joins the stores.",
        ),
    ] = None

    @property
    def shard(self) -> Shard | None:
        """The part of the networks.

        Raises:
            InputError: There is no such part.
        """
        return None if self.shard_text is None else Shard.parse(self.shard_text)

    def asked(self, space: str | None, seed: int) -> Asked:
        """The models, those of other shards included.

        Args:
            space: Name of the search space, where one was given.
            seed: Of a draw.

        Raises:
            InputError: Options that exclude each other, or a file that cannot be read.
        """
        if self.models is not None:
            if space is not None or self.archs is not None or self.all_:
                raise InputError("--models names whole models: leave out SPACE, --archs and --all")
            return Asked.of(_chosen(read_models(self.models), self.sample, seed))
        if space is None:
            raise InputError("no search space is given: name one, or give --models FILE")
        found = get_space(space)
        if self.archs is not None:
            if self.all_:
                raise InputError("--archs and --all exclude each other: give one of them")
            return Asked.of(_chosen(_architectures(self.archs, found), self.sample, seed))
        if self.all_ == (self.sample is not None):
            raise InputError(f"say which networks of {space}: --archs FILE, --sample N or --all")
        if self.sample is not None:
            return Asked(drawn(found, self.sample, seed), self.sample)
        return Asked((f"{space}:{found.format(arch)}" for arch in found.enumerate()), found.size)


def sampled(space: Space[Any], count: int, seed: int) -> list[str]:
    """Different architectures of a space, drawn uniformly, with its prefix.

    Raises:
        InputError: More than the space has.
    """
    return list(drawn(space, count, seed))


def _architectures(path: Path, space: Space[Any]) -> list[str]:
    """The architectures of a file, with the prefix of their space.

    Raises:
        InputError: The file cannot be read, or a line is malformed; the message says which.
    """
    if path.suffix.lower() in TABLES:
        lines = [str(text) for text in get_benchmark(path, space.name).frame["arch"]]
    else:
        lines = read_models(path)
    return [_named(text, place, path, space) for place, text in enumerate(lines, start=1)]


def _named(text: str, place: int, path: Path, space: Space[Any]) -> str:
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


def _chosen(names: list[str], count: int | None, seed: int) -> list[str]:
    if count is None:
        return names
    if count > len(names):
        raise InputError(f"{count:,} networks: the file holds {len(names):,}")
    return random.Random(seed).sample(names, count)
