"""Activation codes of a forward pass by itself: also of units that no gradient reaches.

All that is wanted of them comes from one forward pass without gradients. Patterns are those of the
ReLU units on maps (tensors of four axes), or of all ReLU units where there is none on a map.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gradalign.engine._codes import UnitPatterns, codes_matches
from gradalign.engine._conditions import Conditions
from gradalign.engine._gradient import samples_first
from gradalign.engine._layers import is_layer
from gradalign.engine._loss import check_finite
from gradalign.engine._observe import Watch
from gradalign.engine._record import whole_batch_moments
from gradalign.engine.collectors import _watch
from gradalign.engine.collectors._base import COLLECTORS, Collector
from gradalign.engine.collectors._units import Kind, forward, outline
from gradalign.errors import UnsupportedError

MATCHES: dict[str, Kind] = {
    "relu_matches": "relu",
    "gelu_matches": "gelu",
    "layer_matches": "layer",
}
"""The units between which each statistic counts matches."""

PATTERNS = "relu_patterns"


class _Codes:
    """What is made of the codes.

    Args:
        conditions: Says which statistics are wanted, of how many samples.
    """

    def __init__(self, conditions: Conditions) -> None:
        n, work = conditions.n, conditions.work
        self._products = conditions.code_products
        self._matches = {
            kind: torch.zeros(n, n, dtype=torch.float64)
            for name, kind in MATCHES.items()
            if name in conditions.needs
        }
        self._patterns = (
            {on_maps: UnitPatterns(n, work) for on_maps in (True, False)}
            if PATTERNS in conditions.needs
            else None
        )

    @property
    def kinds(self) -> set[Kind]:
        """The units that count."""
        return {*self._matches, *(("relu",) if self._patterns is not None else ())}

    def add(self, kind: Kind, values: Tensor, *, on_maps: bool) -> None:
        """Take the units of `values`, [n, units], which are on where they are positive."""
        if kind in self._matches:
            self._matches[kind] += codes_matches(self._products.of(values), values.shape[1])
        if kind == "relu" and self._patterns is not None:
            self._patterns[on_maps].add(values)

    def result(self) -> dict[str, object]:
        """The statistics by name."""
        found: dict[str, object] = {
            name: self._matches[kind] for name, kind in MATCHES.items() if kind in self._matches
        }
        if self._patterns is not None:
            on_maps, elsewhere = (self._patterns[key].count() for key in (True, False))
            found[PATTERNS] = torch.tensor(on_maps or elsewhere)
        return found


class CodesWatch(Watch):
    """The codes of the whole batch, or where it mixes the samples up, of one after the other."""

    def __init__(self, conditions: Conditions) -> None:
        self._conditions = conditions
        self._codes = _Codes(conditions)
        units = outline(conditions)
        self._expected = iter(units)
        self._done = self._codes.kinds.isdisjoint(kind for kind, _ in units)
        self._apart = False
        self._layers = {id(m) for m in conditions.model.modules.values() if is_layer(m)}

    def on_output(self, module: nn.Module, out: Tensor) -> None:
        """Take the units of a weight layer."""
        if id(module) in self._layers:
            self._take("layer", out)

    def on_relu(self, out: Tensor) -> None:
        """Take the units of a ReLU."""
        self._take("relu", out)

    def on_gelu(self, out: Tensor) -> None:
        """Take the units of a GELU or SiLU."""
        self._take("gelu", out)

    def _take(self, kind: Kind, out: Tensor) -> None:
        if self._done or self._apart:
            return
        n = self._conditions.n
        known, shape = next(self._expected, (None, torch.Size()))
        if known == kind and shape and out.shape == (n * shape[0], *shape[1:]):
            self._codes.add(kind, samples_first(out, n).flatten(1), on_maps=out.dim() == 4)
        elif known != kind or out.shape != shape:  # else it does not depend on the samples
            self._apart = True  # a tensor does not hold the samples one after the other on axis 0

    def result(self, answer: Any) -> Mapping[str, object]:
        """The statistics that are wanted.

        Raises:
            UndefinedScore: A loss is NaN or infinite.
        """
        if self._apart:
            return _one_by_one(self._conditions).result()
        if not self._done:
            conditions = self._conditions
            check_finite(conditions.losses(conditions.batch, model=lambda *_, **__: answer))
        return self._codes.result()


def _one_by_one(conditions: Conditions) -> _Codes:
    """The codes from a pass for each sample, where the batch mixes them up."""
    if conditions.probe.norm in ("batch", "batch_exact"):
        raise UnsupportedError(
            "the model moves the samples away from axis 0 before an activation, and with "
            f"norm={conditions.probe.norm!r} they cannot be taken one by one"
        )
    moments = whole_batch_moments(conditions)
    rows: list[list[tuple[Kind, Tensor, bool]]] = []
    for sample in conditions.batch.split():
        row: list[tuple[Kind, Tensor, bool]] = []
        forward(conditions, sample, partial(_keep, row), moments=moments)
        rows.append(row)
    codes = _Codes(conditions)
    if len({len(row) for row in rows}) > 1:
        raise UnsupportedError("the model calls other activations from sample to sample")
    for calls in zip(*rows, strict=True):
        kind, _, on_maps = calls[0]
        codes.add(kind, torch.stack([on for _, on, _ in calls]), on_maps=on_maps)
    return codes


def _keep(row: list[tuple[Kind, Tensor, bool]], kind: Kind, out: Tensor) -> None:
    row.append((kind, (out > 0).flatten(), out.dim() == 4))


def relu_units(conditions: Conditions) -> Tensor:
    """Number of ReLU units of one sample."""
    return torch.tensor(sum(s.numel() for kind, s in outline(conditions) if kind == "relu"))


_watch.register([*MATCHES, PATTERNS], "", CodesWatch)
COLLECTORS.add("relu_units", Collector(cost="one forward of one sample", collect=relu_units))
