"""What looks on during a forward pass: all who do share one, that of the pass where it can be.

What modules and activations put out is handed on as it appears. Nothing is kept: a watch reads an
output while the pass is there and stores a few numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._conditions import Conditions
from gradalign.engine._loss import call
from gradalign.engine._modes import PassMode
from gradalign.engine._outputs import first_output


class Watch:
    """What one collector takes from the pass; it overrides what it wants to see."""

    def attach(self, stack: ExitStack) -> None:
        """Enter further hooks or modes for the time of `stack`; they may not raise."""

    def on_output(self, module: nn.Module, out: Tensor) -> None:
        """See the first tensor of what a module returns, in the order in which the calls end.

        Containers and the network itself are modules too; a module that is called twice is seen
        twice. What a container hands on unchanged is the same object again.
        """

    def on_relu(self, out: Tensor) -> None:
        """See the output of a ReLU."""

    def on_gelu(self, out: Tensor) -> None:
        """See the output of a GELU or SiLU."""

    def result(self, answer: Any) -> Mapping[str, object]:
        """The statistics by name, once the network has put out `answer`."""
        raise NotImplementedError


MakeWatch = Callable[[Conditions], Watch]
Names = tuple[str, ...]


class Observation:
    """Watches that look on together; the fault of one leaves the others their view.

    Args:
        conditions: What the pass works under.
        makers: Makes each watch, by the names of the statistics that it gives.
    """

    def __init__(self, conditions: Conditions, makers: Mapping[Names, MakeWatch]) -> None:
        self._conditions = conditions
        self._makers = makers
        self._watches: dict[Names, Watch] = {}
        self._found: dict[str, object] = {}
        self._last: tuple[Tensor, int, Tensor] | None = None

    def run(self) -> None:
        """Look on at a forward pass of its own."""
        conditions = self._conditions
        mode = conditions.mode(conditions.n)
        self.start()
        with torch.no_grad(), self.watching(mode), mode:
            answer = call(conditions.model.model, conditions.batch.inputs)
        self.finish(answer)

    def start(self) -> None:
        """Make the watches anew; some run the network for it, so nothing may be hooked yet."""
        self._found = {}
        self._watches = {}
        for names, make in self._makers.items():
            self._guarded(names, partial(self._make, names, make))

    @contextmanager
    def watching(self, mode: PassMode) -> Iterator[None]:
        """Context of a forward pass of the whole batch in `mode`, at which all look on."""
        if not self._watches:
            yield
            return
        before = mode.on_relu

        def on_relu(x: Tensor, out: Tensor) -> None:
            if before is not None:
                before(x, out)
            self._each(lambda watch: watch.on_relu(out.detach()))

        mode.on_relu = on_relu
        mode.on_gelu = lambda _, out: self._each(lambda watch: watch.on_gelu(out.detach()))
        with ExitStack() as stack:
            for module in self._conditions.model.model.modules():
                stack.callback(module.register_forward_hook(self._on_output).remove)
            for watch in self._watches.values():
                watch.attach(stack)
            yield
        self._last = None

    def finish(self, answer: Any) -> None:
        """Put what was found, or the error in its place, where the collectors look for it."""
        with torch.no_grad():
            for names, watch in list(self._watches.items()):
                self._guarded(names, partial(self._settle, watch, answer))
        self._watches = {}
        self._conditions.found.update(self._found)

    def _make(self, names: Names, make: MakeWatch) -> None:
        self._watches[names] = make(self._conditions)

    def _settle(self, watch: Watch, answer: Any) -> None:
        self._found.update(watch.result(answer))

    def _on_output(self, module: nn.Module, _args: Any, out: Any) -> None:
        tensor = first_output(out)
        if tensor is None:
            return
        last = self._last
        if last is None or last[0] is not tensor or last[1] != tensor._version:
            self._last = last = (tensor, tensor._version, tensor.detach())
        seen = last[2]
        self._each(lambda watch: watch.on_output(module, seen))

    def _each(self, see: Callable[[Watch], None]) -> None:
        for names, watch in list(self._watches.items()):
            self._guarded(names, partial(see, watch))

    def _guarded(self, names: Sequence[str], act: Callable[[], None]) -> None:
        """Act, and where that fails leave the watch of `names` out from now on."""
        try:
            act()
        except Exception as error:  # noqa: BLE001 - it is raised where the statistic is read
            self._watches.pop(tuple(names), None)
            self._found.update(dict.fromkeys(names, error.with_traceback(None)))
