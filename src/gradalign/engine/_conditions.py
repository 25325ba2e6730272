"""What every backend, the check and the collectors work under."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from torch import Tensor, nn

from gradalign.batch import Batch
from gradalign.engine._codes import CodeProducts
from gradalign.engine._gradient import Workspace
from gradalign.engine._loss import LossFunction, sample_losses
from gradalign.engine._modes import PassMode
from gradalign.engine._prepare import Prepared
from gradalign.engine._reduce import BlockReducer, Request
from gradalign.engine._weights import Weight, filter_matrix
from gradalign.probe import Probe


@dataclass(frozen=True)
class Conditions:
    """A prepared model, the samples, and what is wanted of them.

    Args:
        model: The model in the probe's state.
        batch: All samples.
        probe: The conditions.
        loss_fn: The user's loss; None: the default one.
        work: Reused buffers.
        request: Which gradient statistics are wanted.
        spectra: Of `input` and `output`, those of which spectra are wanted.
        codes: Whether activation codes are wanted.
        needs: Names of all statistics that are wanted.
        found: What collectors that share a forward pass have measured so far, by name.
    """

    model: Prepared
    batch: Batch
    probe: Probe
    loss_fn: LossFunction | None
    work: Workspace
    request: Request = field(default_factory=Request)
    spectra: frozenset[str] = frozenset()
    codes: bool = False
    needs: frozenset[str] = frozenset()
    found: dict[str, object] = field(default_factory=dict)

    @cached_property
    def code_products(self) -> CodeProducts:
        """What gives products of activation codes."""
        return CodeProducts(self.work)

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.batch)

    @property
    def saliency(self) -> bool:
        """Whether products of outputs and their gradients are wanted."""
        return bool({"channel_saliency", "axis_saliency"} & self.needs)

    @property
    def parameters(self) -> list[nn.Parameter]:
        """The blocks' tensors."""
        return [weight.parameter for weight in self.model.weights]

    def mode(self, n: int, **options: Any) -> PassMode:
        """The mode of a forward pass of n samples; `options` are those of `PassMode`."""
        return PassMode(self.probe.norm, n, self.model.names, **options)

    def losses(
        self,
        batch: Batch,
        *,
        model: Callable[..., Any] | None = None,
        validate: bool = True,
    ) -> Tensor:
        """What the probe differentiates, one number for each sample of `batch`, [n].

        Args:
            batch: Some of the samples.
            model: A function that calls the model; None: the model itself.
            validate: Whether to look at the values of the labels.
        """
        return sample_losses(
            model or self.model.model, batch, self.probe, self.loss_fn, validate=validate
        )


def new_reducer(conditions: Conditions, weight: Weight) -> BlockReducer:
    """What reads the per-sample gradients of one block."""
    filters = filter_matrix(conditions.model.modules, weight)
    return BlockReducer(conditions.request, weight.parameter, filters, conditions.work)
