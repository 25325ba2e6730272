"""What can be seen of a sample in the gradients of its batch: named before anything was trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from scipy.stats import mannwhitneyu
from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.engine import collect
from gradalign.linalg import cosine
from gradalign.probe import Probe


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A figure that may point at a mislabelled sample.

    Args:
        words: What it is, as sentences have it.
        label: What a legend calls it.
        suspicious: Which values should point at a wrong label, `high` or `low`.
        conflict: Whether it tells of conflict between samples; else it is a baseline.
    """

    words: str
    label: str
    suspicious: str
    conflict: bool


FIGURES: Mapping[str, Figure] = {
    "own_class": Figure(
        words="the mean cosine of a sample's gradient with those of the others of its given class",
        label="cosine, given class",
        suspicious="low",
        conflict=True,
    ),
    "all": Figure(
        words="the mean cosine of a sample's gradient with those of all others",
        label="cosine, all samples",
        suspicious="low",
        conflict=True,
    ),
    "opposed": Figure(
        words="the share of the other samples whose gradients oppose that of a sample",
        label="conflicting pairs",
        suspicious="high",
        conflict=True,
    ),
    "norm": Figure(
        words="the norm of a sample's gradient",
        label="gradient norm",
        suspicious="high",
        conflict=False,
    ),
    "loss": Figure(words="the loss of a sample", label="loss", suspicious="high", conflict=False),
    "pixels": Figure(
        words="the mean cosine of a sample's image with those of the others of its given class, "
        "without any network",
        label="images, given class",
        suspicious="low",
        conflict=False,
    ),
}
"""By their key in the document."""

NAMED = "own_class"
"""The figure that the study is about, named beforehand."""

AGAINST = ("loss", "pixels")
"""Baselines that it is compared with."""


def figures(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
    """Each figure of each sample, [n], so turned that high values point at a wrong label.

    Args:
        model: The network as it is; it comes back exactly so.
        batch: Images and their given labels. Nothing else is known here.
    """
    stats = collect(model, batch, Probe(), ("gram", "losses"))
    gram = stats.gram.sum(0).double().cpu()
    cosines = cosine(gram)
    images = batch.inputs.flatten(1).double()
    images = cosine((centred := images - images.mean(0)) @ centred.T)
    others = ~torch.eye(len(batch), dtype=torch.bool)
    given = (batch.targets[:, None] == batch.targets) & others
    found = {
        "own_class": _mean(cosines, given),
        "all": _mean(cosines, others),
        "opposed": _mean((gram < 0).double(), others),
        "norm": gram.diagonal().clamp_min(0).sqrt(),
        "loss": stats.tensor("losses"),
        "pixels": _mean(images, given),
    }
    return {
        name: found[name] if figure.suspicious == "high" else -found[name]
        for name, figure in FIGURES.items()
    }


def _mean(values: Tensor, mask: Tensor) -> Tensor:
    """Mean over each row where the mask holds, [n]; NaN where it holds nowhere."""
    return torch.where(mask, values, 0.0).sum(1) / mask.sum(1)


def auc(suspicion: Tensor, wrong: Tensor) -> float | None:
    """Area under the ROC curve.

    It is the probability that of a mislabelled and a rightly labelled sample the former has the
    higher value, ties counted as half: .5 is chance.

    Args:
        suspicion: [n].
        wrong: Bool [n].

    Returns:
        None without samples of both kinds, or where a value is not finite.

    Example:
        >>> auc(torch.tensor([3.0, 1.0, 2.0]), torch.tensor([True, False, False]))
        1.0
    """
    hit, rest = suspicion[wrong].numpy(), suspicion[~wrong].numpy()
    if not len(hit) or not len(rest) or not bool(torch.isfinite(suspicion).all()):
        return None
    larger = mannwhitneyu(hit, rest, method="asymptotic").statistic
    return float(larger / (len(hit) * len(rest)))
