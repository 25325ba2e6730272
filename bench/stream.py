"""`python -m bench.stream`: a space of a million architectures through plan, queue and store.

    python -m bench.stream [--networks 1000000] [--workers 2] [--owner]

The networks cost next to nothing (`params` of one linear layer; one in ten has a twin long before
it), so that what is seen is the sweep itself: networks a second, the size of the store, and the
memory of the owner at each tenth of the way and at its peak (Linux), its libraries included. With
`--owner` no process measures anything and every answer is there at once: what the owner alone does.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from torch import nn

from bench.store import megabytes
from gradalign.record import Score, Scores
from gradalign.spaces import SPACES, Space, Task
from gradalign.spaces._base import Trial
from gradalign.store import Store
from gradalign.sweep import LocalPool, Plan, Summary, sweep
from gradalign.sweep.worker import Task as Work

PLAN = Plan(proxies=("params",), batch_size=2, device="cpu")


class _Numbers(Space[int]):
    """As many networks as wanted, each of one small layer."""

    name, size, options, example = "numbers", 10**9, {}, "7"
    tasks: Mapping[str, Task] = {
        "digits": Task(name="digits", input_size=(3, 2, 2), num_classes=10)
    }
    description, source, licence = "one linear layer", "this bench", "Apache-2.0"

    def parse(self, text: str) -> int:
        return int(text)

    def format(self, arch: int) -> str:
        return str(arch)

    def canonical(self, arch: int) -> str:
        return str(arch // 20 * 10 if arch % 10 == 9 else arch)

    def sample(self, rng: random.Random) -> int:
        return rng.randrange(10**9)

    def enumerate(self) -> Iterator[int]:
        return iter(range(10**9))

    def neighbours(self, arch: int) -> list[int]:
        return [arch - 1, arch + 1]

    def suggest(self, trial: Trial) -> int:
        return trial.suggest_int("number", 0, 10**9 - 1)

    def _decisions(self, arch: int) -> dict[str, Any]:
        return {"number": arch}

    def _build(self, arch: int, task: Task, options: Mapping[str, int]) -> nn.Module:
        del arch, options  # all cost the same
        return nn.Sequential(nn.Flatten(), nn.Linear(12, task.num_classes))


SPACES.add("numbers", _Numbers())  # here: worker processes import this module too


class Instant:
    """An executor that answers at once, with the records of nothing."""

    def __init__(self, plan: Plan) -> None:
        scorer = plan.scorer()
        self._protocol_of, self._protocols = scorer.protocol_of, scorer.protocols

    def run(self, tasks: Iterable[Work]) -> Iterator[tuple[int, Scores]]:
        for place, task in enumerate(tasks):
            records = [
                Score(model=task.model, proxy=name, value=1.0, seed=task.seed, protocol=protocol)
                for name, protocol in self._protocol_of.items()
            ]
            yield place, Scores(records, self._protocols)

    def close(self) -> None:
        pass

    def __enter__(self) -> Instant:
        return self

    def __exit__(self, *_error: object) -> None:
        pass


def stream(networks: int, workers: int, *, owner: bool, path: Path) -> dict[str, object]:
    """Sweep so many networks; what that took."""
    memory: dict[int, float] = {}

    def note(now: Summary) -> None:
        memory.setdefault(now.done * 10 // networks, round(megabytes("VmRSS")))

    started = time.perf_counter()
    executor = Instant(PLAN) if owner else LocalPool(PLAN, workers=workers)
    with Store.open(path) as store, executor:
        names = (f"numbers:{number}" for number in range(networks))
        done = sweep(names, PLAN, store, total=networks, executor=executor, progress=note)
    seconds = time.perf_counter() - started
    return {
        **done.to_dict(),
        "whole_seconds": round(seconds, 1),
        "networks_a_second": round(networks / seconds, 1),
        "owner_megabytes": list(memory.values()),
        "owner_peak_megabytes": round(megabytes("VmHWM")),
        "store_megabytes": round(path.stat().st_size / 1e6, 1),
    }


def main() -> None:
    """Print what the stream took, as JSON."""
    parser = argparse.ArgumentParser(prog="python -m bench.stream", description=__doc__)
    parser.add_argument("--networks", type=int, default=1_000_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--owner", action="store_true", help="let nothing be measured")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "bench.db"
        found = stream(options.networks, options.workers, owner=options.owner, path=path)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
