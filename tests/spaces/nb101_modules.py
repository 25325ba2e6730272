"""Modules of NAS-Bench-101 for its tests: spelled by hand, drawn, and published."""

import itertools
import json
import math
import os
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import strategies as st
from torch import nn

from gradalign.spaces.nb101 import NB101, Architecture

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
MODULES = {2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010, 7: 359_082}  # by their number of vertices
DATA = os.environ.get("GRADALIGN_DATA")
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set"),
]


def published() -> pd.DataFrame:
    return pd.read_parquet(Path(DATA or "") / "nb101_dev.parquet")


def spelled(adjacency: str, ops: str) -> Architecture:
    """A row of the published table: the matrix row by row, and a list with commas."""
    n = math.isqrt(len(adjacency))
    rows = [[int(entry) for entry in adjacency[i * n : (i + 1) * n]] for i in range(n)]
    return NB101.parse(json.dumps({"matrix": rows, "ops": ops.split(",")}))


def matrix_of(vertices: int, present: set[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    every = range(vertices)
    return tuple(tuple(int((source, target) in present) for target in every) for source in every)


def module(vertices: int, present: set[tuple[int, int]], *inner: str) -> Architecture:
    return Architecture(matrix_of(vertices, present), ("input", *inner, "output"))


@st.composite
def architectures(draw, least: int = 2) -> Architecture:
    """A path from input to output, and edges besides, at most nine in all."""
    n = draw(st.integers(least, 7))
    stations = draw(st.sets(st.sampled_from(range(1, n - 1)))) if n > 2 else set()
    present = set(itertools.pairwise([0, *sorted(stations), n - 1]))
    others = sorted(set(itertools.combinations(range(n), 2)) - present)
    if others:
        present |= draw(st.sets(st.sampled_from(others), max_size=9 - len(present)))
    inner = draw(st.lists(st.sampled_from(OPERATIONS), min_size=n - 2, max_size=n - 2))
    return module(n, present, *inner)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())
