"""`python -m bench.sweep`: what a sweep costs beside bare scoring, and what workers gain.

The same networks of NAS-Bench-201 are scored in this process with one thread, by a sweep with one
worker and by one with two, in turns. A sweep is timed whole, the start of its workers included, and
from its first result on (`steady`).
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path

import torch

from gradalign.cli.sweep import sampled
from gradalign.demonstration.run import PLAN
from gradalign.spaces import SPACES
from gradalign.store import Store
from gradalign.sweep import Summary, sweep

Rates = dict[str, float]


def bare(models: list[str]) -> float:
    """Networks a second of a plain loop."""
    scorer = PLAN.scorer()
    started = time.perf_counter()
    for model in models:
        scorer.attempt(PLAN.candidate(model))
    return len(models) / (time.perf_counter() - started)


def swept(models: list[str], workers: int, folder: Path) -> tuple[float, float]:
    """Networks a second of a sweep: whole, and from its first result on."""
    moments: list[float] = []

    def note(_summary: Summary) -> None:
        moments.append(time.perf_counter())

    started = time.perf_counter()
    with Store.open(folder / "bench.db") as store:
        sweep(models, PLAN, store, workers=workers, progress=note)
    whole = len(models) / (time.perf_counter() - started)
    # the first `workers` results end at about the same time: counting starts behind them
    steady = (len(models) - workers) / (moments[-1] - moments[workers - 1])
    return whole, steady


def turn(models: list[str]) -> Rates:
    """The rates of one turn."""
    rates: Rates = {"bare": bare(models)}
    for workers in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            whole, steady = swept(models, workers, Path(folder))
        rates |= {f"{workers} whole": whole, f"{workers} steady": steady}
    return rates


def main() -> None:
    """Print the rates of each turn, and the medians of their ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench.sweep", description=__doc__)
    parser.add_argument("--networks", type=int, default=60)
    parser.add_argument("--turns", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(1)
    models = sampled(SPACES["nb201"], options.networks, seed=0)
    bare(models[:5])  # the conservation check of each kind of network, once
    found = []
    for _ in range(options.turns):
        found.append(turn(models))
        print({name: round(rate, 2) for name, rate in found[-1].items()}, flush=True)
    ratios = {
        "one worker, steady / bare": [each["1 steady"] / each["bare"] for each in found],
        "one worker, whole / bare": [each["1 whole"] / each["bare"] for each in found],
        "two workers / one, steady": [each["2 steady"] / each["1 steady"] for each in found],
        "two workers / one, whole": [each["2 whole"] / each["1 whole"] for each in found],
    }
    print(json.dumps({name: round(statistics.median(r), 3) for name, r in ratios.items()}))


if __name__ == "__main__":
    main()
