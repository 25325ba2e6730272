import pytest
import torch

from gradalign.errors import UndefinedScore
from gradalign.proxies.near import near
from gradalign.statistics import Statistics


def of(ranks):
    return near(Statistics(n=2, blocks=(), values={"output_ranks": torch.tensor(ranks)}))


def test_by_hand():
    assert of([1.5, 0.0, 4.25]) == 5.75


def test_no_value_without_layers():
    with pytest.raises(UndefinedScore, match="no layer") as caught:
        of([])
    assert caught.value.status == "unsupported"
