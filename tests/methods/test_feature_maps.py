from __future__ import annotations

import numpy as np
import pytest

import tbviz.methods
from tbviz.errors import TbvizError
from tbviz.methods.feature_maps import channel_tiles, choose_channels


def test_channels_are_the_first_or_those_given():
    assert choose_channels(5, 3) == [0, 1, 2]
    assert choose_channels(2, 64) == [0, 1]
    assert choose_channels(5, (4, 0)) == [4, 0]


@pytest.mark.parametrize("channel", [5, -1])
def test_a_channel_that_does_not_exist_is_named(channel):
    with pytest.raises(TbvizError, match=rf"received channels \[{channel}\]; the layer has 5"):
        choose_channels(5, [0, channel])


def test_tiles_are_channels():
    maps = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5).astype(np.float32)
    tiles = channel_tiles(maps, [4, 1])
    assert tiles.shape == (2, 2, 3, 4)
    np.testing.assert_array_equal(tiles[1, 0], maps[1, :, :, 4])
    np.testing.assert_array_equal(tiles[1, 1], maps[1, :, :, 1])


def test_no_function_is_hidden_by_the_file_that_it_is_in(fresh_python):
    code = "import tbviz.methods as m\n"
    code += "from tbviz.methods import feature_maps, layer_health\n"
    code += "from tbviz.methods.cams import grad_cam\n"
    code += "print(callable(m.activations), callable(m.health), callable(m.grad_cam))"
    assert fresh_python(code).split() == ["True"] * 3


def test_the_room_says_what_it_has():
    assert dir(tbviz.methods) == sorted(tbviz.methods.__all__)
    with pytest.raises(AttributeError, match="it has"):
        tbviz.methods.nothing  # noqa: B018
