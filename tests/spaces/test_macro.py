import collections
import itertools
import os
import random
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces.macro import EXAMPLE, MACRO, Architecture

DATA = os.environ.get("GRADALIGN_DATA")
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set"),
]
architectures = st.tuples(*[st.integers(0, 2)] * 8).map(Architecture)


def published() -> pd.DataFrame:
    return pd.read_parquet(Path(DATA or "") / "nb_macro_dev.parquet")


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# Spelling


@given(architectures)
def test_format_and_parse_are_inverse(arch):
    text = "".join(str(block) for block in arch.blocks)
    assert MACRO.format(arch) == str(arch) == text
    assert MACRO.parse(text) == MACRO.parse(f" {text}\n") == arch


@given(st.text() | st.text(alphabet="0123 ²٢\n", max_size=10))
def test_any_text_is_an_architecture_or_an_input_error(text):
    try:
        spelled = MACRO.format(MACRO.parse(text))
    except InputError as error:
        message, spelled = str(error), text.strip()
    else:
        message = "none"
    assert len(message.splitlines()) == 1
    assert spelled == text.strip()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "a macro network has 8 blocks, found 0"),
        ("0201210", "8 blocks, found 7"),
        ("020121000", "8 blocks, found 9"),
        ("02012103", "'3' is not one of the blocks 0, 1, 2"),
        ("0201-100", "'-' is not one of the blocks"),
        ("0201 100", "' ' is not one of the blocks"),
        ("1" * 9999, "8 blocks, found 9999"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        MACRO.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert "\n" not in message
    assert len(message) < 300


def test_an_architecture_is_checked_when_made_by_hand():
    with pytest.raises(InputError, match="8 blocks, found 1"):
        Architecture((0,))
    with pytest.raises(InputError, match="unknown macro block 3"):
        Architecture((0,) * 7 + (3,))


# The set


def test_enumerate_gives_every_architecture_once():
    everything = [MACRO.format(arch) for arch in MACRO.enumerate()]
    assert len(everything) == len(set(everything)) == MACRO.size == 6_561 == 3**8
    assert everything == sorted(everything)


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [MACRO.sample(rng) for _ in range(1_800)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    for places in itertools.combinations(range(8), 2):  # each pair of blocks: 9 cells of 200
        pairs = collections.Counter(tuple(a.blocks[i] for i in places) for a in drawn)
        cells = itertools.product(range(3), repeat=2)
        assert sum((pairs[cell] - 200) ** 2 / 200 for cell in cells) < 36  # 8 d.f.: p = 2e-5


@given(architectures)
def test_neighbours_differ_in_exactly_one_block(arch):
    neighbours = MACRO.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) == 16
    for other in neighbours:
        assert sum(a != b for a, b in zip(arch.blocks, other.blocks, strict=True)) == 1


def test_suggestions_reach_every_block():
    optuna = pytest.importorskip("optuna")
    chosen = {f"block_{i}": int(digit) for i, digit in enumerate("02012100")}
    assert str(MACRO.suggest(optuna.trial.FixedTrial(chosen))) == "02012100"


# Isomorphism


@pytest.mark.parametrize(
    ("text", "canonical"),
    [  # stages: two, three and three blocks
        ("00000000", "00000000"),
        ("12101202", "12110220"),
        ("01001002", "01010020"),  # the first block of a stage stays where it is
        ("20212211", "20212211"),
    ],
)
def test_canonical_by_hand(text, canonical):
    assert MACRO.canonical(MACRO.parse(text)) == canonical


def test_canonical_knows_3969_classes():
    # a first block, then up to depth - 1 blocks that do something
    stage = {depth: 3 * sum(2**count for count in range(depth)) for depth in (2, 3)}
    expected = stage[2] * stage[3] * stage[3]
    assert len({MACRO.canonical(arch) for arch in MACRO.enumerate()}) == expected == 3_969


@given(architectures)
def test_the_canonical_spelling_is_the_same_network(arch):
    x = torch.randn(2, 3, 8, 8)
    net = MACRO.build(arch, channels=2, seed=0)
    other = MACRO.build(MACRO.canonical(arch), channels=2, seed=0)
    assert torch.equal(net(x), other(x))


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_the_published_runs_are_those_of_the_canonical_classes():
    table = published()
    ours = [MACRO.canonical(MACRO.parse(text)) for text in table["arch"]]
    runs = [tuple(accuracies) for accuracies in table["test_acc_seeds"]]
    assert len(set(ours)) == len(set(runs)) == len(set(zip(ours, runs, strict=True))) == 1_329


# Networks


def naive_parameters(text: str, channels: int, classes: int) -> int:
    """Parameters, counted from the published description."""

    def convolution(c_in: int, c_out: int, kernel: int) -> int:  # no bias, affine normalisation
        return c_in * c_out * kernel**2 + 2 * c_out

    total, c = convolution(3, channels, 3), channels
    for position, block in enumerate(text):
        out = 2 * c if position in (0, 2, 5) else c
        if block == "0":
            total += convolution(c, out, 1) if out != c else 0
        else:
            kernel, hidden = (3, 3 * c) if block == "1" else (5, 6 * c)
            total += convolution(c, hidden, 1) + convolution(1, hidden, kernel)
            total += convolution(hidden, out, 1)
        c = out
    return total + convolution(c, 1280, 1) + 1281 * classes


@pytest.mark.parametrize(("channels", "classes"), [(32, 10), (4, 100), (1, 1)])
def test_parameters_by_hand(channels, classes):
    for seed in range(5):
        arch = MACRO.sample(random.Random(seed))
        with torch.device("meta"):
            net = MACRO.build(arch, channels=channels, num_classes=classes)
        assert parameters(net) == naive_parameters(str(arch), channels, classes)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(100, marks=needs_data),
        pytest.param(1_500, marks=[*needs_data, pytest.mark.slow]),
    ],
)
def test_parameters_and_flops_are_the_published_ones(count):
    rows = published().sample(count, random_state=0)
    for text, params, flops in zip(rows["arch"], rows["params"], rows["flops"], strict=True):
        with torch.device("meta"):
            net = MACRO.build(text)
        assert parameters(net) == params, text
        assert MACRO.published_flops(text) == flops, text


def test_published_flops_by_hand():
    stem, head = 32 * 32 * 32 * 27, 8 * 0 + 4 * 4 * 256 * 1280 + 1280 * 10
    shortcuts = 16 * 16 * 32 * 64 + 8 * 8 * 64 * 128 + 4 * 4 * 128 * 256
    assert MACRO.published_flops("00000000") == stem + shortcuts + head == 7_713_280
    residual = 4 * 4 * (256 * 768 + 9 * 768 + 768 * 256)  # the last block, 3x3
    assert MACRO.published_flops("00000001") == 7_713_280 + residual


@pytest.mark.parametrize("size", [8, 9, 32])
def test_forward_gives_logits(size):
    net = MACRO.build(EXAMPLE, channels=4, num_classes=7, seed=0)
    assert net.training
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)


def test_an_inverted_residual_computes_the_published_function():
    net = MACRO.build("01000000", channels=4, seed=0).double().eval()
    block = net.features[1].conv
    x = torch.randn(2, 8, 5, 5, dtype=torch.float64)
    scale = (1 + 1e-5) ** -0.5
    expand, depth, project = (block[i].weight for i in (0, 3, 6))
    hidden = (torch.einsum("oc,nchw->nohw", expand[:, :, 0, 0], x) * scale).relu()
    patches = nn.functional.unfold(hidden, 3, padding=1).view(2, 24, 9, 5, 5)
    hidden = (torch.einsum("ck,nckhw->nchw", depth.flatten(1), patches) * scale).relu()
    expected = torch.einsum("oc,nchw->nohw", project[:, :, 0, 0], hidden) * scale + x
    torch.testing.assert_close(net.features[1](x), expected, rtol=1e-12, atol=1e-12)


def test_every_parameter_gets_a_gradient():
    net = MACRO.build("12021021", channels=4, seed=0)
    net(torch.randn(4, 3, 16, 16)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
