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


def test_networks_that_are_measured_once_have_the_same_convolutions():
    classes: dict[str, set[object]] = {}
    for arch in NB201.enumerate():
        convolutions = sorted(o for o in arch.operations if o.startswith("nor_conv"))
        found = (NB201.canonical(arch), *convolutions)
        classes.setdefault(NB201.network_key(arch), set()).add(found)
    assert len(classes) == 8297
    assert {len(found) for found in classes.values()} == {1}


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
