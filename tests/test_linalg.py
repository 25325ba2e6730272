import math

import numpy as np
import pytest
import torch
from scipy import stats as scipy_stats

from gradalign.linalg import (
    alignment,
    alignment_left_out,
    cosine,
    each_left_out,
    entropy,
    jackknife,
    log_det_identity_plus,
    log_det_identity_plus_left_out,
)

SIZES = [1, 2, 3, 8, 33]


def vectors(n, *, blocks=3, seed=0):
    """[blocks, n, p]; the first vector of block 0 is zero, and all of the last block."""
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(blocks, n, 7, generator=generator, dtype=torch.float64)
    drawn[0, 0] = 0
    drawn[-1] = 0
    return drawn


def gram(n, **kwargs):
    drawn = vectors(n, **kwargs)
    return drawn @ drawn.mT


def without(matrix, i):
    return torch.tensor(np.delete(np.delete(matrix.numpy(), i, -1), i, -2))


@pytest.mark.parametrize("n", SIZES)
def test_cosine_equals_torch_cosine_similarity(n):
    drawn = vectors(n)
    expected = torch.nn.functional.cosine_similarity(
        drawn.unsqueeze(1), drawn.unsqueeze(2), dim=-1, eps=1e-300
    )
    torch.testing.assert_close(cosine(drawn @ drawn.mT), expected, rtol=1e-12, atol=1e-14)


def test_zero_vector_has_zero_row_column_and_diagonal():
    result = cosine(torch.tensor([[4.0, 0.0], [0.0, 0.0]]))
    assert result.tolist() == [[1, 0], [0, 0]]


@pytest.mark.parametrize("scale", [1e-200, 1e-100, 1e100])
def test_cosine_does_not_depend_on_size(scale):
    drawn = vectors(4)
    torch.testing.assert_close(cosine(drawn @ drawn.mT * scale), cosine(drawn @ drawn.mT))


@pytest.mark.parametrize("n", SIZES)
def test_log_det_equals_sum_over_eigenvalues(n):
    matrix = cosine(gram(n))
    expected = np.log1p(np.linalg.eigvalsh(matrix.numpy())).sum(-1)
    np.testing.assert_allclose(log_det_identity_plus(matrix), expected, atol=1e-10)


@pytest.mark.parametrize("n", SIZES)
def test_log_det_left_out_equals_recomputation(n):
    matrix = cosine(gram(n))
    expected = torch.stack([log_det_identity_plus(without(matrix, i)) for i in range(n)], dim=-1)
    torch.testing.assert_close(
        log_det_identity_plus_left_out(matrix), expected, rtol=1e-10, atol=1e-10
    )


@pytest.mark.parametrize("k", [1, 2, 9])
def test_entropy_equals_scipy(k):
    spectra = torch.rand(4, k, generator=torch.Generator().manual_seed(k), dtype=torch.float64)
    np.testing.assert_allclose(entropy(spectra), scipy_stats.entropy(spectra.numpy(), axis=-1))


def test_entropy_by_hand():
    spectra = torch.tensor([[2.0, 2.0, 0.0], [5.0, 0.0, -1e-12], [0.0, 0.0, 0.0]])
    assert entropy(spectra).tolist() == pytest.approx([math.log(2), 0, 0])


@pytest.mark.parametrize("i", [0, 2, 4])
def test_each_left_out_deletes_row_and_column(i):
    matrix = gram(5)
    assert torch.equal(each_left_out(matrix)[:, i], without(matrix, i))


def naive_alignment(drawn):
    mean = drawn.mean(0)
    cosines = []
    for row in drawn:
        scale = float(row.norm() * mean.norm())
        cosines.append(float(row @ mean) / scale if scale > 0 else 0.0)
    return sum(cosines) / len(cosines)


@pytest.mark.parametrize("n", SIZES)
def test_alignment_equals_naive_cosines(n):
    drawn = vectors(n)
    expected = [naive_alignment(block) for block in drawn]
    np.testing.assert_allclose(alignment(drawn @ drawn.mT), expected, atol=1e-14)


@pytest.mark.parametrize("n", [2, 3, 8, 33])
def test_alignment_left_out_equals_recomputation(n):
    matrix = gram(n)
    expected = torch.stack([alignment(without(matrix, i)) for i in range(n)], dim=-1)
    torch.testing.assert_close(alignment_left_out(matrix), expected, rtol=1e-10, atol=1e-12)


def test_alignment_of_vectors_that_cancel_is_zero():
    assert float(alignment(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))) == 0


@pytest.mark.parametrize("n", [2, 3, 20])
def test_jackknife_of_the_mean_is_its_standard_error(n):
    values = torch.rand(n, generator=torch.Generator().manual_seed(n), dtype=torch.float64)
    left_out = torch.tensor([np.delete(values.numpy(), i).mean() for i in range(n)])
    assert jackknife(left_out) == pytest.approx(scipy_stats.sem(values.numpy()))


@pytest.mark.parametrize("n", [0, 1])
def test_jackknife_needs_two_samples(n):
    assert math.isnan(jackknife(torch.zeros(n)))
