"""Records for the pages: real architectures, made-up values."""

from __future__ import annotations

import random

import numpy as np

from gradalign.benchmarks import get_benchmark
from gradalign.record import Score, Scores
from gradalign.spaces import get_space

PROTOCOLS = {
    "aaaa11112222": {"data": "digits", "batch_size": 16, "norm": "batch_fixed", "definitions": 1}
}
PROTOCOL = next(iter(PROTOCOLS))

NAMES = ("gradalign_i", "conflict_fraction", "naswot", "params", "macs", "layers", "live_layers")


def score(model, proxy, value, *, seed=0, protocol=PROTOCOL, **others):
    return Score(model=model, proxy=proxy, value=value, seed=seed, protocol=protocol, **others)


def failed(model, proxy, status="error", reason="it broke", **others):
    return score(model, proxy, None, status=status, reason=reason, **others)


def frame(records):
    return Scores(records, PROTOCOLS).to_frame()


def nb201(number, seed=0):
    """Networks of the embedded table, with the prefix of their space."""
    archs = list(get_benchmark("nb201").frame["arch"])
    return [f"nb201:{arch}" for arch in random.Random(seed).sample(archs, number)]


def mlps(number):
    """Networks without a table."""
    space, rng = get_space("mlp"), random.Random(0)
    found = {}
    while len(found) < number:
        found[f"mlp:{space.format(space.sample(rng))}"] = None
    return [*found]


def scored(models, names=NAMES, seed=0):
    """A record of every score for every model: noise around what is common to all of them."""
    rng = np.random.default_rng(seed)
    common = {
        model: float(value)
        for model, value in zip(models, rng.normal(size=len(models)), strict=True)
    }
    return [
        score(
            model,
            name,
            float(np.round(common[model] + rng.normal(), 3)),
            seconds=0.25,
            pass_seconds=0.5,
            canonical=model,
        )
        for model in models
        for name in names
    ]
