"""Dense algebra on small Gram matrices, batched over blocks.

Everywhere K[..., i, j] = <g_i, g_j> is the Gram matrix of n vectors and `C` its cosine form. A zero
vector has row and column 0 in C, diagonal included: a cosine is 0 where a norm is 0.
"""

import torch
from torch import Tensor


def cosine(gram: Tensor) -> Tensor:
    """Cosine form of Gram matrices, shape [..., n, n]; rows and columns of zero vectors are 0."""
    norms = gram.diagonal(dim1=-2, dim2=-1).clamp_min(0).sqrt()  # [..., n]
    inverse = torch.where(norms > 0, 1 / norms, 0.0)
    cosines: Tensor = gram * inverse.unsqueeze(-1) * inverse.unsqueeze(-2)
    return cosines


def log_det_identity_plus(matrix: Tensor) -> Tensor:
    """Log det(I + M) of positive semi-definite matrices, shape [..., n, n] to [...]."""
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    logarithm: Tensor = torch.linalg.slogdet(matrix + identity).logabsdet
    return logarithm


def log_det_identity_plus_left_out(matrix: Tensor) -> Tensor:
    """Log det(I + M) without row and column i, for every i: shape [..., n, n] to [..., n].

    By Cramer's rule det(A without i) = det(A) * (A^-1)_ii, so n determinants cost one inverse.
    """
    identity = torch.eye(matrix.shape[-1], dtype=matrix.dtype, device=matrix.device)
    inverse = torch.linalg.inv(matrix + identity)
    minors: Tensor = inverse.diagonal(dim1=-2, dim2=-1).log()
    return log_det_identity_plus(matrix).unsqueeze(-1) + minors


def entropy(eigenvalues: Tensor) -> Tensor:
    """Shannon entropy (nats) of spectra scaled to sum 1, [..., k] to [...]; 0 for a zero one."""
    positive = eigenvalues.clamp_min(0)
    total = positive.sum(-1, keepdim=True)
    p = torch.where(total == 0, 0.0, positive / total)  # NaN stays NaN
    negative: Tensor = torch.special.xlogy(p, p).sum(-1)
    return -negative


def effective_rank(cosines: Tensor) -> Tensor:
    """Number of directions in cosine forms, exp(entropy of the spectrum): [..., n, n] to [...]."""
    return entropy(torch.linalg.eigvalsh(cosines)).exp()


def opposed(gram: Tensor) -> Tensor:
    """1 where two vectors have a negative inner product, else 0, shape [..., n, n]; NaN stays."""
    return (gram < 0).to(gram.dtype) + 0 * gram


def each_left_out(gram: Tensor) -> Tensor:
    """Gram matrices of the other samples, a sample: [..., n, n] to [..., n, n - 1, n - 1]."""
    n = gram.shape[-1]
    others = torch.arange(n).expand(n, n)[~torch.eye(n, dtype=torch.bool)].view(n, n - 1)
    others = others.to(gram.device)
    return gram[..., others[:, :, None], others[:, None, :]]


def alignment(gram: Tensor) -> Tensor:
    """Mean over samples of the cosine of g_i with the mean g-bar, shape [..., n, n] to [...].

    <g_i, g-bar> = (K 1)_i / n and |g-bar|^2 = 1'K1 / n^2. A cosine is 0 where a norm is 0.
    """
    row_sums = gram.sum(-1)  # [..., n]
    cosines = row_sums * _inverse_norms(gram.diagonal(dim1=-2, dim2=-1))
    mean: Tensor = cosines.mean(-1) * _inverse_norms(row_sums.sum(-1))
    return mean


def alignment_left_out(gram: Tensor) -> Tensor:
    """`alignment` of the other samples, for every sample left out: [..., n, n] to [..., n].

    Without sample j the inner products are (K 1)_i - K_ij, so their sum over i != j, each over
    |g_i|, is one product of K with the inverse norms.
    """
    n = gram.shape[-1]
    row_sums = gram.sum(-1)  # [..., n]
    squares = gram.diagonal(dim1=-2, dim2=-1)  # [..., n]
    inverse = _inverse_norms(squares)
    totals = row_sums.sum(-1, keepdim=True) - 2 * row_sums + squares  # [..., n], one a left-out
    all_i = (row_sums * inverse).sum(-1, keepdim=True) - (gram @ inverse.unsqueeze(-1)).squeeze(-1)
    own = (row_sums - squares) * inverse
    left_out: Tensor = (all_i - own) * _inverse_norms(totals) / (n - 1)
    return left_out


def _inverse_norms(squares: Tensor) -> Tensor:
    """1 / sqrt of squared norms; 0 where they are 0."""
    norms = squares.clamp_min(0).sqrt()
    return torch.where(norms == 0, 0.0, 1 / norms)  # NaN stays NaN


def jackknife(left_out: Tensor) -> float:
    """Jackknife standard error from the n values obtained by leaving out one sample, shape [n]."""
    n = left_out.shape[0]
    if n < 2:
        return float("nan")
    deviations = left_out - left_out.mean()
    return float(((n - 1) / n * deviations.square().sum()).sqrt())


def for_lapack(matrix: Tensor) -> Tensor:
    """`matrix` in single precision where it has less, which LAPACK does not know."""
    return matrix if matrix.dtype.itemsize >= 4 else matrix.float()
