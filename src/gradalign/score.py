"""Score networks: one, or one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from gradalign.batch import Batch, Inputs, as_batch
from gradalign.candidate import Candidate
from gradalign.conditions import DrawnBatches, PassedBatch, Regime, Samples
from gradalign.data import open_source
from gradalign.engine import Backend, Check, LossFunction, Selection
from gradalign.models import Model, as_candidate
from gradalign.probe import DType, NormMode, Probe
from gradalign.record import Scores
from gradalign.scorer import DEFAULT_PROXIES, Scorer


def score(
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
) -> Scores:
    """The scores of one network on one batch; the network comes back exactly as it was.

    Args:
        model: A network, a function without arguments that makes one, or a name such as
            `nb201:ARCH`. A network that is passed is never initialised anew.
        batch: (inputs, targets), every tensor with the samples on axis 0; None: drawn from `data`.
        proxies: Names, in one text with commas too; `all`: every one there is.
        norm: What normalisation layers do.
        regime: `shared`: one common probe for all proxies, in one pass; `official`: each under the
            conditions of its authors' code.
        loss_fn: (output, targets) to one loss a sample, [n]; None: cross-entropy for integer
            targets, summed squared error for float ones.
        seed: Of the initialisation, of the batch where it is drawn, and of all else that is random.
        device: `auto`: a network stays where it is, one that is made goes to CUDA if there is any;
            or a device by name.
        dtype: Floating-point type of the pass; None: the model's own.
        params: Which weights form the blocks: `default`, `all`, or a function.
        backend: Backend of the engine.
        check: When the engine checks its rules.
        data: Data source, where no batch is passed.
        batch_size: Samples to draw from it.
        input_size: Shape of one input to draw; None: the model's own, else the source's.
        num_classes: Number of outputs, where a name leaves the choice; None: that of the space's
            task, else 10.
        build: Options of the search space, where a name is from one.

    Returns:
        One record a proxy; `result["gradalign_i"].value`. What a network cannot give, or raises
        itself, is a record with its status and reason.

    Raises:
        InputError: A mistake in the arguments, or a batch that does not fit the model.
    """
    candidate = as_candidate(model, build=build, num_classes=num_classes, input_size=input_size)
    scorer = Scorer(
        samples_from(batch, data),
        proxies=proxies,
        common=Probe(
            batch_size=batch_size,
            norm=norm,
            dtype=dtype,
            input_size=input_size,
            build=build_options(build),
            num_classes=num_classes,
        ),
        regime=regime,
        loss_fn=loss_fn,
        device=device,
        params=params,
        backend=backend,
        check=check,
        redrawn=candidate.redrawn,
    )
    return scorer.measure(candidate, seed)


def build_options(build: Mapping[str, str | int] | None) -> tuple[tuple[str, str], ...]:
    """Options of a search space as a probe holds them: sorted texts."""
    return tuple(sorted((name, str(value)) for name, value in (build or {}).items()))


def samples_from(batch: Batch | tuple[Inputs, Inputs] | None, data: str) -> Samples:
    """The passed batch, or where there is none the data source of that name."""
    return DrawnBatches(open_source(data)) if batch is None else PassedBatch(as_batch(batch))


def score_many(candidates: Iterable[Candidate], scorer: Scorer, seed: int = 0) -> Iterator[Scores]:
    """The scores of each network, as they come; one that fails does not stop the others."""
    return (scorer.attempt(candidate, seed) for candidate in candidates)
