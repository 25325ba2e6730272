from dataclasses import replace

import pytest
import torch
from tests.engine import oracles
from tests.proxies.build import build, random_measured

from gradalign.errors import UndefinedScore
from gradalign.proxies.swap import swap


def with_codes(codes):
    codes = torch.tensor(codes, dtype=torch.float64)
    return build(replace(random_measured(len(codes)), codes=codes))


def naive_swap(codes):
    return len(set(zip(*codes, strict=True)))


def test_swap_by_hand():
    # Columns (0, 1), (1, 1), (0, 1), (0, 0): three of them.
    assert swap(with_codes([[0, 1, 0, 0], [1, 1, 1, 0]])) == 3


@pytest.mark.parametrize("n", [1, 2, 7])
def test_swap_equals_naive_set_of_columns(n):
    generator = torch.Generator().manual_seed(n)
    codes = torch.randint(0, 2, (n, 30), generator=generator).tolist()
    assert swap(with_codes(codes)) == naive_swap(codes)


def test_network_without_relu_is_unsupported():
    with pytest.raises(UndefinedScore, match="no ReLU") as raised:
        swap(with_codes([[], []]))
    assert raised.value.status == "unsupported"


@pytest.mark.data
@pytest.mark.parametrize(
    ("entry", "count"),
    [
        ("swap", 16),
        ("swap_64", 64),
        ("distinct_unit_patterns@x16", 16),
        ("distinct_unit_patterns@x64", 64),
    ],
)
def test_authors_value(entry, count):
    oracles.agrees("cell_cnn", entry, "swap", oracles.images(count))


@pytest.mark.data
def test_value_on_repeated_images():
    batch = oracles.batches("lr_index")
    oracles.agrees("cell_cnn", "distinct_unit_patterns@x64[lr_index]", "swap", batch)
    oracles.agrees("cell_cnn", "relu_units@x64[lr_index]", "relu_units", batch)
    for entry in ("distinct_patterns@x64[lr_index]", "tenas_linear_regions_lr"):
        oracles.agrees("cell_cnn", entry, "linear_regions", batch)
