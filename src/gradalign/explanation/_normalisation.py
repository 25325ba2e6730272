"""The same network with other normalisation layers."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from torch import nn

BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm)
INSTANCE_NORMS = (nn.InstanceNorm1d, nn.InstanceNorm2d, nn.InstanceNorm3d)

MOST_GROUPS = 32
"""Groups of a GroupNorm, as Wu & He (arXiv 1803.08494) have them."""

FEWEST_CHANNELS = 4
"""Channels that a group holds at least: of one channel alone it would be an instance norm."""


@dataclass(frozen=True)
class Exchange:
    """Every normalisation layer of one kind for another one.

    Args:
        name: What becomes of what.
        of: Classes of the layers that go; only these themselves, as what is derived from them may
            do something else besides.
        make: What comes for one of them; its weight and bias are then those of the old one.
    """

    name: str
    of: tuple[type[nn.Module], ...]
    make: Callable[[Any], nn.Module]

    def fits(self, network: nn.Module) -> bool:
        """Whether there is such a layer, and none that is derived from one."""
        found = [layer for layer in network.modules() if isinstance(layer, self.of)]
        return bool(found) and all(type(layer) in self.of for layer in found)

    def __call__(self, network: nn.Module) -> nn.Module:
        """A copy of `network` with the other layers; `network` stays as it is."""
        copy = deepcopy(network)
        made: dict[nn.Module, nn.Module] = {}
        for parent in list(copy.modules()):
            for name, layer in parent._modules.items():
                if layer is not None and type(layer) in self.of:
                    if layer not in made:
                        made[layer] = self._made(layer)
                    parent._modules[name] = made[layer]
        return copy

    def _made(self, layer: nn.Module) -> nn.Module:
        new = self.make(layer).train(layer.training)
        for name in ("weight", "bias"):
            if getattr(new, name, None) is not None:
                setattr(new, name, getattr(layer, name))
        return new


def groups(channels: int) -> int:
    """How many groups a GroupNorm of so many channels has.

    Example:
        >>> [groups(channels) for channels in (3, 16, 24, 64, 512)]
        [1, 4, 6, 16, 32]
    """
    most = min(MOST_GROUPS, max(1, channels // FEWEST_CHANNELS))
    return next(count for count in range(most, 0, -1) if channels % count == 0)


def _group_norm(layer: Any) -> nn.Module:
    count = groups(layer.num_features)
    return nn.GroupNorm(count, layer.num_features, layer.eps, affine=layer.affine)


def _one_group(layer: Any) -> nn.Module:
    return nn.GroupNorm(1, layer.num_features, layer.eps, affine=layer.affine)


def _rms_norm(layer: Any) -> nn.Module:
    affine = layer.elementwise_affine
    return nn.RMSNorm(layer.normalized_shape, layer.eps, elementwise_affine=affine)


def _none(_layer: Any) -> nn.Module:
    return nn.Identity()


_OF_BATCH = (
    Exchange("BatchNorm -> GroupNorm", BATCH_NORMS, _group_norm),
    Exchange("BatchNorm -> GroupNorm(1)", BATCH_NORMS, _one_group),
    Exchange("BatchNorm -> none", BATCH_NORMS, _none),
)

_OTHERS = (
    Exchange("LayerNorm -> RMSNorm", (nn.LayerNorm,), _rms_norm),
    Exchange("LayerNorm -> none", (nn.LayerNorm,), _none),
    Exchange("RMSNorm -> none", (nn.RMSNorm,), _none),
    Exchange("GroupNorm -> none", (nn.GroupNorm,), _none),
    Exchange("InstanceNorm -> none", INSTANCE_NORMS, _none),
)


def exchanges(network: nn.Module) -> list[Exchange]:
    """What the normalisation of a network can be exchanged for.

    Where it has BatchNorm, that; else whatever other layers it has.
    """
    fitting = [each for each in _OF_BATCH if each.fits(network)]
    if fitting and all(
        groups(layer.num_features) == 1
        for layer in network.modules()
        if isinstance(layer, BATCH_NORMS)
    ):
        fitting = fitting[1:]  # the first two are the same
    return fitting or [each for each in _OTHERS if each.fits(network)]
