import ast
import collections
import functools
import itertools
import os
import random
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.spaces.cell_counter import cell_network
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._darts_operations import FactorizedReduction
from gradalign.spaces._genotype import Cell
from gradalign.spaces.darts import DARTS, EXAMPLE, NODES, Architecture

OPERATIONS = ("max_pool_3x3", "avg_pool_3x3", "skip_connect", "sep_conv_3x3", "sep_conv_5x5",
              "dil_conv_3x3", "dil_conv_5x5")  # fmt: skip
DATA = os.environ.get("GRADALIGN_DATA")
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set"),
]
cells = st.tuples(
    *[
        st.tuples(st.sampled_from(("none", *OPERATIONS)), st.integers(0, node - 1))
        for node in (2, 2, 3, 3, 4, 4, 5, 5)
    ]
).map(lambda edges: Cell(edges, NODES))
architectures = st.builds(Architecture, cells, cells)


@functools.cache
def published() -> pd.DataFrame:
    return pd.read_parquet(Path(DATA or "") / "darts_dev.parquet")


def spell(normal, reduce, concat=(2, 3, 4, 5)) -> str:
    """The published spelling, written out."""
    fields = {"normal": normal, "normal_concat": concat, "reduce": reduce, "reduce_concat": concat}
    return f"Genotype({', '.join(f'{name}={list(value)!r}' for name, value in fields.items())})"


def fields(text: str) -> dict:
    """What a genotype's text says, read another way."""
    return {k.arg: ast.literal_eval(k.value) for k in ast.parse(text).body[0].value.keywords}


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def on_meta(arch, **options) -> nn.Module:
    with torch.device("meta"):
        return DARTS.build(arch, **options)


# Spelling


@given(architectures)
def test_format_and_parse_are_inverse(arch):
    text = spell(arch.normal.edges, arch.reduce.edges)
    assert DARTS.format(arch) == str(arch) == text
    assert DARTS.parse(text) == DARTS.parse(f"  {text}\n") == arch
    assert hash(DARTS.parse(text)) == hash(arch)


def test_other_ways_to_write_the_same_are_read():
    text = EXAMPLE.replace("[2, 3, 4, 5]", "range(2, 6)").replace("'", '"').replace(", ", ",\n  ")
    assert DARTS.format(DARTS.parse(text)) == EXAMPLE
    normal, _, rest = EXAMPLE[len("Genotype(") : -1].partition(", normal_concat")
    assert DARTS.format(DARTS.parse(f"Genotype(normal_concat{rest}, {normal})")) == EXAMPLE


EDGE = "('sep_conv_3x3', 0), "
NO_FORM = "not of the form Genotype(normal=["


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", NO_FORM),
        ("Genotype", NO_FORM),
        ("Genotype()", NO_FORM),
        (EXAMPLE[:-1], NO_FORM),
        (EXAMPLE + "; 1", NO_FORM),
        ("x = " + EXAMPLE, NO_FORM),
        (EXAMPLE.replace("Genotype", "a.Genotype"), NO_FORM),
        (EXAMPLE.replace("Genotype", "print"), NO_FORM),
        (EXAMPLE.replace("reduce=", "normal="), NO_FORM),
        (EXAMPLE.replace("reduce=", "**"), NO_FORM),
        (EXAMPLE.replace("Genotype(", "Genotype(1, "), NO_FORM),
        ("\0", NO_FORM),
        ("(" * 5_000, NO_FORM),
        ("-" * 7_000 + "1", NO_FORM),
        ("a" + ".a" * 3_500, NO_FORM),
        ("f()" + "()" * 3_500, NO_FORM),
        ("9" * 7_000, NO_FORM),
        (EXAMPLE + " " * 9_000, "more than 8000"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "range(2, 9**9)"), "normal_concat must be a list"),
        (EXAMPLE.replace("[2, 3, 4, 5]", f"range(2, {'9' * 99})"), "normal_concat must be a list"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "range(6)"), "normal_concat must be a list"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "open('x')"), "normal_concat must be a list"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "3"), "normal_concat must be a list"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "[]"), "must be at least one, and differ"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "[2, 3, 4, True]"), "normal_concat must be a list"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "[2, 3, 4, 4]"), "and differ"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "[2, 3, 4, 6]"), "nodes 2 to 5 only"),
        (EXAMPLE.replace("[2, 3, 4, 5]", "[2, 3, 4]"), "found 8 and [2, 3, 4]"),
        (EXAMPLE.replace(EDGE, "print('x'), ", 1), "normal must be a list of ('operation', nu"),
        (EXAMPLE.replace(EDGE, "('a', 0, 0), ", 1), "normal must be a list of ('operation', nu"),
        (EXAMPLE.replace(EDGE, "(0, 'a'), ", 1), "normal must be a list of ('operation', number)"),
        (EXAMPLE.replace(EDGE, "('sep_conv_3x3', 0.0), ", 1), "normal must be a list"),
        (EXAMPLE.replace(EDGE, "", 1), "two edges for each of 1 to 7 nodes, found 7"),
        (EXAMPLE.replace(EDGE, EDGE * 9, 1), "found 16"),
        (EXAMPLE.replace(EDGE, EDGE * 3, 1), "found 10 and"),
        (EXAMPLE.replace(EDGE, "('sep_conv_3x3', 2), ", 1), "node 2 reads a later one"),
        (EXAMPLE.replace(EDGE, "('sep_conv_3x3', -1), ", 1), "normal must be a list"),
        (EXAMPLE.replace(EDGE, "('conv_1x1', 0), ", 1), "unknown operation 'conv_1x1': choose"),
        (EXAMPLE.replace(EDGE, f"('{'x' * 5_000}', 0), ", 1), "unknown operation 'xxx"),
        (EXAMPLE.replace(EDGE, "('\\n', 0), ", 1), "unknown operation"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        DARTS.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert len(message.splitlines()) == 1
    assert len(message) < 1_200


@given(st.text() | st.text(alphabet="Genotype(=[]', 0123)_\\\n", max_size=60))
def test_any_other_text_is_an_input_error(text):
    with pytest.raises(InputError) as error:
        DARTS.parse(text)
    assert len(str(error.value).splitlines()) == 1


def test_an_architecture_is_checked_when_made_by_hand():
    good = DARTS.parse(EXAMPLE).normal
    with pytest.raises(InputError, match="8 edges and the output"):
        Architecture(good, Cell(good.edges, (2, 3)))
    with pytest.raises(InputError, match="unknown operation 'conv_1x1'"):
        Architecture(good, good.with_node(2, (("conv_1x1", 0), ("none", 0))))


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_published_spellings_come_back_as_they_are():
    texts = published()["genotype"]
    assert len(texts) == 400
    for text in texts:
        assert DARTS.format(DARTS.parse(text)) == text


# The set


def test_size_is_the_published_count():
    assert DARTS.size == 1_037_664_180**2
    assert 1_037_664_180 == (1 * 3 * 6 * 10) * 7**8


def test_enumerate_varies_the_last_edges_and_repeats_nothing():
    first = list(itertools.islice(DARTS.enumerate(), 10_000))
    assert len(set(first)) == 10_000
    assert len({arch.normal for arch in first}) == 1
    assert len({arch.reduce.edges[:4] for arch in first}) == 1
    assert [arch.reduce.edges[-2:] for arch in first[:490]] == [
        arch.reduce.edges[-2:] for arch in first[490:980]
    ]


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [DARTS.sample(rng) for _ in range(3_000)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    for kind, position in itertools.product(("normal", "reduce"), range(8)):
        seen = [getattr(arch, kind).edges[position][0] for arch in drawn]
        counts = collections.Counter(seen)
        expected = 3_000 / 7
        assert sum((counts[op] - expected) ** 2 / expected for op in OPERATIONS) < 35  # 6 d.o.f.
    sources = collections.Counter(
        tuple(source for _, source in arch.normal.pairs[3]) for arch in drawn
    )
    assert set(sources) == set(itertools.combinations(range(5), 2))
    assert sum((count - 300) ** 2 / 300 for count in sources.values()) < 42  # 9 d.o.f.
    edge = collections.Counter((a.normal.edges[6][0], a.reduce.edges[7][0]) for a in drawn)
    expected = 3_000 / 49
    assert sum((count - expected) ** 2 / expected for count in edge.values()) < 105  # 48 d.o.f.


def in_space(arch: Architecture) -> bool:
    return all(
        a < b and first in OPERATIONS and second in OPERATIONS
        for cell in (arch.normal, arch.reduce)
        for (first, a), (second, b) in cell.pairs
    )


@given(st.integers())
def test_neighbours_stay_in_the_space_and_know_each_other(seed):
    arch = DARTS.sample(random.Random(seed))
    neighbours = DARTS.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) == 2 * (8 * 6 + 2 * (1 + 2 + 3))
    assert all(map(in_space, [arch, *neighbours]))
    assert arch not in neighbours
    assert arch in DARTS.neighbours(neighbours[seed % 120])


@given(architectures)
def test_neighbours_change_one_operation_or_source(arch):
    neighbours = DARTS.neighbours(arch)
    assert len(neighbours) == len(set(neighbours))
    assert arch not in neighbours
    for other in neighbours:
        changed = 0
        for ours, theirs in ((arch.normal, other.normal), (arch.reduce, other.reduce)):
            for before, after in zip(ours.pairs, theirs.pairs, strict=True):
                gone = collections.Counter(before) - collections.Counter(after)
                come = collections.Counter(after) - collections.Counter(before)
                assert sum(gone.values()) == sum(come.values()) <= 1
                for (op, source), (new_op, new_source) in zip(gone, come, strict=True):
                    assert (op == new_op) != (source == new_source)
                    changed += 1
        assert changed == 1


def test_suggest_covers_every_choice():
    optuna = pytest.importorskip("optuna")
    arch = DARTS.sample(random.Random(3))
    named = {}
    for kind in ("normal", "reduce"):
        for node, ((first, a), (second, b)) in zip(NODES, getattr(arch, kind).pairs, strict=True):
            named |= {f"{kind}.{node}.sources": f"{a},{b}", f"{kind}.{node}.a": first,
                      f"{kind}.{node}.b": second}  # fmt: skip
    assert DARTS.suggest(optuna.trial.FixedTrial(named)) == arch


# Networks


DARTS_V1 = spell(
    [("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("skip_connect", 0), ("sep_conv_3x3", 1),
     ("skip_connect", 0), ("sep_conv_3x3", 1), ("sep_conv_3x3", 0), ("skip_connect", 2)],
    [("max_pool_3x3", 0), ("max_pool_3x3", 1), ("skip_connect", 2), ("max_pool_3x3", 0),
     ("max_pool_3x3", 0), ("skip_connect", 2), ("skip_connect", 2), ("avg_pool_3x3", 0)],
)  # fmt: skip


def test_named_networks_have_the_published_number_of_parameters():
    """DARTS, table 1: 3.3 M (second order); table 3 (ImageNet, 48 channels, 14 cells): 4.7 M."""
    net = on_meta(EXAMPLE, channels=36, layers=20)
    assert parameters(net) == 3_349_342
    assert cell_network(fields(EXAMPLE), 36, 20, 10) == 3_349_342
    large = on_meta(EXAMPLE, task="imagenet", channels=48, layers=14)
    assert parameters(large) == 4_718_752
    assert cell_network(fields(EXAMPLE), 48, 14, 1000, imagenet=True) == 4_718_752
    assert round(parameters(on_meta(DARTS_V1, channels=36, layers=20)) / 1e6, 1) == 3.2


@pytest.mark.parametrize(
    ("task", "channels", "layers"),
    [("cifar10", 16, 8), ("cifar100", 36, 20), ("imagenet", 48, 14), ("cifar10", 5, 1),
     ("imagenet", 2, 2), ("cifar10", 3, 7)],
)  # fmt: skip
def test_parameters_by_an_independent_count(task, channels, layers):
    rng = random.Random(channels)
    archs = [DARTS.sample(rng) for _ in range(3)]
    edges = [("none", 0), ("none", 1)] + [("skip_connect", 1)] * 6
    archs.append(DARTS.parse(spell(edges, edges)))
    for arch in archs:
        counted = cell_network(
            fields(str(arch)),
            channels,
            layers,
            DARTS.task(task).num_classes,
            imagenet=task == "imagenet",
        )
        assert parameters(on_meta(arch, task=task, channels=channels, layers=layers)) == counted


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(20, marks=needs_data),
        pytest.param(400, marks=[*needs_data, pytest.mark.slow]),
    ],
)
def test_published_genotypes_by_an_independent_count(count):
    for text in published()["genotype"].sample(count, random_state=0):
        assert parameters(on_meta(text)) == cell_network(fields(text), 16, 8, 10)


def test_a_cell_computes_sums_and_concatenates_nodes():
    edges = [("avg_pool_3x3", 0), ("skip_connect", 1), ("none", 2), ("skip_connect", 2),
             ("max_pool_3x3", 0), ("skip_connect", 3), *[("skip_connect", 4)] * 2]  # fmt: skip
    net = DARTS.build(spell(edges, edges), channels=4, layers=3, seed=0)
    cell = net.cells[0].double().eval()
    before, last = torch.randn(2, 2, 12, 8, 8, dtype=torch.float64)
    a, b = cell.preprocess0(before), cell.preprocess1(last)
    second = nn.functional.avg_pool2d(a, 3, 1, 1, count_include_pad=False) + b
    fourth = nn.functional.max_pool2d(a, 3, 1, 1) + second
    expected = torch.cat([second, second, fourth, 2 * fourth], 1)
    torch.testing.assert_close(cell(before, last), expected, rtol=1e-12, atol=1e-12)
    halved = net.cells[1].double().eval()
    out = halved(torch.randn(2, 12, 8, 8).double(), torch.randn(2, 16, 8, 8).double())
    assert out.shape == (2, 32, 4, 4)


def test_cells_follow_the_published_skeleton():
    net = on_meta(EXAMPLE, channels=36, layers=20)
    assert [len(net.cells), net.stem[0].out_channels] == [20, 108]
    widths = [cell.preprocess1.op[1].out_channels for cell in net.cells]
    assert widths == [36] * 6 + [72] * 7 + [144] * 7
    reductions = [i for i, cell in enumerate(net.cells) if "MaxPool" in str(cell._ops)]
    assert reductions == [6, 13]
    after = [i for i, c in enumerate(net.cells) if isinstance(c.preprocess0, FactorizedReduction)]
    assert after == [7, 14]
    assert isinstance(on_meta(EXAMPLE, task="imagenet").cells[0].preprocess0, FactorizedReduction)
    names = dict(net.named_parameters())
    for name in ("stem.0.weight", "cells.7.preprocess0.conv_2.weight", "classifier.bias",
                 "cells.0.preprocess0.op.1.weight", "cells.0._ops.0.op.5.weight"):  # fmt: skip
        assert name in names


@pytest.mark.parametrize(
    ("task", "size", "layers"),
    [("cifar10", 32, 4), ("cifar10", 9, 5), ("imagenet", 32, 3), ("imagenet", 41, 2)],
)
def test_forward_gives_logits_and_the_loss_has_gradients(task, size, layers):
    for seed in range(3):
        arch = DARTS.sample(random.Random(seed))
        net = DARTS.build(arch, task=task, channels=4, layers=layers, num_classes=7, seed=0)
        assert net.training
        logits = net(torch.randn(2, 3, size, size))
        assert logits.shape == (2, 7)
        nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
        stem = net.stem0 if task == "imagenet" else net.stem
        assert net.classifier.weight.grad.any()
        assert stem[0].weight.grad is not None


def test_none_passes_no_gradient_and_keeps_the_graph():
    edges = [("none", 0), ("none", 1)] * 4
    net = DARTS.build(spell(edges, edges), channels=4, layers=1, seed=0)
    net(torch.randn(2, 3, 8, 8)).sum().backward()
    assert not net.stem[0].weight.grad.any()


def test_imagenet_needs_an_even_number_of_channels():
    with pytest.raises(InputError, match="channels is 5: networks for ImageNet need an even"):
        DARTS.build(EXAMPLE, task="imagenet", channels=5)
