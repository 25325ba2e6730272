"""The loop: propose, find out, tell."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from gradalign.errors import InputError
from gradalign.failure import Failure
from gradalign.search.judge import Judge
from gradalign.search.outcome import Outcome, tell
from gradalign.search.progress import Progress
from gradalign.search.request import BATCH, Request
from gradalign.search.subject import Proposal, Subject

if TYPE_CHECKING:
    from optuna.study import Study
    from optuna.trial import Trial

PATIENCE = 200
"""Proposals in a row without a new network within the limits after which a search ends."""


class Loop:
    """A search over its study, which is all the state it has.

    A batch of proposals is made before the first of them is told, and they are told in their order:
    what is proposed depends neither on the number of workers nor on an interruption.

    Args:
        subject: What is searched.
        request: What is asked.
        study: The study; its sampler proposes.
        judge: Finds out what becomes of proposals.

    Attributes:
        progress: How far it is.
    """

    def __init__(self, subject: Subject, request: Request, study: Study, judge: Judge) -> None:
        self.progress = Progress()
        self._subject = subject
        self._request = request
        self._study = study
        self._judge = judge
        for trial in study.get_trials(deepcopy=False):
            if trial.state.is_finished():
                judge.remember(trial.number, trial.user_attrs)
                broken = [name for name, margin in trial.constraints.items() if margin > 0]
                self.progress.count(trial.user_attrs, broken, trial.state.name)

    def run(
        self,
        budget: int | None,
        seconds: float | None,
        told: Callable[[Progress], None] | None = None,
    ) -> None:
        """Go on until so many networks are scored, so much time has passed, or nothing new comes.

        Raises:
            InputError: No proposal is within the limits, or none makes a network.
        """
        started = time.monotonic()
        self.progress.budget = budget
        self.progress.barren = 0
        while self.progress.barren < PATIENCE:
            left = BATCH if budget is None else budget - self.progress.evaluations
            if left <= 0 or (seconds is not None and self.progress.seconds >= seconds):
                return
            self._batch(min(left, BATCH))
            self.progress.seconds = time.monotonic() - started
            if told is not None:
                told(self.progress)
        if not self.progress.evaluations:
            raise InputError(self._nothing())

    def _batch(self, size: int) -> None:
        """Propose, find out, tell."""
        batch = self._asked(size)
        proposed = {trial.number: self._proposed(trial) for trial in batch}
        outcomes = self._judge.outcomes(
            {number: own for number, own in proposed.items() if isinstance(own, Proposal)}
        )
        for trial in batch:
            own = proposed[trial.number]
            outcome = own if isinstance(own, Outcome) else outcomes[trial.number]
            tell(self._study, trial, outcome)
            self.progress.count(outcome.attributes, outcome.broken, outcome.state)

    def _asked(self, size: int) -> list[Trial]:
        """The trials of one batch: what an interruption has left of the last one, or new ones."""
        from optuna.trial import Trial, TrialState  # here: `gradalign` is imported without Optuna

        left = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        batch = [Trial(self._study, trial._trial_id) for trial in left]
        first = self.progress.proposals
        if left:
            first, size = left[0].user_attrs.get("batch", (left[0].number, size))
            if first < left[0].number:  # some of this batch are told: all of it was asked for
                return batch
        while len(batch) < size:
            trial = self._study.ask()
            trial.set_user_attr("batch", (first, size))
            batch.append(trial)
        return batch

    def _proposed(self, trial: Trial) -> Proposal | Outcome:
        """The proposal of a trial, or what is wrong with it."""
        from optuna.exceptions import TrialPruned

        try:
            proposal = self._subject.propose(trial)
        except InputError:
            raise
        except TrialPruned as refusal:
            return Outcome(refused=True, reason=str(refusal) or "refused")
        except Exception as error:  # noqa: BLE001 - one network must not stop the others
            return Outcome(reason=Failure.of(error).reason)
        for name in ("model", "arch", "key"):
            trial.set_user_attr(name, getattr(proposal, name))
        return proposal

    def _nothing(self) -> str:
        """Why there is no network at all."""
        progress = self.progress
        if any(progress.refused[name] for name, _ in self._request.bounds):
            return self._request.bounds.excluded(
                progress.refused, progress.least, progress.proposals
            )
        return f"{self._subject.name} makes no network: {progress.reason}"
