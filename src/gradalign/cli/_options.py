"""Options that several commands have in common, each written once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast, get_args

import typer

from gradalign.aggregates import AGGREGATES, Aggregate, parse_combination
from gradalign.conditions import Regime
from gradalign.errors import InputError
from gradalign.models import read_models
from gradalign.probe import DType, NormMode
from gradalign.scorer import DEFAULT_PROXIES, named_proxies
from gradalign.sweep import Plan


class Format(StrEnum):
    """How a result is written."""

    table = "table"
    json = "json"
    csv = "csv"


def _choice(of: object) -> str:
    """The allowed values of a `Literal`, for a help text."""
    return " | ".join(get_args(of))


Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of all that is random.")]
Workers = Annotated[int, typer.Option("--workers", min=1, help="Number of processes.")]

Combine = Annotated[
    list[str],
    typer.Option(
        "--combine", metavar="NAME=A+B", help="Also the rank sum of several scores; repeatable."
    ),
]
Proxies = Annotated[
    str,
    typer.Option(
        "--proxies", metavar="A,B,..", help="Scores, or 'all'; see gradalign list proxies."
    ),
]
DEFAULT_SCORES = ",".join(DEFAULT_PROXIES)
Protocol = Annotated[
    str | None,
    typer.Option(
        "--protocol",
        metavar="HASH,..",
        show_default="all",
        help="Only scores that were measured under these conditions.",
    ),
]
SpaceOfFile = Annotated[
    str | None,
    typer.Option(
        "--space",
        metavar="S",
        show_default="that of its prefixes",
        help="Search space of the architectures in a benchmark file.",
    ),
]


@dataclass(frozen=True, kw_only=True)
class Display:
    """How the result is shown."""

    format: Annotated[Format, typer.Option("--format", help="Of the result, on stdout.")] = (
        Format.table
    )
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")] = False
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False


MODEL = (
    "nb201:'|..|+|..|+|..|', pkg.mod:factory, file.py:factory, transformers:NAME, timm:NAME or "
    "torchvision:NAME."
)
"""How a network is named."""


@dataclass(frozen=True, kw_only=True)
class Models:
    """Which networks."""

    models: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODEL...",
            show_default=False,
            help=MODEL,
        ),
    ] = None
    models_file: Annotated[
        Path | None, typer.Option("--models", metavar="FILE", help="A file of models, one a line.")
    ] = None

    @property
    def names(self) -> list[str]:
        """The models in the order given, those of the file last."""
        named = list(self.models or ())
        if self.models_file is not None:
            named += read_models(self.models_file)
        if not named:
            raise InputError("no model is given: name at least one, or give --models FILE")
        return named


@dataclass(frozen=True, kw_only=True)
class Circumstances:
    """On which conditions something is measured."""

    data: Annotated[
        str,
        typer.Option("--data", metavar="SOURCE", help="Images or tokens; see gradalign list data."),
    ] = "digits"
    batch_size: Annotated[int, typer.Option("--batch-size", help="Samples of a batch.")] = 32
    input_size: Annotated[
        str | None,
        typer.Option(
            "--input-size",
            metavar="N|CxHxW",
            show_default="the model's own",
            help="Side of a square image or number of tokens, or a whole shape.",
        ),
    ] = None
    num_classes: Annotated[
        int | None,
        typer.Option("--num-classes", help="Outputs of the network, else the space's, else 10."),
    ] = None
    build: Annotated[
        list[str],
        typer.Option(
            "--build", metavar="KEY=VALUE", help="An option of the search space; repeatable."
        ),
    ] = field(default_factory=list)
    norm: Annotated[
        str, typer.Option("--norm", metavar="MODE", help=f"Normalisation: {_choice(NormMode)}.")
    ] = "batch_fixed"
    regime: Annotated[
        str,
        typer.Option(
            "--regime",
            metavar="NAME",
            help="shared: one pass for all scores; official: each as its authors' code has it.",
        ),
    ] = "shared"
    dtype: Annotated[
        str | None,
        typer.Option(
            "--dtype",
            metavar="TYPE",
            show_default="the model's own",
            help=f"Floating-point type: {_choice(DType)}.",
        ),
    ] = None
    device: Annotated[
        str, typer.Option("--device", metavar="NAME", help="auto, cpu, cuda or cuda:k.")
    ] = "auto"
    seed: Seed = 0

    def plan_of(self, proxies: Iterable[str]) -> Plan:
        """These proxies on these conditions, as the library has them.

        Raises:
            InputError: A value that cannot be read.
        """
        return Plan(
            proxies=tuple(dict.fromkeys(proxies)),
            data=self.data,
            norm=cast("NormMode", self.norm),  # the probe refuses any other
            regime=cast("Regime", self.regime),
            batch_size=self.batch_size,
            input_size=None if self.input_size is None else parse_size(self.input_size),
            num_classes=self.num_classes,
            build=tuple(parse_option(text) for text in self.build),
            dtype=cast("DType | None", self.dtype),
            device=self.device,
        )


@dataclass(frozen=True, kw_only=True)
class Conditions(Circumstances):
    """What is measured, on which conditions."""

    proxies: Proxies = DEFAULT_SCORES
    combine: Combine = field(default_factory=list)

    @property
    def aggregates(self) -> tuple[Aggregate, ...]:
        """What `--combine` asks for: registered aggregates by name, and new ones."""
        return parse_aggregates(self.combine)

    @property
    def plan(self) -> Plan:
        """What is measured, as the library has it; members of aggregates included.

        Raises:
            InputError: A value that cannot be read, or a name that does not exist.
        """
        named = [proxy.name for proxy in named_proxies(self.proxies)]
        members = [member for each in self.aggregates for member in each.members]
        return self.plan_of([*named, *members])


def parse_aggregates(texts: Iterable[str]) -> tuple[Aggregate, ...]:
    """Registered aggregates by name, and new ones by `name=a+b`."""
    return tuple(parse_combination(text) if "=" in text else AGGREGATES[text] for text in texts)


def parse_size(text: str) -> tuple[int, ...]:
    """The shape that `16`, `16x16` (three channels) or `1x28x28` stands for.

    Example:
        >>> parse_size("16x8")
        (3, 16, 8)
    """
    parts = text.lower().split("x")
    if not all(part.isdecimal() and int(part) > 0 for part in parts) or len(parts) > 3:
        raise InputError(f"input size {text!r}: write it as 16, 16x16 or 3x16x16")
    numbers = tuple(map(int, parts))
    return (3, *numbers) if len(numbers) == 2 else numbers


def parse_option(text: str) -> tuple[str, str]:
    """Key and value of `key=value`."""
    key, equals, value = (part.strip() for part in text.partition("="))
    if not (equals and key and value):
        raise InputError(f"build option {text!r}: write it as key=value")
    return key, value
