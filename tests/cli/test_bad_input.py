"""Every mistake ends with exit code 2, or a recorded status and exit code 1, and one clear line."""

import json
import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.cli.commands import CELL, SMALL
from torch import nn

import gradalign as gradalign_api
from gradalign.errors import InputError

MODEL = f"nb201:{CELL}"

FACTORIES = """
import torch
from torch import nn

def raising():
    raise RuntimeError("wrong width")

def no_module():
    return 3

def image_output():
    return nn.Conv2d(3, 4, 3)

def narrow():
    return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, 4))

def wrong_shape():
    return nn.Sequential(nn.Flatten(), nn.Linear(7, 10))

class Scalar(nn.Linear):
    def forward(self, x):
        return super().forward(x.flatten(1)).sum()

def scalar():
    return Scalar(3 * 8 * 8, 1)
"""


class Touch:
    """A pickle that leaves a file behind where it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def files(tmp_path):
    (tmp_path / "nets.py").write_text(FACTORIES)
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "empty.npz").write_text("")
    (tmp_path / "empty.csv").write_text("")
    images = np.zeros((8, 6, 6, 3), dtype=np.uint8)
    labels = np.arange(8) % 4
    np.savez(tmp_path / "good.npz", images=images, labels=labels)
    np.savez(tmp_path / "nolabels.npz", images=images)
    np.savez(tmp_path / "negative.npz", images=images, labels=labels - 1)
    np.savez(tmp_path / "flat.npz", images=images.reshape(8, -1), labels=labels)
    nan = np.full((8, 3, 6, 6), np.nan, dtype=np.float32)
    np.savez(tmp_path / "nan.npz", images=nan, labels=labels)
    np.savez(tmp_path / "classes.npz", images=images, labels=labels + 30)
    content = (tmp_path / "good.npz").read_bytes()
    (tmp_path / "broken.npz").write_bytes(content[: len(content) // 2])
    with zipfile.ZipFile(tmp_path / "pickle.npz", "w") as archive:
        hostile = np.array([Touch(tmp_path / "unpickled")], dtype=object)
        with archive.open("images.npy", "w") as file:
            np.lib.format.write_array(file, hostile, allow_pickle=True)
        with archive.open("labels.npy", "w") as file:
            np.lib.format.write_array(file, labels)
    (tmp_path / "cifar").mkdir()
    for number in range(1, 6):
        hostile = pickle.dumps(Touch(tmp_path / "unpickled"))
        (tmp_path / "cifar" / f"data_batch_{number}").write_bytes(hostile)
    (tmp_path / "empty_folder").mkdir()
    return tmp_path


USAGE = [
    ((), "no model is given: name at least one, or give --models FILE"),
    (("nb201:|nor_conv_3x3~0|",), "malformed nb201 architecture"),
    (("nb201:|nor_conv_3x3~0|+|none~0|none~1|+|none~0|none~1|max_pool~2|",), "max_pool"),
    (("nowhere:thing",), "unknown model 'nowhere:thing'"),
    (("nets.py:nothing",), "has no 'nothing'"),
    (("transformers:no_such_model",), "no_such_model"),
    ((MODEL, "--proxies", "gradalign_iii"), "did you mean 'gradalign_ii'"),
    ((MODEL, "--proxies", ","), "no proxy is named"),
    ((MODEL, "--combine", "mine"), "unknown aggregate 'mine'"),
    ((MODEL, "--combine", "params=macs"), "'params' is a proxy already"),
    ((MODEL, "--device", "tpu3"), "the device 'tpu3' cannot be used"),
    ((MODEL, "--norm", "none"), "unknown norm 'none': choose from batch_fixed"),
    ((MODEL, "--dtype", "int8"), "unknown dtype 'int8'"),
    ((MODEL, "--regime", "own"), "unknown regime 'own'"),
    ((MODEL, "--batch-size", "0"), "batch size 0"),
    ((MODEL, "--input-size", "big"), "input size 'big'"),
    ((MODEL, "--build", "channels"), "write it as key=value"),
    ((MODEL, "--build", "depth=3"), "no option 'depth'"),
    ((MODEL, "--seed", "-1"), "--seed"),
    ((MODEL, "--format", "xml"), "--format"),
    ((MODEL, "--models", "absent.txt"), "absent.txt"),
    (("--models", "empty.txt"), "names no model"),
    ((MODEL, "--data", "imagenet"), "unknown data source 'imagenet'"),
    ((MODEL, "--data", "npz"), "needs its FILE"),
    ((MODEL, "--data", "npz:absent.npz"), "no file 'absent.npz'"),
    ((MODEL, "--data", "npz:empty.npz"), "is empty"),
    ((MODEL, "--data", "npz:broken.npz"), "cut short"),
    ((MODEL, "--data", "npz:nolabels.npz"), "holds no array 'labels'"),
    ((MODEL, "--data", "npz:negative.npz"), "label"),
    ((MODEL, "--data", "npz:nan.npz"), "NaN or infinite values"),
    ((MODEL, "--data", "npz:flat.npz"), "images"),
    ((MODEL, "--data", "npz:pickle.npz"), "pickle.npz"),
    ((MODEL, "--data", "cifar10:cifar"), "data_batch_1"),
    ((MODEL, "--data", "cifar10:empty_folder"), "data_batch_1"),
    ((MODEL, "--data", "folder:empty_folder"), "empty_folder"),
    ((MODEL, "--nonsense"), "--nonsense"),
]

RECORDED = [
    (("nets.py:raising",), "RuntimeError: wrong width"),
    (("nets.py:no_module",), "must return an nn.Module"),
    (("nets.py:image_output",), "cross-entropy needs [n, classes] and [n]"),
    (("nets.py:narrow",), "is out of range: the model has 4 outputs"),
    (("nets.py:scalar",), "4 samples on axis 0"),
    (("nets.py:wrong_shape",), "shapes cannot be multiplied"),
    ((MODEL, "--input-size", "1x8x8"), "3 channels"),
    ((MODEL, "--data", "npz:classes.npz"), "classes"),
    ((MODEL, "--data", "npz:good.npz", "--batch-size", "9"), "8 samples"),
]


@pytest.mark.parametrize(("arguments", "said"), USAGE, ids=lambda value: str(value)[-40:])
@pytest.mark.parametrize("command", ["score", "rank"])
def test_a_mistake_is_one_line_and_exit_code_2(gradalign, files, command, arguments, said):
    done = gradalign(command, *arguments)
    assert done.code == 2
    assert done.out == ""
    assert said in done.complaint
    assert not (files / "unpickled").exists()


@pytest.mark.parametrize(("arguments", "said"), RECORDED, ids=lambda value: str(value)[-40:])
@pytest.mark.parametrize("command", ["score", "rank"])
def test_what_a_model_cannot_do_is_a_record_and_exit_code_1(
    gradalign, files, command, arguments, said
):
    options = ("--input-size", "8", "--batch-size", "4", "--proxies", "gradalign_i,params")
    done = gradalign(command, *options, *arguments, "--format", "json", *_repeats(command))
    assert done.code == 1
    assert "scores failed" in done.complaint
    assert said in done.complaint
    assert "error" in done.out
    json.loads(done.out)


def _repeats(command):
    return ("--repeats", "2") if command == "rank" else ()


def test_one_bad_factory_does_not_stop_the_others(gradalign, files):
    done = gradalign("score", "nets.py:raising", MODEL, *SMALL[4:], "--proxies", "params")
    assert done.code == 1
    assert "RuntimeError: wrong width" in done.out
    assert MODEL in done.out


def test_a_scalar_loss_is_refused_with_the_mend():
    model = nn.Sequential(nn.Flatten(), nn.Linear(12, 3))
    batch = torch.randn(4, 3, 2, 2), torch.tensor([0, 1, 2, 0])
    with pytest.raises(InputError, match="reduction='none'") as caught:
        gradalign_api.score(model, batch, loss_fn=nn.CrossEntropyLoss())
    assert "\n" not in str(caught.value)


def test_debug_shows_where(gradalign, files):
    with pytest.raises(ValueError, match="malformed nb201 architecture"):
        gradalign("score", "nb201:oops", "--debug")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("scoer",), "did you mean 'score'"),
        (("list", "proxy"), "proxies"),
        (("evaluate",), "missing argument"),
        (("demo", "--networks", "2"), "2 networks: choose 3 to 5,000"),
        (("demo", "--networks", "5001"), "choose 3 to 5,000"),
        (("demo", "--workers", "0"), "--workers"),
        (("demo", "--out", "empty.txt"), "empty.txt"),
    ],
)
def test_usage_of_the_other_commands(gradalign, files, arguments, said):
    done = gradalign(*arguments)
    assert done.code == 2
    assert said.lower() in done.complaint.lower()
