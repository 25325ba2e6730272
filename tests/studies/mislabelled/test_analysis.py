"""What is concluded from trainings, on made-up ones of which the truth is known."""

import random

import pytest

from gradalign.report import render
from gradalign.studies.mislabelled import MISLABELLED
from gradalign.studies.mislabelled.analysis import analysed, estimated, reader
from gradalign.studies.mislabelled.figures import FIGURES, NAMED
from gradalign.studies.mislabelled.findings import findings
from gradalign.studies.mislabelled.runs import STEPS


def runs(level, networks=4, seeds=5, apart=0.0):
    """Trainings in which each figure has about the AUC that `level` names for it."""
    rng = random.Random(0)
    return [
        {
            "network": f"kind {network}",
            "seed": seed,
            "auc": {
                str(step): {
                    name: level.get(name, 0.5) + apart * (network - 1.5) + rng.gauss(0, 0.01)
                    for name in FIGURES
                }
                for step in STEPS
            },
            "learned": {str(step): 90.0 for step in STEPS},
            "learned_wrong": {str(step): 10.0 for step in STEPS},
            "accuracy": 95.0,
            "diverged": False,
        }
        for network in range(networks)
        for seed in range(seeds)
    ]


def document(given):
    return {
        "conditions": {"networks": "4"},
        "runs": given,
        **analysed(given),
    }


def test_findings_follow_the_numbers():
    told = findings(document(runs({NAMED: 0.9, "loss": 0.7, "pixels": 0.95})))
    assert told[0].count("not to be told from chance") == 0
    assert told[1].count("better") == 1 + len(STEPS)
    assert told[2].count("worse") == len(STEPS)
    (norm,) = [each for each in told if FIGURES["norm"].words in each]
    assert norm.count("not to be told from chance") == len(STEPS)
    turned = findings(document(runs({NAMED: 0.2, "loss": 0.7})))
    assert turned[0].count("worse than chance") == len(STEPS)
    assert turned[1].count(", worse") == len(STEPS)


def test_every_number_of_a_finding_has_its_interval():
    for sentence in findings(document(runs({NAMED: 0.9})))[:8]:
        assert sentence.count("[") >= len(STEPS)


def test_networks_that_differ_widen_the_interval():
    def width(given):
        low, high = estimated(given, reader(NAMED, 0))["ci"]
        return high - low

    alike, unlike = runs({NAMED: 0.7}), runs({NAMED: 0.7}, apart=0.08)
    assert width(unlike) > 5 * width(alike)
    one = [each for each in unlike if each["network"] == "kind 0"]
    assert width(one) < width(unlike) / 3


def test_the_interval_holds_what_it_is_of_as_often_as_it_says():
    """Networks, seeds and the rest vary; the truth is .7 in each of many studies."""
    rng, held = random.Random(1), 0
    for study in range(100):
        by_network = [rng.gauss(0, 0.05) for _ in range(6)]
        by_seed = [rng.gauss(0, 0.05) for _ in range(10)]
        given = [
            {
                "network": n,
                "seed": s,
                "auc": {"0": {NAMED: 0.7 + by_network[n] + by_seed[s] + rng.gauss(0, 0.02)}},
            }
            for n in range(6)
            for s in range(10)
        ]
        low, high = estimated(given, reader(NAMED, 0), seed=study)["ci"]
        held += low <= 0.7 <= high
    assert held >= 85


def test_a_training_that_diverged_is_missing_and_told():
    given = runs({NAMED: 0.9})
    given[0]["diverged"] = True
    for step in STEPS[1:]:
        del given[0]["auc"][str(step)]
        del given[0]["learned"][str(step)], given[0]["learned_wrong"][str(step)]
    made = document(given)
    assert [each["n"] for each in made["figures"][: len(STEPS)]] == [20, *[19] * (len(STEPS) - 1)]
    assert findings(made)[-1].startswith("1 of 20 trainings diverged")


def test_a_figure_without_values_has_no_estimate():
    given = runs({})
    for each in given:
        each["auc"]["0"][NAMED] = None
    assert estimated(given, reader(NAMED, 0)) == {"value": None, "ci": None, "n": 0}
    made = document(given)
    assert "at initialization without a value" in findings(made)[0]
    assert MISLABELLED.title in render(MISLABELLED.page(made))


def test_one_value_has_no_interval():
    (one,) = runs({NAMED: 0.9}, networks=1, seeds=1)
    assert estimated([one], reader(NAMED, 0))["ci"] is None
    assert estimated([one], reader(NAMED, 0))["value"] == pytest.approx(0.9, abs=0.05)
