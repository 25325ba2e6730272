"""Non-dominated sorting genetic algorithm II."""

from optuna.samplers import NSGAIISampler

from gradalign.errors import InputError
from gradalign.search.samplers._base import SAMPLERS, SamplerKind, Setting
from gradalign.search.samplers._fresh import Fresh

POPULATION = 20
"""Architectures in a generation: at a budget of 100 there are five."""


def make(setting: Setting) -> Fresh:
    """Optuna's, which keeps the generations in the study.

    Raises:
        InputError: Values that move, as generations are chosen by those that were told.
    """
    if setting.values is not None:
        raise InputError(
            "the sampler 'nsga2' needs scores that stay: a rank aggregate moves as the pool grows; "
            "take 'evolution' or 'tpe'"
        )
    return Fresh(setting, lambda seed: NSGAIISampler(seed=seed, population_size=POPULATION))


SAMPLERS.add(
    "nsga2",
    SamplerKind(
        name="nsga2",
        summary=f"generations of {POPULATION}: crossover, mutation, sorting by Pareto fronts",
        source="Deb et al., NSGA-II, IEEE Trans. Evolutionary Computation 6(2), 2002; Optuna",
        make=make,
        several=True,
    ),
)
