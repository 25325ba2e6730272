"""Order candidates by a score, and say how far the order can be trusted."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.stats import kendalltau

from gradalign.aggregates import AGGREGATES, Aggregate, parse_combination
from gradalign.batch import Batch, Inputs, as_batch, class_balanced
from gradalign.candidate import Candidate
from gradalign.conditions import Regime
from gradalign.engine import Backend, Check, LossFunction, Selection
from gradalign.errors import InputError
from gradalign.models import Model, as_candidate
from gradalign.probe import DType, NormMode, Probe
from gradalign.proxies import PROXIES
from gradalign.proxies._base import Direction
from gradalign.ranking import Ranked, Ranking, RepeatedScore
from gradalign.record import Score, Scores, pool_values
from gradalign.score import build_options, samples_from
from gradalign.scorer import DEFAULT_PROXIES, Scorer, named_proxies
from gradalign.separation import Values, better_pairs, rank_intervals

SIZES = ("params", "macs", "layers")
"""Measures of size that an order is compared with."""

SMALLEST_FOLD = 8
"""Samples of one repeat, where a passed batch is divided."""

Candidates = Mapping[str, Model | Candidate] | Sequence[str | Candidate]
"""Models by name, or names that `gradalign.models.resolve` knows."""


def rank(
    candidates: Candidates,
    batch: Batch | tuple[Inputs, Inputs] | None = None,
    *,
    data: str = "digits",
    repeats: int = 5,
    by: str = "gradalign_plus",
    proxies: str | Iterable[str] = DEFAULT_PROXIES,
    combine: Iterable[str] = (),
    norm: NormMode = "batch_fixed",
    regime: Regime = "shared",
    loss_fn: LossFunction | None = None,
    seed: int = 0,
    batch_size: int = 32,
    device: str = "auto",
    dtype: DType | None = None,
    params: str | Selection = "default",
    backend: Backend = "auto",
    check: Check = "auto",
    input_size: tuple[int, ...] | None = None,
    num_classes: int | None = None,
    build: Mapping[str, str | int] | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Ranking:
    """The candidates in order, best first, with rank intervals and what cannot be told apart.

    Each repeat takes another batch, the same for all candidates: a fresh draw of the data source,
    or a fold of the passed batch (disjoint, class-balanced). Factories and architectures are also
    initialised anew, repeat r with seed + r, the same for all; networks that are passed keep their
    weights. What `gradalign.separation` says about the order is about these repeats.

    Args:
        candidates: {name: network, or function that makes one, or text}, or texts.
        batch: (inputs, targets), of at least 8 samples a repeat; None: drawn from `data`.
        data: Data source, where no batch is passed.
        repeats: How often each candidate is measured; with 1, nothing can be told apart.
        by: The proxy, aggregate or combination that orders them.
        proxies: What else to measure.
        combine: Further aggregates, each `name=proxy+proxy`.
        norm: What normalisation layers do.
        regime: `shared` or `official` conditions.
        loss_fn: (output, targets) to one loss a sample, [n].
        seed: Seed of the first repeat.
        batch_size: Samples of one repeat to draw from the data source.
        device: `auto`, or a device by name.
        dtype: Floating-point type of the pass; None: the model's own.
        params: Which weights form the blocks.
        backend: Backend of the engine.
        check: When the engine checks its rules.
        input_size: Shape of one input to draw; None: the model's own, else the source's.
        num_classes: Number of outputs, where a name leaves the choice; None: that of the space's
            task, else 10.
        build: Options of the search space, where a name is from one.
        progress: Called with the number of measurements done and that of all.

    Returns:
        The ranking; failed candidates come last, with their status.

    Raises:
        InputError: No candidate, an unknown name, or a batch too small for the repeats.
    """
    pool = _pool(candidates, build, num_classes, input_size)
    plan = _Plan.of(by, proxies, combine)
    folds: list[Batch | None] = [None] * _at_least_one(repeats)
    if batch is not None:
        folds = [*divided(as_batch(batch), repeats, seed)]
    common = Probe(
        batch_size=batch_size,
        norm=norm,
        dtype=dtype,
        input_size=input_size,
        build=build_options(build),
        num_classes=num_classes,
    )
    table: list[list[Scores]] = [[] for _ in pool]
    for repeat, fold in enumerate(folds):
        scorer = Scorer(
            samples_from(fold, data),
            proxies=plan.measured,
            common=common,
            regime=regime,
            loss_fn=loss_fn,
            device=device,
            params=params,
            backend=backend,
            check=check,
            redrawn=all(candidate.redrawn for candidate in pool),
        )
        for row, candidate in zip(table, pool, strict=True):
            row.append(scorer.attempt(candidate, seed + repeat))
            if progress is not None:
                progress(sum(map(len, table)), len(pool) * repeats)
    return _ranking([candidate.name for candidate in pool], table, plan)


def ranking_of(
    table: Mapping[str, Sequence[Scores]],
    *,
    by: str,
    proxies: Iterable[str],
    combine: Iterable[str] = (),
) -> Ranking:
    """The order of networks that were measured already, one `Scores` a repeat.

    Args:
        table: Their records by name, as many repeats of each, `SIZES` among the scores.
        by: The proxy, aggregate or combination that orders them.
        proxies: What else the result shows.
        combine: Further aggregates, each `name=proxy+proxy`.
    """
    return _ranking(list(table), list(table.values()), _Plan.of(by, proxies, combine))


def divided(batch: Batch, repeats: int, seed: int) -> list[Batch]:
    """`repeats` disjoint parts of `batch`, of equal size, as balanced over classes as can be.

    Targets other than one whole number a sample are divided at random.

    Raises:
        InputError: Fewer than 8 samples a part, where there are several.
    """
    n = len(batch)
    if repeats == 1:
        return [batch]
    if n < SMALLEST_FOLD * repeats:
        raise InputError(
            f"the batch has {n} samples: {repeats} repeats need {SMALLEST_FOLD} each, "
            f"{SMALLEST_FOLD * repeats} in all; pass more, or repeats={max(1, n // SMALLEST_FOLD)}"
        )
    targets = batch.targets
    if isinstance(targets, torch.Tensor) and targets.dim() == 1 and not targets.is_floating_point():
        order = class_balanced(targets.cpu(), n, seed)  # classes take turns, so any stretch will do
    else:
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    size = n // repeats
    return [batch[order[k * size : (k + 1) * size]] for k in range(repeats)]


def _at_least_one(repeats: int) -> int:
    if repeats < 1:
        raise InputError(f"{repeats} repeats: at least 1 is needed")
    return repeats


def _pool(
    candidates: Candidates,
    build: Mapping[str, str | int] | None,
    num_classes: int | None,
    input_size: tuple[int, ...] | None,
) -> list[Candidate]:
    named: Iterable[tuple[str | None, Model | Candidate]]
    if isinstance(candidates, Mapping):
        named = candidates.items()
    elif isinstance(candidates, str):
        raise InputError(f"candidates are {candidates!r}: give a list of models, or a dict")
    else:
        named = [(None, candidate) for candidate in candidates]
    pool = [
        as_candidate(model, name=name, build=build, num_classes=num_classes, input_size=input_size)
        for name, model in named
    ]
    if not pool:
        raise InputError("there is no candidate: give at least one model")
    return pool


@dataclass(frozen=True)
class _Plan:
    """What orders the candidates, what is shown, and what has to be measured for it.

    Args:
        by: Name of the score that orders.
        better: Its direction.
        shown: Names of the proxies in the result.
        aggregates: Aggregates in the result.
        measured: Names of all proxies to measure.
    """

    by: str
    better: Direction
    shown: tuple[str, ...]
    aggregates: tuple[Aggregate, ...]
    measured: tuple[str, ...]

    @classmethod
    def of(cls, by: str, proxies: str | Iterable[str], combine: Iterable[str]) -> _Plan:
        """The plan; unknown names raise `InputError`."""
        texts = [combine] if isinstance(combine, str) else combine
        aggregates = {each.name: each for each in map(parse_combination, texts)}
        shown = [proxy.name for proxy in named_proxies(proxies)]
        better: Direction = "higher"
        if by not in aggregates:
            if by in AGGREGATES:
                aggregates[by] = AGGREGATES[by]
            else:
                better = PROXIES[by].better
                shown = list(dict.fromkeys([by, *shown]))
        members = [member for each in aggregates.values() for member in each.members]
        return cls(
            by=by,
            better=better,
            shown=tuple(shown),
            aggregates=tuple(aggregates.values()),
            measured=tuple(dict.fromkeys([*shown, *members, *SIZES])),
        )


def _ranking(names: Sequence[str], table: Sequence[Sequence[Scores]], plan: _Plan) -> Ranking:
    """The order of the candidates from their records, [N][R]."""
    values = {name: _values(table, name) for name in plan.measured}
    scores = [{name: _repeated([one[name] for one in row]) for name in plan.shown} for row in table]
    for aggregate in plan.aggregates:
        values[aggregate.name] = _aggregated(aggregate, table)
        for k, row in enumerate(table):
            records = [one[member] for member in aggregate.members for one in row]
            scores[k][aggregate.name] = _mean(values[aggregate.name][k], records)
    oriented = values[plan.by] if plan.better == "higher" else -values[plan.by]
    means = _row_means(oriented)
    failed = np.isnan(means)
    better = better_pairs(oriented)
    better |= ~failed[:, None] & failed[None, :]  # the place of the failed is a convention
    intervals = rank_intervals(better)
    order = np.argsort(np.where(failed, np.inf, -means), kind="stable")
    entries = [
        Ranked(model=names[k], rank=place, rank_interval=intervals[k], scores=scores[k])
        for place, k in enumerate(order, start=1)
    ]
    return Ranking(
        by=plan.by,
        better=plan.better,
        repeats=len(table[0]),
        entries=tuple(entries),
        apart=(better | better.T)[np.ix_(order, order)],
        tau_with={name: _tau(means, _row_means(values[name])) for name in SIZES},
        protocols=Scores.joined(one for row in table for one in row).protocols,
    )


def _values(table: Sequence[Sequence[Scores]], proxy: str) -> Values:
    """[N, R], NaN where there is no value."""
    found = [[one[proxy].value for one in row] for row in table]
    return np.array(found, dtype=np.float64)  # None becomes NaN


def _aggregated(aggregate: Aggregate, table: Sequence[Sequence[Scores]]) -> Values:
    """[N, R]: the aggregate over the pool of each repeat, NaN where no member has a value."""
    columns = [
        pool_values(aggregate, {m: [one[m].value for one in pool] for m in aggregate.members})
        for pool in zip(*table, strict=True)
    ]
    return np.array(columns, dtype=np.float64).T


def _repeated(records: Sequence[Score]) -> RepeatedScore:
    values = np.array([record.value for record in records], dtype=np.float64)
    return _mean(values, records)


def _mean(values: Values, records: Sequence[Score]) -> RepeatedScore:
    """Mean over repeats, or what `records` say about why there is none."""
    known = values[np.isfinite(values)]
    if not len(known):
        first = next(record for record in records if record.status != "ok")
        return RepeatedScore(value=None, status=first.status, reason=first.reason)
    spread = float(known.std(ddof=1) / np.sqrt(len(known))) if len(known) > 1 else None
    return RepeatedScore(value=float(known.mean()), stderr=spread)


def _row_means(values: Values) -> Values:
    """[N]: mean over the repeats that have a value, NaN where none has."""
    known = np.isfinite(values)
    count = known.sum(1)
    total = np.where(known, values, 0.0).sum(1)
    means: Values = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def _tau(means: Values, size: Values) -> float | None:
    """Kendall's tau-b over the candidates that have both; None where one of them is constant."""
    known = np.isfinite(means) & np.isfinite(size)
    if known.sum() < 2:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant input: tau is NaN, None here
        tau = float(kendalltau(means[known], size[known]).statistic)
    return None if np.isnan(tau) else tau
