"""Other tools that give per-sample gradients, each on what it accepts of a network.

Blocks are the weights of convolutions and Linear layers, as they are for us; everything else is
frozen, so that no tool does more than it is asked for.
"""

from __future__ import annotations

import copy
import importlib
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from bench.scores import Scores, from_gradients, from_network_gram

Run = Callable[[], Scores]

VMAP_CHUNK = 16


def _blocks(network: nn.Module) -> Iterator[tuple[str, nn.Parameter]]:
    for name, module in network.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            yield f"{name}.weight", module.weight


def _losses(network: nn.Module, inputs: Tensor, targets: Tensor) -> Tensor:
    return F.cross_entropy(network(inputs), targets, reduction="none")


def _vmap(network: nn.Module, inputs: Tensor, targets: Tensor) -> Run:
    from torch.func import functional_call, grad, vmap

    weights = {name: weight.detach() for name, weight in _blocks(network)}
    network.requires_grad_(requires_grad=False)

    def loss(weights: dict[str, Tensor], x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(functional_call(network, weights, (x[None],)), y[None])

    gradients = vmap(grad(loss), in_dims=(None, 0, 0), chunk_size=VMAP_CHUNK)
    return lambda: from_gradients(gradients(weights, inputs, targets).values())


def _opacus(network: nn.Module, inputs: Tensor, targets: Tensor) -> Run:
    from opacus import GradSampleModule

    wrapped = GradSampleModule(network, loss_reduction="sum")

    def run() -> Scores:
        _losses(wrapped, inputs, targets).sum().backward()
        scores = from_gradients(weight.grad_sample for _, weight in _blocks(network))
        for parameter in network.parameters():
            parameter.grad_sample = parameter.grad = None
        return scores

    return run


def _torchjd(network: nn.Module, inputs: Tensor, targets: Tensor) -> Run:
    from torchjd.autogram import Engine

    engine = Engine(network, batch_dim=0)
    return lambda: from_network_gram(engine.compute_gramian(_losses(network, inputs, targets)))


def _backpack(network: nn.Module, inputs: Tensor, targets: Tensor) -> Run:
    from backpack import backpack, extend
    from backpack.extensions import BatchGrad

    network = extend(network)
    loss = extend(nn.CrossEntropyLoss(reduction="sum"))

    def run() -> Scores:
        with backpack(BatchGrad()):
            loss(network(inputs), targets).backward()
        scores = from_gradients(weight.grad_batch for _, weight in _blocks(network))
        for parameter in network.parameters():
            parameter.grad = None
            vars(parameter).pop("grad_batch", None)
        return scores

    return run


@dataclass(frozen=True)
class Peer:
    """A tool.

    Args:
        module: What must be importable.
        prepare: From network, inputs and targets to what is timed; may refuse by any exception.
        norm: What it is given in place of BatchNorm: every sample by its own statistics.
        gives: What of I and II it gives.
    """

    module: str
    prepare: Callable[[nn.Module, Tensor, Tensor], Run]
    norm: type[nn.Module] = nn.GroupNorm
    gives: str = "I+II"


PEERS: Mapping[str, Peer] = {
    "vmap": Peer("torch.func", _vmap),
    "opacus": Peer("opacus", _opacus),
    "torchjd": Peer("torchjd", _torchjd, gives="one Gram of the network"),
    "backpack": Peer("backpack", _backpack, norm=nn.InstanceNorm2d),
}


@dataclass(frozen=True)
class Attempt:
    """A peer on a network: what to time, or None and why not."""

    run: Run | None
    scores: Scores | None
    note: str


def attempt(peer: Peer, network: nn.Module, inputs: Tensor, targets: Tensor) -> Attempt:
    """Prepare a peer and run it once; a network it refuses is tried without BatchNorm."""
    try:
        importlib.import_module(peer.module)
    except ImportError:
        return Attempt(None, None, "not installed")
    notes = []
    if any(isinstance(module, nn.BatchNorm2d) for module in network.modules()):
        reason = _refusal(peer, network, inputs[:2], targets[:2])
        network = _with_own_norm(network, peer.norm)
        notes.append(f"{peer.norm.__name__} for BatchNorm ({reason or 'it mixes samples'})")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            run = peer.prepare(_only_blocks(network), inputs, targets)
            scores = run()
    except Exception as error:  # noqa: BLE001 - tools refuse by whatever they like: it is reported
        return Attempt(None, None, f"refuses the network: {_one_line(error)}")
    return Attempt(run, scores, "; ".join(notes))


def _refusal(peer: Peer, network: nn.Module, inputs: Tensor, targets: Tensor) -> str | None:
    """Why the tool does not take the network as it is; a warning about BatchNorm counts."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.filterwarnings("error", message=".*BatchNorm")
            peer.prepare(copy.deepcopy(network), inputs, targets)()
    except Exception as error:  # noqa: BLE001 - as above
        return _one_line(error)
    return None


def _one_line(error: Exception, limit: int = 80) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= limit else f"{text[: limit - 3]}..."


def _with_own_norm(network: nn.Module, kind: type[nn.Module]) -> nn.Module:
    """A copy in which `kind` normalises every sample on its own, affine parameters kept."""
    network = copy.deepcopy(network)
    for parent in list(network.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, nn.BatchNorm2d):
                replacement = _own_norm(kind, child)
                replacement.load_state_dict({"weight": child.weight, "bias": child.bias})
                setattr(parent, name, replacement)
    return network


def _own_norm(kind: type[nn.Module], norm: nn.BatchNorm2d) -> nn.Module:
    if kind is nn.GroupNorm:
        return nn.GroupNorm(norm.num_features, norm.num_features, eps=norm.eps)
    return nn.InstanceNorm2d(norm.num_features, eps=norm.eps, affine=True)


def _only_blocks(network: nn.Module) -> nn.Module:
    """A copy in which only the blocks need a gradient."""
    network = copy.deepcopy(network).requires_grad_(requires_grad=False)
    for _, weight in _blocks(network):
        weight.requires_grad_()
    return network
