"""Whether single precision orders networks as double precision does, for every score.

python scripts/precision.py FOLDER

Measures every score on random networks of two spaces in both precisions, into stores in FOLDER (the
same command goes on), and prints a Markdown table of Spearman correlations between them. Exit code
1 if a score is below 0.99 on a space and not marked `ill_conditioned`, or marked and above on all.
A score whose probe is in double precision by its definition is 1 by construction.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from gradalign.cli._sweep import Resources, opened, run_sweep
from gradalign.cli.sweep import sampled
from gradalign.proxies import PROXIES
from gradalign.spaces import get_space
from gradalign.sweep import Plan

NETWORKS = 60
LEAST = 0.99
DTYPES = ("float32", "float64")
PLAN = Plan(
    batch_size=8,
    input_size=(16,),
    proxies=tuple(name for name, proxy in PROXIES.items() if proxy.deterministic),
)
SPACES = ("nb201", "mlp")


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="of the stores")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    values = {
        space: tuple(measured(space, each, options.folder, options.workers) for each in DTYPES)
        for space in SPACES
    }
    heads = "".join(f" {space} | networks | statuses differ |" for space in SPACES)
    sys.stdout.write(f"| score |{heads} marked |\n| --- |{' ---: |' * (3 * len(SPACES))} --- |\n")
    wrong = False
    for name in PLAN.proxies:
        found = {space: agreement(pair[0], pair[1], name) for space, pair in values.items()}
        cells = " | ".join(f"{rho:.4f} | {n} | {other}" for rho, n, other in found.values())
        low = any(rho < LEAST for rho, _, _ in found.values())
        marked = bool(PROXIES[name].ill_conditioned)
        wrong |= low != marked
        mark = ("yes" if marked else "-") if low == marked else "WRONG"
        sys.stdout.write(f"| {name} | {cells} | {mark} |\n")
    return int(wrong)


def measured(space: str, dtype: str, folder: Path, workers: int) -> Mapping[str, pd.DataFrame]:
    """By score: `value` and `status`, a row a network."""
    plan = Plan(**{**vars(PLAN), "dtype": dtype})
    models = sampled(get_space(space), NETWORKS, seed=0)
    with opened(folder / f"{space}-{dtype}.db", resume=True) as store:
        run_sweep(models, plan, store, Resources(workers=workers))
        frame = store.frame(protocols=[*plan.scorer().protocols], proxies=plan.proxies)
    return {str(k): v.set_index("model").reindex(models) for k, v in frame.groupby("proxy")}


def agreement(
    single: Mapping[str, pd.DataFrame], double: Mapping[str, pd.DataFrame], name: str
) -> tuple[float, int, int]:
    """Spearman's rho, the networks with a value in both, and those of which the status differs.

    Where the value is the same for every network, or none has one, precision changes no order: 1.
    """
    a, b = single[name], double[name]
    both = a["value"].notna() & b["value"].notna()
    other = int((a["status"] != b["status"]).sum())
    one, two = a["value"][both], b["value"][both]
    if both.sum() < 3 or one.nunique() == 1 == two.nunique():
        return 1.0, int(both.sum()), other
    return float(spearmanr(one, two).statistic), int(both.sum()), other


if __name__ == "__main__":
    sys.exit(main())
