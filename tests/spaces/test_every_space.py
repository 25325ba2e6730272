"""What holds for every registered space."""

import inspect
import random

import pytest
import torch
from torch import nn

import gradalign as ga
from gradalign.cli.tables import SHARED
from gradalign.errors import InputError, UnknownNameError
from gradalign.proxies import PROXIES
from gradalign.spaces import SPACES, get_space
from gradalign.testing import SPACE_CHECKS
from gradalign.testing.spaces import check_running

SMALL = {"nb101": {"stem_channels": 16}, "darts": {"channels": 8, "layers": 5}}
"""Options that keep the networks of a space affordable here."""

SIDE = (3, 32, 32)


@pytest.fixture(params=sorted(SPACES))
def space(request):
    return get_space(request.param)


@pytest.fixture
def rng():
    return random.Random(0)


@pytest.mark.parametrize("check", SPACE_CHECKS, ids=lambda check: check.__name__)
def test_conformance(space, check):
    if check is check_running and len(space.task().input_size) == 3:
        check_running(space, SIDE)
    else:
        check(space)


def test_it_is_registered_under_its_name(space):
    assert SPACES[space.name] is space
    assert all(isinstance(default, int) for default in space.options.values())


def test_networks_take_an_architecture_or_its_spelling(space, rng):
    arch = space.sample(rng)
    shapes = [
        [p.shape for p in space.build(given, num_classes=3, seed=0).parameters()]
        for given in (arch, space.format(arch))
    ]
    assert shapes[0] == shapes[1]


def test_an_unknown_option_is_refused(space, rng):
    with pytest.raises(InputError, match="no option 'nonsense'"):
        space.build(space.sample(rng), nonsense=1)


def test_an_unknown_task_is_refused(space, rng):
    with pytest.raises(InputError, match=f"no task 'nonsense': choose from {space.task().name}"):
        space.build(space.sample(rng), task="nonsense")


def test_an_unknown_space_is_offered_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'nb201'"):
        get_space("nb20")


UNITS = {
    (nn.ReLU, nn.ReLU6): ("activation_matches", "relu_matches", "relu_patterns"),
    (nn.GELU, nn.SiLU): ("gelu_matches",),
}
"""Statistics that a network without such modules cannot give."""

FAMILY = (*SHARED.split(","), "grasp", "synflow", "zico")
"""What one pass gives, and a second backward, another probe and a second batch."""


def scored(space, arch):
    """The family on one network, four images; the failures among the records."""
    task = space.task()
    shape = SIDE if len(task.input_size) == 3 else task.input_size
    build = SMALL.get(space.name, {})
    network = space.build(arch, num_classes=10, input_size=shape, seed=0, **build)
    generator = torch.Generator().manual_seed(0)
    batch = torch.randn(4, *shape, generator=generator), torch.tensor([0, 1, 2, 3])
    scores = ga.score(network, batch, proxies=FAMILY)
    failed = [record for record in scores if record.status not in ("ok", "no_gradient")]
    lacking = {
        need
        for kinds, needs in UNITS.items()
        if not any(isinstance(module, kinds) for module in network.modules())
        for need in needs
    }
    return [record for record in failed if not lacking & set(PROXIES[record.proxy].needs)]


def test_a_network_runs_the_whole_family(space, rng):
    arch = space.sample(rng)
    failed = scored(space, arch)
    assert not failed, failed


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_twenty_networks_run_the_whole_family(space, rng):
    for _ in range(20):
        failed = scored(space, space.sample(rng))
        assert not failed, failed


def test_checks_are_documented():
    assert all(inspect.getdoc(check) for check in SPACE_CHECKS)
