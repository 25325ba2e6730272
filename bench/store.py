"""A store of many records: size on disk, seconds and peak memory of what is done with it.

    python -m bench.store [--models 15625] [--proxies 64] [--adds 100]

Makes a store of synthetic records in a temporary folder, one in a hundred of them a failure, and
then opens it, reads it as a frame, lists what is recorded, merges and exports it, each in a fresh
process. Seconds are wall time; the peak is that of the process above what it had just before
(Linux), so that the libraries are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from gradalign.evaluation import evaluate
from gradalign.record import Score, Scores
from gradalign.store import Store, export

CONDITIONS = {"norm": "batch_fixed", "batch_size": 32}
_STATUS = Path("/proc/self/status")


def network(model: str, proxies: int, draw: random.Random) -> Iterator[Score]:
    """The records of one network, much as a pass gives them."""
    seconds = draw.random()
    for k in range(proxies):
        value = draw.gauss(0, 1)
        score = Score(
            model=model,
            proxy=f"proxy_{k}",
            value=value,
            stderr=abs(value) / 7,
            seconds=draw.random() / 100,
            seed=0,
            protocol="0123456789ab",
            pass_seconds=seconds,
            backend="hooks",
            canonical=model,
        )
        failed = draw.random() < 0.01
        yield (
            replace(
                score, value=None, stderr=None, status="nan", reason="the value is not a number"
            )
            if failed
            else score
        )


def fill(path: Path, models: int, proxies: int, at_once: int) -> None:
    """Make a store, so many networks to an addition."""
    draw = random.Random(0)
    names = [f"nb201:|{k:07}~0|+|nor_conv_3x3~0|skip_connect~1|+|none~2|" for k in range(models)]
    with Store.open(path) as store:
        for start in range(0, models, at_once):
            part = names[start : start + at_once]
            records = [score for name in part for score in network(name, proxies, draw)]
            store.add(Scores(records, {"0123456789ab": CONDITIONS}))


def _frame(path: Path) -> pd.DataFrame:
    with Store.read(path) as store:
        return store.frame()


def _open(path: Path) -> None:
    Store.open(path).close()


def _recorded(path: Path) -> object:
    with Store.open(path) as store:
        return store.recorded()


def _merge(path: Path) -> None:
    with Store.open(path.with_name("merged.db")) as store:
        store.merge(path)


def _merge_again(path: Path) -> None:
    with Store.open(path.with_name("merged.db")) as store:
        assert store.merge(path) == 0


def _evaluate(path: Path) -> object:
    """Every statistic of every score, against accuracies drawn at random."""
    with Store.read(path) as store:
        frame = store.frame()
    models = frame["model"].unique()
    accuracy = np.random.default_rng(0).uniform(10, 95, len(models))
    truth = pd.DataFrame({"arch": models, "accuracy": accuracy})
    return evaluate(frame, truth, "accuracy")


TASKS: dict[str, Callable[[Path], object]] = {
    "open and close": _open,
    "open and read as a frame": _frame,
    "open, read and evaluate": _evaluate,
    "open and list what is recorded": _recorded,
    "merge into an empty store": _merge,
    "merge once more": _merge_again,
}


def megabytes(name: str) -> float:
    """A field of the process's status; not a number where the system has none."""
    with contextlib.suppress(OSError):
        for line in _STATUS.read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) / 1024
    return math.nan


def run(task: str, path: Path) -> None:
    """Do one thing in this process and print its seconds and megabytes."""
    pd.Series(["a"]).array.take([0])  # pandas loads pyarrow at the first text
    before, start = megabytes("VmRSS"), time.perf_counter()
    kept = TASKS[task](path)
    print(time.perf_counter() - start, megabytes("VmHWM") - before)
    if isinstance(kept, pd.DataFrame):
        for suffix in (".csv", ".parquet"):
            start = time.perf_counter()
            export(kept, path.with_suffix(suffix))
            size = path.with_suffix(suffix).stat().st_size / 1e6
            print(f"export to {suffix}: {time.perf_counter() - start:.2f} s, {size:.0f} MB")


def main() -> None:
    """Make the store, and measure in a process for each task."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--models", type=int, default=15_625)
    parser.add_argument("--proxies", type=int, default=64)
    parser.add_argument("--at-once", type=int, default=1, help="networks to one addition")
    parser.add_argument("--run", nargs=2, metavar=("TASK", "FILE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        return run(options.run[0], Path(options.run[1]))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        start = time.perf_counter()
        fill(path, options.models, options.proxies, options.at_once)
        seconds, count = time.perf_counter() - start, options.models * options.proxies
        megabytes = path.stat().st_size / 1e6
        print(f"{count:,} records added in {seconds:.1f} s; the file has {megabytes:.0f} MB")
        for task in TASKS:
            command = [sys.executable, "-m", "bench.store", "--run", task, str(path)]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            first, *more = done.stdout.splitlines()
            seconds, peak = map(float, first.split())
            print(f"{task}: {seconds:.2f} s, {peak:.0f} MB")
            for line in more:
                print(f"  {line}")
    return None


if __name__ == "__main__":
    main()
