import collections
import itertools
import json
import random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from gradalign.errors import InputError
from gradalign.spaces import get_space
from gradalign.spaces._autoformer_network import Attention, RelativePosition
from gradalign.spaces.autoformer import AUTOFORMER, EXAMPLE, Architecture

SUPERNETS = [
    ((192, 216, 240), (12, 13, 14), (3, 4)),
    ((320, 384, 448), (12, 13, 14), (5, 6, 7)),
    ((528, 576, 624), (14, 15, 16), (8, 9, 10)),
]
RELEASED = {  # the retrained networks of the published code
    "T": (192, [3.5, 3.5, 3, 3.5, 3, 3, 4, 4, 3.5, 4, 3.5, 4, 3.5],
          [3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 3, 3]),
    "S": (384, [3, 3.5, 3, 3.5, 4, 4, 4, 4, 4, 4, 4, 3.5, 4],
          [6, 6, 5, 7, 5, 5, 5, 6, 6, 7, 7, 6, 7]),
    "B": (576, [3.5, 3.5, 4, 3.5, 4, 3.5, 3.5, 3, 4, 4, 3, 4, 3, 3.5],
          [9, 9, 9, 9, 9, 10, 9, 9, 10, 9, 10, 9, 9, 10]),
}  # fmt: skip
PLAIN = (192, [4] * 12, [3] * 12)


def spell(width: object, ratios: object, heads: list[object], depth: object = None) -> str:
    depth = len(heads) if depth is None else depth
    return json.dumps(
        {"hidden_dim": width, "mlp_ratio": ratios, "depth": depth, "num_heads": heads}
    )


def on_meta(arch: Architecture | str, **options: object) -> nn.Module:
    with torch.device("meta"):
        return AUTOFORMER.build(arch, **options)


def small(arch: str = EXAMPLE, **options: object) -> nn.Module:
    return get_space("autoformer").build(
        arch, num_classes=5, seed=0, **{"input_size": (3, 32, 32), **options}
    )


def parameters(net: nn.Module) -> int:
    return sum(p.numel() for p in net.parameters())


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    widths, depths, heads = draw(st.sampled_from(SUPERNETS))
    depth = draw(st.sampled_from(depths))
    block = st.tuples(st.sampled_from(heads), st.sampled_from([3.0, 3.5, 4.0]))
    blocks = draw(st.lists(block, min_size=depth, max_size=depth))
    return Architecture(draw(st.sampled_from(widths)), tuple(blocks))


# Spelling


@given(architectures(), st.integers(0, 3))
def test_format_and_parse_are_inverse(arch, more):
    text = AUTOFORMER.format(arch)
    assert AUTOFORMER.parse(text) == arch
    assert text == str(arch) == AUTOFORMER.canonical(arch)
    heads, ratios = ([*part] for part in zip(*arch.blocks, strict=True))
    longer = spell(arch.width, ratios + [9] * more, heads + [None] * more, len(heads))
    assert AUTOFORMER.parse(longer) == arch


def test_whole_ratios_are_the_same_as_decimal_ones():
    by_hand = Architecture(192, ((3, 4),) * 12)
    assert by_hand == AUTOFORMER.parse(spell(*PLAIN))
    assert str(by_hand) == spell(192, [4.0] * 12, [3] * 12)


@given(st.text() | st.text(alphabet='{}[],:"dhimnp_ 0123.', max_size=60))
def test_any_text_is_an_architecture_or_an_input_error(text):
    with pytest.raises(InputError) as error:
        AUTOFORMER.parse(text)
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "it is no JSON"),
        ("[" * 100_000, "it is no JSON"),
        ("[192]", "it must be an object with the keys hidden_dim, mlp_ratio, depth, num_heads"),
        ('{"hidden_dim": 192}', "it must be an object with the keys"),
        (spell(193, [4] * 12, [3] * 12), "hidden_dim is '193': choose from 192, 216, 240, 320"),
        (spell(192.0, [4] * 12, [3] * 12), "hidden_dim is '192.0'"),
        (spell([], [4] * 12, [3] * 12), "hidden_dim is '[]'"),
        (spell(192, [4] * 12, [3] * 12, 0), "depth is '0': a whole number of at least 1"),
        (spell(192, [4] * 12, [3] * 12, True), "depth is 'true': a whole number"),
        (spell(192, [4] * 12, [3] * 12, "12"), "depth is '\"12\"': a whole number"),
        (spell(192, [4] * 11, [3] * 11), "depth is '11': choose from 12, 13, 14"),
        (spell(576, [4] * 13, [9] * 13), "depth is '13': choose from 14, 15, 16"),
        (spell(192, [4] * 12, [3] * 12, 13), "mlp_ratio must be a list of at least 13 values"),
        (spell(192, [4] * 14, [3] * 12, 13), "num_heads must be a list of at least 13 values"),
        (spell(192, 4, [3] * 12), "mlp_ratio must be a list of at least 12 values"),
        (spell(192, [4] * 11 + [2], [3] * 12), "mlp_ratio of block 11 is '2': choose from 3.0"),
        (spell(192, [4] * 12, [5] * 12), "num_heads of block 0 is '5': choose from 3, 4"),
        (spell(384, [4] * 12, [True] * 12), "num_heads of block 0 is 'true': choose from 5"),
        (spell(192, [4] * 12, ["x" * 9_999] * 12), "num_heads of block 0 is '\"xxx"),
    ],
)
def test_a_malformed_spelling_gives_one_clear_line(text, fault):
    with pytest.raises(InputError) as error:
        AUTOFORMER.parse(text)
    message = str(error.value)
    assert fault in message
    assert EXAMPLE in message
    assert "\n" not in message
    assert len(message) < 700


# The set


def test_enumerate_is_lazy_and_gives_the_tiny_networks():
    assert AUTOFORMER.size == 3 * (4**12 + 4**13 + 4**14) == 1_056_964_608
    first = list(itertools.islice(AUTOFORMER.enumerate(), 2_000))
    assert len(set(first)) == 2_000
    assert str(first[0]) == spell(192, [3.5] * 12, [3] * 12)
    assert str(first[1]) == spell(192, [3.5] * 11 + [4.0], [3] * 12)
    assert str(first[2]) == spell(192, [3.5] * 12, [3] * 11 + [4])


def test_sampling_is_seeded_and_uniform():
    def draw(seed: int) -> list[Architecture]:
        rng = random.Random(seed)
        return [AUTOFORMER.sample(rng) for _ in range(4_200)]

    drawn = draw(0)
    assert drawn == draw(0) != draw(1)
    assert {block for arch in drawn for block in arch.blocks} == {
        (3, 3.5), (3, 4.0), (4, 3.5), (4, 4.0)
    }  # fmt: skip
    # one network in 21 has 12 blocks, four have 13, sixteen have 14; three widths of each
    counts = collections.Counter((arch.width, len(arch.blocks)) for arch in drawn)
    expected = {(w, 12 + d): 4_200 * 4**d / 63 for w in (192, 216, 240) for d in range(3)}
    assert sum((counts[k] - n) ** 2 / n for k, n in expected.items()) < 32  # 8 freedoms: p = 1e-4
    pairs = collections.Counter((arch.blocks[0], arch.blocks[11]) for arch in drawn)
    uniform = 4_200 / 16
    assert sum((n - uniform) ** 2 / uniform for n in pairs.values()) < 44  # 15 freedoms: p = 1e-4


def changes(one: Architecture, other: Architecture) -> int:
    """Values that differ where both have blocks, and blocks that only one has."""
    longest = max(len(one.blocks), len(other.blocks))
    pairs = zip(one.blocks, other.blocks, strict=False)
    within = sum((a != b) + (x != y) for (a, x), (b, y) in pairs)
    return (one.width != other.width) + within + longest - min(len(one.blocks), len(other.blocks))


@settings(max_examples=30)
@given(architectures(), st.integers())
def test_neighbours_and_mutations_are_one_change_away(arch, seed):
    neighbours = AUTOFORMER.neighbours(arch)
    assert len(neighbours) == len(set(neighbours))
    assert all(changes(arch, other) == 1 for other in neighbours)
    assert all(other.supernet is arch.supernet for other in neighbours)
    assert AUTOFORMER.mutate(arch, random.Random(seed)) in neighbours


@pytest.mark.parametrize(
    ("arch", "number"),
    [  # widths, heads, ratios, one block less, one block more
        (Architecture(192, ((3, 4.0),) * 12), 2 + 12 * (1 + 1) + 0 + 4),
        (Architecture(216, ((4, 3.5),) * 13), 2 + 13 * (1 + 1) + 1 + 4),
        (Architecture(192, ((3, 3.0),) * 14), 2 + 14 * (1 + 2) + 1 + 0),
        (Architecture(384, ((6, 3.0),) * 13), 2 + 13 * (2 + 2) + 1 + 9),
        (Architecture(624, ((8, 4.0),) * 16), 2 + 16 * (2 + 2) + 1 + 0),
    ],
)
def test_neighbours_are_as_many_as_there_are_changes(arch, number):
    neighbours = AUTOFORMER.neighbours(arch)
    assert len(neighbours) == number
    inside = [n for n in neighbours if all(ratio != 3.0 for _, ratio in n.blocks)]
    assert all(arch in AUTOFORMER.neighbours(other) for other in inside)


def test_suggestions_bear_the_names_of_the_spelling():
    optuna = pytest.importorskip("optuna")
    blocks = {f"num_heads{b}": 3 for b in range(13)} | {f"mlp_ratio{b}": 3.5 for b in range(13)}
    given_values = blocks | {"hidden_dim": 216, "depth": 13, "num_heads1": 4, "mlp_ratio2": 4.0}
    arch = AUTOFORMER.suggest(optuna.trial.FixedTrial(given_values))
    assert str(arch) == spell(216, [3.5] * 2 + [4.0] + [3.5] * 10, [3, 4] + [3] * 11)


# Networks


def naive_parameters(arch: Architecture, patches: int, patch_size: int, classes: int) -> int:
    """Parameters, counted from the published description."""

    def linear(c_in: int, c_out: int) -> int:
        return c_in * c_out + c_out

    width = arch.width
    total = linear(3 * patch_size**2, width) + width * (1 + patches + 1)
    for heads, ratio in arch.blocks:
        inner = 64 * heads
        tables = 2 * 2 * (2 * 14 + 2) * 64
        total += 2 * width + linear(width, 3 * inner) + tables + linear(inner, width)
        total += 2 * width + linear(width, int(ratio * width)) + linear(int(ratio * width), width)
    return total + 2 * width + linear(width, classes)


@pytest.mark.parametrize(
    ("name", "number", "published_millions"),
    # the paper gives 5.7 M for T, which its released configuration does not have
    [("T", 5_867_944, 5.9), ("S", 22_891_432, 22.9), ("B", 53_691_688, 53.7)],
)
def test_released_networks_have_the_published_parameters(name, number, published_millions):
    net = on_meta(spell(*RELEASED[name]))
    assert parameters(net) == number
    assert round(number / 1e6, 1) == published_millions
    assert number == naive_parameters(AUTOFORMER.parse(spell(*RELEASED[name])), 196, 16, 1000)


@settings(max_examples=10, deadline=None)
@given(architectures(), st.sampled_from([4, 8, 16]))
def test_parameters_by_hand(arch, patch_size):
    net = on_meta(arch, input_size=(3, 32, 48), patch_size=patch_size, num_classes=7)
    patches = 32 * 48 // patch_size**2
    assert parameters(net) == naive_parameters(arch, patches, patch_size, 7)


@pytest.mark.parametrize(("size", "patch_size"), [((32, 32), 16), ((32, 48), 16), ((8, 8), 2)])
def test_forward_gives_logits_and_every_weight_has_a_gradient(size, patch_size):
    net = small(input_size=(3, *size), patch_size=patch_size)
    assert net.training
    out = net(torch.randn(2, 3, *size))
    assert out.shape == (2, 5)
    out.logsumexp(1).sum().backward()
    assert [name for name, p in net.named_parameters() if p.grad is None] == []


@pytest.mark.parametrize(
    ("input_size", "patch_size", "fault"),
    [
        ((3, 30, 32), 16, "multiples of patch_size 16"),
        ((3, 8, 8), 16, "multiples of patch_size 16"),
        ((3, 32), 16, "channels, height and width are needed"),
    ],
)
def test_images_that_do_not_fall_into_patches_are_refused(input_size, patch_size, fault):
    with pytest.raises(InputError, match=fault) as error:
        small(input_size=input_size, patch_size=patch_size)
    assert "\n" not in str(error.value)


def test_relative_positions_tell_rows_from_columns():
    table = RelativePosition((2, 20)).double()
    found = table()
    down, right = table.embeddings_table_v, table.embeddings_table_h
    assert found.shape == (41, 41, 64)
    places = list(itertools.product(range(2), range(20)))
    for (i, (r, c)), (j, (s, d)) in itertools.product(enumerate(places), repeat=2):
        across = max(-14, min(14, d - c))  # farther ones are not told apart
        expected = down[s - r + 15] + right[across + 15]
        assert torch.equal(found[1 + i, 1 + j], expected)
    assert torch.equal(found[0], (down[0] + right[0]).expand(41, 64))  # from the class token
    assert torch.equal(found[:, 0], found[0])  # and to it


def test_attention_computes_the_published_function():
    attention = Attention(10, 2, (1, 3)).double()
    x = torch.randn(2, 4, 10, dtype=torch.float64)
    q, k, v = attention.qkv(x).chunk(3, 2)
    keys, values = attention.rel_pos_embed_k(), attention.rel_pos_embed_v()
    out = torch.empty(2, 4, 128, dtype=torch.float64)
    for n, head, i in itertools.product(range(2), range(2), range(4)):
        part = slice(64 * head, 64 * head + 64)
        scores = torch.stack([q[n, i, part] @ (k[n, j, part] + keys[i, j]) for j in range(4)])
        weights = (scores / 8).softmax(0)
        out[n, i, part] = sum(weights[j] * (v[n, j, part] + values[i, j]) for j in range(4))
    torch.testing.assert_close(attention(x), attention.proj(out), rtol=1e-12, atol=1e-12)


def test_the_mean_of_the_patches_is_classified():
    net = small().double()
    tokens = torch.randn(2, 5, 192, dtype=torch.float64)
    net.blocks = nn.ModuleList([nn.Identity()])
    net.cls_token.data += 100  # the class token is left out
    net.norm.register_forward_hook(lambda *_: tokens)
    x = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    expected = net.head((tokens[:, 1] + tokens[:, 2] + tokens[:, 3] + tokens[:, 4]) / 4)
    torch.testing.assert_close(net(x), expected, rtol=1e-12, atol=1e-12)


def test_patches_become_tokens_row_by_row():
    net = small(input_size=(3, 32, 48)).double()
    seen = []
    net.blocks[0].register_forward_pre_hook(lambda _, args: seen.append(args[0]))
    x = torch.randn(1, 3, 32, 48, dtype=torch.float64)
    net(x)
    projection = net.patch_embed_super.proj
    patch = x[0, :, 16:32, 32:48].flatten()  # the last one
    expected = projection.weight.flatten(1) @ patch + projection.bias + net.pos_embed[0, 6]
    torch.testing.assert_close(seen[0][0, 6], expected, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(seen[0][0, 0], (net.cls_token + net.pos_embed[:, :1])[0, 0])


def test_weights_start_as_published():
    net = small()
    block = net.blocks[0]
    for weight in (block.attn.qkv.weight, block.fc1.weight, net.pos_embed, net.head.weight,
                   block.attn.rel_pos_embed_k.embeddings_table_v):  # fmt: skip
        assert float(weight.detach().std()) == pytest.approx(0.02, rel=0.1)
    linear = [m for m in net.modules() if isinstance(m, nn.Linear)]
    assert len(linear) == 12 * 4 + 1
    assert not any(m.bias.any() for m in linear)
    assert all(a.equal(b) for a, b in zip(net.parameters(), small().parameters(), strict=True))


def test_the_only_option_is_the_patch_size():
    with pytest.raises(InputError, match="no option 'depth': it has patch_size"):
        AUTOFORMER.build(EXAMPLE, depth=4)
    with pytest.raises(InputError, match="patch_size is '0'"):
        AUTOFORMER.build(EXAMPLE, patch_size=0)
