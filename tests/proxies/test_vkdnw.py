import math

import pytest
import torch
from scipy import stats as scipy_stats
from tests.engine import oracles
from tests.proxies.build import build, random_measured

from gradalign.engine import collect
from gradalign.errors import UndefinedScore
from gradalign.probe import Probe
from gradalign.proxies.vkdnw import vkdnw, vkdnw_dim, vkdnw_entropy
from gradalign.statistics import Statistics


def statistics(spectrum, tensors=3.0):
    values = {
        "fisher_spectrum": torch.tensor(spectrum, dtype=torch.float64),
        "parameter_tensors": torch.tensor(tensors),
    }
    return Statistics(n=2, blocks=(), values=values)


def test_by_hand():
    # Eleven eigenvalues, so that the deciles are the inner nine: 1, 1, 1, 1 and five zeros.
    stats = statistics([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 7])
    assert vkdnw_entropy(stats) == pytest.approx(math.log(4), abs=1e-6)
    assert vkdnw_dim(stats) == 3
    assert vkdnw(stats) == pytest.approx(3 + math.log(4), abs=1e-6)


def test_against_scipy():
    stats = build(random_measured(6))
    spectrum = stats.tensor("fisher_spectrum").numpy()
    deciles = [scipy_stats.scoreatpercentile(spectrum, 10 * k) for k in range(1, 10)]
    assert vkdnw_entropy(stats) == pytest.approx(scipy_stats.entropy(deciles), abs=1e-7)


def test_the_guards_of_the_authors_code_show_where_the_spectrum_is_small():
    share = 1e-11 / (9e-11 + 1e-10)
    found = vkdnw_entropy(statistics([1e-11] * 12))
    assert found == pytest.approx(-9 * share * math.log(share + 1e-10), rel=1e-9)


@pytest.mark.parametrize("function", [vkdnw_entropy, vkdnw])
def test_a_spectrum_of_zeros_has_no_entropy(function):
    with pytest.raises(UndefinedScore, match="nine tenths"):
        function(statistics([0.0] * 12))


@pytest.mark.data
@pytest.mark.parametrize("net", oracles.NETWORKS)
def test_authors_values(net):
    needs = ["fisher_spectrum", "parameter_tensors"]
    stats = collect(oracles.network(net), oracles.images(16), Probe(norm="frozen"), needs)
    expected, tolerance = oracles.value(net, "vkdnw_entropy")
    assert vkdnw_entropy(stats) == pytest.approx(expected, rel=tolerance)
    assert vkdnw_dim(stats) == oracles.expected()[net]["vkdnw_dim"]["value"]
