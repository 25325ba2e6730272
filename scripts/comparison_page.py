"""Measure every score on four benchmarks, in both regimes, and write docs/comparison.md.

GRADALIGN_DATA=FOLDER python scripts/comparison_page.py STORES

STORES is a folder with a store for each benchmark and set of scores: the run may be stopped at any
time, and the same command goes on. FOLDER holds the tables of accuracies and `cifar10_1000.npz`.
NAS-Bench-101 has to be imported first: gradalign data import nb101 FOLDER/nb101_dev.parquet
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import kendalltau

from gradalign.aggregates import AGGREGATES
from gradalign.benchmarks import Benchmark, get_benchmark
from gradalign.cli._collect import Collected, measured
from gradalign.cli._sweep import Resources
from gradalign.comparison import Comparison, compare, grids, markdown
from gradalign.comparison.markdown import escaped
from gradalign.comparison.table import Line
from gradalign.errors import InputError
from gradalign.evaluation import Row
from gradalign.evaluation.table import COVARIATES
from gradalign.proxies import PROXIES
from gradalign.sweep import Plan

PAGE = Path(__file__).parent.parent / "docs" / "comparison.md"


@dataclass(frozen=True)
class Part:
    """One benchmark, and how many of its networks are measured.

    Args:
        space: Name of the space; of the benchmark too, where there is no file.
        networks: Their number, by the set of scores.
        file: Name of the table in the folder of data.
        metric: The accuracy of a file; empty: the benchmark's own.
        build: Options of the space.
    """

    space: str
    networks: Mapping[str, int]
    file: str = ""
    metric: str = ""
    build: tuple[tuple[str, str], ...] = ()

    def benchmark(self, data: Path) -> Benchmark:
        """The table of accuracies."""
        if not self.file:
            return get_benchmark(self.space)
        return get_benchmark(str(data / self.file), self.space)


_USUAL = {"shared": 300, "official": 100}
_COSTLY = {"shared-costly": 40, "official-costly": 20}
PARTS = (
    Part("nb201", {**_USUAL, **_COSTLY, "published": 100}),
    Part("nb101", _USUAL, build=(("stem_channels", "16"),)),
    Part("darts", {"shared": 200, "official": 100}, "darts_dev.parquet"),
    Part("macro", _USUAL, "nb_macro_dev.parquet", "mean_acc"),
)

_COSTLY_SHARED = ("knas_official", "ntk_cond_full", "ntk_trace_full")
_COSTLY_OFFICIAL = (*_COSTLY_SHARED, "ntk_cond", "xi_gsnr")

PUBLISHED: Mapping[str, tuple[float, float, float]] = {
    "az_nas": (0.741, 0.723, 0.710),
    "gradsign": (0.618, 0.594, 0.575),
    "zico": (0.589, 0.590, 0.584),
    "naswot": (0.557, 0.579, 0.573),
    "synflow": (0.571, 0.565, 0.555),
}
"""Tau on all 15,625 networks of NAS-Bench-201 (Lee & Ham, CVPR 2024, table 1), by data set."""


def _all_but(*left_out: str) -> tuple[str, ...]:
    """The scores of which the same conditions give the same value, without some."""
    return tuple(
        name for name, proxy in PROXIES.items() if proxy.deterministic and name not in left_out
    )


def plans(data: Path) -> Mapping[str, Plan]:
    """What is measured, by set of scores."""
    small = Plan(batch_size=16, input_size=(16,))
    official = replace(small, regime="official")
    members = [AGGREGATES[name].members for name in PUBLISHED if name in AGGREGATES]
    published = (*(name for name in PUBLISHED if name in PROXIES), *chain(*members))
    return {
        "shared": replace(small, proxies=_all_but(*_COSTLY_SHARED)),
        "official": replace(official, proxies=_all_but(*_COSTLY_OFFICIAL)),
        "shared-costly": replace(small, proxies=(*_COSTLY_SHARED, *COVARIATES)),
        "official-costly": replace(
            official, proxies=(*_COSTLY_OFFICIAL, "linear_regions", *COVARIATES)
        ),
        "published": Plan(
            regime="official",
            data=f"npz:{data / 'cifar10_1000.npz'}",
            proxies=tuple(dict.fromkeys([*published, *COVARIATES])),
        ),
    }


class Work:
    """Measures the sets of scores, and keeps what it found.

    Args:
        data: Folder of the tables and images.
        stores: Folder of the stores.
        workers: Number of processes.
    """

    def __init__(self, data: Path, stores: Path, workers: int) -> None:
        self.data = data
        self._stores = stores
        self._workers = workers
        self._plans = plans(data)

    def compared(self, scores: str) -> Comparison:
        """A set of scores on every benchmark on which it is measured."""
        columns = []
        for part in PARTS:
            if scores in part.networks:
                columns += self._measured(part, scores).evaluations
        return compare(columns)

    def _measured(self, part: Part, scores: str) -> Collected:
        """What the store of a benchmark and set of scores holds, once it is complete."""
        sys.stderr.write(f"{part.space}, {scores}\n")
        return measured(
            self._stores / f"{part.space}-{scores}.db",
            [part.benchmark(self.data)],
            [part.metric] if part.metric else [],
            (),
            replace(self._plans[scores], build=part.build).with_ablations(),
            Resources(workers=self._workers),
            sample=part.networks[scores],
            seed=0,
            quiet=False,
        )


def main() -> int:
    """Measure, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("stores", type=Path, help="folder of the stores")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    options = parser.parse_args()
    if "GRADALIGN_DATA" not in os.environ:
        sys.stderr.write("GRADALIGN_DATA is unset: it must name the folder of the tables\n")
        return 2
    options.stores.mkdir(parents=True, exist_ok=True)
    work = Work(Path(os.environ["GRADALIGN_DATA"]), options.stores, options.workers)
    try:
        PAGE.write_text("\n".join(page(work)) + "\n", encoding="utf-8")
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


def page(work: Work) -> Iterator[str]:
    """The page, part by part."""
    yield "# Every score on four benchmarks\n"
    yield (
        f"Made by `GRADALIGN_DATA=FOLDER python scripts/comparison_page.py STORES` at commit "
        f"`{_commit()}`; the same command goes on where it was stopped. One seed, PyTorch's "
        "initialisation unless a score's authors draw their own. NAS-Bench-101 has a stem of 16 "
        "channels. Seconds are those of one thread on a shared two-core machine without "
        "accelerator, the pass included, whoever else uses it. `latency` is left out: it depends "
        "on what else the machine does.\n"
    )
    shared = work.compared("shared")
    yield "## Shared regime\n"
    yield (
        "All scores under one protocol: 16 embedded digits at 16x16, `norm=batch_fixed`; one pass "
        "gives most of them.\n"
    )
    yield from _findings(shared)
    yield markdown(grids(shared))
    yield "## Official regime\n"
    yield (
        "Each score with the batch size, norm mode, initialisation and inputs of its authors' "
        "code, where these differ; images are the same digits at 16x16.\n"
    )
    official = work.compared("official")
    yield from _findings(official)
    yield markdown(grids(official))
    yield "## The costliest, on fewer networks\n"
    yield (
        "What takes as long as all others together, on NAS-Bench-201 alone: few networks, so wide "
        "intervals.\n"
    )
    yield "Shared regime:\n"
    yield markdown(grids(work.compared("shared-costly"))[:2])
    yield "Official regime (`linear_regions` for the aggregate `te_nas`):\n"
    yield markdown(grids(work.compared("official-costly"))[:2])
    yield from _published(work.compared("published"))
    yield _elsewhere(work.data)


def _findings(found: Comparison) -> Iterator[str]:
    """What the table says of plain sizes, from its numbers."""
    with_mean = [line for line in found.lines if line.tau is not None]
    sizes = [line for line in with_mean if line.kind == "size"]
    rivals = [line for line in with_mean if line.kind in ("gradalign", "method", "aggregate")]
    size = max(sizes, key=_mean_tau)
    above = sorted((each for each in rivals if _mean_tau(each) > _mean_tau(size)), key=_mean_tau)
    names = ", ".join(f"`{each.name}` {_mean_tau(each):.3f}" for each in reversed(above))
    yield (
        f"The best plain size is `{size.name}`, with a mean tau of {_mean_tau(size):.3f}. Of "
        f"{len(rivals)} other scores and aggregates {len(above)} have a higher one: {names}.\n"
    )
    left = [each for each in rivals if each.partial_tau is not None and each.partial_tau.ci]
    none = sum(
        each.partial_tau.ci[0] <= 0 for each in left if each.partial_tau and each.partial_tau.ci
    )
    yield (
        f"With params, macs and layers held constant, the interval of the mean tau of {none} of "
        f"{len(left)} reaches down to 0 or below.\n"
    )


def _mean_tau(line: Line) -> float:
    return line.tau.value if line.tau is not None else float("-inf")


def _published(found: Comparison) -> Iterator[str]:
    """Published taus beside ours, and whether our intervals cover them."""
    yield "## Against published figures\n"
    yield (
        "NAS-Bench-201 in the official regime at 32x32, with CIFAR-10 images where the authors "
        "take images. Published are the taus on all 15,625 networks (Lee & Ham, CVPR 2024, table "
        "1); ours have 95 % intervals over the networks.\n"
    )
    columns = [each.metric for each in found.evaluations]
    yield f"| | {' | '.join(f'{escaped(c)}: published | ours | covered' for c in columns)} |"
    yield "| --- |" + " ---: | ---: | --- |" * len(columns)
    lines = {line.name: line for line in found.lines}
    for name, published in PUBLISHED.items():
        cells = [
            f"{tau:.3f} | {_with_interval(row)} | {_covered(row, tau)}"
            for row, tau in zip(lines[name].rows, published, strict=True)
        ]
        yield f"| {escaped(name)} | {' | '.join(cells)} |"
    yield ""


def _elsewhere(data: Path) -> str:
    """What the scores give that others published network by network, and how draws scatter."""
    table = pd.read_parquet(data / "nb201_suite_zero_dev.parquet")
    table = table[table["dataset"] == "cifar10"]
    found = []
    for name in ("nwot", "synflow"):
        pair = table[[name, "val_accuracy"]]
        draws = [_tau(pair.sample(100, random_state=k)) for k in range(300)]
        low, high = np.quantile(draws, [0.025, 0.975])
        found.append(
            f"`{name}` {_tau(pair):.3f} (draws of 100 of these networks: {low:.3f} to {high:.3f})"
        )
    return (
        "Published figures differ among themselves. The scores that NAS-Bench-Suite-Zero published "
        f"for {len(table):,} of the networks (batch 32, validation accuracy on CIFAR-10) have the "
        f"taus {' and '.join(found)}. So NASWOT of that code lies above the table's figure too, "
        "and a draw of 100 networks strays as far as ours does."
    )


def _tau(pair: pd.DataFrame) -> float:
    return float(kendalltau(*pair.to_numpy().T).statistic)


def _with_interval(row: Row | None) -> str:
    if row is None or row.kendall_tau is None or row.kendall_tau_ci is None:
        return "-"
    low, high = row.kendall_tau_ci
    return f"{row.kendall_tau:.3f} \\[{low:.3f}, {high:.3f}\\]"


def _covered(row: Row | None, tau: float) -> str:
    interval = None if row is None else row.kendall_tau_ci
    return "yes" if interval and interval[0] <= tau <= interval[1] else "no"


def _commit() -> str:
    """The commit of the checkout, short."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
