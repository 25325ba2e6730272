"""Our samplers pass the tests that Optuna publishes for samplers of other people."""

import pytest
from optuna.samplers import TPESampler
from optuna.testing import pytest_samplers as published

from gradalign.search.moves import DecisionMoves
from gradalign.search.samplers import SAMPLERS, Setting
from gradalign.search.samplers._fresh import Fresh

pytestmark = pytest.mark.filterwarnings(
    "ignore::optuna.exceptions.ExperimentalWarning",
    "ignore:The value nan is not acceptable",
)


def maker(name):
    return lambda: SAMPLERS[name].make(Setting(seed=0, moves=DecisionMoves()))


class TestOneObjective(published.BasicSamplerTestCase):
    @pytest.fixture(params=sorted(SAMPLERS))
    def sampler(self, request):
        return maker(request.param)


class TestSeveralObjectives(published.MultiObjectiveSamplerTestCase):
    @pytest.fixture(params=sorted(name for name in SAMPLERS if SAMPLERS[name].several))
    def sampler(self, request):
        return maker(request.param)


class TestOneObjectiveOnly(published.SingleOnlySamplerTestCase):
    @pytest.fixture(params=sorted(name for name in SAMPLERS if not SAMPLERS[name].several))
    def sampler(self, request):
        return maker(request.param)


class TestAnewForEveryTrial(published.RelativeSamplerTestCase):
    """A sampler with a relative search space that knows something from the second trial on."""

    @pytest.fixture
    def sampler(self):
        setting = Setting(seed=0, moves=DecisionMoves())
        return lambda: Fresh(
            setting,
            lambda seed: TPESampler(seed=seed, n_startup_trials=0, constant_liar=False),
        )
