"""The results of a snapshot are the same on every backend."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest
from backends.agreement import at_three_depths
from backends.nets import Looping, X, array, inspect_model, small, state
from keras import layers, ops
from one_layer import class_gradients

from tbviz.methods.maximization.ascent import maximize
from tbviz.methods.maximization.canvas import canvas_of
from tbviz.methods.maximization.settings import Ascent
from tbviz.scores.class_target import PREDICTED
from tbviz.scores.output_head import head_of
from tbviz.scores.recording import record
from tbviz.taps import backends, keras_private
from tbviz.taps.inspector import ModelInspector

GOLDEN = Path(__file__).parents[1] / "golden" / "gradients.npz"


def test_gradients_are_those_on_any_other_backend():
    expected = np.load(GOLDEN)
    found = at_three_depths()
    assert found.keys() == set(expected.files)
    for name, values in found.items():
        assert np.abs(expected[name]).max() > 0
        # To 1e-5 of the largest.
        scale = np.abs(expected[name]).max()
        np.testing.assert_allclose(values / scale, expected[name] / scale, rtol=0, atol=1e-5)


def test_a_gradient_by_hand():
    # Score of class c = mean over 16 pixels of (norm(maps)) @ kernel[:, c].
    model = small()
    inspector = ModelInspector(model)
    norm = inspector.model_outputs(X).outputs["norm"]
    found = class_gradients(inspector, norm, X, np.array([2, 0, 1, PREDICTED]))
    kernel = array(model.get_layer("classes").kernel)
    assert found.classes[:3].tolist() == [2, 0, 1]
    assert found.classes[3] == array(model(X[3:])).argmax()
    expected = kernel[:, found.classes].T[:, None, None, :] / 16
    np.testing.assert_allclose(found.gradients, np.broadcast_to(expected, (4, 4, 4, 3)), atol=1e-6)
    np.testing.assert_allclose(found.probabilities, array(model(X)), atol=1e-6)


def test_a_recording_has_the_outputs_of_the_layers():
    model = small()
    recording = inspect_model(model)
    conv, norm = array(model.layers[0](X)), None
    norm = array(model.layers[1](conv))
    np.testing.assert_allclose(recording.maps["conv"], conv, atol=1e-6)
    np.testing.assert_allclose(recording.maps["norm"], norm, atol=1e-6)
    np.testing.assert_allclose(recording.output, array(model(X)), atol=1e-6)


@pytest.mark.parametrize("eager", [False, True])
def test_the_score_is_found_before_an_operation_of_the_graph(eager):
    first = keras.Input((6, 6, 2))
    maps = ops.relu(layers.Conv2D(2, 3, name="conv")(first))
    output = ops.softmax(layers.Dense(3)(layers.GlobalAveragePooling2D()(maps + 1.0)))
    model = keras.Model(first, output)
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=eager)
    inspector = ModelInspector(model)
    assert head_of(inspector.model_outputs(X)).target == "score before softmax"
    assert {"conv", "relu", "add"} <= set(inspector.model_outputs(X).outputs)
    recording = inspect_model(model, inspector)
    np.testing.assert_array_equal(recording.maps["relu"], np.maximum(recording.maps["conv"], 0))
    np.testing.assert_allclose(recording.maps["add"], recording.maps["relu"] + 1, atol=1e-6)


def test_a_distribution_without_a_known_origin_is_recognized():
    class Shares(layers.Layer):
        def call(self, values):
            values = ops.exp(values)
            return values / ops.sum(values, axis=-1, keepdims=True)

    stack = [keras.Input((6, 6, 2)), layers.Conv2D(2, 3), layers.GlobalAveragePooling2D()]
    model = keras.Sequential([*stack, layers.Dense(3, name="scores"), Shares()])
    inspector = ModelInspector(model)
    outputs = inspector.model_outputs(X).outputs
    assert head_of(inspector.model_outputs(X)).kind == "distribution"
    recording = record(inspector, [outputs["scores"]], X)
    centered = recording.maps["scores"] - recording.maps["scores"].mean(-1, keepdims=True)
    np.testing.assert_allclose(recording.scores, centered, atol=1e-5)


def test_a_loop_is_recorded_from_outside():
    stack = [keras.Input((6, 6, 2)), Looping(turns=2), layers.Flatten(), layers.Dense(2)]
    model = keras.Sequential(stack)
    inspector = ModelInspector(model)
    outputs = inspector.model_outputs(X).outputs
    recording = record(inspector, [outputs["looping"]], X)
    np.testing.assert_allclose(recording.maps["looping"], array(model.layers[0](X)), atol=1e-5)
    if keras.backend.backend() != "torch":  # where a loop is a plain one
        assert "looping/inner" in inspector.model_outputs(X).unreachable


def test_a_maximization_rises_and_repeats():
    model = small()
    inspector = ModelInspector(model)
    conv, canvas = inspector.model_outputs(X).outputs["conv"], canvas_of(model, X)
    found = [maximize(inspector, conv, [0, 2], canvas, Ascent(steps=6), seed=3) for _ in range(2)]
    assert np.all(found[0].after > found[0].before)
    np.testing.assert_array_equal(found[0].images, found[1].images)


def test_passes_are_compiled_once_over_training_freezing_and_recompiling():
    model = small()
    inspector = ModelInspector(model)
    inspect_model(model, inspector)
    expected = 2 if backends.current().COMPILES else 0
    assert inspector.traces == expected
    for trainable in (False, True):
        model.get_layer("conv").trainable = trainable
        model.compile("adam", "sparse_categorical_crossentropy")
        model.fit(X, np.array([0, 1, 2, 0]), verbose=0)
        maps = inspect_model(model, inspector).maps["conv"]
        np.testing.assert_allclose(maps, array(model.get_layer("conv")(X)), atol=1e-6)
    assert (inspector.traces, inspector.restarts) == (expected, 0)


class Sampling(layers.Layer):
    """Draws whether it trains or not, as a variational autoencoder's does."""

    def __init__(self):
        super().__init__()
        self.seeds = keras.random.SeedGenerator(7)

    def call(self, values):
        return values + keras.random.normal(ops.shape(values), seed=self.seeds)


@pytest.mark.parametrize("eager", [False, True])
def test_all_passes_see_one_draw_and_leave_the_seed_unchanged(eager):
    stack = [keras.Input((6, 6, 2)), Sampling(), layers.Conv2D(2, 3), Sampling()]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(2)]
    model = keras.Sequential([*stack, *head])
    model.compile("sgd", "mse", run_eagerly=eager)
    before = state(model)
    inspector = ModelInspector(model)
    outputs = inspector.model_outputs(X).outputs
    conv = next(output for output in outputs.values() if "conv" in output.key)
    maps = record(inspector, list(outputs.values()), X).maps[conv.key]
    found = class_gradients(inspector, conv, X, np.zeros(4, np.int64))
    np.testing.assert_allclose(found.activations, maps, atol=1e-6)
    canvas = canvas_of(model, X)
    ascents = [maximize(inspector, conv, [0], canvas, Ascent(steps=3)) for _ in range(2)]
    np.testing.assert_array_equal(ascents[0].images, ascents[1].images)
    for old, new in zip(before, state(model), strict=True):
        np.testing.assert_array_equal(old, new)


def test_a_probe_batch_of_another_size_has_a_new_layout():
    first = keras.Input((None, None, 3))
    maps = layers.Conv2D(5, 4, strides=4, name="patches")(first)
    tokens = layers.Dense(5, activation="relu", name="tokens")(layers.Reshape((-1, 5))(maps))
    model = keras.Model(first, layers.Dense(3)(layers.GlobalAveragePooling1D()(tokens)))
    inspector = ModelInspector(model)
    for side in (8, 16):
        images = np.random.default_rng(0).random((2, side, side, 3)).astype(np.float32)
        output = inspector.model_outputs(images).outputs["tokens"]
        found = class_gradients(inspector, output, images, np.array([0, 1]))
        maps = record(inspector, [output], images).maps["tokens"]
        assert maps.shape == found.gradients.shape == (2, side // 4, side // 4, 5)
        np.testing.assert_allclose(maps, found.activations, atol=1e-6)


class Unseeded(layers.Layer):
    """Draws from Keras' global seeds, which are made when they are first asked for."""

    def call(self, values):
        return values + keras.random.normal(ops.shape(values))


@pytest.mark.skipif(keras.backend.backend() == "jax", reason="Keras refuses such a layer on JAX")
def test_a_pass_leaves_the_creation_of_global_seeds_to_training():
    stack = [keras.Input((6, 6, 2)), layers.Conv2D(2, 3, name="conv"), Unseeded()]
    head = [layers.GlobalAveragePooling2D(), layers.Dense(2)]
    model = keras.Sequential([*stack, *head])
    keras_private.exchange_global_seeds(None)
    inspector = ModelInspector(model)
    drawn = [inspect_model(model, inspector).output for _ in range(2)]
    assert keras_private.exchange_global_seeds(None) is None
    np.testing.assert_array_equal(*drawn)
    seeds = keras.random.SeedGenerator(3)
    keras_private.exchange_global_seeds(seeds)
    before = array(seeds.state)
    inspect_model(model, inspector)
    assert keras_private.exchange_global_seeds(None) is seeds
    np.testing.assert_array_equal(array(seeds.state), before)
