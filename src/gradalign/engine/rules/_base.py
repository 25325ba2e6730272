"""What a rule is, and which modules it may be applied to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from gradalign._registry import Registry
from gradalign.engine._gradient import PerSampleGradient


@dataclass(frozen=True)
class Use:
    """One call of a module that holds a block, after its output gradient has arrived.

    Args:
        module: The module.
        attribute: Under which attribute it holds the block.
        input: Its first input, detached.
        grad_output: Gradient of the summed loss with respect to its output.
        n: Number of samples.
        normalised: For normalisation layers, recomputes the output without affine part.
    """

    module: Any
    attribute: str
    input: Tensor
    grad_output: Tensor
    n: int
    normalised: Callable[[], Tensor] | None = None


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Per-sample gradients of the parameters of some module classes.

    Args:
        modules: Classes, and subclasses that do not override a method of `stock`.
        attributes: Parameters that the rule knows.
        gradient: Makes the gradients; raises ValueError for a call that it does not cover.
        stock: Methods that compute what the rule differentiates.
    """

    modules: tuple[type[nn.Module], ...]
    attributes: tuple[str, ...]
    gradient: Callable[[Use], PerSampleGradient]
    stock: tuple[str, ...] = ("forward",)

    def applies(self, module: nn.Module, attribute: str) -> bool:
        """Whether `module` computes its output exactly as the rule assumes."""
        if attribute not in self.attributes:
            return False
        for base in self.modules:
            if isinstance(module, base):
                return all(
                    getattr(type(module), method) is getattr(base, method)
                    and method not in module.__dict__
                    for method in self.stock
                )
        return False


RULES: Registry[Rule] = Registry("layer rule", "gradalign.engine.rules")


def rule_for(module: nn.Module, attribute: str) -> Rule | None:
    """The rule for a parameter of `module`, if there is one that is exact for it."""
    for rule in RULES.values():
        if rule.applies(module, attribute):
            return rule
    return None
