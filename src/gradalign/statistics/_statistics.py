"""What one pass has measured."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from gradalign.errors import MissingStatisticError, UndefinedScore
from gradalign.statistics._blocks import Block, Layer
from gradalign.statistics._fields import FIELDS, SAMPLE_AXES
from gradalign.statistics._moments import Need, WeightStatistic

_TOGETHER = {
    "filter_alignment_left_out": "filter_alignment",
    "activation_units": "activation_matches",
}
_READ_AS = {"input_spectra": "layers", "output_spectra": "layers"}


@dataclass(frozen=True)
class Statistics:
    """What was measured; `values` holds only what was asked for.

    Reading anything else raises `MissingStatisticError`, so that a proxy's declaration cannot lie;
    reading what could not be measured raises the reason.

    Args:
        n: Number of samples.
        blocks: The L blocks, in the order of the model's modules.
        values: The collected fields of `FIELDS`.
        failures: Why others could not be collected, by name.
        has_gradient: Whether the network has a gradient that training could use.
        backend: Which backend measured it, and why if it was not the first choice.
        seconds: Wall time of the pass.
        peak_bytes: Peak device memory of the pass, where it can be measured.
    """

    n: int
    blocks: tuple[Block, ...]
    values: Mapping[str, object]
    failures: Mapping[str, Exception] = field(default_factory=dict)
    has_gradient: bool = True
    backend: str = "hooks"
    seconds: float = 0.0
    peak_bytes: int | None = None

    def _read(self, name: str) -> object:
        if name in self.failures:
            raise self.failures[name].with_traceback(None)
        try:
            return self.values[name]
        except KeyError:
            raise MissingStatisticError(
                f"the statistic {name!r} was not collected: declare it in `needs`"
            ) from None

    def tensor(self, name: str) -> Tensor:
        """The field `name` where it is one tensor."""
        value = self._read(name)
        if not isinstance(value, Tensor):
            raise TypeError(f"the statistic {name!r} is no tensor")
        return value

    @property
    def gram(self) -> Tensor:
        """[L, n, n] in loss^2 / weight^2, float64: gram[b, i, j] = <g_i^b, g_j^b>."""
        return self.tensor("gram")

    @property
    def squared_norms(self) -> Tensor:
        """[L, n], float64: the squared norm of g_i^b."""
        return self.tensor("squared_norms")

    @property
    def agreement(self) -> Tensor:
        """[L, n], float64: weights k of block b where sign g_ik = sign g-bar_k, both non-zero."""
        return self.tensor("agreement")

    @property
    def filter_alignment(self) -> Tensor:
        """[L], float64: sum over output filters f of p_f mean_i cos(g_i^f, g-bar^f)."""
        return self.tensor("filter_alignment")

    @property
    def filter_alignment_left_out(self) -> Tensor:
        """[L, n], float64: the same with sample i left out."""
        return self.tensor("filter_alignment_left_out")

    def weight_sum(self, statistic: WeightStatistic) -> Tensor:
        """[L], float64: the sum over the weights of each block that `statistic` declares."""
        sums = self._read("weight_sums")
        if not isinstance(sums, Mapping) or statistic.name not in sums:
            raise MissingStatisticError(
                f"the weight statistic {statistic.name!r} was not collected: declare it in `needs`"
            )
        value: Tensor = sums[statistic.name]
        return value

    def tensors(self, name: str) -> tuple[Tensor, ...]:
        """The field `name` where it is several tensors."""
        value = self._read(name)
        if not isinstance(value, tuple):
            raise TypeError(f"the statistic {name!r} is no tuple")
        return value

    @property
    def batch_gradient(self) -> tuple[Tensor, ...]:
        """L tensors in the blocks' shapes: gradient of the summed loss."""
        return self.tensors("batch_gradient")

    @property
    def weights(self) -> tuple[Tensor, ...]:
        """L tensors in the blocks' shapes, detached."""
        return self.tensors("weights")

    @property
    def live(self) -> Tensor:
        """[L], bool: whether any sample has a gradient other than zero in block b."""
        return self.tensor("live")

    @property
    def layers(self) -> tuple[Layer, ...]:
        """The M weight layers whose output receives a gradient (zero or not), in forward order."""
        value = self._read("layers")
        if not isinstance(value, tuple):
            raise TypeError("the statistic 'layers' is no tuple")
        return value

    @property
    def activation_matches(self) -> Tensor:
        """[n, n], float64: number of ReLU units that are on, or off, for both samples i and j."""
        return self.tensor("activation_matches")

    @property
    def activation_units(self) -> int:
        """Number of ReLU units behind `activation_matches`."""
        return int(str(self._read("activation_units")))

    @property
    def params(self) -> int:
        """Number of trainable parameters."""
        return int(str(self._read("params")))

    @property
    def macs(self) -> int:
        """Multiply-adds of one sample: convolutions and matrix products, no bias."""
        return int(str(self._read("macs")))

    @property
    def sizes(self) -> Tensor:
        """[L], float64: number of weights of each block."""
        return torch.tensor([block.size for block in self.blocks], dtype=torch.float64)

    def of_samples(self, chosen: Iterable[int]) -> Statistics:
        """What the same pass says of some of its samples, the network as all of them made it.

        Normalisation statistics and, in `agreement`, the mean direction stay those of all samples:
        it is no pass over the chosen ones. A statistic that is measured over all samples at once
        cannot be had: reading it raises `UndefinedScore`.

        Args:
            chosen: Indices of samples, in the order that is wanted.
        """
        index = torch.tensor([*chosen], dtype=torch.long)
        values: dict[str, object] = {}
        failures = dict(self.failures)
        for name, value in self.values.items():
            if name in SAMPLE_AXES and isinstance(value, Tensor):
                for axis in SAMPLE_AXES[name]:
                    value = value.index_select(axis, index.to(value.device))
                values[name] = value
            elif _is_structure(name, value):
                values[name] = value
            else:
                failures[name] = UndefinedScore(f"{name!r} is measured over all samples at once")
        return replace(self, n=len(index), values=values, failures=failures)

    def only(self, needs: Iterable[Need]) -> Statistics:
        """What a proxy that declared `needs` may read."""
        needs = tuple(needs)
        names = {need for need in needs if isinstance(need, str)}
        names |= {both for both, first in _TOGETHER.items() if first in names}
        names |= {_READ_AS[name] for name in names if name in _READ_AS}
        values: dict[str, object] = {k: v for k, v in self.values.items() if k in names}
        declared = [need.name for need in needs if isinstance(need, WeightStatistic)]
        sums = self.values.get("weight_sums")
        if declared and isinstance(sums, Mapping):
            values["weight_sums"] = {name: sums[name] for name in declared if name in sums}
        names |= {"weight_sums"} if declared else set()
        if isinstance(values.get("layers"), tuple):
            values["layers"] = tuple(_bare(layer, names) for layer in self.layers)
        failures = {name: error for name, error in self.failures.items() if name in names}
        return replace(self, values=values, failures=failures)


def _is_structure(name: str, value: object) -> bool:
    """Whether a collected value does not depend on the samples."""
    if name == "layers" and isinstance(value, tuple):
        return all(each.input_spectrum is each.output_spectrum is None for each in value)
    return name == "activation_units" or FIELDS.get(name, ("", "", ""))[1] == "structure"


def _bare(layer: Layer, names: set[str]) -> Layer:
    """`layer` without the spectra that were not declared."""
    return replace(
        layer,
        input_spectrum=layer.input_spectrum if "input_spectra" in names else None,
        output_spectrum=layer.output_spectrum if "output_spectra" in names else None,
    )
