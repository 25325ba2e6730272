import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from gradalign.data import InputSpec, open_source
from gradalign.errors import InputError

NATIVE = InputSpec(num_classes=10, shape=(1, 8, 8))


def test_the_default_is_three_equal_channels_of_16_by_16():
    batch = open_source("digits").draw(32, 0, InputSpec(num_classes=10))
    assert batch.inputs.shape == (32, 3, 16, 16)
    assert torch.equal(batch.inputs[:, 0], batch.inputs[:, 1])
    assert torch.equal(batch.inputs[:, 0], batch.inputs[:, 2])


def test_facts_of_the_data():
    source = open_source("digits")
    assert source.num_classes == 10
    assert source.shape == (1, 8, 8)
    assert len(source.labels) == 1797


def test_all_digits_together_are_standardised():
    inputs = open_source("digits").draw(1797, 0, NATIVE).inputs.double()
    assert abs(float(inputs.mean())) < 1e-6
    assert float(inputs.std(correction=0)) == pytest.approx(1.0, abs=1e-6)


def test_each_image_comes_with_its_own_label():
    data = load_digits()
    pixels = (data.images - data.images.mean()) / data.images.std()
    known = {image.astype(np.float32).round(4).tobytes(): label
             for image, label in zip(pixels, data.target, strict=True)}  # fmt: skip
    batch = open_source("digits").draw(200, 3, NATIVE)
    found = [known[image.numpy().round(4).tobytes()] for image in batch.inputs]
    assert found == batch.targets.tolist()


def test_the_parts_of_one_seed_share_no_image():
    source = open_source("digits")
    parts = [source.draw(64, 0, NATIVE, part).inputs for part in range(4)]
    images = torch.cat(parts).flatten(1)
    stored = torch.cat([source.image(i)[None] for i in range(1797)]).flatten(1)
    # some digits are stored twice, so distinct images are counted among those drawn
    assert len(stored.unique(dim=0)) > 1790
    assert len(images.unique(dim=0)) >= 256 - (1797 - len(stored.unique(dim=0)))


def test_fewer_outputs_than_classes_are_refused():
    with pytest.raises(InputError, match="10 classes, the model has 7 outputs"):
        open_source("digits").draw(8, 0, InputSpec(num_classes=7))


def test_more_outputs_than_classes_are_fine():
    batch = open_source("digits").draw(20, 0, InputSpec(num_classes=100))
    assert int(batch.targets.max()) == 9


@pytest.mark.parametrize(("size", "part"), [(1798, 0), (900, 1), (2, 898)])
def test_too_few_digits_are_refused(size, part):
    with pytest.raises(InputError, match=f"hold 1797 samples: not enough for {part + 1} x {size}"):
        open_source("digits").draw(size, 0, NATIVE, part)


def test_the_last_full_part_is_given():
    assert len(open_source("digits").draw(599, 0, NATIVE, 2)) == 599


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (InputSpec(num_classes=10, tokens=(50, 8)), "images, the model takes token ids: use noise"),
        (InputSpec(num_classes=10, shape=(64,)), r"inputs of shape \(64,\): use noise"),
    ],
)
def test_inputs_that_are_no_images_are_refused(spec, message):
    with pytest.raises(InputError, match=message):
        open_source("digits").draw(8, 0, spec)


def test_each_object_loads_once_and_keeps_its_own():
    first, second = open_source("digits"), open_source("digits")
    assert first.labels is first.labels
    assert first.labels is not second.labels
