import collections
import itertools
import json
import os
import random
from math import comb
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces.transnas_macro import EXAMPLE, TRANSNAS_MACRO, Architecture

DATA = os.environ.get("GRADALIGN_DATA")
EVERYTHING = list(TRANSNAS_MACRO.enumerate())
architectures = st.sampled_from(EVERYTHING)


def published() -> list[dict]:
    return json.loads((Path(DATA or "") / "space_checks.json").read_text())["transnas_macro"]


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# Spelling


@given(architectures)
def test_format_and_parse_are_inverse(arch):
    text = str(arch.modules)
    assert TRANSNAS_MACRO.format(arch) == str(arch) == TRANSNAS_MACRO.canonical(arch) == text
    assert TRANSNAS_MACRO.parse(text.replace(" ", "")) == arch
    assert TRANSNAS_MACRO.parse(f" {text}\n") == arch


@given(st.lists(st.integers(0, 9), max_size=8))
def test_exactly_the_sequences_of_the_space_are_accepted(modules):
    inside = (
        4 <= len(modules) <= 6
        and set(modules) <= {1, 2, 3, 4}
        and 1 <= modules.count(3) + modules.count(4) <= 4
        and 1 <= modules.count(2) + modules.count(4) <= 3
    )
    text = f"({', '.join(map(str, modules))})"
    if inside:
        assert TRANSNAS_MACRO.parse(text) in EVERYTHING
    else:
        with pytest.raises(InputError):
            TRANSNAS_MACRO.parse(text)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2311", "it must begin with '(' and end with ')'"),
        ("(2, 3, x, 1)", "'x' between the commas is not one digit"),
        ("(2, 3, 1)", "a transnas_macro network has 4 to 6 modules, found 3"),
        ("(2, 3, 1, 1, 1, 1, 1)", "4 to 6 modules, found 7"),
        ("(2, 3, 1, 1, 0, 0)", "unknown transnas_macro module 0: choose from 1, 2, 3, 4"),
        ("(1, 2, 1, 1)", "1 to 4 modules must halve the map (3 or 4), found 0"),
        ("(3, 3, 3, 4, 3)", "1 to 4 modules must halve the map (3 or 4), found 5"),
        ("(1, 1, 3, 1)", "1 to 3 modules must double the channels (2 or 4), found 0"),
        ("(4, 4, 2, 2)", "1 to 3 modules must double the channels (2 or 4), found 4"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        TRANSNAS_MACRO.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert "\n" not in message


def test_an_architecture_is_checked_when_made_by_hand():
    with pytest.raises(InputError, match="4 to 6 modules, found 1"):
        Architecture((4,))


# The set


def test_enumerate_gives_every_architecture_once():
    # which modules halve the map and which double the channels are independent
    expected = sum(
        sum(comb(modules, halving) for halving in range(1, 5))
        * sum(comb(modules, doubling) for doubling in range(1, 4))
        for modules in (4, 5, 6)
    )
    assert len(EVERYTHING) == len(set(EVERYTHING)) == TRANSNAS_MACRO.size == expected == 3_256


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [TRANSNAS_MACRO.sample(rng) for _ in range(3_256)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    lengths = collections.Counter(len(arch.modules) for arch in drawn)
    expected = {4: 210, 5: 750, 6: 2_296}
    assert sum((lengths[n] - e) ** 2 / e for n, e in expected.items()) < 20  # 2 d.f.: p = 5e-5
    firsts = collections.Counter(arch.modules[0] for arch in drawn)
    expected = collections.Counter(arch.modules[0] for arch in EVERYTHING)
    assert sum((firsts[n] - e) ** 2 / e for n, e in expected.items()) < 24  # 3 d.f.: p = 3e-5


def edits(given: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Levenshtein distance."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(given, start=1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, start=1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_are_all_sequences_one_edit_away(seed):
    arch = TRANSNAS_MACRO.sample(random.Random(seed))
    neighbours = TRANSNAS_MACRO.neighbours(arch)
    expected = {other for other in EVERYTHING if edits(arch.modules, other.modules) == 1}
    assert len(neighbours) == len(set(neighbours))
    assert set(neighbours) == expected


def test_every_architecture_has_neighbours_and_all_are_connected():
    reached, edge = {EVERYTHING[0]}, [EVERYTHING[0]]
    while edge:
        found = {other for arch in edge for other in TRANSNAS_MACRO.neighbours(arch)} - reached
        reached |= found
        edge = list(found)
    assert len(reached) == 3_256


class Scripted:
    """A trial that answers from a list, the first choice when that is used up."""

    def __init__(self, modules: int, answers: tuple[bool, ...]) -> None:
        self.modules, self.answers = modules, iter(answers)

    def suggest_int(self, name: str, low: int, high: int) -> int:
        assert (name, low, high) == ("modules", 4, 6)
        return self.modules

    def suggest_categorical(self, name, choices):
        assert choices == (False, True)
        return next(self.answers, False)


def test_suggestions_reach_every_architecture_of_four_modules():
    found = {
        TRANSNAS_MACRO.suggest(Scripted(4, answers))
        for answers in itertools.product((False, True), repeat=8)
    }
    assert found == {arch for arch in EVERYTHING if len(arch.modules) == 4}


@given(st.integers(4, 6), st.tuples(*[st.booleans()] * 12))
def test_every_suggestion_is_in_the_space(modules, answers):
    assert TRANSNAS_MACRO.suggest(Scripted(modules, answers)) in EVERYTHING


def test_suggestions_of_optuna_are_named_after_what_they_decide():
    optuna = pytest.importorskip("optuna")
    halve = {f"halve_{i}": i == 1 for i in range(4)}
    double = {f"double_{i}": i == 0 for i in range(4)}
    trial = optuna.trial.FixedTrial({"modules": 4, **halve, **double})
    assert str(TRANSNAS_MACRO.suggest(trial)) == "(2, 3, 1, 1)"


# Networks


def naive_parameters(modules: tuple[int, ...], *, channels: int, blocks: int, classes: int) -> int:
    """Parameters, counted from the published description."""

    def convolution(c_in: int, c_out: int, kernel: int) -> int:  # no bias, affine normalisation
        return c_in * c_out * kernel**2 + 2 * c_out

    total = convolution(3, channels // 2, 3) + convolution(channels // 2, channels, 3)
    c = channels
    for kind in modules:
        out = 2 * c if kind in (2, 4) else c
        total += convolution(c, out, 3) + (2 * blocks - 1) * convolution(out, out, 3)
        total += convolution(c, out, 1) if kind != 1 else 0
        c = out
    return total + (c + 1) * classes


@pytest.mark.parametrize(("channels", "blocks", "classes"), [(64, 2, 100), (8, 1, 3), (6, 3, 1)])
def test_parameters_by_hand(channels, blocks, classes):
    for seed in range(5):
        arch = TRANSNAS_MACRO.sample(random.Random(seed))
        options = {"channels": channels, "blocks": blocks, "num_classes": classes}
        with torch.device("meta"):
            net = TRANSNAS_MACRO.build(arch, **options)
        assert parameters(net) == naive_parameters(
            arch.modules, channels=channels, blocks=blocks, classes=classes
        )


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_parameters_and_flops_are_the_published_ones():
    rows = published()
    assert len(rows) == 40
    for row in rows:
        with torch.device("meta"):
            net = TRANSNAS_MACRO.build(row["arch"], task="class_object")
        assert parameters(net) == round(row["params_M"] * 1e6), row
        assert TRANSNAS_MACRO.published_flops(row["arch"]) == round(row["flops_M"] * 1e6), row


@pytest.mark.parametrize("size", [16, 32, 33])
@pytest.mark.parametrize("text", ["(4, 4, 4, 3)", "(1, 1, 2, 1, 3, 1)", EXAMPLE])
def test_forward_gives_logits(text, size):
    net = TRANSNAS_MACRO.build(text, channels=4, blocks=1, num_classes=7, seed=0)
    assert net.training
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)


def test_a_module_does_what_its_number_says():
    net = TRANSNAS_MACRO.build("(1, 2, 3, 4)", channels=4, seed=0)
    x = torch.randn(2, 4, 8, 8)
    shapes = [x.shape]
    for layer in net.layers:
        x = layer(x)
        shapes.append(x.shape)
    assert shapes == [(2, 4, 8, 8), (2, 4, 8, 8), (2, 8, 8, 8), (2, 8, 4, 4), (2, 16, 2, 2)]


def test_a_block_computes_the_published_sum():
    net = TRANSNAS_MACRO.build("(4, 1, 1, 1)", channels=4, seed=0).double().eval()
    first, second = net.layers[0]
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    scale = (1 + 1e-5) ** -0.5

    def residual(block: nn.Module, x: torch.Tensor, stride: int) -> torch.Tensor:
        a, b = block.conv_a.op[1].weight, block.conv_b.op[1].weight
        hidden = nn.functional.conv2d(x.relu(), a, stride=stride, padding=1) * scale
        return nn.functional.conv2d(hidden.relu(), b, padding=1) * scale

    shortcut = first.downsample[0].weight[:, :, 0, 0]
    mapped = torch.einsum("oc,nchw->nohw", shortcut, x[:, :, ::2, ::2]) * scale
    expected = mapped + residual(first, x, 2)
    torch.testing.assert_close(first(x), expected, rtol=1e-12, atol=1e-12)
    expected = expected + residual(second, expected, 1)
    torch.testing.assert_close(net.layers[0](x), expected, rtol=1e-12, atol=1e-12)


def test_every_parameter_gets_a_gradient():
    net = TRANSNAS_MACRO.build(EXAMPLE, channels=4, seed=0)
    net(torch.randn(4, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())
