import collections
import itertools
import json
import os
import random
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces import get_space
from gradalign.spaces._mobilenet_network import MBConv, SqueezeExcitation
from gradalign.spaces.mobilenet import EXAMPLE, MOBILENET, Architecture

DATA = os.environ.get("GRADALIGN_DATA")
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set"),
]
LAYERS = (3, 3, 3, 3, 3, 4, 3)
PLAIN = {"e": [1] * 7, "k": [3] * 7, "l": [1] * 7, "se": [False] * 7}


def each(values) -> st.SearchStrategy:
    return st.lists(values, min_size=7, max_size=7)


spellings = st.fixed_dictionaries(
    {
        "e": each(st.sampled_from([1, 4, 6])),
        "k": each(st.sampled_from([3, 5])),
        "l": st.tuples(*[st.integers(1, most) for most in LAYERS]).map(list),
        "se": each(st.booleans()),
    }
)


def spell(**changed: object) -> str:
    return json.dumps(PLAIN | changed)


def on_meta(arch: Architecture | str, **options: int) -> nn.Module:
    with torch.device("meta"):
        return MOBILENET.build(arch, **options)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@pytest.fixture
def undrawn(monkeypatch):
    """Weights keep what memory holds: where only shapes matter, drawing them takes longest."""
    for name in ("kaiming_uniform_", "kaiming_normal_", "uniform_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)


# Spelling


@given(spellings)
def test_format_and_parse_are_inverse(lists):
    text = json.dumps({key: lists[key] for key in PLAIN})
    arch = MOBILENET.parse(text)
    assert MOBILENET.format(arch) == str(arch) == MOBILENET.canonical(arch) == text
    turned = dict(reversed(lists.items()))
    assert MOBILENET.parse(f"\n{json.dumps(turned, indent=2)} ") == arch
    assert hash(MOBILENET.parse(str(arch))) == hash(arch)


@given(st.text() | st.text(alphabet='{}[],:"eklsru0146fat ', max_size=60))
def test_any_text_is_an_architecture_or_an_input_error(text):
    with pytest.raises(InputError) as error:
        MOBILENET.parse(text)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is no JSON"),
        ("{'e': [1]}", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("9" * 9_999, "it is no JSON"),
        ("null", "it must be an object with the keys e, k, l, se and no others"),
        ('{"e": [1, 1, 1, 1, 1, 1, 1]}', "it must be an object with the keys e, k, l, se"),
        (spell(w=1), "it must be an object with the keys e, k, l, se and no others"),
        (spell(e="1444444"), "'e' must be a list, one value for each of the 7 stages"),
        (spell(l=[1] * 6), "'l' needs a value for 7 stages, found 6"),
        (spell(e=[1, 1, 1, 3, 1, 1, 1]), "'e' of stage 3 is '3': choose from 1, 4, 6"),
        (spell(e=[True] * 7), "'e' of stage 0 is 'true': choose from 1, 4, 6"),
        (spell(e=[1.0] * 7), "'e' of stage 0 is '1.0': choose from 1, 4, 6"),
        (spell(k=[3] * 6 + [7]), "'k' of stage 6 is '7': choose from 3, 5"),
        (spell(l=[4] + [1] * 6), "'l' of stage 0 is '4': choose from 1, 2, 3"),
        (spell(l=[1] * 5 + [5, 1]), "'l' of stage 5 is '5': choose from 1, 2, 3, 4"),
        (spell(se=[0] * 7), "'se' of stage 0 is '0': choose from false, true"),
        (spell(se=["x" * 9_999] * 7), "'se' of stage 0 is '\"xxx"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        MOBILENET.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert "\n" not in message
    assert len(message) < 700


def test_an_architecture_is_checked_when_made_by_hand():
    with pytest.raises(InputError, match="'k' of stage 0 is '1': choose from 3, 5"):
        Architecture((1,) * 7, (1,) * 7, (1,) * 7, (False,) * 7)


# The set


def test_enumerate_is_lazy_and_gives_all_choices_once():
    assert MOBILENET.size == 3**7 * 2**7 * 3**6 * 4 * 2**7 == 104_485_552_128
    first = list(itertools.islice(MOBILENET.enumerate(), 2_000))
    assert len(set(first)) == 2_000
    assert MOBILENET.format(first[0]) == json.dumps(PLAIN)
    assert MOBILENET.format(first[1]) == spell(se=[False] * 6 + [True])
    assert first == list(itertools.islice(MOBILENET.enumerate(), 2_000))


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [MOBILENET.sample(rng) for _ in range(3_000)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    cells = [
        (lambda arch: arch.expansion[0] * 10 + arch.expansion[6], 9),
        (lambda arch: arch.kernel_size, 2**7),
        (lambda arch: (arch.layers[0], arch.layers[5]), 12),
        (lambda arch: arch.squeeze_excitation, 2**7),
    ]
    for cell, number in cells:
        counts = collections.Counter(map(cell, drawn))
        expected = 3_000 / number
        chi_square = sum((count - expected) ** 2 / expected for count in counts.values())
        assert len(counts) == number
        assert chi_square < number + 5 * (2 * number) ** 0.5  # mean and five standard deviations


@settings(max_examples=20)
@given(st.integers())
def test_neighbours_and_mutations_differ_in_exactly_one_decision(seed):
    def decisions(arch: Architecture) -> tuple[int, ...]:
        return (*arch.expansion, *arch.kernel_size, *arch.layers, *arch.squeeze_excitation)

    arch = MOBILENET.sample(random.Random(seed))
    neighbours = MOBILENET.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) == 7 * 2 + 7 + 6 * 2 + 3 + 7
    for other in neighbours:
        pairs = zip(decisions(arch), decisions(other), strict=True)
        assert sum(a != b for a, b in pairs) == 1
    assert arch in MOBILENET.neighbours(neighbours[seed % 43])
    assert MOBILENET.mutate(arch, random.Random(seed)) in neighbours


@pytest.mark.usefixtures("undrawn")
def test_every_decision_shows_in_the_network():
    arch = MOBILENET.parse(EXAMPLE)
    built = {str(on_meta(other)) for other in (arch, *MOBILENET.neighbours(arch))}
    assert len(built) == 44


def test_suggestions_bear_the_keys_and_stages():
    optuna = pytest.importorskip("optuna")
    flat = {f"{k}{stage}": v for k, list_ in PLAIN.items() for stage, v in enumerate(list_)}
    trial = optuna.trial.FixedTrial(flat | {"l5": 4, "se2": True})
    expected = spell(l=[1] * 5 + [4, 1], se=[False] * 2 + [True] + [False] * 4)
    assert MOBILENET.format(MOBILENET.suggest(trial)) == expected


# Networks


def count(arch: Architecture) -> tuple[int, int]:
    """Parameters, and FLOPs at 224x224, counted from the published description."""
    totals = [0, 0]

    def convolution(c_in: int, c_out: int, kernel: int, side: int) -> None:  # c_in: of a group
        weights = c_in * c_out * kernel**2
        totals[0] += weights + 2 * c_out
        totals[1] += weights * side**2 + 4 * c_out * side**2

    side, c = 112, 32
    convolution(3, 32, 3, side)
    stages = zip((16, 24, 40, 80, 112, 192, 320), (1, 2, 2, 2, 1, 2, 1), arch.expansion,
                 arch.kernel_size, arch.layers, arch.squeeze_excitation, strict=True)  # fmt: skip
    for width, stride, expansion, kernel, layers, gated in stages:
        for number in range(layers):
            wide = expansion * c
            if expansion > 1:
                convolution(c, wide, 1, side)
            side //= 1 if number else stride
            convolution(1, wide, kernel, side)
            if gated:
                totals[0] += 2 * wide * (c // 4) + wide + c // 4
                totals[1] += 2 * wide * (c // 4) + wide * (side**2 + 1)
            convolution(wide, width, 1, side)
            c = width
    convolution(c, 1280, 1, side)
    totals[0] += 1281 * 1000
    totals[1] += 1280 * 1000 + 1280 * (side**2 + 1)
    return totals[0], totals[1]


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize("seed", range(10))
def test_counts_by_hand(seed):
    arch = MOBILENET.sample(random.Random(seed))
    weights, flops = count(arch)
    assert parameters(on_meta(arch)) == weights
    assert MOBILENET.published_flops(arch) == MOBILENET.published_flops(str(arch)) == flops


def test_the_example_is_efficientnet_b0():
    assert parameters(on_meta(EXAMPLE)) == 5_288_548  # as in torchvision


@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    "number",
    [pytest.param(15, marks=needs_data), pytest.param(60, marks=[*needs_data, pytest.mark.slow])],
)
def test_counts_are_the_published_ones(number):
    checks = json.loads((Path(DATA or "") / "space_checks.json").read_text())
    rows = checks["mobilenet_accel"]
    assert len(rows) == 60
    for row in rows[:number]:
        text = json.dumps({key: row[key] for key in PLAIN})
        assert parameters(on_meta(text)) == round(row["params_M"] * 1e6), text
        assert MOBILENET.published_flops(text) == round(row["macs_M"] * 1e6), text


@pytest.mark.parametrize("size", [32, 33, 64])
def test_forward_gives_logits_at_any_size(size):
    net = get_space("mobilenet").build(EXAMPLE, num_classes=7, seed=0)
    assert net.training
    net(torch.randn(2, 3, size, size)).logsumexp(1).sum().backward()
    without = [name for name, p in net.named_parameters() if p.grad is None]
    assert without == []


def test_outputs_are_the_same_every_time():
    net = MOBILENET.build(spell(), num_classes=3, seed=0)
    x = torch.randn(4, 3, 32, 32)
    assert torch.equal(net(x), net(x))


def test_a_block_computes_the_published_function():
    block = MBConv(8, 8, expansion=4, kernel_size=5, stride=1, squeeze_excitation=True)
    block = block.double().eval()
    x = torch.randn(2, 8, 6, 7, dtype=torch.float64)
    state = block.state_dict()

    def convolution(name: str, value: torch.Tensor, **options: int) -> torch.Tensor:
        out = nn.functional.conv2d(value, state[f"block.{name}.0.weight"], **options)
        return out / (1 + 1e-5) ** 0.5

    wide = convolution("0", x).relu()
    wide = convolution("1", wide, padding=2, groups=32).relu()
    mean = wide.mean((2, 3))
    squeezed = mean @ state["block.2.fc1.weight"][:, :, 0, 0].T + state["block.2.fc1.bias"]
    gate = squeezed.relu() @ state["block.2.fc2.weight"][:, :, 0, 0].T + state["block.2.fc2.bias"]
    gated = wide * gate.sigmoid()[:, :, None, None]
    assert state["block.2.fc1.weight"].shape[0] == 2  # a quarter of the input's channels
    expected = x + convolution("3", gated)
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("c_out", "stride"), [(8, 2), (16, 1)])
def test_the_input_is_added_only_where_the_shape_allows_it(c_out, stride):
    options = {"expansion": 1, "kernel_size": 3, "squeeze_excitation": False}
    block = MBConv(8, c_out, stride=stride, **options).eval()
    for weight in block.parameters():
        nn.init.zeros_(weight)
    assert not block(torch.randn(2, 8, 5, 5)).any()


def test_weights_start_as_published():
    net = MOBILENET.build(EXAMPLE, seed=0)
    expected = {"features.0.0": 2 / (32 * 9), "features.6.1.block.1.0": 2 / (6 * 192 * 25)}
    for name, variance in expected.items():  # of what a filter bank of the size gives
        weight = net.get_submodule(name).weight.detach()
        assert float(weight.var()) == pytest.approx(variance, rel=0.15)
    assert float(net.classifier[1].weight.detach().abs().max()) == pytest.approx(
        1000**-0.5, rel=1e-3
    )
    layers = [m for m in net.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert not any(m.bias.any() for m in layers if m.bias is not None)
    assert sum(isinstance(m, SqueezeExcitation) for m in net.modules()) == 16
    assert MOBILENET.build(EXAMPLE, seed=0).classifier[1].weight.equal(net.classifier[1].weight)


def test_there_are_no_options():
    with pytest.raises(InputError, match="no option 'channels': it has none at all"):
        MOBILENET.build(EXAMPLE, channels=4)
