"""`python -m bench.evaluation`: time and peak memory of evaluating 1,000,000 scores.

Every case runs in a process of its own: synthetic records of networks x proxies, tied in part and a
hundredth of them failed, against a table with three trainings, everything that `evaluate` gives.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time

import numpy as np
import pandas as pd

from gradalign.aggregates import Aggregate
from gradalign.evaluation import evaluate

CASES = ((15_625, 64), (1_000_000, 1), (100_000, 10), (1_000, 1_000), (300, 3_333), (300, 25))
"""Networks and proxies; the last is an ordinary study, with the bootstrap."""

LIMIT = 30.0
"""Seconds that 1,000,000 scores may take."""


def records(networks: int, proxies: int, quality: np.typing.NDArray[np.float64]) -> pd.DataFrame:
    """Scores of every network by every proxy; the first three are named like measures of size."""
    generator = np.random.default_rng(1)
    names = [*("params", "macs", "layers")[:proxies], *(f"proxy_{k}" for k in range(3, proxies))]
    noise = generator.uniform(0.3, 2, size=proxies)[:, None]
    values = quality + noise * generator.normal(size=(proxies, networks))
    if proxies > 2:
        values[2] = values[2].round(1)  # layers: many ties
    values[generator.random(values.shape) < 0.01] = np.nan
    models = np.array([f"net:{k}" for k in range(networks)], dtype=object)
    return pd.DataFrame(
        {
            "model": np.tile(models, proxies),
            "proxy": np.repeat(np.array(names, dtype=object), networks),
            "value": values.ravel(),
            "status": np.where(np.isnan(values.ravel()), "nan", "ok"),
            "seconds": 0.01,
            "pass_seconds": 0.1,
            "seed": 0,
            "protocol": "00000000",
        }
    )


def table(networks: int, quality: np.typing.NDArray[np.float64]) -> pd.DataFrame:
    """Accuracies in percent, three trainings and their mean."""
    chance = np.random.default_rng(2).normal(size=(3, networks))
    frame = pd.DataFrame({"arch": [str(k) for k in range(networks)]})
    for k, own in enumerate(chance):
        frame[f"run_{k}"] = 90 + quality + 0.3 * own
    return frame.assign(final=frame[["run_0", "run_1", "run_2"]].mean(axis=1))


def measure(networks: int, proxies: int) -> dict[str, object]:
    """Evaluate one case, in this process."""
    quality = np.random.default_rng(0).normal(size=networks)
    scores, truth = records(networks, proxies, quality), table(networks, quality)
    members = tuple(scores["proxy"].unique()[-2:])
    aggregates = [Aggregate(name="both", members=members)] if len(members) > 1 else []
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter(), time.process_time()
    found = evaluate(
        scores,
        truth,
        "final",
        aggregates=aggregates,
        runs=["run_0", "run_1", "run_2"],
    )
    return {
        "networks": networks,
        "proxies": proxies,
        "method": found.interval_method,
        "differences": len(found.differences),
        "seconds": time.perf_counter() - start[0],
        "cpu_seconds": time.process_time() - start[1],
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "before_mib": before / 1024,
    }


def main() -> None:
    """Run every case, print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m bench.evaluation", description=__doc__)
    parser.add_argument("--case", nargs=2, type=int, metavar=("NETWORKS", "PROXIES"))
    options = parser.parse_args()
    if options.case:
        print(json.dumps(measure(*options.case)))
        return
    print(f"{'networks':>9} {'proxies':>7} {'method':>9} {'pairs':>6} {'s':>6} {'CPU s':>6} MiB")
    for networks, proxies in CASES:
        command = [sys.executable, "-m", "bench.evaluation", "--case", str(networks), str(proxies)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        case = json.loads(done.stdout)
        kept = "" if case["seconds"] <= LIMIT else f"  over the limit of {LIMIT:.0f} s"
        print(
            f"{networks:>9,} {proxies:>7,} {case['method']:>9} {case['differences']:>6,} "
            f"{case['seconds']:>6.1f} {case['cpu_seconds']:>6.1f} "
            f"{case['peak_mib']:,.0f} ({case['before_mib']:,.0f} before){kept}",
            flush=True,
        )


if __name__ == "__main__":
    main()
