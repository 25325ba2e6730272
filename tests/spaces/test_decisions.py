"""What suggestions make an architecture, held against Optuna's own trials."""

import json
import random

import pytest
from optuna.trial import FixedTrial

from gradalign.errors import InputError
from gradalign.spaces import SPACES, get_space


@pytest.fixture(params=sorted(SPACES))
def space(request):
    return get_space(request.param)


def test_a_trial_with_them_suggests_the_architecture(space):
    rng = random.Random(5)
    for _ in range(10):
        arch = space.sample(rng)
        made = space.suggest(FixedTrial(space.decisions(arch)))
        assert made == arch or space.name == "nb101"
        assert space.network_key(made) == space.network_key(arch)


def test_a_neighbour_differs_in_few_of_them(space):
    arch = space.sample(random.Random(6))
    before = space.decisions(arch)
    for other in space.neighbours(arch)[:20]:
        after = space.decisions(other)
        changed = [name for name in before.keys() & after.keys() if before[name] != after[name]]
        # a module more or less moves all that come after it, a source the edges of its node
        assert len(changed) <= (12 if space.name == "transnas_macro" else 3)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        (
            "autoformer",
            json.dumps(
                {"hidden_dim": 320, "mlp_ratio": [4] * 12, "depth": 12, "num_heads": [5] * 12}
            ),
            "'hidden_dim' is 320, which is none of 192, 216, 240",
        ),
        (
            "autoformer",
            json.dumps(
                {"hidden_dim": 192, "mlp_ratio": [3] * 12, "depth": 12, "num_heads": [3] * 12}
            ),
            "'mlp_ratio0' is 3",
        ),
        (
            "nds",
            '{"block_type": "vanilla_block", "ds": [1, 1, 1], "ws": [16, 16, 16], "ss": [1, 2, 2]}',
            "nothing is said of 'space'",
        ),
        (
            "nds",
            '{"space": "Vanilla", "block_type": "vanilla_block", "ds": [1, 1, 1], '
            '"ws": [16, 16, 16], "ss": [1, 2, 1]}',
            "they come to another network",
        ),
    ],
)
def test_an_architecture_that_no_suggestions_make_is_refused(name, text, message):
    space = get_space(name)
    with pytest.raises(InputError, match=f"no suggestions make the {name} .*{message}") as caught:
        space.decisions(space.parse(text))
    assert "\n" not in str(caught.value)


def test_unordered_sources_and_none_are_outside_of_what_darts_suggests():
    space = get_space("darts")
    arch = space.sample(random.Random(0))
    first, second = arch.normal.pairs[0]
    turned = type(arch)(arch.normal.with_node(2, (second, first)), arch.reduce)
    none = type(arch)(arch.normal.with_node(2, (("none", 0), second)), arch.reduce)
    for other in (turned, none):
        with pytest.raises(InputError, match="no suggestions make the darts"):
            space.decisions(other)


def test_a_module_of_many_vertices_loses_those_on_no_path():
    space = get_space("nb101")
    ends = ("input", *["conv3x3-bn-relu"] * 7, "output")
    matrix = [[0] * 9 for _ in range(9)]
    matrix[0][7] = matrix[7][8] = 1
    arch = space.parse(json.dumps({"matrix": matrix, "ops": ends}))
    made = space.suggest(FixedTrial(space.decisions(arch)))
    assert len(made.ops) == 7
    assert space.canonical(made) == space.canonical(arch)
    assert [p.shape for p in space.build(made).parameters()] == [
        p.shape for p in space.build(arch).parameters()
    ]
