import copy
import math

import pytest
import torch
from tests.engine import oracles
from torch import nn

import gradalign as ga
from gradalign.engine import collect
from gradalign.errors import UndefinedScore
from gradalign.probe import Probe
from gradalign.proxies import PROXIES
from gradalign.proxies.zen import zen
from gradalign.statistics import Statistics


def a_pass(features, scales):
    values = {
        "final_features": torch.tensor(features, dtype=torch.float64),
        "norm_scales": torch.tensor(scales, dtype=torch.float64).reshape(-1, 3),
    }
    return Statistics(n=len(features), blocks=(), values=values)


def test_by_hand():
    # Changes 1 + 2 and 0 + 1: mean 2. Variances: layer 0, 0.5 (0.5 * 2 + 1) + 3 = 4; layer 1,
    # 0.25 (0.5 * 4 + 2) + 8 = 9.
    clean = a_pass([[0, 0], [1, 1]], [[2, 0.5, 1], [4, 0.5, 2]])
    noisy = a_pass([[1, -2], [1, 2]], [[0, 0.5, 3], [0, 0.25, 8]])
    assert zen(clean=clean, noisy=noisy) == pytest.approx(math.log(2) + math.log(2) + math.log(3))


def test_a_network_without_normalisation():
    assert zen(clean=a_pass([[0.0]], []), noisy=a_pass([[2.0]], [])) == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("changed", "scales", "reason"),
    [(0.0, [1, 0.5, 1], "do not change"), (1.0, [0, 0, 0], "no variance")],
)
def test_no_value(changed, scales, reason):
    with pytest.raises(UndefinedScore, match=reason):
        zen(clean=a_pass([[0.0]], scales), noisy=a_pass([[changed]], scales))


def test_equals_the_authors_way_with_torch_s_own_running_statistics():
    torch.manual_seed(0)
    body = nn.Sequential(
        nn.Conv2d(3, 4, 3),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.Conv2d(4, 5, 3),
        nn.BatchNorm2d(5, momentum=0.3),
    )
    net = nn.Sequential(body, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 2)).double()
    x, e = torch.randn(2, 6, 3, 8, 8, dtype=torch.float64)
    passes = {
        name: collect(net, ga.Batch(inputs), Probe(norm="batch"), PROXIES["zen"].needs)
        for name, inputs in (("clean", x), ("noisy", x + 0.01 * e))
    }
    own = copy.deepcopy(net).train()
    with torch.no_grad():
        change = (own[0](x) - own[0](x + 0.01 * e)).abs().sum((1, 2, 3)).mean()
    scales = [m.running_var.mean().sqrt().log() for m in own.modules() if hasattr(m, "running_var")]
    assert zen(**passes) == pytest.approx(float(change.log() + sum(scales)), rel=1e-12)


def test_from_a_data_source():
    found = ga.score("nats_sss:8:8:8:8:8", proxies=["zen"])["zen"]
    assert found.status == "ok"
    assert math.isfinite(found.value)


@pytest.mark.data
@pytest.mark.parametrize(
    ("entry", "weights"),
    [
        ("zen", "cell_cnn_zeninit.pt"),
        ("zen_naslib", "cell_cnn_zeninit.pt"),
        ("zen_given_weights", None),
    ],
)
def test_authors_values(entry, weights):
    a, b = oracles.inputs("noise_a"), oracles.inputs("noise_b")
    oracles.agrees_on("cell_cnn", entry, "zen", weights=weights, clean=a, noisy=a + 0.01 * b)
