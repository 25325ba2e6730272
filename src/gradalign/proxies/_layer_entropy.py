"""h_in and h_out of a weight layer: how evenly its two factors spread over their channels.

A sample's weight gradient is the sum over positions of (output gradient) x (input). These are its
factors, and how many directions it can take is bounded by how many each of them takes.
"""

import math

from torch import Tensor

from gradalign.errors import MissingStatisticError, UndefinedScore
from gradalign.linalg import entropy
from gradalign.statistics import Layer, Statistics


def inner_layers(stats: Statistics) -> tuple[Layer, ...]:
    """The weight layers in forward order, the last one (the classifier, as a rule) left out.

    Raises:
        UndefinedScore: If none is left (status `no_gradient`).
    """
    layers = stats.layers[:-1]
    if not layers:
        raise UndefinedScore("no weight layer but the last one gets a gradient", "no_gradient")
    return layers


def input_entropy(layer: Layer) -> float:
    """h_in: scaled entropy of the channel covariance of the layer's input, in [0, 1]."""
    return _scaled_entropy(layer.input_spectrum, layer.input_positions)


def output_entropy(layer: Layer) -> float:
    """h_out: the same of the gradient that arrives at the layer's output, in [0, 1]."""
    return _scaled_entropy(layer.output_spectrum, layer.output_positions)


def _scaled_entropy(spectrum: Tensor | None, rows: int) -> float:
    """Entropy of a spectrum over its greatest value; 0 for a zero spectrum.

    A covariance of `rows` centred vectors has at most rows - 1 eigenvalues other than zero. The 2
    keeps log(rank) above 0 where a single one is allowed, whose entropy is 0.
    """
    if spectrum is None:
        raise MissingStatisticError("the spectra of the layers were not declared")
    rank = max(2, min(spectrum.shape[-1], rows - 1))
    return float((entropy(spectrum.double()) / math.log(rank)).clamp(0, 1))
