"""Why a network scores as it does: layers, classes, samples and pairs that conflict."""

from gradalign.explanation.explain import explain, explained
from gradalign.explanation.result import (
    ClassFigures,
    Explanation,
    Finding,
    LayerFigures,
    PairFigures,
    SampleFigures,
)

__all__ = [
    "ClassFigures",
    "Explanation",
    "Finding",
    "LayerFigures",
    "PairFigures",
    "SampleFigures",
    "explain",
    "explained",
]
