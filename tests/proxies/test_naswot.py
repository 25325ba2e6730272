import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from tests.proxies.build import build, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies.naswot import naswot


def with_codes(*rows):
    codes = torch.tensor(rows, dtype=torch.float64)
    return build(replace(random_measured(len(rows)), codes=codes))


def naive_naswot(codes):
    """log det of the matrix of matches, unit by unit."""
    n = len(codes)
    matches = [
        [sum(a == b for a, b in zip(codes[i], codes[j], strict=True)) for j in range(n)]
        for i in range(n)
    ]
    sign, log_det = np.linalg.slogdet(np.array(matches, dtype=float))
    assert sign == 1
    return log_det


def test_naswot_by_hand():
    # Codes differ in two of three units: K = [[3, 1], [1, 3]], determinant 8.
    assert naswot(with_codes([1, 0, 1], [0, 1, 1])) == pytest.approx(math.log(8))


@pytest.mark.parametrize("n", [1, 2, 5, 12])
def test_naswot_equals_naive_matches(n):
    measured = random_measured(n, seed=n)
    assert naswot(build(measured)) == pytest.approx(naive_naswot(measured.codes.tolist()))


def test_opposite_codes_of_one_unit_give_the_smallest_value():
    assert naswot(with_codes([1], [0])) == pytest.approx(0)  # K = I


@pytest.mark.parametrize("n", [3, 20, 64])
def test_repeated_code_is_singular(n):
    generator = torch.Generator().manual_seed(n)
    codes = (torch.rand(n, 5000, generator=generator) > 0.5).double()
    codes[-1] = codes[0]
    stats = build(replace(random_measured(n), codes=codes))
    with pytest.raises(UndefinedScore, match="singular") as raised:
        naswot(stats)
    assert raised.value.status == "inf"


def test_codes_that_depend_on_each_other_are_singular_without_repeating():
    # Three codes of one unit and its opposite: at most two directions.
    with pytest.raises(UndefinedScore, match="singular"):
        naswot(with_codes([1, 1], [0, 0], [1, 0], [0, 1]))


def test_one_unit_of_many_is_difference_enough():
    generator = torch.Generator().manual_seed(0)
    codes = (torch.rand(64, 50_000, generator=generator) > 0.5).double()
    codes[-1] = codes[0]
    codes[-1, 7] = 1 - codes[0, 7]
    stats = build(replace(random_measured(64), codes=codes))
    expected = np.linalg.slogdet(stats.activation_matches.numpy())[1]
    assert naswot(stats) == pytest.approx(expected)


def test_network_without_relu_is_unsupported():
    with pytest.raises(UndefinedScore, match="no ReLU") as raised:
        naswot(with_codes([], []))
    assert raised.value.status == "unsupported"
