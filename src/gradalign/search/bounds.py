"""Hard limits on what a network may take, checked before it is scored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from gradalign.errors import InputError
from gradalign.search.objective import Values


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """The most that a network may take; None: no limit. Each field is named after its measure.

    Args:
        params: Trainable parameters.
        macs: Multiply-adds of one sample: convolutions and matrix products, no bias.
        flops: Floating-point operations of one sample, two a multiply-add.
        latency: Seconds of a forward pass of one sample.
        inference_memory: Peak bytes of activations in a forward pass of one sample.
        training_memory: Peak bytes of activations and gradients in a training step on the batch.

    Raises:
        InputError: A limit that is not above 0.
    """

    params: float | None = None
    macs: float | None = None
    flops: float | None = None
    latency: float | None = None
    inference_memory: float | None = None
    training_memory: float | None = None

    def __post_init__(self) -> None:
        for name, limit in self:
            if not limit > 0:
                raise InputError(f"a limit of {limit:g} on {name}: it must be above 0")

    def __iter__(self) -> Iterator[tuple[str, float]]:
        """The limits that there are, by the name of the measure."""
        for field in fields(self):
            limit = getattr(self, field.name)
            if limit is not None:
                yield field.name, float(limit)

    def margins(self, costs: Values) -> dict[str, float]:
        """By how much each cost is above its limit, as a share of it; 0 or less: it is within.

        A cost that is not known counts as twice the limit.

        Args:
            costs: What the network takes.
        """
        known = {name: costs.get(name) for name, _ in self}
        return {
            name: 1.0 if (cost := known[name]) is None else cost / limit - 1.0
            for name, limit in self
        }

    def refusal(self, costs: Values) -> str | None:
        """Why a network with these costs is refused; None: it is within all limits."""
        for name, limit in self:
            cost = costs.get(name)
            if cost is None:
                return f"its {name} is not known"
            if cost > limit:
                return f"{name} {cost:.6g} is above {limit:.6g}"
        return None

    def excluded(self, refused: Mapping[str, int], least: Values, proposals: int) -> str:
        """A line on which limit excludes what, where nothing is left.

        Args:
            refused: How many proposals each limit excludes.
            least: The least of each cost among the proposals.
            proposals: How many there were.
        """
        parts = [
            f"{name} at most {limit:.6g} excludes {refused[name]}"
            + (f" (the least is {least[name]:.6g})" if name in least else "")
            for name, limit in self
            if refused.get(name)
        ]
        return (
            f"no network within the limits among {proposals} proposals: {', '.join(parts)}; "
            "raise a limit"
        )

    def to_dict(self) -> dict[str, float]:
        """The limits that there are."""
        return dict(self)
