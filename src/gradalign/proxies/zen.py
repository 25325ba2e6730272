"""Zen: how much the last features change with a small change of a random input."""

from gradalign.errors import UndefinedScore
from gradalign.proxies._base import proxy
from gradalign.statistics import Statistics


@proxy(
    needs=["final_features", "norm_scales"],
    better="higher",
    oracle="published code",
    invariant_to={"loss_scale"},
    source="Lin et al., ICCV 2021 (arXiv 2102.01063); authors' code, idstcv/ZenNAS@d1d617e, "
    "ZeroShotProxy/compute_zen_score.py",
    probes={
        "clean": {"data": "noise", "batch_size": 16},
        "noisy": {"data": "perturbed_noise", "batch_size": 16},
    },
    official={"weights": "gaussian", "norm": "batch"},
)
def zen(*, clean: Statistics, noisy: Statistics) -> float:
    """Change of the last features under noise, normalisation taken out of it.

    With f(x) the last map before pooling, x and e inputs from N(0, 1), and V_k the running variance
    of batch normalisation k after a pass over x and one over x + 0.01 e in train mode, the score is

        log( mean over samples of sum | f(x) - f(x + 0.01 e) | )
            + sum over k of log sqrt( mean over channels of V_k ).

    Args:
        clean: Pass over x. Reads `final_features`, [n, D], and `norm_scales`, [K, 3].
        noisy: Pass over x + 0.01 e, the same samples in the same order.

    Returns:
        A number without unit; higher is better. It grows with depth.

    Raises:
        UndefinedScore: If the features do not change, or a variance is zero.

    Source:
        Lin et al. 2021 and their code: 16 samples in train mode, weights of convolutions and linear
        layers drawn from N(0, 1) (the official regime; one repetition, theirs takes the mean of
        32). They take shortcuts out of the network first and hold the score to say little on
        irregular cells.

    Example:
        >>> import torch
        >>> scales = torch.tensor([[1.0, 0.0, 4.0]])  # both passes leave a running variance of 4
        >>> def a_pass(*features):
        ...     values = {"final_features": torch.tensor(features), "norm_scales": scales}
        ...     return Statistics(n=2, blocks=(), values=values)
        >>> first, second = a_pass([1.0, 0.0], [1.0, 0.0]), a_pass([2.0, 0.0], [1.0, 1.0])
        >>> round(zen(clean=first, noisy=second), 6)  # log 1 + log 2
        0.693147
    """
    change = (clean.tensor("final_features") - noisy.tensor("final_features")).abs().sum(1).mean()
    if not float(change) > 0:
        raise UndefinedScore("the last features do not change with the input")
    before, kept, added = clean.tensor("norm_scales").unbind(1)
    _, kept_again, added_again = noisy.tensor("norm_scales").unbind(1)
    variances = kept_again * (kept * before + added) + added_again  # [K]
    if not bool((variances > 0).all()):
        raise UndefinedScore("a batch normalisation sees no variance")
    return float(change.log() + variances.sqrt().log().sum())
