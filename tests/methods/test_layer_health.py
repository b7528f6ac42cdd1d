from __future__ import annotations

import keras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from keras import layers

from tbviz.methods import activations, health
from tbviz.methods.layer_health.numbers import CHANNEL_COLUMNS, change, layer_numbers
from tbviz.methods.layer_health.thresholds import Thresholds


def table(found):
    return dict(zip(CHANNEL_COLUMNS, found.table.tolist(), strict=True))


def test_numbers_worked_by_hand():
    maps = np.zeros((2, 1, 2, 3), np.float32)
    maps[..., 0] = [[[0, 4]], [[0, 8]]]
    maps[..., 1] = 5  # one number everywhere: dead
    found = layer_numbers(maps)  # channel 2 is zero everywhere: dead, too
    numbers = found.numbers
    assert (numbers["channels"], numbers["dead"]) == (3, 2)
    assert numbers["sparsity"] == pytest.approx(6 / 12)
    assert numbers["mean"] == pytest.approx((12 + 20) / 12)
    assert numbers["std"] == pytest.approx(np.sqrt((16 + 64 + 4 * 25) / 12 - (32 / 12) ** 2))
    assert (numbers["minimum"], numbers["maximum"]) == (0, 8)
    assert np.isnan(numbers["similarity"])
    assert np.isnan(numbers["output_change"])
    columns = table(found)
    assert columns["mean"] == [3, 5, 0]
    assert columns["std"] == pytest.approx([np.sqrt(80 / 4 - 9), 0, 0])
    assert columns["minimum"] == [0, 5, 0]
    assert columns["maximum"] == [8, 5, 0]
    assert columns["sparsity"] == [0.5, 0, 1]
    assert found.dead.tolist() == [False, True, True]
    assert found.column("maximum").tolist() == [8, 5, 0]


def test_what_counts_is_set_by_thresholds():
    maps = np.zeros((1, 8, 8, 4), np.float32)
    ramp = np.arange(64, dtype=np.float32).reshape(8, 8)
    maps[0, ..., 0] = ramp
    maps[0, ..., 1] = 2 * ramp + 100  # the same but for brightness and contrast
    maps[0, ..., 2] = 1000 + 0.02 * np.cos(ramp)
    maps[0, ..., 3] = np.minimum(ramp, 20)  # 44 of 64 values are cut off
    found = layer_numbers(maps)
    assert found.numbers["duplicates"] == 2
    assert (found.numbers["saturated"], found.numbers["dead"]) == (0, 0)
    assert np.take(table(found)["saturated"], [0, 1, 3]).tolist() == [1 / 64, 1 / 64, 44 / 64]
    loose = Thresholds(saturated_values=0.6, flat=1e-3, duplicate_correlation=0.5)
    found = layer_numbers(maps, thresholds=loose)
    assert (found.numbers["saturated"], found.numbers["dead"]) == (1, 1)
    assert found.numbers["duplicates"] == 3


def test_the_share_of_what_is_not_finite():
    maps = np.ones((1, 2, 2, 2), np.float32)
    maps[0, 0, 0] = [np.nan, np.inf]
    assert layer_numbers(maps).numbers["nonfinite"] == 2 / 8
    assert layer_numbers(np.ones((1, 2, 2, 2))).numbers["nonfinite"] == 0


def test_a_layer_of_zeros_is_dead_altogether():
    assert layer_numbers(np.zeros((1, 2, 2, 4))).numbers["dead"] == 4


def test_what_is_not_finite_is_left_out_of_the_numbers():
    maps = np.zeros((1, 2, 2, 3), np.float32)
    maps[..., 0] = [[[np.nan, 2], [4, np.inf]]]
    maps[..., 1] = np.nan
    maps[..., 2] = 1
    numbers = layer_numbers(maps).numbers
    columns = table(layer_numbers(maps))
    assert (columns["mean"][0], columns["minimum"][0], columns["maximum"][0]) == (3, 2, 4)
    assert np.isnan([columns[name][1] for name in ("mean", "std", "minimum", "maximum")]).all()
    assert numbers["mean"] == pytest.approx(10 / 6)
    assert numbers["dead"] == 1  # the constant one; a channel of NaN is not finite, not dead
    nothing = layer_numbers(np.full((1, 2, 2, 1), np.nan)).numbers
    assert np.isnan([nothing["mean"], nothing["std"], nothing["minimum"]]).all()
    assert nothing["dead"] == 0


def test_a_dense_layer_has_numbers_too():
    found = layer_numbers(np.array([[1.0, 0.0], [3.0, 0.0]]), np.ones((2, 4, 4), np.float32))
    assert found.numbers["dead"] == 1
    assert table(found)["mean"] == [2, 0]
    assert np.isnan(found.numbers["similarity"])


def test_change_is_the_share_of_the_former_maps():
    then = np.array([[3.0, 4.0]], np.float32)
    assert change(then * 1.5, then) == pytest.approx(0.5)
    assert change(then, then) == 0
    assert np.isnan(change(then, np.zeros_like(then)))
    assert np.isnan(change(then, np.zeros((1, 3), np.float32)))
    assert layer_numbers(then * 2, former=then).numbers["output_change"] == pytest.approx(1)


@given(
    arrays.arrays(
        np.float32,
        arrays.array_shapes(min_dims=4, max_dims=4, max_side=4),
        elements=st.floats(width=32, allow_nan=True, allow_infinity=True),
    )
)
def test_any_map_has_numbers(maps):
    found = layer_numbers(maps, np.ones(maps.shape[:3], np.float32), maps)
    assert found.table.shape == (len(CHANNEL_COLUMNS), maps.shape[-1])
    assert 0 <= found.numbers["sparsity"] <= 1
    assert 0 <= found.numbers["nonfinite"] <= 1
    for name in ("dead", "saturated"):
        assert 0 <= found.numbers[name] <= maps.shape[-1]
    if np.isfinite(maps).any():
        assert found.numbers["minimum"] <= found.numbers["maximum"]


def test_health_and_activations_of_a_saved_and_loaded_model(tmp_path):
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Conv2D(3, 1, use_bias=False, name="conv"),
            layers.ReLU(name="relu"),
            layers.GlobalAveragePooling2D(),
        ]
    )
    kernel = np.zeros((1, 1, 3, 3), np.float32)
    kernel[0, 0, :, 0] = 1 / 3  # the gray input
    kernel[0, 0, :, 1] = -1  # never above zero
    kernel[0, 0, 0, 2] = 1
    model.layers[0].set_weights([kernel])
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    images = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)
    maps = activations(loaded, images, layers="relu")["relu"]
    np.testing.assert_allclose(maps[..., 0], images.mean(-1), atol=1e-6)
    found = health(loaded, images)
    assert list(found) == ["conv", "relu"]
    assert found["relu"].numbers["dead"] == 1
    assert found["relu"].numbers["similarity"] == pytest.approx(1, abs=1e-5)
    assert found["conv"].numbers["dead"] == 0
    assert found["conv"].numbers["weight_norm"] == pytest.approx(np.sqrt(3 / 9 + 3 + 1))
    assert np.isnan(found["relu"].numbers["weight_norm"])  # the convolution represents itself
    alone = health(loaded, images, layers="relu")["relu"].numbers
    assert alone["weight_norm"] == found["conv"].numbers["weight_norm"]
