"""The weights that a probe draws anew."""

import math

import pytest
import torch
from torch import nn

from gradalign.engine._prepare import prepared
from gradalign.probe import Probe


def net():
    model = nn.Sequential(
        nn.Conv2d(6, 400, 3, groups=2),
        nn.BatchNorm2d(400),
        nn.GroupNorm(2, 400),
        nn.Linear(400, 300),
    )
    for parameter in model.parameters():
        nn.init.uniform_(parameter, 3, 4)
    model.register_parameter("token", nn.Parameter(torch.full((3,), 7.0)))
    return model


@pytest.mark.parametrize(
    ("how", "conv", "linear"),
    [("gaussian", 1.0, 1.0), ("kaiming_fan_in", math.sqrt(2 / 27), math.sqrt(2 / 400))],
)
def test_weights_are_drawn_and_put_back(how, conv, linear):
    model = net()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with prepared(model, Probe(weights=how)):
        assert float(model[0].weight.std()) == pytest.approx(conv, rel=0.03)
        assert float(model[3].weight.std()) == pytest.approx(linear, rel=0.03)
        assert abs(float(model[3].weight.mean())) < 4 * linear / math.sqrt(model[3].weight.numel())
        for layer in model:
            assert not layer.bias.any()
        for norm in (model[1], model[2]):
            assert bool((norm.weight == 1).all())
        assert torch.equal(model.token, before["token"])  # of no kind that is drawn
        assert torch.equal(model[1].running_mean, before["1.running_mean"])
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


@pytest.mark.parametrize("how", ["gaussian", "kaiming_fan_in"])
def test_the_draw_does_not_depend_on_the_type(how):
    drawn = []
    for dtype in ("float32", "float64"):
        torch.manual_seed(3)
        with prepared(model := net(), Probe(weights=how, dtype=dtype)):
            drawn.append(model[0].weight.detach().clone())
    assert torch.equal(drawn[0].double(), drawn[1])
