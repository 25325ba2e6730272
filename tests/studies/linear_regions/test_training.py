"""Changes of initial weights, and what training is seen to do."""

import pytest
import torch

from gradalign.studies.convergence.networks import digits
from gradalign.studies.linear_regions import training
from gradalign.studies.linear_regions.counting import along_lines
from gradalign.studies.linear_regions.stacks import effect
from gradalign.studies.linear_regions.training import Change

SCALED = [("scale", 4.0), ("scale", 0.3), ("balance", 10.0)]


def edges(model):
    _, test = digits()
    return along_lines(model, test.inputs[:4])


@pytest.mark.parametrize(("kind", "factor"), SCALED)
def test_scaling_leaves_every_region_as_it_is(kind, factor):
    plain = training.build("32-16-32", 0)
    scaled = training.changed(training.build("32-16-32", 0), kind, factor, 0)
    for a, b in zip(edges(plain), edges(scaled), strict=True):
        assert a.activation_regions == b.activation_regions > 1
        torch.testing.assert_close(b.edges, a.edges, rtol=0, atol=1e-5)
    inputs = digits()[1].inputs[:8]
    times = factor**4 if kind == "scale" else 1.0
    torch.testing.assert_close(scaled(inputs), times * plain(inputs), rtol=1e-3, atol=1e-4 * times)


def test_biases_move_the_regions_and_leave_the_weights():
    plain = training.build("32-16-32", 0)
    moved = training.changed(training.build("32-16-32", 0), "bias", 2.0, 0)
    assert torch.equal(plain[1].weight, moved[1].weight)
    assert moved[1].bias.abs().max() > 1
    assert edges(plain)[0].edges.tolist() != edges(moved)[0].edges.tolist()


def test_a_training_counts_before_and_after():
    task = {"arch": "16", "seed": 0, "kind": "", "factor": 1.0, "recipe": {"learning_rate": 0.05}}
    found = training.trained(task)
    assert found["before"] >= 1
    assert found["after"] >= 1
    assert found["accuracy"] > 50
    scaled = training.trained({**task, "kind": "scale", "factor": 0.25})
    assert scaled["before"] == found["before"]
    assert scaled["accuracy"] != found["accuracy"]


def test_a_stack_that_diverges_is_recorded():
    recipe = {"learning_rate": 1e9, "epochs": 2}
    found = training.trained({"arch": "16", "seed": 0, "kind": "", "factor": 1.0, "recipe": recipe})
    assert found["diverged"]
    assert found["after"] is None


def test_drawn_stacks_are_distinct_and_the_same_again():
    found = training.drawn_stacks(12, 3)
    assert len(set(found)) == 12
    assert training.drawn_stacks(5, 3) == found[:5]


def test_effects_are_paired():
    def run(before, accuracy):
        return {"before": before, "accuracy": accuracy, "diverged": False}

    change = Change(kind="bias", factor=0.0, meaning="none")
    own = effect("8", change, [run(3, 50), run(5, 80)], [run(4, 51), run(6, 81)])
    assert own["regions"] == {"value": 1, "ci": (1, 1), "n": 2}
    assert own["accuracy"] == {"value": 1, "ci": (1, 1), "n": 2}
    assert not own["same_count"]
