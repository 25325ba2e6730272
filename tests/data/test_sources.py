"""What holds for every data source, and how one is opened."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gradalign.data import SOURCES, InputSpec, open_source
from gradalign.data._images import channel_moments, fit_image
from gradalign.errors import InputError, UnknownNameError

SPEC = InputSpec(num_classes=10)


@pytest.fixture(params=["digits", "noise", "npz"])
def any_source(request, tmp_path):
    if request.param != "npz":
        return open_source(request.param)
    images = np.random.default_rng(0).integers(0, 256, (60, 9, 7, 3), dtype=np.uint8)
    path = tmp_path / "own.npz"
    np.savez(path, images=images, labels=np.arange(60) % 10)
    return open_source(f"npz:{path}")


def test_the_registry_finds_every_source_and_each_describes_itself():
    assert set(SOURCES) >= {"cifar10", "digits", "folder", "noise", "npz"}
    for name, cls in SOURCES.items():
        assert cls.name == name
        assert cls.description
        assert cls.licence
        assert "\n" not in cls.description


@pytest.mark.parametrize("text", ["digits", "noise", "npz:a.npz", "cifar10:/x", "folder:C:/y"])
def test_a_source_is_written_as_it_was_asked_for(text):
    assert str(open_source(text)) == text


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("digit", "did you mean 'digits'"),
        ("", "unknown data source ''"),
        ("cifar:/x", "'cifar10'"),
        ("npz", "'npz' needs its FILE: write npz:FILE"),
        ("npz:", "'npz' needs its FILE"),
        ("cifar10", "'cifar10' needs its DIR"),
        ("folder", "'folder' needs its DIR"),
        ("digits:8", "'digits' takes no argument"),
        ("noise:3", "'noise' takes no argument"),
    ],
)
def test_a_wrong_name_or_argument_is_refused(text, message):
    with pytest.raises(InputError, match=message) as caught:
        open_source(text)
    assert "\n" not in str(caught.value)


def test_an_unknown_source_is_an_unknown_name():
    with pytest.raises(UnknownNameError):
        open_source("mnist")


def test_draws_have_the_promised_types_and_layout(any_source):
    batch = any_source.draw(12, 0, SPEC)
    assert batch.inputs.dtype == torch.float32
    assert batch.targets.dtype == torch.int64
    assert len(batch) == 12
    assert batch.inputs.is_contiguous()


def test_draws_are_balanced(any_source):
    counts = any_source.draw(25, 3, SPEC).targets.bincount(minlength=10)
    assert set(counts.tolist()) == {2, 3}


def test_a_seed_fixes_the_draw_and_another_changes_it(any_source):
    first, again, other = (any_source.draw(12, seed, SPEC) for seed in (5, 5, 6))
    assert torch.equal(first.inputs, again.inputs)
    assert torch.equal(first.targets, again.targets)
    assert not torch.equal(first.inputs, other.inputs)


def test_parts_are_slices_of_one_long_draw(any_source):
    whole = any_source.draw(30, 7, SPEC)
    for size in (5, 10):
        parts = [any_source.draw(size, 7, SPEC, part) for part in range(30 // size)]
        assert torch.equal(torch.cat([p.inputs for p in parts]), whole.inputs)
        assert torch.equal(torch.cat([p.targets for p in parts]), whole.targets)


def test_drawing_leaves_the_global_generator_alone(any_source):
    before = torch.random.get_rng_state()
    any_source.draw(4, 0, SPEC)
    assert torch.equal(torch.random.get_rng_state(), before)


def test_a_shape_is_filled(any_source):
    for shape in ((3, 12, 20), (1, 5, 5), (3, 1, 1)):
        spec = InputSpec(num_classes=10, shape=shape)
        assert any_source.draw(3, 0, spec).inputs.shape == (3, *shape)


@pytest.mark.parametrize(
    ("size", "seed", "part", "message"),
    [
        (0, 0, 0, "batch size 0: at least 1"),
        (-3, 0, 0, "batch size -3: at least 1"),
        (4, -1, 0, "seed -1: choose one from 0"),
        (4, 2**63, 0, "seed 9223372036854775808"),
        (4, 0, -1, "part -1: parts are counted from 0"),
    ],
)
def test_impossible_numbers_are_refused(any_source, size, seed, part, message):
    with pytest.raises(InputError, match=message):
        any_source.draw(size, seed, SPEC, part)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_classes": 0}, "0 classes: at least 1"),
        ({"num_classes": 2, "shape": (3, 0, 4)}, r"input shape \(3, 0, 4\)"),
        ({"num_classes": 2, "shape": ()}, r"input shape \(\)"),
        ({"num_classes": 2, "tokens": (0, 4)}, r"tokens \(0, 4\)"),
        ({"num_classes": 2, "tokens": (9, 4), "shape": (3, 4, 4)}, "not both"),
    ],
)
def test_impossible_inputs_are_refused(fields, message):
    with pytest.raises(InputError, match=message):
        InputSpec(**fields)


def test_moments_are_those_of_all_pixels_however_they_are_stacked():
    stack = np.random.default_rng(1).integers(0, 256, (7, 3, 5, 4), dtype=np.uint8)
    mean, deviation = channel_moments(stack[i : i + 2] for i in range(0, 7, 2))
    pixels = stack.transpose(1, 0, 2, 3).reshape(3, -1).astype(float)
    np.testing.assert_allclose(mean, pixels.mean(1), rtol=1e-6)
    np.testing.assert_allclose(deviation, pixels.std(1), rtol=1e-6)


def test_a_constant_channel_gets_deviation_one():
    # channel 0 is all 7, channel 1 is half 0, half 4: mean 2, deviation 2
    stack = np.array([[[[7]], [[0]]], [[[7]], [[4]]]], dtype=np.uint8)
    mean, deviation = channel_moments([stack])
    assert mean.tolist() == [7.0, 2.0]
    assert deviation.tolist() == [1.0, 2.0]


def test_halving_an_image_weighs_neighbours_by_the_tent():
    # 4 columns to 2, tent of half-width 2 about the centres 1 and 3: the pixels at .5, 1.5, 2.5 get
    # weights 3 : 3 : 1, so the left one is (3 * 0 + 3 * 7 + 1 * 14) / 7 = 5, and by symmetry the
    # right one (1 * 7 + 3 * 14 + 3 * 21) / 7 = 16; rows are equal, so their weights do not show
    image = torch.tensor([0.0, 7.0, 14.0, 21.0]).expand(1, 4, 4)
    expected = torch.tensor([[[5.0, 16.0], [5.0, 16.0]]])
    torch.testing.assert_close(fit_image(image, (1, 2, 2)), expected)


def test_channels_are_repeated_or_averaged_or_refused():
    grey = torch.tensor([[[1.0, 2.0]]])
    assert fit_image(grey, (3, 1, 2)).tolist() == [[[1.0, 2.0]]] * 3
    colour = torch.tensor([[[1.0]], [[2.0]], [[6.0]]])
    assert fit_image(colour, (1, 1, 1)).tolist() == [[[3.0]]]
    with pytest.raises(InputError, match="3 channels, the model takes 4"):
        fit_image(colour, (4, 1, 1))


@given(
    channels=st.sampled_from([1, 3]),
    size=st.tuples(st.integers(1, 12), st.integers(1, 12)),
    target=st.tuples(st.sampled_from([1, 3]), st.integers(1, 12), st.integers(1, 12)),
    value=st.floats(-5, 5, width=32),
)
def test_a_plain_image_stays_plain_in_every_size(channels, size, target, value):
    fitted = fit_image(torch.full((channels, *size), value), target)
    torch.testing.assert_close(fitted, torch.full(target, value))
