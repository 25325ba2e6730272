"""Weight times gradient, and the conditions of SynFlow's family."""

from gradalign.statistics import WeightStatistic

SALIENCY = WeightStatistic(
    "saliency", ("sum", "weight"), lambda moments: (moments.weight * moments.sum).abs()
)
"""Sum over weights of |w g|, g the gradient of the summed loss."""

SYNFLOW_PROBE = {
    "data": "ones",
    "batch_size": 1,
    "weights": "absolute",
    "norm": "identity",
    "objective": "logit_sum",
    "dtype": "float64",
}
"""One input of ones, everything positive, no normalisation, the sum of the outputs."""

SYNFLOW_BN_PROBE = {**SYNFLOW_PROBE, "norm": "sample"}
"""The same with normalisation kept, which sees a batch of one."""
