import collections
import itertools
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.spaces.nb101_modules import (
    DATA,
    MODULES,
    OPERATIONS,
    architectures,
    matrix_of,
    module,
    published,
    spelled,
)

from gradalign.errors import InputError
from gradalign.spaces._nb101_classes import graphs
from gradalign.spaces._nb101_graph import edges, live, mended, module_hash, pruned
from gradalign.spaces.nb101 import EXAMPLE, NB101, Architecture

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
