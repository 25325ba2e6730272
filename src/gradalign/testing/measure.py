"""Measure a proxy on small networks: with and without ReLU, normalisation, attention, gradient."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gradalign.batch import Batch
from gradalign.candidate import seeded
from gradalign.conditions import DrawnBatches
from gradalign.data import InputSpec
from gradalign.data._base import Source
from gradalign.engine import collect
from gradalign.errors import UndefinedScore, UnsupportedError
from gradalign.probe import DType, Probe
from gradalign.proxies import Estimate, Proxy
from gradalign.statistics import Statistics

SAMPLES = 6
CLASSES = 4
VOCABULARY, LENGTH = 11, 5


class Convolutions(nn.Module):
    """Two convolutions with batch norm and ReLU, and a classifier; `alive=False`: no gradient."""

    spec = InputSpec(num_classes=CLASSES, shape=(3, 8, 8))

    def __init__(self, *, alive: bool = True) -> None:
        super().__init__()
        first = (nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU())
        second = (nn.Conv2d(6, 8, 3, stride=2, padding=1), nn.BatchNorm2d(8), nn.ReLU())
        self.layers = nn.Sequential(nn.Sequential(*first), nn.Sequential(*second))
        self.head = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(32, CLASSES))
        self.alive = alive

    def forward(self, x: Tensor) -> Tensor:
        """[n, classes]."""
        out: Tensor = self.head(self.layers(x))
        return out if self.alive else 0 * out


class Smooth(nn.Module):
    """Fully connected layers with tanh: neither ReLU nor normalisation."""

    spec = InputSpec(num_classes=CLASSES, shape=(3, 4, 4))

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Flatten(), nn.Linear(48, 9), nn.Tanh(), nn.Linear(9, CLASSES)
        )

    def forward(self, x: Tensor) -> Tensor:
        """[n, classes]."""
        out: Tensor = self.layers(x)
        return out


class Words(nn.Module):
    """A transformer of one layer on token ids."""

    spec = InputSpec(num_classes=CLASSES, tokens=(VOCABULARY, LENGTH))

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, 8)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12, activation="gelu", batch_first=True)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, input_ids: Tensor) -> Tensor:
        """[n, classes]."""
        out: Tensor = self.head(self.encoder(self.embedding(input_ids)).mean(1))
        return out


class Patches(nn.Module):
    """A transformer of one layer on patches of images."""

    spec = InputSpec(num_classes=CLASSES, shape=(3, 8, 8))

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Conv2d(3, 8, 4, stride=4)
        self.encoder = nn.TransformerEncoderLayer(8, 2, 12, batch_first=True)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """[n, classes]."""
        patches = self.embedding(x).flatten(2).transpose(1, 2)
        out: Tensor = self.head(self.encoder(patches).mean(1))
        return out


class Fixed(Source):
    """Numbers that a seed draws once, whatever is asked of them.

    Args:
        order: Of the samples in each batch; None: as they are drawn. A repeated one is repeated.
        classes: Number of classes among the labels.
    """

    name, description, licence = "fixed", "numbers for a test", "none needed: it is generated"
    num_classes = None
    shape = None

    def __init__(self, order: Sequence[int] | None = None, classes: int = CLASSES) -> None:
        super().__init__()
        self._order = order
        self._classes = classes

    def _draw(self, size: int, seed: int, spec: InputSpec, part: int) -> Batch:
        generator = torch.Generator().manual_seed(1000 * seed + part)
        order = torch.tensor(self._order) if self._order else torch.arange(size)
        targets = (torch.arange(size) % self._classes)[order % size]
        if spec.tokens is not None:
            vocabulary, length = spec.tokens
            ids = torch.randint(vocabulary, (size, length), generator=generator)
            return Batch({"input_ids": ids[order % size]}, targets)
        shape = spec.shape or (3, 8, 8)
        return Batch(torch.randn(size, *shape, generator=generator)[order % size], targets)


@dataclass(frozen=True)
class Reason:
    """Why there is no value, and whether the proxy itself says so."""

    status: str
    text: str
    own: bool = False


NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "convolutions": Convolutions,
    "no ReLU and no normalisation": Smooth,
    "a transformer on images": Patches,
    "a transformer on tokens": Words,
}


def passes(
    proxy: Proxy,
    make: Callable[[], nn.Module],
    source: Source | None = None,
    *,
    samples: int = SAMPLES,
    scale: float = 1.0,
    seed: int = 0,
    dtype: DType = "float64",
) -> dict[str, Statistics]:
    """The statistics of each probe of `proxy` on a seeded network.

    Args:
        proxy: What is measured.
        make: Makes the network; its attribute `spec` says what it takes.
        source: Where the batches come from.
        samples: In each batch.
        scale: Factor of every loss.
        seed: Of the network and the batch.
        dtype: The precision.
    """

    def loss_fn(output: Tensor, targets: Tensor) -> Tensor:
        return scale * F.cross_entropy(output, targets, reduction="none")

    batches = DrawnBatches(source or Fixed())
    common = Probe(batch_size=samples, dtype=dtype)
    found = {}
    for name, probe in batches.probes(proxy, common, "shared").items():
        with seeded(seed):
            network = make()
            spec: InputSpec = network.spec  # type: ignore[assignment]
            batch = batches.batch(probe, seed, spec)
            found[name] = collect(network, batch, probe, proxy.needs, loss_fn=loss_fn)
    return found


def measure(
    proxy: Proxy,
    make: Callable[[], nn.Module],
    source: Source | None = None,
    *,
    samples: int = SAMPLES,
    scale: float = 1.0,
    seed: int = 0,
    dtype: DType = "float64",
) -> Estimate | Reason:
    """The score, or why there is none; any other exception is the proxy's mistake."""
    try:
        found = passes(proxy, make, source, samples=samples, scale=scale, seed=seed, dtype=dtype)
    except UnsupportedError as unsupported:
        return Reason("unsupported", str(unsupported))
    except UndefinedScore as undefined:
        return Reason(undefined.status, str(undefined))
    if proxy.needs_gradient and not all(each.has_gradient for each in found.values()):
        return Reason("no_gradient", "no gradient reaches the weights")
    try:
        return proxy(**found)
    except UndefinedScore as undefined:
        return Reason(undefined.status, str(undefined), own=True)
