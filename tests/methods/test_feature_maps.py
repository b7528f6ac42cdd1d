from __future__ import annotations

import keras
import numpy as np
import pytest

import tbviz.methods
from tbviz.errors import TbvizError
from tbviz.methods.activation_maps.feature_maps import (
    activations,
    activity,
    channel_tiles,
    check_channels,
    check_order,
    most_active,
    select_channels,
)


def test_channels_are_the_first_or_those_given():
    assert select_channels(5, 3) == [0, 1, 2]
    assert select_channels(2, 64) == [0, 1]
    assert select_channels(5, (4, 0)) == [4, 0]


@pytest.mark.parametrize("channel", [5, -1])
def test_a_channel_that_does_not_exist_is_named(channel):
    with pytest.raises(TbvizError, match=rf"received channels \[{channel}\]; the layer has 5"):
        select_channels(5, [0, channel])


def test_the_most_active_channels_are_those_that_vary_most():
    maps = np.zeros((2, 2, 1, 4), np.float32)
    maps[..., 0] = 100  # large, but the same everywhere
    maps[0, 0, 0, 1] = 4  # mean 1, distances 3, 1, 1, 1
    maps[..., 3] = [[[-2], [2]], [[-2], [2]]]
    maps[..., 2] = [[[1], [1]], [[-1], [1]]]
    np.testing.assert_allclose(activity(maps), [0, 1.5, 0.75, 2])
    assert most_active(maps, 4) == most_active(maps, 64) == [3, 1, 2, 0]
    assert most_active(maps, 2) == [3, 1]
    assert most_active(maps, [0, 2, 1]) == [1, 2, 0]  # among those that are listed


def test_constant_channels_are_ordered_by_size_and_nonfinite_ones_come_last():
    maps = np.array([[0.5, -3, np.nan, 2, np.inf, 0]], np.float32)
    np.testing.assert_allclose(activity(maps), [0.5, 3, -1, 2, -1, 0])
    assert most_active(maps, 6) == [1, 3, 0, 5, 2, 4]


@pytest.mark.parametrize("channels", [0, -2, True, "active", "most-active:16", []])
def test_a_wrong_choice_of_channels_is_an_error(channels):
    expected = r"expected a number of channels \(at least 1\), or a list of channels"
    with pytest.raises(TbvizError, match=expected):
        check_channels(channels)


def test_a_wrong_order_of_channels_is_an_error():
    with pytest.raises(TbvizError, match="order='active'; expected 'first' or 'most-active'"):
        check_order("active")
    with pytest.raises(TbvizError, match='for the most active ones, pass order="most-active"'):
        check_channels("most-active")


def test_vectors_are_recorded_on_request():
    model = keras.Sequential(
        [
            keras.Input((4, 4, 1)),
            keras.layers.Conv2D(2, 3, name="conv"),
            keras.layers.GlobalAveragePooling2D(name="average"),
        ]
    )
    model.compile(run_eagerly=True)
    x = np.random.default_rng(0).random((3, 4, 4, 1)).astype(np.float32)
    assert list(activations(model, x)) == ["conv"]
    found = activations(model, x, layers=["conv", "average"])
    assert found["average"].shape == (3, 2)
    np.testing.assert_allclose(found["average"], found["conv"].mean(axis=(1, 2)), atol=1e-6)


def test_tiles_are_channels():
    maps = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(np.float32)
    tiles = channel_tiles(maps, [4, 1])
    assert tiles.shape == (2, 2, 3, 4)
    np.testing.assert_array_equal(tiles[1, 0], maps[1, :, :, 4])
    np.testing.assert_array_equal(tiles[1, 1], maps[1, :, :, 1])


def test_no_function_is_hidden_by_a_file_or_package_of_its_name(fresh_python):
    # On the backend that is imported quickest.
    code = "import os; os.environ['KERAS_BACKEND'] = 'jax'\nimport importlib, pkgutil\n"
    code += "import tbviz.methods as m\n"
    code += "for found in pkgutil.walk_packages(m.__path__, 'tbviz.methods.'):\n"
    code += "    importlib.import_module(found.name)\n"
    code += "print([name for name in m.__all__ if not callable(getattr(m, name))])"
    assert fresh_python(code).strip() == "[]"


def test_the_package_lists_its_functions():
    assert dir(tbviz.methods) == sorted(tbviz.methods.__all__)
    with pytest.raises(AttributeError, match="it has"):
        tbviz.methods.nothing  # noqa: B018
