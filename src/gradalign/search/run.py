"""Search: the best network that a budget allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from gradalign.batch import Batch, Inputs
from gradalign.conditions import Regime
from gradalign.errors import InputError
from gradalign.probe import DType, NormMode
from gradalign.score import build_options, samples_from
from gradalign.scorer import Scorer, named_proxies
from gradalign.search.archive import Archive
from gradalign.search.bounds import Bounds
from gradalign.search.check import checked
from gradalign.search.costs import Costs, LatencyTable
from gradalign.search.final import Final, Told, handed_over, trained
from gradalign.search.judge import Judge
from gradalign.search.loop import Loop
from gradalign.search.measure import InProcess, Measurer
from gradalign.search.objective import DEFAULT, parse_objectives
from gradalign.search.progress import Progress
from gradalign.search.request import Request
from gradalign.search.result import SearchResult
from gradalign.search.study import opened, url
from gradalign.search.subject import Build, Subject, as_subject
from gradalign.spaces import Space
from gradalign.store import Store
from gradalign.sweep import Executor, LocalPool, Plan


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How long a search takes.

    Args:
        budget: Networks to score; None: no limit.
        seconds: Time after which no further batch of proposals is begun; None: no limit.
        repeats: With how many seeds the best networks are measured in the end; 1: not again.

    Raises:
        InputError: A number below 1, or no end at all.
    """

    budget: int | None = 100
    seconds: float | None = None
    repeats: int = 3

    def __post_init__(self) -> None:
        if self.budget is None and self.seconds is None:
            raise InputError("a search without an end: give a budget of networks, or of time")
        for name, number in (("budget", self.budget), ("repeats", self.repeats)):
            if number is not None and number < 1:
                raise InputError(f"{name} {number}: at least 1 is needed")
        if self.seconds is not None and not self.seconds > 0:
            raise InputError(f"a search of {self.seconds:g} s: it must be above 0")


def search(
    subject: str | Space[Any] | Build,
    batch: Batch | tuple[Inputs, Inputs] | None = None,
    *,
    budget: int | None = 100,
    seconds: float | None = None,
    sampler: str = "evolution",
    objective: str | Iterable[str] = DEFAULT,
    proxies: Iterable[str] = (),
    max_params: float | None = None,
    max_macs: float | None = None,
    max_flops: float | None = None,
    max_latency: float | None = None,
    max_memory: float | None = None,
    max_training_memory: float | None = None,
    among: str | None = None,
    latency_table: str | None = None,
    repeats: int = 3,
    data: str = "digits",
    norm: NormMode = "batch_fixed",
    regime: Regime = "shared",
    seed: int = 0,
    batch_size: int = 32,
    device: str = "auto",
    dtype: DType | None = None,
    input_size: tuple[int, ...] | None = None,
    num_classes: int | None = None,
    build: Mapping[str, str | int] | None = None,
    workers: int = 1,
    db: str | Path | None = None,
    finalists: int = 0,
    train: str = "",
    out: str | Path | None = None,
    progress: Callable[[Progress], None] | None = None,
) -> SearchResult:
    """The best network within hard limits that so many scores find.

    A proposal is built, and what it takes is held against the limits, before it is scored; a
    network that was met before is not scored again. With several objectives the answer is their
    Pareto front. What is proposed depends on the arguments alone, not on `workers` or `db`.

    Args:
        subject: Name of a search space, or a function that makes a network of an Optuna trial by
            its `suggest_*` calls; or the name of one, as `package.module:build` or `file.py:build`.
        batch: (inputs, targets) that every network is scored on; None: drawn from `data`.
        budget: Networks to score; None: no limit.
        seconds: Time after which no further batch of proposals is begun; None: no limit.
        sampler: What proposes: a name of `gradalign.search.samplers`.
        objective: A proxy, a cost (wanted low), an aggregate, or several; a text may hold several
            with commas between them, and `name=a+b` is the rank sum of two.
        proxies: What else is measured of every scored network.
        max_params: Most trainable parameters.
        max_macs: Most multiply-adds of one sample: convolutions and matrix products, no bias.
        max_flops: Most operations of one sample, two a multiply-add.
        max_latency: Most seconds of a forward pass of one sample here, or in `latency_table`.
        max_memory: Most bytes of activations in a forward pass of one sample.
        max_training_memory: Most bytes of activations and gradients in a training step
            on a batch of `batch_size`.
        among: A benchmark, or a table of one's own: only its architectures are proposed.
        latency_table: `TABLE:COLUMN`, a benchmark or a file of latencies in milliseconds.
        repeats: With how many seeds the best five are measured in the end; 1: not again.
        data: Data source, where no batch is passed.
        norm: What normalisation layers do.
        regime: `shared` or `official` conditions.
        seed: Of the sampler, of the initialisations and of the batch.
        batch_size: Samples to draw from the data source.
        device: `auto`, or a device by name.
        dtype: Floating-point type of the pass; None: the model's own.
        input_size: Shape of one input; None: the space's, else the source's.
        num_classes: Number of outputs; None: that of the space's task, else 10.
        build: Options of the search space.
        workers: Processes that measure; with 1, this one does.
        db: File that holds study and records, made where there is none; the same call goes on from
            there. None: nothing is kept.
        finalists: How many of the best are trained, which takes `out`.
        train: How, such as `epochs=12,lr=0.05`; `table` or `table:METRIC`: their published
            accuracies are looked up.
        out: Folder that the winner is written to, with its weights and a script that rebuilds it.
        progress: Told how far it is after each batch of proposals.

    Returns:
        The result; `result.best.arch`, `result.front`, `result.to_frame()`, and it prints as a
        table.

    Raises:
        InputError: A mistake in the arguments, or no network within the limits.
    """
    request = Request(
        sampler=sampler,
        objectives=parse_objectives(objective),
        bounds=Bounds(
            params=max_params,
            macs=max_macs,
            flops=max_flops,
            latency=max_latency,
            inference_memory=max_memory,
            training_memory=max_training_memory,
        ),
        seed=seed,
        further=tuple(proxy.name for proxy in named_proxies(proxies)) if proxies else (),
        among=among,
        latency_table=latency_table,
    )
    plan = Plan(
        proxies=request.measured,
        data=data,
        norm=norm,
        regime=regime,
        batch_size=batch_size,
        input_size=input_size,
        num_classes=num_classes,
        build=build_options(build),
        dtype=dtype,
        device=device,
    )
    return run_search(
        as_subject(subject, plan, among),
        request,
        plan,
        Effort(budget=budget, seconds=seconds, repeats=repeats),
        batch=batch,
        executor=None if workers == 1 else LocalPool(plan, workers=workers),
        db=None if db is None else Path(db),
        final=Final(count=finalists, train=train, folder=None if out is None else Path(out)),
        progress=progress,
    )


def run_search(
    subject: Subject,
    request: Request,
    plan: Plan,
    effort: Effort,
    *,
    batch: Batch | tuple[Inputs, Inputs] | None = None,
    executor: Executor | None = None,
    db: Path | None = None,
    final: Final | None = None,
    progress: Callable[[Progress], None] | None = None,
    training: Told | None = None,
) -> SearchResult:
    """`search`, of which every part is given.

    Args:
        subject: What is searched.
        request: What is asked.
        plan: Conditions of what `request` measures.
        effort: How long.
        batch: What every network is scored on; None: drawn from the plan's data.
        executor: Where networks are measured, closed at the end; None: in this process.
        db: File of study and records; None: nothing is kept.
        final: What is done with the best.
        progress: Told how far it is after each batch of proposals.
        training: Told how far the training of finalists is.

    Raises:
        InputError: As `search`.
    """
    samples = None if batch is None else samples_from(batch, plan.data)
    alone = executor is None
    with executor or InProcess(subject.candidate, partial(plan.scorer, samples=samples)) as where:
        if not alone and (batch is not None or not subject.elsewhere):
            raise InputError(
                f"other processes cannot measure {subject.name} here: a passed batch, or a "
                "function that no module holds, needs workers=1"
            )
        result = _scored(
            subject, request, plan.scorer(samples=samples), effort, where, db, progress
        )
    final = final or Final()
    # Not by the check: its batches may hold samples that the finalists are tested on.
    candidates = [subject.candidate(own.model) for own in result.by_score[: final.count]]
    finalists = trained(
        candidates,
        plan,
        final,
        seed=request.seed,
        study=f"{result.request.study_name} finalists",
        storage=None if db is None else url(db),
        told=training,
    )
    result = replace(result, finalists=finalists)
    if final.folder is not None:
        handed_over(result, subject, plan, final.folder)
    return result


def _scored(
    subject: Subject,
    request: Request,
    scorer: Scorer,
    effort: Effort,
    executor: Executor,
    db: Path | None,
    progress: Callable[[Progress], None] | None,
) -> SearchResult:
    """What is found by scores alone."""
    request = replace(request, subject=subject.name, protocols=scorer.protocol_of)
    spec = request.latency_table
    table = None if spec is None else LatencyTable(spec, subject)
    with ExitStack() as stack:
        store = None if db is None else stack.enter_context(Store.open(db))
        study = stack.enter_context(opened(request, subject, db))
        measurer = Measurer(executor, scorer, request.seed, store)
        judge = Judge(request, Costs(measurer, request.costs, table), measurer)
        loop = Loop(subject, request, study, judge)
        loop.run(effort.budget, effort.seconds, progress)
        archive = Archive(study.get_trials(deepcopy=False), request.objectives)
        check = checked(archive.ranked, request, measurer, effort.repeats)
    return SearchResult(
        request=request,
        ranked=tuple(archive.ranked),
        front=tuple(archive.front),
        check=check,
        progress=loop.progress,
        db=None if db is None else str(db),
    )
