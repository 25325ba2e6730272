"""What is measured before and during the trainings: named before anything was trained."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A size-free score as a measure of conflict.

    Args:
        name: The score.
        words: What it is, as sentences have it.
        axis: What an axis calls it, in the direction in which conflict rises.
        rises: Whether it is high where gradients conflict.
    """

    name: str
    words: str
    axis: str
    rises: bool

    @property
    def sign(self) -> int:
        """With which its differences rise with conflict."""
        return 1 if self.rises else -1

    def conflict(self, value: float) -> float:
        """Its value, in [0, 1], in the direction in which conflict rises."""
        return value if self.rises else 1 - value


CONFLICT = {
    measure.name: measure
    for measure in (
        Measure(
            name="conflict_fraction",
            words="the share of conflicting pairs of gradients (`conflict_fraction`)",
            axis="conflict_fraction (share of pairs)",
            rises=True,
        ),
        Measure(
            name="gradalign_i_mean",
            words="1 - the mean alignment of layers (`gradalign_i_mean`)",
            axis="1 - gradalign_i_mean",
            rises=False,
        ),
    )
}
"""The measures of conflict that the study is about, by name."""

MEASURES = tuple(CONFLICT)

SUMS = ("gradalign_i", "gradalign_ii", "gradalign_plus")
"""Scores that are sums over the network: size is in them."""

SIZES = ("params", "macs", "layers")
"""What is held constant."""
