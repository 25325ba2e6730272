"""What one pass over a network measures: the only thing that engine and proxies share.

The engine writes a `Statistics`, proxies read one, nothing else crosses. Losses are summed, never
averaged: g_i is the gradient of sample i's loss and not of a part of the mean.

Letters: n samples, L blocks (effective weight tensors), M weight layers (calls of modules that hold
a block, in forward order).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

import torch
from torch import Tensor

from gradalign.errors import MissingStatisticError


@dataclass(frozen=True)
class Block:
    """One effective weight tensor.

    Args:
        name: Dotted name in the model, of the first module that uses it.
        shape: Shape of the tensor.
        macs: Multiply-adds of one sample through this block, summed over its uses.
    """

    name: str
    shape: tuple[int, ...]
    macs: int

    @property
    def size(self) -> int:
        """Number of weights."""
        return int(torch.Size(self.shape).numel())


@dataclass(frozen=True)
class Layer:
    """One call of a module that holds a block, whose output receives a gradient.

    Args:
        name: Dotted name of the module.
        macs: Multiply-adds of one sample in this call.
        live: Whether the gradient at its output is other than zero for some sample.
        input_spectrum: Eigenvalues of the channel covariance of its input, shape [channels].
        input_positions: Rows behind that covariance, n times positions.
        output_spectrum: The same of the gradient that arrives at its output, shape [channels].
        output_positions: Rows behind that covariance.
    """

    name: str
    macs: int
    live: bool
    input_spectrum: Tensor | None = None
    input_positions: int = 0
    output_spectrum: Tensor | None = None
    output_positions: int = 0


@dataclass(frozen=True)
class Moments:
    """Sums over the n samples of functions of each weight's gradient; only those asked for are set.

    Every tensor has one entry a weight, in the same order, any shape.
    """

    n: int
    sum: Tensor = None  # type: ignore[assignment]  # reading it unset raises, below
    abs_sum: Tensor = None  # type: ignore[assignment]
    square_sum: Tensor = None  # type: ignore[assignment]
    sign_sum: Tensor = None  # type: ignore[assignment]
    weight: Tensor = None  # type: ignore[assignment]

    def __getattribute__(self, name: str) -> Any:
        value = object.__getattribute__(self, name)
        if value is None and not name.startswith("_"):
            raise MissingStatisticError(f"the moment {name!r} was not declared")
        return value

    @cached_property
    def mean(self) -> Tensor:
        """Mean gradient of each weight."""
        return self.sum / self.n

    @cached_property
    def variance(self) -> Tensor:
        """Population variance of each weight's gradient; exactly 0 where it is rounding noise."""
        second = self.square_sum / self.n
        variance = second - self.mean.square()
        noise = 8 * torch.finfo(variance.dtype).eps * second
        return torch.where(variance <= noise, 0.0, variance)  # NaN stays NaN


MomentName = Literal["sum", "abs_sum", "square_sum", "sign_sum", "weight"]


@dataclass(frozen=True)
class WeightStatistic:
    """A number a block that is a sum over its weights: declared by the proxy that needs it.

    Args:
        name: Name under which `Statistics.weight_sums` holds it.
        moments: Which moments `term` reads.
        term: One number a weight from the moments, same shape.
    """

    name: str
    moments: tuple[MomentName, ...]
    term: Callable[[Moments], Tensor] = field(compare=False)


Need = str | WeightStatistic

GRADIENT = "gradient"
"""Kind of the statistics that say nothing where a network has no gradient."""

MACHINE = "machine"
"""Kind of the statistics that depend on the machine and on what else it does: never twice equal."""

FIELDS: dict[str, tuple[str, str, str]] = {
    "gram": ("[L, n, n]", GRADIENT, "inner products of per-sample gradients, a block"),
    "squared_norms": ("[L, n]", GRADIENT, "squared norms of per-sample gradients, a block"),
    "agreement": (
        "[L, n]",
        GRADIENT,
        "number of weights whose gradient for sample i has the sign of the mean gradient, both "
        "non-zero",
    ),
    "filter_alignment": (
        "[L]",
        GRADIENT,
        "sum over output filters f of p_f mean_i cos(g_i^f, g-bar^f)",
    ),
    "filter_alignment_left_out": ("[L, n]", GRADIENT, "the same without sample i, for every i"),
    "weight_sums": ("{name: [L]}", GRADIENT, "the sums that `WeightStatistic`s ask for"),
    "batch_gradient": ("tuple of L", GRADIENT, "gradient of the summed loss, a block"),
    "gradient_starts": (
        "[B, 50]",
        GRADIENT,
        "first 50 entries of the gradient of the summed loss, of each of the B blocks that have "
        "as many and get a gradient",
    ),
    "hessian_gradient": (
        "tuple of L",
        GRADIENT,
        "Hessian of the summed loss times its gradient, a block",
    ),
    "channel_saliency": (
        "[L]",
        GRADIENT,
        "sum over the weights of a weight layer of s_c, the mean over samples of (sum over "
        "positions of output times output gradient)^2 in the weight's output channel c; summed "
        "over the uses of the block",
    ),
    "axis_saliency": (
        "[L]",
        GRADIENT,
        "the same as the Fisher score's code has it: every position on axis 1 of an output is a "
        "channel, and every row on axis 0 a sample",
    ),
    "logit_jacobian_gram": (
        "[n C, n C]",
        GRADIENT,
        "inner products over all blocks of the gradients of each of the C outputs of each sample, "
        "row c n + i for output c of sample i",
    ),
    "live": ("[L] bool", "structure", "whether any sample has a gradient in the block"),
    "layers": ("tuple of M", "structure", "the weight layers, in forward order, without spectra"),
    "input_spectra": ("in layers", "activation", "spectra of the inputs of the weight layers"),
    "output_spectra": ("in layers", GRADIENT, "spectra of the gradients at their outputs"),
    "input_gradient": ("[n, D]", "activation", "gradient of the sum of all outputs by the input"),
    "labels": ("[n]", "structure", "class labels of the batch"),
    "logits": ("[n, ...]", "activation", "what the network puts out"),
    "final_features": ("[n, D]", "activation", "the last map before pooling or flattening"),
    "norm_scales": ("[K, 3]", "activation", "running variance of each batch norm and its update"),
    "smallest_correlations": ("[M]", "activation", "smallest eigenvalue of a map's correlations"),
    "sampled_correlations": ("[M]", "activation", "the same of 8 random channels"),
    "output_conditions": ("[M]", "activation", "smallest over largest singular value of each map"),
    "output_ranks": ("[M]", "activation", "effective rank of what layers and activations give"),
    "curve_derivatives": ("[2, C]", "activation", "derivatives of the output along a circle"),
    "response_correlations": ("[G, n, n]", "activation", "correlations of samples at ReLUs"),
    "activation_matches": (
        "[n, n]",
        "activation",
        "number of ReLU units on the same side of zero for samples i and j",
    ),
    "activation_units": ("int", "activation", "number of ReLU units behind `activation_matches`"),
    "relu_matches": ("[n, n]", "activation", "the same, gradients reaching the units or not"),
    "gelu_matches": ("[n, n]", "activation", "the same of all units of GELUs and SiLUs"),
    "layer_matches": ("[n, n]", "activation", "the same of all outputs of the weight layers"),
    "relu_patterns": ("[]", "activation", "distinct sets of samples that switch a ReLU unit on"),
    "relu_units": ("[]", "structure", "number of ReLU units of one sample"),
    "attention_maxima": ("[H]", "activation", "mean largest weight, a head of each attention"),
    "activation_bytes": ("[]", "structure", "most bytes of one sample's activations at once"),
    "training_bytes": ("[]", "structure", "most bytes of activations and gradients at once"),
    "latency": ("[]", MACHINE, "median seconds of a forward pass of one sample"),
    "block_spectra": (
        "tuple of K",
        "activation",
        "eigenvalues of the channel covariance of each of the K features: those of the stem and "
        "of the network's blocks, or the residual stream of its transformer blocks",
    ),
    "block_gains": (
        "[K - 1]",
        "activation",
        "largest singular value of the mean over positions of gradient times random signs, for "
        "signs at the output of each block and the gradient that they become at its input; NaN "
        "for a block that hands its input on",
    ),
    "fisher_spectrum": (
        "[m]",
        "activation",
        "eigenvalues of the empirical Fisher matrix of the first weight of each of the first 128 "
        "parameter tensors",
    ),
    "parameter_tensors": ("[]", "structure", "number of parameter tensors, vectors too"),
    "weights": ("tuple of L", "structure", "the weights of the blocks, detached"),
    "params": ("int", "structure", "number of trainable parameters, outside blocks too"),
    "macs": ("int", "structure", "multiply-adds of one sample, products outside blocks too"),
}
"""name: (shape, kind, what it is). `n` and `blocks` are always there."""

_TOGETHER = {
    "filter_alignment_left_out": "filter_alignment",
    "activation_units": "activation_matches",
}
_READ_AS = {"input_spectra": "layers", "output_spectra": "layers"}


def is_gradient(need: Need) -> bool:
    """Whether a need says nothing about a network without gradient."""
    return isinstance(need, WeightStatistic) or FIELDS[need][1] == GRADIENT


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
        """[L, n], float64: |g_i^b|^2."""
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


def _bare(layer: Layer, names: set[str]) -> Layer:
    """`layer` without the spectra that were not declared."""
    return replace(
        layer,
        input_spectrum=layer.input_spectrum if "input_spectra" in names else None,
        output_spectrum=layer.output_spectrum if "output_spectra" in names else None,
    )
