"""Against the values of the authors' own code, in float64, in each norm mode that they give."""

import copy
import math

import numpy as np
import pytest
import torch
from tests.engine import oracles
from torch import nn

import gradalign as ga
from gradalign.engine import collect
from gradalign.probe import Probe

pytestmark = pytest.mark.data

NETWORKS = ["cell_cnn", "tiny_vit"]
MODES = {"sample": "single", "frozen": "eval", "batch_exact": "batch"}
ENTRIES = {
    "gradalign_i": "gradalign_i_total_parameter",
    "gradalign_i_mean": "gradalign_i_mean_parameter",
    "gradalign_i_filter": "gradalign_i_total",
    "gradalign_i_layer": "gradalign_i_total_layer",
    "gradalign_i_network": "gradalign_i_total_network",
    "gradalign_ii": "gradalign_ii_layer",
    "conflict_fraction": "conflict_fraction",
    "gradsign": "sign_sum",
    "grad_angle": "grad_angle",
    "knas": "knas_gram_mean",
}


def score(net: nn.Module, batch: ga.Batch, names: list[str], **options: object) -> ga.Scores:
    return ga.score(net, batch, proxies=names, **options)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NETWORKS)
def test_conflict_family_in_each_norm_mode(name: str, mode: str) -> None:
    scores = score(oracles.network(name), oracles.images(16), list(ENTRIES), norm=mode)
    for proxy, entry in ENTRIES.items():
        value, tolerance = oracles.value(name, f"{entry}@{MODES[mode]}")
        assert scores[proxy].value == pytest.approx(value, rel=min(tolerance, 1e-9)), proxy


@pytest.mark.parametrize("backend", ["hooks", "vmap", "loop"])
@pytest.mark.parametrize("mode", ["sample", "frozen"])
@pytest.mark.parametrize("name", NETWORKS)
def test_gram_matrices_of_every_layer(name: str, mode: str, backend: str) -> None:
    batch = oracles.images(16)
    stats = collect(
        oracles.network(name), batch, Probe(norm=mode), ["gram"], backend=backend, check="always"
    )
    expected = oracles.gram(f"{name}/{MODES[mode]}_layers")
    order = [block.name.removesuffix(".weight") for block in stats.blocks]
    names = list(np.load(oracles.folder() / "gram.npz")[f"{name}/layer_names"])
    gram = stats.gram[[order.index(layer) for layer in names]]
    torch.testing.assert_close(gram, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NETWORKS)
def test_network_determinant_from_the_reference_gram(name: str, mode: str) -> None:
    # The published value uses another ridge: log det(I + C) is taken of the published Gram matrix.
    gram = oracles.gram(f"{name}/{MODES[mode]}_total")
    scale = gram.diagonal().sqrt()
    cosine = gram / scale[:, None] / scale
    expected = torch.logdet(torch.eye(16, dtype=torch.float64) + cosine)
    net, batch = oracles.network(name), oracles.images(16)
    found = score(net, batch, ["gradalign_ii_network"], norm=mode)["gradalign_ii_network"]
    assert found.value == pytest.approx(float(expected), rel=1e-9)


@pytest.mark.parametrize(
    ("proxy", "entry", "count", "rel"),
    [
        ("gsnr", "xi_gsnr_per_sample", 16, 1e-6),
        ("gradsign", "gradsign", 16, 1e-9),
        ("gradsign", "gradsign_64", 64, 1e-9),
        ("grad_angle", "grad_angle", 16, 1e-9),
    ],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_single_image_proxies(name: str, proxy: str, entry: str, count: int, rel: float) -> None:
    value, _ = oracles.value(name, entry)
    found = score(oracles.network(name), oracles.images(count), [proxy], norm="sample")[proxy]
    assert found.value == pytest.approx(value, rel=rel)


@pytest.mark.parametrize("name", NETWORKS)
def test_synflow_has_its_own_probe(name: str) -> None:
    # The authors make the weights absolute in float32 and go on in float64.
    value, tolerance = oracles.value(name, "synflow")
    for regime in ("shared", "official"):
        net = oracles.network(name)
        found = score(net, oracles.images(16), ["synflow"], regime=regime)["synflow"]
        assert found.value == pytest.approx(value, rel=tolerance)


@pytest.mark.parametrize(
    ("proxy", "entry", "count"),
    [("grasp", "grasp", 64), ("zico", "zico", 64), ("zico", "zico_8", 16)],
)
@pytest.mark.parametrize("name", NETWORKS)
def test_official_setting(name: str, proxy: str, entry: str, count: int) -> None:
    value, tolerance = oracles.value(name, entry)
    net, batch = oracles.network(name), oracles.images(count)
    found = score(net, batch, [proxy], regime="official")[proxy]
    assert found.value == pytest.approx(value, rel=tolerance)


@pytest.mark.parametrize(("entry", "count"), [("naswot", 64), ("naswot_16", 16)])
def test_naswot_official_setting(entry: str, count: int) -> None:
    value, tolerance = oracles.value("cell_cnn", entry)
    net, batch = oracles.network("cell_cnn"), oracles.images(count)
    found = score(net, batch, ["naswot"], regime="official")["naswot"]
    assert found.value == pytest.approx(value, rel=tolerance)


@pytest.mark.parametrize(
    ("proxy", "entry", "scale"),
    [
        ("macs", "macs_conv_linear", 1),
        ("flops", "flops_torch_counter", 1),
        ("params", "params", 1),
        ("layers", "layers_conv_linear", 1),
    ],
)
def test_sizes(proxy: str, entry: str, scale: int) -> None:
    expected = oracles.expected()["cell_cnn"][entry]["value"]
    net = oracles.network("cell_cnn")
    assert score(net, oracles.images(16), [proxy])[proxy].value == expected * scale


@pytest.mark.parametrize("backend", ["hooks", "vmap", "loop"])
def test_batch_fixed_equals_frozen_with_the_statistics_of_the_batch(backend: str) -> None:
    net, batch = oracles.network("cell_cnn"), oracles.images(16)
    needs = ["gram", "agreement", "filter_alignment", "activation_matches"]
    fixed = collect(net, batch, Probe(norm="batch_fixed"), needs, backend=backend)
    frozen = collect(
        with_batch_statistics(net, batch.inputs), batch, Probe(norm="frozen"), needs, backend="loop"
    )
    torch.testing.assert_close(fixed.gram, frozen.gram, rtol=1e-9, atol=1e-12)
    assert torch.equal(fixed.agreement, frozen.agreement)
    assert torch.equal(fixed.activation_matches, frozen.activation_matches)
    torch.testing.assert_close(fixed.filter_alignment, frozen.filter_alignment, rtol=1e-9, atol=0)


def with_batch_statistics(net: nn.Module, x: torch.Tensor) -> nn.Module:
    """A copy whose running statistics are those of the batch, with biased variance."""
    net = copy.deepcopy(net).train()

    def set_statistics(module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        variance, mean = torch.var_mean(args[0], (0, 2, 3), correction=0)
        module.momentum = None
        module.eval()  # from here on it uses what is set below
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)

    norms = [module for module in net.modules() if isinstance(module, nn.BatchNorm2d)]
    handles = [module.register_forward_pre_hook(set_statistics) for module in norms]
    with torch.no_grad():
        net(x)
    for handle in handles:
        handle.remove()
    return net


def test_effective_rank_is_bounded_by_the_samples() -> None:
    net = oracles.network("cell_cnn")
    found = score(net, oracles.images(16), ["gradient_effective_rank"])["gradient_effective_rank"]
    assert 1 < found.value < 16
    assert found.stderr is not None
    assert math.isfinite(found.stderr)
