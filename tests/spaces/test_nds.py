import collections
import copy
import itertools
import json
import math
import random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.spaces.cell_counter import cell_network, stage_network
from tests.spaces.named_networks import (
    BASIC,
    NAMED,
    PLAIN,
    RESNET_50,
    RESNEXT_50,
    cell_net,
    changed,
)
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces._nds_families import FAMILIES
from gradalign.spaces.nds import EXAMPLE, NDS, Architecture

CELLS = ("NASNet", "Amoeba", "PNAS", "ENAS", "DARTS")
STAGES = ("Vanilla", "ResNet", "ResNeXt-A", "ResNeXt-B")


def drawn(name: str, seed: int) -> Architecture:
    return Architecture(FAMILIES[name].sample(random.Random(seed)), name)


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


def on_meta(arch, **options) -> nn.Module:
    with torch.device("meta"):
        return NDS.build(arch, **options)


def count(text: str, task: str) -> int:
    """Parameters by the independent counter."""
    net, imagenet = json.loads(text), task == "imagenet"
    classes = 1000 if imagenet else 10
    if "genotype" in net:
        return cell_network(net["genotype"], net["width"], net["depth"], classes, imagenet=imagenet)
    return stage_network(net, classes, imagenet=imagenet)


# Spelling


@pytest.mark.parametrize("name", FAMILIES)
@given(seed=st.integers())
def test_format_and_parse_are_inverse(name, seed):
    arch = drawn(name, seed)
    text = NDS.format(arch)
    assert str(arch) == text
    assert NDS.parse(text) == arch
    assert json.loads(text)["space"] == name
    assert hash(NDS.parse(text)) == hash(arch)


def test_published_spellings_are_read():
    with_training = cell_net("NASNet-A", aux=True, drop_prob=0.2)
    assert NDS.parse(with_training) == NDS.parse(cell_net("NASNet-A"))
    assert NDS.format(NDS.parse(cell_net("NASNet-A"))) == cell_net("NASNet-A")
    old = {**PLAIN, "block_type": "double_plain_block", "bot_muls": [], "num_gs": []}
    assert NDS.format(NDS.parse(json.dumps(old))) == json.dumps(PLAIN)
    widths = {k: v for k, v in RESNEXT_50.items() if k not in ("num_gs", "bot_muls")}
    widths |= {"bms": [0.5] * 4, "gws": [4, 8, 16, 32]}
    assert NDS.parse(json.dumps(widths)) == NDS.parse(json.dumps(RESNEXT_50))
    assert NDS.parse(json.dumps(RESNET_50)).net.num_gs == (1, 1, 1, 1)


DARTS_NET = cell_net("DARTS_V2")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "not a JSON object"),
        ("[1]", "not a JSON object"),
        ("{" * 5_000, "not a JSON object"),
        ("[" * 8_000, "not a JSON object"),
        ("9" * 7_000, "not a JSON object"),
        (DARTS_NET + " " * 9_000, "more than 8000"),
        ("{}", "the key 'block_type' is missing"),
        (changed(DARTS_NET, "space", to="Resnet"), "unknown nds family 'Resnet': choose from"),
        (changed(DARTS_NET, "space", to=1), "space must be the name of a family"),
        (changed(DARTS_NET, "space", to="ResNet"), "'ResNet' is of this kind"),
        (changed(BASIC, "space", to="Vanilla"), "'Vanilla' is of this kind"),
        (changed(DARTS_NET, "colour", to=1), "unknown key 'colour': there are genotype, width"),
        (changed(DARTS_NET, "genotype", to=[]), "genotype must be an object with normal"),
        (changed(DARTS_NET, "genotype", to={}), "the key 'normal' is missing"),
        (changed(DARTS_NET, "genotype", "normal", to="x"), "normal must be a list of [operation"),
        (changed(DARTS_NET, "genotype", "normal", 0, to=["none", True]), "normal must be a list"),
        (changed(DARTS_NET, "genotype", "normal", 0, to=["none", 2]), "node 2 reads a later one"),
        (changed(DARTS_NET, "genotype", "normal", 0, to=["none", -1]), "node 2 reads a later"),
        (changed(DARTS_NET, "genotype", "normal", 0, to=["max_pool_2x2", 0]), "unknown operation"),
        (changed(DARTS_NET, "genotype", "reduce_concat", to=[]), "at least one, and differ"),
        (changed(DARTS_NET, "genotype", "reduce_concat", to=[10**4000]), "nodes 2 to 5 only"),
        (changed(DARTS_NET, "width", to=0), "width must be a number from 1 to 1024"),
        (changed(DARTS_NET, "width", to=16.0), "width must be a whole number"),
        (changed(DARTS_NET, "depth", to=True), "depth must be a whole number"),
        (changed(DARTS_NET, "depth", to=10**4000), "depth must be a number from 1 to 100"),
        (changed(PLAIN, "block_type", to="x" * 999), "unknown block_type 'xxx"),
        (changed(PLAIN, "bot_muls", to=[1, 1, 1]), "'vanilla_block' takes no bot_muls"),
        (changed(PLAIN, "ds", to=[]), "ds must give 1 to 8 stages, found 0"),
        (changed(PLAIN, "ds", to=[0, 1, 1]), "ds must be above 0, and at most 200"),
        (changed(PLAIN, "ws", to=[16, 32]), "ws has 2 values for 3 stages"),
        (changed(PLAIN, "ws", to=[16, 32, 10**4000]), "ws must be above 0, and at most 8192"),
        (changed(PLAIN, "ss", to=[1, 2, 2.0]), "ss must be a list of whole numbers"),
        (changed(RESNEXT_50, "num_gs", 0, to=7), "128 channels, which cannot be 7 groups"),
        (changed(RESNEXT_50, "bot_muls", 0, to="1"), "bot_muls must be a list of numbers"),
        (changed(RESNEXT_50, "bot_muls", 0, to=math.nan), "bot_muls must be above 0"),
        (changed(RESNEXT_50, "bot_muls", 0, to=10**4000), "bot_muls has a number that is too lar"),
        (changed(RESNEXT_50, "bot_muls", 0, to=0.001), "0 channels"),
        (changed(RESNET_50, "gws", to=[64, 128, 256, 7]), "divide the bottleneck of 512 channels"),
        (changed(RESNET_50, "gws", to=[64]), "gws needs one value a stage"),
        (changed(RESNEXT_50, "gws", to=[4, 8, 16, 32]), "no num_gs beside it"),
    ],
)  # fmt: skip
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        NDS.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert len(message.splitlines()) == 1
    assert len(message) < 800


values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 40) | st.floats() | st.sampled_from(["none", "x"]),
    lambda inner: st.lists(inner, max_size=4),
    max_leaves=6,
)
places = st.sampled_from(
    [("genotype",), ("genotype", "normal"), ("genotype", "normal", 0), ("genotype", "normal", 7, 1),
     ("genotype", "reduce_concat"), ("width",), ("depth",), ("space",), ("aux",)]
)  # fmt: skip
stage_places = st.sampled_from([(key,) for key in (*RESNEXT_50, "bms", "gws", "space")])


@given(st.text() | st.text(alphabet='{}[]":, 01ds', max_size=40))
def test_any_other_text_is_an_input_error(text):
    with pytest.raises(InputError) as error:
        NDS.parse(text)
    assert len(str(error.value).splitlines()) == 1


@given(st.one_of(
    st.tuples(st.just(DARTS_NET), places, values),
    st.tuples(st.just(json.dumps(RESNEXT_50)), stage_places, values),
))  # fmt: skip
def test_any_damaged_spelling_is_an_architecture_or_an_input_error(damage):
    base, place, value = damage
    text = changed(base, *place, to=value)
    try:
        arch = NDS.parse(text)
    except InputError as error:
        message = str(error)
    else:
        message = "none"
        assert NDS.parse(NDS.format(arch)) == arch
    assert len(message.splitlines()) == 1


# The set


def test_sizes_are_the_published_ones():
    """Cells in billions and networks of the paper's tables; cells are squared, times 3 widths, 5
    depths."""
    cells = {"NASNet": 71_465_842, "Amoeba": 556_628, "PNAS": 556_628, "ENAS": 5_063, "DARTS": 242}
    for name, billions in cells.items():
        assert round(FAMILIES[name].cells / 1e9) == pytest.approx(billions, abs=1)
        assert FAMILIES[name].size == FAMILIES[name].cells ** 2 * 15
    stages = {"Vanilla": 1_259_712, "ResNet": 1_259_712, "ResNeXt-A": 11_390_625,
              "ResNeXt-B": 52_734_375}  # fmt: skip
    assert {name: FAMILIES[name].size for name in stages} == stages
    assert NDS.size == sum(FAMILIES[name].size for name in (*CELLS, *STAGES))


@pytest.mark.parametrize("name", FAMILIES)
def test_enumerate_repeats_nothing(name):
    first = list(itertools.islice(FAMILIES[name].enumerate(), 3_000))
    assert len(set(first)) == 3_000
    assert all(FAMILIES[name].kin(net) for net in first)


def test_enumerate_begins_with_the_smallest_family():
    first = list(itertools.islice(NDS.enumerate(), 1_000))
    assert {arch.space for arch in first} == {"Vanilla"}


@pytest.mark.slow
def test_a_family_of_stages_is_enumerated_whole():
    assert len(set(FAMILIES["ResNet"].enumerate())) == 1_259_712


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [NDS.sample(rng) for _ in range(1_800)]

    archs = draw(0)
    assert archs == draw(0) != draw(1)
    families = collections.Counter(arch.space for arch in archs)
    assert set(families) == set(FAMILIES)
    assert sum((n - 200) ** 2 / 200 for n in families.values()) < 36  # 8 degrees of freedom


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_draws_every_value_alike(name):
    rng = random.Random(0)
    counters = collections.defaultdict(collections.Counter)
    for _ in range(1_000):
        net = FAMILIES[name].sample(rng)
        if name in CELLS:
            counters["width"][net.width] += 1
            counters["depth"][net.depth] += 1
            for position, (operation, source) in enumerate(net.genotype.reduce.edges):
                counters[position, "operation"][operation] += 1
                counters[position, "source"][source] += 1
        else:
            assert net.ss == (1, 2, 2)
            for place in FAMILIES[name].values:
                counters[place].update(getattr(net, place))
    for values in counters.values():
        expected = sum(values.values()) / len(values)
        freedom = len(values) - 1
        chi_square = sum((n - expected) ** 2 / expected for n in values.values())
        assert chi_square < freedom + 6 * math.sqrt(2 * freedom) + 6


@pytest.mark.parametrize(
    ("name", "number"),
    [  # operations and sources of two cells, widths and depths; or values of three stages
        ("NASNet", 2 * (10 * 12 + 2 * (1 + 2 + 3 + 4 + 5)) + 2 + 4),
        ("ENAS", 2 * (10 * 4 + 2 * (1 + 2 + 3 + 4 + 5)) + 2 + 4),
        ("DARTS", 2 * (8 * 7 + 2 * (1 + 2 + 3 + 4)) + 2 + 4),
        ("Vanilla", 3 * (8 + 11)),
        ("ResNeXt-A", 3 * (4 + 4 + 2 + 2)),
        ("ResNeXt-B", 3 * (4 + 4 + 2 + 4)),
    ],
)
def test_neighbours_differ_in_one_value_and_know_each_other(name, number):
    arch = drawn(name, 1)
    neighbours = NDS.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) == number
    assert arch not in neighbours
    assert all(other.space == name for other in neighbours)
    for other in random.Random(0).sample(neighbours, 20):
        assert arch in NDS.neighbours(other)
        if name in STAGES:
            pairs = zip(arch.net.stages, other.net.stages, strict=True)
            assert sum(sum(a != b for a, b in zip(*pair, strict=True)) for pair in pairs) == 1
        if name in ("NASNet", "ENAS"):
            check_loose_ends(other)


def check_loose_ends(arch: Architecture) -> None:
    for cell in (arch.net.genotype.normal, arch.net.genotype.reduce):
        read = {source for _, source in cell.edges}
        assert set(cell.concat) == set(range(2, 7)) - read


def test_outputs_are_loose_ends_or_every_node():
    for seed, name in itertools.product(range(10), ("NASNet", "Amoeba", "ENAS")):
        check_loose_ends(drawn(name, seed))
    for seed, (name, nodes) in itertools.product(range(10), (("PNAS", 5), ("DARTS", 4))):
        assert drawn(name, seed).net.genotype.normal.concat == tuple(range(2, 2 + nodes))


@pytest.mark.parametrize(
    "text", [cell_net("AmoebaNet-A"), DARTS_NET, *map(json.dumps, (RESNEXT_50, PLAIN, BASIC))]
)
def test_networks_outside_of_the_families_have_neighbours_too(text):
    arch = NDS.parse(text)
    neighbours = NDS.neighbours(arch)
    assert len(neighbours) == len(set(neighbours)) > 20
    assert arch not in neighbours
    for other in neighbours:
        assert NDS.parse(NDS.format(other)) == other


@pytest.mark.parametrize("name", FAMILIES)
def test_suggest_gives_what_the_trial_decides(name):
    optuna = pytest.importorskip("optuna")
    arch = drawn(name, 4)
    named = {"space": name}
    if name in CELLS:
        named |= {"width": arch.net.width, "depth": arch.net.depth}
        for kind in ("normal", "reduce"):
            edges = getattr(arch.net.genotype, kind).edges
            for position, (operation, source) in enumerate(edges):
                edge = f"{name}.{kind}.{2 + position // 2}.{'ab'[position % 2]}"
                named |= {f"{edge}.operation": operation, f"{edge}.source": source}
    else:
        for key in ("ds", "ws", "bot_muls", "num_gs"):
            values = getattr(arch.net, key)
            named |= {f"{name}.{key}.{stage}": value for stage, value in enumerate(values, 1)}
    assert NDS.suggest(optuna.trial.FixedTrial(named)) == arch


# Isomorphism


def test_canonical_knows_neither_the_family_nor_the_order_of_edges():
    plain = NDS.parse(json.dumps(BASIC))
    assert NDS.canonical(Architecture(plain.net, "ResNet")) == NDS.canonical(plain)
    cells = copy.deepcopy(NAMED["AmoebaNet-A"][0])
    cells["normal"][:2] = reversed(cells["normal"][:2])
    cells["normal_concat"] = [6, 4, 5]
    other = json.dumps({"genotype": cells, "width": 36, "depth": 20, "space": "Amoeba"})
    first = NDS.parse(cell_net("AmoebaNet-A"))
    assert NDS.canonical(NDS.parse(other)) == NDS.canonical(first)


@pytest.mark.parametrize("name", FAMILIES)
def test_canonical_tells_neighbours_apart(name):
    """A few coincide, as where a node has the same edge twice and either one changes."""
    arch = drawn(name, 3)
    forms = {NDS.canonical(other) for other in NDS.neighbours(arch)}
    assert len(forms) > 0.9 * len(NDS.neighbours(arch))
    assert NDS.canonical(arch) not in forms or name in CELLS


# Networks


def test_classical_networks_have_their_number_of_parameters():
    assert parameters(on_meta(json.dumps(RESNET_50), task="imagenet")) == 25_557_032
    assert parameters(on_meta(json.dumps(RESNEXT_50), task="imagenet")) == 25_028_904
    eighteen = {"block_type": "res_basic_block", "ds": [2, 2, 2, 2], "ws": [64, 128, 256, 512],
                "ss": [1, 2, 2, 2]}  # fmt: skip
    assert parameters(on_meta(json.dumps(eighteen), task="imagenet")) == 11_689_512
    assert round(parameters(on_meta(json.dumps(BASIC))) / 1e6, 2) == 0.86  # ResNet-56


@pytest.mark.parametrize("name", NAMED)
def test_named_cells_have_the_expected_number_of_parameters(name):
    cells, expected = NAMED[name]
    number = parameters(on_meta(cell_net(name)))
    assert number == cell_network(cells, 36, 20, 10) == expected


CONFIGURATIONS = [
    *(cell_net(name, width, depth) for name in NAMED for width, depth in ((36, 20), (16, 4))),
    *(NDS.format(drawn(name, seed)) for name in FAMILIES for seed in range(4)),
    *map(json.dumps, (RESNET_50, RESNEXT_50, PLAIN, BASIC)),
]


@pytest.mark.parametrize("task", ["cifar10", "imagenet"])
@pytest.mark.parametrize("text", CONFIGURATIONS)
def test_parameters_by_an_independent_count(text, task):
    assert parameters(on_meta(text, task=task)) == count(text, task)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("task", ["cifar10", "imagenet"])
def test_forward_gives_logits_and_the_loss_has_gradients(name, task):
    archs = [drawn(name, seed) for seed in range(40)]
    arch = min(archs, key=lambda arch: count(str(arch), task))
    net = NDS.build(arch, task=task, num_classes=3, seed=0)
    assert net.training
    logits = net(torch.randn(2, 3, 32, 32))
    assert logits.shape == (2, 3)
    nn.functional.cross_entropy(logits, torch.tensor([0, 1])).backward()
    last = [p for p in net.parameters() if p.dim() == 2][-1]
    assert last.grad.any()
