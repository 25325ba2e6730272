import math
import random
from collections import Counter

import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import RandomSampler
from optuna.study import create_study
from scipy.stats import ks_2samp
from tests.search.samplers import problems  # noqa: F401 - quiets Optuna

from gradalign.decisions.distributions import another, draw, draw_part, fits, near, part, parts

DISTRIBUTIONS = [
    IntDistribution(1, 6),
    IntDistribution(16, 512, log=True),
    IntDistribution(8, 64, step=8),
    FloatDistribution(-1.0, 3.0),
    FloatDistribution(1e-5, 1.0, log=True),
    FloatDistribution(0.0, 1.0, step=0.25),
]
CHOICES = CategoricalDistribution(["a", None, 1, True, 1.0])


@pytest.fixture(params=DISTRIBUTIONS, ids=str)
def numbers(request):
    return request.param


def test_draws_are_distributed_as_those_of_optuna(numbers):
    rng = random.Random(0)
    ours = [draw(numbers, rng) for _ in range(2000)]
    study = create_study(sampler=RandomSampler(seed=1))
    theirs = [study.ask({"x": numbers}).params["x"] for _ in range(2000)]
    assert type(ours[0]) is type(theirs[0])
    assert set(ours) >= set(theirs) or isinstance(numbers, FloatDistribution) or numbers.log
    assert ks_2samp(ours, theirs).pvalue > 0.01


def test_every_value_is_one_of_the_distribution(numbers):
    rng = random.Random(0)
    for _ in range(200):
        value = draw(numbers, rng)
        assert all(fits(numbers, each) for each in (value, another(numbers, value, rng)))
        assert all(fits(numbers, each) for each in near(numbers, value))


def test_another_value_is_another(numbers):
    rng = random.Random(0)
    values = [draw(numbers, rng) for _ in range(50)]
    assert all(another(numbers, value, rng) != value for value in values)


@pytest.mark.parametrize(
    "single", [IntDistribution(3, 3), FloatDistribution(2.0, 2.0), CategoricalDistribution(["x"])]
)
def test_the_only_value_has_no_other(single):
    (value,) = {draw(single, random.Random(seed)) for seed in range(5)}
    assert another(single, value, random.Random(0)) == value
    assert near(single, value) == []


def test_other_choices_are_drawn_alike():
    rng = random.Random(0)
    plain = CategoricalDistribution("abcd")
    counts = Counter(another(plain, "b", rng) for _ in range(3000))
    assert set(counts) == set("acd")
    assert min(counts.values()) > 900


def test_choices_that_are_equal_but_of_other_types_are_different():
    assert [type(each) for each in near(CHOICES, 1)] == [str, type(None), bool, float]
    assert fits(CHOICES, True)
    assert not fits(CategoricalDistribution([1, 2]), True)
    assert not fits(IntDistribution(0, 3), True)
    assert not fits(IntDistribution(0, 3), "1")


def test_near_numbers_are_a_quarter_and_a_sixteenth_of_the_range_off():
    assert near(FloatDistribution(0.0, 16.0), 8.0) == [4.0, 7.0, 9.0, 12.0]
    assert near(FloatDistribution(0.0, 16.0), 15.0) == [11.0, 14.0, 16.0]
    # 1 to 4: a quarter of the four values is one step
    assert near(IntDistribution(1, 4), 2) == [1, 3]
    assert near(IntDistribution(1, 4), 4) == [3]
    found = near(FloatDistribution(1e-4, 1.0, log=True), 1e-2)
    expected = [1e-3, 10**-2.25, 10**-1.75, 1e-1]
    assert [math.isclose(a, b) for a, b in zip(found, expected, strict=True)] == [True] * 4


def test_neighbours_of_neighbours_reach_every_whole_number():
    numbers = IntDistribution(1, 20)
    reached, border = {1}, [1]
    while border:
        new = {other for value in border for other in near(numbers, value)} - reached
        reached |= new
        border = sorted(new)
    assert reached == set(range(1, 21))


def test_parts_hold_what_is_drawn_from_them(numbers):
    rng = random.Random(0)
    assert 2 <= parts(numbers) <= 8
    for number in range(parts(numbers)):
        values = [draw_part(numbers, number, rng) for _ in range(50)]
        assert all(abs(part(numbers, value) - number) <= 1 for value in values)
    assert {part(numbers, draw(numbers, rng)) for _ in range(500)} == set(range(parts(numbers)))


def test_few_whole_numbers_are_a_part_each():
    numbers = IntDistribution(1, 6)
    assert [part(numbers, value) for value in range(1, 7)] == list(range(6))
    assert {draw_part(numbers, 2, random.Random(seed)) for seed in range(20)} == {3}
    assert part(CHOICES, None) == 1
    assert draw_part(CHOICES, 0, random.Random(0)) == "a"
