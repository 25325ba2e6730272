"""EPE-NAS: correlations of the input gradients inside each class."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.proxies._correlation import row_correlations
from gradalign.statistics import Statistics

SMALL = 1e-5
"""The authors' constant k."""

MANY_CLASSES = 100
"""Outputs above which classes are compared with each other."""


@proxy(
    needs=["input_gradient", "labels", "logits"],
    better="higher",
    oracle="published code",
    bounds=(0.0, float("inf")),
    invariant_to={"sample_order", "loss_scale"},
    source="Lopes et al., ICANN 2021 (arXiv 2102.08099); code, automl/NASLib@0b51bc1, "
    "measures/epe_nas.py",
    official={"norm": "batch", "batch_size": 32},
)
def epe_nas(stats: Statistics, /) -> float:
    """Logarithms of the correlations of input gradients inside each class.

    With C_c the correlation matrix of the gradients of the sum of all outputs with respect to the
    samples of class c, and s_c = sum over its entries of log(|C_c| + 1e-5), the score is

        sum over classes of |s_c|;

    for a network of more than 100 outputs, with s_c divided by the number of samples in the class
    and classes of one sample left out,

        sum over pairs of classes (both orders) of |s_c - s_d| / number of classes.

    Args:
        stats: One pass. Reads `input_gradient`, [n, D], `labels`, [n], and of `logits` the number.

    Returns:
        A number >= 0, without unit; higher is better. It grows with the samples in each class; a
        class of one sample adds 1e-5.

    Raises:
        UndefinedScore: If a sample's gradient does not vary, or if there are more than 100 outputs
            and no class has two samples.

    Source:
        Lopes et al. 2021; the form is that of NASLib, train mode and 32 images (the official
        regime). It says little where a class has few samples.

    Example:
        >>> gradient = torch.tensor([[1.0, -1.0, 0.0, 0.0], [0.0, 0.0, 1.0, -1.0]])
        >>> labels, logits = torch.tensor([0, 0]), torch.zeros(2, 10)
        >>> values = {"input_gradient": gradient.double(), "labels": labels, "logits": logits}
        >>> round(epe_nas(Statistics(n=2, blocks=(), values=values)), 4)  # |2 log 1e-5|
        23.0258
    """
    gradient, labels = stats.tensor("input_gradient"), stats.tensor("labels")
    correlations = row_correlations(gradient, "the gradient by the input")
    many = stats.tensor("logits").shape[-1] > MANY_CLASSES
    sums: list[Tensor] = []
    for label in labels.unique():
        rows = (labels == label).nonzero().flatten()
        total = (correlations[rows][:, rows].abs() + SMALL).log().sum()
        if not many:
            sums.append(total)
        elif len(rows) > 1:
            sums.append(total / len(rows))
    if not sums:
        raise UndefinedScore("no class has two samples to compare")
    scores = torch.stack(sums)
    if not many:
        return float(scores.abs().sum())
    return float((scores[:, None] - scores[None, :]).abs().sum()) / len(scores)
