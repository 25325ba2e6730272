"""From names, factories and files to networks."""

import json
import random
import sys

import numpy as np
import pytest
import torch
from torch import nn

import gradalign as ga
from gradalign.candidate import SEQUENCE_LENGTH, input_spec, seeded
from gradalign.data import InputSpec
from gradalign.failure import one_line
from gradalign.models import as_candidate, read_models, resolve

CELL = "|nor_conv_3x3~0|+|none~0|nor_conv_1x1~1|+|skip_connect~0|none~1|avg_pool_3x3~2|"

FACTORIES = """
import random
import numpy
import torch
from torch import nn

def linear():
    return nn.Linear(3, 2)

def drawn():
    layer = nn.Linear(1, 3, bias=False)
    values = [random.random(), numpy.random.rand(), torch.rand(1).item()]
    layer.weight.data = torch.tensor(values)[:, None]
    return layer

def broken():
    raise ValueError("first line\\nsecond line")

def number():
    return 3

def late():
    import beside
    return beside.make()

class Net(nn.Linear):
    def __init__(self):
        super().__init__(4, 2)

ready = nn.Linear(5, 2)
text = "linear"
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A current directory with modules in it, forgotten afterwards."""
    (tmp_path / "own_models.py").write_text(FACTORIES)
    (tmp_path / "beside.py").write_text(
        "from torch import nn\ndef make():\n    return nn.Linear(6, 2)\n"
    )
    (tmp_path / "raises.py").write_text("raise KeyError('at import')\n")
    (tmp_path / "needs.py").write_text("import not_there_at_all\n")
    monkeypatch.chdir(tmp_path)
    path, modules = list(sys.path), set(sys.modules)
    yield tmp_path
    assert sys.path == path
    for name in set(sys.modules) - modules:
        if name.split("_")[0] in ("own", "beside", "raises", "needs"):
            del sys.modules[name]


def same_weights(one, other):
    pairs = zip(one.state_dict().values(), other.state_dict().values(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


def test_an_architecture_keeps_its_name_and_gets_the_spaces_input():
    candidate = resolve(f" nb201:{CELL} ", num_classes=7)
    assert candidate.name == f"nb201:{CELL}"
    assert (candidate.space, candidate.arch) == ("nb201", CELL)
    assert candidate.spec == InputSpec(num_classes=7, shape=(3, 32, 32))
    small = resolve(f"nb201:{CELL}", build={"channels": "2", "cells": 1}, input_size=(3, 8, 8))
    assert small.spec.shape == (3, 8, 8)
    network = small.build(0)
    expected = ga.get_space("nb201").build(CELL, seed=0, channels=2, cells=1)
    assert same_weights(network, expected)
    assert network(torch.zeros(2, 3, 8, 8)).shape == (2, 10)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nb201:|nor_conv_9x9~0|", "malformed nb201 architecture"),
        ("resnet18", "unknown model 'resnet18': give SPACE:ARCH"),
        ("nb2001:abc", "unknown model 'nb2001:abc'.*transformers:NAME.*package.module:factory"),
        ("own_models:", "unknown model 'own_models:'"),
        (":linear", "unknown model ':linear'"),
        ("", "unknown model ''"),
        ("not_there_at_all.models:make", "unknown model 'not_there_at_all.models:make'"),
        ("own_models.deeper:make", "unknown model 'own_models.deeper:make'"),
        (".own_models:make", "unknown model '.own_models:make'"),
        ("own_models:absent", "'own_models' has no 'absent'"),
        ("own_models:text", "is of type str: name a function or a class"),
        ("absent.py:make", "no file 'absent.py'"),
        ("raises:make", "importing 'raises' raised KeyError: 'at import'"),
        ("raises.py:make", "importing 'raises.py' raised KeyError: 'at import'"),
        ("needs:make", "importing 'needs' raised ModuleNotFoundError.*not_there_at_all"),
        ("transformers:bertt", "transformers has no model 'bertt': did you mean .*'bert'"),
        ("transformers:absent.json", "'absent.json' is no model configuration"),
    ],
)
def test_what_names_nothing_is_refused_in_one_line(text, message, folder):
    with pytest.raises(ga.InputError, match=message) as raised:
        resolve(text)
    assert "\n" not in str(raised.value)


def test_build_options_are_for_spaces_that_have_them():
    with pytest.raises(ga.InputError, match="no option 'width': it has cells, channels"):
        resolve(f"nb201:{CELL}", build={"width": 3})
    with pytest.raises(ga.InputError, match="'os:getcwd' takes none"):
        resolve("os:getcwd", build={"cells": 1})


@pytest.mark.parametrize("place", ["own_models", "own_models.py", "./own_models.py"])
def test_factories_are_found_in_the_current_directory(place, folder):
    sizes = {}
    for attribute in ("linear", "Net", "ready", "late"):
        candidate = resolve(f"{place}:{attribute}", num_classes=2, input_size=(3,))
        assert candidate.name == f"{place}:{attribute}"
        assert candidate.spec == InputSpec(num_classes=2, shape=(3,))
        sizes[attribute] = candidate.build(0).in_features
    assert sizes == {"linear": 3, "Net": 4, "ready": 5, "late": 6}


def test_a_module_that_is_there_keeps_its_weights_and_a_factory_draws_them(folder):
    assert not resolve("own_models:ready").redrawn
    assert resolve("own_models:linear").redrawn


def test_a_factory_that_fails_or_returns_something_else_is_named(folder):
    with pytest.raises(
        ga.InputError,
        match="building 'own_models:broken' raised ValueError: first line second line",
    ):
        resolve("own_models:broken").build(0)
    with pytest.raises(ga.InputError, match="building 'own_models:number' gave a int"):
        resolve("own_models:number").build(0)


def test_every_generator_is_seeded_and_given_back(folder):
    candidate = resolve("own_models:drawn")
    states = random.getstate, np.random.get_state, torch.get_rng_state
    before = [repr(state()) for state in states]
    one, again, other = candidate.build(1), candidate.build(1), candidate.build(2)
    assert same_weights(one, again)
    assert not (one.weight == other.weight).any()
    assert [repr(state()) for state in states] == before


def test_generators_are_given_back_after_an_exception():
    before = random.getstate(), torch.get_rng_state()
    with pytest.raises(ZeroDivisionError), seeded(3):
        _ = random.random() / int(torch.rand(1).item())
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])


def test_running_out_of_memory_while_building_stays_what_it_is():
    def greedy():
        raise MemoryError

    with pytest.raises(MemoryError):
        as_candidate(greedy).build(0)


def test_modules_and_functions_from_python():
    layer = nn.Linear(2, 2)
    passed = as_candidate(layer, name="mine")
    assert passed.build(0) is layer
    assert passed.build(1) is layer
    assert (passed.name, passed.redrawn) == ("mine", False)

    def small():
        return nn.Linear(2, 2)

    made = as_candidate(small)
    assert (made.name, made.redrawn) == ("small", True)
    assert as_candidate(made, name="other").name == "other"
    assert as_candidate(f"nb201:{CELL}").arch == CELL
    assert as_candidate(f"nb201:{CELL}", name="cell").name == "cell"
    with pytest.raises(ga.InputError, match="the model 'x' is of type list"):
        as_candidate([], name="x")


def test_models_are_read_one_a_line(tmp_path):
    path = tmp_path / "models.txt"
    path.write_text(f"# three\n\nnb201:{CELL}\n  pkg.mod:factory  \n\n# end\n")
    assert read_models(path) == [f"nb201:{CELL}", "pkg.mod:factory"]


def test_a_file_without_models_is_refused(tmp_path):
    path = tmp_path / "models.txt"
    path.write_text("\n# nothing\n")
    with pytest.raises(ga.InputError, match="names no model"):
        read_models(path)
    with pytest.raises(ga.InputError, match="cannot read the models file"):
        read_models(tmp_path / "absent.txt")
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ga.InputError, match="cannot read the models file"):
        read_models(path)


class Tokens(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(13, 4)

    def forward(self, input_ids):
        return self.table(input_ids).mean(1)


def test_a_model_that_takes_input_ids_is_given_tokens():
    spec = InputSpec(num_classes=4)
    assert input_spec(nn.Linear(2, 2), spec) is spec
    assert input_spec(Tokens(), spec).tokens == (13, SEQUENCE_LENGTH)
    assert input_spec(Tokens(), InputSpec(num_classes=4, shape=(5,))).tokens == (13, 5)
    given = InputSpec(num_classes=4, tokens=(7, 3))
    assert input_spec(Tokens(), given) is given


@pytest.mark.parametrize("name", ["timm", "torchvision", "transformers"])
def test_a_library_that_is_not_installed_is_told_with_the_way_to_it(name, monkeypatch):
    monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ga.InputError, match=rf"pip install 'gradalign\[{name}\]'"):
        resolve(f"{name}:resnet18")


def configuration(tmp_path, **values):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(values))
    return f"transformers:{path}"


TINY_BERT = {
    "model_type": "bert",
    "hidden_size": 8,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "intermediate_size": 12,
    "vocab_size": 40,
}


def test_a_language_model_from_a_configuration_is_scored_on_token_ids(tmp_path):
    pytest.importorskip("transformers")
    candidate = resolve(configuration(tmp_path, **TINY_BERT), num_classes=3)
    assert candidate.spec == InputSpec(num_classes=3, tokens=(40, 16))
    network = candidate.build(0)
    assert same_weights(network, candidate.build(0))
    assert not same_weights(network, candidate.build(1))
    result = ga.score(candidate, data="noise", batch_size=4, proxies=("gradalign_ii", "layers"))
    assert [record.status for record in result] == ["ok", "ok"]
    assert network.classifier.out_features == 3


def test_positions_bound_the_sequence(tmp_path):
    pytest.importorskip("transformers")
    short = configuration(tmp_path, **TINY_BERT, max_position_embeddings=9)
    assert resolve(short).spec.tokens == (40, 9)
    assert resolve(short, input_size=(5,)).spec.tokens == (40, 5)


def test_a_decoder_without_padding_token_is_given_one(tmp_path):
    pytest.importorskip("transformers")
    text = configuration(
        tmp_path, model_type="gpt2", n_embd=8, n_layer=1, n_head=2, vocab_size=30, n_positions=16
    )
    result = ga.score(text, data="noise", batch_size=4, proxies="gradalign_i", num_classes=2)
    assert result["gradalign_i"].status == "ok"


def test_an_image_model_from_a_configuration_is_scored_on_images(tmp_path):
    pytest.importorskip("transformers")
    text = configuration(
        tmp_path,
        model_type="vit",
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=12,
        image_size=8,
        patch_size=4,
    )
    assert resolve(text).spec.shape == (3, 8, 8)
    result = ga.score(text, data="digits", batch_size=4, proxies="gradalign_i")
    assert result["gradalign_i"].status == "ok"


def test_model_types_of_the_library_are_known_without_building_them():
    transformers = pytest.importorskip("transformers")
    assert resolve("transformers:bert").spec.tokens == (transformers.BertConfig().vocab_size, 16)
    assert resolve("transformers:vit").spec.shape == (3, 224, 224)


def test_a_configuration_that_does_not_hold_is_refused(tmp_path):
    pytest.importorskip("transformers")
    with pytest.raises(ga.InputError, match="no model configuration with a 'model_type'"):
        resolve(configuration(tmp_path, hidden_size=8))
    with pytest.raises(ga.InputError, match="transformers has no model 'nothing'"):
        resolve(configuration(tmp_path, model_type="nothing"))
    with pytest.raises(ga.InputError, match="does not hold"):
        resolve(configuration(tmp_path, model_type="bert", num_labels="many"))


def test_long_messages_are_cut():
    assert one_line(ValueError("a\n  b")) == "a b"
    assert len(one_line(ValueError("x" * 1000))) == 300
