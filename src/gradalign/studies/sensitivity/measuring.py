"""The scores of one network under one setting."""

from __future__ import annotations

import time
from dataclasses import fields
from functools import lru_cache

import torch

from gradalign.batch import Batch
from gradalign.conditions import DrawnBatches, Regime
from gradalign.data import InputSpec, Source, open_source
from gradalign.models import resolve
from gradalign.probe import Probe
from gradalign.proxies import Proxy
from gradalign.scorer import Scorer
from gradalign.studies._ledger import Json
from gradalign.studies._work import Task
from gradalign.studies.sensitivity.conditions import Setting

MAIN = "gradalign_plus"
"""The score that sentences speak of first."""

SIZE_FREE = "conflict_fraction"
"""The score that does not grow with the network."""

SCORES = (MAIN, "gradalign_i", "gradalign_ii", "gradalign_i_mean", SIZE_FREE, "naswot")

SHOWN = (MAIN, "gradalign_ii", SIZE_FREE, "naswot")
"""Scores of the pictures along a number."""

SIZES = ("params", "macs", "layers")

WITHOUT_DATA = "gradalign_plus_ablation"
"""What is left of the main score when all that a batch says is taken out."""

PROXIES_MEASURED = (*SCORES, *SIZES, WITHOUT_DATA)


class VariedBatches:
    """Batches of a source, drawn by a seed of their own, and changed as a setting says.

    Args:
        source: Where they are drawn.
        setting: What is changed.
    """

    def __init__(self, source: Source, setting: Setting) -> None:
        self._source = source
        self._drawn = DrawnBatches(source)
        self._setting = setting

    def settled(self, common: Probe) -> Probe:
        """The common probe: that of batches that are drawn."""
        return self._drawn.settled(common)

    def probes(self, proxy: Proxy, common: Probe, regime: Regime) -> dict[str, Probe]:
        """The probes of `proxy`: those of batches that are drawn."""
        return self._drawn.probes(proxy, common, regime)

    def batch(self, probe: Probe, seed: int, spec: InputSpec) -> Batch:
        """The batch; `seed` is that of the initialisation, and not looked at."""
        del seed
        own = self._setting
        if own.selected == "one class":
            batch = self._of_one_class(probe, spec)
        else:
            batch = self._drawn.batch(probe, own.batch_seed, spec)
        if own.selected == "one image":
            same = batch.inputs[:1].expand_as(batch.inputs).contiguous()
            batch = Batch(same, batch.targets)
        return _mislabelled(batch, own.wrong_labels, own.batch_seed)

    def _of_one_class(self, probe: Probe, spec: InputSpec) -> Batch:
        """Samples of the class that a draw of the usual kind begins with."""
        classes = self._source.num_classes or spec.num_classes
        larger = probe.with_(batch_size=probe.batch_size * classes)
        batch = self._drawn.batch(larger, self._setting.batch_seed, spec)
        return batch[batch.targets == batch.targets[0]][: probe.batch_size]


def _mislabelled(batch: Batch, share: float, seed: int) -> Batch:
    """The batch with the labels of a random `share` of its samples permuted among each other."""
    if share == 0:
        return batch
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(batch), generator=generator)[: round(share * len(batch))]
    targets = batch.targets.clone()
    targets[chosen] = targets[chosen[torch.randperm(len(chosen), generator=generator)]]
    return Batch(batch.inputs, targets)


def task_of(model: str, setting: Setting) -> Task:
    """The task of scoring `model`, SPACE:ARCHITECTURE, under a setting."""
    return {"model": model, **vars(setting)}


def measure(task: Task) -> Json:
    """The scores of one network.

    Returns:
        `values` (by score; None: it has none), `reasons` (why, by score), `pass_seconds` (of the
        pass that the scores share) and `seconds` (in all: building, batch, pass and scores).
    """
    setting = Setting(**{field.name: task[field.name] for field in fields(Setting)})
    scorer = _scorer(setting)
    started = time.perf_counter()
    side = setting.side
    candidate = resolve(task["model"], build=setting.options, input_size=(3, side, side))
    records = scorer.attempt(candidate, setting.init_seed).records
    return {
        "values": {record.proxy: record.value for record in records},
        "reasons": {r.proxy: f"{r.status}: {r.reason}" for r in records if r.status != "ok"},
        "pass_seconds": max(record.pass_seconds for record in records),
        "seconds": time.perf_counter() - started,
    }


@lru_cache(maxsize=2)
def _scorer(setting: Setting) -> Scorer:
    """The scorer of a setting; the data are read before any time is taken."""
    source = open_source(setting.data)
    _ = source.shape
    common = Probe(
        batch_size=setting.batch_size,
        input_size=(3, setting.side, setting.side),
        weights=setting.weights,
        norm=setting.norm,
        dtype=setting.dtype,
        build=tuple(setting.options.items()),
    )
    batches = VariedBatches(source, setting)
    return Scorer(batches, proxies=PROXIES_MEASURED, common=common, device="cpu")
