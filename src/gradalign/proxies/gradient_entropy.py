"""Gradient entropy: how evenly the gradients at the layers' outputs spread over channels."""

import torch
from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.proxies._layer_entropy import inner_layers, output_entropy
from gradalign.statistics import Statistics


def _entropies(stats: Statistics) -> Tensor:
    return torch.tensor([*map(output_entropy, inner_layers(stats))], dtype=torch.float64)


@proxy(
    needs=["output_spectra"],
    better="higher",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="factor of gradalign_plus: our own",
    kind="gradalign",
    unit="sum of shares",
    ablation="live_layers",
    layer_terms=_entropies,
)
def gradient_entropy(stats: Statistics, /) -> float:
    """Diversity of the gradients at the layers' outputs, summed over layers.

    With h_out the entropy of the spectrum of the channel covariance of the gradient that arrives at
    a layer's output (centred over samples and positions), over the log of
    min(channels, n positions - 1), the score is

        sum over layers but the last of h_out.

    Args:
        stats: One pass. Reads `layers` with their output spectra.

    Returns:
        A number in [0, layers], without unit; higher is better. It grows with the depth: compare it
        with `live_layers`.

    Raises:
        UndefinedScore: If at most one weight layer gets a gradient (status `no_gradient`).

    Source:
        This package: the second factor of `gradalign_plus` alone.

    Example:
        >>> import torch
        >>> from gradalign.statistics import Layer
        >>> even = torch.ones(2)
        >>> a = Layer("a", 4, True, output_spectrum=even, output_positions=9)
        >>> stats = Statistics(n=3, blocks=(), values={"layers": (a, a, Layer("head", 4, True))})
        >>> round(gradient_entropy(stats), 6)
        2.0
    """
    return float(_entropies(stats).sum())
