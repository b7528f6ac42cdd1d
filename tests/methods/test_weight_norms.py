from __future__ import annotations

import keras
import numpy as np
import pytest

from tbviz.methods.layer_health import weight_norms
from tbviz.methods.layer_health.weight_norms import (
    WeightHistory,
    has_kernel,
    weight_norm,
    weight_owner,
)
from tbviz.taps.inspector import inspector_for

K = keras.layers


def dense(*values):
    layer = K.Dense(len(values), use_bias=False)
    layer.build((None, 1))
    layer.set_weights([np.array([values], np.float32)])
    return layer


def test_norm_and_update_by_hand():
    layer, history = dense(3.0, 4.0), WeightHistory()
    assert weight_norm(layer) == 5
    norm, update = history.measure("a", layer)
    assert norm == 5
    assert np.isnan(update)
    layer.set_weights([np.array([[3.0, 4.5]], np.float32)])
    norm, update = history.measure("a", layer)
    assert norm == pytest.approx(np.hypot(3, 4.5))
    assert update == pytest.approx(0.5 / 5)
    assert history.measure("a", layer)[1] == 0
    history.reset()
    assert np.isnan(history.measure("a", layer)[1])


def test_the_stored_weights_are_no_view():
    layer, history = dense(1.0, 0.0), WeightHistory()
    history.measure("a", layer)
    layer.kernel.assign(layer.kernel + 1.0)
    assert history.measure("a", layer)[1] == pytest.approx(np.sqrt(2))


def test_of_many_weights_a_sample_is_compared(monkeypatch):
    monkeypatch.setattr(weight_norms, "MAX_COMPARED", 3)
    layer, history = dense(1.0, 9.0, 1.0, 9.0, 1.0), WeightHistory()
    assert history.measure("a", layer)[0] == pytest.approx(np.sqrt(3 + 2 * 81))
    layer.set_weights([np.array([[2.0, 0.0, 2.0, 0.0, 2.0]], np.float32)])
    assert history.measure("a", layer)[1] == pytest.approx(1)  # of the first, third and fifth


def test_layers_without_weights_have_no_norm():
    history = WeightHistory()
    for layer in (None, K.ReLU()):
        assert np.isnan(weight_norm(layer))
        assert np.isnan(history.measure("a", layer)).all()


@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_weights_that_are_not_finite(wrong):
    layer, history = dense(1.0, wrong), WeightHistory()
    history.measure("a", layer)
    norm, update = history.measure("a", layer)
    assert norm == pytest.approx(wrong, nan_ok=True)
    assert np.isnan(update)


def test_a_changed_shape_and_zeros_have_no_update():
    history = WeightHistory()
    history.measure("a", dense(0.0, 0.0))
    assert np.isnan(history.measure("a", dense(1.0, 1.0))[1])
    assert np.isnan(history.measure("a", dense(1.0))[1])


def test_half_precision_is_read_and_integers_are_not():
    layer = K.Dense(2, use_bias=False, dtype="bfloat16")
    layer.build((None, 1))
    layer.set_weights([np.array([[3.0, 4.0]], np.float32)])
    assert weight_norm(layer) == 5
    quantized = dense(3.0, 4.0)
    quantized.quantize("int8")
    assert np.isnan(weight_norm(quantized))


def test_an_activation_represents_the_layer_before_it():
    image = keras.Input((8, 8, 3))
    first = K.Conv2D(4, 3, padding="same", name="conv")(image)
    value = K.ReLU(name="relu")(K.BatchNormalization(name="norm")(first))
    value = K.MaxPooling2D(name="pool")(K.Conv2D(2, 1, name="other")(value))
    model = keras.Model(image, K.ReLU(name="relu2")(value))
    model_outputs = inspector_for(model).model_outputs(np.zeros((1, 8, 8, 3), np.float32))
    conv, norm, relu, pool, relu2 = (
        model_outputs.outputs[key] for key in ("conv", "norm", "relu", "pool", "relu2")
    )
    assert weight_owner(conv, model_outputs).name == "conv"
    assert weight_owner(norm, model_outputs).name == "norm"  # it has weights of its own
    assert weight_owner(relu, model_outputs).name == "conv"
    assert weight_owner(relu2, model_outputs).name == "other"
    assert weight_owner(pool, model_outputs) is None
    assert weight_owner(relu, model_outputs, [conv]) is None  # it represents itself
    assert has_kernel(conv.node.layer)
    assert not has_kernel(norm.node.layer)
