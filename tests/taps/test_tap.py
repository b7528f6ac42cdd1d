"""The tap in every case that an unguarded one would break."""

from __future__ import annotations

import gc
import weakref

import keras
import numpy as np
import pytest
import tensorflow as tf
from backends.nets import Compiling, X, attributes, changed, inspect_model, small
from keras import layers
from one_layer import class_gradients

from tbviz.scores.recording import record
from tbviz.taps import keras_private
from tbviz.taps.backends import tensorflow as backend
from tbviz.taps.inspector import ModelInspector
from tbviz.taps.tap import Tap


def test_a_tap_that_cannot_be_set_is_removed_again():
    model = small()
    before = attributes(model)
    with pytest.raises(AttributeError), Tap({"c": model.layers[0], "o": object()}, print, model):
        pass
    assert changed(before, model) == []
    with Tap({"c": model.layers[0]}, lambda key, call, output: output):  # the lock is free
        model(X)


def test_a_tap_replaces_an_output():
    model = keras.Sequential([keras.Input((2,)), layers.Dense(2), layers.Activation("linear")])
    with Tap({"d": model.layers[0]}, lambda key, call, output: output * 0 + 7):
        np.testing.assert_array_equal(model(np.ones((1, 2))), [[7, 7]])
    assert not np.any(np.equal(model(np.ones((1, 2))), 7))


class Branching(Compiling):
    """A model whose own function branches on a tensor, which needs AutoGraph."""

    def middle(self, values):
        values = self.conv(values)
        if tf.reduce_sum(values) > 1e9:
            values = values * 0.0
        return values


@pytest.mark.parametrize("called", [False, True])
def test_a_model_whose_own_function_branches_on_a_tensor_is_inspected(called):
    model = Branching()
    if called:
        model.predict(X, verbose=0)
    recording = inspect_model(model)
    np.testing.assert_allclose(recording.maps["conv"], model.conv(X), atol=1e-6)
    np.testing.assert_allclose(recording.output, model.predict(X, verbose=0), atol=1e-6)


def test_layers_inside_the_models_own_function_are_found():
    model = Compiling()
    assert "conv" in ModelInspector(model).model_outputs(X).outputs


def test_the_seeds_of_eager_operations_do_not_move():
    def drawn(restored):
        tf.random.set_seed(1)
        restore = backend.random_state()
        if restored:
            tf.random.uniform((2,))
            restore()
        return tf.random.normal((3,)).numpy()

    np.testing.assert_array_equal(drawn(restored=False), drawn(restored=True))


def test_quantized_layers_are_tapped():
    model = keras.Sequential([keras.Input((8,)), layers.Dense(4, name="d"), layers.ReLU()])
    model.layers[0].quantize("int8")
    values = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    inspector = ModelInspector(model)
    recording = record(inspector, list(inspector.model_outputs(values).outputs.values()), values)
    np.testing.assert_allclose(recording.maps["re_lu"], model(values), atol=1e-6)
    np.testing.assert_allclose(np.maximum(recording.maps["d"], 0), model(values), atol=1e-6)


def test_rematerialized_layers_are_tapped():
    with keras.RematScope(mode="full"):
        inner = layers.Conv2D(3, 3, activation="relu", name="conv")
        model = keras.Sequential([keras.Input((6, 6, 2)), inner, layers.Flatten(), layers.Dense(2)])
    assert keras_private.is_rematerialized(inner)
    model(X)
    before = attributes(model)
    inspector = ModelInspector(model)
    conv = inspector.model_outputs(X).outputs["conv"]
    found = class_gradients(inspector, conv, X, np.zeros(4))
    assert changed(before, model) == []
    np.testing.assert_allclose(found.activations, inner(X), atol=1e-6)
    kernel = model.layers[-1].kernel.numpy()[:, 0].reshape(4, 4, 3)
    np.testing.assert_allclose(found.gradients, np.broadcast_to(kernel, (4, 4, 4, 3)), atol=1e-6)


def test_a_model_that_needs_to_run_eagerly_is_inspected_eagerly():
    class Printing(layers.Layer):
        def compute_output_shape(self, shape):
            return shape

        def call(self, values):
            return values * float(values.numpy().max())

    model = keras.Sequential([layers.Dense(3, name="d"), Printing(), layers.Dense(2)])
    values = np.random.default_rng(0).normal(size=(2, 8)).astype(np.float32)
    model(values)
    model.compile("sgd", "mse", run_eagerly=True)
    inspector = ModelInspector(model)
    recording = record(inspector, [inspector.model_outputs(values).outputs["d"]], values)
    np.testing.assert_allclose(recording.maps["d"], model.layers[0](values), rtol=1e-6)
    assert inspector.traces == 0


class Knot(layers.Layer):
    """Knows the model that holds it."""

    def call(self, values):
        return values * 1.0


def test_a_deleted_model_is_freed_although_its_inspector_is_held():
    model = keras.Sequential(
        [keras.Input((6, 6, 2)), layers.Conv2D(3, 3), Knot(), layers.Flatten()]
    )
    model.add(layers.Dense(3))
    object.__setattr__(model.layers[1], "owner", model)
    inspector = ModelInspector(model)
    inspect_model(model, inspector)
    gone = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None
    assert inspector.traces
