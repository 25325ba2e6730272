"""Under which probes a proxy is measured, and the batches that go with them.

Batches come from what the user passed, or from a data source. The two differ in what a proxy may
ask for: a passed batch stands for the authors' batch.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Literal, Protocol

from torch import Tensor

from gradalign.batch import Batch, map_tensors
from gradalign.data import InputSpec, Source, open_source
from gradalign.errors import InputError, UnsupportedError
from gradalign.probe import Probe
from gradalign.proxies import ProbeChanges, Proxy

Regime = Literal["shared", "official"]

ONES = "ones"
"""`Probe.data` of inputs that are all one, in the shape of the model's."""


_DRAWN = ("data", "batch_size", "part", "input_size")
"""Fields of `Probe` that a passed batch settles."""


class Samples(Protocol):
    """Where the batches come from."""

    def settled(self, common: Probe) -> Probe:
        """The common probe with what these samples settle in it."""
        ...

    def probes(self, proxy: Proxy, common: Probe, regime: Regime) -> dict[str, Probe]:
        """The probes of `proxy`, by the names it gives them."""
        ...

    def batch(self, probe: Probe, seed: int, spec: InputSpec) -> Batch:
        """The batch of `probe`, on the CPU or where the passed batch is."""
        ...


class PassedBatch:
    """A batch of the user's own.

    It stands for the authors' batch: in the official regime a proxy's norm mode, weights, objective
    and type apply, its data, size and input size do not. A proxy that takes several batches gets
    the batch cut into as many equal parts, in order; what is left over is left out.

    Args:
        batch: The samples.
    """

    def __init__(self, batch: Batch) -> None:
        self._batch = batch
        self._name = f"batch:{batch.content}"
        self._shape = _first_shape(batch)

    def settled(self, common: Probe) -> Probe:
        """The common probe on the whole batch."""
        return self._on_batch(common).with_(batch_size=len(self._batch))

    def probes(self, proxy: Proxy, common: Probe, regime: Regime) -> dict[str, Probe]:
        """The probes of `proxy`, by the names it gives them."""
        common = self._on_batch(common)
        parts = 1 + max(int(str(own.get("part", 0))) for own in proxy.probes.values())
        size = max(1, len(self._batch) // parts)
        official = _official(proxy, regime)
        kept = {name: value for name, value in official.items() if name not in _DRAWN}
        return {
            name: common.with_(**{**self._drawn(own, size), **own, **kept})
            for name, own in proxy.probes.items()
        }

    def _on_batch(self, common: Probe) -> Probe:
        return common.with_(data=self._name, input_size=None)

    def _drawn(self, own: ProbeChanges, size: int) -> dict[str, object]:
        """What the batch says about a probe whose own changes are `own`."""
        if "data" in own:  # of the batch, only the shape is left
            return {"input_size": self._shape}
        return {"batch_size": size}

    def batch(self, probe: Probe, seed: int, spec: InputSpec) -> Batch:
        """The part of the batch that `probe` names, or what the proxy brings, in its shape.

        Raises:
            UnsupportedError: Fewer samples than parts.
        """
        if probe.data == ONES:
            return ones(self._batch, probe.batch_size)
        if probe.data != self._name:
            if spec.tokens is None and probe.input_size is not None:
                spec = replace(spec, shape=probe.input_size)
            return open_source(probe.data).draw(probe.batch_size, seed, spec, probe.part)
        first = probe.part * probe.batch_size
        if first + probe.batch_size > len(self._batch):
            raise UnsupportedError(
                f"this proxy takes {probe.part + 1} batches or more, and the batch has only "
                f"{len(self._batch)} samples to cut: pass more samples"
            )
        part = self._batch[first : first + probe.batch_size]
        return part.map(Tensor.clone)  # a network may work in place on its input


class DrawnBatches:
    """Batches drawn from data sources, by seed.

    Args:
        source: Where the common batch comes from; a proxy may bring a source of its own.
    """

    def __init__(self, source: Source) -> None:
        self._source = source

    def settled(self, common: Probe) -> Probe:
        """The common probe on batches of this source."""
        return common.with_(data=str(self._source))

    def probes(self, proxy: Proxy, common: Probe, regime: Regime) -> dict[str, Probe]:
        """The probes of `proxy`, by the names it gives them."""
        common = self.settled(common)
        official = _official(proxy, regime)
        return {name: common.with_(**{**own, **official}) for name, own in proxy.probes.items()}

    def batch(self, probe: Probe, seed: int, spec: InputSpec) -> Batch:
        """The batch that `seed` draws.

        Raises:
            InputError: The source does not fit the model.
            UnsupportedError: Ones for a model that takes token ids, or too few samples for a batch
                after the first.
        """
        if probe.input_size is not None:
            spec = _resized(spec, probe.input_size)
        if probe.data == ONES:
            return ones(self._source.draw(1, seed, spec), probe.batch_size)
        own = probe.data == str(self._source)
        source = self._source if own else open_source(probe.data)
        try:
            return source.draw(probe.batch_size, seed, spec, probe.part)
        except InputError as error:
            if probe.part == 0:
                raise
            raise UnsupportedError(  # the other proxies may do with fewer
                f"this proxy takes {probe.part + 1} batches or more: {error}"
            ) from error


def _official(proxy: Proxy, regime: Regime) -> ProbeChanges:
    return proxy.official if regime == "official" else {}


def _resized(spec: InputSpec, size: tuple[int, ...]) -> InputSpec:
    """`spec` with inputs of `size`: a shape, or the number of tokens."""
    if spec.tokens is None:
        return replace(spec, shape=size)
    return replace(spec, tokens=(spec.tokens[0], size[0]))


def _first_shape(batch: Batch) -> tuple[int, ...]:
    """Shape of one sample of the first tensor among the inputs."""
    shapes: list[tuple[int, ...]] = []

    def note(tensor: Tensor) -> Tensor:
        shapes.append(tuple(tensor.shape[1:]))
        return tensor

    map_tensors(note, batch.inputs)
    return shapes[0]


def ones(like: Batch, size: int) -> Batch:
    """`size` samples that are all one, in the shape of the inputs of `like`, without targets.

    Raises:
        UnsupportedError: Inputs of whole numbers, such as token ids.
    """

    def fill(tensor: Tensor) -> Tensor:
        if not tensor.is_floating_point():
            raise UnsupportedError(
                "this proxy feeds ones to the network, and its inputs are whole numbers (token ids)"
            )
        return tensor.new_ones((size, *tensor.shape[1:]))

    return Batch(map_tensors(fill, like.inputs))
