import pytest
import torch
from tests.engine import oracles

from gradalign.proxies.meco import meco, meco_data, meco_opt
from gradalign.statistics import Statistics


@pytest.mark.parametrize(
    ("function", "statistic"),
    [
        (meco, "smallest_correlations"),
        (meco_data, "smallest_correlations"),
        (meco_opt, "sampled_correlations"),
    ],
)
def test_by_hand(function, statistic):
    values = {statistic: torch.tensor([0.5, 0.0, 0.125, 1.0])}
    assert function(Statistics(n=1, blocks=(), values=values)) == 1.625


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_value_on_a_random_image(net):
    oracles.agrees_on(net, "meco", "meco", stats=oracles.inputs("noise_meco"))


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_value_on_data(net):
    oracles.agrees(net, "meco_data", "meco_data", oracles.images(16))
