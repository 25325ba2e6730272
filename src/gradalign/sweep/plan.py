"""What is measured on which conditions, as plain data: the same here and in another process."""

from __future__ import annotations

from dataclasses import dataclass, replace

from gradalign.candidate import Candidate
from gradalign.conditions import DrawnBatches, Regime, Samples
from gradalign.data import Source, open_source
from gradalign.models import resolve
from gradalign.probe import DType, NormMode, Probe
from gradalign.proxies import PROXIES
from gradalign.scorer import DEFAULT_PROXIES, Scorer


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Conditions of a measurement of networks that are named by texts; can be pickled.

    Args:
        proxies: Names of the proxies.
        data: Data source.
        norm: What normalisation layers do.
        regime: `shared` or `official`.
        batch_size: Samples of one batch.
        input_size: Shape of one input. One number stands for a square image of three channels, or
            for the tokens of a model that takes such. None: the model's own.
        num_classes: Number of outputs.
        build: Options of the search space.
        dtype: Floating-point type; None: the model's own.
        device: `auto`, or a device by name.
    """

    proxies: tuple[str, ...] = DEFAULT_PROXIES
    data: str = "digits"
    norm: NormMode = "batch_fixed"
    regime: Regime = "shared"
    batch_size: int = 32
    input_size: tuple[int, ...] | None = None
    num_classes: int | None = None
    build: tuple[tuple[str, str], ...] = ()
    dtype: DType | None = None
    device: str = "auto"

    @property
    def image_size(self) -> tuple[int, ...] | None:
        """Shape of one input of a model that takes no tokens."""
        if self.input_size is not None and len(self.input_size) == 1:
            return (3, *self.input_size * 2)
        return self.input_size

    def scorer(
        self, proxies: tuple[str, ...] | None = None, samples: Samples | None = None
    ) -> Scorer:
        """The proxies with their conditions, ready to measure.

        Args:
            proxies: Their names; None: all of the plan.
            samples: Where the batches come from; None: the data source.

        Raises:
            InputError: An unknown name, an option that does not exist, or data that cannot be read.
        """
        common = Probe(
            batch_size=self.batch_size,
            norm=self.norm,
            dtype=self.dtype,
            input_size=self.image_size,
            build=tuple(sorted(self.build)),
            num_classes=self.num_classes,
        )
        return Scorer(
            samples or DrawnBatches(self.source()),
            proxies=proxies or self.proxies,
            common=common,
            regime=self.regime,
            device=self.device,
        )

    def with_ablations(self) -> Plan:
        """The same plan with what is left of each proxy when its idea is taken out."""
        ablations = [PROXIES[name].ablation for name in self.proxies if name in PROXIES]
        added = dict.fromkeys([*self.proxies, *(name for name in ablations if name is not None)])
        return replace(self, proxies=tuple(added))

    def source(self) -> Source:
        """The data source, read: what is wrong with it is wrong for every network."""
        source = open_source(self.data)
        _ = source.shape  # reads the files
        return source

    def candidate(self, model: str) -> Candidate:
        """The network that `model` names; InputError says what is wrong with it."""
        return resolve(
            model,
            build=dict(self.build),
            num_classes=self.num_classes,
            input_size=self.input_size,
        )
