"""The statistics that can be asked for, by name."""

from __future__ import annotations

GRADIENT = "gradient"
"""Kind of the statistics that say nothing where a network has no gradient."""

MACHINE = "machine"
"""Kind of the statistics that depend on the machine and on what else it does: never twice equal."""

FIELDS: dict[str, tuple[str, str, str]] = {
    "gram": ("[L, n, n]", GRADIENT, "inner products of per-sample gradients, a block"),
    "squared_norms": ("[L, n]", GRADIENT, "squared norms of per-sample gradients, a block"),
    "agreement": (
        "[L, n]",
        GRADIENT,
        "number of weights whose gradient for sample i has the sign of the mean gradient, both "
        "non-zero",
    ),
    "filter_alignment": (
        "[L]",
        GRADIENT,
        "sum over output filters f of p_f mean_i cos(g_i^f, g-bar^f)",
    ),
    "filter_alignment_left_out": ("[L, n]", GRADIENT, "the same without sample i, for every i"),
    "weight_sums": ("{name: [L]}", GRADIENT, "the sums that `WeightStatistic`s ask for"),
    "batch_gradient": ("tuple of L", GRADIENT, "gradient of the summed loss, a block"),
    "gradient_starts": (
        "[B, 50]",
        GRADIENT,
        "first 50 entries of the gradient of the summed loss, of each of the B blocks that have "
        "as many and get a gradient",
    ),
    "hessian_gradient": (
        "tuple of L",
        GRADIENT,
        "Hessian of the summed loss times its gradient, a block",
    ),
    "channel_saliency": (
        "[L]",
        GRADIENT,
        "sum over the weights of a weight layer of s_c, the mean over samples of (sum over "
        "positions of output times output gradient)^2 in the weight's output channel c; summed "
        "over the uses of the block",
    ),
    "axis_saliency": (
        "[L]",
        GRADIENT,
        "the same as the Fisher score's code has it: every position on axis 1 of an output is a "
        "channel, and every row on axis 0 a sample",
    ),
    "logit_jacobian_gram": (
        "[n C, n C]",
        GRADIENT,
        "inner products over all blocks of the gradients of each of the C outputs of each sample, "
        "row c n + i for output c of sample i",
    ),
    "live": ("[L] bool", "structure", "whether any sample has a gradient in the block"),
    "layers": ("tuple of M", "structure", "the weight layers, in forward order, without spectra"),
    "input_spectra": ("in layers", "activation", "spectra of the inputs of the weight layers"),
    "output_spectra": ("in layers", GRADIENT, "spectra of the gradients at their outputs"),
    "input_gradient": ("[n, D]", "activation", "gradient of the sum of all outputs by the input"),
    "labels": ("[n]", "structure", "class labels of the batch"),
    "first_equal": ("[n]", "activation", "first sample with the same input"),
    "losses": ("[n]", "activation", "loss of each sample"),
    "logits": ("[n, ...]", "activation", "what the network puts out"),
    "final_features": ("[n, D]", "activation", "the last map before pooling or flattening"),
    "norm_scales": ("[K, 3]", "activation", "running variance of each batch norm and its update"),
    "smallest_correlations": ("[M]", "activation", "smallest eigenvalue of a map's correlations"),
    "sampled_correlations": ("[M]", "activation", "the same of 8 random channels"),
    "output_conditions": ("[M]", "activation", "smallest over largest singular value of each map"),
    "output_ranks": ("[M]", "activation", "effective rank of what layers and activations give"),
    "curve_derivatives": ("[2, C]", "activation", "derivatives of the output along a circle"),
    "response_correlations": ("[G, n, n]", "activation", "correlations of samples at ReLUs"),
    "activation_matches": (
        "[n, n]",
        "activation",
        "number of ReLU units on the same side of zero for samples i and j",
    ),
    "activation_units": ("int", "activation", "number of ReLU units behind `activation_matches`"),
    "relu_matches": ("[n, n]", "activation", "the same, gradients reaching the units or not"),
    "gelu_matches": ("[n, n]", "activation", "the same of all units of GELUs and SiLUs"),
    "layer_matches": ("[n, n]", "activation", "the same of all outputs of the weight layers"),
    "relu_patterns": ("[]", "activation", "distinct sets of samples that switch a ReLU unit on"),
    "relu_units": ("[]", "structure", "number of ReLU units of one sample"),
    "attention_maxima": ("[H]", "activation", "mean largest weight, a head of each attention"),
    "activation_bytes": ("[]", "structure", "most bytes of one sample's activations at once"),
    "training_bytes": ("[]", "structure", "most bytes of activations and gradients at once"),
    "latency": ("[]", MACHINE, "median seconds of a forward pass of one sample"),
    "block_spectra": (
        "tuple of K",
        "activation",
        "eigenvalues of the channel covariance of each of the K features: those of the stem and "
        "of the network's blocks, or the residual stream of its transformer blocks",
    ),
    "block_gains": (
        "[K - 1]",
        "activation",
        "largest singular value of the mean over positions of gradient times random signs, for "
        "signs at the output of each block and the gradient that they become at its input; NaN "
        "for a block that hands its input on",
    ),
    "fisher_spectrum": (
        "[m]",
        "activation",
        "eigenvalues of the empirical Fisher matrix of the first weight of each of the first 128 "
        "parameter tensors",
    ),
    "parameter_tensors": ("[]", "structure", "number of parameter tensors, vectors too"),
    "weights": ("tuple of L", "structure", "the weights of the blocks, detached"),
    "params": ("int", "structure", "number of trainable parameters, outside blocks too"),
    "macs": ("int", "structure", "multiply-adds of one sample, products outside blocks too"),
}
"""name: (shape, kind, what it is). `n` and `blocks` are always there."""

SAMPLE_AXES: dict[str, tuple[int, ...]] = {
    "gram": (1, 2),
    "squared_norms": (1,),
    "agreement": (1,),
    "labels": (0,),
    "losses": (0,),
    "logits": (0,),
    "input_gradient": (0,),
    "final_features": (0,),
    "activation_matches": (0, 1),
    "relu_matches": (0, 1),
    "gelu_matches": (0, 1),
    "layer_matches": (0, 1),
    "response_correlations": (1, 2),
}
"""Axes of samples: leaving some out there leaves what was measured of the others as it was."""
