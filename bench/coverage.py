"""Whether the order that `rank` states holds under fresh batches and initialisations.

    python -m bench.coverage [--pairs 60] [--repeats 5] [--fresh 10]

Ranks random pairs of NAS-Bench-201 networks, then scores each pair on batches and initialisations
that the ranking has not seen, and counts the stated orders that the fresh means contradict.
"""

from __future__ import annotations

import argparse

import torch

import gradalign as ga
from gradalign.benchmarks import get_benchmark

FRESH_SEED = 1_000
"""First of the seeds that no ranking uses."""


def fresh_mean(model: str, seeds: int) -> float:
    """Mean gradalign_plus over fresh batches and initialisations."""
    options = {"proxies": "gradalign_plus", "input_size": (3, 16, 16), "batch_size": 16}
    values = [
        ga.score(model, seed=FRESH_SEED + k, **options)["gradalign_plus"].value
        for k in range(seeds)
    ]
    return sum(value or 0.0 for value in values) / seeds


def main() -> None:
    """Rank, score afresh, and count."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--pairs", type=int, default=60)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--fresh", type=int, default=10)
    options = parser.parse_args()
    drawn = get_benchmark("nb201").frame["arch"].sample(2 * options.pairs, random_state=7)
    models = [f"nb201:{arch}" for arch in drawn]
    torch.set_num_threads(1)
    stated = held = apart_wrongly = 0
    for first, second in zip(models[::2], models[1::2], strict=True):
        ranking = ga.rank(
            {first: first, second: second},
            proxies="gradalign_plus",
            repeats=options.repeats,
            input_size=(3, 16, 16),
            batch_size=16,
        ).to_dict()
        if ranking["inseparable"]:
            continue
        best, worst = (row["model"] for row in ranking["ranking"])
        stated += 1
        if fresh_mean(best, options.fresh) > fresh_mean(worst, options.fresh):
            held += 1
        else:
            apart_wrongly += 1
    print(
        f"{options.pairs} pairs, {options.repeats} repeats: order stated for {stated}, left open "
        f"for {options.pairs - stated}; of the stated, {held} hold on {options.fresh} fresh "
        f"batches and initialisations, {apart_wrongly} do not (at most 5 % are to be expected)"
    )


if __name__ == "__main__":
    main()
