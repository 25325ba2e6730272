"""Network Design Spaces: the archive, its files, repeated trainings."""

import json
import zipfile

import numpy as np
import pytest
from tests.benchmarks import samples

from gradalign.benchmarks import BENCHMARKS
from gradalign.benchmarks import nds as module
from gradalign.benchmarks._published import PUBLISHED
from gradalign.errors import InputError
from gradalign.spaces import get_space


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data.zip"


def test_the_archive(path):
    samples.nds(path)
    tables = module.read(path)
    assert set(tables) == {"nds_darts", "nds_darts_lr_wd", "nds_resnext_a_in"}
    assert set(tables) <= set(PUBLISHED["nds"].benchmarks) <= set(BENCHMARKS)
    stages = tables["nds_resnext_a_in"]
    assert list(stages["test_accuracy"]) == [93.5, 90.5]  # the top and the middle joined
    assert list(stages["train_accuracy"]) == [96.75, 95.25]
    assert list(stages["epochs"]) == [2, 2]
    assert list(stages["flops"]) == [2e6, 2e6]
    space = get_space("nds")
    for frame in tables.values():
        for form, arch in zip(frame["hash"], frame["arch"], strict=True):
            assert space.format(space.parse(arch)) == arch
            assert space.canonical(space.parse(arch)) == form


def test_a_network_trained_twice_has_one_row(path):
    samples.nds(path)
    tables = module.read(path)
    mean, best = tables["nds_darts"], tables["nds_darts_lr_wd"]
    assert list(mean["test_accuracy"]) == [93.0, 93.0]
    assert list(mean["train_accuracy"]) == [96.5, 96.5]
    assert list(best["test_accuracy"]) == [94.0, 93.0]
    assert list(best["train_accuracy"]) == [97.0, 96.5]
    assert list(best["params"]) == [1e6 + 6, 1e6 + 7]  # all of one training
    for frame in (mean, best):
        assert list(frame["trainings"]) == [2, 1]
        assert list(frame["arch"]) == list(mean["arch"])


def test_one_file_of_the_archive(tmp_path, path):
    samples.nds(path)
    single = tmp_path / "DARTS_lr-wd.json"
    single.write_text(json.dumps(samples.nds_cells()))
    (name, frame), *others = module.read(single).items()
    assert name == "nds_darts_lr_wd"
    assert not others
    assert frame.equals(module.read(path)[name])


def test_lookup(path, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADALIGN_CACHE", str(tmp_path / "cache"))
    samples.nds(path)
    frame = module.read(path)["nds_darts"]
    benchmark = samples.stored("nds_darts", "nds", frame)
    net = samples.cell_net("sep_conv_5x5", aux=False)
    edges = net["genotype"]["normal"]
    turned = {**net, "genotype": {**net["genotype"], "normal": [edges[1], edges[0], *edges[2:]]}}
    asked = [json.dumps(net), json.dumps({"space": "DARTS"} | net), json.dumps(turned)]
    np.testing.assert_array_equal(benchmark.values(asked, "test_accuracy"), [93.0] * 3)
    assert json.dumps(samples.cell_net("sep_conv_5x5", depth=9)) not in benchmark
    own = tmp_path / "nds_darts.csv"
    frame[["arch", "test_accuracy"]].to_csv(own, index=False)
    again = module.read(own)["nds_darts"]
    assert list(again["hash"]) == list(frame["hash"])


def test_a_failed_training_has_no_accuracy(tmp_path):
    path = tmp_path / "DARTS.json"
    path.write_text(json.dumps([samples.nds_model(samples.cell_net("none"), float("nan"))]))
    with pytest.raises(InputError, match="no finite 'params'"):
        module.read(path)
    model = samples.nds_model(samples.cell_net("none"), 8.0)
    model["test_ep_top1"] = [90.0, float("nan")]
    path.write_text(json.dumps([model]))
    assert list(module.read(path)["nds_darts"]["test_accuracy"].isna()) == [True]


def without(key):
    model = samples.nds_model(samples.any_net(2), 5.0)
    del model[key]
    return [model]


def with_(**values):
    return [samples.nds_model(samples.any_net(2), 5.0) | values]


@pytest.mark.parametrize(
    ("document", "fault"),
    [
        ([], "holds no models"),
        ({}, "holds no models"),
        ({"top": [], "mid": []}, "holds no models"),
        ({"top": {}, "mid": []}, "holds no models"),
        ("text", "holds no models"),
        ([5], "no 'net' in model 1"),
        (without("net"), "no 'net' in model 1"),
        (without("test_ep_top1"), "no list 'test_ep_top1' in model 1"),
        (without("flops"), "no number 'flops' in model 1"),
        (with_(test_ep_top1=[]), "no list 'test_ep_top1'"),
        (with_(test_ep_top1=["5"]), "what is no percentage"),
        (with_(train_ep_top1=[101.0]), "what is no percentage"),
        (with_(net={"genotype": 5}), "model 1: malformed nds architecture"),
        (with_(net={"a": float("nan")}), "model 1: malformed nds architecture"),
    ],
)
def test_anything_else_is_refused(tmp_path, document, fault):
    path = tmp_path / "ResNeXt-A.json"
    path.write_text(json.dumps(document))
    with pytest.raises(InputError, match=fault) as error:
        module.read(path)
    assert "\n" not in str(error.value)
    assert path.name in str(error.value)


@pytest.mark.parametrize("name", ["Other.json", "other.csv"])
def test_the_name_of_a_single_file_says_which_table_it_is(tmp_path, name):
    (tmp_path / name).write_text("[]")
    with pytest.raises(InputError, match="rename it as in the archive"):
        module.read(tmp_path / name)


def test_an_archive_of_other_things(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("other.json", "[]")
    with pytest.raises(InputError, match=r"holds none of Amoeba\.json"):
        module.read(path)
