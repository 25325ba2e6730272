"""Hold our official scores against those that NAS-Bench-Suite-Zero published, network by network.

GRADALIGN_DATA=FOLDER python scripts/suite_zero.py STORE

300 networks of NAS-Bench-201 with their published scores on CIFAR-10 (`nb201_suite_zero_dev`), ours
on images of `cifar10_1000.npz`. What the store lacks is measured; the same command goes on. Prints
a Markdown table of Spearman correlations; exit code 1 if one is below the noise ceiling less 0.03.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import spearmanr

from gradalign.cli._sweep import Resources, opened, run_sweep
from gradalign.spaces import get_space
from gradalign.sweep import Plan

NETWORKS = 300
MARGIN = 0.03
RESAMPLES = 1000


@dataclass(frozen=True)
class Pair:
    """A score of ours and its published counterpart.

    Args:
        ours: Name of ours.
        theirs: Column of the published table.
        ceiling: Spearman correlation of two published runs on the same networks; None: not known.
        required: Whether ours has to reach the ceiling less the margin.
    """

    ours: str
    theirs: str
    ceiling: float | None
    required: bool = True


PAIRS = (
    Pair("synflow", "synflow", 1.00),
    Pair("snip", "snip", 0.99),
    Pair("grad_norm", "grad_norm", 0.99),
    Pair("fisher", "fisher", 0.98),
    Pair("jacob_cov", "jacov", 0.94),
    Pair("l2_norm", "l2_norm", 0.93),
    Pair("params", "params_M", 1.00),
    Pair("published_flops", "flops_M", 1.00),
    Pair("nwot", "nwot", None, required=False),
    Pair("zen", "zen", None, required=False),
    Pair("epe_nas", "epe_nas", 0.80, required=False),
    Pair("grasp", "grasp", 0.78, required=False),
    Pair("plain", "plain", 0.18, required=False),
)
"""The ceilings are those of the published data, from two independent runs."""

FLOPS = "published_flops"
"""Not a score: what the space counts in the convention of its published table."""


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("store", type=Path)
    parser.add_argument("--again", action="store_true", help="also another seed, for our own noise")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    options = parser.parse_args()
    if "GRADALIGN_DATA" not in os.environ:
        sys.stderr.write("GRADALIGN_DATA is unset: it must name the folder of the tables\n")
        return 2
    data = Path(os.environ["GRADALIGN_DATA"])
    theirs = published(data)
    seeds = (0, 1) if options.again else (0,)
    ours = measured(data, list(theirs.index), options.store, seeds, options.workers)
    lines = list(compare(ours, theirs))
    sys.stdout.write(
        "\n".join(
            [
                "| score | theirs | networks | Spearman | 95 % interval | "
                "two seeds of ours | noise ceiling | reached |",
                *lines,
            ]
        )
        + "\n"
    )
    return int(any(line.endswith("NO |") for line in lines))


def published(data: Path) -> pd.DataFrame:
    """The published scores of the networks drawn, by architecture."""
    table = pd.read_parquet(data / "nb201_suite_zero_dev.parquet")
    table = table[table["dataset"] == "cifar10"]
    return table.sample(NETWORKS, random_state=0).set_index("arch")


def measured(
    data: Path, archs: list[str], path: Path, seeds: tuple[int, ...], workers: int
) -> dict[int, pd.DataFrame]:
    """Our scores by seed: a row an architecture, a column a score."""
    names = tuple(pair.ours for pair in PAIRS if pair.ours != FLOPS)
    plan = Plan(regime="official", data=f"npz:{data / 'cifar10_1000.npz'}", proxies=names)
    models = [f"nb201:{arch}" for arch in archs]
    with opened(path, resume=True) as store:
        run_sweep(models, plan, store, Resources(workers=workers), seeds=seeds)
        frame = store.frame(protocols=[*plan.scorer().protocols], proxies=names)
    space = get_space("nb201")
    found = {}
    for seed, own in frame.groupby("seed"):
        wide = own.pivot_table(index="model", columns="proxy", values="value")
        wide.index = wide.index.str.removeprefix("nb201:")
        wide[FLOPS] = [space.published_flops(arch) for arch in wide.index]
        found[int(str(seed))] = wide.reindex(archs)
    return found


def compare(ours: dict[int, pd.DataFrame], theirs: pd.DataFrame) -> Iterator[str]:
    """A row of the table for each pair."""
    yield "| --- | --- | ---: | ---: | --- | ---: | ---: | --- |"
    for pair in PAIRS:
        a, b = ours[0][pair.ours], theirs[pair.theirs]
        both = a.notna() & b.notna()
        rho = spearman(a[both], b[both])
        low, high = interval(a[both].to_numpy(), b[both].to_numpy())
        own = f"{spearman(a[both], ours[1][pair.ours][both]):.3f}" if 1 in ours else "-"
        ceiling = "-" if pair.ceiling is None else f"{pair.ceiling:.2f}"
        reached = pair.ceiling is None or rho >= pair.ceiling - MARGIN
        verdict = "yes" if reached else ("NO" if pair.required else "no")
        yield (
            f"| {pair.ours} | {pair.theirs} | {both.sum()} | {rho:.4f} | {low:.3f} to {high:.3f} "
            f"| {own} | {ceiling} | {verdict if pair.ceiling is not None else '-'} |"
        )


def spearman(a: pd.Series[float], b: pd.Series[float]) -> float:
    """Spearman's rank correlation."""
    return float(spearmanr(a, b).statistic)


def interval(a: np.ndarray, b: np.ndarray) -> tuple[float, float]:
    """Its 95 % bootstrap interval over networks."""
    generator = np.random.default_rng(0)
    draws = [generator.integers(len(a), size=len(a)) for _ in range(RESAMPLES)]
    values = [spearmanr(a[draw], b[draw]).statistic for draw in draws]
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


if __name__ == "__main__":
    sys.exit(main())
