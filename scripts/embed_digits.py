"""Train the networks of the benchmark `digits`, and write its table into the package.

python scripts/embed_digits.py FOLDER

FOLDER holds the finished trainings: the run may be stopped at any time, and the same command goes
on. The trainings are those of `gradalign study convergence`, of more networks.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from pathlib import Path

import numpy as np
import pandas as pd

from gradalign.studies import Ledger, Workshop
from gradalign.studies.convergence.run import Options, observed
from gradalign.studies.convergence.runs import LEVELS

TABLE = Path(__file__).parent.parent / "src" / "gradalign" / "benchmarks" / "digits.parquet"

OPTIONS = Options(networks=40, seeds=5)

WANTED = 3.0
"""Least ratio of the spread between architectures to the standard error of their means."""


def main() -> int:
    """Train, write, and say how far apart the architectures are."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path, help="folder of the finished trainings")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    options = parser.parse_args()
    workshop = Workshop(Ledger(options.folder / "convergence.jsonl"), options.workers, _tell)
    table = table_of(observed(workshop, OPTIONS))
    table.to_parquet(TABLE, index=False)
    sys.stdout.write(f"{len(table)} networks, {hashlib.sha256(TABLE.read_bytes()).hexdigest()}\n")
    enough = True
    for space, ratio in ratios(table).items():
        enough &= ratio >= WANTED
        sys.stdout.write(f"{space}: spread over standard error {ratio:.1f}\n")
    return 0 if enough else 1


def table_of(runs: list[dict[str, object]]) -> pd.DataFrame:
    """A row for each network: means over its trainings, and the accuracy of each."""
    frame = pd.DataFrame(runs)
    frame["arch"] = frame["space"] + ":" + frame["arch"]
    for level in LEVELS:
        reached = [steps[str(level)] for steps in frame["steps"]]
        never = frame["most_steps"] + 1
        frame[f"steps_to_{level:g}"] = pd.Series(reached, dtype=float).fillna(never)
    means = [f"steps_to_{level:g}" for level in LEVELS]
    by_arch = frame.groupby("arch", sort=False)
    table = by_arch["accuracy"].mean().rename("test_accuracy").to_frame()
    table = table.join(by_arch["train_accuracy"].mean()).join(by_arch[means].mean())
    table = table.join(by_arch["diverged"].sum())
    single = frame.pivot(index="arch", columns="seed", values="accuracy")
    single.columns = [f"test_accuracy_{seed}" for seed in single.columns]
    return table.join(single).reset_index().astype({"diverged": np.int64})


def ratios(table: pd.DataFrame) -> dict[str, float]:
    """Spread between architectures over the standard error of a mean, by space and of all."""
    runs = [name for name in table.columns if name.startswith("test_accuracy_")]
    spaces = table["arch"].str.partition(":")[0]
    found = {}
    for space in (*spaces.unique(), "all"):
        own = table if space == "all" else table[spaces == space]
        error = np.sqrt(own[runs].var(axis=1, ddof=1).mean() / len(runs))
        found[space] = float(own["test_accuracy"].std(ddof=1) / error)
    return found


def _tell(what: str, done: int, total: int) -> None:
    sys.stderr.write(f"\r{what}: {done:,} of {total:,}")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
