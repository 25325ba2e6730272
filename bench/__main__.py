"""`python -m bench`: time the engine and its peers, print tables, say which limits were kept."""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from bench import memory
from bench.case import Memory, Row, memory_of, time_case
from bench.limits import Verdict, verdicts
from bench.networks import DEFAULT, NETWORKS
from bench.peers import PEERS
from bench.table import memory_table, time_table, verdict_table

QUICK_BATCH = 8


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=DEFAULT)
    parser.add_argument("--batch", type=int, help="in place of each network's own batch sizes")
    parser.add_argument("--repeats", type=int, default=5, help="5; the first 3 for peers")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=tuple(PEERS))
    parser.add_argument(
        "--memory",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="measure peak memory at each network's first batch size",
    )
    parser.add_argument(
        "--quick", action="store_true", help=f"one repeat, batch {QUICK_BATCH}, no memory: a trial"
    )
    parser.add_argument("--json", type=Path, help="write everything to this file as well")
    return parser


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for."""
    options = _parser().parse_args(arguments)
    if options.quick:
        options.batch, options.repeats, options.memory = QUICK_BATCH, 1, False
    rows: list[Row] = []
    peaks: list[Memory] = []
    print(f"torch {torch.__version__}, {platform.machine()}, one thread, CPU time\n", flush=True)
    for name in options.networks:
        network = NETWORKS[name]
        batches = (options.batch,) if options.batch else network.batches
        for batch in batches:
            rows += (case := time_case(name, batch, options.peers, options.repeats))
            print(time_table(network.title, case), flush=True)
        if options.memory and memory.available():
            peaks += (found := memory_of(name, batches[0]))
            print(memory_table(found), flush=True)
    judged = verdicts(rows, peaks)
    if judged:
        print(verdict_table(judged))
    if options.json:
        options.json.write_text(json.dumps(_record(rows, peaks, judged), indent=1) + "\n")


def _record(
    rows: Sequence[Row], peaks: Sequence[Memory], judged: Sequence[Verdict]
) -> dict[str, object]:
    return {
        "torch": torch.__version__,
        "machine": platform.machine(),
        "time": [asdict(row) for row in rows],
        "memory": [asdict(peak) for peak in peaks],
        "limits": [{**asdict(verdict), "kept": verdict.kept} for verdict in judged],
    }


if __name__ == "__main__":
    main()
