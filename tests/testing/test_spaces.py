"""The conformance checks pass a right space and find every planted mistake."""

import itertools
import random
import runpy
from pathlib import Path

import pytest
import torch
from torch import nn

from gradalign.errors import InputError
from gradalign.testing import SPACE_CHECKS, RandomTrial, spaces

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_space.py"
Stacks = runpy.run_path(str(EXAMPLE))["Stacks"]


@pytest.mark.parametrize("check", SPACE_CHECKS, ids=lambda check: check.__name__)
def test_the_example_conforms(check):
    check(Stacks())


def test_the_example_is_thirty_lines():
    lines = EXAMPLE.read_text().splitlines()
    first = next(k for k, line in enumerate(lines) if line.startswith("class "))
    last = next(k for k, line in enumerate(lines) if line.startswith("def main"))
    written = [line for line in lines[first:last] if line.strip() and '"""' not in line]
    assert len(written) <= 32


class NoSource(Stacks):
    source = ""


class ForeignExample(Stacks):
    example = "7-7-7"


class LossySpelling(Stacks):
    def format(self, arch):
        return super().format((*arch[:2], 1))


class ReadsAnything(Stacks):
    def parse(self, text):
        try:
            return super().parse(text)
        except InputError:
            return (16, 3, 2)


class LongMessage(Stacks):
    def parse(self, text):
        try:
            return super().parse(text)
        except InputError:
            raise InputError(f"bad:\n{text}") from None


class OwnGenerator(Stacks):
    def sample(self, rng):
        return super().sample(random)


class AlwaysTheSame(Stacks):
    def sample(self, rng):
        return (16, 3, 2)


class TwiceTheFirst(Stacks):
    def enumerate(self):
        found = list(super().enumerate())
        return iter([found[0], *found])


class MissesTheLast(Stacks):
    def enumerate(self):
        return itertools.islice(super().enumerate(), 17)


class ItsOwnNeighbour(Stacks):
    def neighbours(self, arch):
        return [*super().neighbours(arch), arch]


class MutatesOutside(Stacks):
    def mutate(self, arch, rng):
        return (arch[0] + 1, *arch[1:])


class OneForm(Stacks):
    def canonical(self, arch):
        return "stack"


class DeafToTheTrial(Stacks):
    def suggest(self, trial):
        return (16, 3, 2)


class SuggestsAtRandom(Stacks):
    def suggest(self, trial):
        return super().sample(random)


class ForgetsADecision(Stacks):
    def _decisions(self, arch):
        return {"width": arch[0], "kernel": arch[1]}


class DecidesOtherwise(Stacks):
    def _decisions(self, arch):
        return {**super()._decisions(arch), "depth": 2}


class DecidesMore(Stacks):
    def _decisions(self, arch):
        return {**super()._decisions(arch), "stride": 1}


class InEvalMode(Stacks):
    def _build(self, arch, task, options):
        return super()._build(arch, task, options).eval()


class Unseeded(Stacks):
    def _build(self, arch, task, options):
        network = super()._build(arch, task, options)
        if network[0].weight.device.type != "meta":
            generator = torch.Generator()
            generator.seed()
            nn.init.normal_(network[0].weight, generator=generator)
        return network


class Unmoved(Stacks):
    def _build(self, arch, task, options):
        network = super()._build(arch, task, options)
        for parameter in network.parameters():
            nn.init.ones_(parameter)
        return network


class OneClassTooMany(Stacks):
    def _build(self, arch, task, options):
        return nn.Sequential(super()._build(arch, task, options), nn.ZeroPad1d((0, 1)))


@pytest.mark.parametrize(
    ("space", "check"),
    [
        (NoSource, spaces.check_facts),
        (ForeignExample, spaces.check_facts),
        (LossySpelling, spaces.check_spelling),
        (ReadsAnything, spaces.check_refusals),
        (LongMessage, spaces.check_refusals),
        (OwnGenerator, spaces.check_sampling),
        (AlwaysTheSame, spaces.check_sampling),
        (TwiceTheFirst, spaces.check_enumeration),
        (MissesTheLast, spaces.check_enumeration),
        (ItsOwnNeighbour, spaces.check_mutation),
        (MutatesOutside, spaces.check_mutation),
        (OneForm, spaces.check_canonical),
        (DeafToTheTrial, spaces.check_suggestions),
        (SuggestsAtRandom, spaces.check_suggestions),
        (ForgetsADecision, spaces.check_decisions),
        (DecidesOtherwise, spaces.check_decisions),
        (DecidesMore, spaces.check_decisions),
        (InEvalMode, spaces.check_building),
        (Unseeded, spaces.check_building),
        (Unmoved, spaces.check_building),
        (OneClassTooMany, spaces.check_running),
    ],
)
def test_a_mistake_is_found(space, check):
    with pytest.raises((AssertionError, InputError)):
        check(space())


def test_a_trial_keeps_what_it_suggested():
    trial = RandomTrial(random.Random(3))
    first = trial.suggest_int("width", 1, 1000), trial.suggest_categorical("op", range(1000))
    again = trial.suggest_int("width", 1, 1000), trial.suggest_categorical("op", range(1000))
    assert first == again
    assert trial.params == {"width": first[0], "op": first[1]}
