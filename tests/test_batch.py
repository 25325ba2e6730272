from collections import Counter
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from gradalign.batch import Batch, as_batch, class_balanced, map_tensors
from gradalign.errors import InputError

X = torch.arange(12.0).reshape(4, 3)
Y = torch.tensor([0, 1, 0, 1])

label_lists = st.lists(st.integers(0, 6), min_size=1, max_size=60)


@pytest.mark.parametrize(
    "inputs", [X, (X, X.int()), {"a": X, "b": Y}, [X, {"mask": (Y, None)}, "a flag", 3]]
)
def test_the_length_is_the_number_of_samples(inputs):
    assert len(Batch(inputs, Y)) == 4


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        ("text", Y, "holds no tensor"),
        ({}, None, "holds no tensor"),
        (X.numpy(), Y, "holds no tensor"),
        (X, Y[:3], "number of samples on axis 0: 3 and 4"),
        ((X, X[:2]), Y, "number of samples on axis 0: 2 and 4"),
        (X, torch.tensor(1), "a scalar and 4"),
        (torch.tensor(1.0), None, "a scalar"),
        (X[:0], Y[:0], "is empty: at least one sample"),
        (X[:0], None, "is empty: at least one sample"),
        (X / 0, Y, "the inputs hold NaN or infinite"),
        ((X, {"deep": X * float("nan")}), Y, "the inputs hold NaN or infinite"),
        (X, X[:, 0] * float("nan"), "the targets hold NaN or infinite"),
        (X.half() / 0, Y, "the inputs hold NaN or infinite"),
    ],
)
def test_what_is_no_batch_is_refused(inputs, targets, message):
    with pytest.raises(InputError, match=message) as caught:
        Batch(inputs, targets)
    assert "\n" not in str(caught.value)


def test_a_batch_is_immutable():
    batch = Batch(X, Y)
    with pytest.raises(AttributeError):
        batch.inputs = Y


def test_an_index_takes_samples_of_every_tensor():
    batch = Batch({"x": X, "pair": (X + 1, "kept")}, Y)
    some = batch[torch.tensor([2, 0])]
    assert torch.equal(some.inputs["x"], X[[2, 0]])
    assert torch.equal(some.inputs["pair"][0], X[[2, 0]] + 1)
    assert some.inputs["pair"][1] == "kept"
    assert torch.equal(some.targets, Y[[2, 0]])
    assert len(batch[1:]) == 3


def test_the_type_is_changed_of_floats_only():
    batch = Batch((X, Y), X[:, 0]).to("cpu", torch.float64)
    assert batch.inputs[0].dtype == torch.float64
    assert batch.inputs[1].dtype == torch.int64
    assert batch.targets.dtype == torch.float64
    assert Batch(X.half(), Y).to("cpu").inputs.dtype == torch.float16


def test_mapping_keeps_the_nesting():
    tree = {"a": (X, [Y, None]), "b": 5}
    doubled = map_tensors(lambda tensor: tensor * 2, tree)
    assert torch.equal(doubled["a"][0], X * 2)
    assert torch.equal(doubled["a"][1][0], Y * 2)
    assert isinstance(doubled["a"], tuple)
    assert isinstance(doubled["a"][1], list)
    assert doubled["a"][1][1] is None
    assert doubled["b"] == 5
    assert torch.equal(tree["a"][0], X)  # the original is left alone


def test_a_mapping_of_ones_own_will_do():
    class Encoding(Mapping[str, Tensor]):
        def __getitem__(self, key):
            return {"ids": Y}[key]

        def __iter__(self):
            return iter(["ids"])

        def __len__(self):
            return 1

    assert len(Batch(Encoding())) == 4


def test_the_content_is_that_of_the_values():
    content = Batch(X, Y).content
    assert len(content) == 12
    assert int(content, 16) >= 0
    assert Batch(X.clone(), Y.clone()).content == content
    assert Batch(X.T.contiguous().T, Y).content == content  # layout is not content
    changed = X.clone()
    changed[3, 2] += 1e-5
    others = [
        Batch(changed, Y),
        Batch(X, Y.flip(0)),
        Batch(X.double(), Y),
        Batch(X, Y.int()),
        Batch(X.reshape(4, 1, 3), Y),
        Batch(X),
    ]
    assert len({content, *(batch.content for batch in others)}) == 7


@pytest.mark.parametrize("dtype", [torch.bool, torch.uint8, torch.bfloat16, torch.float64])
def test_every_type_has_a_content(dtype):
    assert len(Batch(X.to(dtype).requires_grad_(dtype.is_floating_point)).content) == 12


def test_a_pair_or_a_batch_is_a_batch():
    batch = Batch(X, Y)
    assert as_batch(batch) is batch
    for pair in ((X, Y), [X, Y]):
        assert torch.equal(as_batch(pair).inputs, X)
        assert torch.equal(as_batch(pair).targets, Y)
    for wrong in (X, (X,), (X, Y, Y), None, np.zeros(3)):
        with pytest.raises(InputError, match="a batch is a pair"):
            as_batch(wrong)


@given(labels=label_lists, seed=st.integers(0, 2**31), data=st.data())
def test_a_draw_is_balanced_as_far_as_the_classes_reach(labels, seed, data):
    size = data.draw(st.integers(1, len(labels)))
    drawn = class_balanced(torch.tensor(labels), size, seed)
    assert len({*drawn.tolist()}) == size  # without replacement
    counts = Counter(labels[index] for index in drawn)
    # no class may lag behind another by more than one, unless it has run out
    for label, available in Counter(labels).items():
        assert counts[label] == available or counts[label] >= max(counts.values()) - 1


@given(labels=label_lists, seed=st.integers(0, 2**31), data=st.data())
def test_a_longer_draw_begins_with_the_shorter_one(labels, seed, data):
    size = data.draw(st.integers(1, len(labels)))
    whole = class_balanced(torch.tensor(labels), len(labels), seed)
    assert torch.equal(class_balanced(torch.tensor(labels), size, seed), whole[:size])
    assert sorted(whole.tolist()) == [*range(len(labels))]


def test_slices_of_a_long_draw_are_disjoint_and_balanced():
    labels = torch.arange(40) % 4
    draw = class_balanced(labels, 40, seed=3)
    parts = draw.split(8)
    assert len({*draw.tolist()}) == 40
    assert all(labels[part].bincount().tolist() == [2, 2, 2, 2] for part in parts)


def test_the_seed_draws_both_the_classes_and_the_samples():
    labels = torch.arange(60) % 6
    draws = [class_balanced(labels, 6, seed) for seed in range(30)]
    assert torch.equal(draws[4], class_balanced(labels, 6, seed=4))
    assert len({tuple(labels[draw].tolist()) for draw in draws}) > 20
    of_class_two = {int(draw[labels[draw] == 2]) for draw in draws}
    assert len(of_class_two) > 5


def test_every_sample_is_as_likely_as_its_classmates():
    labels = torch.tensor([0] * 4 + [1] * 2)
    counts = Counter()
    for seed in range(400):
        counts.update(class_balanced(labels, 2, seed).tolist())
    # a class gives one of the two samples: 100 a head in class 0, 200 in class 1, sd 8.7 and 10
    assert all(abs(counts[index] - 100) < 45 for index in range(4))
    assert all(abs(counts[index] - 200) < 50 for index in (4, 5))


def test_the_global_generator_is_left_alone():
    before = torch.random.get_rng_state()
    class_balanced(Y, 2, seed=0)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_more_samples_than_there_are_cannot_be_drawn():
    with pytest.raises(InputError, match="batch size 5: the data hold 4 samples only"):
        class_balanced(Y, 5, seed=0)
