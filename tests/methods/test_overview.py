from __future__ import annotations

import keras
import numpy as np
import pytest

from tbviz.errors import TbvizError
from tbviz.methods.activation_maps.overview import (
    activation_overview,
    in_pixels,
    overview_of,
    short_names,
)

K = keras.layers


def test_a_column_is_a_layer_and_a_row_a_map():
    random = np.random.default_rng(0)
    maps = {
        "a": random.random((2, 4, 4, 5)).astype(np.float32),
        "b": random.random((2, 2, 2, 1)).astype(np.float32),
        "c": random.random((2, 1, 1, 3)).astype(np.float32),
    }
    found = overview_of(maps, limit=4, side=4)
    assert (found.layers, found.titles, found.maps) == (["a", "b", "c"], ["a", "b", "c"], 4)
    assert found.tiles.shape == (2, 4 * 3, 4, 4)
    grid = found.tiles.reshape(2, 4, 3, 4, 4)
    for row in range(4):
        np.testing.assert_array_equal(grid[:, row, 0], maps["a"][..., row])
    np.testing.assert_array_equal(grid[1, 0, 1], np.kron(maps["b"][1, :, :, 0], np.ones((2, 2))))
    assert np.all(grid[1, 2, 2] == maps["c"][1, 0, 0, 2])
    assert not grid[:, 1:, 1].any()  # it has one map only
    assert not grid[:, 3, 2].any()


def test_rows_are_as_many_as_any_layer_has():
    maps = {"a": np.ones((1, 2, 2, 1), np.float32), "b": np.ones((1, 2, 2, 3), np.float32)}
    assert overview_of(maps, limit=8).maps == 3


def test_tiles_have_the_shape_of_the_first_layer():
    maps = {"a": np.ones((1, 30, 60, 1), np.float32), "b": np.ones((1, 3, 6, 1), np.float32)}
    assert overview_of(maps, side=48).tiles.shape == (1, 2, 24, 48)


def test_pixels_are_repeated_where_a_map_grows_and_averaged_where_it_shrinks():
    np.testing.assert_array_equal(in_pixels(np.array([[1, 2, 3]]), (1, 7)), [[1, 1, 2, 2, 2, 3, 3]])
    np.testing.assert_array_equal(in_pixels(np.array([[1, 3], [5, 7]]), (1, 1)), [[4]])
    # One side of each.
    np.testing.assert_array_equal(in_pixels(np.array([[1, 3]]), (2, 1)), [[2], [2]])


@pytest.mark.parametrize("value", [np.nan, np.inf, 0, -1e38])
def test_maps_of_one_value_stay_so(value):
    maps = {"a": np.full((1, 60, 60, 1), value, np.float32)}
    found = overview_of(maps).tiles
    np.testing.assert_array_equal(found, np.full((1, 1, 48, 48), value, np.float32))


def test_titles_are_as_short_as_they_can_be_unique():
    paths = ["stem", "a/conv", "b/conv", "b/c/relu", "b/d/relu", "conv"]
    assert short_names(paths) == ["stem", "a/conv", "b/conv", "c/relu", "d/relu", "conv"]
    assert short_names(["a/b", "a/b"]) == ["a/b", "a/b"]


def test_the_first_layers_are_those_that_make_maps_of_the_image():
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [
            keras.Input((12, 12, 1)),
            K.Rescaling(2.0),
            K.Conv2D(3, 3, name="conv1"),
            K.BatchNormalization(),
            K.ReLU(name="relu1"),
            keras.Sequential([K.MaxPooling2D(name="pool"), K.Conv2D(2, 3, name="conv2")], name="b"),
            K.GlobalAveragePooling2D(),
            K.Dense(2),
        ]
    )
    model.compile(run_eagerly=True)
    x = np.random.default_rng(0).random((2, 12, 12, 1)).astype(np.float32)
    found = activation_overview(model, x, side=10)
    assert found.layers == ["conv1", "relu1", "b/pool", "b/conv2"]
    assert found.titles == ["conv1", "relu1", "pool", "conv2"]
    conv1 = keras.ops.convert_to_numpy(model.layers[1](x * 2))
    np.testing.assert_allclose(found.tiles[1, 4], conv1[1, :, :, 1], atol=1e-6)  # second row
    assert activation_overview(model, x, max_layers=2, max_maps=1).tiles.shape == (2, 2, 48, 48)


def test_a_model_of_none_of_the_usual_layers_shows_its_first_ones():
    model = keras.Sequential([keras.Input((4, 4, 2)), keras.layers.LayerNormalization(name="norm")])
    model.compile(run_eagerly=True)
    x = np.random.default_rng(0).random((1, 4, 4, 2)).astype(np.float32)
    assert activation_overview(model, x).layers == ["norm"]


def test_a_model_without_maps_has_no_overview():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    with pytest.raises(TbvizError, match="no layer of this model has feature maps"):
        activation_overview(model, np.zeros((1, 3)))
