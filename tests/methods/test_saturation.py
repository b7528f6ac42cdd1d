from __future__ import annotations

import keras
import numpy as np
import pytest

from tbviz.methods.layer_health.saturation import at_bounds, bounds_of

K = keras.layers


@pytest.mark.parametrize(
    ("layer", "bounds"),
    [
        (K.Activation("sigmoid"), (0, 1)),
        (K.Activation("hard_sigmoid"), (0, 1)),
        (K.Conv2D(1, 1, activation="tanh"), (-1, 1)),
        (K.Activation("hard_tanh"), (-1, 1)),
        (K.TimeDistributed(K.Dense(1, activation="softsign")), (-1, 1)),
        (K.Activation("relu6"), (None, 6)),
        (K.ReLU(max_value=4), (None, 4)),
        (K.Conv2D(1, 1, activation=K.ReLU(6)), (None, 6)),
        (K.ReLU(), None),
        (K.Conv2D(1, 1), None),
        (K.Dense(1, activation="relu"), None),
        (K.Dense(1, activation=lambda x: x), None),
    ],
)
def test_bounds_follow_from_the_activation(layer, bounds):
    assert bounds_of(layer) == bounds


def test_bounds_of_operations():
    image = keras.Input((2,))
    for operation, bounds in (
        (keras.ops.sigmoid, (0, 1)),
        (keras.ops.relu6, (None, 6)),
        (keras.ops.relu, None),
    ):
        layer = keras.Model(image, operation(image)).operations[-1]
        assert bounds_of(layer) == bounds


def test_shares_by_hand():
    flat = np.array([[0, 0.5], [0.009, 0.02], [0.991, 0.98], [1, np.nan]], np.float32)
    assert at_bounds(flat, (0, 1)).tolist() == [1, 0]
    assert at_bounds(flat, (-1, 1)).tolist() == [0.5, 0.25]  # within 0.02 of an end
    six = np.array([[0, 6], [0, 5.95], [6, 5.9], [3, 6]], np.float32)
    assert at_bounds(six, (None, 6)).tolist() == [0.25, 0.75]  # the zeros are no bound


def test_without_known_bounds_what_is_cut_off_counts():
    flat = np.array([[3, 1, 0, np.nan], [3, 2, 0, 1], [3, 2, 5, 1], [3, 2, 0, 1]], np.float32)
    # One number everywhere is dead, not cut off; of what is not finite nothing is known.
    assert at_bounds(flat, None).tolist() == [0, 0.75, 0.25, 0]
    assert at_bounds(np.zeros((0, 2), np.float32), None).tolist() == [0, 0]
