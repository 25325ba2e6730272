import collections
import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces import get_space
from gradalign.spaces.mlp import EXAMPLE, MLP, Architecture

WIDTHS = (8, 16, 32, 64, 128, 256)
architectures = (
    st.lists(st.sampled_from(WIDTHS), min_size=1, max_size=6).map(tuple).map(Architecture)
)


# Spelling


@given(architectures)
def test_format_and_parse_are_inverse(arch):
    text = "-".join(str(width) for width in arch.widths)
    assert MLP.format(arch) == str(arch) == MLP.canonical(arch) == text
    assert MLP.parse(text) == MLP.parse(f" {text}\n") == arch
    assert hash(MLP.parse(text)) == hash(arch)


@given(st.text() | st.text(alphabet="-1234568 ", max_size=20))
def test_any_text_is_an_architecture_or_an_input_error(text):
    try:
        spelled, message = MLP.format(MLP.parse(text)), "none"
    except InputError as error:
        spelled, message = text.strip(), str(error)
    assert len(message.splitlines()) == 1
    assert spelled == text.strip()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "width '' is unknown: choose from 8, 16, 32, 64, 128, 256"),
        ("64--32", "width '' is unknown"),
        ("64-7", "width '7' is unknown"),
        ("064", "width '064' is unknown"),
        ("64 - 32", "width '64 ' is unknown"),
        ("٨", "width '٨' is unknown"),
        ("x" * 9_999, "width 'xxx"),
        ("8-8-8-8-8-8-8", "1 to 6 hidden layers are needed, found 7"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        MLP.parse(text)
    message = str(error.value)
    assert fault in message
    assert f"a right one: {EXAMPLE}" in message
    assert "\n" not in message
    assert len(message) < 600


def test_an_architecture_is_checked_when_made_by_hand():
    with pytest.raises(InputError, match="1 to 6 hidden layers are needed, found 0"):
        Architecture(())
    for width in (12, 8.0):
        with pytest.raises(InputError, match="is unknown: choose from 8, 16"):
            Architecture((width,))


# The set


def test_enumerate_gives_every_architecture_once():
    everything = list(MLP.enumerate())
    assert len(everything) == len(set(everything)) == MLP.size == 55_986
    assert MLP.size == sum(6**depth for depth in range(1, 7))
    assert [str(arch) for arch in everything[:7]] == [*map(str, WIDTHS), "8-8"]


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [MLP.sample(rng) for _ in range(10_000)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    depths = collections.Counter(len(arch.widths) for arch in drawn)
    for depth in (4, 5, 6):
        share = 6**depth / 55_986
        tolerance = 4 * math.sqrt(10_000 * share * (1 - share))
        assert depths[depth] == pytest.approx(10_000 * share, abs=tolerance)
    deepest = [arch.widths for arch in drawn if len(arch.widths) == 6]
    pairs = collections.Counter((widths[0], widths[5]) for widths in deepest)
    expected = len(deepest) / 36
    assert sum((n - expected) ** 2 / expected for n in pairs.values()) < 76  # 35 freedoms: p = 8e-5


@given(architectures, st.integers())
def test_neighbours_and_mutations_are_one_change_away(arch, seed):
    depth = len(arch.widths)
    neighbours = MLP.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) == 5 * depth + (depth > 1) + 6 * (depth < 6)
    for other in neighbours:
        pairs = zip(arch.widths, other.widths, strict=False)
        differing = sum(a != b for a, b in pairs) + abs(depth - len(other.widths))
        assert differing == 1
        assert arch in MLP.neighbours(other)
    assert MLP.mutate(arch, random.Random(seed)) in neighbours


def test_suggestions_name_the_layers():
    optuna = pytest.importorskip("optuna")
    trial = optuna.trial.FixedTrial({"depth": 3, "width0": 64, "width1": 8, "width2": 32})
    assert str(MLP.suggest(trial)) == "64-8-32"


# Networks


@pytest.mark.parametrize("input_size", [(3, 16, 16), (7,), (1, 8, 8)])
def test_a_network_is_the_stack_that_is_spelled(input_size):
    net = get_space("mlp").build("16-8", input_size=input_size, num_classes=5, seed=0)
    assert net.training
    x = torch.randn(2, *input_size)
    first, second, last = (layer for layer in net if isinstance(layer, nn.Linear))
    assert net(x).shape == (2, 5)
    expected = last(second(first(x.flatten(1)).relu()).relu())
    torch.testing.assert_close(net(x), expected)
    numbers = math.prod(input_size) * 16 + 16 + 16 * 8 + 8 + 8 * 5 + 5
    assert sum(p.numel() for p in net.parameters()) == numbers


def test_the_default_task_is_small_images():
    net = MLP.build(EXAMPLE, seed=0)
    assert sum(p.numel() for p in net.parameters()) == 768 * 64 + 64 + 4160 + 2080 + 330
    again = MLP.build(EXAMPLE, seed=0)
    assert all(a.equal(b) for a, b in zip(net.parameters(), again.parameters(), strict=True))


def test_there_are_no_options():
    with pytest.raises(InputError, match="no option 'depth': it has none at all"):
        MLP.build(EXAMPLE, depth=4)
