"""The labelled samples of a source, parted into what is learned, what chooses and what tests."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from gradalign.batch import Batch
from gradalign.data import InputSpec, open_source
from gradalign.data._images import ImageSource
from gradalign.errors import InputError

HELD_OUT = 0.2
"""Share of each class that validates, and share that tests; the rest is learned."""


@dataclass(frozen=True)
class Parts:
    """Three sets of samples, none in two of them.

    Args:
        training: What is learned.
        validation: What chooses between networks.
        test: What has chosen nothing.
    """

    training: Batch
    validation: Batch
    test: Batch

    def to(self, device: torch.device) -> Parts:
        """The same samples on `device`."""
        return Parts(self.training.to(device), self.validation.to(device), self.test.to(device))

    @property
    def sizes(self) -> dict[str, int]:
        """Number of samples by the name of the part."""
        return {name: len(batch) for name, batch in vars(self).items()}


def part(data: str, spec: InputSpec, seed: int) -> Parts:
    """All samples of a source, each class parted by the same shares.

    The samples stand in the order in which `Source.draw` gives them for this seed, and the first of
    each class are the training's. So the batches that networks are scored on under the same seed
    are learned, and the test samples have no part in the score either, as long as those batches
    hold at most three fifths of the samples.

    Args:
        data: The source.
        spec: What the networks take.
        seed: Of the order.

    Raises:
        InputError: No images, a class with fewer than three samples, or what `Source.draw` raises.
    """
    source = open_source(data)
    if not isinstance(source, ImageSource):
        raise InputError(
            f"the data {data!r} are drawn anew each time: nothing can be learned from them; name "
            "images with labels, such as digits"
        )
    drawn = source.draw(len(source.labels), seed, spec)
    validation, test = _held_out(drawn.targets)
    return Parts(drawn[~(validation | test)], drawn[validation], drawn[test])


def _held_out(labels: Tensor) -> tuple[Tensor, Tensor]:
    """Which samples validate, and which test: bool [n] each, the last ones of each class."""
    validation = torch.zeros(len(labels), dtype=torch.bool)
    test = validation.clone()
    for label in labels.unique():
        members = (labels == label).nonzero().flatten()
        held = max(1, round(HELD_OUT * len(members)))
        if len(members) < 3:
            raise InputError(
                f"class {int(label)} has {len(members)} of the samples: 3 are needed, to learn, to "
                "choose and to test"
            )
        validation[members[-2 * held : -held]] = True
        test[members[-held:]] = True
    return validation, test
