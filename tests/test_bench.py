"""The benchmark's machinery, on a tiny network; never its figures."""

import importlib
import json
from pathlib import Path

import pytest
import torch
from torch import nn

ROOT = Path(__file__).parents[1]


@pytest.fixture
def bench(monkeypatch):
    """Import a module of the benchmark, which stands beside the package."""
    monkeypatch.syspath_prepend(str(ROOT))
    return lambda name: importlib.import_module(f"bench.{name}")


def test_a_quick_run_reports_every_variant(bench, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(bench("measure"), "SHORTEST", 0.0)
    threads = torch.get_num_threads()
    file = tmp_path / "bench.json"
    bench("__main__").main(["--quick", "--networks", "tiny", "--peers", "--json", str(file)])
    printed = capsys.readouterr().out
    rows = json.loads(file.read_text())["time"]
    assert {(row["variant"], row["norm"]) for row in rows} == {
        (variant, norm)
        for variant in ("I+II", "family, no spectra", "family", "all of the pass")
        for norm in ("batch_fixed", "sample")
    }
    for row in rows:
        assert len(row["ratios"]) == len(row["step_seconds"]) == 1
        assert row["ratios"][0] > 0
        assert row["note"] == "hooks"
        assert f"gradalign {row['variant']} {row['norm']}" in printed
    assert torch.get_num_threads() == threads


def test_vmap_computes_the_same_scores(bench):
    networks, peers, ours = bench("networks"), bench("peers"), bench("ours")
    network = networks.NETWORKS["tiny"].build()
    inputs, targets = networks.draw(6)
    tried = peers.attempt(peers.PEERS["vmap"], network, inputs, targets)
    assert "GroupNorm for BatchNorm (RuntimeError" in tried.note
    own = ours.passes(network, inputs, targets)["I+II", "sample"]()
    assert tried.scores.difference(own) < 1e-4  # float32 on both sides
    shared = ours.passes(network, inputs, targets)["I+II", "batch_fixed"]()
    assert tried.scores.difference(shared) > 1e-3  # so the comparison can fail


def test_a_peer_that_is_missing_or_refuses_says_so(bench):
    peers = bench("peers")

    def refuse(network, inputs, targets):
        raise NotImplementedError("no\nconvolutions")

    network, inputs, targets = nn.Conv2d(3, 4, 3), torch.randn(2, 3, 8, 8), torch.zeros(2)
    missing = peers.attempt(peers.Peer("no_such_module", refuse), network, inputs, targets)
    assert (missing.run, missing.note) == (None, "not installed")
    refused = peers.attempt(peers.Peer("torch", refuse), network, inputs, targets)
    assert refused.run is None
    assert refused.note == "refuses the network: NotImplementedError: no convolutions"


@pytest.fixture
def take(bench, monkeypatch):
    """`take(seconds)` advances the clock of the benchmark, which stands still otherwise."""
    clock = [0.0]
    monkeypatch.setattr(bench("measure").time, "process_time", lambda: clock[0])

    def advance(seconds):
        clock[0] += seconds

    return advance


def test_ratios_are_those_of_neighbours(bench, take):
    slowness = [1.0]

    def rival():
        take(3.0 * slowness[0])
        slowness[0] *= 2  # a machine that gets slower and slower does not move the ratio

    interleaved = bench("measure").interleaved
    timing = interleaved(lambda: take(slowness[0]), {"rival": rival}, {"rival": 4})["rival"]
    assert timing.ratios == pytest.approx([3.0] * 4)
    assert len(timing.step_seconds) == 4


def test_what_is_far_off_is_timed_once(bench, take):
    rivals = {"slow": lambda: take(11.0), "as fast": lambda: take(1.0)}
    interleaved = bench("measure").interleaved
    timings = interleaved(lambda: take(1.0), rivals, dict.fromkeys(rivals, 2))
    assert {name: len(timing.ratios) for name, timing in timings.items()} == {
        "slow": 1,
        "as fast": 2,
    }


def test_limits_name_what_was_missed(bench):
    limits, case = bench("limits"), bench("case")
    rows = [
        case.Row("nb201", 64, "gradalign", "I+II", "sample", ratios=(1.2, 1.3, 9.0)),
        case.Row("nb201", 64, "gradalign", "I+II", "batch_fixed", ratios=(1.4,)),
        case.Row("nb201", 16, "gradalign", "I+II", "batch_fixed", ratios=(9.0,)),
        case.Row("nb201", 64, "vmap", "I+II", ratios=(2.0,)),
        case.Row("nb201", 64, "opacus", "I+II", note="not installed"),
    ]
    memory = [
        case.Memory("resnet18", 64, "step", 100.0),
        case.Memory("resnet18", 64, "I+II/sample", 131.0),
    ]
    found = {v.what: (v.measured, v.kept) for v in limits.verdicts(rows, memory)}
    assert found == {
        "nb201: I+II, sample": (1.3, True),
        "nb201: I+II, batch_fixed": (1.4, False),
        "nb201: I+II against the fastest peer, vmap": (1.4, True),
        "resnet18: peak memory, I+II/sample": (1.31, False),
    }
