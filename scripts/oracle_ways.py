"""Which score of ours, under which conditions, each reference value is held against."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from torch import nn

from gradalign.statistics import Statistics


def as_it_is(value: float, net: nn.Module) -> float:  # noqa: ARG001
    """The value."""
    return value


def squared(value: float, net: nn.Module) -> float:  # noqa: ARG001
    """The mean of the cosine Gram matrix is the square of `grad_angle`."""
    return value**2


def negated(value: float, net: nn.Module) -> float:  # noqa: ARG001
    """Some ports turn a score round so that higher is better."""
    return -value


def a_weight(value: float, net: nn.Module) -> float:
    """Over the number of weights in the blocks."""
    return value / count_weights(net)


def count_weights(net: nn.Module) -> int:
    """Weights of the convolutions and linear layers."""
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    return sum(layer.weight.numel() for layer in layers)


@dataclass(frozen=True)
class Way:
    """How an entry is measured.

    Args:
        proxy: Name of the score; empty where a statistic of the pass itself is compared.
        batch: Name of the batch that is passed.
        norm: Norm mode of the shared regime; empty: the official regime.
        then: From the score to the entry, where they differ by a known factor or sign.
        passes: Name of the batch for each probe, where the score draws inputs of its own.
        weights: Suffix of the file of weights.
        signs: Whether the random signs of the score are the saved ones.
        statistic: From the statistics of a pass to the entry.
    """

    proxy: str = ""
    batch: str = "x16"
    norm: str = ""
    then: Callable[[float, nn.Module], float] = as_it_is
    passes: Mapping[str, str] = field(default_factory=dict)
    weights: str = ""
    signs: bool = False
    statistic: Callable[[Statistics], float] | None = None

    @property
    def text(self) -> str:
        """The score and its conditions, with a comma between."""
        form = {squared: " squared", negated: " negated", a_weight: " / weights"}
        name = self.proxy or "a statistic"
        inputs = ", ".join(dict.fromkeys(self.passes.values())) or self.batch
        regime = f"norm={self.norm}" if self.norm else "official"
        weights = f", weights {self.weights[1:]}" if self.weights else ""
        return f"{name}{form.get(self.then, '')}, {inputs}, {regime}{weights}"


MODES = {"single": "sample", "eval": "frozen", "batch": "batch_exact"}

IN_EACH_MODE: dict[str, Way] = {
    "conflict_fraction": Way("conflict_fraction"),
    "cosine_gram_mean": Way("grad_angle", then=squared),
    "grad_angle": Way("grad_angle"),
    "gradalign_i_total": Way("gradalign_i_filter"),
    "gradalign_i_total_layer": Way("gradalign_i_layer"),
    "gradalign_i_total_network": Way("gradalign_i_network"),
    "gradalign_i_total_parameter": Way("gradalign_i"),
    "gradalign_i_mean": Way("gradalign_i_filter", then=a_weight),
    "gradalign_i_mean_layer": Way("gradalign_i_layer", then=a_weight),
    "gradalign_i_mean_network": Way("gradalign_i_network", then=a_weight),
    "gradalign_i_mean_parameter": Way("gradalign_i_mean"),
    "gradalign_ii_layer": Way("gradalign_ii"),
    "gram_trace": Way("gram_trace"),
    "knas_gram_mean": Way("knas"),
    "sign_sum": Way("gradsign"),
}
"""Entries of the form NAME@MODE."""

ON_BATCHES: dict[str, Way] = {
    "distinct_patterns": Way("linear_regions"),
    "distinct_unit_patterns": Way("swap"),
    "relu_units": Way("relu_units"),
}
"""Entries of the form NAME@BATCH."""

ZEN = {"clean": "noise_a", "noisy": "noise_a+noise_b"}

AS_PUBLISHED: dict[str, Way] = {
    "az_expressivity": Way("az_expressivity", passes={"stats": "noise_a"}),
    "az_expressivity_data": Way("az_expressivity", passes={"stats": "x16"}),
    "az_progressivity": Way("az_progressivity", passes={"stats": "noise_a"}),
    "az_progressivity_data": Way("az_progressivity", passes={"stats": "x16"}),
    "az_trainability": Way("az_trainability", passes={"stats": "noise_a"}, signs=True),
    "az_trainability_data": Way("az_trainability", passes={"stats": "x16"}, signs=True),
    "epe_nas": Way("epe_nas", "x64"),
    "fisher": Way("fisher", "x64"),
    "fisher_naslib": Way("fisher", "x64"),
    "flops_torch_counter": Way("flops"),
    "grad_angle": Way("grad_angle"),
    "grad_norm": Way("grad_norm", "x64"),
    "grad_norm_16": Way("grad_norm"),
    "grad_norm_16_eval": Way("grad_norm", norm="frozen"),
    "grad_norm_naslib": Way("grad_norm", "x64"),
    "grad_norm_zennas": Way("grad_norm_all", "x64"),
    "gradsign": Way("gradsign"),
    "gradsign_64": Way("gradsign", "x64"),
    "gradsign_aznas_mean": Way("gradsign_mean"),
    "gradsign_meco": Way("gradsign"),
    "grasp": Way("grasp", "x64"),
    "grasp_naslib": Way("grasp", "x64"),
    "jacob_cov": Way("jacob_cov", "x64"),
    "jacob_cov_16": Way("jacob_cov"),
    "jacob_cov_naslib": Way("jacob_cov", "x64"),
    "knas_official": Way("knas_official", "x64[knas_batches]"),
    "l2_norm": Way("l2_norm"),
    "layers_conv_linear": Way("layers"),
    "logsynflow": Way("logsynflow"),
    "macs_conv_linear": Way("macs"),
    "meco": Way("meco", passes={"stats": "noise_meco"}),
    "meco_data": Way("meco_data"),
    "naswot": Way("naswot", "x64"),
    "naswot_16": Way("naswot"),
    "naswot_alethiometer_conv": Way("naswot_conv", "x64"),
    "naswot_alethiometer_relu": Way("naswot_eval", "x64"),
    "naswot_freerea": Way("naswot", "x64"),
    "naswot_naslib": Way("naswot", "x64"),
    "naswot_zennas": Way("naswot", "x64"),
    "ntk_aznas": Way("ntk_cond", then=negated),
    "ntk_cond": Way("ntk_cond"),
    "ntk_cond_eval": Way("ntk_cond", norm="frozen"),
    "ntk_cond_meco": Way("ntk_cond", norm="frozen"),
    "params": Way("params"),
    "plain": Way("plain", "x64"),
    "plain_naslib": Way("plain", "x64"),
    "snip": Way("snip", "x64"),
    "snip_naslib": Way("snip", "x64"),
    "swap": Way("swap"),
    "swap_64": Way("swap", "x64"),
    "synflow": Way("synflow"),
    "synflow_bn": Way("synflow_bn"),
    "synflow_freerea": Way("synflow"),
    "synflow_naslib": Way("synflow"),
    "synflow_zennas": Way("synflow_zennas"),
    "tenas_linear_regions": Way("linear_regions", "x64"),
    "tenas_linear_regions_lr": Way("linear_regions", "x64[lr_index]"),
    "vkdnw_dim": Way("vkdnw_dim"),
    "vkdnw_entropy": Way("vkdnw_entropy", passes={"stats": "x16"}),
    "weights_conv_linear": Way(norm="sample", statistic=lambda stats: float(stats.sizes.sum())),
    "xi_gsnr_8batches": Way("xi_gsnr", "x64[gsnr_batches]"),
    "xi_gsnr_per_sample": Way("gsnr"),
    "zen": Way("zen", passes=ZEN, weights="_zeninit"),
    "zen_given_weights": Way("zen", passes=ZEN),
    "zen_naslib": Way("zen", passes=ZEN, weights="_zeninit"),
    "zico": Way("zico", "x64"),
    "zico_4x16": Way("zico_four", "x64"),
    "zico_8": Way("zico"),
    "zico_aznas": Way("zico", "x64"),
    "zico_meco": Way("zico_meco", "x64"),
}
"""Every other entry that has a counterpart."""

LEFT_OUT: dict[str, str] = {
    "flops_nb201": "adds the biases' additions: convention of one benchmark, in no score",
    "gradalign_ii_network@batch": "ridge of 1e-6 there, log det(I + C) here; tested on its Gram",
    "gradalign_ii_network@eval": "ridge of 1e-6 there, log det(I + C) here; tested on its Gram",
    "gradalign_ii_network@single": "ridge of 1e-6 there, log det(I + C) here; tested on its Gram",
    "knas_official_inplace_zero": "rounding noise, not to be tested against",
    "macs_conv_linear tiny_vit": "leaves attention's products out, which macs and flops count",
    "macs_thop": "counts normalisation and pooling by rules of its own",
    "zico_alethiometer_cpu": "0 on every network: its gradients share one buffer",
}
"""Entries without a counterpart, some on one network only, and why."""


def way_to(entry: str) -> Way | None:
    """How the entry is measured; None: nobody said."""
    name, _, place = entry.partition("@")
    if place in MODES and name in IN_EACH_MODE:
        way = IN_EACH_MODE[name]
        return Way(way.proxy, norm=MODES[place], then=way.then, statistic=way.statistic)
    if re.fullmatch(r"x\d+(\[\w+\])?", place) and name in ON_BATCHES:
        way = ON_BATCHES[name]
        return Way(way.proxy, place, way.norm, way.then)
    return AS_PUBLISHED.get(entry)
