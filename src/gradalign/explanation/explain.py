"""Why a network scores as it does: the same pass, read by layer, class, sample and pair."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from gradalign.batch import Batch, Inputs
from gradalign.candidate import Candidate
from gradalign.conditions import Regime
from gradalign.engine import Backend, Check, LossFunction, Selection
from gradalign.explanation import findings
from gradalign.explanation._layers import contributions, layer_rows, row_name, zero_weights
from gradalign.explanation._samples import (
    added_by_samples,
    by_sample,
    class_cosines,
    class_rows,
    listed_pairs,
    order_by_class,
    sample_rows,
    samples_of,
)
from gradalign.explanation.result import Explanation, Finding
from gradalign.failure import Failure
from gradalign.models import Model, as_candidate
from gradalign.probe import DType, NormMode, Probe
from gradalign.proxies import Estimate
from gradalign.score import build_options, samples_from
from gradalign.scorer import DEFAULT_PROXIES, Observation, Scorer
from gradalign.statistics import Statistics

NEEDS = ("gram", "labels", "layers", "live", "weights", "first_equal", "losses")
"""Statistics that an explanation reads beside those of the scores."""

COUPLED = ("sample", "batch", "batch_exact")
"""Norm modes whose statistics are differentiated: they can take a whole gradient away."""

_NO_LABELS = "the targets are no class labels"
_NOT_BY_SAMPLE = "one pass does not give it for some of its samples"


def explain(
    model: Model | Candidate,
    batch: Batch | tuple[Inputs, Inputs] | None = None,
    *,
    proxies: str | Iterable[str] = DEFAULT_PROXIES,
    norm: NormMode = "batch_fixed",
    regime: Regime = "shared",
    loss_fn: LossFunction | None = None,
    seed: int = 0,
    device: str = "auto",
    dtype: DType | None = None,
    params: str | Selection = "default",
    backend: Backend = "auto",
    check: Check = "auto",
    data: str = "digits",
    batch_size: int = 32,
    input_size: tuple[int, ...] | None = None,
    num_classes: int | None = None,
    build: Mapping[str, str | int] | None = None,
) -> Explanation:
    """Which layers, classes, samples and pairs of samples conflict, and what makes up the scores.

    One pass, that of `score`, gives all figures. What layers contribute adds up to the score;
    figures of samples and classes are leave-one-out differences, normalisation statistics and, for
    counts of agreeing signs, the mean direction held: they do not add up.

    Args:
        model: A network, a function without arguments that makes one, or a name such as
            `nb201:ARCH`. A network that is passed is never initialised anew.
        batch: (inputs, targets), every tensor with the samples on axis 0; None: drawn from `data`.
        proxies: The scores that are explained, names in one text with commas too.
        norm: What normalisation layers do.
        regime: `shared` or `official` conditions, for the scores; all else is of the shared ones.
        loss_fn: (output, targets) to one loss a sample, [n].
        seed: Of the initialisation and of the batch where it is drawn.
        device: `auto`, or a device by name.
        dtype: Floating-point type of the pass; None: the model's own.
        params: Which weights form the blocks.
        backend: Backend of the engine.
        check: When the engine checks its rules.
        data: Data source, where no batch is passed.
        batch_size: Samples to draw from it.
        input_size: Shape of one input to draw; None: the model's own, else the source's.
        num_classes: Number of outputs, where a name leaves the choice.
        build: Options of the search space, where a name is from one.

    Returns:
        The explanation; printed, a summary. A network that cannot be measured has `failure` set.

    Raises:
        InputError: A mistake in the arguments, or a batch that does not fit the model.
    """
    candidate = as_candidate(model, build=build, num_classes=num_classes, input_size=input_size)
    common = Probe(
        batch_size=batch_size,
        norm=norm,
        dtype=dtype,
        input_size=input_size,
        build=build_options(build),
        num_classes=num_classes,
    )
    scorer = Scorer(
        samples_from(batch, data),
        proxies=proxies,
        common=common,
        regime=regime,
        loss_fn=loss_fn,
        device=device,
        params=params,
        backend=backend,
        check=check,
        redrawn=candidate.redrawn,
    )
    return explained(candidate, scorer, seed)


def explained(candidate: Candidate, scorer: Scorer, seed: int = 0) -> Explanation:
    """The explanation of one network on conditions that are settled.

    Args:
        candidate: The network.
        scorer: The scores and their conditions.
        seed: Of the initialisation and of the batch where it is drawn.

    Raises:
        InputError: It cannot be made, or the batch does not fit it.
    """
    seen = scorer.observe(candidate, seed, NEEDS)
    bare = Explanation(
        model=candidate.name,
        seed=seed,
        norm=scorer.common.norm,
        data=scorer.common.data,
        backend="",
        scores=seen.scores,
    )
    if isinstance(seen.common, Failure):
        return replace(bare, failure=seen.common.reason)
    if "gram" in seen.common.failures:
        return replace(bare, failure=Failure.of(seen.common.failures["gram"]).reason)
    return _filled(bare, seen, seen.common)


def _filled(bare: Explanation, seen: Observation, stats: Statistics) -> Explanation:
    """All that the pass says."""
    contributed = contributions(seen.readings, stats)
    rows = layer_rows(stats, contributed)
    samples = samples_of(stats, [row_name(block) for block in stats.blocks])
    readings = by_sample(seen.readings)
    pairs = listed_pairs(samples)
    full = replace(
        bare,
        backend=stats.backend,
        layers=rows,
        rest=contributed.rest,
        classes=class_rows(samples, readings),
        class_cosines=class_cosines(samples),
        samples=sample_rows(samples, added_by_samples(readings, samples.n)),
        order=order_by_class(samples),
        cosines=[[round(value, 6) for value in row] for row in samples.cosines.tolist()],
        same_input=pairs.same_input,
        opposed=pairs.opposed,
        alike=pairs.alike,
        silent=_silent(seen, contributed.silent, readings, labels=samples.labels is not None),
    )
    return replace(full, findings=[*_findings(full, seen, stats)])


def _silent(
    seen: Observation,
    no_sum: Mapping[str, str],
    readings: Mapping[str, object],
    *,
    labels: bool,
) -> dict[str, str]:
    """Why figures are missing, by what they would be of."""
    told = {} if labels else {"classes": _NO_LABELS}
    for name in seen.readings:
        reasons = [no_sum.get(name, ""), "" if name in readings else _NOT_BY_SAMPLE]
        if any(reasons):
            told[name] = "; ".join(filter(None, reasons))
    return told


def _findings(own: Explanation, seen: Observation, stats: Statistics) -> Iterator[Finding]:
    """Most serious first."""
    of_mode = not stats.has_gradient and own.norm in COUPLED
    if of_mode:
        yield Finding(
            kind="no_gradient",
            text=f"No gradient reaches the weights with norm={own.norm!r}: scores of gradients say "
            "nothing here. Another norm mode may have one.",
        )
    else:
        yield from findings.of_layers(own.layers, zero_weights(stats))
    yield from findings.of_inputs(own.same_input)
    if not any(row.gradient_share for row in own.layers):
        return
    yield from findings.of_alike(own.alike)
    yield from findings.of_classes(own.classes, own.class_cosines)
    yield from findings.of_samples(own.samples)
    yield from findings.of_conflict(own.layers)
    values = {
        name: reading.estimate.value
        for name, reading in seen.readings.items()
        if isinstance(reading.estimate, Estimate) and reading.proxy.kind == "gradalign"
    }
    yield from findings.of_contributions(own.layers, values)
