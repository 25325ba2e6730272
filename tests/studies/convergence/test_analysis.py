"""What is concluded from trainings, on made-up ones of which the truth is known."""

import math
import random

import pytest

from gradalign.studies.convergence.analysis import analysed, evaluations, hypotheses, within
from gradalign.studies.convergence.findings import findings
from gradalign.studies.convergence.interventions import effects
from gradalign.studies.convergence.measures import MEASURES, SUMS
from gradalign.studies.convergence.networks import CHANGES
from gradalign.studies.convergence.runs import LATER, mean_loss, steps_to

MOST = 96


def run(space, network, seed, rng, *, hinders=1.0):
    """A training in which conflict hinders, does not, or helps, beyond what size does."""
    conflict = rng.random()
    good = -hinders * conflict + 0.05 * rng.random()
    measures = {"conflict_fraction": conflict, "gradalign_i_mean": 1 - conflict}
    size = {"params": rng.random(), "macs": rng.random(), "layers": rng.random()}
    first = {**measures, **dict.fromkeys(SUMS, rng.random()), **size}
    return {
        "space": space,
        "arch": f"{space} {network}",
        "seed": seed,
        "accuracy": 90 + 5 * good,
        "train_accuracy": 99.0,
        "losses": [1.0 - 0.5 * good] * MOST,
        "steps": {"1.5": 10, "1.0": None, "0.5": None},
        "most_steps": MOST,
        "diverged": False,
        "measures": {"0": first, **{str(epoch): measures for epoch in LATER}},
        "reasons": {},
    }


def runs(hinders, networks=14):
    rng = random.Random(0)
    return [
        run(space, network, seed, rng, hinders=hinders)
        for space in ("a", "b", "c")
        for network in range(networks)
        for seed in range(2)
    ]


@pytest.mark.parametrize(
    ("hinders", "verdict"),
    [(1.0, "evidence for"), (-1.0, "evidence against"), (0.0, "no evidence")],
)
def test_verdicts(hinders, verdict):
    found = hypotheses(evaluations(runs(hinders)))
    assert [(each.measure, each.outcome) for each in found] == [
        (measure, outcome) for outcome in ("speed", "accuracy") for measure in MEASURES
    ]
    assert {each.verdict for each in found} == {verdict}
    for each in found:
        assert each.partial_tau_ci[0] <= each.partial_tau <= each.partial_tau_ci[1]
        assert each.p <= each.p_holm


def test_shuffled_outcomes_are_no_evidence():
    given = runs(1.0)
    outcomes = [(each["accuracy"], each["losses"]) for each in given]
    random.Random(1).shuffle(outcomes)
    shuffled = [
        {**each, "accuracy": accuracy, "losses": losses}
        for each, (accuracy, losses) in zip(given, outcomes, strict=True)
    ]
    told = {}
    for name, own in (("as they are", given), ("shuffled", shuffled)):
        document = {**analysed(own), "effects": [], "changes": []}
        told[name] = findings(document)
        expected = "Evidence that conflict" if name == "as they are" else "No evidence either way"
        assert all(expected in sentence for sentence in told[name][1:5])
    assert told["as they are"] != told["shuffled"]


def test_within_one_architecture_size_cannot_matter():
    found = within(runs(1.0), "conflict_fraction", "accuracy")
    assert found["n"] == 42
    assert found["tau"] > 0.8
    assert found["ci"][0] <= found["tau"] <= found["ci"][1]
    nothing = within(runs(0.0), "conflict_fraction", "accuracy")
    assert nothing["ci"][0] < 0 < nothing["ci"][1]


def test_a_measure_without_values_has_no_tau():
    given = runs(1.0, networks=4)
    for each in given:
        each["measures"]["0"]["conflict_fraction"] = None
    assert within(given, "conflict_fraction", "accuracy")["tau"] is None
    first, second, *_ = hypotheses(evaluations(given))
    assert (first.measure, first.verdict) == ("conflict_fraction", "no evidence")
    assert second.tau is not None


def test_steps_are_counted_to_a_level_of_the_mean_of_eight():
    assert steps_to([1.0] * 7, 2.0) is None
    assert steps_to([1.0] * 8, 1.0) == 8
    assert steps_to([9.0] * 8 + [0.0] * 8, 1.0) == 16
    assert steps_to([None] * 8 + [0.5], 1.0) == 9


def test_no_step_is_worse_than_that_of_a_network_that_knows_nothing():
    nothing = math.log(10)
    run = {"losses": [1.0, None, 3e30], "most_steps": 3}
    assert mean_loss(run) == pytest.approx((1 + nothing) / 2)
    assert mean_loss({**run, "most_steps": 5}) == pytest.approx((1 + 3 * nothing) / 4)


@pytest.mark.parametrize(
    ("conflict", "slower", "agreement"),
    [(0.1, 1, "agrees"), (-0.1, -1, "agrees"), (0.1, -1, "contradicts"), (0.1, 0, "undecided")],
)
def test_an_intervention_agrees_where_conflict_and_loss_move_together(conflict, slower, agreement):
    change = CHANGES[0]
    after = next(level for level in change.levels if level != change.baseline)
    given, rng = [], random.Random(0)
    for seed in range(5):
        for level, moved in ((change.baseline, 0), (after, 1)):
            own = run("a", 0, seed, random.Random(seed))
            own |= {"change": change.name, "level": level, "network": 0}
            values = own["measures"]["0"]
            values["conflict_fraction"] += moved * (conflict + 0.001 * rng.random())
            shift = 0.3 * moved * slower + 0.05 * rng.choice([-1, 1])
            own["losses"] = [loss + shift for loss in own["losses"]]
            given.append(own)
    (effect,) = effects(given)
    assert effect["agreement"]["conflict_fraction"] == agreement
    assert effect["conflict"]["conflict_fraction"]["value"] == pytest.approx(conflict, abs=0.01)
    assert effect["conflict"]["gradalign_i_mean"]["value"] == 0
    assert effect["loss"]["n"] == 5
