"""GradAlign-plus: diversity of the two factors of the weight gradients, layers weighted by work."""

import math

import torch
from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.proxies._layer_entropy import inner_layers, input_entropy, output_entropy
from gradalign.statistics import Layer, Statistics


def _work(layer: Layer) -> float:
    """Fourth root of the multiply-adds: the size of a layer, much damped."""
    return math.pow(layer.macs, 1 / 4)


def _diverse_work(stats: Statistics) -> Tensor:
    return torch.tensor(
        [
            _work(layer) * (input_entropy(layer) * output_entropy(layer)) ** 2
            for layer in inner_layers(stats)
        ],
        dtype=torch.float64,
    )


def _live_work(stats: Statistics) -> Tensor:
    works = [_work(layer) * layer.live for layer in inner_layers(stats)]
    return torch.tensor(works, dtype=torch.float64)


@proxy(
    needs=["input_spectra", "output_spectra"],
    better="higher",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="our own extension of GradAlign, not the paper's; exponents chosen on draws of networks "
    "from seven benchmarks, and checked on fresh ones",
    kind="gradalign",
    unit="multiply-adds^(1/4)",
    ablation="gradalign_plus_ablation",
    layer_terms=_diverse_work,
)
def gradalign_plus(stats: Statistics, /) -> float:
    """Diversity of inputs and output gradients of the weight layers, weighted by work.

    A layer's weight gradients are products of its inputs and its output gradients. With h_in and
    h_out the entropies of the spectra of their channel covariances (centred over samples and
    positions), each over the log of the rank that channels and positions allow, the score is

        sum over layers but the last of macs^(1/4) * (h_in * h_out)^2.

    Args:
        stats: One pass. Reads `layers` with their input and output spectra.

    Returns:
        A number >= 0 in multiply-adds^(1/4); higher is better. It grows with the network: compare
        it with `gradalign_plus_ablation`.

    Raises:
        UndefinedScore: If at most one weight layer gets a gradient (status `no_gradient`).

    Source:
        This package; it measures factors of the gradients whose conflict GradAlign measures.

    Example:
        >>> import torch
        >>> even, one = torch.ones(2), torch.tensor([1.0, 0.0])
        >>> a, b = Layer("a", 16, True, even, 9, even, 9), Layer("b", 16, True, even, 9, one, 9)
        >>> stats = Statistics(n=3, blocks=(), values={"layers": (a, b, Layer("head", 16, True))})
        >>> round(gradalign_plus(stats), 6)
        2.0
    """
    return float(_diverse_work(stats).sum())


@proxy(
    needs=["layers"],
    better="higher",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="ablation of gradalign_plus: the entropies taken out",
    needs_gradient=True,
    kind="ablation",
    unit="multiply-adds^(1/4)",
    layer_terms=_live_work,
)
def gradalign_plus_ablation(stats: Statistics, /) -> float:
    """Size part of gradalign_plus: fourth roots of multiply-adds, summed over layers.

    The score is

        sum over live weight layers but the last of macs^(1/4):

    what `gradalign_plus` would be if every live layer were as diverse as can be. What a table gains
    over it is due to the entropies.

    Args:
        stats: One pass. Reads `layers`, without spectra.

    Returns:
        A number >= 0 in multiply-adds^(1/4); higher is better. It grows with the network.

    Raises:
        UndefinedScore: If at most one weight layer gets a gradient (status `no_gradient`).

    Source:
        This package.

    Example:
        >>> layers = (Layer("a", 16, True), Layer("b", 81, False), Layer("head", 16, True))
        >>> gradalign_plus_ablation(Statistics(n=3, blocks=(), values={"layers": layers}))
        2.0
    """
    return float(_live_work(stats).sum())
