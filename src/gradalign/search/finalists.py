"""The networks with the best scores, really trained: what chooses between them in the end."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gradalign.candidate import Candidate
from gradalign.data import InputSpec
from gradalign.device import usable_device
from gradalign.errors import InputError
from gradalign.failure import Failure
from gradalign.search.course import Course, FailedError, Setting
from gradalign.search.finalist import Finalist, Finalists
from gradalign.search.halving import Halving, epochs_of_all, rungs
from gradalign.search.parts import Parts, part
from gradalign.search.recipe import RECIPE
from gradalign.training import Recipe

if TYPE_CHECKING:
    from optuna.storages import BaseStorage


def train_finalists(
    candidates: Sequence[Candidate],
    *,
    folder: Path,
    data: str = "digits",
    recipe: Recipe = RECIPE,
    seed: int = 0,
    device: str = "auto",
    storage: str | BaseStorage | None = None,
    study: str = "finalists",
    progress: Callable[[int, int], None] | None = None,
) -> Finalists:
    """Train networks side by side, and give up the worse half at each rung.

    A checkpoint is written after each epoch. Whatever ends the program, the same call goes on from
    there and ends in the same result, `seconds` included. A network that cannot be built or
    trained, or whose loss is no longer finite, is a failure with its reason, and the others go on.

    Args:
        candidates: The networks, best score first.
        folder: Where the checkpoints are kept.
        data: Source of the samples: images with labels.
        recipe: How each network is trained; its cosine falls over all epochs.
        seed: Of the parts of the data, the initialisations and the order of the samples.
        device: `auto`, or a device by name.
        storage: Optuna's storage, or its URL, that shows the trainings; None: none does.
        study: Name of their study in it.
        progress: Called with the number of epochs done and that of all if no network fails.

    Raises:
        InputError: No network, a device that cannot be used, or data that cannot be learned.
        GradalignError: A checkpoint cannot be written.
    """
    if not candidates:
        raise InputError("no network is given to be trained: give at least one")
    setting = Setting(recipe, seed, _device(device))

    @cache
    def parts(spec: InputSpec) -> Parts:
        return part(data, spec, seed).to(setting.device)

    epochs = rungs(len(candidates), recipe.epochs)
    halving = Halving([each.name for each in candidates], epochs, storage=storage, study=study)
    race = _Race(halving, progress, epochs_of_all(len(candidates), epochs))
    for candidate in candidates:
        race.enter(candidate, parts(candidate.spec), setting, folder)
    for epoch in epochs[:-1]:
        race.halve(epoch)
    race.finish(recipe.epochs)
    return Finalists(
        entries=tuple(race.entries),
        data=data,
        samples=parts(candidates[0].spec).sizes,
        recipe=recipe,
        rungs=epochs,
    )


class _Race:
    """The trainings, side by side.

    Args:
        halving: Their study.
        progress: Told how many epochs are done, and `total`.
        total: Epochs of all trainings together.

    Attributes:
        entries: What has become of each, best score first.
    """

    def __init__(
        self, halving: Halving, progress: Callable[[int, int], None] | None, total: int
    ) -> None:
        self.entries: list[Finalist] = []
        self._courses: dict[int, Course] = {}  # those that go on, by their number
        self._halving = halving
        self._progress = progress
        self._total = total
        self._done = 0

    def enter(self, candidate: Candidate, parts: Parts, setting: Setting, folder: Path) -> None:
        """Take in one more network."""
        number = len(self.entries)
        entry = Finalist(candidate=candidate, rank=number + 1, seed=setting.seed)
        self.entries.append(entry)
        try:
            initial = candidate.build(setting.seed)
        except Exception as error:  # noqa: BLE001 - memory runs out in many ways
            self._fail(number, Failure.of(error).reason)
            return
        course = Course(candidate, initial, parts, setting, folder)
        entry.checkpoint = course.checkpoint
        self._courses[number] = course

    def halve(self, epoch: int) -> None:
        """Train all up to that epoch, and give up the worse half."""
        self._advance(epoch)
        reached = {number: self.entries[number].accuracies[-1] for number in self._courses}
        going_on = self._halving.survivors(reached)
        for number in set(reached) - set(going_on):
            self.entries[number].status = "pruned"
            self.entries[number].pruned_at = epoch
            del self._courses[number]

    def finish(self, epoch: int) -> None:
        """Train those that are left up to the last epoch, and test them."""
        self._advance(epoch)
        for number, course in self._courses.items():
            entry = self.entries[number]
            entry.test_accuracy = course.test()
            self._halving.finish(number, entry.accuracies[-1], entry.test_accuracy)

    def _advance(self, epoch: int) -> None:
        for number, course in list(self._courses.items()):
            try:
                self._look(number, epoch)  # what its checkpoint holds already
                course.advance(epoch, lambda: self._look(number, epoch))  # noqa: B023 - called here
            except FailedError as error:
                self._fail(number, str(error))

    def _look(self, number: int, epoch: int) -> None:
        """Take over what is new in a training, up to that epoch."""
        entry, course = self.entries[number], self._courses[number]
        for accuracy in course.accuracies[len(entry.accuracies) : epoch]:
            entry.accuracies.append(accuracy)
            self._halving.report(number, len(entry.accuracies), accuracy)
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)
        entry.seconds = sum(course.seconds[: len(entry.accuracies)])

    def _fail(self, number: int, reason: str) -> None:
        entry = self.entries[number]
        entry.status, entry.reason = "failed", reason
        self._halving.fail(number, reason)
        self._courses.pop(number, None)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return usable_device(name)
