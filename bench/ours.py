"""Our own passes: which statistics, in which norm mode."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from bench.scores import Scores, from_statistics
from gradalign.batch import Batch
from gradalign.cost import shares_the_pass
from gradalign.engine import Check, collect
from gradalign.probe import NormMode, Probe
from gradalign.proxies import PROXIES
from gradalign.statistics import Need, Statistics

NORMS: tuple[NormMode, ...] = ("batch_fixed", "sample")


def _needs(*proxies: str) -> tuple[Need, ...]:
    """What these proxies read, each once."""
    return tuple(dict.fromkeys(need for name in proxies for need in PROXIES[name].needs))


_I_AND_II = ("gradalign_i", "gradalign_ii")
_FAMILY = (*_I_AND_II, "gradsign", "zico_per_sample", "gsnr", "naswot")

VARIANTS: Mapping[str, tuple[Need, ...]] = {
    "I+II": _needs(*_I_AND_II),
    "family, no spectra": _needs(*_FAMILY),
    "family": _needs(*_FAMILY, "feature_entropy", "gradient_entropy"),
    "all of the pass": _needs(*(name for name, p in PROXIES.items() if shares_the_pass(p))),
}


@dataclass(frozen=True)
class Pass:
    """A pass over one network and batch, timed without the conservation check."""

    network: nn.Module
    batch: Batch
    needs: tuple[Need, ...]
    norm: NormMode

    def measure(self, check: Check) -> Statistics:
        return collect(self.network, self.batch, Probe(norm=self.norm), self.needs, check=check)

    def __call__(self) -> Scores:
        return from_statistics(self.measure("never"))


def passes(network: nn.Module, inputs: Tensor, targets: Tensor) -> dict[tuple[str, NormMode], Pass]:
    """Every variant in every norm mode, by (variant, norm)."""
    make: Callable[..., Pass] = partial(Pass, network, Batch(inputs, targets))
    return {
        (variant, norm): make(needs, norm) for norm in NORMS for variant, needs in VARIANTS.items()
    }
