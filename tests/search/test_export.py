"""An exported network against the one that was trained: in a new process, from elsewhere."""

import json
import shutil
import subprocess
import sys

import pytest
import torch
from torch import nn

from gradalign.candidate import Candidate
from gradalign.data import InputSpec
from gradalign.errors import GradalignError, InputError
from gradalign.models import as_candidate, resolve
from gradalign.search import rebuild
from gradalign.search.export import export

NETS = """
from torch import nn

def plain():
    return nn.Sequential(nn.Flatten(), nn.Linear(64, 7), nn.BatchNorm1d(7), nn.ReLU(),
                         nn.Dropout(0.5), nn.Linear(7, 10))

def build(trial):
    width = trial.suggest_int("width", 2, 64)
    layers = [nn.Flatten(), nn.Linear(64, width)]
    for _ in range(trial.suggest_int("depth", 1, 3)):
        layers += [nn.ReLU(), nn.Linear(width, width)]
    return nn.Sequential(*layers, nn.Linear(width, 10))
"""

DOCUMENT = {"best": {"score": 1.5}, "finalists": ["a", "b"], "protocol": {"seed": 0}}


def changed(candidate, seed=0):
    """The network with weights and buffers that no initialisation gives."""
    model = candidate.build(seed)
    generator = torch.Generator().manual_seed(5)
    with torch.no_grad():
        for value in model.state_dict().values():
            if value.is_floating_point():
                value.copy_(torch.rand(value.shape, generator=generator) + 0.1)
    return model.train()


def run(folder, *arguments, cwd):
    """rebuild.py in a new process, from another working directory."""
    done = subprocess.run(
        [sys.executable, str(folder / "rebuild.py"), *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


@pytest.fixture
def nets(tmp_path, monkeypatch):
    """A folder with a file of functions, which is where the user is."""
    folder = tmp_path / "work"
    folder.mkdir()
    (folder / "nets.py").write_text(NETS)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("name", "build", "size"),
    [
        (
            "nb201:|nor_conv_3x3~0|+|none~0|skip_connect~1|+|avg_pool_3x3~0|none~1|nor_conv_1x1~2|",
            {"channels": 4, "cells": 1},
            (3, 8, 8),
        ),
        ("mlp:32-16", {}, (1, 8, 8)),
    ],
)
def test_an_architecture_of_a_space(name, build, size, tmp_path):
    candidate = resolve(name, build=build, num_classes=10, input_size=size)
    model = changed(candidate)
    before = {key: value.clone() for key, value in model.state_dict().items()}
    folder = export(candidate, model, tmp_path / "best", document=DOCUMENT, build=build, seed=3)
    assert model.training
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    moved = shutil.move(folder, tmp_path / "moved")
    code, said = run(moved, cwd="/")
    assert (code, said.splitlines()[1]) == (
        0,
        "its outputs on the stored inputs are equal, bit for bit",
    )
    stored = torch.load(moved / "check.pt", weights_only=True)
    assert stored["inputs"].shape == (8, *size)
    weights = torch.load(moved / "weights.pt", weights_only=True)
    assert weights.keys() == before.keys()
    assert all(torch.equal(weights[key], before[key]) for key in before)
    assert json.loads((moved / "result.json").read_text()) == DOCUMENT
    told = json.loads((moved / "architecture.json").read_text())
    assert (told["name"], told["build"], told["seed"]) == (name, build, 3)
    assert (told["space"], told["function"]) == (candidate.space, None)


@pytest.mark.parametrize("function", ["plain", 'build{"depth": 2, "width": 12}'])
def test_a_function_in_a_file_is_copied(function, nets, tmp_path):
    candidate = resolve(f"nets.py:{function}", input_size=(1, 8, 8))
    folder = export(candidate, changed(candidate), tmp_path / "best", document={})
    (nets / "nets.py").unlink()
    code, said = run(folder, cwd="/")
    assert code == 0, said
    assert "equal, bit for bit" in said


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("nn.ReLU()", "nn.Tanh()", "its outputs on the stored inputs are others, by up to"),
        ("nn.ReLU()", "nn.ReLU6()", "others"),
        ("nn.Linear(7, 10)", "nn.Linear(7, 11)", "the weights do not fit"),
        ("def plain", "def simple", "has no 'plain'"),
    ],
)
def test_code_that_has_changed_is_found_out(before, after, told, exported, tmp_path, monkeypatch):
    folder = shutil.copytree(exported, tmp_path / "best")
    copied = folder / "code" / "nets.py"
    copied.write_text(NETS.replace(before, after))
    monkeypatch.setattr(rebuild, "HERE", folder)
    monkeypatch.setattr("sys.argv", ["rebuild.py"])
    with pytest.raises(SystemExit, match=told) as error:
        rebuild.main()
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported")
    (folder / "nets.py").write_text(NETS)
    candidate = resolve(f"{folder / 'nets.py'}:plain", input_size=(1, 8, 8))
    return export(candidate, changed(candidate), folder / "best", document={})


def test_it_is_of_use_from_python(exported, monkeypatch, tmp_path):
    folder = shutil.copytree(exported, tmp_path / "best")
    monkeypatch.setattr(rebuild, "HERE", folder)
    model = rebuild.rebuild()
    assert not model.training
    stored = torch.load(folder / "check.pt", weights_only=True)
    assert torch.equal(rebuild.outputs(model, stored["inputs"]), stored["outputs"])


def test_rounding_is_told_from_a_change(exported, monkeypatch, tmp_path, capsys):
    folder = shutil.copytree(exported, tmp_path / "best")
    stored = torch.load(folder / "check.pt", weights_only=True)
    torch.save({**stored, "outputs": stored["outputs"] * (1 + 1e-6)}, folder / "check.pt")
    monkeypatch.setattr(rebuild, "HERE", folder)
    monkeypatch.setattr("sys.argv", ["rebuild.py"])
    rebuild.main()
    assert "equal but for rounding" in capsys.readouterr().out


def test_a_function_of_a_module_is_imported_from_where_it_was(nets, tmp_path):
    package = nets / "pack_to_export"
    package.mkdir()
    (package / "sizes.py").write_text("CLASSES = 10")
    (package / "nets.py").write_text(f"from pack_to_export.sizes import CLASSES\n{NETS}")
    candidate = resolve("pack_to_export.nets:plain", input_size=(1, 8, 8))
    folder = export(candidate, changed(candidate), tmp_path / "best", document={})
    with (package / "nets.py").open("a") as file:
        file.write("# changed, but not what it makes")
    code, said = run(folder, cwd="/")
    assert code == 0, said
    assert "nets.py is gone, or not what it was when the network was exported" in said
    assert "equal, bit for bit" in said
    shutil.move(package, tmp_path / "pack_to_export")
    code, said = run(folder, "pack_to_export.nets:plain", cwd=tmp_path)
    assert code == 0, said
    assert "gone" not in said


def test_a_function_that_only_this_process_knows(nets, tmp_path, monkeypatch):
    def here():
        return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))

    candidate = as_candidate(here, name="here", input_size=(1, 8, 8))
    folder = export(candidate, changed(candidate), tmp_path / "best", document={})
    monkeypatch.setattr(rebuild, "HERE", folder)
    with pytest.raises(InputError, match="here was defined where no other program finds it"):
        rebuild.rebuild()
    (nets / "later.py").write_text(
        "from torch import nn\n"
        "def here():\n    return nn.Sequential(nn.Flatten(), nn.Linear(64, 10))\n"
    )
    code, said = run(folder, f"{nets / 'later.py'}:here", cwd="/")
    assert code == 0, said
    assert "equal, bit for bit" in said


def test_an_export_that_cannot_be_rebuilt_is_said_at_once(nets, tmp_path):
    (nets / "widths_to_export.py").write_text("WIDTH = 5")
    (nets / "nets.py").write_text(f"from widths_to_export import WIDTH\n{NETS}")
    candidate = resolve("nets.py:plain", input_size=(1, 8, 8))
    folder = tmp_path / "best"
    with pytest.raises(GradalignError, match="copy what its code imports into") as error:
        export(candidate, changed(candidate), folder, document={})
    assert "widths_to_export" in str(error.value)
    assert "\n" not in str(error.value)
    shutil.copy(nets / "widths_to_export.py", folder / "code")
    assert run(folder, cwd="/")[0] == 0


def test_a_place_that_cannot_be_written(tmp_path):
    spec = InputSpec(num_classes=10, shape=(1, 8, 8))
    candidate = Candidate(name="net", make=lambda seed: nn.Flatten(), spec=spec)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(GradalignError, match="choose another folder"):
        export(candidate, nn.Flatten(), tmp_path / "file", document={})
