"""The demo's pictures: what is in them, and that no picture is in two parts."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from data.digits import load_data
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tbviz.demo import digits, photographs


@pytest.fixture(scope="module")
def photos():
    return photographs.load(train=30, validation=10)


@pytest.fixture(scope="module", autouse=True)
def no_download():
    """Keras' loader gives the tests' digits."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(keras.datasets.mnist, "load_data", load_data)
        yield


@pytest.fixture(scope="module")
def mnist():
    return digits.load()


@pytest.mark.parametrize(
    ("source", "sizes", "shape"),
    [("photos", (300, 100, 6), (64, 64, 3)), ("mnist", (3990, 1000, 6), (28, 28, 1))],
)
def test_shapes_types_and_classes(source, sizes, shape, request):
    dataset = request.getfixturevalue(source)
    parts = [dataset[2:4], dataset[4:6], dataset[6:8]]
    for (images, labels), size in zip(parts, sizes, strict=True):
        assert images.shape == (size, *shape)
        assert images.dtype == np.uint8
        assert labels.shape == (size,)
        assert labels.dtype == np.int64
        assert {dataset.class_names[label] for label in labels} <= set(dataset.class_names)
    assert len(dataset.class_names) == 10
    for _, labels in parts[:2]:
        assert set(labels) == set(range(10))


@pytest.mark.parametrize("source", ["photos", "mnist"])
def test_no_picture_is_in_two_parts(source, request):
    dataset = request.getfixturevalue(source)
    parts = [{image.tobytes() for image in images} for images in dataset[2::2]]
    assert not parts[0] & parts[1]
    assert not parts[0] & parts[2]
    assert not parts[1] & parts[2]


@given(
    seed=st.integers(0, 2**32 - 1),
    start=st.integers(0, 300),
    width=st.integers(photographs.MIN_WINDOW, 400),
    height=st.integers(photographs.MIN_WINDOW, 400),
)
def test_windows_stay_between_their_columns(seed, start, width, height):
    random = np.random.default_rng(seed)
    windows = photographs.draw_windows(random, 5, "any", (start, start + width), height)
    for _, left, top, side in windows:
        assert photographs.MIN_WINDOW <= side <= min(width, height)
        assert start <= left
        assert left + side <= start + width
        assert top >= 0
        assert top + side <= height


def test_training_and_validation_see_no_common_pixel():
    for name in photographs.NAMES:
        with Image.open(photographs.FOLDER / f"{name}.jpg") as photo:
            width = photo.width
        border = round(photographs.TRAIN_SHARE * width)
        random = np.random.default_rng(1)
        left = photographs.draw_windows(random, 40, name, (0, border), width)
        right = photographs.draw_windows(random, 40, name, (border, width), width)
        assert max(window.left + window.side for window in left) <= border
        assert min(window.left for window in right) >= border


def test_probes_cross_the_border_so_that_no_example_equals_one():
    for probe in photographs.PROBES:
        with Image.open(photographs.FOLDER / f"{probe.name}.jpg") as photo:
            width, height = photo.size
        border = photographs.TRAIN_SHARE * width
        assert probe.left < border < probe.left + probe.side
        assert probe.left + probe.side <= width
        assert probe.top + probe.side <= height


def test_digits_are_trained_on_from_one_part_of_mnist_and_shown_from_the_other():
    (trained, _), (held_out, _) = load_data()
    dataset = digits.load(train=10, validation=5)
    counts = np.bincount(dataset.train_labels), np.bincount(dataset.validation_labels)
    assert (counts[0] == 10).all()
    assert (counts[1] == 5).all()
    whole = {image.tobytes() for image in trained}, {image.tobytes() for image in held_out}
    assert {image.tobytes() for image in dataset.train_images} <= whole[0]
    assert {image.tobytes() for image in dataset.validation_images} <= whole[1]
    assert {image.tobytes() for image in dataset.probe_images} <= whole[1]
    assert tuple(dataset.probe_labels) == digits.PROBED


@pytest.mark.parametrize(
    "load", [lambda seed: photographs.load(5, 5, seed), lambda seed: digits.load(100, 90, seed)]
)
def test_a_seed_repeats_and_another_does_not(load):
    first, again, other = load(3), load(3), load(4)
    for one, two in zip(first[2:], again[2:], strict=True):
        np.testing.assert_array_equal(one, two)
    assert not np.array_equal(first.train_images, other.train_images)
    assert not np.array_equal(first.validation_images, other.validation_images)


def test_a_crop_is_its_window_made_smaller(photos):
    # A box filter keeps the mean color.
    for image, window in zip(photos.probe_images, photographs.PROBES, strict=True):
        with Image.open(photographs.FOLDER / f"{window.name}.jpg") as photo:
            pixels = np.asarray(photo.convert("RGB"), float)
        _, left, top, side = window
        region = pixels[top : top + side, left : left + side]
        np.testing.assert_allclose(image.mean((0, 1)), region.mean((0, 1)), atol=1)
