"""Hold every score against the values that the authors' own code gives on two fixed networks.

GRADALIGN_DATA=FOLDER python scripts/oracle_table.py          print a Markdown table
GRADALIGN_DATA=FOLDER python scripts/oracle_table.py ENTRY..  only entries that begin so

Everything is measured in double precision and compared with the values in double precision, where
there are such. Exit code 1 if one is out of its stated tolerance, or an entry is not accounted for.
"""

# ruff: noqa: E402 - the repository has to be on the path before the tests can be imported

from __future__ import annotations

import math
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

REPOSITORY = Path(__file__).parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "scripts")]

import numpy as np
import torch
from oracle_ways import LEFT_OUT, Way, way_to
from tests.engine import oracles

import gradalign as ga
from gradalign.engine import collect
from gradalign.engine.collectors import block_features
from gradalign.probe import Probe
from gradalign.proxies import PROXIES


@dataclass(frozen=True)
class Line:
    """One entry on one network: what was measured, and what it is held against."""

    entry: str
    network: str
    how: str
    ours: float | str
    theirs: float | None
    verdict: str

    @property
    def difference(self) -> float | None:
        """Relative difference; absolute where theirs is 0."""
        if isinstance(self.ours, str) or self.theirs is None or math.isnan(self.theirs):
            return None
        return abs(self.ours - self.theirs) / (abs(self.theirs) or 1.0)


MEASURED: dict[tuple[str, str], float | str] = {}
"""What was measured already: several entries are second codes of one score."""


def main(prefixes: Sequence[str] = ()) -> int:
    """Print the table; the exit code."""
    if "GRADALIGN_DATA" not in os.environ:
        sys.stderr.write("GRADALIGN_DATA is unset: it must name the folder beside the oracles\n")
        return 2
    lines = list(compare(prefixes))
    sys.stdout.write("\n".join(table(lines)) + "\n")
    counts = {verdict: sum(line.verdict == verdict for line in lines) for verdict in VERDICTS}
    sys.stdout.write("\n" + ", ".join(f"{count} {name}" for name, count in counts.items()) + "\n")
    return int(counts["NO"] > 0 or counts["NOT THERE"] > 0)


VERDICTS = ("yes", "NO", "NOT THERE", "left out")


def compare(prefixes: Sequence[str]) -> Iterator[Line]:
    """A line for each entry of each network."""
    for network in oracles.NETWORKS:
        for entry, facts in sorted(oracles.expected()[network].items()):
            if entry != "_checks" and (not prefixes or entry.startswith(tuple(prefixes))):
                yield line_of(network, entry, facts)


def line_of(network: str, entry: str, facts: dict) -> Line:
    """The entry measured, or why it is not."""
    theirs = facts["value_float64"] if facts["value_float64"] is not None else facts["value"]
    theirs = None if theirs is None else float(theirs)
    reason = LEFT_OUT.get(entry) or LEFT_OUT.get(f"{entry} {network}")
    if reason or theirs is None:
        reason = reason or "their code cannot run on this network"
        return Line(entry, network, reason, "", theirs, "left out")
    way = way_to(entry)
    if way is None:
        return Line(entry, network, "no row in the table of ways", "", theirs, "NOT THERE")
    if way.proxy and way.proxy not in PROXIES:
        return Line(entry, network, way.text, "not there", theirs, "NOT THERE")
    if (network, way.text) not in MEASURED:
        MEASURED[network, way.text] = measured(network, way)
    ours = MEASURED[network, way.text]
    return Line(entry, network, way.text, ours, theirs, verdict(ours, theirs, facts["tolerance"]))


def verdict(ours: float | str, theirs: float, tolerance: dict[str, float]) -> str:
    """`yes` within the tolerance; where theirs is not a number, we must have no value."""
    if math.isnan(theirs):
        return "yes" if isinstance(ours, str) and ours.startswith("nan") else "NO"
    if isinstance(ours, str):
        return "NO"
    relative = tolerance.get("rtol_float64", tolerance["rtol"])
    return "yes" if abs(ours - theirs) <= max(relative * abs(theirs), 1e-300) else "NO"


def measured(network: str, way: Way) -> float | str:
    """Our value, or the status and reason in its place."""
    net = loaded(f"{network}{way.weights}")
    if way.statistic:
        stats = collect(net, batch(way.batch), Probe(norm=way.norm), ["squared_norms"])
        return way.statistic(stats)
    if way.passes:
        with saved_signs(network) if way.signs else nullcontext():
            return _from_passes(net, way)
    options = {"norm": way.norm} if way.norm else {"regime": "official"}
    record = ga.score(net, batch(way.batch), proxies=[way.proxy], **options)[way.proxy]
    if record.value is None:
        return f"{record.status}: {record.reason}"
    return way.then(record.value, net)


def _from_passes(net: torch.nn.Module, way: Way) -> float | str:
    """A proxy that draws its own inputs, on the saved ones instead."""
    proxy = PROXIES[way.proxy]
    drawn = ("data", "batch_size", "part", "input_size", "weights")
    passes = {}
    for name, own in proxy.probes.items():
        changes = {k: v for k, v in {**own, **proxy.official}.items() if k not in drawn}
        passes[name] = collect(net, batch(way.passes[name]), Probe(**changes), proxy.needs)
    try:
        return way.then(proxy(**passes).value, net)
    except ga.errors.UndefinedScore as error:
        return f"{error.status}: {error}"


@contextmanager
def saved_signs(network: str) -> Iterator[None]:
    """Context in which random signs are the saved ones of the network's features."""
    saved = np.load(oracles.folder() / f"rademacher_{network}.npz")

    def draw(number: int, feature: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(saved[f"g{number}"]).to(feature)

    with mock.patch.object(block_features, "signs_from_seed", return_value=draw):
        yield


def loaded(name: str) -> torch.nn.Module:
    """A network with its saved weights in double precision, or with those of `NET_zeninit`."""
    net = oracles.network(name.removesuffix("_zeninit"))
    if name.endswith("_zeninit"):
        net.load_state_dict(torch.load(oracles.folder() / f"{name}.pt", weights_only=True))
    return net.double()


@cache
def batch(name: str) -> ga.Batch:
    """A batch by its name in the inputs: `x16`, `x64[lr_index]`, `noise_a`, `noise_a+noise_b`."""
    if name.startswith("x64["):
        return oracles.batches(name[4:-1])
    if name.startswith("x"):
        return oracles.images(int(name[1:]))
    clean, _, mixed_in = name.partition("+")
    noise = oracles.inputs(clean)
    if mixed_in:
        noise = noise + 0.01 * oracles.inputs(mixed_in)
    return ga.Batch(noise, torch.arange(len(noise)) % 10)


def table(lines: Sequence[Line]) -> Iterator[str]:
    """The lines as Markdown: those compared, then those left out."""
    yield "| entry | network | ours | conditions | our value | theirs | difference | within |"
    yield "| --- | --- | --- | --- | ---: | ---: | ---: | --- |"
    for line in (each for each in lines if each.verdict != "left out"):
        name, _, conditions = line.how.partition(", ")
        gap = "-" if line.difference is None else f"{line.difference:.1e}"
        ours = line.ours if isinstance(line.ours, str) else f"{line.ours:.12g}"
        cells = (line.entry, line.network, name, conditions, ours, f"{line.theirs:.12g}", gap)
        yield f"| {' | '.join(cells)} | {line.verdict} |"
    yield ""
    yield "| entry | network | why it is left out |"
    yield "| --- | --- | --- |"
    for line in (each for each in lines if each.verdict == "left out"):
        yield f"| {line.entry} | {line.network} | {line.how} |"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
