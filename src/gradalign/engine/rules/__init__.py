"""Layer rules: from a layer's input and output gradient to its per-sample weight gradients."""

from gradalign.engine.rules._base import RULES, Rule, Use, rule_for

__all__ = ["RULES", "Rule", "Use", "rule_for"]
