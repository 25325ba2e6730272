"""Rows of an explanation that are about samples, classes and pairs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gradalign.errors import GradalignError
from gradalign.explanation._measures import mean_where
from gradalign.explanation.result import ClassFigures, PairFigures, SampleFigures
from gradalign.linalg import cosine
from gradalign.proxies import Estimate
from gradalign.scorer import Reading
from gradalign.statistics import SAMPLE_AXES, Statistics

MOST_PAIRS = 20
"""Pairs that are listed as most opposed, and as most alike."""


@dataclass(frozen=True)
class Samples:
    """What the pass says of its samples.

    Args:
        gram: Inner products of the gradients over all blocks, [n, n].
        cosines: Their cosine form.
        labels: Class labels, [n]; None where targets are none.
        losses: [n]; None where they could not be had.
        first_equal: First sample with the same input, [n].
        blocks: Inner products by row name.
    """

    gram: Tensor
    cosines: Tensor
    labels: Tensor | None
    losses: Tensor | None
    first_equal: Tensor
    blocks: Mapping[str, Tensor]

    @property
    def n(self) -> int:
        """Number of samples."""
        return len(self.gram)

    def label(self, sample: int) -> int | None:
        """The class of a sample."""
        return None if self.labels is None else int(self.labels[sample])

    @property
    def same_class(self) -> Tensor:
        """Pairs of one class, [n, n], the diagonal left out; none without labels."""
        if self.labels is None:
            return torch.zeros(self.n, self.n, dtype=torch.bool)
        return (self.labels[:, None] == self.labels) & self.pairs

    @property
    def pairs(self) -> Tensor:
        """All pairs, [n, n]: everything but the diagonal."""
        return ~torch.eye(self.n, dtype=torch.bool)


def by_sample(readings: Mapping[str, Reading]) -> dict[str, Reading]:
    """Those scores that the same pass gives for some of its samples, too."""
    return {
        name: reading
        for name, reading in readings.items()
        if isinstance(reading.estimate, Estimate)
        and len(reading.passes) == 1
        and reading.proxy.needs
        and all(need in SAMPLE_AXES for need in reading.proxy.needs)
    }


def added_by_samples(readings: Mapping[str, Reading], n: int) -> dict[str, list[float | None]]:
    """Each score less the score without sample i, for every i."""
    found: dict[str, list[float | None]] = {}
    for name, reading in readings.items():
        left_out = reading.estimate.left_out if isinstance(reading.estimate, Estimate) else None
        if left_out is not None:
            value = reading.estimate.value  # type: ignore[union-attr]  # left_out is an estimate's
            found[name] = [_finite(value - without) for without in left_out.tolist()]
        else:
            found[name] = [added(reading, [j for j in range(n) if j != i]) for i in range(n)]
    return found


def added(reading: Reading, rest: Sequence[int]) -> float | None:
    """A score less the score of the samples in `rest` alone; None where that has no value."""
    (stats,) = reading.passes.values()
    if not isinstance(reading.estimate, Estimate) or not rest:
        return None
    try:
        without = reading.proxy(stats=stats.of_samples(rest)).value
    except GradalignError:
        return None
    return _finite(reading.estimate.value - without)


def sample_rows(
    samples: Samples, differences: Mapping[str, Sequence[float | None]]
) -> list[SampleFigures]:
    """One row a sample, in the order of the batch."""
    same, pairs = samples.same_class, samples.pairs
    opposed = samples.gram < 0
    norms = samples.gram.diagonal().clamp_min(0).sqrt()
    return [
        SampleFigures(
            index=i,
            label=samples.label(i),
            loss=None if samples.losses is None else _finite(float(samples.losses[i])),
            gradient_norm=float(norms[i]),
            conflict_fraction=mean_where(opposed[i], pairs[i]),
            own_class=mean_where(samples.cosines[i], same[i]),
            other_classes=mean_where(samples.cosines[i], pairs[i] & ~same[i]),
            added={name: each[i] for name, each in differences.items()},
        )
        for i in range(samples.n)
    ]


def class_rows(samples: Samples, readings: Mapping[str, Reading]) -> list[ClassFigures]:
    """One row a class, by label."""
    if samples.labels is None:
        return []
    opposed, pairs = samples.gram < 0, samples.pairs
    rows = []
    for label in samples.labels.unique().tolist():
        own = samples.labels == label
        within = own[:, None] & own & pairs
        between = own[:, None] & ~own
        rest = (~own).nonzero().flatten().tolist()
        rows.append(
            ClassFigures(
                label=label,
                samples=int(own.sum()),
                within=mean_where(samples.cosines, within),
                between=mean_where(samples.cosines, between),
                conflict_within=mean_where(opposed, within),
                conflict_between=mean_where(opposed, between),
                added={name: added(reading, rest) for name, reading in readings.items()},
            )
        )
    return rows


def class_cosines(samples: Samples) -> list[list[float | None]]:
    """Mean cosine of pairs of any two classes, by label."""
    if samples.labels is None:
        return []
    members = [samples.labels == label for label in samples.labels.unique()]
    return [
        [mean_where(samples.cosines, own[:, None] & other & samples.pairs) for other in members]
        for own in members
    ]


@dataclass(frozen=True)
class ListedPairs:
    """The pairs that are listed."""

    same_input: list[PairFigures]
    opposed: list[PairFigures]
    alike: list[PairFigures]


def listed_pairs(samples: Samples) -> ListedPairs:
    """Pairs with the same input, the most opposed ones, and those most alike."""
    rows, columns = torch.triu_indices(samples.n, samples.n, 1).unbind()
    cosines = samples.cosines[rows, columns]
    equal = samples.first_equal[rows] == samples.first_equal[columns]
    upward = cosines.argsort(stable=True)

    def figures(places: Tensor) -> list[PairFigures]:
        return [_pair(samples, int(rows[place]), int(columns[place])) for place in places]

    lowest = upward[:MOST_PAIRS]
    return ListedPairs(
        same_input=figures(equal.nonzero().flatten()),
        opposed=figures(lowest[cosines[lowest] < 0]),
        alike=figures(cosines.argsort(stable=True, descending=True)[:MOST_PAIRS]),
    )


def _pair(samples: Samples, i: int, j: int) -> PairFigures:
    products = {name: float(gram[i, j]) for name, gram in samples.blocks.items()}
    lowest = min(products, key=products.__getitem__, default=None)
    return PairFigures(
        samples=(i, j),
        labels=(samples.label(i), samples.label(j)),
        cosine=float(samples.cosines[i, j]),
        same_input=bool(samples.first_equal[i] == samples.first_equal[j]),
        layer=lowest if lowest is not None and products[lowest] < 0 else None,
    )


def order_by_class(samples: Samples) -> list[int]:
    """Sample indices by class, those of one class in the order of the batch."""
    if samples.labels is None:
        return list(range(samples.n))
    return samples.labels.argsort(stable=True).tolist()


def _finite(value: float) -> float | None:
    return value if value == value and abs(value) != float("inf") else None


def samples_of(stats: Statistics, names: Sequence[str]) -> Samples:
    """What a pass says of its samples.

    Args:
        stats: One pass. Reads `gram`, `first_equal`, and `labels` and `losses` where they are.
        names: Row names of the blocks.
    """
    gram = stats.gram.double().cpu()
    total = gram.sum(0)
    return Samples(
        gram=total,
        cosines=cosine(total),
        labels=_where_had(stats, "labels"),
        losses=_where_had(stats, "losses"),
        first_equal=stats.tensor("first_equal"),
        blocks=dict(zip(names, gram, strict=True)),
    )


def _where_had(stats: Statistics, name: str) -> Tensor | None:
    try:
        return stats.tensor(name)
    except GradalignError:
        return None
