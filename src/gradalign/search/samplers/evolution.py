"""Regularized (ageing) evolution."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from optuna.study import Study

from gradalign.search.samplers._base import SAMPLERS, SamplerKind, Setting
from gradalign.search.samplers._history import scored
from gradalign.search.samplers._planned import Planned

POPULATION = 10
"""Trials that are alive, the last that were scored."""

TOURNAMENT = 5
"""Trials drawn from them, of which the best becomes the parent."""


class Evolution(Planned):
    """A mutant of the best of a few trials, drawn from the last ones that were scored.

    Until as many trials are scored as the population holds, architectures are drawn at random. The
    oldest trial dies with each new one, however good it is. With several objectives the best of a
    tournament is the one that the fewest of the population beat; of equals the youngest.

    The defaults are for budgets of some 50 to 1,000 networks: a population as in NAS-Bench-201, and
    a larger tournament, which finds better networks in so few trials. Real et al. have 100 and 25
    for 20,000.

    Args:
        setting: What it is made for.
        population: Number of trials that are alive.
        tournament: Number of trials that are drawn from them, with replacement.

    Source:
        Real et al., Regularized Evolution for Image Classifier Architecture Search, AAAI 2019
        (arXiv 1802.01548), algorithm 1; Dong & Yang, NAS-Bench-201, ICLR 2020 (arXiv 2001.00326),
        have populations of 10 and tournaments of 3.
    """

    several = True

    def __init__(
        self, setting: Setting, *, population: int = POPULATION, tournament: int = TOURNAMENT
    ) -> None:
        super().__init__(setting)
        self._population = population
        self._tournament = tournament

    def plan(self, study: Study, rng: random.Random) -> Mapping[str, Any]:
        """A mutant of the winner of a tournament."""
        alive = scored(study, self._setting.values)[-self._population :]
        if len(alive) < self._population:
            return {}
        drawn = rng.choices(alive, k=self._tournament)
        parent = min(
            drawn,
            key=lambda each: (sum(other.beats(each) for other in alive), -each.trial.number),
        )
        return self._setting.moves.mutate(parent.trial, rng)


SAMPLERS.add(
    "evolution",
    SamplerKind(
        name="evolution",
        summary=(
            f"ageing evolution: mutates the best of {TOURNAMENT} of the last {POPULATION} that "
            "were scored"
        ),
        source="Real et al., Regularized Evolution, AAAI 2019 (arXiv 1802.01548)",
        make=Evolution,
        several=Evolution.several,
    ),
)
