"""Which accuracies are compared, and which networks are measured."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from gradalign.benchmarks import BENCHMARKS, get_benchmark
from gradalign.comparison import default_metrics, drawn
from gradalign.errors import InputError

DEFAULTS = {
    "nb201": ("cifar10", "cifar100", "imagenet16-120"),
    "nb101": ("test_accuracy",),
    "nb_macro": ("test_accuracy",),
    "darts1000": ("validation_accuracy",),
    "nds_darts": ("test_accuracy",),
    "hw_nas_bench": (),
    "digits": ("test_accuracy",),
    "suite_zero_transnas_micro": (
        "class_object_val_accuracy",
        "class_scene_val_accuracy",
        "jigsaw_val_accuracy",
    ),
}


def filled(benchmark, **columns):
    """The benchmark with a value of every metric for each of ten networks."""
    table = pd.DataFrame({"arch": [str(k) for k in range(10)]})
    table = table.assign(**{name: np.arange(10.0) for name in benchmark.metrics}, **columns)
    return replace(benchmark, load=lambda: table)


@pytest.mark.parametrize("name", DEFAULTS)
def test_default_metrics_of_registered_benchmarks(name):
    assert default_metrics(filled(BENCHMARKS[name])) == DEFAULTS[name]


def test_metrics_without_values_are_left_out():
    benchmark = filled(BENCHMARKS["nb201"])
    table = benchmark.frame.assign(cifar100=[1.0, 2.0, *[np.nan] * 8])
    fewer = replace(benchmark, load=lambda: table)
    assert default_metrics(fewer) == ("cifar10", "imagenet16-120")


def test_of_a_file_the_first_metric(tmp_path):
    own = pd.DataFrame({"arch": ["a", "b"], "acc": [1.0, 2.0], "params": [3, 4]})
    own.to_csv(tmp_path / "own.csv", index=False)
    assert default_metrics(get_benchmark(tmp_path / "own.csv")) == ("acc",)


@pytest.fixture
def own(tmp_path):
    table = pd.DataFrame(
        {
            "arch": [f"0000000{k}" for k in range(3)] + [f"0000001{k}" for k in range(3)],
            "first": [1.0, 2.0, 3.0, np.nan, 5.0, 6.0],
            "second": [1.0, 2.0, 3.0, 4.0, np.inf, 6.0],
        }
    )
    table.to_csv(tmp_path / "own.csv", index=False)
    return tmp_path / "own.csv"


def test_networks_are_drawn_once_each_by_seed(own):
    benchmark = get_benchmark(own, "macro")
    archs = drawn(benchmark, ["first"], 4, seed=3)
    assert archs == drawn(benchmark, ["first"], 4, seed=3)
    assert len({*archs}) == 4
    assert {tuple(sorted(drawn(benchmark, ["first"], 4, seed=k))) for k in range(60)} >= {
        tuple(f"macro:{arch}" for arch in benchmark.frame["arch"].drop([3, left]))
        for left in (0, 1, 2, 4, 5)
    }


def test_only_networks_with_a_value_are_drawn(own):
    benchmark = get_benchmark(own, "macro")
    valued = {"macro:00000000", "macro:00000001", "macro:00000002", "macro:00000012"}
    assert {*drawn(benchmark, ["first", "second"], 4, seed=0)} == valued


@pytest.mark.parametrize(
    ("space", "networks", "said"),
    [
        (None, 4, "the search space of .* is not known: name it by --space"),
        ("macro", 2, "2 networks of .*: choose 3 to 5"),
        ("macro", 6, "6 networks of .*: choose 3 to 5"),
    ],
)
def test_what_cannot_be_drawn_is_refused(own, space, networks, said):
    with pytest.raises(InputError, match=said):
        drawn(get_benchmark(own, space), ["first"], networks, seed=0)
