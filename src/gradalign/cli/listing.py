"""`gradalign list`: what there is to choose from."""

from __future__ import annotations

import math
from collections.abc import Callable
from enum import StrEnum
from typing import Annotated

import pandas as pd
import typer

from gradalign.aggregates import AGGREGATES
from gradalign.benchmarks import BENCHMARKS, Benchmark
from gradalign.cli._app import command
from gradalign.cli._options import Display, Format
from gradalign.cli._output import write_csv, write_json, write_table
from gradalign.cost import cost
from gradalign.data import SOURCES
from gradalign.proxies import PROXIES, Proxy
from gradalign.search.samplers import SAMPLERS
from gradalign.spaces import SPACES

Entry = dict[str, object]


class Kind(StrEnum):
    """What can be listed."""

    proxies = "proxies"
    aggregates = "aggregates"
    spaces = "spaces"
    benchmarks = "benchmarks"
    data = "data"
    samplers = "samplers"


@command
def list_(
    kind: Annotated[Kind, typer.Argument(show_default=False, help="What to list.")],
    display: Display,
) -> int:
    """What there is: proxies, aggregates, spaces, benchmarks, data or samplers."""
    entries = ENTRIES[kind]()
    if display.format is Format.json:
        write_json({kind.value: entries})
        return 0
    texts = [{key: _text(key, value) for key, value in entry.items()} for entry in entries]
    if display.format is Format.csv:
        write_csv(pd.DataFrame(texts))
        return 0
    hidden = _ONLY_JSON | (_NOT_OF_PROXIES if kind is Kind.proxies else set())
    header = [key for key in texts[0] if key not in hidden]
    write_table(header, [[text[key] for key in header] for text in texts], left=len(header))
    return 0


def _proxy(name: str, proxy: Proxy) -> Entry:
    return {
        "name": name,
        "better": proxy.better,
        "range": [None if math.isinf(bound) else bound for bound in proxy.bounds],
        "checked_against": proxy.oracle,
        "needs": [need if isinstance(need, str) else need.name for need in proxy.needs],
        "source": proxy.source,
        "summary": proxy.summary,
        "cost": cost(proxy),
        "formula": proxy.formula,
        "published_as": proxy.published_as,
        "disagrees": proxy.disagrees,
        "ill_conditioned": proxy.ill_conditioned,
        "sum_over": proxy.sum_over,
        "standard_error": proxy.has_stderr,
        "needs_gradient": proxy.needs_gradient,
        "deterministic": proxy.deterministic,
        "invariant_to": sorted(proxy.invariant_to),
        "probes": {probe: dict(changes) for probe, changes in proxy.probes.items()},
        "official": dict(proxy.official),
        "kind": proxy.kind,
        "unit": proxy.unit,
        "ablation": proxy.ablation,
    }


def _proxies() -> list[Entry]:
    return [_proxy(name, proxy) for name, proxy in PROXIES.items()]


def _aggregates() -> list[Entry]:
    return [
        {"name": name, "members": [*each.members], "summary": each.summary, "source": each.source}
        for name, each in AGGREGATES.items()
    ]


def _spaces() -> list[Entry]:
    return [
        {
            "name": name,
            "size": space.size,
            "example": space.example,
            "build": dict(space.options),
            "tasks": {
                task.name: {"input_size": [*task.input_size], "num_classes": task.num_classes}
                for task in space.tasks.values()
            },
            "published_flops": space.flops_convention,
            "tables": [b for b, each in BENCHMARKS.items() if each.space == name],
            "summary": space.description,
            "source": space.source,
            "licence": space.licence,
        }
        for name, space in SPACES.items()
    ]


def _benchmarks() -> list[Entry]:
    return [_benchmark(name, each) for name, each in BENCHMARKS.items()]


def _benchmark(name: str, each: Benchmark) -> Entry:
    metric = each.metric()
    return {
        "name": name,
        "space": each.space,
        "networks": each.rows_at_hand,
        "at_hand": each.at_hand,
        "get": f"gradalign data fetch {each.published}" if each.published else None,
        "accuracy": "; ".join(filter(None, (metric.description, metric.split))),
        "metrics": [*each.metrics],
        "summary": each.description,
        "source": each.source,
        "licence": each.licence,
    }


def _data() -> list[Entry]:
    return [
        {
            "name": f"{name}:{each.argument_name}" if each.argument_name else name,
            "summary": each.description,
            "licence": each.licence,
        }
        for name, each in SOURCES.items()
    ]


def _samplers() -> list[Entry]:
    return [
        {
            "name": name,
            "objectives": "several" if each.several else "one",
            "summary": each.summary,
            "source": each.source,
        }
        for name, each in SAMPLERS.items()
    ]


ENTRIES: dict[Kind, Callable[[], list[Entry]]] = {
    Kind.proxies: _proxies,
    Kind.aggregates: _aggregates,
    Kind.spaces: _spaces,
    Kind.benchmarks: _benchmarks,
    Kind.data: _data,
    Kind.samplers: _samplers,
}

_ONLY_JSON = {
    "formula",
    "published_as",
    "disagrees",
    "ill_conditioned",
    "sum_over",
    "standard_error",
    "needs_gradient",
    "deterministic",
    "invariant_to",
    "probes",
    "official",
    "kind",
    "unit",
    "ablation",
    "metrics",
    "example",
    "published_flops",
    "tables",
}
"""What is too much for a table."""


_NOT_OF_PROXIES = {"needs", "source", "summary"}
"""With these, a score would take several lines of a terminal of usual width."""

_COUNTABLE = 10**9
"""Size from which on a table shows how many digits there are, not which."""


def _text(key: str, value: object) -> str:
    """A value as a cell of a table."""
    if value is None or isinstance(value, bool):
        return {None: "-", True: "yes", False: "no"}[value]
    if key == "size" and isinstance(value, int) and value > _COUNTABLE:
        return f"{value:.2g}"
    if key == "range" and isinstance(value, list):
        low, high = value
        left = "(-inf" if low is None else f"[{low:g}"
        return f"{left}, {'inf)' if high is None else f'{high:g}]'}"
    if key == "tasks" and isinstance(value, dict):
        shapes = {name: "x".join(map(str, task["input_size"])) for name, task in value.items()}
        return ", ".join(f"{name} {shape}" for name, shape in shapes.items())
    if isinstance(value, dict):
        return ", ".join(f"{name}={own}" for name, own in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:,}" if isinstance(value, int) else str(value)
