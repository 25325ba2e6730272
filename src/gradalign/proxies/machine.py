"""What a network takes on this machine: baselines of cost, not of quality."""

from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics

_INVARIANT = ("sample_order", "loss_scale")


@proxy(
    needs=["latency"],
    better="lower",
    oracle="nothing",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source="measured on this machine",
    kind="size",
    unit="seconds",
)
def latency(stats: Statistics, /) -> float:
    """Seconds of a forward pass of one sample on this machine.

    The median of 10 passes in eval mode, after 3 that are not timed.

    Args:
        stats: One pass. Reads `latency`.

    Returns:
        Seconds >= 0; lower is better (as a cost). Compare values of one machine that did nothing
        else only: two measurements are never equal.

    Source:
        Measured.

    Example:
        >>> import torch
        >>> latency(Statistics(n=2, blocks=(), values={"latency": torch.tensor(0.25)}))
        0.25
    """
    return float(stats.tensor("latency"))


@proxy(
    needs=["activation_bytes"],
    better="lower",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source="counted on this machine",
    kind="size",
    unit="bytes",
)
def inference_memory(stats: Statistics, /) -> float:
    """Peak bytes of activations in a forward pass of one sample.

    The most bytes of tensors that the pass makes and that are alive at once, counted after every
    operation; weights and inputs, and what an operation takes inside, are left out.

    Args:
        stats: One pass. Reads `activation_bytes`.

    Returns:
        Bytes >= 0; lower is better (as a cost). It is the same for every run.

    Source:
        Counted.

    Example:
        >>> import torch
        >>> values = {"activation_bytes": torch.tensor(4096)}
        >>> inference_memory(Statistics(n=2, blocks=(), values=values))
        4096.0
    """
    return float(stats.tensor("activation_bytes"))


@proxy(
    needs=["training_bytes"],
    better="lower",
    oracle="naive loop",
    bounds=(0.0, float("inf")),
    invariant_to=_INVARIANT,
    source="counted on this machine",
    kind="size",
    unit="bytes",
)
def training_memory(stats: Statistics, /) -> float:
    """Peak bytes of activations and gradients in a training step on the batch.

    The most bytes of tensors that a forward and a backward pass make and that are alive at once,
    counted after every operation; weights and inputs, what an operation takes inside, and the
    state of the optimiser are left out.

    Args:
        stats: One pass. Reads `training_bytes`.

    Returns:
        Bytes >= 0; lower is better (as a cost). It is the same for every run, and grows with the
        batch.

    Source:
        Counted.

    Example:
        >>> import torch
        >>> values = {"training_bytes": torch.tensor(8192)}
        >>> training_memory(Statistics(n=2, blocks=(), values=values))
        8192.0
    """
    return float(stats.tensor("training_bytes"))
