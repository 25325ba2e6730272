"""What `--train` says, and in what parts samples are trained on."""

import pytest
import torch

from gradalign.data import InputSpec, open_source
from gradalign.errors import InputError
from gradalign.search.parts import part
from gradalign.search.recipe import RECIPE, parse_recipe
from gradalign.training import Recipe

SPEC = InputSpec(num_classes=10, shape=(1, 8, 8))


def test_any_subset_of_a_recipe():
    assert parse_recipe("") == RECIPE
    assert parse_recipe("epochs=12") == Recipe(epochs=12, batch_size=32, learning_rate=0.025)
    full = "epochs=3, learning_rate=1e-2, batch_size=16, momentum=0.5, weight_decay=0"
    short = "decay=0,batch=16,lr=0.01,epochs=3,momentum=0.5,"
    expected = Recipe(epochs=3, learning_rate=0.01, batch_size=16, momentum=0.5, weight_decay=0.0)
    assert parse_recipe(full) == parse_recipe(short) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("table", "'table' in 'table' says nothing about a training: write it as epochs=12"),
        ("epochs", "'epochs' in 'epochs' says nothing"),
        ("epoch=3", "'epoch=3' in 'epoch=3' says nothing"),
        ("lr=0.1,learning_rate=0.2", "names learning_rate twice"),
        ("epochs=2.5", "epochs='2.5' in 'epochs=2.5': a whole number is needed"),
        ("lr=fast", "lr='fast' in 'lr=fast': a number is needed"),
        ("epochs=0", "all three must be above 0"),
        ("lr=nan", "all three must be above 0"),
        ("momentum=1", "below 1"),
    ],
)
def test_no_recipe(text, told):
    with pytest.raises(InputError, match=told) as error:
        parse_recipe(text)
    assert "\n" not in str(error.value)


def rows(batch):
    return {tuple(image.flatten().tolist()) for image in batch.inputs}


def test_the_parts_of_the_digits():
    parts = part("digits", SPEC, seed=3)
    assert parts.sizes == {"training": 1079, "validation": 359, "test": 359}
    classes = torch.stack([each.targets.bincount() for each in vars(parts).values()])
    whole = open_source("digits").labels.bincount()
    assert torch.equal(classes.sum(0), whole)
    assert torch.equal(classes[1], (whole * 0.2).round().long())
    assert torch.equal(classes[1], classes[2])
    training, validation, test = (rows(each) for each in vars(parts).values())
    assert not training & test
    assert not training & validation
    assert not validation & test


def test_samples_that_scored_are_learned():
    parts = part("digits", SPEC, seed=3)
    scored = [open_source("digits").draw(64, 3, SPEC, number) for number in range(3)]
    assert set().union(*map(rows, scored)) <= rows(parts.training)


def test_the_seed_parts():
    one, again, other = (part("digits", SPEC, seed=seed).test for seed in (0, 0, 1))
    assert torch.equal(one.inputs, again.inputs)
    assert rows(one) != rows(other)


def write(tmp_path, counts):
    import numpy as np

    labels = np.repeat(np.arange(len(counts)), counts)
    images = np.arange(len(labels), dtype=np.float32)[:, None, None, None] * np.ones((1, 1, 2, 2))
    np.savez(tmp_path / "images.npz", images=images.astype(np.float32), labels=labels)
    return f"npz:{tmp_path / 'images.npz'}"


def test_each_class_is_parted_by_the_same_shares(tmp_path):
    parts = part(write(tmp_path, [50, 10, 3]), InputSpec(num_classes=3), seed=0)
    counts = [each.targets.bincount().tolist() for each in vars(parts).values()]
    assert counts == [[30, 6, 1], [10, 2, 1], [10, 2, 1]]


def test_data_that_cannot_be_parted(tmp_path):
    with pytest.raises(InputError, match="class 1 has 2 of the samples: 3 are needed"):
        part(write(tmp_path, [9, 2]), InputSpec(num_classes=2), seed=0)
    with pytest.raises(InputError, match="'noise' are drawn anew each time"):
        part("noise", SPEC, seed=0)
    with pytest.raises(InputError, match="10 classes, the model has 3 outputs"):
        part("digits", InputSpec(num_classes=3), seed=0)
