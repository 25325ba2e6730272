from dataclasses import replace

import pytest
import torch
from tests.proxies.build import build, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies.linear_regions import linear_regions


def with_codes(codes):
    codes = torch.tensor(codes, dtype=torch.float64)
    return build(replace(random_measured(len(codes)), codes=codes))


def naive_linear_regions(codes):
    return len({tuple(code) for code in codes})


def test_linear_regions_by_hand():
    # Codes 0, 1, 0, 2, 1: three of them.
    assert linear_regions(with_codes([[0, 0], [1, 0], [0, 0], [1, 1], [1, 0]])) == 3


@pytest.mark.parametrize("n", [1, 2, 7, 30])
def test_linear_regions_equals_naive_set(n):
    generator = torch.Generator().manual_seed(n)
    codes = torch.randint(0, 2, (n, 4), generator=generator).tolist()
    assert linear_regions(with_codes(codes)) == naive_linear_regions(codes)


def test_identical_samples_lie_in_one_region():
    assert linear_regions(with_codes([[1, 0, 1]] * 4)) == 1


def test_opposite_codes_are_two_regions():
    assert linear_regions(with_codes([[1, 0], [0, 1]])) == 2


def test_network_without_relu_is_unsupported():
    with pytest.raises(UndefinedScore, match="no ReLU") as raised:
        linear_regions(with_codes([[], []]))
    assert raised.value.status == "unsupported"
