"""Which backend makes the pass."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from gradalign.engine import _check, functional, naive
from gradalign.engine._capture import HookPass
from gradalign.engine._conditions import Conditions
from gradalign.engine._observe import Observation
from gradalign.engine._result import PassResult
from gradalign.errors import UnsupportedError

Backend = Literal["auto", "hooks", "vmap", "loop"]
Check = Literal["auto", "always", "never"]


def _hooks(conditions: Conditions, check: Check, observation: Observation | None) -> PassResult:
    """The fast backend, and the conservation check where it is due."""
    if conditions.probe.norm == "batch_exact":
        raise UnsupportedError(
            "the hooks backend cannot express norm='batch_exact'; use backend='loop'"
        )
    hooks = HookPass(conditions, observation)
    result = hooks.run()
    if check == "always" or (check == "auto" and not _check.is_verified(hooks.kinds())):
        _check.check_conservation(conditions)
    return result


def run(
    conditions: Conditions, backend: Backend, check: Check, observation: Observation | None = None
) -> tuple[PassResult, str]:
    """The pass, by the backend asked for or the first that can do it.

    Only hooks let others look on: their forward pass is that of the whole batch, as it is.
    """
    ways: dict[str, Callable[[], PassResult]] = {
        "hooks": lambda: _hooks(conditions, check, observation),
        "vmap": lambda: functional.run(conditions),
        "loop": lambda: naive.run(conditions),
    }
    if backend != "auto":
        return ways[backend](), backend
    reasons: list[str] = []
    for name, way in ways.items():
        try:
            return way(), "; ".join([name, *reasons])
        except UnsupportedError as error:
            reasons.append(f"{name}: {error}")
            last = error
    raise last
