"""What an explanation holds: figures for layers, classes, samples and pairs, and findings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from gradalign.record import Scores

Differences = Mapping[str, float | None]
"""What is added to each score, by its name; None where a score cannot be had without it."""


@dataclass(frozen=True, kw_only=True)
class LayerFigures:
    """One weight tensor, or one further call that shares it.

    Args:
        name: Dotted name in the model.
        position: Place in forward order, from 1.
        shape: Of the weight tensor; empty for a call that shares the tensor of another row.
        macs: Multiply-adds of one sample.
        live: Whether some sample has a gradient there.
        fault: Why none has, in words; empty where one has.
        conflict_fraction: Share of sample pairs whose gradients oppose each other in this tensor;
            None without gradient.
        mean_cosine: Mean cosine of the pairs' gradients in this tensor.
        directions: Effective number of gradient directions, in [1, n].
        gradient_share: Its share of the summed squared norms of the samples' gradients.
        conflict_from_here: Conflict fraction of the gradients from this row to the output.
        conflict_added: Conflict fraction of the network less that of all without this tensor: a
            leave-one-out difference, which does not add up.
        contributions: What it adds to each score that is a sum over layers; these do add up, with
            the `rest` of the explanation.
    """

    name: str
    position: int
    shape: tuple[int, ...] = ()
    macs: int = 0
    live: bool = True
    fault: str = ""
    conflict_fraction: float | None = None
    mean_cosine: float | None = None
    directions: float | None = None
    gradient_share: float | None = None
    conflict_from_here: float | None = None
    conflict_added: float | None = None
    contributions: Mapping[str, float] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Number of weights."""
        size = 1 if self.shape else 0
        for side in self.shape:
            size *= side
        return size


@dataclass(frozen=True, kw_only=True)
class SampleFigures:
    """One sample among the others of its batch.

    Args:
        index: Place in the batch, from 0.
        label: Its class; None where targets are no class labels.
        loss: Its loss.
        gradient_norm: |g_i|, in loss per weight.
        conflict_fraction: Share of the other samples whose gradients oppose its own.
        own_class: Mean cosine with the other samples of its class; None where there is none.
        other_classes: Mean cosine with the samples of other classes (of all where there are none).
        added: Leave-one-out differences: each score of the batch less the score without this
            sample. They do not add up to the score.
    """

    index: int
    label: int | None
    loss: float | None
    gradient_norm: float
    conflict_fraction: float | None
    own_class: float | None
    other_classes: float | None
    added: Differences


@dataclass(frozen=True, kw_only=True)
class ClassFigures:
    """The samples of one class.

    Args:
        label: The class.
        samples: How many there are in the batch.
        within: Mean cosine of pairs inside the class; None for a single sample.
        between: Mean cosine of pairs with other classes.
        conflict_within: Share of opposed pairs inside the class.
        conflict_between: The same of pairs with other classes.
        added: Leave-one-out differences: each score of the batch less the score without the class.
    """

    label: int
    samples: int
    within: float | None
    between: float | None
    conflict_within: float | None
    conflict_between: float | None
    added: Differences


@dataclass(frozen=True, kw_only=True)
class PairFigures:
    """Two samples.

    Args:
        samples: Their places in the batch, the lower one first.
        labels: Their classes.
        cosine: Of their gradients over all tensors.
        same_input: Whether the network is given the very same for both.
        layer: Where they pull against each other most, by inner product; None where nowhere.
    """

    samples: tuple[int, int]
    labels: tuple[int | None, int | None]
    cosine: float
    same_input: bool
    layer: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that a reader should know, in a sentence or two.

    Args:
        kind: What it is: `no_gradient`, `zero_weights`, `dead_layer`, `contradiction` (one input
            under two labels), `duplicate`, `alike`, `classes`, `sample`, `layer`, `contribution`.
        text: The sentence.
        layers: Rows it is about, by name.
        samples: Samples it is about.
    """

    kind: str
    text: str
    layers: tuple[str, ...] = ()
    samples: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Why a network scores as it does on one batch; printed, it is a short summary.

    Args:
        model: Its name.
        seed: Of batch and initialisation.
        norm: What normalisation layers did.
        data: Where the batch came from.
        backend: How the engine took the pass.
        scores: The records, as `score` gives them.
        findings: What is to be known first, most serious first.
        layers: Rows in forward order.
        rest: What each score has that belongs to no row, such as parameters of normalisations.
        classes: Figures of the classes, by label; empty where targets are no class labels.
        class_cosines: Mean cosine of pairs of two classes, [classes, classes]; None for no pair.
        samples: Figures of the samples, in the order of the batch.
        order: Sample indices ordered by class: the order for a picture of `cosines`.
        cosines: Cosine of the gradients of any two samples over all tensors, [n, n].
        same_input: Pairs with the same input.
        opposed: Pairs with the lowest cosines, lowest first.
        alike: Pairs with the highest cosines, highest first, the same input or not.
        silent: Why something above is empty, by name: `classes`, or a score's name where it cannot
            be had without some of the samples or is no sum over layers.
        failure: Why there is nothing; None where there is.
    """

    model: str
    seed: int
    norm: str
    data: str
    backend: str
    scores: Scores
    findings: Sequence[Finding] = ()
    layers: Sequence[LayerFigures] = ()
    rest: Mapping[str, float] = field(default_factory=dict)
    classes: Sequence[ClassFigures] = ()
    class_cosines: Sequence[Sequence[float | None]] = ()
    samples: Sequence[SampleFigures] = ()
    order: Sequence[int] = ()
    cosines: Sequence[Sequence[float]] = ()
    same_input: Sequence[PairFigures] = ()
    opposed: Sequence[PairFigures] = ()
    alike: Sequence[PairFigures] = ()
    silent: Mapping[str, str] = field(default_factory=dict)
    failure: str | None = None

    def to_dict(self) -> dict[str, object]:
        """The JSON document `explain`: protocols, records, and all figures above."""
        scored = self.scores.to_dict()
        held = {
            name: [asdict(each) for each in getattr(self, name)]
            for name in ("findings", "layers", "classes", "samples")
        }
        pairs = {
            name: [asdict(each) for each in getattr(self, name)]
            for name in ("same_input", "opposed", "alike")
        }
        for row, figures in zip(held["layers"], self.layers, strict=True):
            row["size"] = figures.size
        return {
            "model": self.model,
            "seed": self.seed,
            "norm": self.norm,
            "data": self.data,
            "backend": self.backend,
            "failure": self.failure,
            **scored,
            **held,
            "rest": dict(self.rest),
            "class_cosines": [list(row) for row in self.class_cosines],
            "pairs": pairs,
            "order": list(self.order),
            "cosines": [list(row) for row in self.cosines],
            "silent": dict(self.silent),
        }

    def __str__(self) -> str:
        from gradalign.explanation.summary import summary  # here: it reads this class

        return summary(self)
