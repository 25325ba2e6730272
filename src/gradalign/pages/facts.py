"""How something was measured, as names and values."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version

from gradalign.evaluation import Evaluation
from gradalign.pages.compared import Compared
from gradalign.pages.networks import Networks
from gradalign.pages.protocols import Conditions, in_words

Fact = tuple[str, str]


def networks_facts(
    networks: Networks, compared: Sequence[Compared], protocols: Mapping[str, Conditions]
) -> list[Fact]:
    """Networks, accuracies, conditions, seeds, devices, time and intervals of one part."""
    records = networks.records
    seeds = sorted(set(records["seed"].astype(int).tolist()))
    devices = ", ".join(sorted(set(map(str, records["device"]))))
    spent = records.drop_duplicates(["model", "seed", "protocol"])["pass_seconds"].sum()
    spent += records["seconds"].sum()
    mean = "; a network's value is the mean over them" if len(seeds) > 1 else ""
    return [
        ("networks", f"{len(networks.models):,} of {networks.name}{_isomorphic(networks)}"),
        *_accuracies(compared),
        *_protocols(networks, protocols),
        ("seeds" if len(seeds) > 1 else "seed", f"{', '.join(map(str, seeds))}{mean}"),
        ("device", devices),
        ("time", f"{spent:,.0f} s of measuring in all"),
        *(("intervals", _intervals(each.evaluation)) for each in compared[:1]),
    ]


def versions() -> list[Fact]:
    """What made the page."""
    return [
        ("gradalign", version("gradalign")),
        ("torch", version("torch")),
        ("Python", sys.version.split()[0]),
    ]


def _isomorphic(networks: Networks) -> str:
    """How many are different networks, where several are spellings of one."""
    canonical = networks.records.drop_duplicates("model")["canonical"].dropna()
    doubles = len(canonical) - canonical.nunique()
    return f", {doubles:,} of them isomorphic to another one" if doubles else ""


def _accuracies(compared: Sequence[Compared]) -> Iterator[Fact]:
    tables = {each.benchmark.name: each.benchmark for each in compared}
    for name, table in tables.items():
        said = (table.description, table.source, f"licence: {table.licence}")
        yield "accuracies", f"{name}: {'; '.join(filter(None, said))}"
    for each in compared:
        metric = each.metric
        known = f"{each.evaluation.n:,} networks"
        if each.evaluation.unmatched:
            known += f", {each.evaluation.unmatched:,} more are not in the table"
        yield each.title, "; ".join(filter(None, (metric.description, metric.split, known)))


def _protocols(networks: Networks, protocols: Mapping[str, Conditions]) -> Iterator[Fact]:
    for name, own in networks.records.groupby("protocol", sort=False):
        scores = ", ".join(dict.fromkeys(map(str, own["proxy"])))
        conditions = protocols.get(str(name))
        said = "conditions are not recorded" if conditions is None else in_words(conditions)
        yield f"protocol {name}", f"{said}. Scores: {scores}"


def _intervals(found: Evaluation) -> str:
    return (
        f"95 %, {found.interval_method} over networks; differences between scores are paired, with "
        "Holm's correction for all pairs"
    )
