import hashlib
import importlib.resources
import os
import runpy
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import kendalltau

from gradalign.benchmarks import get_benchmark
from gradalign.benchmarks import nb201 as module
from gradalign.errors import GradalignError, InputError
from gradalign.spaces import get_space

DATA = os.environ.get("GRADALIGN_DATA")
ROOT = Path(__file__).parent.parent.parent
METRICS = ["cifar10", "cifar100", "imagenet16-120", "cifar10_12epochs"]
BEST_CIFAR100 = (
    "|nor_conv_3x3~0|+|nor_conv_3x3~0|nor_conv_3x3~1|"
    "+|skip_connect~0|nor_conv_3x3~1|nor_conv_3x3~2|"
)


@pytest.fixture(scope="module")
def benchmark_():
    return get_benchmark("nb201")


def test_the_table_is_small_and_whole():
    file = importlib.resources.files("gradalign.benchmarks") / "nb201.parquet"
    content = file.read_bytes()
    assert len(content) <= 200_000
    assert hashlib.sha256(content).hexdigest() == module.CHECKSUM


def test_a_damaged_table_is_refused(monkeypatch):
    monkeypatch.setattr(module, "CHECKSUM", "0" * 64)
    with pytest.raises(GradalignError, match="damaged: install gradalign anew"):
        module._load()


def test_the_frame(benchmark_):
    frame = benchmark_.frame
    assert (
        list(frame.columns) == ["index", "arch", *METRICS] == ["index", "arch", *benchmark_.metrics]
    )
    assert len(frame) == len(benchmark_) == 5_000
    assert frame["index"].is_unique
    assert frame["index"].between(0, 15_624).all()
    assert frame["arch"].is_unique
    assert not frame.isna().any().any()
    space = get_space("nb201")
    assert all(space.format(space.parse(text)) == text for text in frame["arch"])


def test_accuracies_are_possible_ones(benchmark_):
    frame = benchmark_.frame
    best = {"cifar10": 94.373334, "cifar100": 73.513334, "imagenet16-120": 47.311112}  # of all
    for metric, bound in best.items():
        assert frame[metric].between(0.5, bound).all()
    assert frame["cifar10_12epochs"].between(9.9, 90).all()


def test_published_facts(benchmark_):
    frame = benchmark_.frame.set_index("index")
    assert 6111 not in frame.index  # best on CIFAR-10 of all: not among these 5,000
    assert frame.loc[9930, "arch"] == BEST_CIFAR100
    assert frame.loc[9930, "cifar100"] == pytest.approx(73.513, abs=5e-4)
    assert frame["cifar100"].idxmax() == 9930
    assert benchmark_.row(BEST_CIFAR100)["cifar100"] == pytest.approx(73.513, abs=5e-4)


def test_early_stopped_training_is_a_baseline_with_its_cost(benchmark_):
    assert set(benchmark_.early_stopped) == {"cifar10", "cifar100", "imagenet16-120"}
    for metric, short in benchmark_.early_stopped.items():
        assert short.metric == "cifar10_12epochs"
        assert short.trained_on == "CIFAR-10"
        assert short.cost == 12 / 200
        assert benchmark_.metric(short.metric).epochs == short.epochs
        assert benchmark_.metric(metric).epochs == short.full_epochs
        frame = benchmark_.frame
        tau = kendalltau(frame[short.metric], frame[metric]).statistic
        assert tau == pytest.approx(0.71, abs=0.02)


def test_it_says_what_accuracy_means_and_where_it_is_from(benchmark_):
    for metric in benchmark_.metrics.values():
        assert "test accuracy" in metric.description
        assert metric.split
        assert metric.epochs
        assert metric.seeds
    assert benchmark_.metric().name == "cifar10"
    assert "Dong & Yang, ICLR 2020" in benchmark_.source
    assert benchmark_.licence == "MIT"


def test_isomorphic_architectures_are_different_rows(benchmark_):
    space = get_space("nb201")
    frame = benchmark_.frame
    forms = frame["arch"].map(lambda text: space.canonical(space.parse(text)))
    alike = frame[forms == forms.mode()[0]]
    assert len(alike) > 1
    looked_up = benchmark_.values(alike["arch"], "cifar10")
    np.testing.assert_array_equal(looked_up, alike["cifar10"])
    assert len(set(looked_up)) > 1


def test_lookup(benchmark_):
    frame = benchmark_.frame
    some = frame.sample(50, random_state=0)
    absent = next(
        text
        for text in map(get_space("nb201").format, get_space("nb201").enumerate())
        if text not in set(frame["arch"])
    )
    for metric in METRICS:
        values = benchmark_.values([absent, *some["arch"]], metric)
        assert np.isnan(values[0])
        np.testing.assert_array_equal(values[1:], some[metric])
    assert benchmark_.values([], "cifar10").shape == (0,)
    spelled = f" nb201:{BEST_CIFAR100} "
    assert spelled in benchmark_
    assert benchmark_.row(spelled) == benchmark_.row(BEST_CIFAR100)
    assert absent not in benchmark_
    with pytest.raises(InputError, match="holds 5,000 architectures, not"):
        benchmark_.row(absent)
    with pytest.raises(InputError, match="malformed nb201 architecture"):
        benchmark_.values(["|none~0|"], "cifar10")
    with pytest.raises(InputError, match=r"no metric 'cifar'.*choose from cifar10, cifar100"):
        benchmark_.values([BEST_CIFAR100], "cifar")


def test_the_table_cannot_be_changed_through_its_frame(benchmark_):
    frame = benchmark_.frame
    frame.loc[:, "cifar10"] = 0.0
    assert benchmark_.frame["cifar10"].min() > 0


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_the_table_is_what_the_script_makes(tmp_path, benchmark_):
    source = Path(DATA or "") / "nb201_dev.parquet"
    script = runpy.run_path(str(ROOT / "scripts" / "embed_nb201.py"))
    script["embed"](source, tmp_path / "nb201.parquet")
    # values, not bytes: those depend on the Parquet writer's version
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "nb201.parquet"), benchmark_.frame)
    raw = pd.read_parquet(source).set_index("nb201_index")
    ours = benchmark_.frame.set_index("index").loc[raw.index]
    assert (ours["arch"] == raw["arch"]).all()
    columns = ["cifar10_test", "cifar100_test", "imagenet16_test", "cifar10_test_12ep"]
    for metric, column in zip(METRICS, columns, strict=True):
        np.testing.assert_allclose(ours[metric], raw[column], rtol=0, atol=6e-7)
