"""What one pass over a network measures: the only thing that engine and proxies share.

The engine writes a `Statistics`, proxies read one, nothing else crosses. Losses are summed, never
averaged: g_i is the gradient of sample i's loss and not of a part of the mean.

Letters: n samples, L blocks (effective weight tensors), M weight layers (calls of modules that hold
a block, in forward order).
"""

from gradalign.statistics._blocks import Block, Layer
from gradalign.statistics._fields import FIELDS, GRADIENT, MACHINE, SAMPLE_AXES
from gradalign.statistics._moments import (
    MomentName,
    Moments,
    Need,
    WeightStatistic,
    is_gradient,
)
from gradalign.statistics._statistics import Statistics

__all__ = [
    "FIELDS",
    "GRADIENT",
    "MACHINE",
    "SAMPLE_AXES",
    "Block",
    "Layer",
    "MomentName",
    "Moments",
    "Need",
    "Statistics",
    "WeightStatistic",
    "is_gradient",
]
