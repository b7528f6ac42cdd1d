from __future__ import annotations

import dataclasses
import itertools

import keras
import numpy as np
import pytest

from tbviz.arrays.principal import principal_axes
from tbviz.errors import TbvizError
from tbviz.methods.activation_maps.rgb_maps import (
    activation_colors,
    leading_axes,
    project,
    rgb_maps,
)

K = keras.layers


def maps(seed=0, channels=8, scale=1.0):
    random = np.random.default_rng(seed)
    sources = random.normal(size=(2, 6, 5, 3)) * [9, 3, 1]
    return (sources @ random.normal(size=(3, channels)) * scale).astype(np.float32)


def test_colors_are_the_principal_components():
    values = maps()
    found = rgb_maps(values)
    expected = principal_axes(values).colors(values)
    np.testing.assert_allclose(found.colors, expected, atol=1e-5)
    assert found.colors.shape == (2, 6, 5, 3)
    assert found.axes.share.sum() == pytest.approx(1)
    # Each axis is shown whole: but for the outermost hundredths, all shades are used.
    assert np.all(np.ptp(found.colors, axis=(0, 1, 2)) == 1)


def test_the_same_maps_have_the_same_colors_on_reused_axes():
    first = rgb_maps(maps())
    again = rgb_maps(maps(), first.axes)
    np.testing.assert_array_equal(again.colors, first.colors)
    np.testing.assert_array_equal(again.axes.low, first.axes.low)
    # One image alone, too: its colors do not depend on the others.
    one = rgb_maps(maps()[:1], first.axes)
    np.testing.assert_array_equal(one.colors, first.colors[:1])


def test_extents_grow_with_the_layer_and_never_shrink():
    first = rgb_maps(maps())
    grown = rgb_maps(maps(scale=4), first.axes)
    np.testing.assert_array_equal(grown.axes.directions, first.axes.directions)
    assert np.all(grown.axes.high > 2 * first.axes.high)
    cut = (grown.colors == 0) | (grown.colors == 1)
    assert cut.mean() < 0.1
    faint = rgb_maps(maps(scale=0.04), grown.axes)
    np.testing.assert_array_equal(faint.axes.high, grown.axes.high)
    assert np.ptp(faint.colors) < 0.15  # a layer that dies turns pale


def test_three_channels_are_red_green_and_blue():
    values = np.random.default_rng(1).random((2, 4, 4, 3)).astype(np.float32)
    values[0, 0, 0] = [0, 0.5, 1]
    np.testing.assert_allclose(rgb_maps(values).colors, values, atol=1e-6)
    np.testing.assert_allclose(rgb_maps(values * 255).colors, values, atol=1e-6)
    np.testing.assert_allclose(rgb_maps(values * 2 - 1).colors, values, atol=1e-6)
    faint = rgb_maps(values * 0.01)
    assert faint.colors.max() == 1
    assert np.all(faint.axes.high == faint.axes.high[0])  # one range, so that hues stay


def test_pixels_are_averaged_before_they_are_colored():
    values = np.zeros((1, 4, 4, 3), np.float32)
    values[0, :2, :2] = [[[1, 0, 0], [0, 1, 0]], [[0, 0, 1], [1, 1, 0]]]
    small = rgb_maps(values, limit=2).colors
    np.testing.assert_allclose(small[0, 0, 0], [0.5, 0.5, 0.25])
    np.testing.assert_array_equal(small[0, 1, 1], [0, 0, 0])


@pytest.mark.parametrize(
    ("channels", "value"),
    [*itertools.product([3, 5], [0, 7, -1e38, np.nan, np.inf]), (300, 7), (300, np.nan)],
)
def test_what_is_constant_has_one_color(channels, value):
    values = np.full((2, 3, 3, channels), value, np.float32)
    found = rgb_maps(values)
    assert np.ptp(found.colors) <= 1e-6 or channels == 3
    assert np.ptp(found.colors.reshape(-1, 3), axis=0).max() == 0
    # What follows is not seen along axes that mean nothing.
    later = rgb_maps(maps(channels=channels), found.axes)
    if channels != 3:
        np.testing.assert_array_equal(later.colors, rgb_maps(maps(channels=channels)).colors)


def test_pixels_that_are_not_finite_are_black_and_spoil_no_other():
    values = maps()
    whole = rgb_maps(values)
    nonfinite = values.copy()
    nonfinite[0, 1, 2, 3] = np.nan
    nonfinite[1, 0, 0, 0] = -np.inf
    found = rgb_maps(nonfinite, whole.axes)
    assert not found.colors[0, 1, 2].any()
    assert not found.colors[1, 0, 0].any()
    left = np.isfinite(nonfinite).all(axis=-1)
    np.testing.assert_array_equal(found.colors[left], whole.colors[left])


def test_axes_of_other_channels_are_refused():
    with pytest.raises(TbvizError, match="axes of 8 channels for maps of 4"):
        project(maps(channels=4), rgb_maps(maps()).axes)


@pytest.mark.parametrize(("channels", "count"), [(257, 1), (257, 2), (300, 40)])
def test_many_channels_have_the_axes_that_all_would_find(channels, count):
    random = np.random.default_rng(0)
    values = random.normal(size=(count, 2)) * [5, 1] @ random.normal(size=(2, channels))
    fast, whole = leading_axes(values.astype(np.float32)), principal_axes(values)
    assert len(fast.directions) == len(whole.directions) == min(2, count - 1)
    cosines = np.abs((fast.directions * whole.directions).sum(axis=1))
    np.testing.assert_allclose(cosines, 1, atol=1e-4)
    np.testing.assert_allclose(fast.share, whole.share, atol=1e-4)
    np.testing.assert_allclose(fast.mean, values.mean(axis=0), atol=1e-4)


def test_layers_of_a_model_at_any_depth_have_the_same_colors():
    keras.utils.set_random_seed(0)
    stack = [
        keras.Input((8, 8, 1)),
        K.Conv2D(5, 3, activation="relu", name="conv"),
        K.Conv2D(2, 3, name="two"),
        K.GlobalAveragePooling2D(name="average"),
    ]
    flat = keras.Sequential(stack)
    nested = keras.Sequential([keras.Sequential([keras.Sequential(stack[1:], name="b")], name="a")])
    nested.build((None, 8, 8, 1))
    for model in (flat, nested):
        model.compile(run_eagerly=True)
    x = np.random.default_rng(0).random((2, 8, 8, 1)).astype(np.float32)
    found, inside = activation_colors(flat, x), activation_colors(nested, x)
    assert list(found) == ["conv"]  # the others have no three channels, or no height
    assert list(inside) == ["a/b/conv"]
    np.testing.assert_array_equal(inside["a/b/conv"].colors, found["conv"].colors)
    shown = found["conv"].axes
    shifted = dataclasses.replace(shown, low=shown.low - 1, high=shown.high + 1)
    reused = activation_colors(flat, x, axes={"conv": shifted})
    np.testing.assert_array_equal(reused["conv"].axes.low, shifted.low)
