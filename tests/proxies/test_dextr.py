import math

import pytest
import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies.dextr import dextr
from gradalign.statistics import Statistics


def of(conditions, v, a):
    values = {
        "output_conditions": torch.tensor(conditions, dtype=torch.float64),
        "curve_derivatives": torch.tensor([v, a], dtype=torch.float64),
    }
    return dextr(Statistics(n=2, blocks=(), values=values))


def test_by_hand():
    # <v, v> = 4, <a, a> = 10, <v, a> = 2: curvature sqrt(40 - 4) / 8 = 3/4. Evenness 1/2 + 1 = 3/2.
    evenness, bend = math.log(2.5), math.log(1.75)
    expected = evenness * bend / (evenness + bend)
    assert of([0.5, 1.0], [2.0, 0.0], [1.0, 3.0]) == pytest.approx(expected)


def test_equals_the_printed_formula():
    v, a = torch.randn(2, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    curvature = (v @ v) ** -1.5 * ((v @ v) * (a @ a) - (v @ a) ** 2).sqrt()
    evenness, bend = math.log(1.3), math.log(1 + float(curvature))
    expected = evenness * bend / (evenness + bend)
    assert of([0.3], v.tolist(), a.tolist()) == pytest.approx(expected)


def test_no_feature_map_that_fills_its_directions_gives_zero():
    assert of([0.0], [2.0, 0.0], [1.0, 3.0]) == 0.0


def test_one_output_has_no_curvature():
    assert of([0.5], [2.0], [3.0]) == 0.0


@pytest.mark.parametrize(
    ("conditions", "v", "a", "reason"),
    [
        ([1.0], [0.0, 0.0], [1.0, 0.0], "does not move"),
        ([0.0], [1.0, 0.0], [1.0, 0.0], "bends nothing"),
    ],
)
def test_no_value(conditions, v, a, reason):
    with pytest.raises(UndefinedScore, match=reason):
        of(conditions, v, a)
