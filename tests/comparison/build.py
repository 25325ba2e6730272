"""Evaluations of simulated scores, made by `gradalign.evaluation.evaluate` itself."""

from __future__ import annotations

import numpy as np
import pandas as pd

from gradalign.aggregates import parse_combination
from gradalign.evaluation import evaluate
from gradalign.proxies import PROXIES

NOISE = {
    "gradalign_plus": 0.3,
    "gradalign_ii": 0.5,
    "gradalign_plus_ablation": 1.0,
    "live_layers": 2.0,
    "gradsign": 0.8,
    "conflict_fraction": 1.5,
    "params": 0.9,
    "macs": 1.1,
    "layers": 1.3,
    "my_own|100%": 1.0,
}
"""Scores, and how far each strays from the accuracy."""

COMBINED = parse_combination("both=gradalign_plus+gradsign")

TRAINING = {"training, 12 epochs": ("early", "12 of 200 epochs on CIFAR-10")}


def truth(n=130, seed=0):
    """Networks with an accuracy, another that follows it, and an early one."""
    generator = np.random.default_rng(seed)
    quality = generator.normal(size=n)
    return pd.DataFrame(
        {
            "arch": [f"net{k}" for k in range(n)],
            "cifar_10": 90 + quality,
            "cifar_100": 70 + quality + 0.2 * generator.normal(size=n),
            "early": 60 + quality + 0.5 * generator.normal(size=n),
        }
    )


def scores(table, *, leave_out=(), failed=0, seed=1):
    """One record a network and proxy; the first `failed` networks have no value of the first."""
    generator = np.random.default_rng(seed)
    parts = []
    for name, noise in NOISE.items():
        value = table["cifar_10"] + noise * generator.normal(size=len(table))
        if name in PROXIES and PROXIES[name].better == "lower":
            value = -value
        part = pd.DataFrame(
            {
                "model": "nb201:" + table["arch"],
                "proxy": name,
                "value": value,
                "status": "ok",
                "seconds": 0.125,
            }
        )
        if name == next(iter(NOISE)):
            part.loc[: failed - 1, ["value", "status"]] = [np.nan, "error"]
        if name not in leave_out:
            parts.append(part)
    return pd.concat(parts, ignore_index=True)


def evaluation(name="bench_1", metric="cifar_10", *, n=130, seed=0, resamples=100, **how):
    """Scores against one metric, with the aggregate `COMBINED` and short training."""
    table = truth(n, seed)
    frame = scores(table, **how)
    return evaluate(
        frame,
        table,
        metric,
        name=name,
        directions={name: proxy.better for name, proxy in PROXIES.items()},
        early_stopped=TRAINING,
        aggregates=(COMBINED,),
        resamples=resamples,
    )
