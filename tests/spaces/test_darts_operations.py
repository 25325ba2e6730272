import pytest
import torch
from torch import nn

from gradalign.spaces._darts_operations import OPERATIONS, FactorizedReduction


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("size", [1, 7, 8])
def test_operations_keep_or_halve_the_map(operation, size):
    x = torch.randn(2, 4, size, size)
    for stride in (1, 2):
        smaller = -(-size // stride)
        assert OPERATIONS[operation](4, stride)(x).shape == (2, 4, smaller, smaller)


def test_a_factorized_reduction_takes_even_and_odd_pixels():
    block = FactorizedReduction(3, 4).double().eval()
    x = torch.randn(2, 3, 6, 8, dtype=torch.float64)
    even = torch.einsum("oc,nchw->nohw", block.conv_1.weight[..., 0, 0], x.relu()[..., ::2, ::2])
    odd = torch.einsum("oc,nchw->nohw", block.conv_2.weight[..., 0, 0], x.relu()[..., 1::2, 1::2])
    expected = torch.cat([even, odd], 1) / (1 + 1e-5) ** 0.5
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


def test_separable_convolutions_are_composed_as_published():
    def kinds(operation: str) -> list[tuple]:
        return [
            (m.kernel_size[0], m.stride[0], m.dilation[0], m.groups)
            for m in OPERATIONS[operation](6, 2).modules()
            if isinstance(m, nn.Conv2d)
        ]

    assert kinds("sep_conv_5x5") == [(5, 2, 1, 6), (1, 1, 1, 1), (5, 1, 1, 6), (1, 1, 1, 1)]
    assert kinds("dil_conv_3x3") == [(3, 2, 2, 6), (1, 1, 1, 1)]
    assert kinds("dil_sep_conv_3x3") == [(3, 2, 2, 6), (1, 1, 1, 1), (3, 1, 2, 6), (1, 1, 1, 1)]
    assert kinds("conv_7x1_1x7") == [(1, 1, 1, 1), (7, 2, 1, 1)]
    for name, layers in (("sep_conv_3x3", 8), ("dil_conv_5x5", 4)):
        assert len(OPERATIONS[name](6, 1).op) == layers
        assert isinstance(OPERATIONS[name](6, 1).op[0], nn.ReLU)
