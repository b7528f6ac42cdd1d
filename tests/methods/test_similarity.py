from __future__ import annotations

import numpy as np
import pytest

from tbviz.methods.layer_health import similarity as module
from tbviz.methods.layer_health.numbers import layer_numbers
from tbviz.methods.layer_health.similarity import gray, largest_channel_correlation, similarity


def test_a_copied_input_is_similar_and_so_is_its_negative():
    images = np.random.default_rng(0).random((3, 8, 6)).astype(np.float32)
    noise = np.random.default_rng(1).random((3, 8, 6)).astype(np.float32)
    flat = np.full((3, 8, 6), 0.5, np.float32)
    maps = np.stack([5 * images - 2, -images, noise, flat], axis=-1)
    found = similarity(maps, images)
    assert found[:2] == pytest.approx([1, 1])
    assert found[2] < 0.5
    assert np.isnan(found[3])
    assert layer_numbers(maps, images).numbers["similarity"] == pytest.approx(1)


def test_similarity_compares_at_the_maps_size():
    images = np.zeros((1, 6, 6), np.float32)
    images[0, :3, :3] = 9
    halves = np.zeros((1, 2, 2, 1), np.float32)
    halves[0, 0, 0] = 1
    assert similarity(halves, images) == pytest.approx([1])
    uneven = np.zeros((1, 4, 4, 1), np.float32)  # 1.5 pixels a cell: 1, 1/2... at the corner
    uneven[0, :2, :2, 0] = 1
    assert similarity(uneven, images) == pytest.approx([1])


def test_gray_is_the_mean_of_the_colors():
    image = np.zeros((1, 2, 3, 3), np.uint8)
    image[0, 0, 0] = [30, 60, 90]
    assert gray(image).shape == (1, 2, 3)
    assert gray(image)[0, 0, 0] == 60
    first = np.zeros((1, 3, 8, 9), np.float32)
    first[0, 1] = 3
    assert gray(first).shape == (1, 8, 9)
    assert gray(first).max() == 1
    assert gray({"numbers": np.zeros((1, 5)), "picture": image}).shape == (1, 2, 3)
    assert gray(np.zeros((1, 5))) is None


def test_the_largest_channel_correlation_by_hand():
    ramp = np.arange(64, dtype=np.float32)
    odd = np.where(ramp % 2 == 0, 1.0, -1.0)
    maps = np.stack([ramp, 3 * ramp + 1, -ramp, odd, np.full(64, 7.0)], axis=-1).reshape(1, 8, 8, 5)
    found = largest_channel_correlation(maps)
    with_odd = abs(np.corrcoef(ramp, odd)[0, 1])
    np.testing.assert_allclose(found[:4], [1, 1, with_odd, with_odd], atol=1e-6)
    assert np.isnan(found[4])  # a dead channel is like no other


def test_the_largest_channel_correlation_needs_pixels_and_a_second_channel():
    few = np.random.default_rng(0).random((1, 5, 6, 4))  # 30 pixels
    assert np.isnan(largest_channel_correlation(few)).all()
    assert np.isfinite(largest_channel_correlation(np.tile(few, (2, 1, 1, 1)))).all()
    assert np.isnan(
        largest_channel_correlation(np.random.default_rng(0).random((1, 8, 8, 1)))
    ).all()
    nonfinite = np.random.default_rng(0).random((1, 8, 8, 3))
    nonfinite[0, 0, 0, 1] = np.nan
    nonfinite[0, 0, 0, 2] = np.inf
    assert np.isnan(largest_channel_correlation(nonfinite)).all()


def test_the_largest_channel_correlation_of_large_maps_is_bounded(monkeypatch):
    monkeypatch.setattr(module, "MAX_CHANNELS", 3)
    random = np.random.default_rng(0)
    maps = random.random((2, 64, 64, 4))  # 8192 pixels, of which 2048 are compared
    maps[..., 1] = maps[..., 0]
    maps[..., 3] = maps[..., 2]
    found = largest_channel_correlation(maps)
    np.testing.assert_allclose(found[:2], 1, atol=1e-6)
    assert abs(found[2]) < 0.1  # its twin is beyond the third
    assert np.isnan(found[3])
    np.testing.assert_array_equal(
        largest_channel_correlation(maps), found
    )  # the same pixels each time
