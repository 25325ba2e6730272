"""Affine parameters of normalisation layers: sums over positions of d x-hat, and of d."""

from __future__ import annotations

from torch import Tensor, nn

from gradalign.engine._gradient import Dense, PerSampleGradient, samples_first
from gradalign.engine._weights import as_matrix
from gradalign.engine.rules._base import RULES, Rule, Use


def _affine(use: Use) -> PerSampleGradient:
    d = use.grad_output
    if use.attribute == "weight":
        if use.normalised is None:
            raise ValueError("a normalisation layer without its normalised output")
        d = d * use.normalised()
    shape = as_matrix(getattr(use.module, use.attribute)).shape
    return Dense(_per_parameter(use, d).reshape(use.n, *shape))


def _per_parameter(use: Use, d: Tensor) -> Tensor:
    """`d` summed over all but the samples and the axes of the parameter."""
    by_sample = samples_first(d, use.n)  # [n, k, ...]
    shape = getattr(use.module, use.attribute).shape
    if isinstance(use.module, (nn.LayerNorm, _RMS_NORM)):  # the last axes
        kept = by_sample.dim() - len(shape)
        return by_sample.flatten(1, kept - 1).sum(1) if kept > 1 else by_sample
    return by_sample.flatten(3).sum(3).sum(1) if by_sample.dim() > 3 else by_sample.sum(1)


_RMS_NORM: type[nn.Module] = getattr(nn, "RMSNorm", nn.LayerNorm)

RULES.add(
    "norm",
    Rule(
        modules=(
            nn.BatchNorm1d,
            nn.BatchNorm2d,
            nn.BatchNorm3d,
            nn.SyncBatchNorm,
            nn.InstanceNorm1d,
            nn.InstanceNorm2d,
            nn.InstanceNorm3d,
            nn.GroupNorm,
            nn.LayerNorm,
            _RMS_NORM,
        ),
        attributes=("weight", "bias"),
        gradient=_affine,
    ),
)
