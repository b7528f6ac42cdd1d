from __future__ import annotations

import numpy as np

from tbviz.taps.image_inputs import channels_last, image_batch, image_input_index, image_layout


def test_image_batches_are_recognized():
    assert image_layout((1, 8, 9, 3)) == (8, 9, 3, False)
    assert image_layout((1, 3, 8, 9)) == (8, 9, 3, True)
    assert image_layout((1, 8, 9, 16)) is None
    assert image_layout((1, 8)) is None


def test_the_image_among_the_inputs_is_found():
    inputs = {"age": np.zeros((1, 2)), "photo": np.zeros((1, 3, 8, 9))}
    assert image_input_index(inputs) == 1
    assert image_batch(inputs).shape == (1, 8, 9, 3)
    assert image_input_index(inputs["age"]) is None
    assert image_batch(inputs["age"]) is None


def test_channels_move_to_the_last_axis():
    first = np.arange(24.0).reshape(1, 2, 4, 3)[:, :, :3]
    wide = np.zeros((1, 2, 8, 9))
    wide[0, 1, 3, 4] = 7
    assert channels_last(wide)[0, 3, 4, 1] == 7
    assert channels_last(first) is first
