"""Under which conditions a network is scored: a reference, and what is changed of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from gradalign.probe import DType, NormMode, WeightState

Selected = Literal["drawn", "one class", "one image"]

REFERENCE = "reference"
"""Key of the condition that all others are compared with."""

SEEDS = 4
"""How many further draws of batch, initialisation or both are made."""

WIDTHS = ("channels", "stem_channels")
DEPTHS = ("cells", "modules", "blocks", "layers")
"""What options of search spaces are called that make a narrower or a shallower copy."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """How one network is scored, in plain values; the reference but for the seeds by default.

    Args:
        data: Data source.
        selected: Which samples: as drawn; of the class of the first; or the first image in place
            of all, with the labels as drawn.
        wrong_labels: Share of the samples whose labels are permuted among each other.
        batch_size: Number of samples.
        side: Height and width of the images in pixels.
        norm: What normalisation layers do.
        weights: How the network is initialised: its own way (`given`), or drawn anew.
        dtype: Floating-point type.
        build: Options of the search space, such as `channels=4,cells=1`.
        batch_seed: Seed of the batch.
        init_seed: Seed of the initialisation.
    """

    data: str = "digits"
    selected: Selected = "drawn"
    wrong_labels: float = 0.0
    batch_size: int = 32
    side: int = 16
    norm: NormMode = "batch_fixed"
    weights: WeightState = "given"
    dtype: DType = "float32"
    build: str = ""
    batch_seed: int
    init_seed: int

    @property
    def options(self) -> dict[str, str]:
        """`build` by name."""
        return dict(part.split("=", 1) for part in self.build.split(",") if part)


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A setting under a name.

    Args:
        factor: What is changed.
        level: To what.
        setting: All of it.
    """

    factor: str
    level: str
    setting: Setting

    @property
    def key(self) -> str:
        """Its name in documents."""
        return f"{self.factor}: {self.level}" if self.level else self.factor


def varied(seed: int, options: Mapping[str, int], images: str | None) -> list[Condition]:
    """The reference, and conditions that differ from it: most in one thing, cheap ones in several.

    Args:
        seed: Of batch and initialisation of the reference.
        options: Options of the search space with their defaults.
        images: Data source of natural images; None: there is none.
    """
    own = Setting(batch_seed=seed, init_seed=seed)
    return [
        Condition(factor=REFERENCE, level="", setting=own),
        *_batches(own),
        *_initialisations(own),
        *_inputs(own, images),
        *_passes(own),
        *_copies(own, options),
        *_cheap(own, options),
    ]


def plain_stacks(seed: int) -> list[Condition]:
    """Conditions for stacks of linear layers, which have no normalisation."""
    own = Setting(batch_seed=seed, init_seed=seed)
    return [
        Condition(factor=REFERENCE, level="", setting=own),
        _changed(own, "batch draw", "2nd", batch_seed=seed + 1),
        _changed(own, "labels", "all permuted", wrong_labels=1.0),
        _changed(own, "images", "noise", data="noise"),
        _changed(own, "images", "one digit, 32 times", selected="one image"),
    ]


def _changed(own: Setting, factor: str, level: str, **changes: object) -> Condition:
    setting = replace(own, **changes)  # type: ignore[arg-type]
    return Condition(factor=factor, level=level, setting=setting)


def _batches(own: Setting) -> Iterator[Condition]:
    for size in (2, 4, 8, 16, 64):
        yield _changed(own, "batch size", str(size), batch_size=size)
    for k in range(1, SEEDS + 1):
        yield _changed(own, "batch draw", _ordinal(k), batch_seed=own.batch_seed + k)
    yield _changed(own, "labels", "half permuted", wrong_labels=0.5)
    yield _changed(own, "labels", "all permuted", wrong_labels=1.0)


def _initialisations(own: Setting) -> Iterator[Condition]:
    for k in range(1, SEEDS + 1):
        yield _changed(own, "initialisation", _ordinal(k), init_seed=own.init_seed + k)
    for k in range(1, SEEDS + 1):
        both = {"batch_seed": own.batch_seed + k, "init_seed": own.init_seed + k}
        yield _changed(own, "both seeds", _ordinal(k), **both)
    yield _changed(own, "weights", "N(0, 2/fan-in)", weights="kaiming_fan_in")
    yield _changed(own, "weights", "N(0, 1)", weights="gaussian")


def _inputs(own: Setting, images: str | None) -> Iterator[Condition]:
    yield _changed(own, "images", "noise", data="noise")
    if images is not None:
        yield _changed(own, "images", "natural", data=images)
    yield _changed(own, "images", "digits of one class", selected="one class")
    yield _changed(own, "images", "one digit, 32 times", selected="one image")
    yield _changed(own, "input size", "8", side=8)
    yield _changed(own, "input size", "32", side=32)
    yield _changed(own, "images at 32x32", "noise", data="noise", side=32)
    if images is not None:
        yield _changed(own, "images at 32x32", "natural", data=images, side=32)
    yield _changed(own, "batch size 2", "noise", data="noise", batch_size=2)


def _passes(own: Setting) -> Iterator[Condition]:
    for norm in ("sample", "batch", "identity"):
        yield _changed(own, "norm", norm, norm=norm)
    yield _changed(own, "norm identity", "noise", data="noise", norm="identity")
    for dtype in ("float64", "bfloat16"):
        yield _changed(own, "dtype", dtype, dtype=dtype)


def _copies(own: Setting, options: Mapping[str, int]) -> Iterator[Condition]:
    for name, default in options.items():
        if name in WIDTHS:
            for width in sorted({max(1, default // 4), max(1, default // 2)}):
                yield _changed(own, "width", f"{name}={width}", build=f"{name}={width}")
        if name in DEPTHS:
            for depth in sorted({1, (default + 1) // 2} - {default}):
                yield _changed(own, "depth", f"{name}={depth}", build=f"{name}={depth}")


def _cheap(own: Setting, options: Mapping[str, int]) -> Iterator[Condition]:
    """Several savings at once: a small copy, few samples, small images."""
    small = [f"{name}={max(1, options[name] // 4)}" for name in WIDTHS if name in options]
    small += [f"{name}=1" for name in DEPTHS if name in options]
    build = ",".join(small)
    copy = "small copy, " if build else ""
    for size, side in ((32, 16), (8, 16), (8, 8), (2, 8)):
        if build or (size, side) in {(8, 8), (2, 8)}:
            changes = {"build": build, "batch_size": size, "side": side}
            yield _changed(own, "cheap", f"{copy}{size} at {side}x{side}", **changes)
    noisy = {"build": build, "batch_size": 8, "side": 8, "data": "noise"}
    yield _changed(own, "cheap", f"{copy}8 of noise at 8x8", **noisy)


def _ordinal(k: int) -> str:
    """The name of the k-th further draw: the reference is the first."""
    return {1: "2nd", 2: "3rd"}.get(k, f"{k + 1}th")
