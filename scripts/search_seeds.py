"""What a search under a limit is worth: the published accuracy of what it returns, over seeds.

    python scripts/search_seeds.py [--seeds 20] [--budget 60] [--max-params 800000] [--db FILE]

Searches NAS-Bench-201 among the networks of the embedded table, and prints the CIFAR-10 accuracy of
the winner beside a random network within the limit, the largest one and the best one, in Markdown.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable

import numpy as np

import gradalign as ga
from gradalign.benchmarks import BENCHMARKS

SPACE = "nb201"
METRIC = "cifar10"


def within(limit: float) -> dict[str, int]:
    """The parameters of every network of the table that keeps the limit."""
    space = ga.get_space(SPACE)
    counts: dict[str, int] = {}
    by_network: dict[str, int] = {}
    for arch in BENCHMARKS[SPACE].frame["arch"]:
        key = space.network_key(space.parse(arch))
        if key not in by_network:
            by_network[key] = sum(p.numel() for p in space.build(arch, seed=0).parameters())
        if by_network[key] <= limit:
            counts[arch] = by_network[key]
    return counts


def line(name: str, values: Iterable[float]) -> str:
    """A row of the table: median and quartiles."""
    low, middle, high = np.percentile([*values], [25, 50, 75])
    return f"| {name} | {middle:.2f} | {low:.2f} | {high:.2f} |"


def main() -> None:
    """Search with every seed, and print the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--budget", type=int, default=60)
    parser.add_argument("--max-params", type=float, default=0.8e6)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--objective", default="gradalign_plus")
    parser.add_argument("--db")
    options = parser.parse_args()
    table = BENCHMARKS[SPACE]
    counts = within(options.max_params)
    accuracy = dict(zip(counts, table.values(counts, METRIC), strict=True))
    winners = []
    for seed in range(options.seeds):
        found = ga.search(
            SPACE,
            budget=options.budget,
            max_params=options.max_params,
            objective=options.objective,
            among=SPACE,
            seed=seed,
            workers=options.workers,
            db=options.db,
        )
        winners += [accuracy[own.arch] for own in [found.best] if own is not None]
        sys.stderr.write(f"seed {seed}: {winners[-1]:.2f}\n")
    known = np.array([*accuracy.values()])
    above = 100 * np.mean([np.mean(known < value) for value in winners])
    largest = max(counts.values())
    lines = [
        f"{len(counts):,} of {len(table):,} networks are within the limit.",
        "",
        "| CIFAR-10 accuracy, % | median | lower quartile | upper quartile |",
        "|---|---|---|---|",
        line(f"found by {options.budget} scores", winners),
        line("a random network within the limit", known),
        line("the largest ones", [accuracy[arch] for arch, n in counts.items() if n == largest]),
        line("the best one", [known.max()]),
        "",
        f"On average the winner is better than {above:.1f} % of the networks within the limit.",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
