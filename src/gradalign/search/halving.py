"""Successive halving of trainings that run side by side, by Optuna's pruner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from gradalign.errors import InputError

if TYPE_CHECKING:
    from optuna.storages import BaseStorage
    from optuna.study import Study

FACTOR = 2
"""One of so many trainings goes on after a rung."""

MARK = "gradalign: trainings of finalists"
"""Attribute by which a study is known as one that can be written anew."""


def rungs(trainings: int, epochs: int) -> tuple[int, ...]:
    """Epochs after which the worse half is given up; the last is the end of the training.

    The first rung r is at epochs / 2^h, rounded down, at least 1, where h is the number of halvings
    that leave one of the trainings; the others are at 2 r, 4 r, ... Where there are too few epochs
    for all of them, more than one training reaches the end.

    Example:
        >>> rungs(4, 8), rungs(8, 12), rungs(1, 8), rungs(8, 3)
        ((2, 4, 8), (1, 2, 4, 12), (8,), (1, 2, 3))
    """
    halvings = trainings.bit_length() - 1
    first = max(1, epochs // FACTOR**halvings)
    inner = (first * FACTOR**k for k in range(halvings))
    return (*(epoch for epoch in inner if epoch < epochs), epochs)


def kept(trainings: int) -> int:
    """How many of so many trainings go on after a rung: half of them, rounded down, at least 1."""
    return max(1, trainings // FACTOR)


def epochs_of_all(trainings: int, rungs: Sequence[int]) -> int:
    """Epochs of all trainings together if none fails.

    Example:
        >>> epochs_of_all(4, (2, 4, 8))
        16
    """
    total = before = 0
    for rung in rungs:
        total += trainings * (rung - before)
        trainings, before = kept(trainings), rung
    return total


class Halving:
    """An Optuna study with a trial for each training: reports of accuracy, prunings, results.

    `SuccessiveHalvingPruner` is asynchronous: it compares a trial with those that came before it.
    Here all trainings reach a rung before it is asked, so what it says does not depend on their
    order.

    Args:
        names: Of the networks, best score first; they are numbered in this order, from 0.
        rungs: Epochs at which trainings are compared, and the last one.
        storage: Optuna's storage, or its URL; None: the study is in memory.
        study: Name of the study. One of that name is written anew: it only shows what the
            checkpoints hold.

    Raises:
        InputError: The storage has a study of another kind under that name.
    """

    def __init__(
        self,
        names: Sequence[str],
        rungs: Sequence[int],
        *,
        storage: str | BaseStorage | None,
        study: str,
    ) -> None:
        self._rungs = tuple(rungs)
        self._study = _new_study(storage, study)
        self._trials = [self._study.ask() for _ in names]
        for trial, name in zip(self._trials, names, strict=True):
            trial.set_user_attr("model", name)

    def report(self, number: int, epoch: int, accuracy: float) -> None:
        """Record the validation accuracy of a training after an epoch, in percent."""
        self._trials[number].report(accuracy, epoch)

    def survivors(self, accuracies: Mapping[int, float]) -> list[int]:
        """The trainings that go on after a rung, in their order; the others are pruned.

        Args:
            accuracies: Accuracy at this rung of each training that has come so far. Of equal ones
                that with the better score goes on.
        """
        from optuna.pruners import SuccessiveHalvingPruner  # here: as in `_new_study`

        if not accuracies:
            return []
        # Worst first, and none goes on before as many are known as are given up: the pruner then
        # says of each what it would say if it knew all of them.
        self._study.pruner = SuccessiveHalvingPruner(
            min_resource=self._rungs[0],
            reduction_factor=FACTOR,
            bootstrap_count=len(accuracies) - kept(len(accuracies)),
        )
        worst_first = sorted(accuracies, key=lambda number: (accuracies[number], -number))
        pruned = [number for number in worst_first if self._trials[number].should_prune()]
        for number in pruned:
            self._tell(number, "PRUNED")
        return sorted(set(accuracies) - set(pruned))

    def finish(self, number: int, accuracy: float, test_accuracy: float) -> None:
        """Record the last accuracies of a training, in percent."""
        self._trials[number].set_user_attr("test_accuracy", test_accuracy)
        self._tell(number, "COMPLETE", accuracy)

    def fail(self, number: int, reason: str) -> None:
        """Record a training that cannot go on."""
        self._trials[number].set_user_attr("reason", reason)
        self._tell(number, "FAIL")

    def _tell(self, number: int, state: str, value: float | None = None) -> None:
        from optuna.trial import TrialState

        self._study.tell(self._trials[number], value, state=TrialState[state])


def _new_study(storage: str | BaseStorage | None, name: str) -> Study:
    """An empty study of that name, in the place of what an earlier call has left."""
    import optuna  # here: `gradalign` is imported without it

    if storage is not None and name in optuna.get_all_study_names(storage):
        if MARK not in optuna.load_study(study_name=name, storage=storage).user_attrs:
            raise InputError(
                f"the storage has a study {name!r} that trains no finalists: give another name"
            )
        optuna.delete_study(study_name=name, storage=storage)
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)  # it would say that there is a new study
    try:
        study = optuna.create_study(storage=storage, study_name=name, direction="maximize")
    finally:
        optuna.logging.set_verbosity(before)
    study.set_user_attr(MARK, True)
    return study
