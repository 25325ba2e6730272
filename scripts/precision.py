"""Whether single precision orders networks as double precision does, for every score.

python scripts/precision.py FOLDER

Measures every deterministic score on random networks of two spaces in both precisions, into stores
in FOLDER (the same command goes on), and prints a Markdown table of Spearman correlations between
them; "-" where fewer than three networks have a value, or all have the same. Exit code 1 if a score
is below 0.99 on a space and not marked `ill_conditioned`, or marked and below on none. A score with
a probe in double precision by its definition is 1 by construction. Attention occurs in neither
space: `gradalign.testing` has it among its networks.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
from scipy.stats import spearmanr

from gradalign.cli._sweep import Resources, opened, run_sweep
from gradalign.cli.sweep import sampled
from gradalign.probe import DType
from gradalign.proxies import PROXIES
from gradalign.spaces import get_space
from gradalign.sweep import Plan
from gradalign.testing.precision import LEAST

NETWORKS = 60
PLAN = Plan(
    batch_size=16,
    input_size=(16,),
    proxies=tuple(name for name, proxy in PROXIES.items() if proxy.deterministic),
)
BUILDS: dict[str, tuple[tuple[str, str], ...]] = {
    "nb201": (("cells", "1"), ("channels", "8")),
    "mlp": (),
}
"""The spaces, with the options that keep their networks small."""

Values = Mapping[str, pd.DataFrame]
"""By score: `value` and `status`, a row a network."""


@dataclass(frozen=True)
class Agreement:
    """Of one score on one space.

    Args:
        rho: Spearman's rank correlation; None: there is no order that could change.
        networks: How many have a value in both precisions.
        differing: How many have another status in one than in the other.
    """

    rho: float | None
    networks: int
    differing: int

    @property
    def low(self) -> bool:
        """Whether the order is not kept; so it is where only one precision tells any apart."""
        return self.rho is not None and not self.rho >= LEAST

    def __str__(self) -> str:
        rho = "-" if self.rho is None else f"{self.rho:.4f}"
        return f"{rho} | {self.networks} | {self.differing}"


def main() -> int:
    """Measure and print; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="of the stores")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    pairs = [
        (
            measured(space, "float32", options.folder, options.workers),
            measured(space, "float64", options.folder, options.workers),
        )
        for space in BUILDS
    ]
    heads = "".join(f" {space} | networks | statuses differ |" for space in BUILDS)
    sys.stdout.write(f"| score |{heads} marked |\n| --- |{' ---: |' * (3 * len(BUILDS))} --- |\n")
    wrong = False
    for name in PLAN.proxies:
        found = [agreement(single[name], double[name]) for single, double in pairs]
        low, marked = any(each.low for each in found), bool(PROXIES[name].ill_conditioned)
        wrong |= low != marked
        mark = ("yes" if marked else "-") if low == marked else "WRONG"
        sys.stdout.write(f"| {name} | {' | '.join(map(str, found))} | {mark} |\n")
    return int(wrong)


def measured(space: str, dtype: DType, folder: Path, workers: int) -> Values:
    """Every score of the drawn networks."""
    plan = replace(PLAN, dtype=dtype, build=BUILDS[space])
    models = sampled(get_space(space), NETWORKS, seed=0)
    with opened(folder / f"{space}-{dtype}.db", resume=True) as store:
        run_sweep(models, plan, store, Resources(workers=workers))
        frame = store.frame(protocols=[*plan.scorer().protocols], proxies=plan.proxies)
    return {str(k): v.set_index("model").reindex(models) for k, v in frame.groupby("proxy")}


def agreement(single: pd.DataFrame, double: pd.DataFrame) -> Agreement:
    """Of one score in the two precisions."""
    both = single["value"].notna() & double["value"].notna()
    differing = int((single["status"] != double["status"]).sum())
    one, two = single["value"][both], double["value"][both]
    ordered = both.sum() >= 3 and max(one.nunique(), two.nunique()) > 1
    constant = min(one.nunique(), two.nunique()) < 2
    rho = (0.0 if constant else float(spearmanr(one, two).statistic)) if ordered else None
    return Agreement(rho, int(both.sum()), differing)


if __name__ == "__main__":
    sys.exit(main())
