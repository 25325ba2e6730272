"""Tree-structured Parzen estimator."""

from optuna.samplers import TPESampler

from gradalign.search.samplers._base import SAMPLERS, SamplerKind, Setting
from gradalign.search.samplers._fresh import Fresh


def make(setting: Setting) -> Fresh:
    """Optuna's, with its own defaults save that running trials count for nothing."""
    return Fresh(setting, lambda seed: TPESampler(seed=seed, constant_liar=False))


SAMPLERS.add(
    "tpe",
    SamplerKind(
        name="tpe",
        summary="density of the decisions of good architectures over that of the others",
        source="Bergstra et al., Algorithms for Hyper-Parameter Optimization, NeurIPS 2011; Optuna",
        make=make,
        several=True,
    ),
)
