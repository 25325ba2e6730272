"""Whether collected statistics are those of a reference, entry by entry."""

from __future__ import annotations

import torch
from tests import definitions
from tests.definitions import WEIGHT_SUMS
from tests.reference import Reference
from torch import Tensor

from gradalign.statistics import Statistics

RELATIVE = 1e-9
FIELDS = (
    "gram",
    "squared_norms",
    "agreement",
    "filter_alignment",
    "filter_alignment_left_out",
    "batch_gradient",
    "live",
    "layers",
    "input_spectra",
    "output_spectra",
    "activation_matches",
    "activation_units",
    "weights",
)
NEEDS = (*FIELDS, *(statistic for statistic, _ in WEIGHT_SUMS))
"""Everything that a first derivative gives."""


def close(what: str, found: Tensor, expected: Tensor, slack: Tensor | float = 0.0) -> None:
    """Assert equality to `RELATIVE` of the largest expected entry, and `slack` on top."""
    assert found.shape == expected.shape, (
        f"{what}: {tuple(found.shape)}, not {tuple(expected.shape)}"
    )
    if not found.numel():
        return
    error = (found - expected).abs()
    allowed = RELATIVE * expected.abs().max() + slack
    assert bool((error <= allowed).all()), (
        f"{what}: off by {float(error.max()):.3g}, largest {float(expected.abs().max()):.3g}"
    )


def assert_agrees(stats: Statistics, reference: Reference, *, layers: str = "all") -> None:
    """Assert that every statistic of `NEEDS` is that of the reference.

    Args:
        stats: What the engine says.
        reference: Explicit gradients.
        layers: `all`, `inputs` (their gradients are not comparable) or `none`.
    """
    order = {b.name: k for k, b in enumerate(stats.blocks)}
    found_names = {
        key: next((alias for alias in aliases if alias in order), None)
        for key, aliases in reference.names.items()
    }
    assert None not in found_names.values(), f"blocks {list(order)}, not {list(found_names)}"
    assert len(order) == len(found_names), f"blocks {list(order)}, not {list(found_names)}"
    every = definitions.without_noise(reference)
    floor = 1e-22 * max(float(r.square().sum(1).max()) for r in every.values())
    for key, rows in every.items():
        k = order[str(found_names[key])]
        _assert_block(stats, k, key, rows, reference, floor)
    units = reference.codes.shape[1]
    assert stats.activation_units == units, f"{stats.activation_units} units, not {units}"
    close("matches", stats.activation_matches, definitions.activation_matches(reference.codes))
    if layers != "none":
        _assert_layers(stats, reference, gradients=layers == "all")


def _assert_block(
    stats: Statistics, k: int, key: str, rows: Tensor, reference: Reference, floor: float
) -> None:
    shape = reference.weights[key].shape
    filters, weights = reference.filters[key], reference.weights[key].flatten()
    gram = definitions.gram(rows)
    assert stats.blocks[k].shape == tuple(shape), key
    assert bool(stats.live[k]) == bool((rows != 0).any()), f"{key} live"
    close(f"{key} gram", stats.gram[k], gram, floor)
    close(f"{key} squared norms", stats.squared_norms[k], gram.diagonal(), floor)
    close(f"{key} agreement", stats.agreement[k], *definitions.agreement(rows))
    size = rows.shape[1]
    value, unsure = definitions.filter_alignment(rows, filters)
    close(f"{key} filters", stats.filter_alignment[k], value, unsure + RELATIVE * size)
    if len(rows) > 1:
        value, unsure = definitions.filter_alignment_left_out(rows, filters)
        found = stats.filter_alignment_left_out[k]
        close(f"{key} filters left out", found, value, unsure + RELATIVE * size)
    for statistic, function in WEIGHT_SUMS:
        terms = function(rows, weights)
        bound = definitions.weight_sum_bounds(statistic.name, rows, terms, weights)
        if bound < float("inf"):
            found = stats.weight_sum(statistic)[k]
            close(f"{key} {statistic.name}", found, terms.sum(), bound + floor)
    total = rows.sum(0).view(shape)
    close(
        f"{key} batch gradient",
        stats.batch_gradient[k],
        total,
        1e-12 * rows.abs().max() + floor**0.5,
    )
    close(f"{key} weights", stats.weights[k], reference.weights[key])


def _assert_layers(stats: Statistics, reference: Reference, *, gradients: bool) -> None:
    calls = [
        column
        for column in zip(*reference.layers, strict=True)
        if any(entry.gradient is not None for entry in column)
    ]
    found = [layer.name for layer in stats.layers]
    assert found == [c[0].name for c in calls], f"layers {found}, not {[c[0].name for c in calls]}"
    largest = max(
        (float(e.gradient.abs().max()) for c in calls for e in c if e.gradient is not None),
        default=0.0,
    )
    for layer, column in zip(stats.layers, calls, strict=True):
        parts = [entry.inputs for entry in column]
        assert layer.input_positions == sum(map(len, parts)), layer.name
        second = max(float(part.square().max()) for part in parts)
        assert layer.input_spectrum is not None
        close(
            f"{layer.name} input spectrum",
            layer.input_spectrum.sort().values,
            definitions.spectrum(parts),
            1e-12 * second,
        )
        if gradients:
            parts = [e.gradient if e.gradient is not None else torch.zeros(1) for e in column]
            assert layer.output_spectrum is not None
            assert layer.output_positions == sum(map(len, parts)), layer.name
            second = max(float(part.square().max()) for part in parts)
            close(
                f"{layer.name} output spectrum",
                layer.output_spectrum.sort().values,
                definitions.spectrum(parts),
                1e-12 * second + 1e-22 * largest**2,
            )
            assert layer.live == (second > 1e-22 * largest**2), f"{layer.name} live"
