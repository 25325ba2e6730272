"""Local search with restarts."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from gradalign.search.moves import Decisions
from gradalign.search.samplers._base import SAMPLERS, SamplerKind
from gradalign.search.samplers._history import scored
from gradalign.search.samplers._planned import Planned


class LocalSearch(Planned):
    """A neighbour, not yet tried, of the best architecture since the last restart.

    It moves on as soon as one is better; where every neighbour has been tried and none is, it
    starts again from an architecture drawn at random. Where it stands is read off the study by
    following the trials from the first.

    Source:
        White, Nolen & Savani, Exploring the Loss Landscape in Neural Architecture Search, UAI 2021
        (arXiv 2005.02960): the variant that moves to the first better neighbour.
    """

    def plan(self, study: Study, rng: random.Random) -> Mapping[str, Any]:
        """One of the neighbours that are left, or a restart."""
        left = self._left(study)
        return rng.choice(left) if left else {}

    def _left(self, study: Study) -> list[Decisions]:
        """The neighbours of the present architecture that no finished trial has tried."""
        gains = {each.trial.number: each.gains[0] for each in scored(study, self._setting.values)}
        left: list[Decisions] = []
        best: float | None = None
        tried: set[frozenset[tuple[str, str]]] = set()
        for trial in study.get_trials(deepcopy=False):
            if not trial.state.is_finished():
                continue
            tried.add(_key(trial.params))
            left = [each for each in left if not _is_tried_by(each, trial)]
            gain = gains.get(trial.number)
            if gain is not None and (best is None or gain > best):
                best = gain
                near = self._setting.moves.neighbours(trial)
                left = [each for each in near if _key(each) not in tried]
            if not left:
                best = None  # nothing near is better: what is scored next is a new start
        return left


def _key(decisions: Mapping[str, Any]) -> frozenset[tuple[str, str]]:
    return frozenset((name, repr(value)) for name, value in decisions.items())


def _is_tried_by(decisions: Decisions, trial: FrozenTrial) -> bool:
    """Whether the trial is what comes of these decisions.

    Some of them may be hidden by others, and then stand in no trial; some may not be said.
    """
    return all(
        decisions[name] == value for name, value in trial.params.items() if name in decisions
    )


SAMPLERS.add(
    "local_search",
    SamplerKind(
        name="local_search",
        summary="moves to the first better neighbour, and starts again where there is none",
        source="White et al., Exploring the Loss Landscape in NAS, UAI 2021 (arXiv 2005.02960)",
        make=LocalSearch,
        several=LocalSearch.several,
    ),
)
