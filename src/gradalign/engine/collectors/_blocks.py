"""Which calls of a network's modules are its blocks.

Read off one small forward pass, not off names:

1. A *layer* is a module without children, or a stock `nn.Sequential` of layers. Every other module
   is a *block*.
2. What a module calls, in order, is its chain; each element must read what the one before it put
   out, directly or through functions, and outputs must have the samples on axis 0 and equally many
   axes. An element gives way to its own elements where it does no more than run them one after the
   other and at least two of these are blocks: stages, encoders.
3. The chain with the most blocks, the outermost of equals, is that of the network. Layers before
   its first block are the stem; layers between and after blocks give no feature.
4. Where no chain has two features, as in plain stacks, the longest chain of layers stands for it: a
   convolution or linear layer with what follows it and keeps the shape is a block. The network's
   own output is no feature.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.batch import map_tensors
from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call
from gradalign.engine._modes import PassMode
from gradalign.engine._outputs import first_output
from gradalign.errors import UnsupportedError

SAMPLES = 2
"""Samples of the pass that finds the blocks."""

SMALLEST = 2
"""Features that a network must have."""


@dataclass(frozen=True)
class Blocks:
    """What gives the features of a network, in forward order.

    Args:
        calls: For each feature the module that puts it out, and which of its calls does.
        stem: Whether the first of them is the stem.
        channel_axis: 1, or -1 for tokens.
    """

    calls: tuple[tuple[nn.Module, int], ...]
    stem: bool
    channel_axis: int


@dataclass(eq=False)
class _Call:
    """One call of a module.

    Args:
        module: The module.
        number: How many calls of it came before.
        inputs: The tensors among its arguments.
        read: The calls that put these out.
        output: The first floating-point tensor of what it returned, as the caller gets it.
        source: The innermost call that put this out: of a container, that of its last element.
        children: The calls made during it, in order.
    """

    module: nn.Module
    number: int
    inputs: list[Tensor]
    read: list[_Call]
    output: Tensor | None = None
    source: _Call | None = None
    children: list[_Call] = field(default_factory=list)

    @cached_property
    def is_layer(self) -> bool:
        """Whether the module is a layer."""
        return _is_layer(self.module)

    @cached_property
    def elements(self) -> list[_Call]:
        """The calls made during it, containers and stages replaced by their own elements."""
        return [element for child in self.children for element in child._expanded()]

    def _expanded(self) -> Iterator[_Call]:
        if sum(not element.is_layer for element in self.elements) >= SMALLEST and (
            _is_sequential(self.module) or self._only_runs_its_elements()
        ):
            yield from self.elements
        else:
            yield self

    def _only_runs_its_elements(self) -> bool:
        """Whether its output is that of its last element, and each reads the one before alone."""
        first, *rest = self.elements
        given = {id(tensor) for tensor in self.inputs if tensor.requires_grad}
        if not any(id(tensor) in given for tensor in first.inputs):
            return False
        sources = {element.source for element in self.elements}
        for before, element in zip([first, *rest], rest, strict=False):
            if [each for each in element.read if each in sources] != [before.source]:
                return False
            if any(id(tensor) in given for tensor in element.inputs):
                return False
        return self.source is self.elements[-1].source

    def reads(self, other: _Call) -> bool:
        """Whether an argument is the output of `other`, or was computed from it."""
        out = other.output
        if out is None:
            return False
        if any(tensor is out for tensor in self.inputs):
            return True
        return out.grad_fn is not None and any(
            _reaches(t.grad_fn, out.grad_fn) for t in self.inputs
        )


def find_blocks(conditions: Conditions) -> Blocks:
    """The blocks of the model.

    Raises:
        UnsupportedError: No chain of at least two.
    """
    root = _recorded(conditions)
    n = min(SAMPLES, conditions.n)
    best: list[_Call] = []
    for parent in _walk(root):
        for run in _runs(parent.elements, n):
            if _count_blocks(run) > _count_blocks(best):
                best = run
    found = _of_blocks(best, root) if best else None
    if found is None or len(found.calls) < SMALLEST:
        found = _of_layers(root, n)
    if len(found.calls) < SMALLEST:
        raise UnsupportedError(
            "the network has no chain of two blocks that run one after the other: make its blocks "
            "modules that each read the output of the one before, for example in an nn.Sequential"
        )
    return found


def _recorded(conditions: Conditions) -> _Call:
    """All calls of a forward pass of few samples, under that of the model; nothing is normalised.

    Outputs are copied, so that each has a place of its own in the graph behind later tensors.
    """
    counts: dict[int, int] = {}
    open_calls: list[_Call] = []
    sources: dict[int, _Call] = {}
    done: list[_Call] = []

    def enter(module: nn.Module, args: Any, kwargs: Any) -> None:
        number = counts.get(id(module), 0)
        counts[id(module)] = number + 1
        inputs = list(_floats((args, kwargs)))
        read = [sources[id(tensor)] for tensor in inputs if id(tensor) in sources]
        made = _Call(module, number, inputs, read)
        if open_calls:
            open_calls[-1].children.append(made)
        open_calls.append(made)

    def leave(_module: nn.Module, _args: Any, out: Any) -> Any:
        made = open_calls.pop()
        done.append(made)
        made.output = raw = first_output(out)
        inner = (child.source for child in reversed(made.children) if child.output is raw)
        made.source = next(inner, made)
        if isinstance(out, Tensor) and raw is not None:
            kept = raw if raw.requires_grad else raw.detach().requires_grad_()
            made.output = out = kept.clone()
        if made.output is not None:
            sources[id(made.output)] = made.source or made
        return out

    n = min(SAMPLES, conditions.n)
    batch = conditions.batch[0:n].map(lambda tensor: tensor.clone())
    with ExitStack() as stack:
        for module in conditions.model.model.modules():
            stack.callback(module.register_forward_pre_hook(enter, with_kwargs=True).remove)
            stack.callback(module.register_forward_hook(leave).remove)
        stack.enter_context(PassMode("identity", n, conditions.model.names))
        call(conditions.model.model, batch.inputs)
    return done[-1]


def _floats(tree: Any) -> Iterator[Tensor]:
    found: list[Tensor] = []
    map_tensors(lambda tensor: found.append(tensor), tree)
    return (tensor for tensor in found if tensor.is_floating_point())


def _walk(root: _Call) -> Iterator[_Call]:
    """All calls, outer ones first."""
    level = [root]
    while level:
        yield from level
        level = [child for each in level for child in each.children]


def _runs(elements: Sequence[_Call], n: int) -> Iterator[list[_Call]]:
    """Longest stretches of elements in which each reads the one before."""
    run: list[_Call] = []
    for element in elements:
        out = element.output
        usable = out is not None and out.dim() > 1 and out.shape[0] == n
        if run and not (usable and _axes(element) == _axes(run[-1]) and element.reads(run[-1])):
            yield run
            run = []
        if usable:
            run = [*run, element]
    if run:
        yield run


def _axes(element: _Call) -> int:
    return 0 if element.output is None else element.output.dim()


def _count_blocks(run: Sequence[_Call]) -> int:
    return sum(not element.is_layer for element in run)


def _of_blocks(run: Sequence[_Call], root: _Call) -> Blocks:
    """The stem and the blocks of a chain; tokens have no stem."""
    first = next(k for k, element in enumerate(run) if not element.is_layer)
    blocks = [element for element in run if not element.is_layer]
    axis = _channel_axis(blocks)
    stem = [run[first - 1]] if first else []
    if axis == -1:
        given = {id(tensor) for tensor in root.inputs}
        embeds = not blocks[0].inputs or any(id(tensor) in given for tensor in blocks[0].inputs)
        stem, blocks = [], blocks[1:] if embeds else blocks
    return _blocks([*stem, *blocks], axis, stem=bool(stem))


def _of_layers(root: _Call, n: int) -> Blocks:
    """Convolutions and linear layers of the longest chain of layers, with what follows each."""
    leaves = [each for each in _in_order(root) if not each.children]
    best = max((_weighted(run, root) for run in _runs(leaves, n)), key=len, default=[])
    return _blocks([last for _, last in best], _channel_axis([w for w, _ in best]), stem=False)


def _weighted(run: Sequence[_Call], root: _Call) -> list[tuple[_Call, _Call]]:
    """Every layer with a matrix, and the last that keeps its shape before the next of them."""
    found: list[tuple[_Call, _Call]] = []
    for leaf in run:
        if _holds_matrix(leaf.module):
            found.append((leaf, leaf))
        elif found and _shape(leaf) == _shape(found[-1][1]):
            found[-1] = (found[-1][0], leaf)
    return [(weighted, last) for weighted, last in found if last.source is not root.source]


def _shape(element: _Call) -> torch.Size | None:
    return None if element.output is None else element.output.shape


def _in_order(of: _Call) -> Iterator[_Call]:
    yield of
    for child in of.children:
        yield from _in_order(child)


def _blocks(calls: Sequence[_Call], axis: int, *, stem: bool) -> Blocks:
    return Blocks(tuple((each.module, each.number) for each in calls), stem, axis)


def _channel_axis(elements: Sequence[_Call]) -> int:
    """1 where outputs are vectors, or maps of convolutions over as many axes; else -1."""
    axes = _axes(elements[-1]) if elements else 2
    if axes == 2:
        return 1
    modules = (module for element in elements for module in element.module.modules())
    convolved = (m for m in modules if isinstance(m, nn.modules.conv._ConvNd))
    return 1 if any(len(m.kernel_size) == axes - 2 for m in convolved) else -1


def _is_sequential(module: nn.Module) -> bool:
    return type(module).forward is nn.Sequential.forward and "forward" not in module.__dict__


def _is_layer(module: nn.Module) -> bool:
    children = list(module.children())
    return not children or (_is_sequential(module) and all(map(_is_layer, children)))


def _holds_matrix(module: nn.Module) -> bool:
    """Whether `module` holds a weight that is no vector and no table."""
    own = [parameter for parameter in module._parameters.values() if parameter is not None]
    return not isinstance(module, nn.Embedding) and any(p.dim() > 1 for p in own)


def _reaches(start: Any, goal: Any) -> bool:
    """Whether the graph behind the node `start` holds the node `goal`."""
    oldest = goal._sequence_nr()
    seen, waiting = set(), [start]
    while waiting:
        node = waiting.pop()
        if node is goal:
            return True
        if node is None or node in seen or node._sequence_nr() < oldest:
            continue
        seen.add(node)
        waiting += [following for following, _ in node.next_functions]
    return False
