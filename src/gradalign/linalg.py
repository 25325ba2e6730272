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
    return _mean_cosine(gram.sum(-1), gram.diagonal(dim1=-2, dim2=-1), gram.sum((-2, -1)))


def alignment_left_out(gram: Tensor) -> Tensor:
    """`alignment` of the other samples, for every sample left out: [..., n, n] to [..., n]."""
    n = gram.shape[-1]
    row_sums = gram.sum(-1)  # [..., n]
    squares = gram.diagonal(dim1=-2, dim2=-1)  # [..., n]
    totals = gram.sum((-2, -1)).unsqueeze(-1) - 2 * row_sums + squares  # [..., n], one a left-out
    inner = row_sums.unsqueeze(-2) - gram  # [..., left out, i]
    off_diagonal = ~torch.eye(n, dtype=torch.bool, device=gram.device)
    return _mean_cosine(inner, squares.unsqueeze(-2), totals, off_diagonal)


def _mean_cosine(
    inner: Tensor, squares: Tensor, total: Tensor, keep: Tensor | None = None
) -> Tensor:
    """Mean of inner / sqrt(squares * total) over the last axis, or over its entries in `keep`."""
    scale = squares.clamp_min(0).sqrt() * total.clamp_min(0).sqrt().unsqueeze(-1)
    cosines = torch.where(scale == 0, 0.0, inner / scale)  # NaN stays NaN
    if keep is None:
        return cosines.mean(-1)
    return torch.where(keep, cosines, 0.0).sum(-1) / (inner.shape[-1] - 1)


def jackknife(left_out: Tensor) -> float:
    """Jackknife standard error from the n values obtained by leaving out one sample, shape [n]."""
    n = left_out.shape[0]
    if n < 2:
        return float("nan")
    deviations = left_out - left_out.mean()
    return float(((n - 1) / n * deviations.square().sum()).sqrt())
