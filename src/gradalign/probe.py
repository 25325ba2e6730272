"""Under which conditions one measurement is made; its content hash is the protocol."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal, get_args

import torch

from gradalign.errors import InputError

DEFINITIONS_VERSION = 1
"""Rises whenever a definition changes, so that old and new scores are never compared."""

NormMode = Literal["batch_fixed", "sample", "batch", "batch_exact", "frozen", "identity"]
Objective = Literal["loss", "logit_sum"]
WeightState = Literal["given", "absolute", "gaussian", "kaiming_fan_in"]
REDRAWN: tuple[WeightState, ...] = ("gaussian", "kaiming_fan_in")
"""States in which the weights are drawn anew."""

DType = Literal["float32", "float64", "float16", "bfloat16"]


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The conditions of one pass; immutable.

    It holds the rule by which batch and initialisation are drawn, not the draw: seed and device are
    columns of a record, so that seeds can be grouped. For a user's own batch, `data` is a hash of
    its content.

    Args:
        data: Name of a data source with its argument, or `batch:` and a content hash, or `ones`.
        batch_size: Number of samples.
        part: Which of several successive batches of one draw (proxies that need two).
        input_size: Shape of one input, without the sample axis; None: the model's own.
        objective: `loss`, or `logit_sum`: the sum of all outputs in place of the loss.
        loss: Name of the per-sample loss; `default` is cross-entropy for integer targets and summed
            squared error for float ones.
        weights: `given`, or `absolute`: every parameter and buffer replaced by its absolute value,
            or drawn anew: the weights of convolutions and linear layers from N(0, 1) (`gaussian`)
            or N(0, 2 / fan-in) (`kaiming_fan_in`), biases 0, scales and shifts of norms 1 and 0.
        norm: What normalisation layers do.
        dtype: Floating-point type of the pass; None: the model's own.
        params: Which weights form the blocks: `default`, `all`, `named_weight` (all with "weight"
            in their name) or the name of a user's function.
        build: Options of the search space, such as ("stem_channels", "16").
        num_classes: Outputs asked of a network that is made; None: the space's, else 10.
    """

    data: str = "digits"
    batch_size: int = 32
    part: int = 0
    input_size: tuple[int, ...] | None = None
    objective: Objective = "loss"
    loss: str = "default"
    weights: WeightState = "given"
    norm: NormMode = "batch_fixed"
    dtype: DType | None = None
    params: str = "default"
    build: tuple[tuple[str, str], ...] = ()
    num_classes: int | None = None

    def __post_init__(self) -> None:
        _one_of("norm", self.norm, get_args(NormMode))
        _one_of("objective", self.objective, get_args(Objective))
        _one_of("weights", self.weights, get_args(WeightState))
        if self.dtype is not None:
            _one_of("dtype", self.dtype, get_args(DType))
        if self.batch_size < 1:
            raise InputError(f"batch size {self.batch_size}: at least 1 sample is needed")
        if self.part < 0:
            raise InputError(f"part {self.part}: parts are counted from 0")
        if self.input_size is not None:
            if not self.input_size or min(self.input_size) < 1:
                raise InputError(f"input size {self.input_size}: every side must be at least 1")
            object.__setattr__(self, "input_size", tuple(int(side) for side in self.input_size))
        object.__setattr__(self, "batch_size", int(self.batch_size))
        object.__setattr__(self, "build", tuple(sorted(self.build)))

    def to_dict(self) -> dict[str, object]:
        """Every condition by name, and the version of the definitions."""
        return {**asdict(self), "definitions": DEFINITIONS_VERSION}

    @property
    def protocol(self) -> str:
        """Hash of the conditions, 12 hexadecimal digits: equal conditions, equal hash."""
        text = json.dumps(self.to_dict(), sort_keys=True, default=list)
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def torch_dtype(self) -> torch.dtype | None:
        """`dtype` as torch's own."""
        return None if self.dtype is None else getattr(torch, self.dtype)

    def with_(self, **changes: object) -> "Probe":
        """The same conditions but for `changes`."""
        return replace(self, **changes)  # type: ignore[arg-type]


def _one_of(what: str, value: object, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        raise InputError(f"unknown {what} {value!r}: choose from {', '.join(allowed)}")
