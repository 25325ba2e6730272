"""What holds for every registered space."""

import itertools
import random

import pytest
import torch

from gradalign.errors import InputError, UnknownNameError
from gradalign.spaces import SPACES, get_space


@pytest.fixture(params=sorted(SPACES))
def space(request):
    return get_space(request.param)


@pytest.fixture
def sample(space):
    rng = random.Random(0)
    return [space.sample(rng) for _ in range(20)]


def test_a_space_says_what_it_is(space):
    assert SPACES[space.name] is space
    assert space.description
    assert space.source
    assert space.licence
    assert space.size is None or space.size > 0
    assert all(isinstance(default, int) for default in space.options.values())


def test_spelling_round_trip(space, sample):
    for arch in (*sample, *itertools.islice(space.enumerate(), 20)):
        assert space.parse(space.format(arch)) == arch
        assert isinstance(hash(arch), int)


def test_mutants_are_other_architectures_of_the_space(space, sample):
    for arch in sample:
        mutant = space.mutate(arch, random.Random(1))
        assert mutant != arch
        assert space.parse(space.format(mutant)) == mutant
        assert arch not in space.neighbours(arch)


def test_canonical_forms_of_equal_architectures_are_equal(space, sample):
    for arch in sample:
        assert space.canonical(arch) == space.canonical(space.parse(space.format(arch)))


def test_networks_take_an_architecture_or_its_spelling(space, sample):
    arch = sample[0]
    inputs = torch.zeros(2, *space.task().input_size)
    before = torch.get_rng_state()
    for given in (arch, space.format(arch)):
        net = space.build(given, num_classes=3, seed=0)
        assert net.training
        assert net(inputs).shape == (2, 3)
    assert torch.equal(torch.get_rng_state(), before)


def test_an_unknown_option_is_refused(space, sample):
    with pytest.raises(InputError, match="no option 'nonsense'"):
        space.build(sample[0], nonsense=1)


def test_an_unknown_space_is_offered_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'nb201'"):
        get_space("nb20")
