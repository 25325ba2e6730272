"""Rows of an explanation that are about layers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from torch import Tensor

from gradalign.errors import GradalignError
from gradalign.explanation._measures import (
    conflict_of_pairs,
    mean_of_pairs,
    number,
)
from gradalign.explanation.result import LayerFigures
from gradalign.linalg import cosine, effective_rank
from gradalign.proxies import Estimate
from gradalign.scorer import Reading
from gradalign.statistics import Block, Statistics

_NOT_REACHED = "its output does not reach the loss"
_NO_GRADIENT = "no gradient arrives at its output"
_ZERO_INPUT = "its input is zero"


@dataclass(frozen=True)
class Contributions:
    """What each row adds to each score.

    Args:
        of_rows: By score and row name.
        rest: What belongs to no row, by score.
        silent: Scores that are no sum over layers, with the reason.
    """

    of_rows: dict[str, dict[str, float]] = field(default_factory=dict)
    rest: dict[str, float] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)


def row_name(block: Block) -> str:
    """What a block is called in a row: its module, where it is that module's `weight`."""
    return block.name.removesuffix(".weight")


def contributions(readings: Mapping[str, Reading], stats: Statistics) -> Contributions:
    """What each row adds to each score that is a sum over blocks or weight layers.

    Args:
        readings: The scores; one may count other tensors than the common pass does.
        stats: The pass whose blocks and layers are the rows.
    """
    rows = set(_forward_order(stats))
    found = Contributions()
    for name, reading in readings.items():
        if not isinstance(reading.estimate, Estimate):
            continue
        terms = _terms(reading)
        if terms is None:
            found.silent[name] = "it is no sum over layers"
            continue
        own = {row: value for row, value in terms.items() if row in rows}
        found.of_rows[name] = own
        found.rest[name] = reading.estimate.value - sum(own.values())
    return found


def _terms(reading: Reading) -> dict[str, float] | None:
    """The terms of a score by row name, calls of one module together; None where it has none."""
    proxy = reading.proxy
    if len(reading.passes) != 1:
        return None
    (stats,) = reading.passes.values()
    stats = stats.only(proxy.needs)
    if proxy.block_terms is not None:
        values, names = proxy.block_terms(stats), [row_name(block) for block in stats.blocks]
    elif proxy.layer_terms is not None:
        values = proxy.layer_terms(stats)
        names = [layer.name for layer in stats.layers[: len(values)]]
    else:
        return None
    terms: dict[str, float] = {}
    for name, value in zip(names, values.tolist(), strict=True):
        terms[name] = terms.get(name, 0.0) + value
    return terms


def layer_rows(stats: Statistics, found: Contributions) -> list[LayerFigures]:
    """All rows in forward order: blocks, and calls that share the block of another row.

    Args:
        stats: One pass. Reads `gram`, `layers`, `live` and the blocks.
        found: What the rows add to the scores.
    """
    order = _forward_order(stats)
    blocks = {row_name(block): place for place, block in enumerate(stats.blocks)}
    gram = stats.gram.double().cpu()  # [L, n, n]
    figures = _of_blocks(stats, gram, [blocks[name] for name in order if name in blocks])
    faults = _faults(stats)
    rows = []
    for position, name in enumerate(order, start=1):
        own = {score: terms[name] for score, terms in found.of_rows.items() if name in terms}
        if name not in blocks:
            rows.append(LayerFigures(name=name, position=position, contributions=own))
            continue
        block = stats.blocks[blocks[name]]
        rows.append(
            LayerFigures(
                name=name,
                position=position,
                shape=block.shape,
                macs=block.macs,
                live=not faults.get(name),
                fault=faults.get(name, ""),
                contributions=own,
                **figures[blocks[name]],
            )
        )
    return rows


def _forward_order(stats: Statistics) -> list[str]:
    """Names of all rows: by the first call; what is never seen to be called, after its neighbour.

    Recurrent modules have no weight layers, so their tensors stand where the model lists them.
    """
    calls = {name: place for place, name in reversed([*enumerate(_called(stats))])}
    keys: dict[str, tuple[float, int]] = {}
    last = -1.0
    for place, block in enumerate(stats.blocks):
        name = row_name(block)
        last = float(calls[name]) if name in calls else last
        keys[name] = (last, place + 1 if name not in calls else 0)
    for name, call in calls.items():
        keys.setdefault(name, (float(call), 0))
    return sorted(keys, key=lambda name: keys[name])


def _called(stats: Statistics) -> list[str]:
    return [layer.name for layer in stats.layers]


def _of_blocks(
    stats: Statistics, gram: Tensor, forward: list[int]
) -> dict[int, dict[str, float | None]]:
    """Conflict figures of each block, by its index."""
    total = gram.sum(0)
    energy = float(total.diagonal().sum())
    whole = float(conflict_of_pairs(total))
    alive = gram.flatten(1).any(1)
    cosines = cosine(gram)
    accumulated, running = {}, torch.zeros_like(total)
    for block in reversed(forward):
        running = running + gram[block]
        accumulated[block] = number(conflict_of_pairs(running))
    figures: dict[int, dict[str, float | None]] = {}
    for block in range(len(stats.blocks)):
        if not alive[block]:
            figures[block] = {"gradient_share": 0.0, "conflict_from_here": accumulated[block]}
            continue
        without = float(conflict_of_pairs(total - gram[block]))
        figures[block] = {
            "conflict_fraction": number(conflict_of_pairs(gram[block])),
            "mean_cosine": number(mean_of_pairs(cosines[block])),
            "directions": number(effective_rank(cosines[block])),
            "gradient_share": float(gram[block].diagonal().sum()) / energy,
            "conflict_from_here": accumulated[block],
            "conflict_added": number(whole - without),
        }
    return figures


def _faults(stats: Statistics) -> dict[str, str]:
    """Why no sample has a gradient in a row, by name; rows that have one are left out."""
    reached: dict[str, bool] = {}
    for layer in stats.layers:
        reached[layer.name] = reached.get(layer.name, False) or layer.live
    faults = {}
    for block, live in zip(stats.blocks, stats.live.tolist(), strict=True):
        if live:
            continue
        name = row_name(block)
        if name not in reached:
            faults[name] = _NOT_REACHED
        else:
            faults[name] = _ZERO_INPUT if reached[name] else _NO_GRADIENT
    return faults


def zero_weights(stats: Statistics) -> list[str]:
    """Rows whose weights are all zero, in forward order; none where that could not be seen."""
    try:
        weights = stats.weights
    except GradalignError:
        return []
    zero = {
        row_name(block)
        for block, weight in zip(stats.blocks, weights, strict=True)
        if not bool(weight.any())
    }
    return [name for name in _forward_order(stats) if name in zero]
