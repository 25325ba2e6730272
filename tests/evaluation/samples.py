"""A small table of accuracies, and scores of its networks."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class SmallBenchmark:
    name: str
    metrics: tuple[str, ...]
    frame: pd.DataFrame

    single: tuple[str, ...] = ()

    def spelling(self, arch):
        return arch if arch in set(self.frame["arch"]) else None

    def runs(self, metric):
        return self.single if metric == self.metrics[0] else ()


def make_truth(n=120):
    generator = np.random.default_rng(0)
    quality = generator.normal(size=n)
    return pd.DataFrame(
        {
            "arch": [f"|op{i}~0|" for i in range(n)],
            "final": 90 + quality,
            "early": 70 + quality + 0.3 * generator.normal(size=n),
        }
    )


def make_scores(truth, proxies=("good", "bad", "params", "macs", "layers"), prefix="nb201:"):
    generator = np.random.default_rng(1)
    noise = dict(zip(proxies, (0.5, 3.0, 1.0, 1.5, 2.0), strict=False))
    return pd.concat(
        pd.DataFrame(
            {
                "model": prefix + truth["arch"],
                "proxy": proxy,
                "value": truth["final"] + noise[proxy] * generator.normal(size=len(truth)),
                "status": "ok",
                "seconds": 0.25,
                "seed": 0,
            }
        )
        for proxy in proxies
    ).sample(frac=1, random_state=0, ignore_index=True)


def values_of(scores, truth, proxy):
    own = scores[scores["proxy"] == proxy].set_index("model")["value"]
    return own.reindex("nb201:" + truth["arch"]).to_numpy()


def make_seeds(truth, proxies=("good", "bad"), seeds=3):
    """The scores of several seeds, each with an error of its own, and what they cost."""
    frames = []
    for seed in range(seeds):
        own = make_scores(truth, proxies).sort_values(["proxy", "model"], ignore_index=True)
        error = np.random.default_rng(seed + 10).normal(size=len(own))
        frames.append(own.assign(seed=seed, value=own["value"] + error, pass_seconds=2.0))
    return pd.concat(frames, ignore_index=True).assign(protocol="a1")
