"""After the scores: training the best, and handing over the winner."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gradalign.candidate import Candidate, input_spec
from gradalign.errors import InputError
from gradalign.search.export import export
from gradalign.search.finalist import Finalists
from gradalign.search.finalists import train_finalists
from gradalign.search.looked_up import TABLE, TableFinalists, look_up_finalists
from gradalign.search.recipe import parse_recipe
from gradalign.search.result import SearchResult
from gradalign.search.subject import Subject
from gradalign.sweep import Plan

BEST = "best"
"""Folder of the winner, within that of the result."""

Told = Callable[[int, int], None]
"""Called with the epochs done, and those of all."""


@dataclass(frozen=True, kw_only=True)
class Final:
    """What is done with the best by score.

    Args:
        count: How many are trained; 0: none.
        train: A recipe as text, or `table`: their accuracies are looked up.
        folder: Where checkpoints, the winner and the result go; None: nothing is written.

    Raises:
        InputError: Networks are to be trained, and there is no folder; a recipe without networks.
    """

    count: int = 0
    train: str = ""
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.count < 0:
            raise InputError(f"{self.count} finalists: 0 or more are needed")
        if self.train and not self.count:
            raise InputError("training is asked for, and no finalists: say how many")
        if self.trains:
            parse_recipe(self.train)
            if self.folder is None:
                raise InputError("finalists need a folder for their checkpoints: name one")

    @property
    def looked_up(self) -> bool:
        """Whether accuracies come from a benchmark."""
        return self.train.partition(":")[0] == TABLE

    @property
    def trains(self) -> bool:
        """Whether networks are really trained."""
        return self.count > 0 and not self.looked_up


def trained(
    candidates: Sequence[Candidate],
    plan: Plan,
    final: Final,
    *,
    seed: int,
    study: str,
    storage: str | None,
    told: Told | None,
) -> Finalists | TableFinalists | None:
    """What becomes of the finalists; None where there are none.

    Args:
        candidates: The finalists, best first.
        plan: Conditions of the search.
        final: What is asked for.
        seed: Of the search.
        study: Name of their study.
        storage: URL of Optuna's storage.
        told: Told how far the training is.
    """
    if not candidates:
        return None
    if final.looked_up:
        return look_up_finalists(candidates, final.train)
    assert final.folder is not None  # noqa: S101 - `Final` has seen to it
    return train_finalists(
        [settled(own, plan, seed) for own in candidates],
        folder=final.folder / "training",
        data=plan.data,
        recipe=parse_recipe(final.train),
        seed=seed,
        device=plan.device,
        storage=storage,
        study=study,
        progress=told,
    )


def handed_over(result: SearchResult, subject: Subject, plan: Plan, folder: Path) -> Path | None:
    """Write the winner; the folder that holds it, None where there is no winner.

    Its weights are the trained ones where finalists were trained, else those it was scored with.
    """
    if result.best is None:
        return None
    seed = result.request.seed
    candidate = settled(subject.candidate(result.best.model), plan, seed)
    finalists = result.finalists
    if isinstance(finalists, Finalists) and finalists.winner is not None:
        network = finalists.winner.network()
    else:
        network = candidate.build(seed)
    return export(
        candidate,
        network,
        folder / BEST,
        document=result.to_dict(),
        data=plan.data,
        build=dict(plan.build),
        seed=seed,
    )


def settled(candidate: Candidate, plan: Plan, seed: int) -> Candidate:
    """The same network with the inputs that it takes: a single number is read as the plan does."""
    try:
        spec = input_spec(candidate.build(seed), candidate.spec)
    except Exception:  # noqa: BLE001 - whoever builds it next finds out, and records it
        return candidate
    if spec.tokens is None and spec.shape is not None and len(spec.shape) == 1:
        spec = replace(spec, shape=plan.image_size)
    return replace(candidate, spec=spec)
