import collections
import itertools
import json
import math
import os
import random
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._nb101_classes import graphs
from gradalign.spaces._nb101_graph import edges, live, mended, module_hash, pruned
from gradalign.spaces._nb101_network import Cell, vertex_channels
from gradalign.spaces.nb101 import EXAMPLE, NB101, Architecture

OPERATIONS = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
MODULES = {2: 1, 3: 6, 4: 84, 5: 2_441, 6: 62_010, 7: 359_082}  # by their number of vertices
DATA = os.environ.get("GRADALIGN_DATA")
needs_data = [
    pytest.mark.data,
    pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set"),
]


def published() -> pd.DataFrame:
    return pd.read_parquet(Path(DATA or "") / "nb101_dev.parquet")


def spelled(adjacency: str, ops: str) -> Architecture:
    """A row of the published table: the matrix row by row, and a list with commas."""
    n = math.isqrt(len(adjacency))
    rows = [[int(entry) for entry in adjacency[i * n : (i + 1) * n]] for i in range(n)]
    return NB101.parse(json.dumps({"matrix": rows, "ops": ops.split(",")}))


def matrix_of(vertices: int, present: set[tuple[int, int]]) -> tuple[tuple[int, ...], ...]:
    every = range(vertices)
    return tuple(tuple(int((source, target) in present) for target in every) for source in every)


def module(vertices: int, present: set[tuple[int, int]], *inner: str) -> Architecture:
    return Architecture(matrix_of(vertices, present), ("input", *inner, "output"))


@st.composite
def architectures(draw, least: int = 2) -> Architecture:
    """A path from input to output, and edges besides, at most nine in all."""
    n = draw(st.integers(least, 7))
    stations = draw(st.sets(st.sampled_from(range(1, n - 1)))) if n > 2 else set()
    present = set(itertools.pairwise([0, *sorted(stations), n - 1]))
    others = sorted(set(itertools.combinations(range(n), 2)) - present)
    if others:
        present |= draw(st.sets(st.sampled_from(others), max_size=9 - len(present)))
    inner = draw(st.lists(st.sampled_from(OPERATIONS), min_size=n - 2, max_size=n - 2))
    return module(n, present, *inner)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


# Spelling


@given(architectures())
def test_format_and_parse_are_inverse(arch):
    text = NB101.format(arch)
    given_back = json.loads(text)
    assert given_back["matrix"] == [list(row) for row in arch.matrix]
    assert given_back["ops"] == list(arch.ops)
    assert str(arch) == text
    assert " " not in text
    assert NB101.parse(text) == NB101.parse(f" {json.dumps(given_back, indent=1)}\n") == arch


@given(st.text() | st.text(alphabet='{}[],:"01 matrixops\n', max_size=60))
def test_any_text_is_an_architecture_or_an_input_error(text):
    with pytest.raises(InputError) as error:
        NB101.parse(text)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("matrix", "ops", "fault"),
    [
        ([[0, 1], [0, 0]], ["output", "input"], "begin with 'input' and end with 'output'"),
        ([[0]], ["input"], "begin with 'input' and end with 'output'"),
        ([], [], "begin with 'input' and end with 'output'"),
        ([[0, 1], [0, 0]], ["input", "maxpool3x3", "output"], "3 rows of 3 entries"),
        ([[0, 1], [0]], ["input", "output"], "2 rows of 2 entries"),
        ([[0, 2], [0, 0]], ["input", "output"], "0 and 1 only, found '2'"),
        ([[0, True], [0, 0]], ["input", "output"], "0 and 1 only, found 'True'"),
        ([[0, 1.0], [0, 0]], ["input", "output"], "0 and 1 only, found '1.0'"),
        ([[0, "1"], [0, 0]], ["input", "output"], "0 and 1 only"),
        ([[0, 1], [1, 0]], ["input", "output"], "row 1 has a 1 in column 0"),
        ([[1, 1], [0, 0]], ["input", "output"], "row 0 has a 1 in column 0"),
        ([[0, 0], [0, 0]], ["input", "output"], "no path leads from the input to the output"),
        ([[0, 1, 1], [0, 0, 1], [0, 0, 0]], ["input", "conv5x5", "output"],
         "unknown nb101 operation 'conv5x5': choose from conv3x3-bn-relu, conv1x1-bn-relu"),
        ([[0, 1], [0, 0]], ["input", ["x\n"], "output"], "unknown nb101 operation"),
        ([0, 1], ["input", "output"], "'matrix' must be a list of rows"),
        ("0100", ["input", "output"], "'matrix' must be a list of rows"),
        ([[0, 1], [0, 0]], "input,output", "'ops' must be a list of names"),
        ([[int(i < j) for j in range(7)] for i in range(7)],
         ["input", *["maxpool3x3"] * 5, "output"],
         "7 vertices and 21 edges lie on paths from the input to the output: at most 7 and 9 may"),
        ([[int(j == i + 1) for j in range(8)] for i in range(8)],
         ["input", *["maxpool3x3"] * 6, "output"], "8 vertices and 7 edges lie on paths"),
    ],
)  # fmt: skip
def test_a_malformed_module_gives_one_clear_line(matrix, ops, fault):
    with pytest.raises(InputError) as error:
        NB101.parse(json.dumps({"matrix": matrix, "ops": ops}))
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert "\n" not in message
    assert len(message) < 600


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("0100", "not JSON"),
        ("[" * 100_000, "not JSON"),
        ("9" * 9_999, "not JSON"),
        ("[[0,1],[0,0]]", "a JSON object with 'matrix' and 'ops' and nothing else is needed"),
        ('{"matrix":[[0,1],[0,0]]}', "a JSON object with 'matrix' and 'ops'"),
        (EXAMPLE.replace("}", ',"x":1}'), "nothing else is needed"),
    ],
)
def test_a_text_that_spells_no_module_gives_one_clear_line(text, fault):
    with pytest.raises(InputError, match=fault) as error:
        NB101.parse(text)
    message = str(error.value)
    assert EXAMPLE in message
    assert "\n" not in message
    assert len(message) < 600


def test_a_hash_is_for_the_table_to_resolve():
    name = NB101.canonical(NB101.parse(EXAMPLE))
    assert NB101.reference.fullmatch(name)
    with pytest.raises(InputError, match=r"looked up in the published table .*data fetch nb101"):
        NB101.parse(f" {name}\n")


def test_the_limits_hold_for_what_is_on_a_path():
    dead = {(1, 7), *((2, v) for v in range(3, 8)), *((3, v) for v in (4, 5, 6))}
    spare = module(8, {(0, 7), *dead}, *["maxpool3x3"] * 6)
    assert NB101.parse(NB101.format(spare)) == spare
    assert NB101.canonical(spare) == NB101.canonical(module(2, {(0, 1)}))


# Graphs


@given(architectures())
def test_what_is_alive_is_on_a_path(arch):
    """Against the definition: every path from the input, walked."""
    last = len(arch.ops) - 1
    on_paths: set[int] = set()
    paths = [(0,)]
    while paths:
        path = paths.pop()
        if path[-1] == last:
            on_paths.update(path)
        paths += [(*path, v) for v in range(last + 1) if arch.matrix[path[-1]][v]]
    assert live(arch.matrix) == sorted(on_paths)
    kept = pruned(arch.matrix)
    assert live(kept) == list(range(len(on_paths)))
    assert sum(map(sum, kept)) == len(edges(arch.matrix)) <= 9


@given(st.integers(2, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, 2**21 - 1))))
def test_mending_makes_a_module_and_leaves_modules_alone(drawn):
    n, bits = drawn
    every = enumerate(itertools.combinations(range(n), 2))
    matrix = matrix_of(n, {edge for place, edge in every if bits >> place & 1})
    whole = mended(matrix)
    assert live(whole)
    assert len(edges(whole)) <= 9
    assert mended(whole) == whole
    if live(matrix):
        assert set(edges(whole)) <= set(edges(matrix))
        assert (whole == matrix) == (len(edges(matrix)) <= 9)
    else:
        assert edges(whole) == [(0, n - 1)]


def test_mending_by_hand():
    """All 21 edges: from the last backwards, each goes that is not the last one of a vertex."""
    full = matrix_of(7, set(itertools.combinations(range(7), 2)))
    assert edges(mended(full)) == [
        (0, 1), (0, 2), (0, 3), (0, 4), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6)
    ]  # fmt: skip
    five = {(0, v) for v in range(1, 6)} | {(v, 6) for v in range(1, 6)}  # no edge to spare
    assert edges(mended(matrix_of(7, five))) == sorted(five - {(0, 5), (5, 6)})


@given(architectures(), st.randoms(use_true_random=False))
def test_the_hash_is_the_same_in_any_order_of_the_vertices(arch, rng):
    order = rng.sample(range(len(arch.ops)), len(arch.ops))
    labels = [OPERATIONS.index(name) for name in arch.ops[1:-1]]
    labels = [-1, *labels, -2]
    moved = tuple(tuple(arch.matrix[source][target] for target in order) for source in order)
    assert module_hash(moved, [labels[v] for v in order]) == module_hash(arch.matrix, labels)


@given(architectures(), st.randoms(use_true_random=False), st.integers(0, 2))
def test_isomorphic_modules_share_their_canonical_form(arch, rng, spare):
    """Another order that is still one of sources before targets, and vertices on no path."""
    last = len(arch.ops) - 1
    order = [0]
    while len(order) < last:
        ready = [v for v in range(1, last) if v not in order
                 and all(s in order for s in range(v) if arch.matrix[s][v])]  # fmt: skip
        order.append(rng.choice(ready))
    place = {v: i for i, v in enumerate(order)} | {last: last + spare}
    present = {(place[s], place[t]) for s, t in itertools.combinations(range(last + 1), 2)
               if arch.matrix[s][t]}  # fmt: skip
    dead = {(s, t) for t in range(last, last + spare) for s in range(t) if rng.random() < 0.5}
    inner = [*(arch.ops[v] for v in order[1:]), *["maxpool3x3"] * spare]
    other = module(last + 1 + spare, present | dead, *inner)
    assert NB101.canonical(other) == NB101.canonical(arch)


# The set


def naive_form(arch: Architecture) -> tuple:
    """The least spelling over all orders of the inner vertices, sorted or not."""
    last = len(arch.ops) - 1
    orders = ((0, *inner, last) for inner in itertools.permutations(range(1, last)))
    return min(
        (tuple(tuple(arch.matrix[s][t] for t in order) for s in order),
         tuple(arch.ops[v] for v in order))
        for order in orders
    )  # fmt: skip


@pytest.mark.parametrize("vertices", [2, 3, 4, 5])
def test_every_small_module_is_there_once(vertices):
    """Against brute force: every matrix, every labelling, told apart in two ways."""
    hashes, forms = {}, set()
    pairs = list(itertools.combinations(range(vertices), 2))
    for present in itertools.chain.from_iterable(
        itertools.combinations(pairs, count) for count in range(10)
    ):
        matrix = matrix_of(vertices, set(present))
        if live(matrix) != list(range(vertices)):
            continue
        for inner in itertools.product(OPERATIONS, repeat=vertices - 2):
            arch = Architecture(matrix, ("input", *inner, "output"))
            form = naive_form(arch)
            forms.add(form)
            assert hashes.setdefault(NB101.canonical(arch), form) == form
    ours = list(itertools.takewhile(lambda a: len(a.ops) <= vertices, NB101.enumerate()))
    ours = [arch for arch in ours if len(arch.ops) == vertices]
    assert len(ours) == len(hashes) == len(forms) == MODULES[vertices]
    assert {NB101.canonical(arch) for arch in ours} == set(hashes)


def burnside(symmetries: tuple[tuple[int, ...], ...]) -> int:
    """Labellings with three operations, up to symmetry: the mean number that one leaves alone."""
    total = 0
    for order in symmetries:
        seen: set[int] = set()
        cycles = 0
        for vertex in order:
            cycles += vertex not in seen
            while vertex not in seen:
                seen.add(vertex)
                vertex = order[vertex - 1]
        total += 3**cycles
    return total // len(symmetries)


def test_the_graphs_have_as_many_labellings_as_the_space_has_modules():
    counts = {n: sum(burnside(graph.symmetries) for graph in graphs(n)) for n in range(2, 8)}
    assert counts == MODULES
    assert sum(counts.values()) == NB101.size == 423_624


@pytest.mark.slow
def test_enumerate_gives_every_architecture_once():
    everything = list(NB101.enumerate())
    assert len(everything) == len(set(everything)) == 423_624
    assert collections.Counter(len(arch.ops) for arch in everything) == MODULES
    some = random.Random(0).sample(everything, 20_000)
    assert len({NB101.canonical(arch) for arch in some}) == 20_000


@pytest.mark.slow
@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_enumerate_spells_modules_as_the_published_table_does():
    table = published()
    theirs = {spelled(*row) for row in zip(table["adjacency"], table["ops"], strict=True)}
    assert len(theirs) == 6_000
    assert theirs <= set(NB101.enumerate())


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int, count: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [NB101.sample(rng) for _ in range(count)]

    drawn = draw(0, 20_000)
    assert drawn[:50] == draw(0, 50) != draw(1, 50)
    graph_of = {graph.matrix: graph for n in range(2, 8) for graph in graphs(n)}
    expected: collections.Counter = collections.Counter()
    for graph in graph_of.values():  # number of symmetries, number of edges
        kind = len(graph.symmetries), sum(map(sum, graph.matrix)) == 9
        expected[kind] += burnside(graph.symmetries) / NB101.size * len(drawn)
    found = collections.Counter(
        (len(graph_of[a.matrix].symmetries), sum(map(sum, a.matrix)) == 9) for a in drawn
    )
    likely = [kind for kind, count in expected.items() if count >= 10]
    assert len(likely) >= 5
    chi_square = sum((found[kind] - expected[kind]) ** 2 / expected[kind] for kind in likely)
    assert chi_square < 30  # at most 9 degrees of freedom: p < 5e-4


def test_sampling_gives_each_module_of_a_symmetric_graph_alike(monkeypatch):
    """Two vertices side by side: six modules, of nine labellings."""
    graph = next(g for g in graphs(4) if len(g.symmetries) == 2)
    monkeypatch.setattr("gradalign.spaces.nb101._weighted_graphs", lambda: ((graph,), (9,)))
    rng = random.Random(0)
    drawn = collections.Counter(NB101.sample(rng) for _ in range(3_000))
    assert len(drawn) == 6
    assert sum((count - 500) ** 2 / 500 for count in drawn.values()) < 21  # 5 degrees: p = 8e-4


@given(architectures())
def test_neighbours_are_one_change_away(arch):
    """In seven vertices: those that were missing have no edges, and stand before the output."""
    spare, last = 7 - len(arch.ops), len(arch.ops) - 1
    place = {v: v if v < last else 6 for v in range(last + 1)}
    present = {(place[s], place[t]) for s, t in itertools.combinations(range(last + 1), 2)
               if arch.matrix[s][t]}  # fmt: skip
    ops = (*arch.ops[:-1], *["conv3x3-bn-relu"] * spare, "output")
    neighbours = NB101.neighbours(arch)
    assert len(set(neighbours)) == len(neighbours)
    assert arch not in neighbours
    changes = collections.Counter()
    for other in neighbours:
        theirs = {(s, t) for s, t in itertools.combinations(range(7), 2) if other.matrix[s][t]}
        moved = sum(a != b for a, b in zip(ops, other.ops, strict=True))
        assert len(theirs ^ present) + moved == 1
        changes[moved] += 1
    assert changes[1] == 5 * 2
    flips = [matrix_of(7, present ^ {edge}) for edge in itertools.combinations(range(7), 2)]
    assert changes[0] == sum(bool(live(flip)) and len(edges(flip)) <= 9 for flip in flips)
    assert NB101.mutate(arch, random.Random(0)) in neighbours


def test_neighbours_by_hand():
    """The input read by the output: 20 edges can be added, and none taken away."""
    neighbours = NB101.neighbours(module(2, {(0, 1)}))
    assert len(neighbours) == 20 + 5 * 2
    hashes = {NB101.canonical(other) for other in neighbours}
    assert hashes == {NB101.canonical(module(2, {(0, 1)}))}  # a vertex needs two edges to count


@settings(max_examples=30)
@given(architectures(least=7))
def test_a_trial_reaches_every_architecture(arch):
    optuna = pytest.importorskip("optuna")
    suggested = {f"op {v}": arch.ops[v] for v in range(1, 6)}
    for source, target in itertools.combinations(range(7), 2):
        suggested[f"{target}<-{source}"] = arch.matrix[source][target]
    assert NB101.suggest(optuna.trial.FixedTrial(suggested)) == arch


def test_any_trial_gives_an_architecture():
    optuna = pytest.importorskip("optuna")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    found = [NB101.suggest(study.ask()) for _ in range(50)]
    assert {len(live(arch.matrix)) for arch in found} >= {2, 5, 7}


# Published facts


@pytest.mark.data
@pytest.mark.skipif(DATA is None, reason="GRADALIGN_DATA is not set")
def test_canonical_is_the_published_hash():
    table = published()
    for name, *row in zip(table["hash"], table["adjacency"], table["ops"], strict=True):
        assert NB101.canonical(spelled(*row)) == name


@pytest.mark.parametrize(
    "count",
    [
        pytest.param(150, marks=needs_data),
        pytest.param(6_000, marks=[*needs_data, pytest.mark.slow, pytest.mark.timeout(1200)]),
    ],
)
def test_parameters_are_the_published_ones(count, monkeypatch):
    for name in ("kaiming_uniform_", "uniform_"):  # only the shapes matter, and this takes longest
        monkeypatch.setattr(nn.init, name, lambda tensor, *_, **__: tensor)
    rows = published().sample(count, random_state=0)
    for adjacency, ops, number in zip(rows["adjacency"], rows["ops"], rows["params"], strict=True):
        with torch.device("meta"):
            net = NB101.build(spelled(adjacency, ops))
        assert parameters(net) == number, (adjacency, ops)


# Networks


def convolution(c_in: int, c_out: int, kernel: int) -> int:
    """Parameters without bias, with an affine normalisation."""
    return c_in * c_out * kernel**2 + 2 * c_out


@pytest.mark.parametrize(("stem", "modules", "classes"), [(128, 3, 10), (6, 1, 7)])
def test_parameters_by_hand(stem, modules, classes):
    def count(cell, arch: Architecture) -> None:
        """`cell` gives the parameters of one module from c_in to c_out channels."""
        ends = [c for stack in range(3) for c in [stem * 2**stack] * modules]
        widths = zip([stem, *ends[:-1]], ends, strict=True)
        total = convolution(3, stem, 3) + sum(cell(*each) for each in widths)
        with torch.device("meta"):
            net = NB101.build(arch, stem_channels=stem, modules=modules, num_classes=classes)
        assert parameters(net) == total + (ends[-1] + 1) * classes

    count(lambda a, b: convolution(a, b, 1), module(2, {(0, 1)}))
    # a projection for the vertex and one for the output
    count(lambda a, b: 2 * convolution(a, b, 1) + convolution(b, b, 3), NB101.parse(EXAMPLE))
    # three vertices share the output's channels, one more for the first ones
    three = module(5, {(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)},
                   "conv1x1-bn-relu", "maxpool3x3", "conv3x3-bn-relu")  # fmt: skip

    def shared(a: int, b: int) -> int:
        first, second, third = -(-b // 3), -(-(b - 1) // 3), b // 3
        projections = sum(convolution(a, c, 1) for c in (first, second, third))
        return projections + convolution(first, first, 1) + convolution(third, third, 3)

    count(shared, three)


@pytest.mark.parametrize(
    ("present", "c_out", "channels"),
    [
        ({(0, 1)}, 7, [7]),
        ({(0, 1), (1, 2)}, 7, [7, 7]),
        ({(0, 1), (0, 2), (0, 3), (1, 4), (2, 4), (3, 4)}, 8, [3, 3, 2, 8]),
        # 1 is read by 2 (3 channels), 3 (2 channels): as wide as the wider
        ({(0, 1), (1, 2), (1, 3), (2, 4), (3, 4)}, 5, [3, 3, 2, 5]),
        # 1 is read by the output and by 2, whose share is smaller
        ({(0, 1), (1, 2), (1, 3), (2, 3)}, 5, [3, 2, 5]),
        # a chain before the shared part: 1 <- 2 <- 3, 4
        ({(0, 1), (1, 2), (2, 3), (2, 4), (3, 5), (4, 5)}, 9, [5, 5, 5, 4, 9]),
    ],
)
def test_channels_by_hand(present, c_out, channels):
    matrix = matrix_of(1 + len(channels), present)
    assert vertex_channels(matrix, c_out) == dict(enumerate(channels, start=1))


@settings(deadline=None, max_examples=30)
@given(architectures(), st.integers(5, 9))
def test_a_cell_computes_the_published_module(arch, c_out):
    """Each vertex by recursion from its definition, with the cell's own weights."""
    matrix, last = pruned(arch.matrix), len(live(arch.matrix)) - 1
    cell = Cell(matrix, arch.inner, 4, c_out).double().eval()
    x = torch.randn(2, 4, 5, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def conv(name: str, value: torch.Tensor) -> torch.Tensor:
        weight = cell.get_parameter(f"{name}.0.weight")
        out = nn.functional.conv2d(value, weight, padding=weight.shape[-1] // 2)
        return (out / (1 + 1e-5) ** 0.5).relu()

    def vertex(v: int) -> torch.Tensor:
        arriving = [vertex(source) for source in range(1, v) if matrix[source][v]]
        if matrix[0][v]:
            arriving.append(conv(f"projections.{v}", x))
        narrowest = min(value.shape[1] for value in arriving)
        if arch.inner[v - 1] != "maxpool3x3":
            narrowest = cell.get_parameter(f"vertices.{v - 1}.0.weight").shape[1]
        width = cell.channels[v]
        assert width == narrowest
        total = sum(value[:, :width] for value in arriving)
        if arch.inner[v - 1] != "maxpool3x3":
            return conv(f"vertices.{v - 1}", total)
        around = nn.functional.pad(total, (1, 1, 1, 1), value=-math.inf)
        return around.unfold(2, 3, 1).unfold(3, 3, 1).amax((4, 5))

    joined = [vertex(v) for v in range(1, last) if matrix[v][last]]
    expected = torch.cat(joined, 1) if joined else torch.zeros(())
    if matrix[0][last]:
        expected = expected + conv(f"projections.{last}", x)
    torch.testing.assert_close(cell(x), expected, rtol=1e-12, atol=1e-12)
    assert cell(x).shape == (2, c_out, 5, 6)


def test_the_skeleton_is_the_published_one():
    with torch.device("meta"):
        net = NB101.build(EXAMPLE)
    assert [type(layer).__name__ for layer in net.layers] == (
        ["Cell"] * 3 + ["MaxPool2d"] + ["Cell"] * 3 + ["MaxPool2d"] + ["Cell"] * 3
    )
    assert [layer.channels[2] for layer in net.layers if isinstance(layer, Cell)] == (
        [128] * 3 + [256] * 3 + [512] * 3
    )
    assert all(m.bias is None for m in net.modules() if isinstance(m, nn.Conv2d))
    norms = [m for m in net.modules() if isinstance(m, nn.BatchNorm2d)]
    assert {(m.eps, m.momentum) for m in norms} == {(1e-5, 0.003)}


@pytest.mark.parametrize("size", [1, 7, 8, 32])
def test_forward_gives_logits(size):
    net = NB101.build(EXAMPLE, stem_channels=4, modules=1, num_classes=7, seed=0)
    assert net.training
    assert net(torch.randn(2, 3, size, size)).shape == (2, 7)


@pytest.mark.parametrize("seed", range(10))
def test_every_parameter_gets_a_gradient(seed):
    arch = NB101.sample(random.Random(seed))
    net = NB101.build(arch, stem_channels=8, modules=1, seed=0)
    generator = torch.Generator().manual_seed(0)
    out = net(torch.randn(4, 3, 8, 8, generator=generator))
    nn.functional.cross_entropy(out, torch.arange(4)).backward()
    assert all(p.grad is not None and p.grad.any() for p in net.parameters())


def test_vertices_on_no_path_are_not_built():
    spare = module(4, {(0, 1), (1, 3), (0, 2)}, "maxpool3x3", "conv3x3-bn-relu")
    kinds = collections.Counter(
        type(m) for m in NB101.build(spare, stem_channels=4, modules=1).modules()
    )
    assert kinds[nn.Conv2d] == 1 + 3  # the stem, and a projection in each stack
    assert kinds[nn.MaxPool2d] == 3 + 2


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"channels": 4}, "no option 'channels': it has modules, stem_channels"),
        ({"modules": 0}, "modules is '0'"),
        ({"stem_channels": 2}, "stem_channels is 2: the output of this module joins 3 vertices"),
    ],
)
def test_options_that_make_no_sense_are_refused(options, fault):
    three = module(5, {(0, v) for v in (1, 2, 3)} | {(v, 4) for v in (1, 2, 3)},
                   *["maxpool3x3"] * 3)  # fmt: skip
    with pytest.raises(InputError, match=fault):
        NB101.build(three, **options)
