from __future__ import annotations

import keras
import numpy as np
import pytest
from keras import layers, ops

from tbviz.taps.model_outputs import find_model_outputs

PICTURES = np.random.default_rng(0).normal(size=(2, 8, 12, 3)).astype(np.float32)


def outputs_of(inputs, outputs, values):
    return find_model_outputs(keras.Model(inputs, outputs), values).outputs


def test_channels_first_is_recognized_before_any_convolution():
    inputs = keras.Input((3, 8, 12))
    values = layers.BatchNormalization(axis=1, name="normal")(layers.Rescaling(2.0)(inputs))
    found = outputs_of(inputs, values, np.moveaxis(PICTURES, -1, 1))
    for key in ("rescaling", "normal"):
        assert (found[key].size, found[key].channels) == ((8, 12), 3), key


@pytest.mark.parametrize("normal", [layers.BatchNormalization, layers.Normalization])
def test_a_normalization_of_the_first_axis_implies_channels_first(normal):
    inputs = keras.Input((6, 8, 12))
    extra = {"mean": [0.0] * 6, "variance": [1.0] * 6} if normal is layers.Normalization else {}
    values = layers.ReLU(name="relu")(normal(axis=1, **extra)(layers.ReLU(name="before")(inputs)))
    found = outputs_of(inputs, values, np.zeros((1, 6, 8, 12), np.float32))
    assert found["before"].size == (6, 8)
    assert (found["relu"].size, found["relu"].channels) == ((8, 12), 6)


def test_a_permutation_moves_the_channels():
    inputs = keras.Input((3, 8, 12))
    last = layers.ReLU(name="last")(layers.Permute((2, 3, 1), name="to_last")(inputs))
    first = layers.ReLU(name="first")(ops.transpose(last, (0, 3, 1, 2)))
    middle = layers.ReLU(name="middle")(layers.Permute((2, 1, 3), name="to_middle")(first))
    back = layers.ReLU(name="back")(layers.Permute((1, 3, 2), name="turned")(middle))
    found = outputs_of(inputs, back, np.moveaxis(PICTURES, -1, 1))
    for key in ("to_last", "last", "transpose", "first"):
        assert (found[key].size, found[key].channels) == ((8, 12), 3), key
    expected = "its output of 8 x 3 x 12 has its channels between height and width"
    assert found["to_middle"].reason == found["middle"].reason == expected
    assert (found["back"].size, found["back"].channels) == ((8, 12), 3)
