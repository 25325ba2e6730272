"""The test that every count is put to, on made-up tables."""

import numpy as np
import pandas as pd
import pytest

from gradalign.benchmarks import Benchmark, Metric
from gradalign.studies.linear_regions.analysis import agreement, analysed
from gradalign.studies.linear_regions.counting import MEANINGS
from gradalign.studies.linear_regions.verdicts import verdict

N = 80


@pytest.mark.parametrize(
    ("difference", "partial", "expected"),
    [
        ((-0.3, -0.01), (0.2, 0.4), "insufficient"),  # worse than size alone
        ((-0.1, 0.2), (-0.1, 0.05), "insufficient"),  # nothing beside size
        ((0.01, 0.2), (0.01, 0.2), "sufficient"),
        ((0.01, 0.2), (-0.01, 0.2), "undecided"),
        ((-0.01, 0.2), (0.01, 0.2), "undecided"),
        (None, (0.01, 0.2), "undecided"),
        ((0.01, 0.2), None, "undecided"),
    ],
)
def test_the_intervals_decide(difference, partial, expected):
    assert verdict(5, difference, partial) == expected


def test_a_constant_count_is_not_judged():
    assert verdict(1, (-0.3, -0.1), None) == "constant"
    assert verdict(0, None, None) == "not measured"


def networks(rng, accuracy, **counts):
    """Networks in which the counts are as given and sizes are noise."""
    values = {**{name: rng.random(N) for name in ("params", "macs", "layers")}, **counts}
    return [
        {
            "arch": f"{k}",
            "accuracy": float(accuracy[k]),
            "values": {name: float(own[k]) for name, own in values.items() if own is not None},
            "reasons": {name: "unsupported: no" for name, own in values.items() if own is None},
        }
        for k in range(N)
    ]


def table(found):
    frame = pd.DataFrame(
        {"arch": [n["arch"] for n in found], "accuracy": [n["accuracy"] for n in found]}
    )
    return Benchmark(
        name="made up",
        space=None,
        metrics={"accuracy": Metric(name="accuracy")},
        load=lambda: frame,
        source="here",
        licence="none",
    )


def judged(found):
    own = analysed(found, table(found), "accuracy", seed=0)["verdicts"]
    assert [each["count"] for each in own] == list(MEANINGS)
    return {each["count"]: each for each in own}


def test_verdicts_of_a_made_up_benchmark():
    rng = np.random.default_rng(0)
    accuracy = rng.random(N)
    found = networks(
        rng,
        accuracy,
        linear_regions=np.full(N, 16.0),
        tenas_regions=accuracy + 0.1 * rng.random(N),
        swap=-accuracy,
        line_regions=None,
    )
    own = judged(found)
    assert {name: each["verdict"] for name, each in own.items()} == {
        "linear_regions": "constant",
        "tenas_regions": "sufficient",
        "swap": "insufficient",
        "line_regions": "not measured",
    }
    assert own["linear_regions"]["at_most"] == 1
    assert own["linear_regions"]["tau"] is own["linear_regions"]["ci"] is None
    assert own["line_regions"]["failed"] == N
    assert own["line_regions"]["reasons"] == ["unsupported: no"]
    assert own["tenas_regions"]["difference"] == pytest.approx(
        own["tenas_regions"]["tau"] - own["tenas_regions"]["size_tau"]
    )
    assert own["tenas_regions"]["ci"][0] > 0 > own["swap"]["ci"][1]


def test_shuffled_accuracies_take_the_verdict_away():
    rng = np.random.default_rng(0)
    accuracy = rng.random(N)
    found = networks(rng, accuracy, **dict.fromkeys(MEANINGS, accuracy**2))
    assert {each["verdict"] for each in judged(found).values()} == {"sufficient"}
    for network, other in zip(found, rng.permutation(accuracy), strict=True):
        network["accuracy"] = float(other)
    assert "sufficient" not in {each["verdict"] for each in judged(found).values()}


def test_failed_networks_count_as_the_worst():
    rng = np.random.default_rng(0)
    accuracy = rng.random(N)
    found = networks(rng, accuracy, **dict.fromkeys(MEANINGS, accuracy))
    for network in found:
        if network["accuracy"] > 0.8:
            del network["values"]["swap"]
            network["reasons"]["swap"] = "out_of_memory: too large"
    own = judged(found)
    assert own["swap"]["failed"] == sum(a > 0.8 for a in accuracy)
    assert own["swap"]["tau"] < own["tenas_regions"]["tau"]


def test_agreement_with_the_exact_count():
    rng = np.random.default_rng(0)
    exact = rng.random(N)
    found = networks(rng, rng.random(N), swap=exact, tenas_regions=-exact, line_regions=exact)
    tau = {each["count"]: each["tau"] for each in agreement(found, seed=0)}
    assert tau["swap"] == 1
    assert tau["tenas_regions"] == -1
    assert "line_regions" not in tau
