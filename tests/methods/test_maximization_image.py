"""The image of an ascent: its bases, colors, transforms and penalties, against plain numpy."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tbviz.methods.maximization.basis import Fourier, Pixels
from tbviz.methods.maximization.color import MATRIX
from tbviz.methods.maximization.image import to_image
from tbviz.methods.maximization.regularizers import contrast, gram_cosine, total_variation
from tbviz.methods.maximization.transforms import Transforms, turned

BASES = [Fourier(), Pixels()]


def numpy(tensor):
    return keras.ops.convert_to_numpy(tensor).astype(np.float64)


def tensor(array):
    return keras.ops.convert_to_tensor(np.asarray(array, np.float32))


def line(basis, size, points=None):
    return numpy(basis.line(size, tensor(np.arange(size) if points is None else points)))


def logit(images):
    images = numpy(images)
    return np.log(images / (1 - images))


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("size", [1, 2, 5, 16, 33])
def test_bases_are_orthonormal(basis, size):
    known = line(basis, size)
    np.testing.assert_allclose(known @ known.T, np.eye(size), atol=2e-5)


@settings(max_examples=15)
@given(st.integers(2, 20), st.integers(0, 2**31))
def test_waves_elsewhere_are_the_line_shifted(size, seed):
    values = np.random.default_rng(seed).normal(size=size)
    moved = (values @ line(Fourier(), size).T) @ line(Fourier(), size, np.arange(size) + 3)
    if size % 2:  # an even line has no sine of its finest wave to shift it with
        np.testing.assert_allclose(moved, np.roll(values, -3), atol=1e-4)


@settings(max_examples=15)
@given(st.integers(2, 12), st.floats(-30, 30))
def test_pixels_elsewhere_are_interpolated_on_a_ring(size, point):
    values = np.random.default_rng(0).normal(size=size)
    found = (values @ line(Pixels(), size, [point]))[0]
    assert found == pytest.approx(np.interp(point, np.arange(size), values, period=size), abs=1e-4)


def test_coefficients_of_deviation_one_make_an_image_of_deviation_one():
    coefficients = tensor(np.random.default_rng(0).normal(size=(40, 1, 12, 9)))
    for basis in (*BASES, Fourier(decay=1.5)):
        assert logit(to_image(coefficients, basis)).std() == pytest.approx(1, abs=0.15)
    scale = Fourier().coefficient_scale(8, 8)
    assert scale[0, 1] == pytest.approx(2 * scale[0, 3])  # one and two cycles
    steeper = Fourier(2).coefficient_scale(8, 8)
    assert steeper[0, 1] == pytest.approx(4 * steeper[0, 3])


@pytest.mark.parametrize("basis", BASES)
def test_no_coefficients_are_an_even_gray(basis):
    blank = to_image(tensor(np.zeros((2, 3, 4, 6))), basis)
    np.testing.assert_array_equal(numpy(blank), 0.5)
    assert to_image(tensor(np.zeros((2, 1, 4, 6))), basis).shape == (2, 4, 6, 1)


def test_three_channels_are_decorrelated_colors_and_others_are_not():
    values = np.random.default_rng(0).normal(size=(1, 3, 4, 5))
    colored = logit(to_image(tensor(values), Pixels()))
    np.testing.assert_allclose(colored, np.moveaxis(values, 1, -1) @ MATRIX.T, atol=1e-4)
    plain = logit(to_image(tensor(values[:, :2]), Pixels()))
    np.testing.assert_allclose(plain, np.moveaxis(values[:, :2], 1, -1), atol=1e-4)


@pytest.mark.parametrize("basis", BASES)
def test_a_view_of_nothing_is_the_image(basis):
    still = Transforms(jitter=0, scale=0, pad=True)
    views = still.draw(np.random.default_rng(0), 3, (7, 10))
    np.testing.assert_array_equal(views, [[0, 0, 1, 0]] * 3)
    values = tensor(np.random.default_rng(1).normal(size=(2, 3, 7, 10)))
    found = numpy(to_image(values, basis, still, tensor(views[0])))
    np.testing.assert_allclose(found, numpy(to_image(values, basis)), atol=1e-5)


@pytest.mark.parametrize("basis", BASES)
@pytest.mark.parametrize("pad", [False, True])
def test_jitter_wraps_or_brings_in_even_gray(basis, pad):
    values = tensor(np.random.default_rng(1).normal(size=(1, 1, 7, 9)))
    whole = logit(to_image(values, basis))
    view = tensor([2, -3, 1, 0])
    found = logit(to_image(values, basis, Transforms(pad=pad), view))
    expected = np.roll(whole, (-2, 3), (1, 2))
    if pad:
        expected[:, 5:] = 0
        expected[:, :, :3] = 0
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_scale_takes_the_image_at_points_further_apart():
    rows = np.cos(2 * np.pi * np.arange(16) / 16 * 2)  # two cycles down
    values = line(Fourier(), 16) @ np.repeat(rows[:, None], 16, 1) @ line(Fourier(), 16).T
    values = values / Fourier().coefficient_scale(16, 16)
    found = logit(
        to_image(tensor(values[None, None]), Fourier(), Transforms(), tensor([0, 0, 1.25, 0]))
    )
    points = 7.5 + 1.25 * (np.arange(16) - 7.5)
    expected = np.cos(2 * np.pi * points / 16 * 2)
    np.testing.assert_allclose(found[0, :, 5, 0], expected, atol=1e-3)


def test_jitter_brings_every_part_everywhere():
    """Shifts in twelfths of the side: all of them in 24 steps."""
    views = Transforms().draw(np.random.default_rng(0), 24, (9, 9))
    for shifts in (views[:, 0], views[:, 1]):
        assert len(set(np.floor((shifts / 9 + 0.5) * 12))) == 12


def test_views_stay_within_what_was_set_and_repeat():
    moved = Transforms(jitter=0.1, scale=0.2, rotate=30)
    views = moved.draw(np.random.default_rng(4), 200, (20, 40))
    np.testing.assert_array_equal(views, moved.draw(np.random.default_rng(4), 200, (20, 40)))
    for column, bound in zip(views.T - [[0], [0], [1], [0]], (2, 4, 0.2, np.pi / 6), strict=True):
        assert 0.9 * bound < np.abs(column).max() <= bound * 1.000001


def rotated(image, angle, margin):
    """A picture turned about its middle, a pixel at a time."""
    height, width = image.shape
    result = np.zeros((height - 2 * margin, width - 2 * margin))
    middle = (height - 1) / 2, (width - 1) / 2
    for y, x in np.ndindex(*result.shape):
        down, right = y + margin - middle[0], x + margin - middle[1]
        row = middle[0] + np.cos(angle) * down + np.sin(angle) * right
        column = middle[1] + np.cos(angle) * right - np.sin(angle) * down
        for near_y in (int(np.floor(row)), int(np.floor(row)) + 1):
            for near_x in (int(np.floor(column)), int(np.floor(column)) + 1):
                share = (1 - abs(row - near_y)) * (1 - abs(column - near_x))
                if share > 0:
                    result[y, x] += share * image[near_y, near_x]
    return result


@pytest.mark.parametrize("angle", [-0.3, 0.2])
def test_rotation(angle):
    images = np.random.default_rng(0).normal(size=(15, 19, 2))
    found = numpy(turned(tensor(images), tensor(angle), 3))
    for index in range(2):
        expected = rotated(images[..., index], angle, 3)
        np.testing.assert_allclose(found[..., index], expected, atol=1e-4)


def test_a_turned_view_has_no_blank_corners():
    """On a ring of one wave the torus goes on beyond the corners: nothing is cut off."""
    strongest = Transforms(jitter=0, scale=0, rotate=20)
    size = (12, 20)
    values = np.ones((1, 1, *size))
    view = tensor([0, 0, 1, np.radians(20)])
    found = logit(to_image(tensor(values), Pixels(), strongest, view))
    assert found.shape == (1, *size, 1)
    np.testing.assert_allclose(found, 1, atol=1e-4)


def test_total_variation_by_hand():
    images = np.zeros((2, 2, 3, 1))
    images[0] = np.array([[0.0, 1.0, 0.0], [0.5, 1.0, 0.0]])[..., None]
    # Down: .5, 0, 0. Across: 1, 1, .5, 1.
    np.testing.assert_allclose(numpy(total_variation(tensor(images))), [0.5 / 3 + 3.5 / 4, 0])
    np.testing.assert_array_equal(numpy(total_variation(tensor(images[:, :1, :1]))), 0)


def test_contrast_by_hand():
    images = tensor([[[[0.5], [1.0]]], [[[0.5], [0.5]]]])
    np.testing.assert_allclose(numpy(contrast(images)), [0.125, 0])


@pytest.mark.parametrize("shape", [(6, 4, 9), (6, 9, 4)])  # both ways to the same numbers
def test_the_gram_cosine_by_hand(shape):
    features = np.random.default_rng(0).normal(size=shape)
    found = numpy(gram_cosine(tensor(features), 3))
    grams = [(one.T @ one).ravel() / np.linalg.norm(one.T @ one) for one in features]
    for index in range(6):
        others = [other for other in range(6) if other // 3 == index // 3 and other != index]
        expected = np.mean([grams[index] @ grams[other] for other in others])
        assert found[index] == pytest.approx(expected, abs=1e-5)


def test_the_gram_cosine_of_zeros_is_finite():
    assert np.all(np.isfinite(numpy(gram_cosine(tensor(np.zeros((4, 3, 2))), 2))))
