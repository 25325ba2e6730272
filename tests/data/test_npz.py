import os
import pickle
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gradalign.data import InputSpec, open_source
from gradalign.errors import InputError

SPEC = InputSpec(num_classes=10)
RANDOM = np.random.default_rng(0)
COLOUR = RANDOM.integers(0, 256, (20, 6, 5, 3), dtype=np.uint8)
LABELS = np.arange(20) % 10


class WritesAFile:
    """What a pickle can do on reading."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def saved(tmp_path):
    def save(**arrays):
        path = tmp_path / "own.npz"
        np.savez(path, **arrays)
        return open_source(f"npz:{path}")

    return save


def standardised(images):
    """By the definition, for uint8 [N, H, W, C]: to [0, 1], then by channel."""
    scaled = images.astype(np.float64) / 255
    scaled = (scaled - scaled.mean((0, 1, 2))) / scaled.std((0, 1, 2))
    return scaled.transpose(0, 3, 1, 2)


def all_samples(source, spec=SPEC):
    """Every sample in the order of the file: labels are distinct there."""
    batch = source.draw(len(source.labels), 0, spec)
    return batch.inputs[batch.targets.argsort()]


def test_colour_images_are_standardised_by_the_files_own_figures(saved):
    images = COLOUR[:10]
    inputs = all_samples(saved(images=images, labels=np.arange(10)))
    assert inputs.dtype == torch.float32
    np.testing.assert_allclose(inputs, standardised(images), atol=1e-5)


def test_grey_images_need_no_channel_axis(saved):
    source = saved(images=COLOUR[:10, ..., 0], labels=np.arange(10))
    assert source.shape == (1, 6, 5)
    np.testing.assert_allclose(all_samples(source), standardised(COLOUR[:10, ..., :1]), atol=1e-5)


@pytest.mark.parametrize("dtype", ["float16", "float32", ">f4", "float64"])
def test_float_images_are_taken_as_they_are(saved, dtype):
    images = RANDOM.normal(3, 2, (10, 2, 4, 4)).astype(dtype)
    inputs = all_samples(saved(images=images, labels=np.arange(10)))
    np.testing.assert_array_equal(inputs, images.astype(np.float32))


@pytest.mark.parametrize("dtype", ["uint8", "int16", ">i8", "uint64"])
def test_labels_may_be_any_integers(saved, dtype):
    source = saved(images=COLOUR, labels=LABELS.astype(dtype))
    assert source.num_classes == 10
    assert source.labels.tolist() == LABELS.tolist()


def test_further_arrays_are_ignored_even_pickled_ones(saved, tmp_path):
    trap = np.array([WritesAFile(tmp_path / "trap")], dtype=object)
    source = saved(images=COLOUR, labels=LABELS, names=np.array(["a"]), trap=trap)
    assert len(source.draw(4, 0, SPEC)) == 4
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize("where", ["images", "labels"])
def test_a_pickle_inside_is_never_read(saved, tmp_path, where):
    trap = np.array([WritesAFile(tmp_path / "trap")] * 20, dtype=object)
    source = saved(**{"images": COLOUR, "labels": LABELS, where: trap})
    with pytest.raises(InputError, match=f"array '{where}' .* holds Python objects"):
        source.draw(4, 0, SPEC)
    assert not (tmp_path / "trap").exists()
    # the trap is a real one: reading it does what the source must not do
    np.load(tmp_path / "own.npz", allow_pickle=True)[where]
    assert (tmp_path / "trap").exists()


def test_a_bare_pickle_is_never_read(tmp_path):
    path = tmp_path / "own.npz"
    path.write_bytes(pickle.dumps(WritesAFile(tmp_path / "trap")))
    with pytest.raises(InputError, match="is no npz file"):
        open_source(f"npz:{path}").draw(4, 0, SPEC)
    assert not (tmp_path / "trap").exists()


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"labels": LABELS}, "no array 'images': it needs images and labels"),
        ({"images": COLOUR}, "no array 'labels'"),
        ({"images": COLOUR.astype(np.int32), "labels": LABELS}, "of int32 .* must be uint8"),
        ({"images": COLOUR > 9, "labels": LABELS}, "of bool .* must be uint8"),
        ({"images": COLOUR.astype("U3"), "labels": LABELS}, "of <U3 .* must be uint8"),
        ({"images": COLOUR[:, :, 0, 0], "labels": LABELS}, r"uint8 images must be \[N,H,W\] or"),
        ({"images": COLOUR[..., None], "labels": LABELS}, r"uint8 images must be \[N,H,W\] or"),
        ({"images": COLOUR.transpose(0, 3, 1, 2), "labels": LABELS}, "channels last"),
        ({"images": COLOUR[:0], "labels": LABELS[:0]}, "there is no pixel"),
        ({"images": COLOUR[:, :0], "labels": LABELS}, "there is no pixel"),
        ({"images": np.uint8(3), "labels": LABELS}, r"images \[\] of uint8"),
        ({"images": COLOUR[..., 0] / 2, "labels": LABELS}, r"float images must be \[N,C,H,W\]"),
        ({"images": np.full((20, 1, 2, 2), np.nan), "labels": LABELS}, "NaN or infinite"),
        ({"images": np.full((20, 1, 2, 2), 1e300), "labels": LABELS}, "NaN or infinite"),
        ({"images": COLOUR, "labels": LABELS[:19]}, "20 images and 19 labels"),
        ({"images": COLOUR, "labels": LABELS[:, None]}, r"labels \[20, 1\] .* integers \[N\]"),
        ({"images": COLOUR, "labels": np.int64(3)}, r"labels \[\] .* integers \[N\]"),
        ({"images": COLOUR, "labels": LABELS[:0]}, r"labels \[0\] .* integers \[N\]"),
        ({"images": COLOUR, "labels": LABELS * 1.0}, "of float64 .* integers"),
        ({"images": COLOUR, "labels": LABELS + np.nan}, "of float64 .* integers"),
        ({"images": COLOUR, "labels": LABELS > 4}, "of bool .* integers"),
        ({"images": COLOUR, "labels": LABELS.astype(str)}, "integers"),
        ({"images": COLOUR, "labels": LABELS - 1}, "label -1 .* labels go from 0"),
        ({"images": COLOUR, "labels": LABELS.astype("u8") + 2**63}, "labels go from 0"),
    ],
)
def test_wrong_arrays_are_refused(saved, arrays, message):
    source = saved(**arrays)
    with pytest.raises(InputError, match=message) as caught:
        source.draw(4, 0, SPEC)
    assert "\n" not in str(caught.value)


def test_labels_beyond_the_models_outputs_are_refused(saved):
    with pytest.raises(InputError, match="have 10 classes, the model has 9 outputs"):
        saved(images=COLOUR, labels=LABELS).draw(4, 0, InputSpec(num_classes=9))


def test_channels_that_cannot_be_made_are_refused(saved):
    with pytest.raises(InputError, match="3 channels, the model takes 2"):
        saved(images=COLOUR, labels=LABELS).draw(4, 0, InputSpec(num_classes=10, shape=(2, 6, 5)))


def test_files_that_are_no_npz_are_refused(tmp_path):
    contents = {"empty": b"", "text": b"images, labels\n", "binary": bytes(range(256))}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    np.save(tmp_path / "single.npy", COLOUR)
    with zipfile.ZipFile(tmp_path / "zip", "w") as archive:
        archive.writestr("images.npy", "no array")
        archive.writestr("labels.npy", "no array")
    with zipfile.ZipFile(tmp_path / "nothing.zip", "w"):
        pass
    messages = {
        "empty": "is empty",
        "text": "is no npz file",
        "binary": "is no npz file",
        "single.npy": "is no npz file",
        "zip": "'images' in .* is no array",
        "nothing.zip": "no array 'images'",
        "missing.npz": "no file .*missing.npz': give the path of an npz file",
        ".": "no file",
        "x" * 5000: "no file",
        "nul\0": "no file",
    }
    for name, message in messages.items():
        with pytest.raises(InputError, match=message) as caught:
            open_source(f"npz:{tmp_path / name}").draw(4, 0, SPEC)
        assert "\n" not in str(caught.value)


def test_an_unknown_home_folder_is_a_missing_file():
    with pytest.raises(InputError, match=r"no file '~nobody-of-that-name/a\.npz'"):
        open_source("npz:~nobody-of-that-name/a.npz").draw(4, 0, SPEC)


def test_a_file_cut_anywhere_is_refused(saved, tmp_path):
    saved(images=COLOUR, labels=LABELS)
    content = (tmp_path / "own.npz").read_bytes()
    path = tmp_path / "cut.npz"
    for length in range(0, len(content), 97):
        path.write_bytes(content[:length])
        with pytest.raises(InputError, match=r"is empty|is no npz file, or is cut short"):
            open_source(f"npz:{path}").draw(4, 0, SPEC)


# np.load warns of headers that Python 2 might have written; what is drawn is right all the same
@pytest.mark.filterwarnings("ignore:Reading `.npy` or `.npz` file required additional header")
@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(place=st.floats(0, 1, exclude_max=True), value=st.integers(0, 255))
def test_a_changed_byte_is_found_or_harmless(tmp_path, place, value):
    path = tmp_path / "own.npz"
    np.savez_compressed(path, images=COLOUR[:4], labels=LABELS[:4])
    content = bytearray(path.read_bytes())
    content[int(place * len(content))] = value
    path.write_bytes(content)
    try:
        outcome = open_source(f"npz:{path}").draw(4, 0, SPEC).inputs.shape
    except InputError as error:
        outcome = str(error).count("\n")
    assert outcome in ((4, 3, 6, 5), 0)


@pytest.mark.data
def test_real_images():
    root = os.environ.get("GRADALIGN_DATA")
    if not root:
        pytest.skip("GRADALIGN_DATA is not set")
    source = open_source(f"npz:{Path(root) / 'cifar10_1000.npz'}")
    assert source.shape == (3, 32, 32)
    batch = source.draw(1000, 0, SPEC)
    assert batch.targets.bincount().tolist() == [100] * 10
    inputs = batch.inputs.double()
    torch.testing.assert_close(inputs.mean((0, 2, 3)), torch.zeros(3).double(), atol=1e-5, rtol=0)
    spread = inputs.std((0, 2, 3), correction=0)
    torch.testing.assert_close(spread, torch.ones(3).double(), atol=1e-5, rtol=0)
    assert source.draw(32, 0, InputSpec(num_classes=10, shape=(3, 16, 16))).inputs.shape[2] == 16
