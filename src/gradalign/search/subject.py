"""What is searched: a search space of the package, or a function of a trial that makes networks."""

from __future__ import annotations

import json
import sys
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import nn

from gradalign.benchmarks import Benchmark, get_benchmark
from gradalign.candidate import Candidate, seeded
from gradalign.errors import InputError
from gradalign.models import as_candidate, find_function, with_decisions, with_trial
from gradalign.search.moves import DecisionMoves, Moves, SpaceMoves
from gradalign.spaces import SPACES, Space, get_space
from gradalign.sweep import Plan

if TYPE_CHECKING:
    from optuna.trial import BaseTrial

Build = Callable[..., nn.Module]
"""From an Optuna trial, by its suggestions, to a network."""


@dataclass(frozen=True)
class Proposal:
    """An architecture that a sampler proposes.

    Args:
        model: Its name, as `Subject.candidate` knows it.
        arch: Its architecture: the space's spelling, or the decisions of a function of a trial.
        key: What networks share that are measured once.
    """

    model: str
    arch: str
    key: str


class Subject(ABC):
    """What is searched.

    Attributes:
        name: How it is called.
        moves: What its neighbourhood is.
        space: The search space; None: a function of a trial.
        elsewhere: Whether another process can make its networks from their names.
    """

    name: str
    moves: Moves
    space: Space[Any] | None = None
    elsewhere: bool = True

    @abstractmethod
    def propose(self, trial: BaseTrial) -> Proposal:
        """The architecture that the suggestions of `trial` make.

        Raises:
            InputError: It can never make any.
        """

    @abstractmethod
    def candidate(self, model: str) -> Candidate:
        """The network of that name."""


class SpaceSubject(Subject):
    """A search space by its name.

    Args:
        space: The space.
        plan: Conditions that say how its networks are built.
        among: Table of the architectures that may be proposed; None: all may.
    """

    def __init__(self, space: Space[Any], plan: Plan, among: Benchmark | None = None) -> None:
        self.name = space.name
        self.space = self._space = space
        self.moves = SpaceMoves(space)
        self._plan = plan
        self._among = among

    def propose(self, trial: BaseTrial) -> Proposal:
        """The architecture, in the space's own spelling; one that may not be is refused."""
        try:
            arch = self._space.suggest(trial)
        except (NotImplementedError, AttributeError) as error:
            raise InputError(
                f"the space {self.name!r} gives no `suggest` ({error}): a search needs it"
            ) from error
        text = self._space.format(arch)
        if self._among is not None and text not in self._among:
            from optuna.exceptions import TrialPruned  # here: `gradalign` is imported without it

            raise TrialPruned(f"not in {self._among.name}")
        key = self._space.network_key(arch)
        return Proposal(f"{self.name}:{text}", text, f"{self.name}:{key}")

    def candidate(self, model: str) -> Candidate:
        """The network of an architecture."""
        return self._plan.candidate(model)


class BuildSubject(Subject):
    """A function that makes a network of an Optuna trial.

    Args:
        function: The function.
        name: Its name, such as `file.py:build`.
        plan: Conditions: shape of the inputs, number of classes.
        elsewhere: Whether `gradalign.models.resolve` finds it by its name.
    """

    def __init__(self, function: Build, name: str, plan: Plan, *, elsewhere: bool) -> None:
        self.name = name
        self.moves = DecisionMoves()
        self.elsewhere = elsewhere
        self._function = function
        self._plan = plan

    def propose(self, trial: BaseTrial) -> Proposal:
        """The decisions that the function asks the trial for."""
        with seeded(0):
            network = self._function(trial)
        if not isinstance(network, nn.Module):
            raise InputError(
                f"{self.name} gave a {type(network).__name__}: a function that is searched must "
                "return an nn.Module"
            )
        arch = json.dumps(trial.params, sort_keys=True)
        model = with_decisions(self.name, trial.params)
        return Proposal(model, arch, model)

    def candidate(self, model: str) -> Candidate:
        """The network that these decisions make."""
        if self.elsewhere:
            return self._plan.candidate(model)
        decisions = json.loads(model[model.index("{") :])
        return as_candidate(
            with_trial(self._function, decisions),
            name=model,
            num_classes=self._plan.num_classes,
            input_size=self._plan.image_size,
        )


def as_subject(subject: str | Space[Any] | Build, plan: Plan, among: str | None = None) -> Subject:
    """What is searched.

    Args:
        subject: A space or its name; a function of a trial, or its name as
            `package.module:function` or `file.py:function`.
        plan: Conditions of the networks.
        among: A benchmark, or a file of one's own: of a space, only its architectures are searched.

    Raises:
        InputError: Something else, an unknown name, or options that the space does not have.
    """
    named = isinstance(subject, str) and ":" not in subject
    if among is not None and not named and not isinstance(subject, Space):
        raise InputError("only a search space is searched among the networks of a table")
    if isinstance(subject, str) and ":" in subject:
        return BuildSubject(find_function(subject), subject.strip(), plan, elsewhere=True)
    if isinstance(subject, str):
        subject = get_space(subject)
    if isinstance(subject, Space):
        if SPACES.get(subject.name) is not subject:
            raise InputError(f"the space {subject.name!r} is not registered: SPACES.add does it")
        options = {key: value for key, value in plan.build if key != "task"}
        subject.chosen(options)
        table = None if among is None else get_benchmark(among, subject.name)
        return SpaceSubject(subject, plan, table)
    if not callable(subject) or isinstance(subject, nn.Module):
        raise InputError(
            f"{type(subject).__name__} cannot be searched: give the name of a space, or a function "
            "that makes a network of an Optuna trial"
        )
    place = _place(subject)
    name = getattr(subject, "__name__", type(subject).__name__)
    return BuildSubject(subject, place or name, plan, elsewhere=place is not None)


def _place(function: Build) -> str | None:
    """How another process finds `function`; None: it cannot."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "")
    own = sys.modules.get(str(module))
    if own is None or getattr(own, name, None) is not function:
        return None  # a lambda, a function within a function, a notebook's
    if module == "__main__":
        file = getattr(own, "__file__", None)
        return None if file is None else f"{Path(file).resolve()}:{name}"
    return f"{module}:{name}"
