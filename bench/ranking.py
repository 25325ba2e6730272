"""Ranking quality on NAS-Bench-201: mean over five fixed draws of 300 networks, both norm modes.

    python -m bench.ranking --data npz:FILE [--norms batch_fixed,sample] [--draws 5]

Scores every network of the draws once a norm mode, with every proxy that one shared pass gives, and
prints for each proxy the mean over the draws of the signed Kendall tau-b with the published
accuracy on the three data sets, and the spread (standard deviation) over the draws.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.progress import track
from rich.table import Table

from gradalign.benchmarks import get_benchmark
from gradalign.evaluation import evaluate
from gradalign.proxies import PROXIES
from gradalign.sweep import Plan, score_in_processes

METRICS = ("cifar10", "cifar100", "imagenet16-120")
OWN_PASS = {"zico", "synflow", "grasp"}
"""Proxies that need more than the shared pass, and are left out unless asked for."""


def draws(count: int, size: int) -> list[list[str]]:
    """Architectures of each draw, by the seeds 0, 1, ..."""
    architectures = get_benchmark("nb201").frame["arch"]
    return [list(architectures.sample(size, random_state=seed)) for seed in range(count)]


def scored(models: list[str], plan: Plan, workers: int, console: Console) -> pd.DataFrame:
    """Long frame of the scores; `seconds` is pass and proxy together."""
    names = [f"nb201:{model}" for model in models]
    results = score_in_processes(names, plan, workers=workers)
    progress = track(
        results, total=len(names), description=plan.norm, console=console, update_period=2
    )
    frame = pd.concat([scores.to_frame() for _, scores in progress])
    frame["seconds"] += frame["pass_seconds"].fillna(0)
    return frame


def taus(scores: pd.DataFrame, architectures: list[str]) -> dict[str, dict[str, float]]:
    """tau of each proxy with each metric on one draw."""
    names = {f"nb201:{a}" for a in architectures}
    chosen = scores[scores["model"].isin(names)]
    directions = {name: PROXIES[name].better for name in PROXIES}
    found: dict[str, dict[str, float]] = {}
    for metric in METRICS:
        result = evaluate(
            chosen, get_benchmark("nb201"), metric, directions=directions, resamples=1
        )
        for row in result.rows:
            found.setdefault(row.proxy, {})[metric] = row.kendall_tau or float("nan")
    return found


def main() -> None:
    """Score, evaluate and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--data", default="digits", help="data source, such as npz:FILE")
    parser.add_argument("--norms", default="batch_fixed,sample")
    parser.add_argument("--draws", type=int, default=5)
    parser.add_argument("--networks", type=int, default=300, help="networks a draw")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--input-size", type=int, help="side of the images")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    console = Console(width=None if os.isatty(1) else 120)
    drawn = draws(options.draws, options.networks)
    models = sorted({model for draw in drawn for model in draw})
    document: dict[str, object] = {}
    for norm in options.norms.split(","):
        plan = Plan(
            proxies=tuple(name for name in PROXIES if name not in OWN_PASS),
            data=options.data,
            norm=norm,
            batch_size=options.batch_size,
            input_size=(options.input_size,) if options.input_size else None,
        )
        scores = scored(models, plan, options.workers, Console(stderr=True))
        by_draw = [taus(scores, draw) for draw in drawn]
        table = Table("proxy", *METRICS, title=f"tau, norm={norm}, {len(models)} networks")
        rows = []
        for proxy in by_draw[0]:
            cells = [[draw[proxy][metric] for draw in by_draw] for metric in METRICS]
            means = [statistics.fmean(cell) for cell in cells]
            spreads = [statistics.stdev(cell) if len(cell) > 1 else 0.0 for cell in cells]
            rows.append((means, spreads, proxy))
        for means, spreads, proxy in sorted(rows, reverse=True):
            texts = [f"{m:.3f} ± {s:.3f}" for m, s in zip(means, spreads, strict=True)]
            table.add_row(proxy, *texts)
        console.print(table)
        seconds = scores.drop_duplicates("model")["pass_seconds"].mean()
        console.print(f"{seconds:.2f} s a network for the shared pass, one thread")
        document[norm] = {proxy: dict(zip(METRICS, means, strict=True)) for means, _, proxy in rows}
    if options.json:
        options.json.write_text(json.dumps(document, indent=1))


if __name__ == "__main__":
    main()
