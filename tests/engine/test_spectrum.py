"""The spectrum of a channel covariance, by each of its ways, against NumPy in float64."""

import numpy as np
import pytest
import torch

from gradalign.engine._layers import covariance_spectrum


def expected(x, axis):
    """Eigenvalues of the covariance over everything but the channels, ascending."""
    flat = np.moveaxis(x.double().numpy(), axis, -1).reshape(-1, x.shape[axis])
    return np.linalg.eigvalsh(np.cov(flat.T, bias=True).reshape(x.shape[axis], -1))


@pytest.mark.parametrize(
    ("shape", "axis"),
    [
        ((5, 7, 3, 4), 1),  # more rows than channels, fewer positions
        ((5, 7, 6, 6), 1),  # more positions than channels
        ((2, 40, 2, 3), 1),  # fewer rows than channels
        ((6, 30), 1),
        ((6, 30), -1),
        ((40, 9), -1),
        ((3, 5, 24), -1),
        ((2, 20, 4), 1),
        ((2, 20, 2, 1, 3), 1),
    ],
)
def test_it_is_that_of_the_covariance(shape, axis):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    x = x.movedim(axis, -1).mul_(torch.linspace(0.5, 3, x.shape[axis])).add_(2).movedim(-1, axis)
    values, rows = covariance_spectrum(x, axis)
    assert rows == x.numel() // x.shape[axis]
    np.testing.assert_allclose(values.numpy(), expected(x, axis), rtol=1e-9, atol=1e-12)


def test_a_constant_has_none_and_nan_stays():
    for shape in ((4, 3, 2, 2), (4, 90)):
        values, _ = covariance_spectrum(torch.full(shape, 0.3), 1)
        assert values.shape == (shape[1],)
        assert not values.any()
        assert covariance_spectrum(torch.full(shape, torch.nan), 1)[0].isnan().any()


@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
@pytest.mark.parametrize("channels", [64, 1152])
def test_few_directions_in_many_channels(channels, scale):
    generator = torch.Generator().manual_seed(0)
    directions = torch.randn(3, channels, generator=generator)
    for rows in (channels // 2, 2 * channels):
        weights = torch.randn(rows, 3, generator=generator)
        x = (weights @ directions) * scale**0.5
        values, _ = covariance_spectrum(x, -1)
        assert values.isfinite().all()
        found = values.clamp_min(0)[-3:].sum() / values.clamp_min(0).sum()
        assert float(found) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_has_a_spectrum_too(dtype):
    x = torch.randn(8, 5, 3, 3, generator=torch.Generator().manual_seed(0))
    half, _ = covariance_spectrum(x.to(dtype), 1)
    np.testing.assert_allclose(half.numpy(), expected(x, 1), rtol=0.05)
