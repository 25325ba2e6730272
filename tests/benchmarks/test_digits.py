"""The table of networks that this package trained itself."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

import gradalign as ga
from gradalign.benchmarks import BENCHMARKS
from gradalign.comparison import drawn
from gradalign.spaces import get_space
from gradalign.studies.convergence.networks import OPTIONS, RECIPES, draw
from gradalign.studies.convergence.runs import trained

DIGITS = BENCHMARKS["digits"]
RUNS = [f"test_accuracy_{seed}" for seed in range(5)]


def parts():
    """Architectures of each space, as the table spells them."""
    archs = DIGITS.frame["arch"]
    return {space: archs[archs.str.startswith(f"{space}:")].tolist() for space in OPTIONS}


def test_forty_networks_of_each_space():
    assert len(DIGITS) == 120
    for space, archs in parts().items():
        own = get_space(space)
        spelled = [arch.removeprefix(f"{space}:") for arch in archs]
        assert spelled == draw(space, 40, 0)
        assert len({own.network_key(own.parse(arch)) for arch in spelled}) == 40


def test_the_accuracy_is_the_mean_of_its_trainings():
    table = DIGITS.frame
    assert DIGITS.runs("test_accuracy") == tuple(RUNS)
    np.testing.assert_allclose(table[RUNS].mean(axis=1), table["test_accuracy"], rtol=1e-12)
    assert table[RUNS].to_numpy().min() >= 0
    assert table[RUNS].to_numpy().max() <= 100


@pytest.mark.parametrize("space", [*OPTIONS, "all"])
def test_architectures_differ_by_more_than_their_seeds(space):
    table = DIGITS.frame
    own = table if space == "all" else table[table["arch"].isin(parts()[space])]
    error = np.sqrt(own[RUNS].var(axis=1, ddof=1).mean() / len(RUNS))
    assert own["test_accuracy"].std(ddof=1) >= 3 * error


@pytest.mark.parametrize("place", [0, 1])
def test_training_again_gives_the_accuracy_of_the_table(place):
    arch = parts()["mlp"][place]
    task = {"space": "mlp", "arch": arch.removeprefix("mlp:"), "seed": 1, "done": ""}
    found = trained({**task, "recipe": asdict(RECIPES["mlp"])})
    stated = DIGITS.frame.set_index("arch").loc[arch, "test_accuracy_1"]
    assert found["accuracy"] == pytest.approx(stated, abs=5)  # rounding differs between machines


def test_networks_are_drawn_with_their_space():
    names = drawn(DIGITS, ["test_accuracy"], 30, 0)
    assert {name.partition(":")[0] for name in names} == set(OPTIONS)
    assert set(names) <= set(DIGITS.frame["arch"])


def test_evaluate_knows_it():
    archs = parts()["mlp"][:8]
    scores = pd.concat([ga.score(arch, proxies="params").to_frame() for arch in archs])
    found = ga.evaluate(scores, DIGITS, "test_accuracy")
    assert found.n == 8
    assert found.noise_ceiling.trainings == 5
