"""Feature entropy: how evenly the inputs of the weight layers spread over their channels."""

import torch
from torch import Tensor

from gradalign.proxies._base import proxy
from gradalign.proxies._layer_entropy import inner_layers, input_entropy
from gradalign.statistics import Statistics


def _entropies(stats: Statistics) -> Tensor:
    entropies = torch.tensor([*map(input_entropy, inner_layers(stats))], dtype=torch.float64)
    return entropies / len(entropies)


@proxy(
    needs=["input_spectra"],
    better="higher",
    oracle="naive loop",
    bounds=(0.0, 1.0),
    invariant_to={"sample_order", "loss_scale"},
    source="factor of gradalign_plus; the spectral entropy of features is also the expressivity of "
    "AZ-NAS (Lee & Ham, CVPR 2024), there of cell outputs and unscaled",
    needs_gradient=False,
    kind="gradalign",
    unit="share of the largest",
    layer_terms=_entropies,
)
def feature_entropy(stats: Statistics, /) -> float:
    """Mean diversity of the inputs of the weight layers.

    With h_in the entropy of the spectrum of the channel covariance of a layer's input (centred over
    samples and positions), over the log of min(channels, n positions - 1), the score is

        mean over layers but the last of h_in.

    Args:
        stats: One pass. Reads `layers` with their input spectra.

    Returns:
        A share in [0, 1]; higher is better. 1: every layer sees all channels vary equally and
        independently. It does not grow with the network.

    Raises:
        UndefinedScore: If there is at most one weight layer (status `no_gradient`).

    Source:
        This package: the first factor of `gradalign_plus` alone.

    Example:
        >>> import torch
        >>> from gradalign.statistics import Layer
        >>> even, one = torch.ones(2), torch.tensor([1.0, 0.0])
        >>> a, b = Layer("a", 4, True, even, 9), Layer("b", 4, True, one, 9)
        >>> stats = Statistics(n=3, blocks=(), values={"layers": (a, b, Layer("head", 4, True))})
        >>> round(feature_entropy(stats), 6)
        0.5
    """
    return float(_entropies(stats).sum())
