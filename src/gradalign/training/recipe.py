"""How a network is trained."""

from __future__ import annotations

import math
from dataclasses import dataclass

from gradalign.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Stochastic gradient descent with Nesterov's momentum under a cosine; immutable.

    The same for all networks, as on NAS-Bench-201, but for the length.

    Args:
        epochs: Times that every sample is seen.
        batch_size: Samples of one step; what is left over at the end of an epoch is a smaller step.
        learning_rate: Of the first step; it falls to 0 along half a cosine.
        momentum: Of Nesterov's method.
        weight_decay: Added to the gradient of all parameters, times their value.

    Raises:
        InputError: A number that is no training.
    """

    epochs: int = 6
    batch_size: int = 32
    learning_rate: float = 0.1
    momentum: float = 0.9
    weight_decay: float = 5e-4

    def __post_init__(self) -> None:
        if self.epochs < 1 or self.batch_size < 1 or not self.learning_rate > 0:
            raise InputError(
                f"training for {self.epochs} epochs in steps of {self.batch_size} samples at "
                f"learning rate {self.learning_rate:g}: all three must be above 0"
            )
        if not (self.learning_rate < math.inf and 0 <= self.momentum < 1):
            raise InputError(
                f"training at learning rate {self.learning_rate:g} with momentum "
                f"{self.momentum:g}: the rate must be finite, the momentum at least 0 and below 1"
            )
        if not 0 <= self.weight_decay < math.inf:
            raise InputError(f"weight decay {self.weight_decay:g}: it must be 0 or more, finite")

    def steps(self, samples: int) -> int:
        """Number of steps of a training on so many samples."""
        return self.epochs * math.ceil(samples / self.batch_size)

    def __str__(self) -> str:
        return (
            f"{self.epochs} epochs of SGD, {self.batch_size} samples a step, learning rate "
            f"{self.learning_rate:g} with a cosine, Nesterov momentum {self.momentum:g}, weight "
            f"decay {self.weight_decay:g}"
        )
