"""REINFORCE with one categorical policy a decision."""

from __future__ import annotations

import bisect
import math
import random
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.study import Study

from gradalign.decisions.distributions import draw_part, part, parts
from gradalign.search.samplers._base import SAMPLERS, SamplerKind, Setting
from gradalign.search.samplers._history import Scored, scored
from gradalign.search.samplers._planned import Planned

RATE = 0.5
"""Step along the gradient of the logits: some hundred trials make a policy that is sure."""

DECAY = 0.9
"""Weight of the past in the mean of earlier rewards, against which a reward is held."""


class Reinforce(Planned):
    """Decisions drawn from a policy that has learnt from the scored trials.

    Each decision has a categorical policy of its own, uniform at first; numbers are chosen by the
    eighth of their range. The reward of a trial is its rank among those up to it, from 0 for the
    worst to 1 for the best, so that the scale of the score makes no difference; the baseline is the
    exponential mean of the rewards before.

    Source:
        Williams, Machine Learning 8, 1992; Zoph & Le, Neural Architecture Search with Reinforcement
        Learning, ICLR 2017 (arXiv 1611.01578); independent policies in place of a recurrent network
        as in Dong & Yang, NAS-Bench-201, ICLR 2020 (arXiv 2001.00326).
    """

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self._policies = _Policies()

    def plan(self, study: Study, rng: random.Random) -> Mapping[str, Any]:
        """A draw for every decision that some trial has made."""
        past = scored(study, self._setting.values)
        if not self._policies.have_learnt_from_the_first_of(past):
            self._policies = _Policies()  # values have moved
        for each in past[len(self._policies.learnt) :]:
            self._policies.learn(each)
        known: dict[str, BaseDistribution] = {}
        for each in past:
            known |= each.trial.distributions
        return {name: self._policies.draw(name, each, rng) for name, each in known.items()}


class _Policies:
    """A policy for each decision, after the trials that it has learnt from in their order.

    It saves learning from the first trial on for every proposal, and is what that would give.
    """

    def __init__(self) -> None:
        self.learnt: list[tuple[int, float]] = []
        self._rewarded: list[float] = []  # gains, ascending
        self._baseline = 0.5
        self._logits: dict[tuple[str, BaseDistribution], list[float]] = {}

    def have_learnt_from_the_first_of(self, past: Sequence[Scored]) -> bool:
        """Whether what was learnt from is still there, and still worth the same."""
        first = past[: len(self.learnt)]
        return self.learnt == [(each.trial.number, each.gains[0]) for each in first]

    def learn(self, each: Scored) -> None:
        """One step along the gradient for every decision of a trial."""
        step = RATE * self._advantage(each.gains[0])
        self.learnt.append((each.trial.number, each.gains[0]))
        for name, distribution in each.trial.distributions.items():
            logits = self._of(name, distribution)
            chosen = part(distribution, each.trial.params[name])
            for place, probability in enumerate(_softmax(logits)):
                logits[place] -= step * probability
            logits[chosen] += step

    def draw(self, name: str, distribution: BaseDistribution, rng: random.Random) -> Any:
        """A value by the policy of its decision."""
        weights = _softmax(self._of(name, distribution))
        (chosen,) = rng.choices(range(len(weights)), weights=weights)
        return draw_part(distribution, chosen, rng)

    def _of(self, name: str, distribution: BaseDistribution) -> list[float]:
        return self._logits.setdefault((name, distribution), [0.0] * parts(distribution))

    def _advantage(self, gain: float) -> float:
        """The reward of the next trial less the baseline at its time."""
        worse = bisect.bisect_left(self._rewarded, gain)
        equal = bisect.bisect_right(self._rewarded, gain) - worse
        before = len(self._rewarded)
        reward = (worse + equal / 2) / before if before else 0.5
        self._rewarded.insert(worse, gain)
        advantage = reward - self._baseline
        self._baseline = DECAY * self._baseline + (1 - DECAY) * reward
        return advantage


def _softmax(logits: Sequence[float]) -> list[float]:
    highest = max(logits)
    weights = [math.exp(logit - highest) for logit in logits]
    total = sum(weights)
    return [weight / total for weight in weights]


SAMPLERS.add(
    "reinforce",
    SamplerKind(
        name="reinforce",
        summary="policy gradient: one categorical policy a decision, rewarded by rank",
        source="Zoph & Le, NAS with Reinforcement Learning, ICLR 2017 (arXiv 1611.01578)",
        make=Reinforce,
        several=Reinforce.several,
    ),
)
