import collections
import itertools
import json
import os
import random
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces.transnas_micro import EXAMPLE, TRANSNAS_MICRO, Architecture

DATA = os.environ.get("GRADALIGN_DATA")
architectures = st.tuples(*[st.integers(0, 3)] * 6).map(Architecture)


def published() -> list[dict]:
    return json.loads((Path(DATA or "") / "space_checks.json").read_text())["transnas_micro"]


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# Spelling


@given(architectures)
def test_format_and_parse_are_inverse(arch):
    text = str(arch.operations)
    assert TRANSNAS_MICRO.format(arch) == str(arch) == text
    assert TRANSNAS_MICRO.parse(text.replace(" ", "")) == arch
    assert TRANSNAS_MICRO.parse(f" {text}\n") == arch


@given(st.text() | st.text(alphabet="(0123, ²٢)\n", max_size=20))
def test_any_text_is_an_architecture_or_an_input_error(text):
    try:
        spelled = TRANSNAS_MICRO.format(TRANSNAS_MICRO.parse(text))
    except InputError as error:
        message, spelled = str(error), text
    else:
        message = "none"
    assert len(message.splitlines()) == 1
    assert "".join(spelled.split()) == "".join(text.split())


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it must begin with '(' and end with ')'"),
        ("(", "it must begin with '(' and end with ')'"),
        ("0, 3, 3, 3, 3, 2", "it must begin with '('"),
        ("()", "'' between the commas is not one digit"),
        ("(0, 3, 3, 3, 3, 2,)", "'' between the commas"),
        ("(0, 3, 3, 3, 3, -2)", "'-2' between the commas"),
        ("(0, 3, 3, 3, 3, 22)", "'22' between the commas"),
        ("(0, 3, 3, 3, 3)", "a transnas_micro cell has 6 operations, found 5"),
        ("(0, 3, 3, 3, 3, 4)", "unknown transnas_micro operation 4: choose from 0, 1, 2, 3"),
        (f"({'0,' * 9999}0)", "6 operations, found 10000"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        TRANSNAS_MICRO.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert "\n" not in message
    assert len(message) < 300


def test_an_architecture_is_checked_when_made_by_hand():
    with pytest.raises(InputError, match="6 operations, found 1"):
        Architecture((0,))
    with pytest.raises(InputError, match="unknown transnas_micro operation 4"):
        Architecture((0, 0, 0, 0, 0, 4))


# The set


def test_enumerate_gives_every_architecture_once():
    everything = list(TRANSNAS_MICRO.enumerate())
    assert len(everything) == len(set(everything)) == TRANSNAS_MICRO.size == 4_096 == 4**6


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [TRANSNAS_MICRO.sample(rng) for _ in range(3_200)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    for edges in itertools.combinations(range(6), 2):  # each pair of edges: 16 cells of 200
        pairs = collections.Counter(tuple(a.operations[e] for e in edges) for a in drawn)
        cells = itertools.product(range(4), repeat=2)
        assert sum((pairs[cell] - 200) ** 2 / 200 for cell in cells) < 48  # 15 d.f.: p = 3e-5


@given(architectures)
def test_neighbours_differ_on_exactly_one_edge(arch):
    neighbours = TRANSNAS_MICRO.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) == 18
    for other in neighbours:
        assert sum(a != b for a, b in zip(arch.operations, other.operations, strict=True)) == 1


def test_suggestions_are_named_after_the_edges():
    optuna = pytest.importorskip("optuna")
    chosen = {"1<-0": 0, "2<-0": 3, "2<-1": 1, "3<-0": 2, "3<-1": 0, "3<-2": 1}
    arch = TRANSNAS_MICRO.suggest(optuna.trial.FixedTrial(chosen))
    assert str(arch) == "(0, 3, 1, 2, 0, 1)"


# Isomorphism


@pytest.mark.parametrize(
    ("operations", "canonical"),
    [  # worked out by hand; order of edges: 1<0, 2<0, 2<1, 3<0, 3<1, 3<2
        ((0, 0, 0, 0, 0, 0), "#"),
        ((3, 3, 3, 0, 0, 0), "#"),  # nothing reaches the last node
        ((0, 0, 3, 0, 3, 3), "#"),  # only zeros do
        ((0, 0, 0, 3, 0, 0), "(0)@3"),
        ((1, 0, 0, 0, 3, 0), "((0)@1)@3"),  # where the cell reduces, another network
        ((2, 0, 0, 0, 1, 0), "(0)@2"),
        ((3, 2, 1, 0, 0, 1), "(0)@2+(0)@3"),
        ((3, 2, 1, 1, 0, 3), "((0)@2+(0)@3)@3+(0)@1"),
    ],
)
def test_canonical_by_hand(operations, canonical):
    assert TRANSNAS_MICRO.canonical(Architecture(operations)) == canonical


def test_canonical_forms_are_equal_exactly_where_the_functions_are():
    """Each operation replaced by one fixed map: as many results as canonical forms, one each."""
    skips = {True: lambda x: torch.cos(1.7 * x), False: lambda x: x}  # from the input, elsewhere
    others = {
        0: lambda x: 0 * x,
        2: lambda x: torch.tanh(1.3 * x) * (1.1 + x),
        3: lambda x: torch.sin(2.1 * x),
    }
    # a convolution of zeros is zero too; cosine reads the input alone, which is not zero

    def output(arch: Architecture) -> tuple[float, ...]:
        apply = iter(arch.operations)
        nodes = [torch.tensor([-0.9, 0.35, 1.2], dtype=torch.float64)]
        for node in range(1, 4):
            total = torch.zeros(3, dtype=torch.float64)
            for source in range(node):
                number = next(apply)
                function = skips[source == 0] if number == 1 else others[number]
                total = total + function(nodes[source])
            nodes.append(total)
        return tuple(round(value, 9) + 0.0 for value in nodes[-1].tolist())

    pairs = {(TRANSNAS_MICRO.canonical(a), output(a)) for a in TRANSNAS_MICRO.enumerate()}
    forms, values = ({pair[i] for pair in pairs} for i in range(2))
    assert len(pairs) == len(forms) == len(values) == 1_229


# Networks


def naive_parameters(
    operations: tuple[int, ...], *, channels: int, cells: int, classes: int
) -> int:
    """Parameters, counted from the published description."""

    def convolution(c_in: int, c_out: int, kernel: int) -> int:  # no bias, affine normalisation
        return c_in * c_out * kernel**2 + 2 * c_out

    total = convolution(3, channels // 2, 3) + convolution(channels // 2, channels, 3)
    c = channels
    for module in range(5):
        for cell in range(cells):
            reduces = module % 2 == 0 and cell == 0
            out = 2 * c if reduces else c
            for edge, operation in enumerate(operations):
                source = c if edge in (0, 1, 3) else out  # those that read the input
                if operation >= 2:
                    total += convolution(source, out, 2 * operation - 3)
                elif operation == 1 and source != out:
                    total += convolution(source, out, 1)
            c = out
    return total + (c + 1) * classes


@pytest.mark.parametrize(("channels", "cells", "classes"), [(64, 2, 100), (8, 1, 3), (6, 3, 1)])
def test_parameters_by_hand(channels, cells, classes):
    for seed in range(5):
        arch = TRANSNAS_MICRO.sample(random.Random(seed))
        options = {"channels": channels, "cells": cells, "num_classes": classes}
        with torch.device("meta"):
            net = TRANSNAS_MICRO.build(arch, **options)
        assert parameters(net) == naive_parameters(
            arch.operations, channels=channels, cells=cells, classes=classes
        )


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_parameters_and_flops_are_the_published_ones():
    rows = published()
    assert len(rows) == 40
    for row in rows:
        with torch.device("meta"):
            net = TRANSNAS_MICRO.build(row["arch"], task="class_object")
        assert parameters(net) == round(row["params_M"] * 1e6), row
        assert TRANSNAS_MICRO.published_flops(row["arch"]) == round(row["flops_M"] * 1e6), row


def test_published_flops_of_the_empty_cell_by_hand():
    def convolution(side: int, c_in: int, c_out: int) -> int:  # 3x3 and its normalisation
        return side**2 * c_out * (9 * c_in + 2)

    stem = convolution(128, 3, 32) + 128**2 * 32 + convolution(64, 32, 64)
    assert TRANSNAS_MICRO.published_flops("(0, 0, 0, 0, 0, 0)") == stem + 512 * 81 + 512 * 100


@pytest.mark.parametrize("size", [16, 32, 33, 47])
@pytest.mark.parametrize("text", ["(1, 2, 3, 1, 2, 3)", "(0, 0, 0, 0, 0, 0)", EXAMPLE])
def test_forward_gives_logits(text, size):
    net = TRANSNAS_MICRO.build(text, channels=4, cells=1, num_classes=7, seed=0)
    assert net.training
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)


def test_an_odd_or_single_channel_will_do():
    for channels in (1, 3):
        net = TRANSNAS_MICRO.build("(1, 2, 3, 1, 2, 3)", channels=channels, cells=1)
        assert net(torch.randn(2, 3, 32, 32)).shape == (2, 100)


def convolve(layer: nn.Module, x: torch.Tensor, stride: int) -> torch.Tensor:
    """ReLU, convolution, normalisation with the initial running statistics."""
    weight = layer.op[1].weight
    out = nn.functional.conv2d(x.relu(), weight, stride=stride, padding=weight.shape[-1] // 2)
    return out / (1 + 1e-5) ** 0.5


def reduced(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """The strided skip: even pixels to the first channels, odd ones to the others."""
    x = x.relu()
    even, odd = x[:, :, ::2, ::2], x[:, :, 1::2, 1::2]
    parts = zip(layer.convs, (even, odd), strict=True)
    maps = [torch.einsum("oc,nchw->nohw", conv.weight[:, :, 0, 0], part) for conv, part in parts]
    return torch.cat(maps, dim=1) / (1 + 1e-5) ** 0.5


def test_a_reducing_and_a_plain_cell_compute_the_published_sums():
    net = TRANSNAS_MICRO.build("(1, 3, 2, 2, 1, 3)", channels=4, seed=0).double().eval()
    reducing, plain = net.layers[0]
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    one = reduced(reducing.edges[0], x)
    two = convolve(reducing.edges[1], x, 2) + convolve(reducing.edges[2], one, 1)
    three = convolve(reducing.edges[3], x, 2) + one + convolve(reducing.edges[5], two, 1)
    torch.testing.assert_close(reducing(x), three, rtol=1e-12, atol=1e-12)

    two = convolve(plain.edges[1], three, 1) + convolve(plain.edges[2], three, 1)
    out = convolve(plain.edges[3], three, 1) + three + convolve(plain.edges[5], two, 1)
    torch.testing.assert_close(plain(three), out, rtol=1e-12, atol=1e-12)


def test_every_parameter_gets_a_gradient_where_all_reach_the_output():
    net = TRANSNAS_MICRO.build("(3, 1, 2, 1, 3, 2)", channels=4, cells=2, seed=0)
    net(torch.randn(4, 3, 64, 64)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_the_empty_cell_leaves_only_the_bias_of_the_classifier():
    net = TRANSNAS_MICRO.build("(0, 0, 0, 0, 0, 0)", channels=4, seed=0)
    net(torch.randn(2, 3, 32, 32)).square().sum().backward()
    live = [name for name, p in net.named_parameters() if p.grad is not None and p.grad.any()]
    assert live == ["head.bias"]


def test_tasks_are_the_two_classifications():
    assert {name: task.num_classes for name, task in TRANSNAS_MICRO.tasks.items()} == {
        "class_object": 100,
        "class_scene": 63,
    }
