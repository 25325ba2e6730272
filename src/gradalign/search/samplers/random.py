"""Every architecture drawn independently."""

from optuna.samplers import RandomSampler

from gradalign.search.samplers._base import SAMPLERS, SamplerKind, Setting
from gradalign.search.samplers._fresh import Fresh


def make(setting: Setting) -> Fresh:
    """Optuna's random sampler."""
    return Fresh(setting, lambda seed: RandomSampler(seed=seed))


SAMPLERS.add(
    "random",
    SamplerKind(
        name="random",
        summary="every architecture drawn independently",
        source="Li & Talwalkar, Random Search and Reproducibility for NAS, UAI 2019; Optuna",
        make=make,
        several=True,
    ),
)
