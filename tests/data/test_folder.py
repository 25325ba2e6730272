import sys

import numpy as np
import pytest
import torch

from gradalign.data import InputSpec, open_source
from gradalign.errors import InputError

SPEC = InputSpec(num_classes=3)
COLOURS = {"ant": (200, 10, 30), "bee": (0, 120, 90), "cat": (60, 60, 255)}


@pytest.fixture
def image_module():
    return pytest.importorskip("PIL.Image", reason="Pillow is not installed")


@pytest.fixture
def root(tmp_path, image_module):
    """Three classes of four plain 6x4 images, made in an order that is not sorted."""
    for name in ("cat", "ant", "bee"):
        (tmp_path / name).mkdir()
        for index in range(4):
            pixels = np.full((6, 4, 3), COLOURS[name], dtype=np.uint8)
            image_module.fromarray(pixels).save(tmp_path / name / f"{index}.png")
    return tmp_path


def test_classes_are_the_sub_folders_in_sorted_order(root):
    source = open_source(f"folder:{root}")
    assert source.num_classes == 3
    assert source.labels.tolist() == [0] * 4 + [1] * 4 + [2] * 4
    assert source.shape == (3, 6, 4)


def test_images_are_standardised_by_the_folders_own_figures(root):
    batch = open_source(f"folder:{root}").draw(6, 0, SPEC)
    assert batch.inputs.shape == (6, 3, 6, 4)
    assert batch.inputs.dtype == torch.float32
    colours = np.array([*COLOURS.values()], dtype=float)  # [3 classes, 3 channels], equally many
    expected = (colours - colours.mean(0)) / colours.std(0)
    for image, label in zip(batch.inputs, batch.targets, strict=True):
        np.testing.assert_allclose(image[:, 2, 1], expected[label], atol=1e-5)
        assert torch.equal(image, image[:, :1, :1].expand(3, 6, 4))


def test_hidden_and_other_files_are_passed_over(root):
    (root / ".cache").mkdir()
    (root / "readme.txt").write_text("not a class")
    (root / "ant" / ".0.png").write_text("not an image")
    (root / "ant" / "notes.txt").write_text("not an image")
    assert len(open_source(f"folder:{root}").labels) == 12


def test_sizes_may_differ_and_jpeg_and_capitals_will_do(root, image_module):
    for suffix in ("JPG", "jpeg"):
        image_module.new("RGB", (17, 9), COLOURS["bee"]).save(root / "bee" / f"x.{suffix}", "JPEG")
    source = open_source(f"folder:{root}")
    assert len(source.labels) == 14
    assert source.draw(14, 0, SPEC).inputs.shape == (14, 3, 6, 4)
    spec = InputSpec(num_classes=3, shape=(1, 8, 8))
    assert source.draw(3, 0, spec).inputs.shape == (3, 1, 8, 8)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK"])
def test_every_8_bit_kind_becomes_rgb(root, image_module, mode):
    suffix = "jpg" if mode == "CMYK" else "png"
    image = image_module.new("RGB", (4, 6), (255, 255, 255)).convert(mode)
    image.save(root / "ant" / f"white.{suffix}")
    source = open_source(f"folder:{root}")
    white = source.image(4)  # the last of the ants
    brightest = (255 - source._moments[0]) / source._moments[1]
    torch.testing.assert_close(white, brightest[:, None, None].expand(3, 6, 4), atol=0.05, rtol=0)


def test_16_bit_images_are_refused(root, image_module):
    image_module.fromarray(np.full((6, 4), 40000, dtype=np.uint16)).save(root / "bee" / "deep.png")
    with pytest.raises(InputError, match=r"deep\.png' has pixels of kind 'I;16'"):
        open_source(f"folder:{root}").draw(3, 0, SPEC)


@pytest.mark.parametrize("content", [b"", b"no image", "cut short", b"GIF89a" + bytes(30)])
def test_an_unreadable_image_is_named(root, image_module, content):
    if content == "cut short":
        content = (root / "cat" / "1.png").read_bytes()[:50]
    (root / "cat" / "1.png").write_bytes(content)
    with pytest.raises(InputError, match=r"the image .*1\.png' cannot be read") as caught:
        open_source(f"folder:{root}").draw(3, 0, SPEC)
    assert "\n" not in str(caught.value)


def test_missing_and_empty_folders_are_named(tmp_path):
    """Needs no image, hence no Pillow."""
    with pytest.raises(InputError, match=r"no folder .*nowhere'"):
        open_source(f"folder:{tmp_path / 'nowhere'}").draw(3, 0, SPEC)
    with pytest.raises(InputError, match="has no sub-folders"):
        open_source(f"folder:{tmp_path}").draw(3, 0, SPEC)
    (tmp_path / "ant").mkdir()
    with pytest.raises(InputError, match="ant' has no PNG or JPEG image"):
        open_source(f"folder:{tmp_path}").draw(3, 0, SPEC)


def test_more_classes_than_outputs_are_refused(root):
    with pytest.raises(InputError, match="3 classes, the model has 2 outputs"):
        open_source(f"folder:{root}").draw(3, 0, InputSpec(num_classes=2))


def test_too_few_images_are_refused(root):
    with pytest.raises(InputError, match="hold 12 samples: not enough for 1 x 13"):
        open_source(f"folder:{root}").draw(13, 0, SPEC)


def test_without_pillow_the_mend_is_named(tmp_path, monkeypatch):
    (tmp_path / "ant").mkdir()
    (tmp_path / "ant" / "0.png").write_bytes(b"not read")
    monkeypatch.setitem(sys.modules, "PIL.Image", None)  # what an import finds if it is missing
    with pytest.raises(InputError, match="needs Pillow: pip install pillow"):
        open_source(f"folder:{tmp_path}").draw(1, 0, SPEC)
