"""Batches: inputs and targets whose tensors all have the samples on axis 0."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from gradalign.errors import InputError

Inputs = Any
"""A tensor, a tuple of arguments or a dict of keyword arguments, nested as the model takes them."""


@dataclass(frozen=True)
class Batch:
    """What a network is probed with.

    Args:
        inputs: A tensor `model(x)`, a tuple `model(*x)` or a dict `model(**x)`; every tensor in it
            has the n samples on axis 0. Other values are passed on as they are.
        targets: A tensor with the samples on axis 0, or a tuple or dict of such; None where the
            objective needs none.

    Raises:
        InputError: No tensor, no samples, sample axes that differ, or values that are not finite.
    """

    inputs: Inputs
    targets: Inputs = None

    def __post_init__(self) -> None:
        tensors = [*_tensors(self.inputs)]
        if not tensors:
            raise InputError("the batch holds no tensor: give (inputs, targets)")
        sizes = {tuple(t.shape[:1]) for t in (*tensors, *_tensors(self.targets))}
        if len(sizes) > 1 or sizes == {()}:
            found = " and ".join(str(s[0]) if s else "a scalar" for s in sorted(sizes))
            raise InputError(
                f"the tensors of a batch differ in the number of samples on axis 0: {found}"
            )
        if sizes == {(0,)}:
            raise InputError("the batch is empty: at least one sample is needed")
        for name, part in (("inputs", self.inputs), ("targets", self.targets)):
            for tensor in _tensors(part):
                if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
                    raise InputError(f"the {name} hold NaN or infinite values: clean them first")

    def __len__(self) -> int:
        return int(next(_tensors(self.inputs)).shape[0])

    def __getitem__(self, index: slice | Tensor) -> Batch:
        """The samples in `index`."""
        return self.map(lambda tensor: tensor[index])

    def split(self) -> list[Batch]:
        """Every sample as a batch of its own."""
        return [self[i : i + 1] for i in range(len(self))]

    def map(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """The batch with `function` applied to every tensor, unchecked."""
        batch = object.__new__(Batch)
        object.__setattr__(batch, "inputs", map_tensors(function, self.inputs))
        object.__setattr__(batch, "targets", map_tensors(function, self.targets))
        return batch

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Batch:
        """On `device`, floating-point tensors in `dtype`."""
        return self.map(
            lambda t: t.to(device, dtype if dtype and t.is_floating_point() else t.dtype)
        )

    @property
    def content(self) -> str:
        """Hash of every value, 12 hexadecimal digits."""
        digest = hashlib.sha256()
        names = map_tensors(lambda t: str((t.dtype, tuple(t.shape))), (self.inputs, self.targets))
        digest.update(repr(names).encode())  # the structure, and what is no tensor
        for tensor in (*_tensors(self.inputs), *_tensors(self.targets)):
            flat = tensor.detach().cpu().contiguous().flatten()
            digest.update(flat.view(torch.uint8).numpy().data)
        return digest.hexdigest()[:12]

    def first_equal(self) -> Tensor:
        """Index of the first sample with the same input, [n]: its own where no earlier one has."""
        seen: dict[bytes, int] = {}
        rows = [
            tensor.detach().cpu().reshape(len(self), -1).contiguous().view(torch.uint8)
            for tensor in _tensors(self.inputs)
        ]
        return torch.tensor(
            [
                seen.setdefault(b"".join(row[place].numpy().tobytes() for row in rows), place)
                for place in range(len(self))
            ]
        )


def map_tensors(function: Callable[[Tensor], Any], tree: Inputs) -> Inputs:
    """`tree` with `function` applied to every tensor in it."""
    if isinstance(tree, Tensor):
        return function(tree)
    if isinstance(tree, Mapping):
        return {key: map_tensors(function, value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        values = [map_tensors(function, value) for value in tree]
        return type(tree)(*values) if hasattr(tree, "_fields") else type(tree)(values)
    return tree


def _tensors(tree: Inputs) -> Iterator[Tensor]:
    if isinstance(tree, Tensor):
        yield tree
    elif isinstance(tree, Mapping):
        for value in tree.values():
            yield from _tensors(value)
    elif isinstance(tree, (list, tuple)):
        for value in tree:
            yield from _tensors(value)


def as_batch(batch: Batch | tuple[Inputs, Inputs] | Inputs) -> Batch:
    """A `Batch` from what a user passes: a `Batch`, or the pair (inputs, targets)."""
    if isinstance(batch, Batch):
        return batch
    if isinstance(batch, (tuple, list)) and len(batch) == 2:
        return Batch(batch[0], batch[1])
    raise InputError(
        f"a batch is a pair (inputs, targets) or a gradalign Batch, found {type(batch).__name__}"
    )


def class_balanced(labels: Tensor, size: int, seed: int) -> Tensor:
    """Indices of `size` samples, as many of each class as can be, drawn without replacement.

    Classes take turns in an order drawn by `seed`; within a class the order is drawn too. Two calls
    with the same seed and a larger size agree on the first samples, so successive batches of one
    draw are slices of one long one.
    """
    if size < 1:
        raise InputError(f"batch size {size}: at least 1 sample is needed")
    generator = torch.Generator().manual_seed(seed)
    classes = labels.unique()
    if size > len(labels):
        raise InputError(f"batch size {size}: the data hold {len(labels)} samples only")
    order = classes[torch.randperm(len(classes), generator=generator)]
    queues = []
    for label in order:
        members = (labels == label).nonzero().flatten()
        queues.append(members[torch.randperm(len(members), generator=generator)])
    ranks = torch.cat([torch.arange(len(queue)) for queue in queues])
    turns = torch.cat([torch.full((len(queue),), k) for k, queue in enumerate(queues)])
    by_turn = torch.argsort(ranks * len(queues) + turns)
    return torch.cat(queues)[by_turn][:size]
