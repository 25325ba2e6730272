import json
import math

import pytest
import torch
from tests.spaces.named_networks import BASIC, changed
from torch import nn

from gradalign.spaces.nds import NDS


def test_stages_bear_the_published_names_and_are_initialised_as_published():
    arch = changed(BASIC, "ds", to=[1, 2, 1])
    net = NDS.build(arch, seed=0)
    names = set(net.state_dict())
    for name in ("stem.conv.weight", "stem.bn.bias", "s2.b1.proj.weight", "s2.b1.bn.weight",
                 "s2.b2.f.a.weight", "s3.b1.f.b_bn.bias", "head.fc.bias"):  # fmt: skip
        assert name in names
    assert "s1.b1.proj.weight" not in names  # 16 channels go in, 16 come out
    weight = net.get_parameter("s3.b1.f.b.weight")
    assert weight.std().item() == pytest.approx(math.sqrt(2 / (9 * 64)), rel=0.02)
    assert net.head.fc.weight.std().item() == pytest.approx(0.01, rel=0.1)
    assert not net.head.fc.bias.any()


def test_a_bottleneck_computes_the_published_sum():
    text = {"block_type": "res_bottleneck_block", "ds": [2], "ws": [8], "ss": [2],
            "bot_muls": [0.5], "num_gs": [2]}  # fmt: skip
    stage = NDS.build(json.dumps(text), seed=0).s1.double().eval()
    given = x = torch.randn(2, 16, 6, 6, dtype=torch.float64)
    scale = (1 + 1e-5) ** -0.5

    def conv(name: str, x: torch.Tensor, **how: int) -> torch.Tensor:
        return nn.functional.conv2d(x, stage.get_parameter(f"{name}.weight"), **how) * scale

    for block, stride in (("b1", 2), ("b2", 1)):
        inner = conv(f"{block}.f.a", x).relu()
        inner = conv(f"{block}.f.b", inner, stride=stride, padding=1, groups=2).relu()
        shortcut = conv("b1.proj", x, stride=2) if block == "b1" else x
        x = (shortcut + conv(f"{block}.f.c", inner)).relu()
    torch.testing.assert_close(stage(given), x, rtol=1e-12, atol=1e-12)
    assert x.shape == (2, 8, 3, 3)
