"""What a proxy is: a pure function of `Statistics`, and a record of facts about it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from torch import Tensor

from gradalign._registry import Registry
from gradalign.statistics import FIELDS, MACHINE, Need, Statistics, is_gradient

Direction = Literal["higher", "lower"]

Kind = Literal["gradalign", "method", "size", "ablation"]
"""GradAlign and what belongs to it, another published method, a plain size, or what a score of the
first kind becomes when its idea is taken out."""

Oracle = Literal["published code", "independent code", "naive loop", "nothing"]
"""What holds a value: on fixed networks in double precision the very code that `source` names, or
other code that was written apart from this package; a naive loop or closed form in the tests of
whoever registers it; or nothing, as where it is never twice the same."""

ProbeChanges = Mapping[str, object]
"""Fields of `Probe` in which a proxy's own probe differs from the common one."""

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Estimate:
    """A value with its standard error over samples, where the pass gives one.

    Args:
        value: The score.
        stderr: Its standard error.
        left_out: The score without sample i, for every i, shape [n], where the pass gives that.
    """

    value: float
    stderr: float | None = None
    left_out: Tensor | None = field(default=None, repr=False, compare=False)


Terms = Callable[[Statistics], Tensor]
"""What each block, [L], or each weight layer, [M], adds to a score that is a sum over them."""


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """A registered score.

    Args:
        name: How it is asked for.
        function: Statistics, one for each probe by that name, to a float or an `Estimate`.
        needs: What it reads; anything else raises.
        better: Which direction promises the better network, from the source, never from data.
        bounds: Range of the value.
        invariant_to: Transformations that do not change the value, checked by the tests.
        source: Paper with equation, or code with commit.
        oracle: What its value was held against.
        probes: For each named probe, the fields of `Probe` that differ from the common one, in both
            regimes. One probe named `stats` without changes by default.
        official: Fields of `Probe` that the authors' code sets, on top, in the official regime.
        needs_gradient: Whether it says nothing about a network without gradient.
        kind: What it stands among in a table.
        unit: Of the value; empty where it has none.
        ablation: Name of the proxy that is left of it when its idea is taken out: what it has to
            beat.
        published_as: Name under which this and other definitions go in papers and codes; empty
            where nobody else means something else by it.
        disagrees: Which published codes or papers have something else under its name, in a
            sentence or two; empty where none is known.
        ill_conditioned: How single precision changes the order of networks, with the figure; empty
            where it does not.
        block_terms: What each block adds to the value, where that is a sum over blocks; it may hold
            more that belongs to no block.
        layer_terms: What each weight layer adds to it, where that is a sum over weight layers.
    """

    name: str
    function: Callable[..., float | Estimate]
    needs: tuple[Need, ...]
    better: Direction
    bounds: tuple[float, float]
    invariant_to: frozenset[str]
    source: str
    oracle: Oracle
    probes: Mapping[str, ProbeChanges] = field(default_factory=dict)
    official: ProbeChanges = field(default_factory=dict)
    needs_gradient: bool = True
    kind: Kind = "method"
    unit: str = ""
    ablation: str | None = None
    published_as: str = ""
    disagrees: str = ""
    ill_conditioned: str = ""
    block_terms: Terms | None = None
    layer_terms: Terms | None = None

    def __call__(self, **statistics: Statistics) -> Estimate:
        """The score from the statistics of each of its probes, by name."""
        if len(self.probes) == 1:
            result = self.function(next(iter(statistics.values())).only(self.needs))
        else:
            result = self.function(**{k: v.only(self.needs) for k, v in statistics.items()})
        return result if isinstance(result, Estimate) else Estimate(float(result))

    @property
    def deterministic(self) -> bool:
        """Whether the same network under the same conditions always has the same value."""
        return not any(isinstance(need, str) and FIELDS[need][1] == MACHINE for need in self.needs)

    @property
    def has_stderr(self) -> bool:
        """Whether the same pass may give the value's standard error over samples."""
        return "Estimate" in str(inspect.signature(self.function).return_annotation)

    @property
    def sum_over(self) -> Literal["blocks", "layers"] | None:
        """What the value is a sum over, where it is known to be one."""
        if self.block_terms is not None:
            return "blocks"
        return None if self.layer_terms is None else "layers"

    @property
    def summary(self) -> str:
        """First line of the function's docstring."""
        return (inspect.getdoc(self.function) or "").split("\n", 1)[0]

    @property
    def formula(self) -> str:
        """What the docstring sets off as a display, a line each; its summary where it has none."""
        described = (inspect.getdoc(self.function) or "").split("\nArgs:\n", 1)[0]
        display = [line.strip() for line in described.splitlines() if line.startswith("    ")]
        return "\n".join(display) or self.summary


PROXIES: Registry[Proxy] = Registry("proxy", "gradalign.proxies", plugins=True)

_STATS: Mapping[str, ProbeChanges] = {"stats": {}}


def proxy(
    *,
    needs: Iterable[Need],
    better: Direction,
    source: str,
    oracle: Oracle,
    bounds: tuple[float, float] = (float("-inf"), float("inf")),
    invariant_to: Iterable[str] = (),
    probes: Mapping[str, ProbeChanges] = _STATS,
    official: ProbeChanges | None = None,
    needs_gradient: bool | None = None,
    kind: Kind = "method",
    unit: str = "",
    ablation: str | None = None,
    published_as: str = "",
    disagrees: str = "",
    ill_conditioned: str = "",
    block_terms: Terms | None = None,
    layer_terms: Terms | None = None,
) -> Callable[[Function], Function]:
    """Register the decorated function as the proxy of its name, and return it unchanged.

    Returning the function itself, not the record, keeps its docstring example running as a test.
    """
    needs = tuple(needs)
    for need in needs:
        if isinstance(need, str) and need not in FIELDS:
            raise ValueError(f"unknown statistic {need!r} in needs")

    def register(function: Function) -> Function:
        PROXIES.add(
            function.__name__,
            Proxy(
                name=function.__name__,
                function=function,  # type: ignore[arg-type]
                needs=needs,
                better=better,
                bounds=bounds,
                invariant_to=frozenset(invariant_to),
                source=source,
                oracle=oracle,
                probes=probes,
                official=official or {},
                needs_gradient=any(map(is_gradient, needs))
                if needs_gradient is None
                else needs_gradient,
                kind=kind,
                unit=unit,
                ablation=ablation,
                published_as=published_as,
                disagrees=disagrees,
                ill_conditioned=ill_conditioned,
                block_terms=block_terms,
                layer_terms=layer_terms,
            ),
        )
        return function

    return register
