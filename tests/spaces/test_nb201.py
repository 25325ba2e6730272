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
from gradalign.spaces import get_space
from gradalign.spaces.nb201 import EXAMPLE, NB201, Architecture

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
DATA = os.environ.get("GRADALIGN_DATA")
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set"),
]
architectures = st.tuples(*[st.sampled_from(OPERATIONS)] * 6).map(Architecture)


def published() -> pd.DataFrame:
    return pd.read_parquet(Path(DATA or "") / "nb201_dev.parquet")


def spell(*operations: str) -> str:
    """The published spelling, written out."""
    return "|{}~0|+|{}~0|{}~1|+|{}~0|{}~1|{}~2|".format(*operations)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def small(arch: str, seed: int = 0) -> nn.Module:
    return get_space("nb201").build(arch, channels=4, cells=1, seed=seed)


# Spelling


@given(architectures)
def test_format_and_parse_are_inverse(arch):
    text = spell(*arch.operations)
    assert NB201.format(arch) == str(arch) == text
    assert NB201.parse(text) == NB201.parse(f"  {text}\n") == arch
    assert hash(NB201.parse(text)) == hash(arch)


@given(st.text() | st.text(alphabet="|+~012nonekip_ \n", max_size=60))
def test_any_text_is_an_architecture_or_an_input_error(text):
    try:
        spelled = NB201.format(NB201.parse(text))
    except InputError as error:
        message = str(error)
        spelled = text.strip()
    else:
        message = "none"
    assert len(message.splitlines()) == 1
    assert spelled == text.strip()


@given(architectures, st.integers(0, 93), st.sampled_from(["", "|", "+", "~", "7", "x"]))
def test_any_damaged_spelling_is_refused(arch, position, character):
    text = NB201.format(arch)
    position %= len(text)
    damaged = text[:position] + character + text[position + 1 :]
    if damaged != text:
        with pytest.raises(InputError):
            NB201.parse(damaged)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "found 1 parts between '+' where 3 nodes are needed"),
        ("|none~0|+|none~0|none~1|", "found 2 parts between '+' where 3 nodes are needed"),
        ("+".join([EXAMPLE, "|none~0|"]), "found 4 parts"),
        ("none~0|+|none~0|none~1|+|none~0|none~1|none~2|", "node 1 must begin and end with '|'"),
        ("|none~0|+|none~0|+|none~0|none~1|none~2|", "node 2 needs 2 edges, found 1"),
        ("|none~0|+|none~0|none~1|+|none~0|none~1|none|", "edge 'none' of node 3"),
        ("|none~0|+|none~0|none~0|+|none~0|none~1|none~2|", "must be 'operation~1'"),
        ("|none~0|+|none~0|none~1|+|~0|none~1|none~2|", "edge '~0' of node 3"),
        (spell("nor_conv_5x5", *["none"] * 5), "unknown nb201 operation 'nor_conv_5x5': choose"),
        (spell("x" * 9999, *["none"] * 5), "unknown nb201 operation 'xxx"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        NB201.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert "\n" not in message
    assert len(message) < 600


def test_an_architecture_is_checked_when_made_by_hand():
    with pytest.raises(InputError, match="6 operations, found 1"):
        Architecture(("none",))
    with pytest.raises(InputError, match="unknown nb201 operation 'conv'"):
        Architecture(("conv", *["none"] * 5))


# The set


def test_enumerate_gives_every_architecture_once():
    everything = list(NB201.enumerate())
    assert len(everything) == len(set(everything)) == NB201.size == 15_625 == 5**6
    assert len({NB201.format(arch) for arch in everything}) == 15_625


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [NB201.sample(rng) for _ in range(5_000)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    for edges in itertools.combinations(range(6), 2):  # each pair of edges: 25 cells of 200
        pairs = collections.Counter(tuple(a.operations[e] for e in edges) for a in drawn)
        cells = itertools.product(OPERATIONS, repeat=2)
        chi_square = sum((pairs[cell] - 200) ** 2 / 200 for cell in cells)
        assert chi_square < 60  # 24 degrees of freedom: p = 6e-5


@given(architectures, st.integers())
def test_neighbours_and_mutations_differ_on_exactly_one_edge(arch, seed):
    neighbours = NB201.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) == 24
    for other in neighbours:
        assert sum(a != b for a, b in zip(arch.operations, other.operations, strict=True)) == 1
    assert NB201.mutate(arch, random.Random(seed)) in neighbours
    assert NB201.mutate(arch, random.Random(seed)) == NB201.mutate(arch, random.Random(seed))


def test_mutation_reaches_every_neighbour():
    arch, rng = NB201.parse(EXAMPLE), random.Random(0)
    reached = {NB201.mutate(arch, rng) for _ in range(500)}
    assert reached == set(NB201.neighbours(arch))


# Isomorphism


@pytest.mark.parametrize(
    ("operations", "canonical"),
    [  # worked out by hand; order of edges: 1<0, 2<0, 2<1, 3<0, 3<1, 3<2
        (("skip_connect",) * 6, "0+0+0+0"),
        (("none",) * 6, "#+#+#"),
        (("avg_pool_3x3", "none", "skip_connect", "none", "none", "nor_conv_1x1"),
         "#+#+(#+(0)@avg_pool_3x3)@nor_conv_1x1"),
        (("none", "skip_connect", "nor_conv_3x3", "none", "nor_conv_3x3", "skip_connect"),
         "#+#+#+0"),
    ],
)  # fmt: skip
def test_canonical_by_hand(operations, canonical):
    assert NB201.canonical(Architecture(operations)) == canonical


def test_canonical_knows_6466_classes():
    assert len({NB201.canonical(arch) for arch in NB201.enumerate()}) == 6_466


@pytest.mark.parametrize("seed", range(20))
def test_equal_canonical_forms_compute_the_same_function(seed):
    """Cells of one class, each convolution replaced by one fixed map, agree on random inputs."""
    stand_ins = {
        "none": lambda x: 0 * x,
        "skip_connect": lambda x: x,
        "nor_conv_1x1": lambda x: torch.tanh(1.3 * x) * (1.1 + x),
        "nor_conv_3x3": lambda x: torch.sin(2.1 * x),
        "avg_pool_3x3": lambda x: 0.7 * x.roll(1),
    }

    def output(arch: Architecture) -> torch.Tensor:
        apply = iter(arch.operations)
        nodes = [torch.linspace(-1, 1, 7, dtype=torch.float64)]
        for _ in range(3):
            nodes.append(sum(stand_ins[next(apply)](source) for source in list(nodes)))
        return nodes[-1]

    rng = random.Random(seed)
    first = NB201.sample(rng)
    form = NB201.canonical(first)
    alike = [arch for arch in NB201.enumerate() if NB201.canonical(arch) == form]
    assert first in alike
    for arch in alike:
        torch.testing.assert_close(output(arch), output(first), rtol=1e-12, atol=1e-12)


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_canonical_makes_the_published_classes():
    table = published()
    ours = [NB201.canonical(NB201.parse(text)) for text in table["arch"]]
    assert len(set(ours)) == table["unique_string"].nunique() == 2_628
    assert len(set(zip(ours, table["unique_string"], strict=True))) == 2_628


# Networks


def naive_parameters(operations: tuple[str, ...], channels: int, cells: int, classes: int) -> int:
    """Parameters, counted from the published description."""

    def convolution(c_in: int, c_out: int, kernel: int) -> int:  # no bias, affine normalisation
        return c_in * c_out * kernel**2 + 2 * c_out

    total, c = convolution(3, channels, 3), channels
    for stage in range(3):
        if stage:
            total += convolution(c, 2 * c, 3) + convolution(2 * c, 2 * c, 3) + c * 2 * c
            c *= 2
        total += cells * operations.count("nor_conv_3x3") * convolution(c, c, 3)
        total += cells * operations.count("nor_conv_1x1") * convolution(c, c, 1)
    return total + 2 * c + (c + 1) * classes


@pytest.mark.parametrize(("channels", "cells", "classes"), [(16, 5, 10), (8, 2, 100), (3, 1, 1)])
def test_parameters_by_hand(channels, cells, classes):
    for seed in range(5):
        arch = NB201.sample(random.Random(seed))
        with torch.device("meta"):
            net = NB201.build(arch, channels=channels, cells=cells, num_classes=classes)
        assert parameters(net) == naive_parameters(arch.operations, channels, cells, classes)


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(100, marks=needs_data),
        pytest.param(5_000, marks=[*needs_data, pytest.mark.slow, pytest.mark.timeout(1200)]),
    ],
)
def test_parameters_are_the_published_ones(count, monkeypatch):
    for name in ("kaiming_uniform_", "uniform_"):  # only the shapes matter, and this takes longest
        monkeypatch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    rows = published().sample(count, random_state=0)
    for text, millions in zip(rows["arch"], rows["cifar10_params_M"], strict=True):
        with torch.device("meta"):
            net = NB201.build(text)
        assert parameters(net) / 1e6 == pytest.approx(millions, abs=1e-6), text


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(40, marks=needs_data),
        pytest.param(5_000, marks=[*needs_data, pytest.mark.slow, pytest.mark.timeout(1800)]),
    ],
)
def test_flops_are_the_published_ones(count, monkeypatch):
    for name in ("kaiming_uniform_", "uniform_"):
        monkeypatch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    rows = published().sample(count, random_state=1)
    for text, millions in zip(rows["arch"], rows["cifar10_flops_M"], strict=True):
        assert NB201.published_flops(text) == round(millions * 1e6), text


def test_flops_by_hand():
    # No operation at all: what is left is the skeleton, layer by layer.
    text = spell(*["none"] * 6)
    convolutions = 3 * 16 * 9 * 32**2 + (16 * 32 + 32 * 32) * 9 * 16**2 + 16 * 32 * 16**2
    convolutions += (32 * 64 + 64 * 64) * 9 * 8**2 + 32 * 64 * 8**2
    norms = 2 * (16 * 32**2 + 2 * 32 * 16**2 + 2 * 64 * 8**2 + 64 * 8**2)
    relus = 16 * 32**2 + 32 * 16**2 + 32 * 16**2 + 64 * 8**2 + 64 * 8**2
    pools = 4 * (16 * 16**2 + 32 * 8**2) + 64 * 9**2
    expected = convolutions + 64 * 10 + norms + relus + pools
    assert NB201.published_flops(text) == expected


@pytest.mark.parametrize(
    ("task", "shape", "classes"),
    [
        ("cifar10", (3, 32, 32), 10),
        ("cifar100", (3, 32, 32), 100),
        ("imagenet16-120", (3, 16, 16), 120),
    ],
)
def test_tasks_are_the_published_data_sets(task, shape, classes):
    assert NB201.task(task).input_size == shape
    network = NB201.build(EXAMPLE, task=task, channels=4, cells=1, seed=0).eval()
    assert network(torch.zeros(1, *shape)).shape == (1, classes)


def test_a_trial_decides_every_edge():
    optuna = pytest.importorskip("optuna")
    operations = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3", "none")
    names = ("1<-0", "2<-0", "2<-1", "3<-0", "3<-1", "3<-2")
    trial = optuna.trial.FixedTrial(dict(zip(names, operations, strict=True)))
    assert NB201.suggest(trial) == Architecture(operations)


def test_the_best_network_has_the_published_skeleton():
    with torch.device("meta"):
        net = NB201.build(EXAMPLE)
    assert parameters(net) == 1_073_466
    assert len(net.cells) == 3 * 5 + 2
    kinds = collections.Counter(type(module) for module in net.modules())
    assert kinds[nn.Conv2d] == 1 + 15 * 5 + 2 * 3
    assert kinds[nn.Linear] == 1
    assert [m.kernel_size for m in net.cells[0].modules() if isinstance(m, nn.Conv2d)] == (
        [(3, 3)] * 4 + [(1, 1)]
    )
    assert all(m.bias is None for m in net.modules() if isinstance(m, nn.Conv2d))
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert all(m.affine and m.track_running_stats for m in norms)


@pytest.mark.parametrize("size", [8, 16, 32])
def test_forward_gives_logits(size):
    net = get_space("nb201").build(EXAMPLE, channels=4, cells=1, num_classes=7, seed=0)
    assert net.training
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)


def test_a_cell_computes_the_published_sum():
    operations = ("nor_conv_3x3", "avg_pool_3x3", "none", "skip_connect", "nor_conv_1x1",
                  "nor_conv_3x3")  # fmt: skip
    cell = small(spell(*operations)).cells[0].double().eval()
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)

    def conv(edge: int, value: torch.Tensor, padding: int) -> torch.Tensor:
        weight = cell.get_parameter(f"layers.{edge}.op.1.weight")
        return nn.functional.conv2d(value.relu(), weight, padding=padding) / (1 + 1e-5) ** 0.5

    ones = torch.ones(1, 1, 8, 8, dtype=torch.float64)
    nine = torch.ones(1, 1, 3, 3, dtype=torch.float64)
    counts = nn.functional.conv2d(ones, nine, padding=1)  # padding is not counted
    sums = nn.functional.conv2d(x.flatten(0, 1)[:, None], nine, padding=1).view_as(x)
    first = conv(0, x, 1)
    second = sums / counts  # and nothing from node 1
    third = x + conv(4, first, 0) + conv(5, second, 1)
    torch.testing.assert_close(cell(x), third, rtol=1e-12, atol=1e-12)


def test_none_keeps_the_graph_and_passes_no_gradient():
    net = small(spell(*["none"] * 6))
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    stem = net.stem[0].weight.grad
    assert stem is not None
    assert not stem.any()


def test_a_reduction_halves_the_map_over_both_branches():
    block = small(EXAMPLE).cells[1].double().eval()
    x = torch.randn(2, 4, 8, 8, dtype=torch.float64)
    averaged = x.unflatten(2, (4, 2)).unflatten(4, (4, 2)).mean((3, 5))
    shortcut = torch.einsum("oc,nchw->nohw", block.downsample[1].weight[:, :, 0, 0], averaged)
    expected = shortcut + block.conv_b(block.conv_a(x))
    torch.testing.assert_close(block(x), expected, rtol=1e-12, atol=1e-12)


# Initialisation and options


def test_seed_decides_the_weights_and_leaves_the_generator():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    first, again, other = small(EXAMPLE, 3), small(EXAMPLE, 3), small(EXAMPLE, 4)
    assert torch.equal(torch.get_rng_state(), before)
    pairs = zip(first.state_dict().values(), again.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(first.classifier.weight, other.classifier.weight)
    edges = first.cells[0].layers
    assert not torch.equal(edges[0].op[1].weight, edges[1].op[1].weight)


def test_without_a_seed_the_global_generator_draws():
    torch.manual_seed(5)
    first = NB201.build(EXAMPLE, channels=4, cells=1)
    second = NB201.build(EXAMPLE, channels=4, cells=1)
    torch.manual_seed(5)
    again = NB201.build(EXAMPLE, channels=4, cells=1)
    assert torch.equal(first.classifier.weight, again.classifier.weight)
    assert not torch.equal(first.classifier.weight, second.classifier.weight)


def test_options_given_as_text_are_read():
    as_text = NB201.build(EXAMPLE, channels="4", cells="1")
    assert parameters(as_text) == parameters(NB201.build(EXAMPLE, channels=4, cells=1))


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"stem": 4}, "no option 'stem': it has cells, channels"),
        ({"cells": "five"}, "cells is 'five': a whole number of at least 1"),
        ({"cells": 0}, "cells is '0'"),
        ({"channels": 2.5}, "channels is '2.5'"),
        ({"channels": True}, "channels is 'True'"),
        ({"num_classes": -1}, "num_classes is '-1'"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, fault):
    with pytest.raises(InputError, match=fault):
        NB201.build(EXAMPLE, **options)


def test_modules_do_not_know_the_spelling():
    for module in small(EXAMPLE).modules():
        assert EXAMPLE not in map(str, vars(module).values())
