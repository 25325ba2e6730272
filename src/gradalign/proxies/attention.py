"""Transformers: their attention weights, and the layers around them."""

import torch
from torch import Tensor

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics, WeightStatistic

SALIENCY = WeightStatistic(
    "attention_saliency", ("sum", "weight"), lambda moments: (moments.weight * moments.sum).abs()
)

_NAMES = ("attn", "attention")
"""What stands in the name of a layer of attention, in every library that we know."""

_BOUNDS = (0.0, float("inf"))


@proxy(
    needs=["attention_maxima"],
    better="higher",
    oracle="naive loop",
    disagrees="The authors' notebook takes the maximum over heads for a softmax, over positions "
    "for the outputs of the projections.",
    bounds=(0.0, 1.0),
    invariant_to={"sample_order", "loss_scale"},
    source="Serianni & Kalita, ACL 2023 (arXiv 2306.05630): attention confidence; the confidence "
    "of a head as in Voita et al., ACL 2019 (arXiv 1905.09418)",
)
def attention_confidence(stats: Statistics, /) -> float:
    """Mean over heads of the mean largest attention weight.

    With A_h[i, t, s] the weight that head h gives to position s for position t of sample i,

        mean over h of mean over i and t of max over s of A_h[i, t, s].

    Args:
        stats: One pass. Reads `attention_maxima`, one number a head of each attention.

    Returns:
        A number in (0, 1]; higher is better. At initialisation it is little above one over the
        number of positions.

    Raises:
        UndefinedScore: If there is no attention (status `unsupported`), or its weights are not
            numbers.

    Source:
        Serianni & Kalita 2023, the normalised form, which is free of the number of heads. Their
        notebook takes the maximum over axis 1 of what it hooks: over heads for a softmax, over
        positions for the outputs of the projections. Here it is that over positions, of the
        weights.

    Example:
        >>> values = {"attention_maxima": torch.tensor([0.5, 0.25])}
        >>> attention_confidence(Statistics(n=2, blocks=(), values=values))
        0.375
    """
    maxima = stats.tensor("attention_maxima")
    if not len(maxima):
        raise UndefinedScore("the network has no attention", "unsupported")
    if not bool(maxima.isfinite().all()):
        raise UndefinedScore("an attention weight is not a number")
    return float(maxima.mean())


@proxy(
    needs=[SALIENCY],
    better="higher",
    oracle="naive loop",
    bounds=_BOUNDS,
    invariant_to={"sample_order"},
    source="Serianni & Kalita, ACL 2023 (arXiv 2306.05630): head importance; code, "
    "aaronserianni/training-free-nas@2d76e01, BERT_metrics.ipynb",
    probes={"stats": {"objective": "logit_sum"}},
)
def head_importance(stats: Statistics, /) -> float:
    """Sum over the weights of attention of weight times gradient, each made positive.

    With R the sum of the network's outputs over the batch, the score is

        sum over blocks b of attention of sum over k in b of | w_k * dR/dw_k |.

    A block is one of attention where its name holds `attn` or `attention`.

    Args:
        stats: The pass just described. Reads the weight sum of |w dR/dw|.

    Returns:
        A number >= 0 in the unit of the outputs; higher is better. It grows with the batch and with
        the network.

    Raises:
        UndefinedScore: If there is no block of attention (status `unsupported`).

    Source:
        Serianni & Kalita 2023. Their code does this on the last hidden states of its own networks;
        it leaves out linear layers with fewer than 128 outputs.

    Example:
        >>> from gradalign.statistics import Block
        >>> blocks = tuple(Block(name, (1, 2), macs=2) for name in ("attn.q", "fc"))
        >>> sums = {"attention_saliency": torch.tensor([3.0, 1.5], dtype=torch.float64)}
        >>> head_importance(Statistics(n=1, blocks=blocks, values={"weight_sums": sums}))
        3.0
    """
    of_attention = torch.tensor(_of_attention(stats))
    return float(stats.weight_sum(SALIENCY)[of_attention].sum())


@proxy(
    needs=["weights", "batch_gradient"],
    better="higher",
    oracle="naive loop",
    disagrees="Copies of the code differ in whether the patch embedding and the classifier count.",
    bounds=_BOUNDS,
    invariant_to={"sample_order"},
    source="Zhou et al., CVPR 2022 (TF-TAS, arXiv 2203.12217): DSS indicator; authors' code, "
    "decemberzhou/TF_TAS, lib/training_free/indicators/dss.py",
    probes={
        "stats": {
            "data": "ones",
            "batch_size": 1,
            "weights": "absolute",
            "norm": "identity",
            "objective": "logit_sum",
            "dtype": "float64",
        }
    },
)
def dss(stats: Statistics, /) -> float:
    """Synaptic diversity of attention and synaptic saliency of the rest.

    With R the sum of the network's outputs for an input of ones, every parameter replaced by its
    absolute value, and |M|_* the sum of the singular values of M, the score is

        sum over blocks W of attention of |W|_* |dR/dW|_*
        + sum over all other weights k of | w_k * dR/dw_k |.

    A block is one of attention where its name holds `attn` or `attention`; layer norms stay.

    Args:
        stats: The pass just described. Reads `weights` and `batch_gradient`.

    Returns:
        A number >= 0 in the unit of the outputs; higher is better. It grows with the network.

    Raises:
        UndefinedScore: If there is no block of attention (status `unsupported`).

    Source:
        Zhou et al. 2022. The indicator of their code gives the patch embedding and the classifier
        a saliency; copies of the code differ in whether the sum takes these in: here it does, each
        once. A packed query, key and value matrix is one block, as there; that of
        `nn.MultiheadAttention` is three.

    Example:
        >>> from gradalign.statistics import Block
        >>> blocks = (Block("attn.q", (1, 2), macs=2), Block("fc", (1, 1), macs=1))
        >>> weights = torch.tensor([[3.0, 4.0]]), torch.tensor([[2.0]])
        >>> gradients = torch.tensor([[0.0, 1.0]]), torch.tensor([[-0.5]])
        >>> values = {"weights": weights, "batch_gradient": gradients}
        >>> dss(Statistics(n=1, blocks=blocks, values=values))  # 5 * 1 + |2 * -.5|
        6.0
    """
    total = 0.0
    of_attention = _of_attention(stats)
    rows = zip(stats.blocks, of_attention, stats.weights, stats.batch_gradient, strict=True)
    for block, attends, weight, gradient in rows:
        w, g = (x.double().reshape(block.shape) for x in (weight, gradient))
        if attends and w.dim() > 1:
            total += _nuclear_norm(w) * _nuclear_norm(g)
        else:
            total += float((w * g).abs().sum())
    return total


def _of_attention(stats: Statistics) -> list[bool]:
    """For each block whether it is one of attention."""
    found = [any(name in block.name.lower() for name in _NAMES) for block in stats.blocks]
    if not any(found):
        raise UndefinedScore("the network has no weights of attention", "unsupported")
    return found


def _nuclear_norm(matrix: Tensor) -> float:
    return float(torch.linalg.svdvals(matrix.flatten(1)).sum())
